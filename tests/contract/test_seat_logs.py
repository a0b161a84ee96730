"""The events that a process has in memory, and writers that are ended in the middle."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.support.seat_log import EVENT, ask, open_log, place, seat_index

from event_seating.booking.core.seat_index import SeatIndex
from event_seating.booking.seat_log.registry import SeatLogs
from event_seating.booking.seat_log.sql_store import SqlLogStore, SqlLogTransaction
from event_seating.booking.seat_log.submission import Granted
from event_seating.clock import SystemClock
from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable

pytestmark = pytest.mark.anyio


async def index_of(_event_id: str) -> SeatIndex:
    return seat_index()


class StoreThatStands(SqlLogStore):
    """Its commits wait while `stands`."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.stands = False
        self.reached = asyncio.Event()

    @asynccontextmanager
    async def transaction(self, event_id: str, *, queued: bool) -> AsyncIterator[SqlLogTransaction]:
        async with super().transaction(event_id, queued=queued) as transaction:
            yield transaction
            if self.stands:
                self.reached.set()
                await asyncio.Event().wait()


async def test_an_event_that_was_given_up_comes_back_as_the_one_that_somebody_writes_to(
    database: Database,
) -> None:
    store = SqlLogStore(database)
    await open_log(store)
    logs = SeatLogs(store, SystemClock(), index_of, grace_ms=60_000, memory_bytes=1)
    held = await logs.get(EVENT)
    await logs.get("another-one")
    assert logs.in_memory(EVENT) is None
    assert await logs.get(EVENT) is held
    written = await ask(held, place([1]))
    assert isinstance(written, Granted)
    found = logs.in_memory(EVENT)
    assert found is not None
    assert found.states.version == written.version
    await logs.aclose()


async def test_who_waits_for_a_writer_that_is_ended_is_told_so(database: Database) -> None:
    store = StoreThatStands(database)
    log = await open_log(store)
    store.stands = True
    asked = asyncio.create_task(ask(log, place([1])))
    await store.reached.wait()
    assert log._writer is not None
    log._writer.cancel()
    with pytest.raises(DatabaseUnavailable):
        await asyncio.wait_for(asked, 5)
    store.stands = False
    assert isinstance(await ask(log, place([1])), Granted)


async def test_a_watched_event_is_not_given_up(database: Database) -> None:
    store = SqlLogStore(database)
    await open_log(store)
    logs = SeatLogs(store, SystemClock(), index_of, grace_ms=60_000, memory_bytes=1)
    watched = await logs.get(EVENT)
    assert logs.watch(watched)
    other = await logs.get("another-one")
    assert logs.in_memory(EVENT) is watched
    assert not logs.watch(other), "those that are watched fill the memory"
    logs.unwatch(watched)
    await logs.get("a-third-one")
    assert logs.in_memory(EVENT) is None
    await logs.aclose()


async def test_an_event_that_was_given_up_comes_back_when_it_is_watched(
    database: Database,
) -> None:
    store = SqlLogStore(database)
    await open_log(store)
    logs = SeatLogs(store, SystemClock(), index_of, grace_ms=60_000, memory_bytes=1)
    watched = await logs.get(EVENT)
    await logs.get("another-one")
    assert logs.watch(watched)
    assert logs.loaded() == [watched], "it is swept again"
    await logs.aclose()
