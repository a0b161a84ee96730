"""The statements that read one booking from the tables beside the log. No rules, no commits."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.booking.core.records import Configuration, Groups, LineGroup
from event_seating.booking.seat_log.projection import Buyer
from event_seating.db.tables import booking_lines, bookings, events

BY_ID: Final = (
    select(bookings)
    .where(bookings.c.event_id == bindparam("event_id"))
    .where(bookings.c.id == bindparam("id"))
)

LINES: Final = (
    select(booking_lines.c.seat, booking_lines.c.ticket_type, booking_lines.c.price)
    .where(booking_lines.c.event_id == bindparam("event_id"))
    .where(booking_lines.c.booking_id == bindparam("id"))
    .order_by(booking_lines.c.seat)
)


OF_HOLD: Final = (
    select(bookings.c.id)
    .where(bookings.c.event_id == bindparam("event_id"))
    .where(bookings.c.hold_id == bindparam("hold_id"))
    .limit(1)
)

CONFIGURATION: Final = select(events.c.configuration).where(events.c.id == bindparam("id"))


class BookingRow(NamedTuple):
    """A booking with its seats; a cancelled one has those that it had."""

    buyer: Buyer
    status: str
    currency: str
    version: int
    created_at_ms: int
    updated_at_ms: int
    groups: Groups


def booking_row(row: Any, groups: Groups) -> BookingRow:
    """A row of `bookings` with the groups of its lines."""
    return BookingRow(
        Buyer(*(getattr(row, name) for name in Buyer.__struct_fields__)),
        row.status,
        row.currency,
        row.version,
        row.created_at_ms,
        row.updated_at_ms,
        groups,
    )


async def by_id(connection: AsyncConnection, event_id: str, booking_id: str) -> BookingRow | None:
    key = {"event_id": event_id, "id": booking_id}
    row = (await connection.execute(BY_ID, key)).first()
    if row is None:
        return None
    lines = await connection.execute(LINES, key)
    return booking_row(row, groups_of((line.seat, line.ticket_type, line.price) for line in lines))


async def of_hold(connection: AsyncConnection, event_id: str, hold_id: str) -> str | None:
    """The id of the booking that was made from this hold, cancelled or not."""
    key = {"event_id": event_id, "hold_id": hold_id}
    return (await connection.execute(OF_HOLD, key)).scalar_one_or_none()


async def currency_of(connection: AsyncConnection, event_id: str) -> str:
    """The currency of an event, which must exist."""
    found = (await connection.execute(CONFIGURATION, {"id": event_id})).scalar_one()
    return msgspec.json.decode(found, type=Configuration).currency


def in_seat_order(groups: Groups) -> Groups:
    """The groups in the order in which the tables have them: that of every answer."""
    return groups_of(
        sorted((seat, group.type_name, group.price) for group in groups for seat in group.seats)
    )


def groups_of(lines: Iterable[tuple[int, str, int]]) -> Groups:
    """Lines (seat, ticket type, price) as groups of the same type and price."""
    groups: dict[tuple[str, int], list[int]] = {}
    for seat, ticket_type, price in lines:
        groups.setdefault((ticket_type, price), []).append(seat)
    return tuple(
        LineGroup(tuple(seats), price, ticket_type)
        for (ticket_type, price), seats in groups.items()
    )
