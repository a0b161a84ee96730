"""The last accepted times of every client, packed: one ring of doubles for each slot.

Owns the times and nothing else. All rings are in one array, one after the other, so that a client
costs 8 bytes for each time and no object. A ring is as long as the highest limit: the times that
answer the longest window also answer the shorter ones. A cell that was never written holds minus
infinity, which lies in no window, so a new ring needs no count. The times of one client must not
run backwards, because the binary search relies on their order. It never reads a clock and does not
know whose slot it is.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from math import inf
from typing import Final

from event_seating.settings.parsers import Window

BYTES_PER_TIME: Final = 8
"""A double."""


class Rings:
    """A ring of times by slot, as long as the highest limit, grown by one slot at a time."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self.cells = max(window.limit for window in windows)
        self._seconds = [window.seconds for window in windows]
        self._times = array("d")
        self._heads = array("I")  # per slot: where its next time goes, which is where its oldest is

    @staticmethod
    def bytes_each(windows: Sequence[Window]) -> int:
        """Bytes for each client."""
        return max(window.limit for window in windows) * BYTES_PER_TIME

    def reset(self, slot: int) -> None:
        """Make the slot's ring empty; `slot` may be the first that does not exist yet.

        The head of an existing slot may stay where it is: an empty ring begins anywhere.
        """
        empty = array("d", (-inf,)) * self.cells
        if slot == len(self._heads):
            self._times.extend(empty)
            self._heads.append(0)
            return
        start = slot * self.cells
        self._times[start : start + self.cells] = empty

    def record(self, slot: int, now: float) -> None:
        """Write `now` over the slot's oldest time."""
        cells, head = self.cells, self._heads[slot]
        self._times[slot * cells + head] = now
        head += 1
        self._heads[slot] = head if head < cells else 0

    def newest(self, slot: int) -> float:
        """The last time written, or minus infinity."""
        head = self._heads[slot] or self.cells
        return self._times[slot * self.cells + head - 1]

    def usage(self, slot: int, window: int, now: float) -> tuple[int, float]:
        """How many of the slot's times are in the window, and the earliest of them.

        Without any, the earliest is plus infinity. The cells before the head are the newer run and
        those from the head on the older one, both in order, so a binary search in one of them is
        enough.
        """
        times, cells = self._times, self.cells
        cutoff = now - self._seconds[window]
        start = slot * cells
        head = start + self._heads[slot]
        if times[start] > cutoff or head == start:  # all of the newer run is later, or it is empty
            end = start + cells
            at = bisect_right(times, cutoff, head, end)
            count = end - at + head - start
            if at == end:
                at = start
        else:
            at = bisect_right(times, cutoff, start, head)
            count = head - at
        return (count, times[at]) if count else (0, inf)
