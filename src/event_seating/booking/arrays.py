"""Who has which seat, in packed arrays.

Owns the half of an event that changes with every sale: one byte of status a seat, who has it, the
counts of every cell, and for each run of neighbours an integer whose bits are its free seats. All
of it is changed by `move` alone, in step, at a cost that depends on the seats that move and not on
the venue. It knows no rule: the ledger says what may move.
"""

from collections.abc import Iterable, Sequence

from event_seating.booking.index import STATUSES, SeatIndex
from event_seating.booking.records import AVAILABLE

RUN_LOG_MAX = 4096
"""Runs remembered as changed; past this, searching anew costs less than catching up."""

Before = dict[int, tuple[int, bytes | None]]
"""Seats that moved, with the status and owner that they had before."""


class RunLog:
    """Runs that changed, in order; when `epoch` rises, the beginning was forgotten."""

    __slots__ = ("epoch", "runs")

    def __init__(self) -> None:
        self.runs: list[int] = []
        self.epoch = 0

    def note(self, run: int) -> None:
        """Remember a run, and forget everything when it has become too much."""
        runs = self.runs
        runs.append(run)
        if len(runs) > RUN_LOG_MAX:
            runs.clear()
            self.epoch += 1


class SeatArrays:
    """The present status and owner of every seat and place.

    `status[number]` is a status, `owner[number]` the id of the hold or booking that has the seat.
    `counts[cell + status]` counts the seats of a cell. `free[run]` has a bit for each available
    seat of a run, `versions[run]` rises with each change of them. `touched` lists the runs whose
    bits changed, `freed` those in which a seat became free.
    """

    __slots__ = (
        "_area_lowest",
        "_cell_of",
        "_run_firsts",
        "_run_of",
        "_seat_count",
        "counts",
        "free",
        "freed",
        "index",
        "owner",
        "status",
        "touched",
        "versions",
    )

    def __init__(self, index: SeatIndex) -> None:
        self.index = index
        self.status = bytearray(index.size)
        self.owner: list[bytes | None] = [None] * index.size
        self.counts = [0] * (len(index.cells) * STATUSES)
        self.counts[AVAILABLE::STATUSES] = index.cell_sizes
        self.free = [(1 << run.length) - 1 for run in index.runs]
        self.versions = [0] * len(index.runs)
        self.touched = RunLog()
        self.freed = RunLog()
        # What `move` looks up for every seat, one step nearer.
        self._cell_of, self._seat_count = index.cell_of, index.seat_count
        self._run_of, self._run_firsts = index.run_of, index.run_firsts
        self._area_lowest = [area.first for area in index.areas]

    def move(self, seats: Iterable[int], to: int, owner: bytes | None, before: Before) -> None:
        """Give the seats this status and owner; what they had goes to `before`, once a seat."""
        status, owners, counts, cell_of = self.status, self.owner, self.counts, self._cell_of
        opens = to == AVAILABLE
        for seat in seats:
            was = status[seat]
            if seat not in before:
                before[seat] = (was, owners[seat])
            status[seat] = to
            owners[seat] = owner
            cell = cell_of[seat]
            counts[cell + was] -= 1
            counts[cell + to] += 1
            if (was == AVAILABLE) is not opens:
                if seat < self._seat_count:
                    run = self._run_of[seat]
                    self.free[run] ^= 1 << (seat - self._run_firsts[run])
                    self.versions[run] += 1
                    self.touched.note(run)
                    if opens:
                        self.freed.note(run)
                elif opens:
                    self._lower(seat)

    def put_back(self, before: Before) -> None:
        """Give every seat of `before` the status and owner that it had."""
        forgotten: Before = {}
        for seat, (status, owner) in before.items():
            self.move((seat,), status, owner, forgotten)

    def lowest(self, area: int, quantity: int, status: int = AVAILABLE) -> list[int]:
        """The lowest numbers of an area's places with this status, `quantity` or what is left."""
        place = self.index.areas[area]
        end = place.first + place.capacity
        at = self._area_lowest[area] if status == AVAILABLE else place.first
        found: list[int] = []
        while len(found) < quantity:
            at = self.status.find(status, at, end)
            if at < 0:
                break
            if status == AVAILABLE and not found:
                self._area_lowest[area] = at
            found.append(at)
            at += 1
        return found

    def count(self, cells: Iterable[int], status: int = AVAILABLE) -> int:
        """How many seats of these cells (by number) have this status."""
        counts = self.counts
        return sum(counts[cell * STATUSES + status] for cell in cells)

    def bits(self, run: int, seats: Sequence[int]) -> int:
        """The mask of those seats that are of this run."""
        first, length = self.index.run_firsts[run], self.index.runs[run].length
        mask = 0
        for seat in seats:
            if 0 <= seat - first < length:
                mask |= 1 << (seat - first)
        return mask

    def _lower(self, place: int) -> None:
        """Note that a place of an area became free below the lowest that was."""
        area = self.index.area_of(place)
        if area is not None:
            self._area_lowest[area] = min(place, self._area_lowest[area])
