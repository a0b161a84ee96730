"""What is given back again once its event is cancelled: that succeeds, as it did the first time.

The job that winds an event up and whoever empties their own basket meet; neither did wrong. So a
hold that is gone is released, and a booking that is cancelled is cancelled, rather than refused.
"""

from typing import Final

from event_seating.booking.log import SeatLog
from event_seating.booking.records import SaleStatus
from event_seating.booking.submission import Granted
from event_seating.errors import (
    AlreadyCancelled,
    BookingNotFound,
    HoldEnded,
    HoldExpired,
    HoldReleased,
    Refused,
)

_GONE: Final = (HoldExpired, HoldReleased, HoldEnded, AlreadyCancelled, BookingNotFound)


def once_cancelled(log: SeatLog, refused: Refused, status: int, body: bytes) -> Granted:
    """The answer in place of `refused`, which is raised when it stands."""
    sale = log.states.configuration
    if sale is None or sale.status != SaleStatus.cancelled or not isinstance(refused, _GONE):
        raise refused
    return Granted(status, body, log.states.version)
