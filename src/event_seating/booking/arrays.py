"""Who has which seat, in packed arrays.

Owns the half of an event that changes with every sale: one byte of status a seat, who has it, the
counts of every cell, and for each run of neighbours an integer whose bits are its free seats. All
of it is changed by `move` alone, at a cost that depends on the seats that move and not on the
venue. The integers follow when somebody looks at them: most seats are chosen by hand, and then
nobody does. It knows no rule: the ledger says what may move.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from event_seating.booking.index import STATUSES, SeatIndex
from event_seating.booking.records import AVAILABLE, BLOCKED, BOOKED, HELD

RUN_LOG_MAX = 4096
"""Runs remembered as changed; past this, searching anew costs less than catching up."""

Before = dict[int, tuple[int, bytes | None]]
"""Seats that moved, with the status and owner that they had before."""


_BITS: Final = bytes.maketrans(bytes(range(STATUSES)), b"1000")
"""A status as the digit that it is in a mask."""

_MISFITS: Final = {
    AVAILABLE: "is taken twice",
    HELD: "belongs to another",
    BOOKED: "belongs to another",
    BLOCKED: "was not blocked",
}
"""What is wrong with a seat that has not the status from which it is to move."""


class InvariantError(AssertionError):
    """What must be true is not; what was done last must be taken back, and the writer stopped."""


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
    `counts[cell + status]` counts the seats of a cell. `stale` are the runs whose seats moved
    since somebody asked for `masks()`; `touched` lists the runs whose masks changed, `freed`
    those in which a seat became free, both as of then.
    """

    __slots__ = (
        "_area_lowest",
        "_cell_of",
        "_masks",
        "_run_of",
        "_seat_count",
        "counts",
        "freed",
        "index",
        "owner",
        "stale",
        "status",
        "touched",
    )

    def __init__(self, index: SeatIndex) -> None:
        self.index = index
        self.status = bytearray(index.size)
        self.owner: list[bytes | None] = [None] * index.size
        self.counts = [0] * (len(index.cells) * STATUSES)
        self.counts[AVAILABLE::STATUSES] = index.cell_sizes
        self.stale: set[int] = set()
        self.touched = RunLog()
        self.freed = RunLog()
        self._masks = [(1 << run.length) - 1 for run in index.runs]
        # What `move` looks up for every seat, one step nearer.
        self._cell_of, self._run_of = index.cell_of, index.run_of
        self._seat_count = index.seat_count
        self._area_lowest = [area.first for area in index.areas]

    def move(
        self,
        seats: Iterable[int],
        was: int,
        to: int,
        giver: bytes | None,
        owner: bytes | None,
        before: Before,
    ) -> None:
        """Move seats from a status and a giver to another status and an owner.

        What they had goes to `before`, once a seat. `InvariantError` when a seat is not there, is
        named twice, or does not have that status and giver; some may have moved then.
        """
        status, owners, counts, cell_of = self.status, self.owner, self.counts, self._cell_of
        opens, had = to == AVAILABLE, (was, giver)
        try:
            for seat in seats:
                if status[seat] != was or owners[seat] != giver:
                    raise InvariantError(f"seat {seat} {_MISFITS[was]}")
                if seat not in before:
                    before[seat] = had
                status[seat] = to
                owners[seat] = owner
                cell = cell_of[seat]
                counts[cell + was] -= 1
                counts[cell + to] += 1
                if seat < self._seat_count:
                    self.stale.add(self._run_of[seat])
                elif opens:
                    self._lower(seat)
        except IndexError:
            raise InvariantError("there is no such seat") from None

    def put_back(self, before: Before) -> None:
        """Give every seat of `before` the status and owner that it had."""
        forgotten: Before = {}
        for seat, (status, owner) in before.items():
            if (self.status[seat], self.owner[seat]) != (status, owner):
                self.move((seat,), self.status[seat], status, self.owner[seat], owner, forgotten)

    def masks(self) -> Sequence[int]:
        """For each run an integer that has a bit for each of its available seats."""
        if self.stale:
            self._look_again()
        return self._masks

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

    def _look_again(self) -> None:
        """Bring the masks up to date with the statuses."""
        for run in self.stale:
            place, was = self.index.runs[run], self._masks[run]
            bits = self.status[place.first : place.first + place.length].translate(_BITS)
            bits.reverse()
            mask = int(bits, 2)
            if mask != was:
                self._masks[run] = mask
                self.touched.note(run)
                if mask & ~was:
                    self.freed.note(run)
        self.stale.clear()

    def _lower(self, place: int) -> None:
        """Note that a place of an area became free below the lowest that was."""
        area = self.index.area_of(place)
        if area is not None:
            self._area_lowest[area] = min(place, self._area_lowest[area])
