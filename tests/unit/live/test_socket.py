"""A WebSocket of live updates, with the server's side of ASGI in the test's hand."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.unit.live.watching import EVENT, Stage
from websockets.protocol import CLIENT, OPEN
from websockets.protocol import Protocol as WebSocket

from event_seating.errors import Draining
from event_seating.http_server.asgi import DIRECT_FRAMES
from event_seating.live import subscriber
from event_seating.live.broadcast import FRAME_EVERY_S
from event_seating.live.socket import (
    CODES,
    FLOOD,
    MESSAGE_CHARS_MAX,
    MESSAGES_MAX,
    MESSAGES_WITHIN_S,
    TOO_LARGE,
    LiveSocket,
)
from event_seating.live.subscriber import GOING_AWAY, OUT_OF_SERVICE, QUEUE_MAX, TOO_SLOW

pytestmark = pytest.mark.anyio


SERVED: list[asyncio.Task[int]] = []


@pytest.fixture(autouse=True)
async def no_connection_is_left() -> AsyncIterator[None]:
    """Those that a test leaves open end with it."""
    yield
    for task in SERVED:
        task.cancel()
    await asyncio.gather(*SERVED, return_exceptions=True)
    SERVED.clear()


class Connection:
    """One WebSocket; `reads` says whether what is sent is taken."""

    writes_frames = False
    """Whether the server offers to write ready frames; set for each test."""

    def __init__(self, stage: Stage, query: bytes = b"", event: str = EVENT) -> None:
        self.sent: list[Any] = []
        self.unsent = 0
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.incoming.put_nowait({"type": "websocket.connect"})
        socket = LiveSocket(stage.hub, lambda: stage.time.now)
        scope: dict[str, Any] = {"query_string": query}
        if self.writes_frames:
            scope["extensions"] = {DIRECT_FRAMES: self}
        self.served = asyncio.create_task(
            socket(event, "::1", scope, self.incoming.get, self._send)
        )
        SERVED.append(self.served)
        self._stage = stage

    async def _send(self, message: Any) -> None:
        await self.reads.wait()
        self.sent.append(message)

    def write(self, ready: bytes) -> int:
        """As the server does that writes ready frames."""
        assert self.sent[0] == {"type": "websocket.accept"}
        client = WebSocket(CLIENT, state=OPEN)
        client.receive_data(ready)
        for frame in client.events_received():
            text = bytes(frame.data).decode()  # type: ignore[union-attr]
            self.sent.append({"type": "websocket.send", "text": text})
        self.unsent = 0 if self.reads.is_set() else self.unsent + len(ready)
        return self.unsent

    def close(self, code: int, reason: str) -> None:
        """As the server does that writes ready frames."""
        self.sent.append({"type": "websocket.close", "code": code, "reason": reason})
        self.incoming.put_nowait({"type": "websocket.disconnect", "code": code})

    async def frames(self) -> list[dict[str, Any]]:
        await self._stage.settle()
        return [json.loads(m["text"]) for m in self.sent if m["type"] == "websocket.send"]

    async def closed(self) -> tuple[int, str]:
        async with asyncio.timeout(5):
            await self.served
        last = self.sent[-1]
        assert last["type"] == "websocket.close"
        return last["code"], last["reason"]

    def says(self, text: str) -> None:
        self.incoming.put_nowait({"type": "websocket.receive", "text": text, "bytes": None})


@pytest.fixture(params=[False, True], ids=["sent", "written"])
def _each_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "writes_frames", request.param)


each_way = pytest.mark.usefixtures("_each_way")


@each_way
async def test_it_is_accepted_and_told_what_it_missed_and_what_comes() -> None:
    stage = Stage()
    stage.hold(1)
    connection = Connection(stage, b"since=1&epoch=e1")
    first = await connection.frames()
    stage.hold(2)
    frames = await connection.frames()
    assert connection.sent[0] == {"type": "websocket.accept"}
    assert first == [{"version": 2, "changes": {"A-1-1": "held"}}]
    assert frames[1:] == [{"version": 3, "changes": {"A-1-2": "held"}}]
    connection.incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})
    size = await connection.served
    assert size == sum(len(m["text"]) for m in connection.sent[1:])
    assert stage.hub.watcher_limits.watching == 0


@each_way
@pytest.mark.parametrize(
    "query",
    [b"since=", b"since=-1", b"since=1.0", b"since=99999999999999999999", b"since=\xd9\xa1",
     b"since=9999999999999999999", b"epoch=" + b"e" * 65, b"&".join([b"a=1"] * 20)],
)  # fmt: skip
async def test_a_query_that_makes_no_sense_is_told_so(query: bytes) -> None:
    stage = Stage()
    code, reason = await Connection(stage, query).closed()
    assert code == 4400
    assert reason


@each_way
async def test_an_event_that_is_not_there_is_told_so() -> None:
    for event in ("another-one0", "x"):
        connection = Connection(Stage(), event=event)
        assert await connection.closed() == (4404, "No event has this id.")


@each_way
async def test_there_is_a_code_for_too_many() -> None:
    stage = Stage(total=2, per_address=1)
    Connection(stage)
    await stage.settle()
    code, reason = await Connection(stage).closed()
    assert (code, "address" in reason) == (4429, True)
    stage = Stage(total=1)
    Connection(stage)
    await stage.settle()
    assert (await Connection(stage).closed())[0] == 1013


@each_way
async def test_a_long_message_ends_it() -> None:
    stage = Stage()
    connection = Connection(stage)
    connection.says("x" * MESSAGE_CHARS_MAX)
    await stage.settle()
    assert not connection.served.done()
    connection.says("x" * (MESSAGE_CHARS_MAX + 1))
    assert await connection.closed() == TOO_LARGE


@each_way
async def test_a_flood_ends_it_and_now_and_then_a_word_does_not() -> None:
    stage = Stage()
    connection = Connection(stage)
    for _ in range(3):
        for _ in range(MESSAGES_MAX):
            connection.says("ping")
        await stage.settle()
        stage.time.advance(MESSAGES_WITHIN_S)
    assert not connection.served.done()
    for _ in range(MESSAGES_MAX + 2):
        connection.says("ping")
    assert await connection.closed() == FLOOD


async def test_who_does_not_read_is_let_go_and_nobody_waits_for_them() -> None:
    stage = Stage()
    stuck, reads = Connection(stage), Connection(stage)
    await stage.settle()
    stuck.reads.clear()
    for number in range(QUEUE_MAX + 3):
        (stage.unblock if number % 2 else stage.block)(1)
        await stage.settle()
        stage.time.advance(FRAME_EVERY_S)
    assert len(await reads.frames()) == QUEUE_MAX + 4
    async with asyncio.timeout(5):
        await stuck.served
    assert stuck.sent[-1]["type"] == "websocket.send", "they do not take the goodbye either"
    assert stage.hub.watcher_limits.watching == 1


async def test_who_begins_to_read_again_in_time_is_told_why_it_ends() -> None:
    stage = Stage()
    stuck = Connection(stage)
    await stage.settle()
    stuck.reads.clear()
    for number in range(QUEUE_MAX + 3):
        (stage.unblock if number % 2 else stage.block)(1)
        await stage.settle()
        stage.time.advance(FRAME_EVERY_S)
    stuck.reads.set()
    assert await stuck.closed() == TOO_SLOW


async def test_a_process_that_stops_waits_until_the_goodbye_is_sent() -> None:
    stage = Stage()
    connection = Connection(stage)
    await stage.settle()
    connection.reads.clear()
    stopping = asyncio.create_task(stage.hub.drain())
    await stage.settle()
    assert not stopping.done()
    connection.reads.set()
    await stopping
    assert connection.sent[-1]["code"] == 1001


async def test_who_is_written_to_and_does_not_receive_is_told_why_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Connection, "writes_frames", True)
    monkeypatch.setattr(subscriber, "UNSENT_BYTES_MAX", 999)
    stage = Stage()
    stuck, reads = Connection(stage), Connection(stage)
    await stage.settle()
    stuck.reads.clear()
    for number in range(42):
        (stage.unblock if number % 2 else stage.block)(1)
        await stage.settle()
        stage.time.advance(FRAME_EVERY_S)
    assert await stuck.closed() == TOO_SLOW
    assert len(await reads.frames()) == 43
    assert len(await stuck.frames()) < 25
    assert (stage.hub.watcher_limits.watching, stage.hub.tally.dropped) == (1, 1)


@each_way
async def test_a_process_that_stops_tells_everybody() -> None:
    stage = Stage()
    connections = [Connection(stage) for _ in range(3)]
    await stage.settle()
    await stage.hub.drain()
    assert [await connection.closed() for connection in connections] == [GOING_AWAY] * 3
    assert await Connection(stage).closed() == (1001, Draining.sentence)


async def test_each_reason_fits_into_a_close_frame() -> None:
    reasons = [error.sentence for error in CODES]
    reasons += [c.reason for c in (GOING_AWAY, OUT_OF_SERVICE, TOO_SLOW, TOO_LARGE, FLOOD)]
    assert all(len(reason.encode()) <= 123 for reason in reasons)
