"""What live updates ask of the log in the database, on each of them."""

import pytest
from tests.support.seat_log import EVENT, ask, open_log, place

from event_seating.booking.seat_log.sql_store import SqlLogStore
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.db.database import Database
from event_seating.live.store import LiveStore

pytestmark = pytest.mark.anyio


async def written(database: Database, rows: int) -> SeatLog:
    log = await open_log(SqlLogStore(database))
    for seat in range(rows - 1):
        await ask(log, place([seat]))
    assert log.states.version == rows
    return log


async def test_the_last_rows_come_the_newest_first(database: Database) -> None:
    await written(database, 5)
    store = LiveStore(database)
    found = await store.rows_up_to(EVENT, 4, 3)
    assert [row.version for row in found] == [4, 3, 2]
    assert [row.version for row in await store.rows_up_to(EVENT, 2, 10)] == [2, 1]
    assert await store.rows_up_to("another-one", 4, 3) == []
    straight = await SqlLogStore(database).rows_after(EVENT, 0, 10)
    assert sorted(found) == sorted(straight)[1:4]


async def test_events_that_moved_on_are_named_and_no_others(database: Database) -> None:
    await written(database, 3)
    store = LiveStore(database)
    others = {f"another-{number:04}": number for number in range(1_500)}
    assert await store.moved_on({EVENT: 2, **others}) == [EVENT]
    assert await store.moved_on({EVENT: 3, **others}) == []
    assert await store.moved_on({EVENT: 1}) == [EVENT]
