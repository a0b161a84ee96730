"""How many requests each client made, packed: rings of counts, for limits too high for times.

Owns the counts and nothing else. A window of `seconds` is divided into `PARTS` parts, and an
accepted request counts in its part until the whole part has left the window. So the limit is what
`ring` would give if every time were moved to the end of its part: never more than the limit in any
`seconds`, while a request counts for up to a `PARTS`th of the window longer. Its memory does not
depend on the limit: 4 bytes for each part, and a few numbers for each window.

Nothing leaves a window before its next part begins, so until then the sums stand: a check reads
them, and a request adds one to them. Only when a part begins are the cells looked at.

The times of one client must not run backwards. It never reads a clock and does not know whose slot
it is.
"""

from array import array
from collections.abc import Sequence
from math import ceil, inf
from typing import Final

from event_seating.settings.parsers import Window

PARTS: Final = 20
"""Parts of a window: the error is a twentieth, 3 s of a minute."""

CELLS: Final = PARTS + 1
"""Cells of a ring: the part in which a window begins counts as a whole."""

_NO_PART: Final = -1
"""Before every part, so that the first look at a ring begins one."""

BYTES_PER_COUNT: Final = 4
BYTES_PER_TICK: Final = 8
BYTES_PER_TIME: Final = 8


class Counters:
    """Counts by slot and window, grown by one slot at a time."""

    def __init__(self, windows: Sequence[Window]) -> None:
        # The length a second time as a float: adding one to a float is faster than adding an int.
        self._windows = [
            (window.limit, window.seconds, float(window.seconds)) for window in windows
        ]
        # Per slot and window: the counts of its parts, of which that of the present part is 0 until
        # the next begins; the number of the present part; the sum of all, now and when the present
        # part began; when the earliest counts as made, or the present part if there is none.
        self._counts = array("I")
        self._ticks = array("q")
        self._totals = array("I")
        self._begun = array("I")
        self._earliest = array("d")
        # Per slot: when the first of its windows begins a new part; when its last request was made.
        self._changes = array("d")
        self._last = array("d")

    @staticmethod
    def bytes_each(windows: Sequence[Window]) -> int:
        """Bytes for each client."""
        each = (CELLS + 2) * BYTES_PER_COUNT + BYTES_PER_TICK + BYTES_PER_TIME
        return len(windows) * each + 2 * BYTES_PER_TIME

    def reset(self, slot: int) -> None:
        """Make the slot's rings empty; `slot` may be the first that does not exist yet."""
        windows = len(self._windows)
        first, after = slot * windows, (slot + 1) * windows
        # Assigning to a slice at the end of an array makes it longer.
        self._counts[first * CELLS : after * CELLS] = array("I", (0,)) * (CELLS * windows)
        self._ticks[first:after] = array("q", (_NO_PART,)) * windows
        self._totals[first:after] = self._begun[first:after] = array("I", (0,)) * windows
        self._earliest[first:after] = array("d", (inf,)) * windows
        self._changes[slot : slot + 1] = self._last[slot : slot + 1] = array("d", (-inf,))

    def newest(self, slot: int) -> float:
        """When the slot's last request counts as made, in its longest window; or minus infinity."""
        last, (_, seconds, _) = self._last[slot], self._windows[-1]
        return last if last == -inf else (last * PARTS // seconds + 1) * seconds / PARTS

    def charge(self, slot: int, now: float) -> tuple[bool, tuple[int, ...]]:
        """Count a request, unless a window is full; whether it was counted.

        And two numbers for each window in turn: how many more it has room for besides this one, -1
        if it is full; and the whole seconds until its earliest request leaves it, this one not
        counted, or its length if it is empty.
        """
        if now >= self._changes[slot]:
            self._move(slot, now)
        totals, earliest = self._totals, self._earliest
        ring, has_room = slot * len(self._windows), True
        found: tuple[int, ...] = ()
        for limit, seconds, length_s in self._windows:
            total = totals[ring]
            room = limit - total - 1
            if room < 0:
                has_room = False
            totals[ring] = total + 1
            found += (room, (ceil(earliest[ring] + length_s - now) or 1) if total else seconds)
            ring += 1
        if has_room:
            self._last[slot] = now
        else:
            for charged in range(slot * len(self._windows), ring):
                totals[charged] -= 1
        return has_room, found

    def _move(self, slot: int, now: float) -> None:
        """Move every window on to `now`."""
        ring, changes = slot * len(self._windows), inf
        for _, seconds, _ in self._windows:
            tick = int(now * PARTS // seconds)
            if tick > self._ticks[ring]:
                self._begin_part(ring, tick, seconds)
            end = (tick + 1) * seconds / PARTS
            changes = min(changes, end)
            ring += 1
        self._changes[slot] = changes

    def _begin_part(self, ring: int, tick: int, seconds: int) -> None:
        """Make `tick` the present part of the ring, and forget the parts that left the window."""
        counts, start, before = self._counts, ring * CELLS, self._ticks[ring]
        total = remaining = self._totals[ring]
        if total:
            counts[start + before % CELLS] = total - self._begun[ring]
            for part in range(before + 1, min(tick, before + CELLS) + 1):
                remaining -= counts[start + part % CELLS]
                counts[start + part % CELLS] = 0
        if remaining < total or not total:
            part = tick
            if remaining:
                part -= PARTS
                while not counts[start + part % CELLS]:
                    part += 1
            self._earliest[ring] = (part + 1) * seconds / PARTS
        self._ticks[ring] = tick
        self._totals[ring] = self._begun[ring] = remaining
