"""From when on a snapshot must have what cools down.

Images of format 2 do not have it, and neither does a state that began with one. Rows of format 1
were written beside those; long enough after the last of them nothing of that time is left.
"""

from typing import Final

from event_seating.booking.cool_down import COOL_DOWN_MS
from event_seating.booking.freezes import BOX_OFFICE_HOLD_TOTAL_MAX_MS
from event_seating.booking.store import LogRow

COOLS_DOWN_SINCE: Final = 2
"""The format of the log beside which images have what cools down."""

LEFT_MS_MAX: Final = BOX_OFFICE_HOLD_TOTAL_MAX_MS + COOL_DOWN_MS
"""No longer does a hold, or what is remembered of it, tell how long its seats were held."""


class CoolDownKnown:
    """Looks at the rows of a log in order."""

    def __init__(self) -> None:
        self._from_ms = 0

    def saw(self, row: LogRow) -> None:
        """A row of the log."""
        if row.format < COOLS_DOWN_SINCE:
            self._from_ms = row.at_ms + LEFT_MS_MAX

    def at(self, at_ms: int) -> bool:
        """Whether a snapshot of this time must have it."""
        return at_ms >= self._from_ms
