"""The statements about venues, on every backend."""

import pytest

from event_seating.db.database import Database
from event_seating.venues import store
from event_seating.venues.model import MapVersion, PackedMap, Venue

pytestmark = pytest.mark.anyio

NOW = 1_702_049_445_123
CLUB = MapVersion("club", 1, "Club 🎟", "e1", 4, 1, 2)


def version(venue_id: str = "club", number: int = 1) -> MapVersion:
    return MapVersion(venue_id, number, f"{venue_id} {number}", f"e{number}", 4, 1, 2)


async def create(database: Database, first: MapVersion, map_gzip: bytes = b"\x1f\x8b\x00") -> bool:
    async with database.write() as connection:
        return await store.insert_venue(connection, first, NOW) and await store.insert_version(
            connection, PackedMap(first, map_gzip), NOW
        )


async def test_a_map_is_read_as_it_was_written(database: Database) -> None:
    map_gzip = bytes(range(256)) * 8000
    assert await create(database, CLUB, map_gzip)
    async with database.read() as connection:
        assert await store.packed(connection, "club", 1) == PackedMap(CLUB, map_gzip)
        assert await store.newest(connection, "club") == CLUB


async def test_what_is_not_there_is_none(database: Database) -> None:
    await create(database, CLUB)
    async with database.read() as connection:
        assert await store.newest(connection, "Club") is None
        assert await store.packed(connection, "Club", 1) is None
        assert await store.packed(connection, "club", 2) is None


async def test_a_venue_that_exists_is_not_written_again(database: Database) -> None:
    await create(database, CLUB)
    async with database.write() as connection:
        assert not await store.insert_venue(connection, version(), NOW + 1)
    async with database.read() as connection:
        assert await store.page(connection, "", 10) == [Venue(CLUB, NOW)]


async def test_a_number_that_is_taken_is_not_written_again(database: Database) -> None:
    await create(database, CLUB)
    async with database.write() as connection:
        assert not await store.insert_version(connection, PackedMap(version(), b"other"), NOW)
    async with database.read() as connection:
        packed = await store.packed(connection, "club", 1)
    assert packed is not None
    assert packed.version == CLUB


async def test_the_newest_version_is_the_one_that_was_set(database: Database) -> None:
    await create(database, CLUB)
    second = version(number=2)
    async with database.write() as connection:
        assert await store.insert_version(connection, PackedMap(second, b"two"), NOW + 5)
        assert await store.newest(connection, "club") == CLUB
        await store.set_newest(connection, second)
    async with database.read() as connection:
        assert await store.newest(connection, "club") == second
        assert await store.page(connection, "", 10) == [Venue(second, NOW)]
        first = await store.packed(connection, "club", 1)
    assert first is not None
    assert first.version == CLUB


async def test_a_page_begins_behind_an_id_and_ends_at_the_limit(database: Database) -> None:
    for name in ("d", "b", "a", "c"):
        await create(database, version(name))
    async with database.read() as connection:
        whole = [venue.newest.venue_id for venue in await store.page(connection, "", 10)]
        part = [venue.newest.venue_id for venue in await store.page(connection, "a", 2)]
    assert (whole, part) == (["a", "b", "c", "d"], ["b", "c"])
