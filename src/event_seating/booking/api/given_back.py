"""Releases and cancellations that a cancelled event has already done succeed.

The job that winds up an event may release a hold just before its buyer does; neither is at fault.
So the release of an ended hold succeeds, and so does cancelling a cancelled booking.
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
    """Whether the refused request asks for what the cancelled event has already done."""
    sale = log.states.configuration
    cancelled = sale is not None and sale.status == SaleStatus.cancelled
    return cancelled and isinstance(refused, _GONE)
