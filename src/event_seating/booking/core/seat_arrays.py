"""Who has which seat, in packed arrays.

Owns the half of an event that changes with every sale: one byte of status a seat, who has it, the
counts of every cell, and for each run of neighbours an integer whose bits are its free seats. Seats
move by `move` alone, at a cost that depends on them and not on the venue. Counts and masks are
brought up to date only when they are read: most seats are chosen by hand, which needs neither, and
many are free again by the next read. It knows no rule: the ledger says what may move.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from event_seating.booking.core.records import AVAILABLE, BLOCKED, BOOKED, HELD
from event_seating.booking.core.seat_index import STATUSES, SeatIndex

RUN_LOG_MAX: Final = 4096
"""Runs remembered as changed; past this, a new search costs less than catching up."""

BEHIND_MAX: Final = 4096
"""Moves that counts and masks may be behind; catching up takes 1.5 ms. It takes longer only after
an operation that moves more seats than this."""

Before = dict[int, tuple[int, bytes | None]]
"""Seats that moved, with the status and owner that they had before."""


_BITS: Final = bytes.maketrans(bytes(range(STATUSES)), b"1000")
"""From a status to its digit in a mask."""

_MISFITS: Final = {
    AVAILABLE: "is taken twice",
    HELD: "belongs to another",
    BOOKED: "belongs to another",
    BLOCKED: "was not blocked",
}
"""What is wrong with a seat that does not have the status it should move from."""


class InvariantError(AssertionError):
    """An invariant is violated: roll the last change back, and stop the writer."""


class RunLog:
    """Runs that changed, in order; when `epoch` rises, the earlier ones were forgotten."""

    __slots__ = ("epoch", "runs")

    def __init__(self) -> None:
        self.runs: list[int] = []
        self.epoch = 0

    def note(self, run: int) -> None:
        """Remember a run, and forget all runs when there are too many."""
        runs = self.runs
        runs.append(run)
        if len(runs) > RUN_LOG_MAX:
            runs.clear()
            self.epoch += 1


class SeatArrays:
    """The present status and owner of every seat and place.

    `status[number]` is a status, `owner[number]` the id of the hold or booking that has the seat.
    """

    __slots__ = (
        "_area_lowest",
        "_counted",
        "_counts",
        "_freed",
        "_masks",
        "_moved",
        "_touched",
        "index",
        "owner",
        "status",
    )

    def __init__(self, index: SeatIndex) -> None:
        self.index = index
        self.status = bytearray(index.size)
        self.owner: list[bytes | None] = [None] * index.size
        self._moved: list[int] = []
        """Seats that moved since counts and masks were last updated, once for each move."""
        self._counted = bytearray(index.size)
        """The status of every seat as counts and masks have it."""
        self._counts = [0] * (len(index.cells) * STATUSES)
        self._counts[AVAILABLE::STATUSES] = index.cell_sizes
        self._masks = [(1 << run.length) - 1 for run in index.runs]
        self._touched, self._freed = RunLog(), RunLog()
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

        Their previous status and owner go to `before`, once for each seat. Raises `InvariantError`
        when a seat does not exist, is named twice, or does not have that status and giver; some
        seats may have moved then.
        """
        status, owners, moved, had = self.status, self.owner, self._moved, (was, giver)
        try:
            for seat in seats:
                if status[seat] != was or owners[seat] != giver:
                    raise InvariantError(f"seat {seat} {_MISFITS[was]}")
                if seat not in before:
                    before[seat] = had
                status[seat] = to
                owners[seat] = owner
                moved.append(seat)
        except IndexError:
            raise InvariantError("there is no such seat") from None
        if len(moved) > BEHIND_MAX:
            self._catch_up()

    def restore(self, before: Before) -> None:
        """Give every seat of `before` the status and owner that it had."""
        forgotten: Before = {}
        for seat, (status, owner) in before.items():
            if (self.status[seat], self.owner[seat]) != (status, owner):
                self.move((seat,), self.status[seat], status, self.owner[seat], owner, forgotten)

    @property
    def masks(self) -> Sequence[int]:
        """For each run an integer that has a bit for each of its available seats."""
        self._catch_up()
        return self._masks

    @property
    def touched(self) -> RunLog:
        """The runs whose masks changed."""
        self._catch_up()
        return self._touched

    @property
    def freed(self) -> RunLog:
        """The runs in which a seat became free."""
        self._catch_up()
        return self._freed

    @property
    def counts(self) -> Sequence[int]:
        """At `cell + status`, how many seats of a cell have a status."""
        self._catch_up()
        return self._counts

    def lowest(self, area: int, quantity: int, status: int = AVAILABLE) -> list[int]:
        """The lowest places of an area with this status, by number: at most `quantity`."""
        self._catch_up()
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
        """A mask of the seats that are in this run."""
        first, length = self.index.run_firsts[run], self.index.runs[run].length
        mask = 0
        for seat in seats:
            if 0 <= seat - first < length:
                mask |= 1 << (seat - first)
        return mask

    def recount(self, seats: Iterable[int]) -> None:
        """Update counts and masks to the present statuses of these seats."""
        status, counted, counts = self.status, self._counted, self._counts
        cell_of, run_of, seat_count = self.index.cell_of, self.index.run_of, self.index.seat_count
        runs: set[int] = set()
        for seat in seats:
            was, now = counted[seat], status[seat]
            if now == was:
                continue
            counted[seat] = now
            cell = cell_of[seat]
            counts[cell + was] -= 1
            counts[cell + now] += 1
            if seat < seat_count:
                runs.add(run_of[seat])
            elif now == AVAILABLE:
                self._lower(seat)
        for run in runs:
            self._update_run(run)

    def _catch_up(self) -> None:
        """Update counts and masks to all moves so far."""
        if self._moved:
            self.recount(self._moved)
            self._moved.clear()

    def _update_run(self, run: int) -> None:
        place, was = self.index.runs[run], self._masks[run]
        bits = self.status[place.first : place.first + place.length].translate(_BITS)
        bits.reverse()
        mask = int(bits, 2)
        if mask != was:
            self._masks[run] = mask
            self._touched.note(run)
            if mask & ~was:
                self._freed.note(run)

    def _lower(self, place: int) -> None:
        """Note that a place of an area became free, which may be the lowest free one now."""
        area = self.index.area_of(place)
        if area is not None:
            self._area_lowest[area] = min(place, self._area_lowest[area])
