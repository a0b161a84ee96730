"""Which events are watched, by how many, and how that ends."""

import asyncio

import pytest
from tests.unit.live.test_feed import written_elsewhere
from tests.unit.live.watching import EVENT, Client, Stage

from event_seating.booking.core.records import SaleStatus
from event_seating.errors import DatabaseUnavailable, Draining, EventNotFound
from event_seating.live.errors import TooManyWatchers, WatchersFull
from event_seating.live.hub import IDLE_S
from event_seating.live.subscriber import GOING_AWAY, OUT_OF_SERVICE

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("each_way")]


async def test_an_address_has_so_many_places_and_all_have_so_many_together() -> None:
    stage = Stage(total=3, per_address=2)

    async def join(address: str) -> Client:
        client = Client(stage, 1)
        await client.join(None, address=address)
        return client

    first = await join("192.0.2.1")
    await join("192.0.2.1")
    with pytest.raises(TooManyWatchers):
        await join("192.0.2.1")
    await join("2001:db8::1")
    with pytest.raises(WatchersFull):
        await join("192.0.2.9")
    assert (stage.hub.watcher_limits.watching, stage.hub.watcher_limits.refused) == (3, 2)
    await first.leave()
    await join("192.0.2.1")


async def test_the_addresses_of_an_ipv6_household_are_one() -> None:
    stage = Stage(total=9, per_address=1)
    await Client(stage, 1).join(None, address="2001:db8::1")
    with pytest.raises(TooManyWatchers):
        await Client(stage, 1).join(None, address="2001:db8::2")


async def test_a_place_is_given_back_whatever_goes_wrong() -> None:
    stage = Stage(total=1)
    with pytest.raises(EventNotFound):
        async with stage.hub.joined(stage.reading().subscriber, "another-one", "::1", None, None):
            pass
    stage.hold(1)
    stage.new_hub(total=1)
    stage.database.away = True
    with pytest.raises(DatabaseUnavailable):
        await stage.join(since=1)
    assert stage.hub.watcher_limits.watching == 0
    stage.database.away = False
    assert len(await (await stage.join(since=1)).read()) == 1


async def test_a_watched_event_stays_in_memory_until_a_while_after_its_last_watcher() -> None:
    stage = Stage()
    client = await stage.join()
    stage.time.advance(IDLE_S * 2)
    await stage.hub.maintain()
    assert stage.logs.watched == [stage.log]
    await client.leave()
    stage.time.advance(IDLE_S - 1)
    await stage.hub.maintain()
    assert stage.hub.watched == 1
    stage.time.advance(1)
    await stage.hub.maintain()
    assert (stage.hub.watched, stage.logs.watched) == (0, [])


async def test_an_event_for_which_there_is_no_memory_is_not_watched() -> None:
    stage = Stage()
    stage.logs.room = False
    with pytest.raises(WatchersFull):
        await stage.join()
    stage.logs.room = True
    assert len(await (await stage.join()).read()) == 1


async def test_rows_of_other_processes_are_told_within_a_look() -> None:
    stage = Stage()
    client = await stage.join()
    await client.read()
    written_elsewhere(stage, lambda: stage.hold(4))
    await stage.settle()
    assert await client.read() == []
    await stage.hub.maintain()
    await stage.settle()
    assert await client.read() == [{"version": 2, "changes": {"A-1-4": "held"}}]
    assert stage.database.asked == [{EVENT: 1}]


async def test_a_signal_of_another_process_needs_no_look() -> None:
    stage = Stage()
    client = await stage.join()
    await client.read()
    stage.hub.wake(EVENT, 1)  # known already
    written_elsewhere(stage, lambda: stage.configure(SaleStatus.paused))
    stage.hub.wake("another-one", 2)
    stage.hub.wake(EVENT, 2)
    stage.hub.wake(EVENT, 2)
    await stage.settle()
    (frame,) = await client.read()
    assert frame["event"]["status"] == "paused"
    assert stage.database.asked == []


async def test_nobody_asks_the_database_for_events_that_nobody_watches() -> None:
    stage = Stage()
    await (await stage.join()).leave()
    await stage.hub.maintain()
    assert stage.database.asked == []


async def test_a_log_that_broke_is_let_go_and_its_watchers_come_again() -> None:
    stage = Stage()
    client = await stage.join()
    await client.read()
    stage.log.broken = "the log and the state disagree"
    await stage.hub.maintain()
    await client.read()
    assert client.closing == OUT_OF_SERVICE
    assert stage.hub.watched == 0


async def test_who_stops_says_goodbye_to_all_and_waits_until_they_are_gone() -> None:
    stage = Stage()
    client = await stage.join()
    stopping = asyncio.create_task(stage.hub.drain())
    await asyncio.sleep(0)
    await client.read()
    assert client.closing == GOING_AWAY
    assert not stopping.done()
    await client.leave()
    await stopping
    with pytest.raises(Draining):
        await stage.join()


async def test_who_joins_in_the_moment_of_a_stop_is_told_goodbye_too() -> None:
    stage = Stage()
    stage.hold(1)
    stage.new_hub()
    joining = asyncio.create_task(stage.join(since=1))
    await asyncio.sleep(0)
    stopping = asyncio.create_task(stage.hub.drain())
    client = await joining
    await client.read()
    assert client.closing == GOING_AWAY
    await client.leave()
    await stopping
