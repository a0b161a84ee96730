"""How a connection ends: by its client in each phase, and by each deadline."""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf

import pytest
from tests.support.framings import CANARY
from tests.support.responses import responses
from tests.support.wire import Wire, WireServer, settle
from tests.unit.http_server.echo import Echo, EchoAtOnce, Gated
from tests.unit.http_server.recorded import HANDSHAKE, READY, USUAL, chunked, plain, sized

from event_seating.http_server.asgi import Message, Receive, Scope, Send
from event_seating.http_server.limits import (
    HEAD_WITHIN_S,
    IDLE_S,
    WRITTEN_WITHIN_S,
    EndReason,
)

pytestmark = pytest.mark.anyio

START: Message = {"type": "http.response.start", "status": 200, "headers": []}


def body(part: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": part, "more_body": more}


def opened(app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> tuple[WireServer, Wire]:
    server = WireServer(app)
    return server, Wire(server)


def statuses(wire: Wire) -> list[int]:
    return [each.status for each in responses(bytes(wire.received))]


class TestHalfClosed:
    async def test_a_client_that_has_sent_all_gets_every_answer(self) -> None:
        app = Gated()
        _, wire = opened(app)
        wire.send(plain(b"GET", b"/a") + plain(b"GET", b"/b"))
        wire.send_eof()
        app.let(b"/a", b"/b")
        await settle()
        assert statuses(wire) == [200, 200]
        assert wire.lost

    async def test_the_connection_is_closed_though_the_answer_is_received_slowly(self) -> None:
        async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send(dict(START))
            await send(body(b"x" * 200_000))

        _, wire = opened(app)
        wire.client_reads = False
        wire.send(USUAL)
        wire.send_eof()
        await settle()
        wire.receive()
        await settle()
        assert statuses(wire) == [200]
        assert wire.lost

    @pytest.mark.parametrize("sent", [b"G", b"GET / HTTP/1.1\r\nA: b", USUAL[:-1]])
    async def test_half_a_head_is_refused(self, sent: bytes) -> None:
        _, wire = opened(Echo())
        wire.send(sent)
        wire.send_eof()
        await settle()
        assert statuses(wire) == [400]
        assert wire.lost

    async def test_half_a_body_is_the_end_of_the_client(self) -> None:
        app = Echo()
        _, wire = opened(app)
        wire.send(sized(b"POST", b"/", b"welcome")[:-1])
        wire.send_eof()
        await settle()
        assert app.seen[4_000][0].body is None
        assert wire.lost

    async def test_nothing_at_all_is_no_request(self) -> None:
        server, wire = opened(Echo())
        wire.send_eof()
        await settle()
        assert wire.lost
        assert bytes(wire.received) == b""
        assert not any(server.ended.values())


PHASES = {
    "nothing": b"",
    "head": USUAL[:10],
    "asked": plain(b"GET", b"/slow"),
    "body": sized(b"POST", b"/slow", b"x" * 100)[:-10],
    "chunk": chunked(b"POST", b"/slow", b"x" * 100)[:-10],
    "ahead": plain(b"GET", b"/slow") * 3,
    "full": plain(b"GET", b"/slow") + sized(b"POST", b"/slow", b"x" * 1_000_000),
    "refused": b"nonsense\r\n\r\n",
    "handshake": HANDSHAKE.replace(b"/live", b"/slow"),
}


class TestReset:
    @pytest.mark.parametrize("phase", PHASES)
    @pytest.mark.parametrize("answers_before", [False, True])
    async def test_one_in_each_phase_leaves_nothing_behind(
        self, phase: str, answers_before: bool
    ) -> None:
        app = Gated()
        server, wire = opened(app)
        faults: list[object] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _loop, context: faults.append(context)
        )
        wire.client_reads = False
        wire.send(PHASES[phase])
        await settle()
        wire.reset()
        if answers_before:
            app.let(b"/slow")
        await settle()
        app.let(b"/slow")
        await settle()
        assert faults == []
        assert wire.misused == []
        assert not server.open
        assert not server._by_client
        assert not server.running

    async def test_one_among_answers_that_are_ready_ends_them(self) -> None:
        class Resets(EchoAtOnce):
            def at_once(self, *words: object) -> object:
                wire.reset()
                return super().at_once(*words)  # type: ignore[arg-type]

        server, wire = opened(Resets())
        faults: list[object] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _loop, context: faults.append(context)
        )
        wire.send(READY * 100)
        await settle()
        assert faults == []
        assert not server.open

    async def test_an_application_that_goes_on_after_it_harms_nothing(self) -> None:
        gone = asyncio.Event()
        received: list[str] = []

        async def app(_scope: Scope, receive: Receive, send: Send) -> None:
            await send(dict(START))
            await send(body(b"x" * 100_000, more=True))
            await gone.wait()
            await send(body(b"more", more=True))
            received.append((await receive())["type"])
            await send(body(b"end"))

        server, wire = opened(app)
        wire.client_reads = False
        wire.send(sized(b"POST", b"/", b"x" * 300_000)[:-1])
        await settle()
        wire.reset()
        await settle()
        gone.set()
        await settle()
        assert received == ["http.request"]
        assert server.reports.crashes == []
        assert wire.misused == []


class TestDeadlines:
    async def test_a_head_that_does_not_come(self) -> None:
        server, wire = opened(Echo())
        server.pass_time(HEAD_WITHIN_S)
        assert not wire.is_closing()
        server.pass_time(0.1)
        assert wire.is_closing()
        assert server.ended[EndReason.head] == 1

    async def test_bytes_do_not_put_it_off(self) -> None:
        server, wire = opened(EchoAtOnce())
        wire.send(READY)
        server.pass_time(IDLE_S - 1)
        for octet in READY[:9]:
            wire.send(bytes((octet,)))
            server.pass_time(1.0)
        assert not wire.is_closing()
        wire.send(READY[9:12])
        server.pass_time(1.1)
        assert wire.is_closing()
        assert server.ended[EndReason.head] == 1

    async def test_answers_that_are_received_do_not_put_it_off(self) -> None:
        server, wire = opened(EchoAtOnce())
        wire.client_reads = False
        wire.send(READY * 1_000 + READY[:9])
        await settle()
        wire.receive(100_000)
        await settle()
        server.pass_time(HEAD_WITHIN_S + 0.1)
        assert wire.is_closing()

    async def test_a_connection_without_a_request(self) -> None:
        server, wire = opened(EchoAtOnce())
        for _ in range(3):
            wire.send(READY)
            wire.send(USUAL)
            await settle()
            server.pass_time(IDLE_S)
            assert not wire.is_closing()
        server.pass_time(0.1)
        assert wire.is_closing()
        assert not any(server.ended.values())

    async def test_a_request_under_way_has_none(self) -> None:
        server, wire = opened(Gated())
        wire.send(USUAL)
        await settle()
        server.pass_time(100_000)
        assert not wire.is_closing()
        assert wire.connection.deadline == inf

    @pytest.mark.parametrize("app", [Echo, EchoAtOnce])
    async def test_an_answer_that_is_not_received(self, app: type[Echo]) -> None:
        server, wire = opened(app())
        wire.client_reads = False
        wire.send(READY * 2_000)
        await settle()
        server.pass_time(WRITTEN_WITHIN_S)
        assert not wire.is_closing()
        server.pass_time(0.1)
        assert wire.is_closing()
        assert server.ended[EndReason.slow] == 1

    async def test_a_large_answer_has_that_time_for_each_part_of_it(self) -> None:
        size = 1_000_000

        async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send(dict(START))
            await send(body(b"x" * size))

        server, wire = opened(app)
        wire.client_reads = False
        wire.send(plain(b"GET", b"/", b"Connection: close"))
        await settle()
        for _ in range(14):
            server.pass_time(WRITTEN_WITHIN_S - 1)
            wire.receive(70_000)
            await settle()
            assert not wire.lost
        wire.receive()
        await settle()
        assert len(responses(bytes(wire.received))[0].body) == size
        assert server.ended[EndReason.slow] == 0

    @pytest.mark.parametrize("after", [b"", CANARY])
    async def test_the_end_of_an_answer_has_it_though_the_connection_closes(
        self, after: bytes
    ) -> None:
        async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send(dict(START))
            await send(body(b"x" * 50_000))

        server, wire = opened(app)
        wire.client_reads = False
        wire.send(plain(b"GET", b"/", b"Connection: close") + after)
        await settle()
        server.pass_time(WRITTEN_WITHIN_S - 1)
        await settle()
        wire.receive()
        await settle()
        assert statuses(wire) == [200]
        assert wire.ended
        server.pass_time(WRITTEN_WITHIN_S)
        await settle()
        assert wire.lost
