"""A long poll: which of the frames it answers, and what it must not skip."""

import asyncio

import pytest

from event_seating.booking.errors import EventUnavailable
from event_seating.live import frames
from event_seating.live.frames import Frame
from event_seating.live.routes import _next_news
from event_seating.live.subscriber import GOING_AWAY, OUT_OF_SERVICE, Subscriber

pytestmark = pytest.mark.anyio

NEWS = Frame(8, '{"version":8,"changes":{"A":"held"}}', silent=False)


async def test_heartbeats_are_no_answer() -> None:
    subscriber = Subscriber(frames.heartbeat(5))
    subscriber.put(frames.heartbeat(6))
    subscriber.put(NEWS)
    assert await _next_news(subscriber, 5) == NEWS


async def test_when_time_is_up_the_answer_is_the_version_that_was_told_last() -> None:
    subscriber = Subscriber(frames.heartbeat(5))
    subscriber.put(frames.heartbeat(6))
    assert await _next_news(subscriber, 0) == frames.heartbeat(6)


async def test_news_that_come_as_time_is_up_are_not_skipped() -> None:
    subscriber = Subscriber(frames.heartbeat(5))
    polling = asyncio.create_task(_next_news(subscriber, 0))
    await asyncio.sleep(0)
    assert not polling.done()
    subscriber.put(NEWS)
    answered = await polling
    assert answered in (NEWS, frames.heartbeat(5)), "asking from there again brings the news"


async def test_a_stop_is_answered_and_an_event_out_of_service_is_an_error() -> None:
    subscriber = Subscriber(frames.heartbeat(5))
    polling = asyncio.create_task(_next_news(subscriber, 5))
    await asyncio.sleep(0)
    subscriber.close(GOING_AWAY)
    assert await polling == frames.heartbeat(5)
    subscriber = Subscriber(frames.heartbeat(5))
    subscriber.close(OUT_OF_SERVICE)
    with pytest.raises(EventUnavailable):
        await _next_news(subscriber, 5)
