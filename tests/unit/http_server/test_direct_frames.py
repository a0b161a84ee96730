"""What writes ready frames to a WebSocket, past `send`, and its end."""

from typing import Any

import pytest
from tests.support.wire import HIGH_WATER, Wire, WireServer, settle
from tests.unit.http_server.client_frames import close, ping
from tests.unit.http_server.recorded import HANDSHAKE

from event_seating.http_server.asgi import DIRECT_FRAMES, Message, Receive, Scope, Send
from event_seating.http_server.frames import NO_STATUS, close_frame, text_frame
from event_seating.http_server.limits import (
    BUFFERED_BYTES_MAX,
    LINGER_S,
    WRITTEN_WITHIN_S,
    EndReason,
)

pytestmark = pytest.mark.anyio

READY = text_frame(b'{"version":1}')


class Writing:
    """Accepts a WebSocket, keeps what writes to it, and reads until its end."""

    def __init__(self) -> None:
        self.direct: Any = None
        self.messages: list[Message] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        self.direct = scope["extensions"][DIRECT_FRAMES]
        assert self.direct.write(READY) == 0, "nothing is written before it is accepted"
        await send({"type": "websocket.accept"})
        while not self.messages or self.messages[-1]["type"] != "websocket.disconnect":
            self.messages.append(await receive())


async def opened() -> tuple[Writing, WireServer, Wire]:
    """One that is open, the answer to its handshake received."""
    app = Writing()
    server = WireServer(app)
    wire = Wire(server)
    wire.send(HANDSHAKE)
    await settle()
    assert wire.received.startswith(b"HTTP/1.1 101 ")
    assert wire.received.endswith(b"\r\n\r\n")
    wire.received.clear()
    return app, server, wire


async def test_a_frame_is_sent_as_it_is_and_at_once() -> None:
    app, _, wire = await opened()
    assert app.direct.write(READY) == 0
    assert wire.received == READY


async def test_it_says_how_much_the_client_has_not_received() -> None:
    app, _, wire = await opened()
    wire.client_reads = False
    sizes = [app.direct.write(READY) for _ in range(3)]
    assert sizes == [len(READY), 2 * len(READY), 3 * len(READY)]
    wire.receive(len(READY))
    assert app.direct.write(READY) == 3 * len(READY)


async def test_it_never_waits_for_a_client_that_does_not_receive() -> None:
    app, _, wire = await opened()
    wire.client_reads = False
    while app.direct.write(READY) < 2 * HIGH_WATER:
        continue
    wire.receive()
    assert wire.received == READY * (len(wire.received) // len(READY))


async def test_frames_and_pongs_do_not_cut_each_other() -> None:
    app, _, wire = await opened()
    app.direct.write(READY)
    wire.send(ping(b"now"))
    app.direct.write(READY)
    assert wire.received == READY + b"\x8a\x03now" + READY


async def test_closing_sends_the_reason_and_tells_the_application() -> None:
    app, server, wire = await opened()
    app.direct.write(READY)
    app.direct.close(1013, "Too slow.")
    await settle()
    assert wire.received == READY + close_frame(1013, "Too slow.")
    assert wire.half_closed
    assert app.messages == [{"type": "websocket.disconnect", "code": 1013}]
    wire.send(close(1013))
    wire.send_eof()
    await settle()
    assert wire.lost
    assert not server.open


async def test_a_client_that_does_not_receive_the_reason_does_not_keep_the_connection() -> None:
    app, server, wire = await opened()
    wire.client_reads = False
    app.direct.write(READY)
    app.direct.close(1013, "Too slow.")
    await settle()
    assert server.open
    server.pass_time(LINGER_S + 0.1)
    await settle()
    assert wire.lost
    assert not server.open


@pytest.mark.parametrize("end", ["closed", "closed by the client", "reset", "half closed"])
async def test_after_the_end_nothing_is_written_and_nothing_raised(end: str) -> None:
    app, server, wire = await opened()
    if end == "closed":
        app.direct.close(1000, "")
    elif end == "closed by the client":
        wire.send(close(1000))
    elif end == "reset":
        wire.reset()
    else:
        wire.send_eof()
    for _ in range(2):
        received = bytes(wire.received)
        app.direct.write(READY)
        app.direct.close(1001, "again")
        assert wire.received == received
        await settle()
    assert app.messages[-1]["type"] == "websocket.disconnect"
    assert server.reports.crashes == []
    assert wire.misused == []


@pytest.mark.parametrize(("sent", "code"), [(close(4000, b"bye"), 4000), (close(), NO_STATUS)])
async def test_a_close_frame_of_the_client_is_answered(sent: bytes, code: int) -> None:
    app, server, wire = await opened()
    wire.send(sent)
    await settle()
    assert wire.received == close_frame(code)
    assert app.messages == [{"type": "websocket.disconnect", "code": code}]
    assert wire.lost
    assert wire.misused == []
    assert not server.open


LARGE = text_frame(b"x" * 10_000)


async def behind(count: int) -> tuple[Writing, WireServer, Wire]:
    """One whose client has so many frames of `LARGE` yet to receive."""
    app, server, wire = await opened()
    wire.client_reads = False
    for _ in range(count):
        app.direct.write(LARGE)
    return app, server, wire


async def test_a_client_that_receives_nothing_is_ended_whatever_is_written_meanwhile() -> None:
    app, server, wire = await behind(10)
    server.pass_time(WRITTEN_WITHIN_S)
    for _ in range(20):
        app.direct.write(LARGE)
    assert not wire.is_closing()
    server.pass_time(0.1)
    assert wire.is_closing()
    assert server.ended[EndReason.slow] == 1


async def test_a_client_has_that_time_for_each_part() -> None:
    app, server, wire = await behind(100)
    for _ in range(12):
        server.pass_time(WRITTEN_WITHIN_S - 1)
        wire.receive(BUFFERED_BYTES_MAX)
        assert app.direct.write(LARGE)
        server.pass_time(1.1)
        assert not wire.is_closing()
    wire.receive()
    await settle()
    server.pass_time(WRITTEN_WITHIN_S + 0.1)
    assert not wire.is_closing()
    assert wire.received == LARGE * 112
    assert server.ended[EndReason.slow] == 0


@pytest.mark.parametrize(("received", "stays"), [(0, True), (-1, False)])
async def test_less_than_a_part_is_too_little(received: int, stays: bool) -> None:
    app, server, wire = await behind(30)
    app.direct.write(LARGE)
    wire.receive(BUFFERED_BYTES_MAX + received)
    app.direct.write(LARGE)
    server.pass_time(WRITTEN_WITHIN_S + 0.1)
    assert wire.is_closing() is not stays
    server.pass_time(WRITTEN_WITHIN_S + 0.1)
    assert wire.is_closing(), "each part has a deadline of its own"


async def test_a_client_that_is_too_slow_to_be_told_so_is_not_waited_for() -> None:
    app, server, wire = await behind(30)
    app.direct.close(1013, "Too slow.")
    wire.receive(2 * BUFFERED_BYTES_MAX)
    server.pass_time(LINGER_S + 0.1)
    assert wire.is_closing()
    assert server.ended[EndReason.slow] == 0
