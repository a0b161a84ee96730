"""The statements about events. No rules, and no transactions of their own.

How an event sells is read here, but written only by the log, in the transaction of the row that
sets it. A row without it is an event that is being made, or whose making was interrupted.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Row, bindparam, delete, insert, literal, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.booking.core.records import Configuration
from event_seating.db.tables import events, venue_versions
from event_seating.events.model import Event, EventSchedule

_EVENT: Final = (
    select(
        events.c.id,
        events.c.venue_id,
        events.c.venue_version,
        venue_versions.c.name.label("venue_name"),
        events.c.name,
        events.c.starts_at_ms,
        events.c.time_zone,
        events.c.epoch,
        events.c.created_at_ms,
        events.c.configuration,
        events.c.configured_version,
    )
    .join(
        venue_versions,
        (venue_versions.c.venue_id == events.c.venue_id)
        & (venue_versions.c.version == events.c.venue_version),
    )
    .where(events.c.configuration.is_not(None))
)

BY_ID: Final = _EVENT.where(events.c.id == bindparam("event_id"))

BASICS: Final = select(
    events.c.venue_id,
    events.c.venue_version,
    events.c.epoch,
    events.c.buyer_secret,
    events.c.configuration.is_not(None).label("made"),
).where(events.c.id == bindparam("event_id"))

UNMADE_BEFORE: Final = delete(events).where(
    events.c.configuration.is_(None), events.c.created_at_ms < bindparam("before_ms")
)

_KEY: Final = tuple_(events.c.starts_at_ms, events.c.id)

_configuration = msgspec.json.Decoder(Configuration)


class EventFilter(msgspec.Struct, frozen=True):
    """A filter of the list: events at a venue, events that begin from `from_ms` to `to_ms`."""

    venue_id: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    """Exclusive."""


class EventBasics(msgspec.Struct, frozen=True):
    """An event's map version and secrets, which never change while a process runs."""

    venue_id: str
    venue_version: int
    epoch: str
    buyer_secret: bytes | None
    """None once the event is archived."""
    made: bool


class NewRow(msgspec.Struct, frozen=True):
    """The row of an event that is about to be configured."""

    id: str
    venue_id: str
    venue_version: int
    currency: str
    epoch: str
    buyer_secret: bytes
    created_at_ms: int


async def by_id(connection: AsyncConnection, event_id: str) -> Event | None:
    """The event with this id, if it is complete."""
    row = (await connection.execute(BY_ID, {"event_id": event_id})).first()
    return _event(row) if row else None


async def basics(connection: AsyncConnection, event_id: str) -> EventBasics | None:
    """The basics of the event with this id, complete or not."""
    row = (await connection.execute(BASICS, {"event_id": event_id})).first()
    return EventBasics(*row) if row else None


async def page(
    connection: AsyncConnection, wanted: EventFilter, after: tuple[int, str], limit: int
) -> Sequence[Event]:
    """The first `limit` events that come after this time and id, in their order."""
    last = tuple_(literal(after[0], BigInteger), literal(after[1]))
    query = _EVENT.where(last < _KEY)
    if wanted.venue_id is not None:
        query = query.where(events.c.venue_id == wanted.venue_id)
    if wanted.from_ms is not None:
        query = query.where(events.c.starts_at_ms >= wanted.from_ms)
    if wanted.to_ms is not None:
        query = query.where(events.c.starts_at_ms < wanted.to_ms)
    rows = await connection.execute(query.order_by(events.c.starts_at_ms, events.c.id).limit(limit))
    return [_event(row) for row in rows]


async def insert_unmade(connection: AsyncConnection, row: NewRow, schedule: EventSchedule) -> None:
    """Write an event that is invisible until the log has configured it."""
    values = msgspec.structs.asdict(row) | msgspec.structs.asdict(schedule)
    await connection.execute(insert(events).values(values))


async def set_schedule(connection: AsyncConnection, event_id: str, changes: dict[str, Any]) -> None:
    """Change these columns of an `EventSchedule`, and leave the others as they are."""
    await connection.execute(update(events).where(events.c.id == event_id).values(changes))


async def delete_unmade(connection: AsyncConnection, before_ms: int) -> int:
    """Remove events that were begun before this time and never completed; how many."""
    return (await connection.execute(UNMADE_BEFORE, {"before_ms": before_ms})).rowcount


def _event(row: Row[*tuple[Any, ...]]) -> Event:
    return Event(
        id=row.id,
        venue_id=row.venue_id,
        venue_version=row.venue_version,
        venue_name=row.venue_name,
        name=row.name,
        starts_at_ms=row.starts_at_ms,
        time_zone=row.time_zone,
        epoch=row.epoch,
        created_at_ms=row.created_at_ms,
        configuration=_configuration.decode(row.configuration),
        version=row.configured_version,
    )
