"""What several rules need to know: the hold or booking with an id, and whether the event sells.

`decisions` builds on it. Nothing here changes anything; the time is an argument.
"""

from typing import Final

from event_seating.booking.core.commands import Choice, Part
from event_seating.booking.core.cool_down import NONE_HIDDEN, Hidden
from event_seating.booking.core.ledger import TOMBSTONE_TTL_MS, Ledger
from event_seating.booking.core.records import (
    Booking,
    Configuration,
    EndCause,
    Groups,
    Hold,
    SaleStatus,
    Tombstone,
)
from event_seating.booking.core.refusals import Refusal, RefusalCode
from event_seating.booking.core.seat_selection import choose, part_of

_ENDINGS: Final = {
    EndCause.expired: RefusalCode.hold_expired,
    EndCause.released: RefusalCode.hold_released,
    EndCause.booked: RefusalCode.hold_booked,
    EndCause.cancelled: RefusalCode.hold_not_found,
}


def hold_or_ending(
    hold: Hold | None, became: bytes | None, gone: Tombstone | None, now_ms: int
) -> Hold | Refusal:
    """A hold, or how it ended, from what is known under its id."""
    if hold is not None:
        return hold if now_ms < hold.expires_ms else Refusal(RefusalCode.hold_expired)
    if became is not None:
        return Refusal(RefusalCode.hold_booked, booking=became)
    if gone is None or now_ms >= gone.at_ms + TOMBSTONE_TTL_MS:
        return Refusal(RefusalCode.hold_not_found)
    return Refusal(_ENDINGS[gone.ending], booking=gone.booking)


def booking_or_ending(
    booking: Booking | None, gone: Tombstone | None, now_ms: int
) -> Booking | Refusal:
    """A booking, or that it was cancelled, from what is known under its id."""
    if booking is not None:
        return booking
    if (
        gone is None
        or gone.ending is not EndCause.cancelled
        or now_ms >= gone.at_ms + TOMBSTONE_TTL_MS
    ):
        return Refusal(RefusalCode.booking_not_found)
    return Refusal(RefusalCode.already_cancelled)


class LedgerQueries:
    """The state of one event, as its rules read it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def _given_back(
        self, groups: Groups, part: Part | None, code: RefusalCode
    ) -> tuple[int, ...] | Refusal:
        """The seats that a change gives back; refused with `code` when some are not in `groups`."""
        return () if part is None else part_of(self._ledger, groups, part, code)

    def _added(
        self,
        choice: Choice | None,
        freed: tuple[int, ...],
        box_office: bool,
        hidden: Hidden = NONE_HIDDEN,
    ) -> Groups | Refusal:
        """The seats that a change takes; the ones that it gives back (`freed`) count as free."""
        if choice is None:
            return ()
        ledger = self._ledger
        tariff = ledger.staff_tariff if box_office else ledger.public_tariff
        return choose(ledger, choice, tariff, freed=frozenset(freed), hidden=hidden)

    def live_hold(self, key: bytes, now_ms: int) -> Hold | Refusal:
        """The hold with this id, or how it ended."""
        ledger = self._ledger
        hold = ledger.holds.get(key)
        if hold is not None:  # the usual case: saves two look-ups
            return hold_or_ending(hold, None, None, now_ms)
        return hold_or_ending(
            None, ledger.booking_of_hold.get(key), ledger.tombstones.get(key), now_ms
        )

    def live_booking(self, key: bytes, now_ms: int) -> Booking | Refusal:
        """The booking with this id, or that it was cancelled."""
        return booking_or_ending(
            self._ledger.bookings.get(key), self._ledger.tombstones.get(key), now_ms
        )

    @property
    def _configuration(self) -> Configuration:
        configuration = self._ledger.configuration
        if configuration is None:
            raise ValueError("the event is not configured")
        return configuration

    def _selling(self, now_ms: int) -> bool:
        """Whether new seats may be held at this time."""
        sale = self._configuration
        return (
            sale.status == SaleStatus.on_sale
            and (sale.sales_start_ms is None or now_ms >= sale.sales_start_ms)
            and (sale.sales_end_ms is None or now_ms < sale.sales_end_ms)
        )
