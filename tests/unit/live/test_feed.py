"""What the watchers of an event are told, and when: nothing is lost and nothing comes twice."""

import asyncio
import random
from typing import Any

import pytest
from tests.support.seat_states import row_of
from tests.unit.live.watching import SEATS, Client, FromConnection, Stage

from event_seating.booking.core.records import SaleStatus
from event_seating.booking.core.seat_index import SeatIndex
from event_seating.live import feed as feed_module
from event_seating.live import frames, recent, subscriber
from event_seating.live.broadcast import FRAME_EVERY_S, PAUSE_S_MAX, PUT_AT_ONCE
from event_seating.live.feed import HEARTBEAT_S
from event_seating.live.frames import FRAME_SEATS_MAX
from event_seating.live.subscriber import GOING_AWAY, TOO_SLOW

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("each_way")]

EMPTY_FLOOR = {"available": 5, "held": 0, "booked": 0, "blocked": 0}


async def test_who_asks_for_no_version_is_told_the_present_one_and_what_comes_then() -> None:
    stage = Stage()
    stage.hold(1)
    client = await stage.join()
    assert await client.read() == [{"version": 2}]
    stage.hold(2)
    await stage.settle()
    assert await client.read() == [{"version": 3, "changes": {"A-1-2": "held"}}]


async def test_the_first_change_is_told_at_once() -> None:
    stage = Stage()
    client = await stage.join()
    await client.read()
    before = stage.time.now
    stage.hold(1)
    await stage.settle()
    assert (await client.read(), stage.time.now) == (
        [{"version": 2, "changes": {"A-1-1": "held"}}],
        before,
    )


async def test_what_comes_soon_after_a_frame_is_merged_into_the_next() -> None:
    stage = Stage()
    client = await stage.join()
    stage.hold(1)
    await stage.settle()
    await client.read()
    for seat in (2, 3, 4):
        stage.hold(seat)
        await stage.settle()
        stage.time.advance(FRAME_EVERY_S / 5)
        await stage.settle()
    assert await client.read() == []
    stage.time.advance(FRAME_EVERY_S)
    await stage.settle()
    (frame,) = await client.read()
    assert frame == {
        "version": 5,
        "changes": {"A-1-2": "held", "A-1-3": "held", "A-1-4": "held"},
    }


async def test_an_event_sends_at_most_twenty_frames_a_second() -> None:
    stage = Stage()
    client = await stage.join()
    await client.read()
    for number in range(200):
        (stage.block if number % 2 == 0 else stage.unblock)(number // 2 % SEATS)
        await stage.settle()
        stage.time.advance(0.005)
        await stage.settle()
    told = await client.read()
    assert 19 <= len(told) <= 21


@pytest.mark.parametrize(
    ("took_s", "next_after_s"),
    [(0.0, FRAME_EVERY_S), (0.012, FRAME_EVERY_S), (0.02, 0.08), (3.0, 3.0 + PAUSE_S_MAX)],
)
async def test_frames_take_at_most_a_quarter_of_the_time_but_are_never_silent_for_long(
    took_s: float, next_after_s: float
) -> None:
    stage = Stage()
    client = await stage.join()
    stage.hold(1)
    began = stage.time.now
    stage.time.step()
    stage.time.cpu += took_s
    stage.time.advance(took_s)
    stage.time.step()
    await client.read()
    stage.hold(2)
    stage.time.advance(began + next_after_s - stage.time.now - 0.001)
    await stage.settle()
    assert await client.read() == []
    stage.time.advance(0.002)
    await stage.settle()
    assert [frame["version"] for frame in await client.read()] == [3]


async def test_an_area_is_told_by_its_counts_and_never_by_its_places() -> None:
    stage = Stage()
    client = await stage.join()
    await client.read()
    stage.hold(3, floor=2)
    await stage.settle()
    assert await client.read() == [
        {
            "version": 2,
            "changes": {"A-1-3": "held"},
            "areas": {"floor": {**EMPTY_FLOOR, "available": 3, "held": 2}},
        }
    ]


async def test_what_changes_no_seat_is_not_worth_a_frame() -> None:
    stage = Stage()
    client = await stage.join()
    await client.read()
    stage.block(1)
    await stage.settle()
    stage.unblock(1)
    stage.block(1)
    stage.time.advance(1)
    await stage.settle()
    assert [frame["version"] for frame in await client.read()] == [2, 4]


async def test_a_change_of_the_sale_is_told_as_the_event() -> None:
    stage = Stage()
    client = await stage.join()
    await client.read()
    stage.configure(SaleStatus.paused)
    await stage.settle()
    (frame,) = await client.read()
    assert list(frame) == ["version", "event"]
    assert (frame["version"], frame["event"]["version"]) == (2, 2)
    assert frame["event"]["status"] == "paused"
    assert frame["event"]["rules"]["holdTtl"] == 600


async def test_no_version_is_told_before_the_event_that_belongs_to_it() -> None:
    stage = Stage()
    client = await stage.join()
    await client.read()
    stage.database.away = True
    stage.configure(SaleStatus.paused)
    stage.block(1)
    await stage.settle()
    assert await client.read() == []
    stage.database.away = False
    stage.time.advance(feed_module.READ_AGAIN_S)
    await stage.settle()
    (frame,) = await client.read()
    assert frame["event"]["status"] == "paused"
    assert (frame["version"], frame["changes"]) == (3, {"A-1-1": "blocked"})


async def test_an_event_that_changes_again_while_it_is_read_is_read_again() -> None:
    stage = Stage()
    client = await stage.join()
    await client.read()
    stage.configure(SaleStatus.paused)

    def once_more() -> None:
        stage.database.while_reading = lambda: None
        stage.configure(SaleStatus.closed)

    stage.database.while_reading = once_more
    await stage.settle()
    (frame,) = await client.read()
    assert (frame["version"], frame["event"]["status"]) == (3, "closed")


async def test_who_comes_back_is_told_what_changed_meanwhile_in_one_frame() -> None:
    stage = Stage()
    client = await stage.join()
    await client.leave()
    stage.hold(1, floor=1)
    stage.block(2)
    stage.unblock(2)
    stage.configure(SaleStatus.paused)
    stage.time.advance(1)
    await stage.settle()
    again = await stage.join(since=1)
    (frame,) = await again.read()
    assert frame["version"] == 5
    assert frame["changes"] == {"A-1-1": "held", "A-1-2": "available"}
    assert frame["areas"] == {"floor": {**EMPTY_FLOOR, "available": 4, "held": 1}}
    assert frame["event"]["status"] == "paused"
    assert stage.database.reads == 0, "the last rows are in memory"


async def test_what_is_told_in_catching_up_is_not_told_again() -> None:
    stage = Stage()
    first = await stage.join()
    stage.hold(1)
    await stage.settle()
    stage.hold(2)  # waits to be merged
    late = await stage.join(since=1)
    assert await late.read() == [{"version": 2, "changes": {"A-1-1": "held"}}]
    stage.time.advance(1)
    await stage.settle()
    assert await late.read() == [{"version": 3, "changes": {"A-1-2": "held"}}]
    assert len(await first.read()) == 3


async def test_who_knows_more_than_was_told_is_told_the_rest_alone() -> None:
    stage = Stage()
    await stage.join()
    stage.hold(1)
    await stage.settle()
    stage.hold(2)
    knowing = await stage.join(since=3)
    assert await knowing.read() == [{"version": 3}]
    stage.hold(3)
    stage.time.advance(1)
    await stage.settle()
    (frame,) = await knowing.read()
    assert frame["version"] == 4
    assert frame["changes"]["A-1-3"] == "held"


async def test_after_a_restart_the_log_tells_what_was_missed() -> None:
    stage = Stage()
    stage.hold(1, floor=2)
    stage.block(2)
    stage.configure(SaleStatus.paused)
    stage.new_hub()
    clients = await asyncio.gather(*(stage.join(since=since) for since in (1, 1, 2, 3)))
    for client in clients:
        (frame,) = await client.read()
        assert frame["event"]["status"] == "paused"
        assert client.known == stage.database.history[4]
    assert stage.database.reads == 1, "they share the reading"


async def test_what_happens_while_older_rows_are_read_is_not_lost() -> None:
    stage = Stage()
    stage.hold(1)
    stage.hold(2)
    stage.new_hub()

    def meanwhile() -> None:
        stage.hold(3)
        stage.time.step()

    stage.database.while_reading = meanwhile
    client = await stage.join(since=1)
    stage.database.while_reading = lambda: None
    stage.time.advance(1)
    await stage.settle()
    await client.read()
    assert client.known == stage.database.history[4]


async def test_a_version_that_is_too_far_back_means_a_reload(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recent, "ROWS_MAX", 3)
    stage = Stage()
    for _ in range(3):
        stage.block(1)
        stage.unblock(1)
    stage.new_hub()
    assert await (await stage.join(since=3)).read() == [{"reload": True, "version": 7}]
    assert len(await (await stage.join(since=4)).read()) == 1
    reads = stage.database.reads
    assert await (await stage.join(since=1)).read() == [{"reload": True, "version": 7}]
    assert stage.database.reads == reads, "nothing is read for what there is no room for"


async def test_a_version_of_the_future_or_of_another_epoch_means_a_reload() -> None:
    stage = Stage()
    stage.hold(1)
    assert await (await stage.join(since=9)).read() == [{"reload": True, "version": 2}]
    assert await (await stage.join(since=1, epoch="e0")).read() == [{"reload": True, "version": 2}]
    (frame,) = await (await stage.join(since=1, epoch="e1")).read()
    assert frame["changes"] == {"A-1-1": "held"}


async def test_a_version_that_another_process_wrote_is_read_and_no_reload() -> None:
    stage = Stage()
    await stage.join()
    written_elsewhere(stage, lambda: stage.hold(1))
    client = await stage.join(since=2)
    assert await client.read() == [{"version": 2}]


def written_elsewhere(stage: Stage, write: Any) -> None:
    """Let another process write it: the database has it, this one does not."""
    states, hub, told = stage.log.states, stage.log.hub, len(stage.database.rows)
    stage.log.states = type(states).load(states.index, states.dump())
    stage.log.hub = None
    write()
    stage.log.states, stage.log.hub = states, hub
    stage.database.foreign += stage.database.rows[told:]


async def test_more_than_is_worth_telling_seat_by_seat_means_a_reload(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed_module, "FRAME_SEATS_MAX", 4)
    stage = Stage()
    client = await stage.join()
    await client.read()
    stage.block(*range(6))
    await stage.settle()
    assert await client.read() == [{"reload": True, "version": 2}]
    assert await (await stage.join(since=1)).read() == [{"reload": True, "version": 2}]
    stage.hold(7)
    stage.time.advance(1)
    await stage.settle()
    assert await client.read() == [{"version": 3, "changes": {"A-1-7": "held"}}]


async def test_places_of_areas_do_not_count_as_seats_to_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed_module, "FRAME_SEATS_MAX", 2)
    stage = Stage()
    client = await stage.join()
    stage.hold(1, floor=5)
    await stage.settle()
    assert [frame.get("reload") for frame in await client.read()] == [None, None]


async def test_a_heartbeat_comes_when_nothing_else_did() -> None:
    stage = Stage()
    client = await stage.join()
    await client.read()
    stage.time.advance(HEARTBEAT_S - 1)
    await stage.hub.maintain()
    assert await client.read() == []
    stage.time.advance(1)
    await stage.hub.maintain()
    assert await client.read() == [{"version": 1}]


async def test_no_heartbeat_comes_between_while_a_frame_goes_out() -> None:
    stage = Stage(total=1_000, per_address=1_000)
    clients = [await stage.join() for _ in range(PUT_AT_ONCE + 1)]
    for client in clients:
        await client.read()
    stage.hold(1)
    stage.time.step()
    stage.time.advance(HEARTBEAT_S)
    await stage.hub.maintain()
    await stage.settle()
    assert {len(await client.read()) for client in clients} == {1}


async def test_one_who_does_not_read_is_closed_and_slows_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subscriber, "QUEUE_MAX", 20)
    monkeypatch.setattr(subscriber, "UNSENT_BYTES_MAX", 999)
    stage = Stage()
    reads, does_not = await stage.join(), await stage.join()
    for number in range(42):
        (stage.block if number % 2 == 0 else stage.unblock)(1)
        stage.time.advance(FRAME_EVERY_S)
        await stage.settle()
        assert len(await reads.read()) == (2 if number == 0 else 1)
    received = await does_not.read()
    assert does_not.closing == TOO_SLOW
    assert len(received) < 25
    assert stage.hub.tally.dropped == 1


async def test_what_may_wait_for_a_slow_reader_holds_two_of_the_largest_frames() -> None:
    index = SeatIndex([row_of(FRAME_SEATS_MAX)], [])
    largest = frames.changed(9, index, dict.fromkeys(range(FRAME_SEATS_MAX), 2), {}, None)
    assert 2 * len(largest.transmitted) <= subscriber.UNSENT_BYTES_MAX


async def test_a_reader_who_is_at_the_bound_is_not_too_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = FromConnection()
    frame = frames.heartbeat(1)
    monkeypatch.setattr(subscriber, "UNSENT_BYTES_MAX", 2 * len(frame.transmitted))
    assert [connection.subscriber.put(frame) for _ in range(4)] == [True, True, False, True]
    connection.subscriber.close(GOING_AWAY)
    texts, closing = await connection.texts()
    assert (len(texts), closing) == (3, TOO_SLOW), "it ends once"


async def test_a_frame_reaches_thousands_in_several_steps_and_the_next_waits_for_it() -> None:
    stage = Stage(total=1_000, per_address=1_000)
    clients = [await stage.join() for _ in range(PUT_AT_ONCE * 2 + 50)]
    for client in clients:
        await client.read()
    stage.hold(1)
    stage.time.step()
    told: list[int] = []
    for seat in (2, 3):
        told.append(sum([len(await client.read()) for client in clients]))
        stage.hold(seat)
        stage.time.advance(1)  # another frame would be due
        stage.time.step()
    told.append(sum([len(await client.read()) for client in clients]))
    assert told == [PUT_AT_ONCE, PUT_AT_ONCE, 50]
    assert stage.hub.tally.frames == len(clients)
    await stage.settle()
    stage.time.advance(PAUSE_S_MAX)
    await stage.settle()
    for client in clients:
        (frame,) = await client.read()
        assert (frame["version"], len(frame["changes"])) == (4, 2)


async def test_who_catches_up_while_the_sale_changes_again_is_told_the_last_word() -> None:
    stage = Stage()
    await (await stage.join()).leave()
    stage.configure(SaleStatus.paused)
    await stage.settle()

    def once_more() -> None:
        stage.database.while_reading = lambda: None
        stage.configure(SaleStatus.closed)
        stage.time.advance(1)
        stage.time.step()

    stage.database.while_reading = once_more
    client = await stage.join(since=1)
    (frame,) = await client.read()
    assert (frame["version"], frame["event"]["status"]) == (3, "closed")


class Crowd:
    """Clients who come, read or do not, go and come back, while the event goes on, by chance."""

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self.stage = stage
        self.chance = chance
        self.watching: list[Client] = []
        self._away: list[Client] = []
        stage.database.while_reading = lambda: self.happens() if chance.random() < 0.3 else None

    def happens(self) -> None:
        chance, stage = self.chance, self.stage
        chance.choice(
            [
                lambda: stage.hold(chance.randrange(SEATS)),
                lambda: stage.hold(floor=1),
                lambda: stage.configure(chance.choice([SaleStatus.on_sale, SaleStatus.paused])),
                lambda: stage.unblock(*chance.sample(range(SEATS), 4)),
                lambda: stage.block(*chance.sample(range(SEATS), 3)),
                lambda: stage.block(chance.randrange(SEATS)),
            ]
        )()

    async def comes(self) -> None:
        self.watching.append(await self.stage.join())

    async def goes(self) -> None:
        if self.watching:
            gone = self.watching.pop(self.chance.randrange(len(self.watching)))
            await gone.read()
            await gone.leave()
            self._away.append(gone)

    async def comes_back(self) -> None:
        if self._away:
            back = self._away.pop(self.chance.randrange(len(self._away)))
            await back.join(back.version, "e1")
            self.watching.append(back)

    async def lets_time_pass(self) -> None:
        self.stage.time.advance(self.chance.random() / 4)
        self.stage.time.step()
        await asyncio.sleep(0)

    async def goes_on(self) -> None:
        self.happens()
        if self.watching and self.chance.random() < 0.5:
            await self.chance.choice(self.watching).read()


@pytest.mark.parametrize("seed", range(30))
async def test_whoever_comes_and_goes_ends_with_what_the_server_has(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(recent, "ROWS_MAX", chance.choice([3, 20, 2_000]))
    monkeypatch.setattr(feed_module, "FRAME_SEATS_MAX", chance.choice([3, 5_000]))
    monkeypatch.setattr(feed_module, "ROWS_AT_ONCE", chance.choice([1, 2, 100]))
    stage = Stage()
    crowd = Crowd(stage, chance)
    for _ in range(150):
        await chance.choice(
            [crowd.comes, crowd.goes, crowd.comes_back, crowd.lets_time_pass, crowd.goes_on]
        )()
    stage.database.while_reading = lambda: None
    for _ in range(5):
        await stage.settle()
        stage.time.advance(1)
    assert crowd.watching
    for client in crowd.watching:
        await client.read()
        assert client.known == stage.database.history[stage.version]
        assert client.event_status == stage.database.sales[-1][1]
