"""A simulated process: the real state and writer of one event, and a clock that is often wrong.

It loads its state from snapshot and log, answers calls, sweeps, and can be killed at any await:
then all its memory is gone, and callers that waited get no answer. Its published statuses are
compared with the log after every change.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

from event_seating.booking.core.log_entries import Entry
from event_seating.booking.core.refusals import Refusal
from event_seating.booking.core.seat_index import SeatIndex
from event_seating.booking.core.seat_state import SeatStates
from event_seating.booking.seat_log import state_snapshots
from event_seating.booking.seat_log.registry import SWEEP_EVERY_S
from event_seating.booking.seat_log.submission import Granted, Submission
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.clock import NS_PER_MS
from event_seating.errors import DatabaseUnavailable
from event_seating.simulation.chance import Chance
from event_seating.simulation.database import STARTED_MS, SimulatedDatabase, Transaction
from event_seating.simulation.faults import Count, FaultRates
from event_seating.simulation.loop import Tasks, VirtualLoop
from event_seating.simulation.referee import Referee
from event_seating.simulation.store import FaultyStore

TRY_AGAIN_S: Final = 0.2
"""A process that cannot load tries again after this."""

CHECK_EVERY: Final = 16
"""Changes of a process after which its whole state is checked by a full count."""


@dataclass(frozen=True, slots=True)
class Replacements:
    """The parts under test; a test puts a variant with a bug in place of one."""

    log: type[SeatLog] = SeatLog
    transaction: type[Transaction] = Transaction
    states: Callable[[SeatStates], SeatStates] = lambda states: states


@dataclass(slots=True)
class World:
    """Everything that the processes of a simulation share."""

    event_id: str
    index: SeatIndex
    grace_ms: int
    loop: VirtualLoop
    database: SimulatedDatabase
    referee: Referee
    faults: FaultRates
    count: Count
    parts: Replacements
    fail: Callable[[str], None]
    """Report that a check failed."""
    trace: Callable[[str], None]


class WrongClock:
    """A clock that is off by `ahead_ms` until it is set."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.ahead_ms = 0
        self._loop = loop

    def now_ms(self) -> int:
        """Milliseconds since 1970 by this clock."""
        return STARTED_MS + self._loop.now_ns // NS_PER_MS + self.ahead_ms

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._loop.time()


class Process:
    """One process, which can crash and start again."""

    def __init__(self, name: str, world: World, chance: Chance) -> None:
        self.name = name
        self.log: SeatLog | None = None
        """The event in memory; `None` while the process loads or is down."""
        self.store = self._connection(world, chance)
        self.clock = WrongClock(world.loop)
        self._world = world
        self._chance = chance
        self._tasks = Tasks()
        self._changes = 0

    def _connection(self, world: World, chance: Chance) -> FaultyStore:
        return FaultyStore(
            world.database, world.faults, chance, world.count, world.parts.transaction
        )

    # Life and death

    def start(self) -> None:
        """Start with empty memory."""
        self.store = self._connection(self._world, self._chance)
        self.clock.ahead_ms = 0
        self._tasks = Tasks()
        self.watch(self._live())

    def watch(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run work that nobody waits for and that must not fail."""

        def look(task: asyncio.Task[Any]) -> None:
            error = None if task.cancelled() else task.exception()
            if error is not None:
                self._world.fail(f"{self.name}: {error!r}")

        self.spawn(work).add_done_callback(look)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Run work in this process; a crash cancels it."""
        return self._world.loop.create_task(work, context=self._tasks.context.copy())

    def crash(self) -> None:
        """Crash now: cancel all work and forget everything."""
        self.store.crash()
        if self.log is not None:
            self._world.count.note("lost race", self.log.conflicts)
        self.log = None
        self._tasks.cancel()
        self._tasks = Tasks()

    async def _live(self) -> None:
        log = await self._load()
        self._changed(log, {}, ())
        self.log = log
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            await log.sweep()

    async def _load(self) -> SeatLog:
        world = self._world
        while True:
            try:
                states = await state_snapshots.load(
                    world.event_id, world.index, self.store, grace_ms=world.grace_ms
                )
            except DatabaseUnavailable:
                await asyncio.sleep(TRY_AGAIN_S)
                continue
            return world.parts.log(
                world.event_id,
                world.parts.states(states),
                self.store,
                self.clock,
                listeners=[self._changed],
                new_id=self._chance.key,
                set_clock=self._set_clock,
            )

    async def _set_clock(self) -> None:
        await self.store.trip()
        self.clock.ahead_ms = self._chance.below(40) - 20
        self._world.count.note("clock set")

    # Called by clients and chaos

    async def ask(self, log: SeatLog, submission: Callable[[], Submission]) -> Granted | Refusal:
        """Submit a command to the writer."""
        return await log.submit(submission())

    async def save(self, log: SeatLog) -> None:
        """Write a snapshot."""
        try:
            await state_snapshots.save(self._world.event_id, log.states, self.store)
        except DatabaseUnavailable:
            return
        self._world.count.note("snapshot written")

    async def look_for(self, log: SeatLog, version: int) -> None:
        """Catch up once; the state must then have `version`, which another process committed."""
        try:
            await log.catch_up()
        except DatabaseUnavailable:
            return
        if log.states.version < version:
            self._world.fail(f"{self.name} has not found version {version}, which is committed")

    async def catch_up(self) -> SeatStates:
        """The state with all rows, once the faults have stopped."""
        while self.log is None:  # noqa: ASYNC110 (it may die again before it is up)
            await asyncio.sleep(TRY_AGAIN_S)
        await self.log.drained()
        await self.log.catch_up()
        return self.log.states

    def recover(self) -> None:
        """End the faults of clock, speed and network."""
        self.clock.ahead_ms = 0
        self.store.factor, self.store.away_until = 1.0, 0.0

    # Checks

    def _changed(self, log: SeatLog, changes: dict[int, int], entries: Sequence[Entry]) -> None:
        del changes, entries
        referee, version = self._world.referee, log.states.version
        if version > referee.version:
            self._world.fail(f"{self.name} shows version {version}, which is not committed")
            return
        if bytes(log.states.ledger.published) != referee.characters[version]:
            self._world.fail(f"{self.name} shows other seats in version {version} than the log")
        self._changes += 1
        if self._changes % CHECK_EVERY == 0:
            self.check(log)

    def check(self, log: SeatLog) -> None:
        """Recount everything."""
        try:
            log.states.check()
        except AssertionError as error:
            self._world.fail(f"{self.name}: {error}")

    def check_alive(self) -> None:
        """The writer must not have gone out of service."""
        if self.log is not None and self.log.broken is not None:
            self._world.fail(f"{self.name} stopped: {self.log.broken}")
