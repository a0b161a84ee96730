"""Signals between processes, over the Valkey that we bring along and over one that is named."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from redis.asyncio import Redis
from tests.contract import redis_servers
from tests.contract.redis_servers import RedisServer
from tests.support.waiting import until

from event_seating.clock import SystemClock
from event_seating.errors import RedisUnavailable
from event_seating.valkey import signals as signals_module
from event_seating.valkey.client import connect
from event_seating.valkey.signals import CACHE, EVENTS, OUTBOX, QUEUE_MAX, USERS, Signals

pytestmark = pytest.mark.anyio

WITHIN_S = 20
"""Far more than anything takes."""

Process = Callable[[], Awaitable["Listening"]]


class Listening:
    """The signals of one process, and what it heard."""

    def __init__(self, url: str) -> None:
        self.signals = Signals(url, SystemClock())
        self.heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self.ups: asyncio.Queue[str] = asyncio.Queue()
        self.signals.on_up(lambda: self.ups.put_nowait("up"))
        self.signals.on_down(lambda: self.ups.put_nowait("down"))
        for channel in (USERS, CACHE, EVENTS):
            self.listen(channel)

    def listen(self, channel: str, *, own: bool = False) -> None:
        self.signals.listen(
            channel, lambda message: self.heard.put_nowait((channel, message)), own=own
        )

    async def hears(self) -> tuple[str, str]:
        async with asyncio.timeout(WITHIN_S):
            return await self.heard.get()

    async def goes(self, expected: str) -> None:
        async with asyncio.timeout(WITHIN_S):
            while await self.ups.get() != expected:
                pass

    async def has_trouble(self, words: str) -> None:
        """Wait until it is of these words; they come with the next look at the server."""
        await until(lambda: words in (self.signals.problem or "none"), WITHIN_S)


@pytest.fixture(params=redis_servers.WAYS)
async def server(request: pytest.FixtureRequest) -> AsyncIterator[RedisServer]:
    with tempfile.TemporaryDirectory(prefix="es-") as directory:
        async with redis_servers.running(request.param, Path(directory)) as running:
            yield running


@pytest.fixture
async def client(server: RedisServer) -> AsyncIterator[Redis]:
    """Somebody else's connection to it."""
    connected = connect(server.url)
    yield connected
    await connected.aclose()


@pytest.fixture
async def process(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Process]:
    """Starts the signals of a process that is connected; they look at the server often."""
    monkeypatch.setattr(signals_module, "PING_EVERY_S", 0.2)
    started: list[Listening] = []

    async def start() -> Listening:
        listening = Listening(server.url)
        started.append(listening)
        await listening.signals.start()
        await listening.goes("up")
        return listening

    yield start
    for listening in started:
        await listening.signals.aclose()


async def test_the_others_hear_what_one_says_and_in_its_order(process: Process) -> None:
    one, other, third = [await process() for _ in range(3)]
    for number in range(1_000):
        one.signals.publish(EVENTS, f"e:{number}")
    for listening in (other, third):
        said = [await listening.hears() for _ in range(1_000)]
        assert said == [(EVENTS, f"e:{number}") for number in range(1_000)]
    assert one.heard.empty(), "nobody hears himself"


async def test_who_asks_for_it_hears_himself(process: Process) -> None:
    one = await process()
    one.listen(OUTBOX, own=True)
    one.signals.publish(OUTBOX)
    assert await one.hears() == (OUTBOX, "")


@pytest.mark.parametrize("message", ["", " ", "a b  c", "ä\n\r\n€", "x" * 100_000])
async def test_any_text_arrives_as_it_is(process: Process, message: str) -> None:
    one, other = await process(), await process()
    one.signals.publish(USERS, message)
    assert await other.hears() == (USERS, message)


async def test_what_strangers_say_on_our_channels_harms_nothing(
    process: Process, server: RedisServer, client: Redis
) -> None:
    one, other = await process(), await process()
    for odd in (b"", b"x", b"\xff\xfe", b"\x00" * 10):
        await client.publish("event-seating:0:users", odd)
    await other.goes("down")  # what is no text costs a connection
    await other.goes("up")
    one.signals.publish(USERS, "marker")
    while await other.hears() != (USERS, "marker"):
        pass


async def test_a_listener_that_fails_ends_nothing(process: Process) -> None:
    one, other = await process(), await process()

    def fails(_message: str) -> None:
        raise RuntimeError("boom")

    other.signals.listen(USERS, fails)
    other.listen(USERS)
    one.signals.publish(USERS, "a")
    assert [await other.hears(), await other.hears()] == [(USERS, "a")] * 2


async def test_a_kill_is_known_at_once_and_signals_come_again_after_it(
    process: Process, server: RedisServer
) -> None:
    one, other = await process(), await process()
    server.kill()
    await other.goes("down")
    server.bring_back()
    await one.goes("up")
    await other.goes("up")
    assert other.signals.restarts == 1
    one.signals.publish(USERS, "after")
    assert await other.hears() == (USERS, "after")


async def test_a_short_pause_of_the_server_loses_nothing(
    process: Process, server: RedisServer
) -> None:
    one, other = await process(), await process()
    server.freeze()
    one.signals.publish(USERS, "meanwhile")
    await asyncio.sleep(0.05)
    server.thaw()
    assert await other.hears() == (USERS, "meanwhile")


async def test_a_frozen_server_is_known_and_holds_nobody_up(
    process: Process, server: RedisServer
) -> None:
    one = await process()
    loop = asyncio.get_running_loop()
    server.freeze()
    try:
        began = loop.time()
        for number in range(1_000):
            one.signals.publish(USERS, str(number))
        assert loop.time() - began < 0.5
        answers = await asyncio.gather(
            *(one.signals.ping() for _ in range(200)), return_exceptions=True
        )
        assert {type(answer) for answer in answers} == {RedisUnavailable}
        assert loop.time() - began < 1
        await one.goes("down")
        assert not one.signals.connected
        assert "does not answer" in str(one.signals.problem)
    finally:
        server.thaw()
    await one.goes("up")
    assert await one.signals.ping() < 1


async def test_what_waits_to_be_said_is_bounded_and_becomes_one_word(
    process: Process, server: RedisServer
) -> None:
    one = await process()
    server.freeze()
    await one.goes("down")
    for number in range(QUEUE_MAX + 10):
        one.signals.publish(USERS, str(number))
    assert one.signals.dropped >= QUEUE_MAX
    assert one.signals._queue[0] == (CACHE, "")
    assert len(one.signals._queue) <= 11
    server.thaw()
    await one.goes("up")
    await until(lambda: not one.signals._queue, WITHIN_S)


async def test_a_server_that_was_emptied_is_known(
    process: Process, server: RedisServer, client: Redis
) -> None:
    one = await process()
    with structlog.testing.capture_logs() as lines:
        await client.flushall()
        await until(lambda: said(lines), WITHIN_S)
    assert said(lines) == ["Redis has lost its data; its jobs come back from the outbox"]
    assert one.signals.connected


def said(lines: list[Any]) -> list[str]:
    """By us, not by the server's keeper."""
    return [line["event"] for line in lines if line["component"] == "redis"]


async def test_a_full_server_is_said_once_and_once_it_is_over(
    process: Process, server: RedisServer, client: Redis
) -> None:
    one = await process()
    with structlog.testing.capture_logs() as lines:
        await client.config_set("maxmemory", "1")
        await one.has_trouble("full")
        assert one.signals.connected, "signals are carried all the same"
        with pytest.raises(RedisUnavailable):
            await one.signals.ping()
        before = said(lines)
        for _ in range(3):
            one.listen(OUTBOX, own=True)
            one.signals.publish(OUTBOX)
            await one.hears()
        await client.config_set("maxmemory", "0")
        await one.has_trouble("none")
    assert before == ["Redis cannot be used: accounts and seats are served, jobs wait"]
    assert said(lines) == [
        "Redis cannot be used: accounts and seats are served, jobs wait",
        "Redis can be used again",
    ]


async def test_a_password_that_becomes_needed_is_said(
    process: Process, server: RedisServer, client: Redis
) -> None:
    one = await process()
    await client.config_set("requirepass", "secret")
    await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    await one.goes("down")
    other = Signals(server.url.replace("unix://", "unix://:wrong@"), SystemClock())
    await other.start()
    assert not other.connected
    assert other.problem == "the user or the password is wrong"
    await other.aclose()
    right = Signals(server.url.replace("unix://", "unix://:secret@"), SystemClock())
    await right.start()
    assert right.connected
    await right.aclose()


async def test_a_start_waits_for_nobody(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    for url in (f"unix://{tmp_path}/none", "redis://127.0.0.1:1"):
        signals = Signals(url, SystemClock())
        began = loop.time()
        await signals.start()
        assert loop.time() - began < 1
        assert not signals.connected
        assert "cannot be reached" in str(signals.problem)
        await signals.aclose()
