"""One run of the simulation, from its seed to its outcome."""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import structlog

from event_seating.booking.core import log_entries
from event_seating.booking.core.invariants import difference
from event_seating.booking.core.records import SaleStatus
from event_seating.booking.core.seat_index import AreaPlan, RowPlan, SeatIndex, SeatPlan
from event_seating.booking.core.seat_state import SeatStates
from event_seating.booking.core.state_codec import BrokenSnapshotError
from event_seating.booking.seat_log.ports import StoredSnapshot
from event_seating.booking.seat_log.projection import CONFIRMED
from event_seating.simulation.chance import Chance
from event_seating.simulation.chaos import Chaos
from event_seating.simulation.clients import ClientCall, SimulatedClient
from event_seating.simulation.compared import compare_all
from event_seating.simulation.database import SimulatedDatabase, Written
from event_seating.simulation.faults import Count, FaultRates
from event_seating.simulation.loop import new_loop
from event_seating.simulation.process import Process, Replacements, World
from event_seating.simulation.referee import Referee
from event_seating.simulation.seen import Broken
from event_seating.simulation.store import LATE_COMMIT_MAX_S
from event_seating.simulation.wishes import Wishes

EVENT_ID: Final = "simulated001"

GRACE_MS: Final = 2_000
"""The grace for late bookings: a few calls long, so that some bookings are in time, some not."""

TRACE_LINES: Final = 30
"""Lines of the trace that a failed run shows."""

CANCELLED: Final = 0.2
"""The share of runs in which the event is cancelled at the end."""

VISIBLE_AFTER_MS: Final = 2_000
"""An expiry is visible within a second; twice that is too late."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """The outcome of a run; `broken` is the first failed check, if any."""

    seed: int
    steps: int
    versions: int
    trace_hash: str
    happened: Counter[str]
    broken: str | None
    trace: tuple[str, ...]


def seat_index(chance: Chance) -> SeatIndex:
    """A small hall, so that clients compete: rows of two categories, and two areas."""
    rows = [
        RowPlan(
            "A",
            str(row),
            [
                SeatPlan(f"A-{row}-{col}", col * 10.0, row * 10.0, "1" if row else "2", col)
                for col in range(4 + chance.below(5))
            ],
        )
        for row in range(2 + chance.below(2))
    ]
    return SeatIndex(rows, [AreaPlan("floor", 6, "floor"), AreaPlan("stand", 3, "1")])


class Simulation:
    """The world of one run, made from its seed."""

    def __init__(self, seed: int, steps: int, parts: Replacements | None = None) -> None:
        self.seed = seed
        self._steps = steps
        self._hash = blake2b(digest_size=16)
        self._trace: deque[str] = deque(maxlen=TRACE_LINES)
        self._broken: str | None = None
        chance = Chance(seed, "world")
        loop, index = new_loop(), seat_index(chance)
        referee = Referee(EVENT_ID, index.size, GRACE_MS)
        self._world = World(
            event_id=EVENT_ID,
            index=index,
            grace_ms=GRACE_MS,
            loop=loop,
            database=SimulatedDatabase(loop, self._committed),
            referee=referee,
            faults=FaultRates.drawn(chance),
            count=Count(),
            parts=parts or Replacements(),
            fail=self._fail,
            trace=self._note,
        )
        self._processes = [
            Process(f"p{number}", self._world, Chance(seed, f"process {number}"))
            for number in range(2 + chance.below(4))
        ]
        self._wishes = Wishes(index, referee, Chance(seed, "wishes"))
        self._clients = [
            SimulatedClient(name, self._world, self._processes, self._wishes, Chance(seed, name))
            for name in (f"c{number}" for number in range(2 + chance.below(9)))
        ]
        self._think_s = chance.one_of((0.01, 0.05, 0.3))
        self._chaos_every_s = chance.one_of((0.1, 0.4, 2.0))
        self._crashes = chance.happens(0.7)

    def run(self) -> RunOutcome:
        """Run it to the end, or to the first failed check."""
        world = self._world
        with _silence():
            try:
                world.loop.run(self._main())
            except (Broken, AssertionError, RuntimeError) as error:
                self._fail(f"{error!r}")
        if world.loop.failures:
            self._fail(world.loop.failures[0])
        for process in self._processes:
            if process.log is not None:
                world.count.note("lost race", process.log.conflicts)
        world.count.note("late booking", world.referee.late_bookings)
        world.count.note("hold expired", world.referee.expired)
        return RunOutcome(
            self.seed,
            world.count.steps,
            world.referee.version,
            self._hash.hexdigest(),
            world.count.happened,
            self._broken,
            tuple(self._trace),
        )

    async def _main(self) -> None:
        await self._begin()
        chance = Chance(self.seed, "end")
        await self._live(self._steps)
        if chance.happens(CANCELLED):
            await self._clients[0].ask(ClientCall(self._wishes.end, None), "Configure")
            await self._live(self._steps + self._steps // 20)
        await self._recover()
        for client in self._clients:
            await client.settle_up()
        await self._wind_up()
        await self._compare()

    async def _begin(self) -> None:
        """One process writes the first row; then the others load."""
        world, (first, *others) = self._world, self._processes
        first.start()
        while world.referee.version == 0:
            await asyncio.sleep(1)
            if first.log is not None:
                await self._clients[0].ask(ClientCall(self._wishes.first, None), "Configure")
        for process in others:
            process.start()

    async def _live(self, steps: int) -> None:
        chance = Chance(self.seed, f"chaos to {steps}")
        chaos = Chaos(self._world, self._processes, chance, crashes=self._crashes)
        actors = [client.live(self._think_s, steps) for client in self._clients]
        await asyncio.gather(*actors, chaos.live(self._chaos_every_s, steps))

    async def _recover(self) -> None:
        """Stop all faults, and wait until late commits have landed."""
        self._world.faults.stop()
        await asyncio.sleep(LATE_COMMIT_MAX_S)
        for process in self._processes:
            process.recover()
        await asyncio.sleep(LATE_COMMIT_MAX_S)

    async def _wind_up(self) -> None:
        """After repeated `WindUp` commands a cancelled event must have no holds and bookings."""
        referee = self._world.referee
        if referee.configured is None or referee.configured[0].status != SaleStatus.cancelled:
            return
        for _ in range(len(referee.began) + 1):
            before = referee.version
            answered = await self._clients[0].ask(ClientCall(self._wishes.wind_up, None), "WindUp")
            if answered and referee.version == before:
                break
        kept = [key for key, booking in referee.bookings.items() if booking.status == CONFIRMED]
        if referee.live or kept:
            self._fail("a cancelled event still has holds or bookings")

    async def _compare(self) -> None:
        """Compare every process, snapshot and table with a replay of the whole log."""
        world = self._world
        caught_up = [await process.catch_up() for process in self._processes]
        while any(states.version < world.referee.version for states in caught_up):
            # A sweep wrote another row meanwhile.
            caught_up = [await process.catch_up() for process in self._processes]
        states = SeatStates.new(world.index, grace_ms=GRACE_MS)
        at = {row.version: row for row in world.database.tables.rows}
        for version in range(1, world.referee.version + 1):
            row = at[version]
            states.apply(version, row.at_ms, log_entries.decode(row.format, row.entries))
            for saved in world.database.tables.snapshots:
                if saved.version == version:
                    self._compare_snapshot(saved, states)
        states.check()
        compare_all(world.referee, world.database.tables)
        late_ms = world.database.now_ms() - VISIBLE_AFTER_MS
        if any(hold.expires_ms < late_ms for hold in world.referee.live.values()):
            self._fail("nobody swept a hold that ran out")
        for process, theirs in zip(self._processes, caught_up, strict=True):
            process.check_alive()
            if what := difference(theirs.ledger, states.ledger):
                self._fail(f"{process.name} has other {what} than the log")

    def _compare_snapshot(self, saved: StoredSnapshot, states: SeatStates) -> None:
        try:
            loaded = SeatStates.load(self._world.index, saved.image, grace_ms=GRACE_MS)
        except BrokenSnapshotError:
            self._world.count.note("snapshot unreadable at the end")
            return
        if what := difference(loaded.ledger, states.ledger):
            self._fail(f"the snapshot of version {saved.version} has other {what} than the log")

    def _committed(self, written: Written) -> None:
        try:
            self._world.referee.follow(written, self._world.database.tables)
        except Broken as broken:
            self._fail(str(broken))
        row = written[0]
        self._note(f"version {row.version}, {len(row.entries)} bytes, {row.batch_id.hex()}")

    def _note(self, line: str) -> None:
        line = f"{self._world.loop.now_ns} {line}"
        self._hash.update(line.encode())
        self._trace.append(line)

    def _fail(self, what: str) -> None:
        """Record the first failed check and stop; later ones are consequences."""
        if self._broken is None:
            self._broken = what
            self._note(f"BROKEN: {what}")
        self._world.loop.stopped = True


@contextmanager
def _silence() -> Iterator[None]:
    """Drop the writer's log lines about faults, which are expected here."""
    before = structlog.get_config()
    structlog.configure(processors=[_drop])
    try:
        yield
    finally:
        structlog.configure(**before)


def _drop(_logger: object, _method: str, _line: MutableMapping[str, Any]) -> str:
    raise structlog.DropEvent
