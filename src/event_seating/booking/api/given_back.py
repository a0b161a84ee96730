"""What is given back again once its event is cancelled: that succeeds, as it did the first time.

The job that winds an event up and whoever empties their own basket meet; neither did wrong. So a
hold that is gone is released, and a booking that is cancelled is cancelled, rather than refused.
"""

from typing import Final

from event_seating.booking.core.records import SaleStatus
from event_seating.booking.errors import (
    AlreadyCancelled,
    BookingNotFound,
    HoldEnded,
    HoldExpired,
    HoldReleased,
    Refused,
)
from event_seating.booking.seat_log.writer import SeatLog

_GONE: Final = (HoldExpired, HoldReleased, HoldEnded, AlreadyCancelled, BookingNotFound)


def given_back_already(log: SeatLog, refused: Refused) -> bool:
    """Whether a request that was refused asked for what the cancelled event has done itself."""
    sale = log.states.configuration
    cancelled = sale is not None and sale.status == SaleStatus.cancelled
    return cancelled and isinstance(refused, _GONE)
