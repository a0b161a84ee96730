"""A WebSocket on its connection: nothing is written after its end, and little waits before it."""

import asyncio

import pytest
from tests.support.responses import responses
from tests.support.wire import Wire, WireServer, settle
from tests.unit.http_server.client_frames import close, ping, text
from tests.unit.http_server.recorded import HANDSHAKE, plain

from event_seating.http_server import frames
from event_seating.http_server.asgi import DIRECT_FRAMES, Message, Receive, Scope, Send
from event_seating.http_server.limits import LINGER_S, SOCKET_BYTES_MAX, EndReason
from event_seating.http_server.websocket import MESSAGES_WAITING_MAX, WebSocketCycle

pytestmark = pytest.mark.anyio

FRAME = frames.text_frame(b"a frame for all")


class Watched:
    """Accepts once it may, and takes messages only when it is asked to."""

    def __init__(self, *, accepts: bool = True) -> None:
        self.may_accept = asyncio.Event()
        self.may_receive = asyncio.Event()
        self.received: list[Message] = []
        self.cycle: WebSocketCycle | None = None
        if accepts:
            self.may_accept.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await receive()
        await self.may_accept.wait()
        await send({"type": "websocket.accept"})
        self.cycle = scope["extensions"][DIRECT_FRAMES]
        await self.may_receive.wait()
        while not self.received or self.received[-1]["type"] != "websocket.disconnect":
            self.received.append(await receive())
        await send({"type": "websocket.send", "text": "too late"})


async def opened(sent: bytes = b"") -> tuple[WireServer, Watched, Wire]:
    app = Watched()
    server = WireServer(app)
    wire = Wire(server)
    wire.send(HANDSHAKE + sent)
    await settle()
    assert wire.received.startswith(b"HTTP/1.1 101 ")
    wire.received.clear()
    return server, app, wire


ENDS = {
    "the client closes": lambda wire: wire.send(close(1000)),
    "the client breaks a rule": lambda wire: wire.send(b"\x81\x01x"),
    "the client sends no more": lambda wire: wire.send_eof(),
    "the connection breaks": lambda wire: wire.reset(),
    "the client sends too much": lambda wire: wire.send(text("x" * 900) * 80),
}


@pytest.mark.parametrize("end", ENDS)
async def test_nothing_is_written_after(end: str) -> None:
    server, app, wire = await opened()
    cycle = app.cycle
    assert cycle is not None
    assert cycle.write(FRAME) == 0
    ENDS[end](wire)
    before = bytes(wire.received)
    assert cycle.write(FRAME) == 0, "at once"
    await settle()
    assert cycle.write(FRAME) == 0, "later"
    app.may_receive.set()
    await settle()
    server.pass_time(LINGER_S + 0.1)
    await settle()
    assert cycle.write(FRAME) == 0, "at last"
    assert bytes(wire.received) == before
    assert before.count(FRAME) == 1
    assert wire.misused == []
    assert server.reports.crashes == []
    assert wire.lost
    assert not server.open
    assert not server.running


async def test_a_client_that_goes_on_is_ended_at_its_bound() -> None:
    server, app, wire = await opened()
    app.may_receive.set()
    for _ in range(SOCKET_BYTES_MAX // 1_000 + 1):
        wire.send(text("x" * 994))
        await settle()
    assert wire.lost
    assert server.ended[EndReason.messages] == 1


async def test_messages_that_nobody_takes_stop_the_reading() -> None:
    _, app, wire = await opened()
    for _ in range(2 * MESSAGES_WAITING_MAX):
        wire.send(text("x"))
    assert wire.stuck > 0
    app.may_receive.set()
    await settle()
    assert wire.stuck == 0
    assert len(app.received) == 2 * MESSAGES_WAITING_MAX


async def test_what_came_with_the_handshake_is_read() -> None:
    app = Watched()
    wire = Wire(WireServer(app))
    wire.send(HANDSHAKE + text("early") + ping(b"p"))
    await settle()
    assert wire.received.endswith(b"\r\n\r\n" + frames.frame(frames.PONG, b"p"))
    app.may_receive.set()
    await settle()
    assert app.received[0]["text"] == "early"


async def test_a_large_rest_is_no_more_than_what_may_wait() -> None:
    server, _, wire = await opened(b"\0" * 300_000)
    assert server.ended[EndReason.messages] == 1
    await settle()
    assert wire.lost


async def test_a_handshake_whose_client_is_gone_leaves_nothing_behind() -> None:
    app = Watched(accepts=False)
    server = WireServer(app)
    wire = Wire(server)
    wire.send(HANDSHAKE)
    await settle()
    wire.reset()
    await settle()
    app.may_accept.set()
    app.may_receive.set()
    await settle()
    assert app.received[-1]["type"] == "websocket.disconnect"
    assert not server.open
    assert not server.running
    assert wire.misused == []


async def test_requests_before_a_handshake_are_answered_before_it() -> None:
    app = Watched()
    wire = Wire(WireServer(app))
    wire.send(plain(b"GET", b"/") + HANDSHAKE + text("x"))
    await settle()
    first, _, rest = bytes(wire.received).partition(b"HTTP/1.1 101 ")
    assert [each.status for each in responses(first)] == [200]
    assert rest.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("connection", "answers"),
    [(b"Upgrade, close", 1), (b"close, Upgrade", 1), (b"Upgrade", 2), (b"keep-alive, Upgrade", 2)],
)
async def test_a_refused_handshake_that_says_close_is_the_last_request(
    connection: bytes, answers: int
) -> None:
    async def refuses(scope: Scope, _receive: Receive, send: Send) -> None:
        kind = "websocket.http" if scope["type"] == "websocket" else "http"
        await send({"type": f"{kind}.response.start", "status": 403, "headers": []})
        await send({"type": f"{kind}.response.body", "body": b"no"})

    wire = Wire(WireServer(refuses))
    assert b"Connection: Upgrade\r\n" in HANDSHAKE
    handshake = HANDSHAKE.replace(b"Connection: Upgrade", b"Connection: " + connection)
    wire.send(handshake + plain(b"GET", b"/canary"))
    await settle()
    found = responses(bytes(wire.received))
    assert len(found) == answers
    assert wire.ended is (answers == 1)
    assert (found[0].headers.get(b"connection") == b"close") is (answers == 1)


async def test_several_headers_are_one_list() -> None:
    apart = b"Connection: Upgrade\r\nConnection: keep-alive\r\n"
    app = Watched()
    wire = Wire(WireServer(app))
    wire.send(HANDSHAKE.replace(b"Connection: Upgrade\r\n", apart))
    await settle()
    assert wire.received.startswith(b"HTTP/1.1 101 ")
    assert app.cycle is not None
