"""The JSON of holds and bookings, as every route answers it.

An answer is made from the result after the commit, the first time and each time that the call is
repeated. So a bug in here costs an answer and no seat, and the caller can repeat the call with the
same key.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from event_seating.booking.core.records import Groups, Hold, seats_of, total
from event_seating.booking.core.refusals import Refusal
from event_seating.booking.core.results import (
    BlockResult,
    BookingResult,
    DoneResult,
    HoldResult,
    PreviewResult,
    ReleaseResult,
)
from event_seating.booking.reads import audit_trail
from event_seating.booking.reads.bookings import BookingRow, in_seat_order
from event_seating.booking.reads.refusal_answers import problems
from event_seating.booking.seat_log.projection import CANCELLED, CONFIRMED, Buyer
from event_seating.booking.seating import ids
from event_seating.booking.seating.bookable_event import BookableEvent
from event_seating.values import money, rfc3339

Rendered = tuple[int, bytes]
"""An HTTP status, and JSON or nothing."""

OK: Final = 200
CREATED: Final = 201
NO_CONTENT: Final = 204

_encoder = msgspec.json.Encoder()


def encode(body: dict[str, Any]) -> bytes:
    """`body` as JSON."""
    return _encoder.encode(body)


def hold(
    bookable: BookableEvent, currency: str, tokens: ids.Tokens, status: int, held: HoldResult
) -> Rendered:
    """A hold with its token, which is computed each time."""
    token = tokens.of(bookable.event_id, held.hold)
    return status, encode({"holdToken": token, **hold_fields(bookable, currency, held)})


def hold_fields(bookable: BookableEvent, currency: str, held: HoldResult) -> dict[str, Any]:
    """The fields of a hold, without its token or id."""
    seats = seats_of(held.groups)
    by_staff = held.frozen_by_staff
    return {
        "eventId": bookable.event_id,
        "version": held.version,
        "seats": bookable.seat_ids(seats),
        "areas": bookable.area_quantities(seats),
        "lines": bookable.lines(held.groups, currency),
        "total": money.to_text(total(held.groups), currency),
        "currency": currency,
        "expiresAt": rfc3339.to_text(held.expires_ms),
        "revision": held.revision,
        "frozenBy": None if by_staff is None else audit_trail.frozen_by(by_staff),
    }


def frozen_by(held: Hold) -> str | None:
    """Who froze a hold and has to end the freeze; `None` when it is not frozen."""
    return None if held.freeze is None else audit_trail.frozen_by(held.freeze.by_staff)


def done(_result: DoneResult) -> Rendered:
    """An answer without content."""
    return NO_CONTENT, b""


def booking(
    bookable: BookableEvent,
    *,
    booking_id: str,
    buyer: Buyer,
    groups: Groups,
    status: str,
    currency: str,
    version: int,
    created_at_ms: int,
    updated_at_ms: int,
) -> dict[str, Any]:
    """A booking."""
    seats, metadata = seats_of(groups), buyer.metadata
    return {
        "id": booking_id,
        "eventId": bookable.event_id,
        **msgspec.to_builtins(buyer),  # in camel case, and in this place
        "metadata": msgspec.Raw(metadata.encode()) if metadata else None,
        "seats": bookable.seat_ids(seats),
        "areas": bookable.area_quantities(seats),
        "lines": bookable.lines(groups, currency),
        "total": money.to_text(total(groups), currency),
        "currency": currency,
        "status": status,
        "version": version,
        "createdAt": rfc3339.to_text(created_at_ms),
        "updatedAt": rfc3339.to_text(updated_at_ms),
    }


def booked(bookable: BookableEvent, currency: str, buyer: Buyer, result: BookingResult) -> Rendered:
    """A new booking."""
    body = booking(
        bookable,
        booking_id=ids.to_text(bookable.event_id, result.booking),
        buyer=buyer,
        groups=in_seat_order(result.groups),
        status=CONFIRMED,
        currency=currency,
        version=result.version,
        created_at_ms=result.at_ms,
        updated_at_ms=result.at_ms,
    )
    return CREATED, encode(body)


def cancelled(bookable: BookableEvent, row: BookingRow, result: BookingResult) -> Rendered:
    """A booking that was cancelled, whole or in part; `row` may be older or newer."""
    return OK, encode(_after(bookable, row, result))


def exchanged(bookable: BookableEvent, row: BookingRow, result: BookingResult) -> Rendered:
    """A booking whose seats were exchanged, with the difference in price."""
    assert result.difference is not None, "an exchange has a difference"
    difference = money.to_text(result.difference, row.currency)
    return OK, encode({**_after(bookable, row, result), "difference": difference})


def previewed(currency: str, result: PreviewResult) -> Rendered:
    """What an exchange would cost."""
    difference = money.to_text(result.difference, currency)
    return OK, encode({"dryRun": True, "difference": difference, "currency": currency})


def _after(bookable: BookableEvent, row: BookingRow, result: BookingResult) -> dict[str, Any]:
    booking_id = ids.to_text(bookable.event_id, result.booking)
    return kept(bookable, booking_id, after(row, result))


def after(row: BookingRow, result: BookingResult) -> BookingRow:
    """The booking as a request left it; of `row`, only the fields that never change are used."""
    return row._replace(
        status=CANCELLED if result.cancelled else CONFIRMED,
        version=result.version,
        updated_at_ms=result.at_ms,
        groups=in_seat_order(result.groups),
    )


def kept(bookable: BookableEvent, booking_id: str, row: BookingRow) -> dict[str, Any]:
    """A booking as the tables beside the log have it."""
    return booking(bookable, booking_id=booking_id, **row._asdict())


def blocked(bookable: BookableEvent, unknown: Mapping[str, int], result: BlockResult) -> Rendered:
    """What a block or unblock changed, and the seats that it left as they are or did not find."""
    seats, areas = bookable.in_ranges(result.ranges)
    body = {
        "version": result.version,
        "applied": {"seats": seats, "areas": areas},
        "rejected": problems(result.rejected, bookable, unknown),
    }
    return OK, encode(body)


def released(bookable: BookableEvent, result: ReleaseResult) -> Rendered:
    """Holds of one holder that were given back together."""
    body = {
        "version": result.version,
        "holds": result.holds,
        "seats": bookable.seat_ids(result.seats),
        "areas": bookable.area_quantities(result.seats),
    }
    return OK, encode(body)


def not_blocked(
    bookable: BookableEvent, version: int, refusal: Refusal, unknown: Mapping[str, int]
) -> Rendered:
    """A block or unblock that changed nothing: every seat with the reason, as of this version."""
    applied: dict[str, Any] = {"seats": [], "areas": {}}
    rejected = problems(refusal.seats, bookable, unknown)
    return OK, encode({"version": version, "applied": applied, "rejected": rejected})
