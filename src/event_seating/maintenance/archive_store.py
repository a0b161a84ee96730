"""The statements of `archive`: reading which rows may be archived, and deleting them. No rules."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.db.tables import events, log_archives, seat_log, seat_snapshots

ROWS_A_STEP: Final = 500
"""Takes some ten milliseconds, during which SQLite admits no other writer."""


class Archived(NamedTuple):
    """A part of a log that is in a file."""

    first_version: int
    last_version: int
    file: str
    sha256: str


class EventDates(NamedTuple):
    """An event's time, and the time of the last row of its log."""

    epoch: str
    starts_at_ms: int
    configuration: str | None
    last_at_ms: int


async def archives(connection: AsyncConnection, event_id: str) -> Sequence[Archived]:
    """The parts of an event's log that are in files, in order."""
    wanted = (
        select(
            log_archives.c.first_version,
            log_archives.c.last_version,
            log_archives.c.file,
            log_archives.c.sha256,
        )
        .where(log_archives.c.event_id == event_id)
        .order_by(log_archives.c.last_version)
    )
    return [Archived(*row) for row in await connection.execute(wanted)]


async def dates(connection: AsyncConnection, event_id: str) -> EventDates | None:
    """The dates of the event; None if there is no event with a log."""
    last = select(func.max(seat_log.c.at_ms)).where(seat_log.c.event_id == event_id)
    wanted = select(
        events.c.epoch, events.c.starts_at_ms, events.c.configuration, last.scalar_subquery()
    ).where(events.c.id == event_id)
    row = (await connection.execute(wanted)).one_or_none()
    return None if row is None or row[3] is None else EventDates(*row)


async def oldest_snapshot(connection: AsyncConnection, event_id: str) -> tuple[int, int]:
    """The version of the oldest snapshot, and the number of snapshots."""
    wanted = select(func.min(seat_snapshots.c.version), func.count()).where(
        seat_snapshots.c.event_id == event_id
    )
    version, count = (await connection.execute(wanted)).one()
    return version or 0, count


async def record(connection: AsyncConnection, event_id: str, part: Archived, at_ms: int) -> None:
    """Record that a part of a log is in a file."""
    values: dict[str, Any] = {"event_id": event_id, **part._asdict(), "archived_at_ms": at_ms}
    await connection.execute(insert(log_archives), values)


async def remove(connection: AsyncConnection, event_id: str, last_version: int) -> int:
    """Delete the first rows up to this version, at most one step's worth; how many it was."""
    chosen = (
        select(seat_log.c.version)
        .where(seat_log.c.event_id == event_id)
        .where(seat_log.c.version <= last_version)
        .order_by(seat_log.c.version)
        .limit(ROWS_A_STEP)
    )
    result = await connection.execute(
        delete(seat_log)
        .where(seat_log.c.event_id == event_id)
        .where(seat_log.c.version.in_(chosen.scalar_subquery()))
    )
    return result.rowcount
