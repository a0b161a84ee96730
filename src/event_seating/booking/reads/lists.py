"""The statements that read many rows: lists of bookings by keyset, and the log both ways.

The caller bounds each, and a next page begins after the last row that was read, not at an offset.
No rules, no commits.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Integer, Select, bindparam, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.booking.reads.bookings import BookingRow, booking_row, groups_of
from event_seating.booking.seat_log.ports import BatchRow
from event_seating.db.tables import booking_lines, bookings, seat_log

_LINES: Final = (
    select(
        booking_lines.c.booking_id,
        booking_lines.c.seat,
        booking_lines.c.ticket_type,
        booking_lines.c.price,
    )
    .where(booking_lines.c.event_id == bindparam("event_id"))
    .where(booking_lines.c.booking_id.in_(bindparam("ids", expanding=True)))
    .order_by(booking_lines.c.booking_id, booking_lines.c.seat)
)

_LOG: Final = select(
    seat_log.c.version,
    seat_log.c.batch_id,
    seat_log.c.format,
    seat_log.c.entries,
    seat_log.c.at_ms,
).where(seat_log.c.event_id == bindparam("event_id"))

_LOG_AFTER: Final = (
    _LOG.where(seat_log.c.version > bindparam("version"))
    .order_by(seat_log.c.version)
    .limit(bindparam("most", type_=Integer))
)

_LOG_BEFORE: Final = (
    _LOG.where(seat_log.c.version < bindparam("version"))
    .order_by(seat_log.c.version.desc())
    .limit(bindparam("most", type_=Integer))
)


class BookingFilter(NamedTuple):
    """Which bookings of an event are listed; a field that is `None` does not filter."""

    seat: int | None = None
    """Bookings that have this seat, or had it when they were cancelled."""
    order_ref: str | None = None
    user_id: str | None = None
    status: str | None = None
    updated_since_ms: int | None = None


class ListedBooking(NamedTuple):
    """A booking in a list."""

    event_id: str
    id: str
    row: BookingRow


async def by_update(
    connection: AsyncConnection,
    event_id: str,
    wanted: BookingFilter,
    after: tuple[int, str] | None,
    most: int,
) -> list[ListedBooking]:
    """An event's bookings in the order of their last change, after this (time, id).

    A booking that changes between two pages comes again at the end: nothing is missed.
    """
    order = (bookings.c.updated_at_ms, bookings.c.id)
    return await _page(connection, _of_event(event_id, wanted), order, after, most)


async def by_id(
    connection: AsyncConnection,
    event_id: str,
    wanted: BookingFilter,
    after: tuple[str] | None,
    most: int,
) -> list[ListedBooking]:
    """An event's bookings in the order of their ids: each comes once, even if it changes."""
    order = (bookings.c.id,)
    return await _page(connection, _of_event(event_id, wanted), order, after, most)


async def of_user(
    connection: AsyncConnection, user_id: str, after: tuple[int, str, str] | None, most: int
) -> list[ListedBooking]:
    """A user's bookings in all events, the oldest first, after this (created at, event, id)."""
    order = (bookings.c.created_at_ms, bookings.c.event_id, bookings.c.id)
    statement = select(bookings).where(bookings.c.user_id == user_id)
    return await _page(connection, statement, order, after, most)


async def by_ids(
    connection: AsyncConnection, event_id: str, ids: Sequence[str]
) -> list[ListedBooking]:
    """The bookings of an event with these ids, as far as they exist, in no order."""
    if not ids:
        return []
    statement = select(bookings).where(bookings.c.event_id == event_id)
    found = await connection.execute(statement.where(bookings.c.id.in_(ids)))
    return await _with_lines(connection, found.all())


async def log_after(
    connection: AsyncConnection, event_id: str, version: int, most: int
) -> list[BatchRow]:
    """The rows after `version`, in order."""
    return await _log_rows(connection, _LOG_AFTER, event_id, version, most)


async def log_before(
    connection: AsyncConnection, event_id: str, version: int, most: int
) -> list[BatchRow]:
    """The rows before `version`, the newest first."""
    return await _log_rows(connection, _LOG_BEFORE, event_id, version, most)


def _of_event(event_id: str, wanted: BookingFilter) -> Select[Any]:
    statement = select(bookings).where(bookings.c.event_id == event_id)
    for column, value in (
        (bookings.c.order_ref, wanted.order_ref),
        (bookings.c.user_id, wanted.user_id),
        (bookings.c.status, wanted.status),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.updated_since_ms is not None:
        statement = statement.where(bookings.c.updated_at_ms >= wanted.updated_since_ms)
    if wanted.seat is not None:
        having = (
            select(booking_lines.c.booking_id)
            .where(booking_lines.c.event_id == event_id)
            .where(booking_lines.c.seat == wanted.seat)
        )
        statement = statement.where(bookings.c.id.in_(having))
    return statement


async def _page(
    connection: AsyncConnection,
    statement: Select[Any],
    order: Sequence[Any],
    after: Sequence[int | str] | None,
    most: int,
) -> list[ListedBooking]:
    if after is not None:
        statement = statement.where(tuple_(*order) > tuple_(*after))
    found = await connection.execute(statement.order_by(*order).limit(most))
    return await _with_lines(connection, found.all())


async def _with_lines(connection: AsyncConnection, found: Sequence[Any]) -> list[ListedBooking]:
    lines = await _lines(connection, found)
    return [
        ListedBooking(
            row.event_id,
            row.id,
            booking_row(row, groups_of(lines[row.event_id, row.id])),
        )
        for row in found
    ]


async def _lines(
    connection: AsyncConnection, found: Sequence[Any]
) -> dict[tuple[str, str], list[tuple[int, str, int]]]:
    lines: dict[tuple[str, str], list[tuple[int, str, int]]] = {
        (row.event_id, row.id): [] for row in found
    }
    for event_id in {row.event_id for row in found}:
        values = {"event_id": event_id, "ids": [id_ for event, id_ in lines if event == event_id]}
        for line in await connection.execute(_LINES, values):
            lines[event_id, line.booking_id].append((line.seat, line.ticket_type, line.price))
    return lines


async def _log_rows(
    connection: AsyncConnection, statement: Any, event_id: str, version: int, most: int
) -> list[BatchRow]:
    values = {"event_id": event_id, "version": version, "most": most}
    return [BatchRow(*row) for row in await connection.execute(statement, values)]
