"""How many requests each client made, packed: rings of counts, for limits too high for times.

Owns the counts and nothing else. A window of `seconds` is divided into `PARTS` parts, and an
accepted request counts in its part until the whole part has left the window. So the limit is what
`ring` would give if every time were moved to the end of its part: never more than the limit in any
`seconds`, while a request counts for up to a `PARTS`th of the window longer. Its memory does not
depend on the limit: 4 bytes for each part, and one number for each window.

The times of one client must not run backwards. It never reads a clock and does not know whose slot
it is.
"""

from array import array
from collections.abc import Sequence
from math import inf
from typing import Final

from event_seating.settings.parsers import Window

PARTS: Final = 20
"""Parts of a window: the error is a twentieth, 3 s of a minute."""

CELLS: Final = PARTS + 1
"""Cells of a ring: the part in which a window begins counts as a whole."""

BYTES_PER_COUNT: Final = 4
BYTES_PER_TICK: Final = 8
BYTES_PER_TIME: Final = 8


class Counters:
    """Counts by slot and window, grown by one slot at a time."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self._seconds = [window.seconds for window in windows]
        self._counts = array("I")
        self._ticks = array("q")  # per slot and window: the number of the last part looked at
        self._newest = array("d")  # per slot: when its last request will be in no window

    @staticmethod
    def bytes_each(windows: Sequence[Window]) -> int:
        """Bytes for each client."""
        return len(windows) * (CELLS * BYTES_PER_COUNT + BYTES_PER_TICK) + BYTES_PER_TIME

    def reset(self, slot: int) -> None:
        """Make the slot's rings empty; `slot` may be the first that does not exist yet."""
        windows = len(self._seconds)
        empty, begun = array("I", (0,)) * (CELLS * windows), array("q", (0,)) * windows
        if slot == len(self._newest):
            self._counts.extend(empty)
            self._ticks.extend(begun)
            self._newest.append(-inf)
            return
        start = slot * windows
        self._counts[start * CELLS : (start + windows) * CELLS] = empty
        self._ticks[start : start + windows] = begun
        self._newest[slot] = -inf

    def record(self, slot: int, _now: float) -> None:
        """Count a request; `usage` must have been called for each window with the same `now`."""
        first = slot * len(self._seconds)
        for window, seconds in enumerate(self._seconds, first):
            tick = self._ticks[window]
            self._counts[window * CELLS + tick % CELLS] += 1
            # The longest window comes last.
            self._newest[slot] = (tick + 1) * seconds / PARTS

    def newest(self, slot: int) -> float:
        """When the slot's last request counts as made, in its longest window; or minus infinity."""
        return self._newest[slot]

    def usage(self, slot: int, window: int, now: float) -> tuple[int, float]:
        """How many of the slot's requests are in the window, and when the earliest counts as made.

        Without any, the earliest is plus infinity.
        """
        seconds = self._seconds[window]
        ring = slot * len(self._seconds) + window
        start, tick = ring * CELLS, int(now * PARTS // seconds)
        counts, passed = self._counts, tick - self._ticks[ring]
        if passed > 0:
            for gone in range(tick, tick - min(passed, CELLS), -1):
                counts[start + gone % CELLS] = 0
            self._ticks[ring] = tick
        in_window = counts[start : start + CELLS]
        count = sum(in_window)
        if not count:
            return 0, inf
        part = tick - PARTS
        while not in_window[part % CELLS]:
            part += 1
        return count, (part + 1) * seconds / PARTS
