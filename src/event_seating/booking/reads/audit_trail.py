"""The log of an event as people read it: who did what, to which seats, when.

Pure: decoded entries in, values ready for JSON out. The log's HMACs of buyers and
random ids of batches are left out.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from event_seating.booking.core.log_entries import (
    Amended,
    Blocked,
    Booked,
    Cancelled,
    Configured,
    Entry,
    Exchanged,
    Expired,
    Extended,
    Frozen,
    Held,
    Operation,
    Released,
    Thawed,
    Unblocked,
    moves,
    pairs,
)
from event_seating.booking.core.records import STATUS_NAMES, Configuration, seats_of
from event_seating.booking.core.ticket_types import visible_prices
from event_seating.booking.seating import ids
from event_seating.booking.seating.bookable_event import BookableEvent
from event_seating.clock import MS_PER_S
from event_seating.values import money, rfc3339

TYPES: Final[dict[type, str]] = {
    Configured: "configure",
    Held: "hold",
    Amended: "change",
    Extended: "extend",
    Released: "release",
    Expired: "expire",
    Booked: "book",
    Cancelled: "cancel",
    Exchanged: "exchange",
    Blocked: "block",
    Unblocked: "unblock",
    Frozen: "freeze",
    Thawed: "thaw",
}
"""The name of each operation in the API."""


class DecodedRow(NamedTuple):
    """A row of the log, decoded."""

    version: int
    at_ms: int
    entries: Sequence[Entry]


def described(row: DecodedRow, bookable: BookableEvent, currency: str) -> dict[str, Any]:
    """A row with all its entries."""
    return {
        "version": row.version,
        "at": rfc3339.to_text(row.at_ms),
        "entries": [
            {
                "actor": entry.actor,
                "operations": [operation(each, bookable, currency) for each in entry.operations],
            }
            for entry in row.entries
        ],
    }


def history(row: DecodedRow, seat: int, bookable: BookableEvent) -> Iterator[dict[str, Any]]:
    """What the row did to a seat, the latest first; `status` is the seat's right after it."""
    for entry in reversed(row.entries):
        for operation in reversed(entry.operations):
            status = _status_after(operation, seat)
            if status is not None:
                yield {
                    "version": row.version,
                    "at": rfc3339.to_text(row.at_ms),
                    "operation": TYPES[type(operation)],
                    "status": STATUS_NAMES[status],
                    "actor": entry.actor,
                    **_names(operation, bookable.event_id),
                }


def _status_after(operation: Operation, seat: int) -> int | None:
    """The status of the seat after the operation; `None` when the operation did not move it."""
    if isinstance(operation, Blocked | Unblocked):
        # A few ranges may have every seat: search them without listing the seats.
        if not any(first <= seat < first + count for first, count in pairs(operation.ranges)):
            return None
        operation = type(operation)((seat, 1))
    after = None
    for seats, status in moves(operation):
        if seat in seats:
            after = status
    return after


def operation(done: Operation, bookable: BookableEvent, currency: str) -> dict[str, Any]:
    """An operation, with the seats that it moves."""
    answer: dict[str, Any] = {"type": TYPES[type(done)]}
    answer |= _names(done, bookable.event_id)
    match done:
        case Configured():
            answer["configuration"] = _configuration(done.configuration)
        case Held():
            answer |= _seats(seats_of(done.groups), bookable)
            answer["lastsS"] = done.lasts_ms / MS_PER_S
        case Extended() | Thawed() | Frozen():
            answer["lastsS"] = done.lasts_ms / MS_PER_S
            answer |= {"frozenBy": frozen_by(done.by_staff)} if isinstance(done, Frozen) else {}
        case Amended():
            answer["released"] = _seats(done.removed, bookable)
            answer["taken"] = _seats(seats_of(done.added), bookable)
        case Exchanged():
            answer["released"] = _seats(done.released, bookable)
            answer["taken"] = _seats(seats_of(done.taken), bookable)
            answer["difference"] = money.to_text(done.difference, currency)
        case Booked():
            answer |= _seats(done.taken, bookable)
        case Released() | Expired() | Cancelled():
            answer |= _seats(done.seats, bookable)
            answer |= {"takenAway": True} if getattr(done, "taken_away", False) else {}
        case Blocked() | Unblocked():
            answer["seats"], answer["areas"] = bookable.in_ranges(done.ranges)
    return answer


def _names(operation: Operation, event_id: str) -> dict[str, str]:
    """The hold and the booking that an operation concerns, and its reason."""
    names = {}
    for name in ("hold", "booking"):
        key = getattr(operation, name, None)
        if key is not None:
            names[name] = ids.to_text(event_id, key)
    for name, field in (("reason", "reason"), ("reason_code", "reasonCode")):
        reason = getattr(operation, name, None)
        if reason:
            names[field] = reason
    return names


def _seats(seats: Sequence[int], bookable: BookableEvent) -> dict[str, Any]:
    return {"seats": bookable.seat_ids(seats), "areas": bookable.area_quantities(seats)}


def _configuration(found: Configuration) -> dict[str, Any]:
    rules = found.rules
    return {
        "status": found.status,
        "currency": found.currency,
        "prices": prices(found, staff=True),
        "ticketTypes": found.ticket_types,
        "defaultTicketType": found.default_ticket_type,
        "salesStart": _time(found.sales_start_ms),
        "salesEnd": _time(found.sales_end_ms),
        "rules": {
            "allowOrphans": rules.allow_orphans,
            "maxSeatsPerHold": rules.max_seats_per_hold,
            "maxHeldSeatsPerBuyer": rules.max_held_seats_per_buyer,
            "maxHeldSeatsPerAddress": rules.max_held_seats_per_address,
            "holdTtl": rules.hold_ttl_ms / MS_PER_S,
            "holdTotalMax": rules.hold_total_max_ms / MS_PER_S,
            "checkoutTtl": rules.checkout_ttl_ms / MS_PER_S,
        },
    }


def frozen_by(by_staff: bool) -> str:
    """Who began a freeze and has to end it, as the API has it."""
    return "box-office" if by_staff else "buyer"


def prices(found: Configuration, *, staff: bool) -> dict[str, dict[str, str]]:
    """The prices of each category by ticket type, as text; without `staff` only the public ones."""
    return {
        category: {
            ticket_type: money.to_text(price, found.currency) for ticket_type, price in by.items()
        }
        for category, by in visible_prices(found, staff=staff).items()
    }


def _time(ms: int | None) -> str | None:
    return None if ms is None else rfc3339.to_text(ms)
