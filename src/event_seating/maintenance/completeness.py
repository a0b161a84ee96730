"""Since when a snapshot must contain everything that the log says.

State snapshots of format 2 contain neither cool-downs nor the revisions of holds, and neither does
a state that was loaded from one. Rows of format 1 were written at the same time; long enough after
the last of them nothing from that time is left.
"""

from typing import Final

from event_seating.booking.core.cool_down import COOL_DOWN_MS
from event_seating.booking.core.freezes import BOX_OFFICE_HOLD_TOTAL_MAX_MS
from event_seating.booking.seat_log.ports import BatchRow

COMPLETE_SINCE: Final = 2
"""The format of log rows whose snapshots contain both."""

LEFT_MS_MAX: Final = BOX_OFFICE_HOLD_TOTAL_MAX_MS + COOL_DOWN_MS
"""The longest time that a hold lasts, or that its seats' cool-down is remembered."""


class Completeness:
    """Sees the rows of a log in order."""

    def __init__(self) -> None:
        self._from_ms = 0

    def saw(self, row: BatchRow) -> None:
        """A row of the log."""
        if row.format < COMPLETE_SINCE:
            self._from_ms = row.at_ms + LEFT_MS_MAX

    def at(self, at_ms: int) -> bool:
        """Whether a snapshot from this time must be complete."""
        return at_ms >= self._from_ms
