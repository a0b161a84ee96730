"""The statements about events, and what the log writes beside them, on every backend."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select
from tests.support.seat_log import CONFIGURATION, seat_index

from event_seating.booking.core.commands import Configure, Part
from event_seating.booking.core.records import Configuration, SaleRules, SaleStatus
from event_seating.booking.core.refusals import Refusal, RefusalCode
from event_seating.booking.seat_log import state_snapshots
from event_seating.booking.seat_log.sql_store import SqlLogStore
from event_seating.booking.seat_log.submission import Granted, Submission
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating import ids
from event_seating.booking.seating.loaded_events import Facts
from event_seating.clock import SystemClock
from event_seating.db.database import Database
from event_seating.db.tables import events
from event_seating.errors import EventNotFound
from event_seating.events import store
from event_seating.events.facts import EventFacts
from event_seating.events.model import Event, EventSchedule
from event_seating.events.store import EventBasics, EventFilter, NewRow
from event_seating.venues import store as venues_store
from event_seating.venues.model import MapVersion, PackedMap

pytestmark = pytest.mark.anyio

FIRST = (-1, "")
HALL = MapVersion("hall", 1, "The Hall", "etag", 200, 1, 2)


async def add_venue(database: Database, venue: MapVersion = HALL) -> None:
    async with database.write() as connection:
        await venues_store.insert_venue(connection, venue, 1)
        await venues_store.insert_version(connection, PackedMap(venue, b"map"), 1)


async def add_unmade(
    database: Database, event_id: str, starts_at_ms: int = 5, venue: str = "hall", made_at: int = 1
) -> None:
    row = NewRow(event_id, venue, 1, "EUR", "epoch", b"secret", made_at)
    async with database.write() as connection:
        schedule = EventSchedule("Concert 🎟", starts_at_ms, "Europe/Berlin")
        await store.insert_unmade(connection, row, schedule)


async def log_of(database: Database, event_id: str) -> SeatLog:
    """The event's log, as one more process has it."""
    log_store = SqlLogStore(database)
    states = await state_snapshots.load(event_id, seat_index(), log_store, grace_ms=60_000)
    return SeatLog(event_id, states, log_store, SystemClock())


async def configure(log: SeatLog, request: Configure) -> Granted | Refusal:
    return await log.submit(Submission(request))


async def add(database: Database, event_id: str, *args: Any) -> SeatLog:
    await add_unmade(database, event_id, *args)
    log = await log_of(database, event_id)
    assert isinstance(await configure(log, Configure(CONFIGURATION)), Granted)
    return log


async def by_id(database: Database, event_id: str) -> Event | None:
    async with database.read() as connection:
        return await store.by_id(connection, event_id)


async def page(database: Database, after: tuple[int, str], limit: int, **wanted: Any) -> list[str]:
    async with database.read() as connection:
        found = await store.page(connection, EventFilter(**wanted), after, limit)
    return [event.id for event in found]


async def sale_of(database: Database, event_id: str) -> tuple[Configuration, int]:
    event = await by_id(database, event_id)
    assert event is not None
    return event.configuration, event.version


def with_ttl(ttl_ms: int) -> Configuration:
    return Configuration("EUR", CONFIGURATION.prices, rules=SaleRules(hold_ttl_ms=ttl_ms))


async def test_an_event_is_read_as_it_was_made(database: Database) -> None:
    await add_venue(database)
    event_id = ids.new_event_id()
    await add(database, event_id)
    assert await by_id(database, event_id) == Event(
        event_id, "hall", 1, "The Hall", "Concert 🎟", 5, "Europe/Berlin", "epoch", 1,
        CONFIGURATION, 1,
    )  # fmt: skip


async def test_an_event_whose_making_was_cut_off_is_nowhere_to_be_seen(database: Database) -> None:
    await add_venue(database)
    await add_unmade(database, "cutoff000000")
    assert await by_id(database, "cutoff000000") is None
    assert await page(database, FIRST, 10) == []
    async with database.read() as connection:
        place = await store.basics(connection, "cutoff000000")
    assert place == EventBasics("hall", 1, "epoch", b"secret", made=False)


async def test_only_who_is_making_an_event_is_told_where_it_will_be(database: Database) -> None:
    await add_venue(database)
    await add_unmade(database, "beingmade000")
    facts = EventFacts(database)
    with facts.making("beingmade000"):
        assert await facts.of("beingmade000") == Facts("hall", 1, "epoch", b"secret")
    with pytest.raises(EventNotFound):
        await facts.of("beingmade000")
    log = await log_of(database, "beingmade000")
    await configure(log, Configure(CONFIGURATION))
    assert await facts.of("beingmade000") == Facts("hall", 1, "epoch", b"secret")


async def test_what_was_cut_off_is_removed_later_and_nothing_else(database: Database) -> None:
    await add_venue(database)
    await add(database, "made00000000", 5, "hall", 1)
    await add_unmade(database, "cutoff000000", 5, "hall", 1)
    await add_unmade(database, "beingmade000", 5, "hall", 1000)
    async with database.write() as connection:
        assert await store.delete_unmade(connection, 1000) == 1
    async with database.read() as connection:
        left = (await connection.execute(select(events.c.id))).scalars().all()
    assert sorted(left) == ["beingmade000", "made00000000"]


async def test_each_configuration_is_beside_the_event_with_the_version_that_set_it(
    database: Database,
) -> None:
    await add_venue(database)
    log = await add(database, "event0000000")
    paused = Configuration("EUR", CONFIGURATION.prices, SaleStatus.paused, 1, 2)
    await configure(log, Configure(paused))
    assert await sale_of(database, "event0000000") == (paused, 2)
    assert (await log_of(database, "event0000000")).states.configuration == paused


async def test_the_last_of_several_configurations_in_one_row_is_the_one_that_stays(
    database: Database,
) -> None:
    await add_venue(database)
    log = await add(database, "event0000000")
    await asyncio.gather(*(configure(log, Configure(with_ttl(ttl))) for ttl in (1000, 2000, 3000)))
    assert await sale_of(database, "event0000000") == (with_ttl(3000), 2)


async def test_seats_that_the_map_has_not_for_sale_are_blocked_in_the_same_row(
    database: Database,
) -> None:
    await add_venue(database)
    await add_unmade(database, "event0000000")
    log = await log_of(database, "event0000000")
    await configure(log, Configure(CONFIGURATION, blocked=Part((3, 4))))
    assert log.states.version == 1
    assert log.states.characters()[:6] == b"aaaxxa"


async def test_of_two_processes_that_change_one_configuration_the_second_is_told(
    database: Database,
) -> None:
    await add_venue(database)
    ours = await add(database, "event0000000")
    theirs = await log_of(database, "event0000000")
    assert isinstance(
        await configure(theirs, Configure(with_ttl(1000), replaces=CONFIGURATION)), Granted
    )
    refused = await configure(ours, Configure(with_ttl(2000), replaces=CONFIGURATION))
    assert isinstance(refused, Refusal)
    assert refused.code is RefusalCode.configuration_changed
    assert await sale_of(database, "event0000000") == (with_ttl(1000), 2)
    again = await configure(ours, Configure(with_ttl(2000), replaces=with_ttl(1000)))
    assert isinstance(again, Granted)


async def test_a_page_begins_after_the_last_event_of_the_page_before(database: Database) -> None:
    await add_venue(database)
    large = 2_000_000_000_000
    for event_id, starts_at_ms in (("c" * 12, 7), ("b" * 12, large), ("a" * 12, large)):
        await add(database, event_id, starts_at_ms)
    assert await page(database, FIRST, 2) == ["c" * 12, "a" * 12]
    assert await page(database, (large, "a" * 12), 2) == ["b" * 12]
    assert await page(database, (large, "b" * 12), 2) == []


async def test_a_list_has_only_the_venues_and_times_that_were_asked_for(
    database: Database,
) -> None:
    await add_venue(database)
    await add_venue(database, MapVersion("club", 1, "Club", "etag", 1, 0, 1))
    await add(database, "hall00000001", 10)
    await add(database, "hall00000002", 20)
    await add(database, "club00000003", 20, "club")
    assert await page(database, FIRST, 9, venue_id="club") == ["club00000003"]
    assert await page(database, FIRST, 9, from_ms=20) == ["club00000003", "hall00000002"]
    assert await page(database, FIRST, 9, to_ms=20) == ["hall00000001"]


async def test_only_what_is_named_of_a_schedule_changes(database: Database) -> None:
    await add_venue(database)
    await add(database, "event0000000")
    async with database.write() as connection:
        await store.set_schedule(connection, "event0000000", {"name": "Other"})
    event = await by_id(database, "event0000000")
    assert event is not None
    assert (event.name, event.starts_at_ms, event.time_zone) == ("Other", 5, "Europe/Berlin")
