"""The statements of `verify`: an event's log and the data derived from it, page by page.

Nothing is written. No statement reads more than a page, so that neither this process nor the
database ever holds all of a large event in memory.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, Table, func, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.booking.seat_log.ports import BatchRow, StoredSnapshot
from event_seating.db.database import Database
from event_seating.db.tables import (
    booked_seats,
    booking_lines,
    bookings,
    events,
    idempotency,
    seat_log,
    seat_snapshots,
)
from event_seating.maintenance.verify_answers import Kept

AnyRow = Row[*tuple[Any, ...]]

PAGE: Final = 500
"""Rows per page: takes some milliseconds, and well under a megabyte."""

_OF_EVENTS: Final = (seat_log, bookings, booking_lines, booked_seats, idempotency, seat_snapshots)


async def event_after(connection: AsyncConnection, event_id: str) -> str | None:
    """The next event that has a row in any table, by its id."""
    firsts = [
        select(func.min(table.c.event_id).label("id")).where(table.c.event_id > event_id)
        for table in _OF_EVENTS
    ]
    firsts.append(
        select(func.min(events.c.id).label("id"))
        .where(events.c.id > event_id)
        .where(events.c.configuration.is_not(None))
    )
    found = union_all(*firsts).subquery()
    first: str | None = (await connection.execute(select(func.min(found.c.id)))).scalar_one()
    return first


async def last_version(connection: AsyncConnection, event_id: str) -> int:
    """The version of the newest row of the log; 0 if there is none."""
    newest = select(func.max(seat_log.c.version)).where(seat_log.c.event_id == event_id)
    return (await connection.execute(newest)).scalar_one() or 0


async def log_rows(
    connection: AsyncConnection, event_id: str, after: int = 0
) -> AsyncIterator[BatchRow]:
    """The log in order, from the row after this version on."""
    columns = (seat_log.c.version, seat_log.c.batch_id, seat_log.c.format)
    wanted = select(*columns, seat_log.c.entries, seat_log.c.at_ms)
    wanted = wanted.where(seat_log.c.version > after)
    async for row in _pages(connection, wanted, seat_log, event_id, seat_log.c.version):
        yield BatchRow._make(row)


async def rows_at(
    connection: AsyncConnection, event_id: str, versions: Iterable[int]
) -> Sequence[BatchRow]:
    """These rows of the log, as far as they are there."""
    wanted = (
        select(seat_log.c.version, seat_log.c.batch_id, seat_log.c.format)
        .add_columns(seat_log.c.entries, seat_log.c.at_ms)
        .where(seat_log.c.event_id == event_id)
        .where(seat_log.c.version.in_(list(versions)))
    )
    return [BatchRow._make(row) for row in await connection.execute(wanted)]


async def snapshot_versions(connection: AsyncConnection, event_id: str) -> list[int]:
    """The versions that have a snapshot."""
    wanted = select(seat_snapshots.c.version).where(seat_snapshots.c.event_id == event_id)
    return list((await connection.execute(wanted)).scalars())


async def snapshot(connection: AsyncConnection, event_id: str, version: int) -> StoredSnapshot:
    """The snapshot of a version."""
    wanted = (
        select(seat_snapshots.c.version, seat_snapshots.c.image, seat_snapshots.c.at_ms)
        .where(seat_snapshots.c.event_id == event_id)
        .where(seat_snapshots.c.version == version)
    )
    return StoredSnapshot(*(await connection.execute(wanted)).one())


async def configured(connection: AsyncConnection, event_id: str) -> AnyRow | None:
    """How the event sells, as its row says."""
    wanted = select(events.c.configuration, events.c.configured_version)
    return (await connection.execute(wanted.where(events.c.id == event_id))).one_or_none()


async def booking_pages(
    connection: AsyncConnection, event_id: str
) -> AsyncIterator[Sequence[AnyRow]]:
    """All bookings in the order of their ids, a page at a time."""
    page: list[AnyRow] = []
    async for row in _pages(connection, select(bookings), bookings, event_id, bookings.c.id):
        page.append(row)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


async def bookings_named(
    connection: AsyncConnection, event_id: str, names: Iterable[str]
) -> Sequence[AnyRow]:
    """These bookings, as far as they exist."""
    wanted = select(bookings).where(bookings.c.event_id == event_id)
    return (await connection.execute(wanted.where(bookings.c.id.in_(list(names))))).all()


async def lines_of(
    connection: AsyncConnection, event_id: str, names: Iterable[str]
) -> Sequence[AnyRow]:
    """All lines of these bookings."""
    wanted = select(booking_lines).where(booking_lines.c.event_id == event_id)
    return (
        await connection.execute(wanted.where(booking_lines.c.booking_id.in_(list(names))))
    ).all()


async def stray_lines(connection: AsyncConnection, event_id: str, most: int) -> Sequence[AnyRow]:
    """Lines whose booking does not exist."""
    theirs = (bookings.c.event_id == booking_lines.c.event_id) & (
        bookings.c.id == booking_lines.c.booking_id
    )
    wanted = (
        select(booking_lines.c.booking_id, booking_lines.c.seat)
        .outerjoin(bookings, theirs)
        .where(booking_lines.c.event_id == event_id)
        .where(bookings.c.id.is_(None))
        .limit(most)
    )
    return (await connection.execute(wanted)).all()


async def seats_sold(connection: AsyncConnection, event_id: str) -> AsyncIterator[AnyRow]:
    """All booked seats in order."""
    wanted = select(booked_seats.c.seat, booked_seats.c.booking_id)
    async for row in _pages(connection, wanted, booked_seats, event_id, booked_seats.c.seat):
        yield row


async def stored_answers(connection: AsyncConnection, event_id: str) -> AsyncIterator[AnyRow]:
    """All answers stored for repeated calls."""
    key = (idempotency.c.scope, idempotency.c.key)
    kept = [idempotency.c[name] for name in Kept._fields]
    wanted = select(*key, *kept)
    async for row in _pages(connection, wanted, idempotency, event_id, *key):
        yield row


async def event_ids(database: Database) -> AsyncIterator[str]:
    """Every event that has a row in any table."""
    event_id: str | None = ""
    while event_id is not None:
        async with database.read() as connection:
            event_id = await event_after(connection, event_id)
        if event_id is not None:
            yield event_id


async def _pages(
    connection: AsyncConnection,
    wanted: Select[Any],
    table: Table,
    event_id: str,
    *key: ColumnElement[Any],
) -> AsyncIterator[AnyRow]:
    """The rows of an event in the order of a key, each page starting where the last one ended."""
    names = [str(column.key) for column in key]
    wanted = wanted.where(table.c.event_id == event_id).order_by(*key).limit(PAGE)
    page = (await connection.execute(wanted)).all()
    while page:
        for row in page:
            yield row
        if len(page) < PAGE:
            return
        last = [getattr(page[-1], name) for name in names]
        page = (await connection.execute(wanted.where(tuple_(*key) > tuple_(*last)))).all()
