"""A booking as the API answers it, whoever asks: the write side, the lists, a read by its id.

Owns the one shape, and that the same booking is always answered with its lines in the same order
(by ticket type and price, and in each the order of the map), whether it comes from the state that
decided it or from the rows that follow from it. It reads nothing itself.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from event_seating import money
from event_seating.booking.house import House
from event_seating.booking.records import STANDARD, Groups, LineGroup, seats_of
from event_seating.clock import rfc3339


class BookingRow(NamedTuple):
    """A row of `bookings`, as `Projection` makes it."""

    event_id: str
    id: str
    user_id: str | None
    order_ref: str | None
    metadata: str | None
    """JSON."""
    status: str
    total: int
    currency: str
    version: int
    created_at_ms: int
    updated_at_ms: int


class LineRow(NamedTuple):
    """What one seat or place of a booking is and costs: a row of `booking_lines`."""

    seat: int
    ticket_type: str
    price: int


def groups_of(lines: Iterable[LineRow]) -> Groups:
    """The lines of one booking, put together in the one order that answers have."""
    found: dict[tuple[str, int], list[int]] = {}
    for line in sorted(lines):
        found.setdefault((line.ticket_type, line.price), []).append(line.seat)
    return tuple(
        LineGroup(tuple(seats), price, None if ticket_type == STANDARD else ticket_type)
        for (ticket_type, price), seats in found.items()
    )


def in_order(groups: Groups) -> Groups:
    """The groups of a booking as it was decided, in the order that answers have."""
    return groups_of(
        LineRow(seat, group.ticket_type or STANDARD, group.price)
        for group in groups
        for seat in group.seats
    )


def booking(row: BookingRow, groups: Groups, house: House) -> dict[str, Any]:
    """The booking, ready for JSON; `groups` as `groups_of` or `in_order` gave them."""
    seats = sorted(seats_of(groups))
    return {
        "id": row.id,
        "eventId": row.event_id,
        "userId": row.user_id,
        "orderRef": row.order_ref,
        "metadata": None if row.metadata is None else msgspec.json.decode(row.metadata),
        "seats": house.seat_ids(seats),
        "areas": house.area_quantities(seats),
        "lines": house.lines(groups, row.currency),
        "total": money.to_text(row.total, row.currency),
        "currency": row.currency,
        "status": row.status,
        "version": row.version,
        "createdAt": rfc3339(row.created_at_ms),
        "updatedAt": rfc3339(row.updated_at_ms),
    }
