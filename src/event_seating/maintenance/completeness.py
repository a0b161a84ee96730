"""From when on a snapshot must have all that the log says.

Images of format 2 have neither what cools down nor the revisions of holds, and neither does a state
that began with one. Rows of format 1 were written beside those; long enough after the last of them
nothing of that time is left.
"""

from typing import Final

from event_seating.booking.core.cool_down import COOL_DOWN_MS
from event_seating.booking.core.freezes import BOX_OFFICE_HOLD_TOTAL_MAX_MS
from event_seating.booking.seat_log.ports import BatchRow

COMPLETE_SINCE: Final = 2
"""The format of the log beside which images have both."""

LEFT_MS_MAX: Final = BOX_OFFICE_HOLD_TOTAL_MAX_MS + COOL_DOWN_MS
"""No longer is a hold there, or remembered for how long its seats were held."""


class Completeness:
    """Looks at the rows of a log in order."""

    def __init__(self) -> None:
        self._from_ms = 0

    def saw(self, row: BatchRow) -> None:
        """A row of the log."""
        if row.format < COMPLETE_SINCE:
            self._from_ms = row.at_ms + LEFT_MS_MAX

    def at(self, at_ms: int) -> bool:
        """Whether a snapshot of this time must be complete."""
        return at_ms >= self._from_ms
