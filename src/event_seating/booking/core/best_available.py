"""The best block of neighbouring seats that is free.

Owns the search. Each search (a filter and a length) keeps the runs in a heap, ordered by the
distance of their best block. A seat that is taken can only make a run worse, so the run's place in
the heap is still a lower bound, and is corrected when the run comes to the top. A run in which a
seat became free goes back to its lowest bound. A run without a block is not in the heap. So a
sold-out hall costs as little as an empty one. The search takes no seat, and all that it remembers
is a cache: without it every answer would be the same.
"""

from collections import OrderedDict
from collections.abc import Collection
from heapq import heappop, heappush, heapreplace
from typing import Final, NamedTuple

from event_seating.booking.core.orphans import block_starts, clean_starts
from event_seating.booking.core.seat_arrays import SeatArrays
from event_seating.booking.core.seat_index import Run

SEARCHES_MAX: Final = 32
"""Remembered searches, each up to 150 bytes a run; few lengths and filters are in use at once."""

FILTERS_MAX: Final = 16
"""Remembered filters, each up to 50 bytes a run."""

HEAP_FACTOR: Final = 3
"""Items a run from which on rebuilding the heap costs less; most of them are out of date then."""

UNKNOWN: Final = -1
"""In `RankedRun.free`: the best block is not computed yet, and the distance is a lower bound."""


class SeatFilter(NamedTuple):
    """Which seats may be chosen: categories and sections by number (`None`: any).

    Without `accessible`, accessible seats and those of companions are left out; with it, a block
    has at least one accessible seat.
    """

    categories: frozenset[int] | None = None
    sections: frozenset[int] | None = None
    accessible: bool = False

    def mask(self, run: Run) -> int:
        """The seats of a run that may be chosen."""
        if self.sections is not None and run.section not in self.sections:
            return 0
        mask = 0
        for category, seats in run.categories:
            if self.categories is None or category in self.categories:
                mask |= seats
        return mask if self.accessible else mask & ~(run.accessible | run.companion)


class RankedRun(NamedTuple):
    """A run in the heap: no block of it comes before `(distance, seat)`.

    That is its best block as long as the free seats of the run are those of the mask `free`.
    `sequence` numbers the items, so that no comparison gets as far as `free`.
    """

    distance: int
    seat: int
    run: int
    sequence: int
    free: int


class Search:
    """The heap of one search, and how many changes of the arrays it has seen."""

    __slots__ = ("epoch", "heap", "newest", "seen", "sequence")

    def __init__(self) -> None:
        self.heap: list[RankedRun] = []
        self.newest: dict[int, RankedRun] = {}
        self.seen = 0
        self.epoch = -1
        self.sequence = 0


class BestFinder:
    """Finds blocks in the arrays of one event."""

    def __init__(self, arrays: SeatArrays) -> None:
        self._arrays = arrays
        self._masks: OrderedDict[SeatFilter, dict[int, int]] = OrderedDict()
        self._searches: OrderedDict[tuple[SeatFilter, int, bool], Search] = OrderedDict()

    def find(
        self,
        wanted: SeatFilter,
        quantity: int,
        *,
        clean: bool = False,
        hidden: Collection[int] = (),
    ) -> int | None:
        """The first seat of the nearest free block, the lowest number among equals.

        `clean`: only blocks that leave no single free seat beside them. `None`: there is none.
        Seats that are `hidden` are in no block. There are few of them, and few commands have any,
        so the runs that they are in are searched one by one.
        """
        if not hidden:
            nearest = self._nearest(wanted, quantity, clean)
            return None if nearest is None else nearest.seat
        masks, free, run_of = self._eligible(wanted), self._arrays.masks, self._arrays.index.run_of
        limit, seats = self._arrays.index.seat_count, tuple(hidden)
        excluded = {run_of[seat] for seat in seats if seat < limit}
        found = self._nearest(wanted, quantity, clean, excluded)
        best = None if found is None else (found.distance, found.seat)
        for run in excluded & masks.keys():
            mask = masks[run] & ~self._arrays.bits(run, seats)
            own = self._best_of(run, free[run], mask, wanted, quantity, clean)
            if own is not None and (best is None or own < best):
                best = own
        return None if best is None else best[1]

    def _nearest(
        self, wanted: SeatFilter, quantity: int, clean: bool, excluded: Collection[int] = ()
    ) -> RankedRun | None:
        """The best block of all runs except the `excluded` ones."""
        search = self._caught_up(wanted, quantity, clean)
        set_aside: list[RankedRun] = []
        try:
            return self._first(search, wanted, quantity, clean, excluded, set_aside)
        finally:
            for item in set_aside:
                heappush(search.heap, item)

    def _first(
        self,
        search: Search,
        wanted: SeatFilter,
        quantity: int,
        clean: bool,
        excluded: Collection[int],
        set_aside: list[RankedRun],
    ) -> RankedRun | None:
        """As `_nearest`; moves the items of excluded runs from the heap to `set_aside`."""
        masks, heap, free = self._eligible(wanted), search.heap, self._arrays.masks
        while heap:
            top = heap[0]
            if search.newest.get(top.run) is not top:
                heappop(heap)
                continue
            if top.run in excluded:
                set_aside.append(heappop(heap))
                continue
            if top.free == free[top.run]:
                return top
            best = self._best_of(top.run, free[top.run], masks[top.run], wanted, quantity, clean)
            if best is None:
                heappop(heap)
                del search.newest[top.run]
                continue
            search.sequence += 1
            item = RankedRun(*best, top.run, search.sequence, free[top.run])
            search.newest[top.run] = item
            heapreplace(heap, item)
        return None

    def available(self, wanted: SeatFilter, *, accessible_only: bool = False) -> int:
        """How many seats of the filter are available, together or not."""
        cells = [
            number
            for number, cell in enumerate(self._arrays.index.cells)
            if cell.area < 0
            and (wanted.categories is None or cell.category in wanted.categories)
            and (wanted.sections is None or cell.section in wanted.sections)
            and (wanted.accessible or not (cell.accessible or cell.companion))
            and (cell.accessible or not accessible_only)
        ]
        return self._arrays.count(cells)

    def _best_of(
        self, number: int, free: int, mask: int, wanted: SeatFilter, quantity: int, clean: bool
    ) -> tuple[int, int] | None:
        """The distance and first seat of a run's best block."""
        index = self._arrays.index
        run, sums = index.runs[number], index.distance_sums
        starts = block_starts(free & mask, quantity)
        if starts and wanted.accessible:
            starts &= _starts_reaching(run.accessible, quantity)
        if clean:
            starts = clean_starts(starts, free, quantity)
        best = None
        while starts:
            lowest = starts & -starts
            starts ^= lowest
            seat = run.first + lowest.bit_length() - 1
            distance = sums[seat + quantity] - sums[seat]
            if best is None or distance < best[0]:
                best = (distance, seat)
        return best

    def _eligible(self, wanted: SeatFilter) -> dict[int, int]:
        """A mask of the filter's seats for each run that has any, the nearest run first."""
        masks = self._masks.get(wanted)
        if masks is None:
            index = self._arrays.index
            masks = {
                run: mask
                for run in index.runs_by_distance
                if (mask := wanted.mask(index.runs[run]))
            }
            self._masks[wanted] = masks
            if len(self._masks) > FILTERS_MAX:
                self._masks.popitem(last=False)
        else:
            self._masks.move_to_end(wanted)
        return masks

    def _caught_up(self, wanted: SeatFilter, quantity: int, clean: bool) -> Search:
        """The search, after it has taken note of every run that may have become better."""
        key = (wanted, quantity, clean)
        search = self._searches.get(key)
        if search is None:
            search = self._searches[key] = Search()
            if len(self._searches) > SEARCHES_MAX:
                self._searches.popitem(last=False)
        else:
            self._searches.move_to_end(key)
        arrays = self._arrays
        # Taking a seat can make a block clean; without `clean`, only freeing one helps.
        changed = arrays.touched if clean else arrays.freed
        masks = self._eligible(wanted)
        if search.epoch != changed.epoch or len(search.heap) > HEAP_FACTOR * len(masks):
            search.heap.clear()
            search.newest.clear()
            for run in masks:
                self._push_bound(search, run, quantity)
            search.epoch = changed.epoch
        elif search.seen < len(changed.runs):
            for run in set(changed.runs[search.seen :]):
                known = search.newest.get(run)
                if run in masks and (known is None or known.free != UNKNOWN):
                    self._push_bound(search, run, quantity)
        search.seen = len(changed.runs)
        return search

    def _push_bound(self, search: Search, number: int, quantity: int) -> None:
        """Put a run into the heap at its lower bound; its best block is computed at the top."""
        run = self._arrays.index.runs[number]
        search.sequence += 1
        item = RankedRun(run.near * quantity, run.first, number, search.sequence, UNKNOWN)
        search.newest[number] = item
        heappush(search.heap, item)


def _starts_reaching(seats: int, quantity: int) -> int:
    """The starts of blocks of `quantity` that contain at least one of these seats."""
    reached = 0
    for shift in range(quantity):
        reached |= seats >> shift
    return reached
