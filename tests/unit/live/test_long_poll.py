"""A long poll: which of the frames it answers, and what it must not skip."""

import asyncio
from collections.abc import Coroutine
from itertools import chain, repeat
from typing import Any

import pytest

from event_seating.booking.errors import EventUnavailable
from event_seating.live import frames, routes
from event_seating.live.frames import Frame
from event_seating.live.routes import MERGED_WITHIN_S, _next_news
from event_seating.live.subscriber import GOING_AWAY, OUT_OF_SERVICE, QueuedSubscriber

pytestmark = pytest.mark.anyio

NEWS = Frame(8, '{"version":8,"changes":{"A":"held"}}', b"", silent=False)


LATER = Frame(9, '{"version":9,"changes":{"A":"held","B":"held"}}', b"", silent=False)


async def later(version: int) -> Frame:
    """What has changed since the version that the client was told last."""
    assert version == 5
    return LATER


def next_news(
    subscriber: QueuedSubscriber, within_s: float, *, waited_s: float = 0.0
) -> Coroutine[Any, Any, Frame]:
    """The answer, if so much time has passed when the first frame was read."""
    times = chain([100.0], repeat(100.0 + waited_s))
    return _next_news(subscriber, within_s, later, lambda: next(times))


def watching_since(version: int) -> QueuedSubscriber:
    subscriber = QueuedSubscriber()
    subscriber.put(frames.heartbeat(version))
    return subscriber


async def test_what_is_new_already_is_answered_at_once() -> None:
    subscriber = QueuedSubscriber()
    subscriber.put(NEWS)
    assert await next_news(subscriber, 0) == NEWS


async def test_heartbeats_are_no_answer() -> None:
    subscriber = watching_since(5)
    subscriber.put(frames.heartbeat(6))
    subscriber.put(NEWS)
    assert await next_news(subscriber, 5, waited_s=MERGED_WITHIN_S) == NEWS


async def test_what_comes_soon_is_answered_with_what_comes_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(routes, "MERGED_WITHIN_S", 0.02)
    subscriber = watching_since(5)
    subscriber.put(NEWS)
    assert await next_news(subscriber, 5) == LATER
    subscriber = watching_since(5)
    subscriber.put(NEWS)
    assert await next_news(subscriber, 5, waited_s=0.019) == LATER


async def test_a_poll_that_ends_meanwhile_is_answered_so_that_the_next_brings_it() -> None:
    subscriber = watching_since(5)
    subscriber.put(NEWS)
    assert await next_news(subscriber, 0.01) == frames.heartbeat(5)


async def test_when_time_is_up_the_answer_is_the_version_that_was_told_last() -> None:
    subscriber = watching_since(5)
    subscriber.put(frames.heartbeat(6))
    assert await next_news(subscriber, 0) == frames.heartbeat(6)


async def test_news_that_come_as_time_is_up_are_not_skipped() -> None:
    subscriber = watching_since(5)
    polling = asyncio.create_task(next_news(subscriber, 0))
    await asyncio.sleep(0)
    assert not polling.done()
    subscriber.put(NEWS)
    answered = await polling
    assert answered in (LATER, frames.heartbeat(5)), "asking from there again brings the news"


async def test_a_stop_is_answered_and_an_event_out_of_service_is_an_error() -> None:
    subscriber = watching_since(5)
    polling = asyncio.create_task(next_news(subscriber, 5))
    await asyncio.sleep(0)
    subscriber.close(GOING_AWAY)
    assert await polling == frames.heartbeat(5)
    subscriber = watching_since(5)
    subscriber.close(OUT_OF_SERVICE)
    with pytest.raises(EventUnavailable):
        await next_news(subscriber, 5)
