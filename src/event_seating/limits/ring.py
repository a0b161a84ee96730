"""The last accepted times of every client, packed: one ring of doubles for each slot.

Owns the times and nothing else. All rings are in one array, one after the other, so that a client
costs 8 bytes for each time and no object. A ring is as long as the highest limit: the times that
answer the longest window also answer the shorter ones.

The times of a slot have running numbers, and each window remembers how many of them have left it.
As it only moves forward, the next to leave is the one with that number: most checks find that none
has left or one, and each leaves once. After a pause many may have left; past `STEPS_MAX` of them a
binary search finds the first that has not, so that no check walks a whole ring. Both rely on the
order of the times, so those of one client must not run backwards. It never reads a clock and does
not know whose slot it is.
"""

from array import array
from collections.abc import Sequence
from math import ceil, inf
from typing import Final

from event_seating.settings.parsers import Window

BYTES_PER_TIME: Final = 8
"""A double."""

STEPS_MAX: Final = 8
"""Times that leave a window one by one in one check; a search takes about as many steps in the
longest ring that `TIMES_MAX_BYTES` has room for."""


NUMBER_MAX: Final = 2**32 - 1
"""The highest number that fits into 4 bytes: at 83 requests a second it is reached in a year and a
half, and the numbers of that slot begin over."""


class Rings:
    """A ring of times by slot, as long as the highest limit, grown by one slot at a time."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self.cells = max(window.limit for window in windows)
        self._times = array("d")
        self._made = array("I")  # per slot: how many times were written; the next gets this number
        # Each with its length a second time, as a float, since adding one to a float is faster than
        # adding an int; and, per slot, with how many of the times have left it.
        self._windows = [
            (window.limit, window.seconds, float(window.seconds), array("I")) for window in windows
        ]

    @staticmethod
    def bytes_each(windows: Sequence[Window]) -> int:
        """Bytes for each client."""
        return max(window.limit for window in windows) * BYTES_PER_TIME

    def reset(self, slot: int) -> None:
        """Make the slot's ring empty; `slot` may be the first that does not exist yet."""
        if slot == len(self._made):
            self._times.extend(array("d", (-inf,)) * self.cells)
            self._made.append(0)
            for _, _, _, gone in self._windows:
                gone.append(0)
            return
        self._times[self._cell(slot, self._made[slot] - 1)] = -inf
        for _, _, _, gone in self._windows:
            gone[slot] = self._made[slot]

    def newest(self, slot: int) -> float:
        """The last time written, or minus infinity."""
        return self._times[self._cell(slot, self._made[slot] - 1)]

    def charge(self, slot: int, now: float) -> tuple[bool, tuple[int, ...]]:
        """Write `now` over the slot's oldest time, unless a window is full; whether it was written.

        And two numbers for each window in turn: how many more it has room for besides this one, -1
        if it is full; and the whole seconds until its earliest time leaves it, this one not
        counted, or its length if it is empty.
        """
        times, cells, made = self._times, self.cells, self._made[slot]
        start, has_room = slot * cells, True
        found: tuple[int, ...] = ()
        for limit, seconds, length_s, gone in self._windows:
            number, wait_s = gone[slot], seconds
            last_step = number + STEPS_MAX
            while number < made:
                leaves_in_s = times[start + number % cells] + length_s - now
                if leaves_in_s > 0.0:
                    wait_s = ceil(leaves_in_s)
                    break
                number += 1
                if number == last_step:
                    number = self._search(slot, number, now, length_s)
            gone[slot] = number
            room = limit - made + number - 1
            if room < 0:
                has_room = False
            found += (room, wait_s)
        if has_room:
            times[start + made % cells] = now
            self._made[slot] = made + 1
            if made + 1 == NUMBER_MAX:
                self._renumber(slot)
        return has_room, found

    def _cell(self, slot: int, number: int) -> int:
        return slot * self.cells + number % self.cells

    def _renumber(self, slot: int) -> None:
        """Make the slot's numbers small again, each of a time in the same cell as before."""
        oldest = min(gone[slot] for _, _, _, gone in self._windows)
        fewer = oldest - oldest % self.cells
        self._made[slot] -= fewer
        for _, _, _, gone in self._windows:
            gone[slot] -= fewer

    def _search(self, slot: int, number: int, now: float, length_s: float) -> int:
        """The number of the slot's first time, from `number` on, that is in the window."""
        times, cells, end = self._times, self.cells, self._made[slot]
        start = slot * cells
        while number < end:
            middle = (number + end) // 2
            if times[start + middle % cells] + length_s - now > 0.0:
                end = middle
            else:
                number = middle + 1
        return number
