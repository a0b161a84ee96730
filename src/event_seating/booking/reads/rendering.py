"""The JSON of holds and bookings, as every route answers it."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from event_seating.booking.core.commands import Part
from event_seating.booking.core.log_entries import Blocked, Entry, Unblocked
from event_seating.booking.core.records import Booking, Groups, Hold, seats_of, total
from event_seating.booking.core.refusals import Refusal
from event_seating.booking.core.seat_state import Batch
from event_seating.booking.reads import audit_trail
from event_seating.booking.reads.bookings import BookingRow, in_seat_order
from event_seating.booking.reads.refusal_answers import problems
from event_seating.booking.seat_log.projection import CANCELLED, CONFIRMED, Buyer
from event_seating.booking.seating import ids
from event_seating.booking.seating.bookable_event import BookableEvent
from event_seating.clock import rfc3339
from event_seating.values import money

_HOLD_ID: Final = b'{"holdId":"'
_TOKEN: Final = b'{"holdToken":"'

_encoder = msgspec.json.Encoder()


def encode(body: dict[str, Any]) -> bytes:
    """`body` as JSON."""
    return _encoder.encode(body)


def hold(bookable: BookableEvent, held: Hold, currency: str, version: int) -> bytes:
    """A hold as it is stored for a repeated call: with its id and not with its token."""
    seats = seats_of(held.groups)
    return encode(
        {
            "holdId": ids.to_text(bookable.event_id, held.id),
            "eventId": bookable.event_id,
            "version": version,
            "seats": bookable.seat_ids(seats),
            "areas": bookable.area_quantities(seats),
            "lines": bookable.lines(held.groups, currency),
            "total": money.to_text(total(held.groups), currency),
            "currency": currency,
            "expiresAt": rfc3339(held.expires_ms),
            "revision": held.revision,
            "frozenBy": frozen_by(held),
        }
    )


def hold_id(stored: bytes) -> str:
    """The id of a stored hold, which it begins with."""
    return stored.removeprefix(_HOLD_ID).partition(b'"')[0].decode()


def frozen_by(held: Hold) -> str | None:
    """Who froze a hold and has to end it; none when it is not frozen."""
    return None if held.freeze is None else audit_trail.frozen_by(held.freeze.by_staff)


def with_token(stored: bytes, tokens: ids.Tokens) -> bytes:
    """A stored hold as it is answered: with its token, which is made again each time."""
    _, quote, rest = stored.removeprefix(_HOLD_ID).partition(b'"')
    found = ids.from_text(hold_id(stored))
    assert found is not None, "a stored hold begins with its id"
    return _TOKEN + tokens.of(*found).encode() + quote + rest


def booking(
    bookable: BookableEvent,
    *,
    booking_id: str,
    groups: Groups,
    status: str,
    currency: str,
    version: int,
    created_at_ms: int,
    updated_at_ms: int,
    user_id: str | None = None,
    order_ref: str | None = None,
    metadata: str | None = None,
) -> dict[str, Any]:
    """A booking; `metadata` is JSON."""
    seats = seats_of(groups)
    return {
        "id": booking_id,
        "eventId": bookable.event_id,
        "userId": user_id,
        "orderRef": order_ref,
        "metadata": msgspec.Raw(metadata.encode()) if metadata else None,
        "seats": bookable.seat_ids(seats),
        "areas": bookable.area_quantities(seats),
        "lines": bookable.lines(groups, currency),
        "total": money.to_text(total(groups), currency),
        "currency": currency,
        "status": status,
        "version": version,
        "createdAt": rfc3339(created_at_ms),
        "updatedAt": rfc3339(updated_at_ms),
    }


def booked(bookable: BookableEvent, currency: str, batch: Batch, key: bytes, buyer: Buyer) -> bytes:
    """A booking that is decided and not written yet."""
    found = batch.booking(key)
    assert isinstance(found, Booking), "a booking was granted and is not there"
    return encode(
        booking(
            bookable,
            booking_id=ids.to_text(bookable.event_id, key),
            groups=in_seat_order(found.groups),
            status=CONFIRMED,
            currency=currency,
            version=batch.version,
            created_at_ms=batch.at_ms,
            updated_at_ms=batch.at_ms,
            user_id=buyer.user_id,
            order_ref=buyer.order_ref,
            metadata=buyer.metadata,
        )
    )


def after(row: BookingRow, batch: Batch, key: bytes) -> BookingRow:
    """The booking as it is once the batch is written; `row` may be older than the batch."""
    status = CONFIRMED if isinstance(batch.booking(key), Booking) else CANCELLED
    return row._replace(
        status=status,
        version=batch.version,
        updated_at_ms=batch.at_ms,
        groups=in_seat_order(batch.groups_of(key)),
    )


def kept(bookable: BookableEvent, booking_id: str, row: BookingRow) -> dict[str, Any]:
    """A booking as it is kept beside the log."""
    return booking(bookable, booking_id=booking_id, **row._asdict())


def blocked(
    bookable: BookableEvent, batch: Batch, part: Part, entry: Entry, unknown: Mapping[str, int]
) -> dict[str, Any]:
    """What a block or its release did, and what it left as it was or did not find."""
    ranges = [
        number
        for operation in entry.operations
        if isinstance(operation, Blocked | Unblocked)
        for number in operation.ranges
    ]
    seats, areas = bookable.in_ranges(ranges)
    # The seats of a part differ: if as many were moved, all were, and none has to be looked at.
    rejected = () if len(seats) == len(part.seats) else batch.rejected(part, entry)
    return {
        "version": batch.version,
        "applied": {"seats": seats, "areas": areas},
        "rejected": problems(rejected, bookable, unknown),
    }


def not_blocked(
    bookable: BookableEvent, version: int, refusal: Refusal, unknown: Mapping[str, int]
) -> bytes:
    """The same when nothing could be done: as of this version, with every seat and why."""
    applied: dict[str, Any] = {"seats": [], "areas": {}}
    rejected = problems(refusal.seats, bookable, unknown)
    return encode({"version": version, "applied": applied, "rejected": rejected})
