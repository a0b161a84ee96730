"""Faults from outside the processes: crashes, wrong clocks, outages, damaged snapshots."""

import asyncio
from typing import Final

from event_seating.simulation.chance import Chance
from event_seating.simulation.process import Process, World

HOUR_MS: Final = 3_600_000


class Chaos:
    """Causes a fault in a process from time to time."""

    def __init__(
        self, world: World, processes: list[Process], chance: Chance, *, crashes: bool
    ) -> None:
        self._world = world
        self._processes = processes
        self._chance = chance
        # A crash also clears earlier faults in its process, so some runs have no crashes.
        kinds = [each for each in self._KINDS if crashes or each[1] is not Chaos._crash]
        self._weights = [weight for weight, _ in kinds]
        self._kinds = [kind for _, kind in kinds]

    async def live(self, every_s: float, steps: int) -> None:
        """Cause faults until the run has made so many steps."""
        while self._world.count.steps < steps:
            await asyncio.sleep(self._chance.between(0, 2 * every_s))
            process = self._chance.one_of(self._processes)
            self._chance.weighted(self._kinds, self._weights)(self, process)

    def _fault(self, process: Process, what: str) -> None:
        self._world.count.fault(what)
        self._world.trace(f"{process.name} {what}")

    def _crash(self, process: Process) -> None:
        if process.log is None and self._chance.happens(0.8):
            return
        self._fault(process, "crash")
        process.crash()
        self._world.loop.call_later(self._chance.between(0, 3), process.start)

    def _jump(self, process: Process) -> None:
        self._fault(process, "clock jump")
        most_ms = self._chance.one_of((100, 1_900, 10_000, HOUR_MS))
        process.clock.ahead_ms = int(self._chance.between(-most_ms, most_ms))

    def _suspend(self, process: Process) -> None:
        """Like a laptop that was closed: the clock is wrong, and soon the connections break."""
        self._jump(process)
        self._world.loop.call_later(self._chance.between(0, 0.02), self._cut_off, process)

    def _slow(self, process: Process) -> None:
        self._fault(process, "slow process")
        process.store.factor = self._chance.one_of((1.0, 5.0, 20.0))

    def _cut_off(self, process: Process) -> None:
        self._fault(process, "database away")
        seconds = self._chance.one_of((0.05, 0.5, 3.0, 15.0))
        process.store.away_until = self._world.loop.time() + self._chance.between(0, seconds)

    def _save(self, process: Process) -> None:
        if process.log is not None:
            self._world.count.note("snapshot asked for")
            process.watch(process.save(process.log))

    def _spoil(self, process: Process) -> None:
        snapshots = self._world.database.tables.snapshots
        if not snapshots:
            return
        self._fault(process, "snapshot spoilt")
        newest = snapshots[0]
        spoilt = self._chance.one_of((b"", newest.image[:-1], b"\0\0\0\2no"))
        snapshots[0] = newest._replace(image=spoilt)

    def _look(self, process: Process) -> None:
        if process.log is not None:
            process.watch(process.look_for(process.log, self._world.referee.version))

    _KINDS: Final = (
        (6, _crash),
        (3, _jump),
        (3, _suspend),
        (2, _slow),
        (3, _cut_off),
        (5, _save),
        (1, _spoil),
        (4, _look),
    )
