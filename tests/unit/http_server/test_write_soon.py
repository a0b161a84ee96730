"""Responses are written together at the end of a step; none is lost or overtaken before that."""

import pytest
from tests.support.responses import responses
from tests.support.wire import HIGH_WATER, Wire, WireServer, settle
from tests.unit.http_server.echo import Echo, EchoAtOnce
from tests.unit.http_server.recorded import HANDSHAKE, READY, USUAL, plain

from event_seating.http_server.asgi import App, Receive, Scope, Send
from event_seating.http_server.limits import (
    HEAD_WITHIN_S,
    REQUESTS_A_STEP,
    TOGETHER_MAX,
    WRITTEN_WITHIN_S,
)

pytestmark = pytest.mark.anyio

LARGE = HIGH_WATER // 4


class Large:
    """Answers at once, with a body of which a client's buffer holds few; or as `app`."""

    def __init__(self, app: App | None = None, *, size: int = LARGE) -> None:
        self._app = app or Echo()
        self._size = size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def at_once(self, _method: bytes, target: bytes, *_others: object) -> bytes | None:
        if target != b"/ready":
            return None
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (
            self._size,
            b"*" * self._size,
        )


def with_ready(app: App) -> App:
    """The application, with an answer at once to `READY`."""
    app.at_once = EchoAtOnce().at_once  # type: ignore[attr-defined]
    return app


def count(wire: Wire) -> int:
    return len(responses(bytes(wire.received)))


async def test_those_of_several_connections_are_written_after_all_are_answered() -> None:
    server = WireServer(EchoAtOnce())
    wires = [Wire(server, port=port) for port in (1, 2, 3)]
    for wire in wires:
        wire.send(READY)
    assert [bytes(wire.received) for wire in wires] == [b""] * 3
    await settle()
    assert [count(wire) for wire in wires] == [1] * 3


async def test_the_first_of_many_do_not_wait_for_all() -> None:
    server = WireServer(EchoAtOnce())
    wires = [Wire(server, port=port) for port in range(TOGETHER_MAX + 1)]
    for wire in wires:
        wire.send(READY)
    assert [count(wire) for wire in wires] == [1] * TOGETHER_MAX + [0]
    await settle()
    assert [count(wire) for wire in wires] == [1] * (TOGETHER_MAX + 1)


async def test_a_long_one_waits_for_no_other() -> None:
    wire = Wire(WireServer(Large()))
    wire.send(READY)
    assert count(wire) == 1


async def test_one_that_cannot_be_written_keeps_back_no_other() -> None:
    server = WireServer(EchoAtOnce())
    broken, first, second = (Wire(server, port=port) for port in (1, 2, 3))

    def fails(_data: bytes) -> None:
        raise MemoryError

    broken.write = fails  # type: ignore[method-assign, assignment]
    for _ in range(2):
        for wire in (broken, first, second):
            wire.send(READY)
        await settle()
    assert [count(wire) for wire in (first, second)] == [2, 2]
    assert broken.lost
    assert [type(each) for each in server.reports.crashes] == [MemoryError]


@pytest.mark.parametrize("app", [Echo, EchoAtOnce])
async def test_they_stay_in_their_order(app: type[Echo]) -> None:
    seen = app()
    wire = Wire(WireServer(seen))
    wire.send(READY + USUAL + READY + READY + USUAL)
    wire.send(READY)
    await settle()
    targets = [each.target for each in seen.seen[4_000]]
    assert targets == [b"/ready", b"/usual", b"/ready", b"/ready", b"/usual", b"/ready"]
    assert count(wire) == 6


@pytest.mark.parametrize(
    "what_follows",
    [
        b"not HTTP\r\n\r\n",
        b"\x16\x03\x01",
        plain(b"GET", b"/ready", b"Connection: close"),
        plain(b"GET", b"/ready", b"Expect: a miracle"),
    ],
)
@pytest.mark.parametrize("at_one_go", [True, False])
async def test_what_ends_the_connection_comes_after_them(
    what_follows: bytes, at_one_go: bool
) -> None:
    wire = Wire(WireServer(EchoAtOnce()))
    if at_one_go:
        wire.send(READY + what_follows)
    else:
        wire.send(READY)
        wire.send(what_follows)
    await settle()
    first, second = responses(bytes(wire.received))
    assert (first.status, first.body) == (200, b"ready")
    assert second.headers[b"connection"] == b"close"
    assert wire.ended
    assert wire.misused == []


@pytest.mark.parametrize("requests", [1, REQUESTS_A_STEP + 1])
async def test_a_client_that_sends_no_more_gets_them(requests: int) -> None:
    wire = Wire(WireServer(EchoAtOnce()))
    wire.send(READY * requests)
    wire.send_eof()
    await settle()
    assert (count(wire), wire.lost) == (requests, True)


async def test_a_response_in_parts_comes_after_them() -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"in ", "more_body": True})
        await send({"type": "http.response.body", "body": b"parts"})

    wire = Wire(WireServer(with_ready(app)))
    wire.send(READY + USUAL)
    await settle()
    assert [each.body for each in responses(bytes(wire.received))] == [b"ready", b"in parts"]


async def test_a_client_whose_body_nobody_reads_gets_its_response() -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"enough"})

    wire = Wire(WireServer(app))
    wire.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf")
    await settle()
    (response,) = responses(bytes(wire.received))
    assert (response.body, response.headers[b"connection"]) == (b"enough", b"close")
    assert (wire.ended, wire.misused) == (True, [])


async def test_a_server_that_stops_sends_them() -> None:
    server = WireServer(EchoAtOnce())
    wire = Wire(server)
    wire.send(READY)
    wire.connection.close()
    await settle()
    assert (count(wire), wire.lost) == (1, True)


async def test_a_websocket_that_follows_comes_after_them() -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})

    wire = Wire(WireServer(with_ready(app)))
    wire.send(READY + HANDSHAKE)
    await settle()
    assert wire.received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"ready" + b"HTTP/1.1 101" in wire.received


async def test_a_websocket_behind_what_is_not_received_waits_for_its_client() -> None:
    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for _ in range(1_000):
            await send({"type": "websocket.send", "text": "*" * 1_000})

    server = WireServer(Large(app, size=LARGE - 64))
    wire = Wire(server)
    wire.client_reads = False
    wire.send(READY * (HIGH_WATER // LARGE))
    await settle()
    assert wire.connection._writable is None, "the answer to the handshake is what is too much"
    wire.send(HANDSHAKE)
    await settle()
    assert len(wire._unsent) < 2 * HIGH_WATER
    server.pass_time(WRITTEN_WITHIN_S + 1)
    await settle()
    assert wire.lost


async def test_nobody_is_idle_who_has_yet_to_get_one() -> None:
    server = WireServer(EchoAtOnce(), per_client=1)
    wire = Wire(server, port=1)
    wire.send(READY)
    newest = Wire(server, port=2)
    assert (wire.is_closing(), newest.is_closing()) == (False, True)
    await settle()
    assert count(wire) == 1


async def test_nobody_is_idle_whose_client_has_yet_to_receive_one() -> None:
    server = WireServer(Large(), per_client=1)
    wire = Wire(server, port=1)
    wire.client_reads = False
    wire.send(READY)
    await settle()
    newest = Wire(server, port=2)
    assert (wire.is_closing(), newest.is_closing()) == (False, True)


async def test_half_a_head_has_its_ten_seconds_after_them_too() -> None:
    server = WireServer(Large(size=LARGE - 64))
    wire = Wire(server)
    wire.client_reads = False
    wire.send(READY * (HIGH_WATER // LARGE))
    await settle()
    wire.send(READY + b"GET /rea")
    assert wire.connection._partial
    await settle()
    assert wire.connection._writable is not None
    wire.client_reads = True
    wire.receive()
    await settle()
    server.pass_time(HEAD_WITHIN_S + 1)
    await settle()
    assert wire.lost


async def test_they_do_not_pile_up() -> None:
    wire = Wire(WireServer(Large()))
    wire.client_reads = False
    wire.send(READY * 100)
    await settle()
    assert wire.connection.busy
    assert len(wire._unsent) <= 2 * HIGH_WATER + LARGE
    wire.client_reads = True
    wire.receive()
    await settle()
    assert count(wire) == 100


@pytest.mark.parametrize("is_lost", [True, False])
async def test_nothing_is_written_to_a_connection_that_is_gone(is_lost: bool) -> None:
    wire = Wire(WireServer(EchoAtOnce()))
    wire.send(READY)
    if is_lost:
        wire._call_connection_lost(ConnectionResetError())
    else:
        wire.connection.abort()
    assert not wire.connection.busy
    await settle()
    assert (bytes(wire.received), wire.misused) == (b"", [])
