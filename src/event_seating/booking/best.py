"""The best block of neighbouring seats that is free.

Owns the search: runs are tried from the focal point outwards, each by a few operations on whole
masks, until no run that is left can hold a nearer block. What it learnt it remembers: a run
without a block of that length is not looked at again before one of its seats moved, so that a full
house costs as little as an empty one. It only looks; it never takes a seat, and forgetting all it
remembers would change no answer.
"""

from bisect import bisect_left
from collections import OrderedDict
from typing import NamedTuple

from event_seating.booking.arrays import SeatArrays
from event_seating.booking.index import Run
from event_seating.booking.orphans import block_starts, clean_starts

SEARCHES_MAX = 64
"""Remembered searches, each up to 8 bytes a run; people ask for few lengths and filters."""

FILTERS_MAX = 16
"""Remembered filters, each up to 50 bytes a run."""


class Filter(NamedTuple):
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


class Search:
    """The runs, by rank, that may have a block; `seen` and `epoch`: what was taken note of."""

    __slots__ = ("alive", "epoch", "seen")

    def __init__(self) -> None:
        self.alive: list[int] = []
        self.seen = 0
        self.epoch = -1


class BestFinder:
    """Finds blocks in the arrays of one event."""

    def __init__(self, arrays: SeatArrays) -> None:
        self._arrays = arrays
        runs = arrays.index.runs
        self._by_rank = sorted(range(len(runs)), key=lambda run: (runs[run].near, run))
        self._rank_of = [0] * len(runs)
        for rank, run in enumerate(self._by_rank):
            self._rank_of[run] = rank
        self._masks: OrderedDict[Filter, list[int]] = OrderedDict()
        self._searches: OrderedDict[tuple[Filter, int, bool], Search] = OrderedDict()

    def find(self, wanted: Filter, quantity: int, *, clean: bool = False) -> int | None:
        """The first seat of the nearest free block, the lowest number among equals.

        `clean`: only blocks that leave no single free seat beside them. `None`: there is none.
        """
        search = self._caught_up(wanted, quantity, clean)
        masks = self._eligible(wanted)
        index, free = self._arrays.index, self._arrays.free
        runs, sums, by_rank = index.runs, index.distance_sums, self._by_rank
        best, best_sum = None, -1
        kept: list[int] = []
        looked = 0
        for rank in search.alive:
            run = runs[by_rank[rank]]
            if best is not None and run.near * quantity > best_sum:
                break
            looked += 1
            starts = self._starts(free[by_rank[rank]], masks[rank], run, wanted, quantity)
            if clean and starts:
                starts = clean_starts(starts, free[by_rank[rank]], quantity)
            if not starts:
                continue
            kept.append(rank)
            while starts:
                lowest = starts & -starts
                starts ^= lowest
                seat = run.first + lowest.bit_length() - 1
                distance = sums[seat + quantity] - sums[seat]
                if best is None or (distance, seat) < (best_sum, best):
                    best, best_sum = seat, distance
        if len(kept) < looked:
            search.alive[:looked] = kept
        return best

    def left(self, wanted: Filter, *, accessible_only: bool = False) -> int:
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

    @staticmethod
    def _starts(free: int, mask: int, run: Run, wanted: Filter, quantity: int) -> int:
        """Where in a run a block of the filter starts."""
        starts = block_starts(free & mask, quantity)
        if starts and wanted.accessible:
            reached = 0
            for shift in range(quantity):
                reached |= run.accessible >> shift
            starts &= reached
        return starts

    def _eligible(self, wanted: Filter) -> list[int]:
        """The mask of the filter in each run, by rank."""
        masks = self._masks.get(wanted)
        if masks is None:
            runs = self._arrays.index.runs
            masks = [wanted.mask(runs[run]) for run in self._by_rank]
            self._masks[wanted] = masks
            if len(self._masks) > FILTERS_MAX:
                self._masks.popitem(last=False)
        else:
            self._masks.move_to_end(wanted)
        return masks

    def _caught_up(self, wanted: Filter, quantity: int, clean: bool) -> Search:
        """The search, knowing of every run that changed since it was last used."""
        key = (wanted, quantity, clean)
        search = self._searches.get(key)
        if search is None:
            search = self._searches[key] = Search()
            if len(self._searches) > SEARCHES_MAX:
                self._searches.popitem(last=False)
        else:
            self._searches.move_to_end(key)
        arrays = self._arrays
        if search.epoch != arrays.epoch:
            search.alive = [rank for rank, mask in enumerate(self._eligible(wanted)) if mask]
            search.epoch = arrays.epoch
        elif search.seen < len(arrays.touched):
            self._revive(search, set(arrays.touched[search.seen :]), wanted)
        search.seen = len(arrays.touched)
        return search

    def _revive(self, search: Search, touched: set[int], wanted: Filter) -> None:
        """Look at these runs again, if the filter takes any seat of them."""
        masks, alive = self._eligible(wanted), search.alive
        for run in touched:
            rank = self._rank_of[run]
            if not masks[rank]:
                continue
            place = bisect_left(alive, rank)
            if place == len(alive) or alive[place] != rank:
                alive.insert(place, rank)
