"""The statements about venues and the versions of their maps. No rules, no transactions."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Row, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.db.tables import venue_versions, venues
from event_seating.venues.model import MapVersion, PackedMap, Venue

_VERSION: Final = (
    venue_versions.c.venue_id,
    venue_versions.c.version,
    venue_versions.c.name,
    venue_versions.c.etag,
    venue_versions.c.seats,
    venue_versions.c.areas,
    venue_versions.c.categories,
)

_IS_NEWEST: Final = (venue_versions.c.venue_id == venues.c.id) & (
    venue_versions.c.version == venues.c.version
)

NEWEST: Final = (
    select(*_VERSION).join(venues, _IS_NEWEST).where(venues.c.id == bindparam("venue_id"))
)

PACKED: Final = select(*_VERSION, venue_versions.c.map_gzip).where(
    venue_versions.c.venue_id == bindparam("venue_id"),
    venue_versions.c.version == bindparam("version"),
)

PAGE: Final = (
    select(*_VERSION, venues.c.created_at_ms)
    .join(venues, _IS_NEWEST)
    .where(venues.c.id > bindparam("after"))
    .order_by(venues.c.id)
    .limit(bindparam("limit"))
)

# As text, since both databases accept it; SQLAlchemy has a different class for each.
INSERT_VENUE_UNLESS_THERE: Final = text(
    "INSERT INTO venues (id, name, version, created_at_ms)"
    " VALUES (:id, :name, :version, :created_at_ms) ON CONFLICT DO NOTHING"
)

INSERT_VERSION_UNLESS_THERE: Final = text(
    "INSERT INTO venue_versions"
    " (venue_id, version, name, etag, seats, areas, categories, map_gzip, created_at_ms)"
    " VALUES (:venue_id, :version, :name, :etag, :seats, :areas, :categories, :map_gzip,"
    " :created_at_ms) ON CONFLICT DO NOTHING"
)

SET_NEWEST: Final = text("UPDATE venues SET name = :name, version = :version WHERE id = :venue_id")


async def newest(connection: AsyncConnection, venue_id: str) -> MapVersion | None:
    """The newest version of this venue's map."""
    row = (await connection.execute(NEWEST, {"venue_id": venue_id})).first()
    return _version(row) if row else None


async def packed(connection: AsyncConnection, venue_id: str, version: int) -> PackedMap | None:
    """One version of this venue's map, with its bytes."""
    row = (await connection.execute(PACKED, {"venue_id": venue_id, "version": version})).first()
    return PackedMap(_version(row), row.map_gzip) if row else None


async def page(connection: AsyncConnection, after: str, limit: int) -> Sequence[Venue]:
    """The first `limit` venues whose id comes after this one, in the order of their ids."""
    rows = await connection.execute(PAGE, {"after": after, "limit": limit})
    return [Venue(_version(row), row.created_at_ms) for row in rows]


async def insert_venue(connection: AsyncConnection, first: MapVersion, now_ms: int) -> bool:
    """Write a new venue, unless there is one with its id; whether it was written."""
    values = {"id": first.venue_id, "name": first.name, "version": first.version}
    result = await connection.execute(INSERT_VENUE_UNLESS_THERE, values | {"created_at_ms": now_ms})
    return result.rowcount == 1


async def insert_version(connection: AsyncConnection, new: PackedMap, now_ms: int) -> bool:
    """Write a version, unless another transaction took its number; whether it was written."""
    values = msgspec.structs.asdict(new.version)
    result = await connection.execute(
        INSERT_VERSION_UNLESS_THERE,
        values | {"map_gzip": new.map_gzip, "created_at_ms": now_ms},
    )
    return result.rowcount == 1


async def set_newest(connection: AsyncConnection, newest: MapVersion) -> None:
    """Make a version that was just written the newest of its venue."""
    values = {"venue_id": newest.venue_id, "name": newest.name, "version": newest.version}
    await connection.execute(SET_NEWEST, values)


def _version(row: Row[*tuple[Any, ...]]) -> MapVersion:
    return MapVersion(
        row.venue_id, row.version, row.name, row.etag, row.seats, row.areas, row.categories
    )
