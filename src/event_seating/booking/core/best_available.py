"""The best block of neighbouring seats that is free.

Owns the search. Each search (a filter and a length) keeps the runs of neighbours in a heap by how
near their best block is, and what it knows of a run stays true until a seat of it moves: a seat
that is taken can only make a run worse, so its place in the heap is still a lower bound and is put
right when it comes to the top; a run in which a seat became free goes back to its lowest bound; a
run without a block is not in the heap at all. So a sold-out hall costs as little as an empty one.
It only looks; it never takes a seat, and forgetting all it remembers would change no answer.
"""

from collections import OrderedDict
from collections.abc import Collection
from heapq import heappop, heappush, heapreplace
from typing import Final, NamedTuple

from event_seating.booking.core.orphans import block_starts, clean_starts
from event_seating.booking.core.seat_arrays import SeatArrays
from event_seating.booking.core.seat_index import Run

SEARCHES_MAX: Final = 32
"""Remembered searches, each up to 150 bytes a run; people ask for few lengths and filters."""

FILTERS_MAX: Final = 16
"""Remembered filters, each up to 50 bytes a run."""

HEAP_FACTOR: Final = 3
"""So many items a run, most of them out of date: then rebuilding the heap costs less."""

UNKNOWN: Final = -1
"""The mask of a run whose best block was not looked for: its place in the heap is a bound."""


class SeatFilter(NamedTuple):
    """Which seats may be chosen: categories and sections by number (`None`: any).

    Without `accessible` neither accessible seats nor those of companions; with it at least one
    accessible seat.
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

    When the run still has this mask of `free` seats, that is its best block. `turn` tells the
    newest item of a run from those that it replaced.
    """

    distance: int
    seat: int
    run: int
    turn: int
    free: int


class Search:
    """The runs that may have a block, and up to where the changes of the arrays were followed."""

    __slots__ = ("epoch", "heap", "newest", "seen", "turn")

    def __init__(self) -> None:
        self.heap: list[RankedRun] = []
        self.newest: dict[int, RankedRun] = {}
        self.seen = 0
        self.epoch = -1
        self.turn = 0


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
        Seats that are `hidden` are in no block. Few are, and for few commands: their runs are
        looked at apart, at a cost by the run.
        """
        if not hidden:
            nearest = self._nearest(wanted, quantity, clean)
            return None if nearest is None else nearest.seat
        masks, free, run_of = self._eligible(wanted), self._arrays.masks, self._arrays.index.run_of
        limit, seats = self._arrays.index.seat_count, tuple(hidden)
        apart = {run_of[seat] for seat in seats if seat < limit}
        found = self._nearest(wanted, quantity, clean, apart)
        best = None if found is None else (found.distance, found.seat)
        for run in apart & masks.keys():
            mask = masks[run] & ~self._arrays.bits(run, seats)
            own = self._best_of(run, free[run], mask, wanted, quantity, clean)
            if own is not None and (best is None or own < best):
                best = own
        return None if best is None else best[1]

    def _nearest(
        self, wanted: SeatFilter, quantity: int, clean: bool, apart: Collection[int] = ()
    ) -> RankedRun | None:
        """The best block of all runs but those that stay `apart`."""
        search = self._caught_up(wanted, quantity, clean)
        aside: list[RankedRun] = []
        try:
            return self._first(search, wanted, quantity, clean, apart, aside)
        finally:
            for item in aside:
                heappush(search.heap, item)

    def _first(
        self,
        search: Search,
        wanted: SeatFilter,
        quantity: int,
        clean: bool,
        apart: Collection[int],
        aside: list[RankedRun],
    ) -> RankedRun | None:
        """As `_nearest`; the runs that stay apart are taken out of the heap and put `aside`."""
        masks, heap, free = self._eligible(wanted), search.heap, self._arrays.masks
        while heap:
            top = heap[0]
            if search.newest.get(top.run) is not top:
                heappop(heap)
                continue
            if top.run in apart:
                aside.append(heappop(heap))
                continue
            if top.free == free[top.run]:
                return top
            best = self._best_of(top.run, free[top.run], masks[top.run], wanted, quantity, clean)
            if best is None:
                heappop(heap)
                del search.newest[top.run]
                continue
            search.turn += 1
            item = RankedRun(*best, top.run, search.turn, free[top.run])
            search.newest[top.run] = item
            heapreplace(heap, item)
        return None

    def left(self, wanted: SeatFilter, *, accessible_only: bool = False) -> int:
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
            starts &= _reaching(run.accessible, quantity)
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
        """The seats of the filter in each run that has any, the nearest run first."""
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
        """The search, knowing of every run that may have become better since it was last used."""
        key = (wanted, quantity, clean)
        search = self._searches.get(key)
        if search is None:
            search = self._searches[key] = Search()
            if len(self._searches) > SEARCHES_MAX:
                self._searches.popitem(last=False)
        else:
            self._searches.move_to_end(key)
        arrays = self._arrays
        # A seat that is taken can make a block clean that was not; else only a freed one helps.
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
        """Let a run be looked at when nothing that is surely nearer is left."""
        run = self._arrays.index.runs[number]
        search.turn += 1
        item = RankedRun(run.near * quantity, run.first, number, search.turn, UNKNOWN)
        search.newest[number] = item
        heappush(search.heap, item)


def _reaching(seats: int, quantity: int) -> int:
    """The starts of blocks of `quantity` that have at least one of these seats."""
    reached = 0
    for shift in range(quantity):
        reached |= seats >> shift
    return reached
