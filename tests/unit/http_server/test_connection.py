"""One connection in each phase: what is sent ahead, what is too much, what breaks off."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

import pytest
from tests.support.framings import CANARY
from tests.support.responses import responses
from tests.support.wire import READ_MAX, Wire, WireServer, settle
from tests.unit.http_server.echo import Echo, EchoAtOnce, Gated, Steps, whole
from tests.unit.http_server.recorded import READY, USUAL, chunked, plain, sized

from event_seating.http_server.asgi import Message, Receive, Scope, Send
from event_seating.http_server.limits import (
    BUFFERED_BYTES_MAX,
    FIELDS_MAX,
    HEAD_BYTES_MAX,
    LINGER_S,
    TARGET_BYTES_MAX,
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


def paths(app: Echo) -> list[bytes]:
    return [each.target for each in app.seen.get(4_000, [])]


class TestSentAhead:
    async def test_requests_are_answered_in_their_order_one_at_a_time(self) -> None:
        app = Gated()
        _, wire = opened(app)
        wire.send(b"".join(plain(b"GET", b"/%d" % number) for number in range(4)))
        app.let(b"/3", b"/2", b"/1")
        await settle()
        assert (app.asked, bytes(wire.received)) == ([b"/0"], b"")
        app.let(b"/0")
        await settle()
        assert [each.body for each in responses(bytes(wire.received))] == [
            b"/0",
            b"/1",
            b"/2",
            b"/3",
        ]

    async def test_what_is_ready_waits_for_what_was_asked_before(self) -> None:
        class Both(Gated):
            at_once = EchoAtOnce().at_once

        app = Both()
        _, wire = opened(app)
        wire.send(READY + plain(b"GET", b"/slow") + READY)
        await settle()
        assert len(responses(bytes(wire.received))) == 1
        app.let(b"/slow")
        await settle()
        assert [each.body for each in responses(bytes(wire.received))] == [
            b"ready",
            b"/slow",
            b"ready",
        ]

    async def test_one_begins_without_the_context_of_the_one_before(self) -> None:
        caller: ContextVar[str] = ContextVar("caller", default="nobody")
        found: list[str] = []

        class Binds:
            def at_once(self, _method: bytes, target: bytes, *_others: object) -> bytes | None:
                found.append(caller.get())
                return b"HTTP/1.1 204 No Content\r\n\r\n" if target == b"/ready" else None

            async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
                found.append(caller.get())
                caller.set("somebody")
                await send(START)
                await send(body(b"x"))

        _, wire = opened(Binds())
        wire.send(USUAL + READY + USUAL * 2)
        await settle()
        assert len(responses(bytes(wire.received))) == 4
        assert found == ["nobody"] * 7

    @pytest.mark.parametrize("app", [Echo, EchoAtOnce])
    @pytest.mark.parametrize("request_sent", [READY, sized(b"POST", b"/", CANARY)])
    @pytest.mark.parametrize("count", [10_000, pytest.param(1_000_000, marks=pytest.mark.long)])
    @pytest.mark.timeout(1_200)
    async def test_any_number_takes_bounded_memory(
        self, app: type[Echo], request_sent: bytes, count: int
    ) -> None:
        server, wire = opened(app())
        batch = READ_MAX // len(request_sent) + 3  # each ends within a piece that is read
        held, sent = 0, 0
        while sent < count:
            number = min(batch, count - sent)
            wire.send(request_sent * number)
            sent += number
            held = max(held, len(wire.connection._buffer) - wire.connection._at)
            await settle()
            assert wire.stuck == 0, "it went on reading"
            assert len(responses(bytes(wire.received))) == number
            wire.received.clear()
            server.app.seen.clear()  # type: ignore[attr-defined]
        assert held <= BUFFERED_BYTES_MAX + READ_MAX
        assert wire.connection._buffer == b""
        assert statuses(wire) == []

    async def test_a_slow_application_stops_a_client_that_sends_on(self) -> None:
        app = Gated()
        _, wire = opened(app)
        for _ in range(10):
            wire.send(plain(b"GET", b"/slow") * 1_000)
        await settle()
        assert len(wire.connection._buffer) <= BUFFERED_BYTES_MAX + READ_MAX
        assert wire.stuck > 100_000
        app.let(b"/slow")
        await settle()
        assert wire.stuck == 0
        assert len(responses(bytes(wire.received))) == 10_000

    async def test_a_head_that_is_cut_after_many_requests_is_waited_for(self) -> None:
        _, wire = opened(EchoAtOnce())
        wire.send(READY * 3_000 + READY[:20])
        await settle()
        wire.send(READY[20:])
        await settle()
        assert len(responses(bytes(wire.received))) == 3_001

    async def test_a_body_after_many_requests_is_waited_for(self) -> None:
        app = EchoAtOnce()
        _, wire = opened(app)
        posted = sized(b"POST", b"/users", b"welcome")
        wire.send(READY * 3_000 + posted[:-7])
        await settle()
        wire.send(b"welcome")
        await settle()
        assert app.seen[4_000][-1].body == b"welcome"

    async def test_the_last_one_may_say_that_it_is(self) -> None:
        app = EchoAtOnce()
        _, wire = opened(app)
        wire.send(READY + plain(b"GET", b"/last", b"Connection: close") + CANARY)
        await settle()
        assert paths(app) == [b"/ready", b"/last"]
        assert responses(bytes(wire.received))[-1].headers[b"connection"] == b"close"
        assert wire.ended

    async def test_a_malformed_one_is_refused_after_the_answers_before_it(self) -> None:
        app = Gated()
        server, wire = opened(app)
        wire.send(plain(b"GET", b"/slow") + b"nonsense\r\n\r\n" + CANARY)
        await settle()
        assert bytes(wire.received) == b""
        app.let(b"/slow")
        await settle()
        assert statuses(wire) == [200, 400]
        assert app.asked == [b"/slow"]
        assert server.ended[EndReason.malformed] == 1


class TestHead:
    @pytest.mark.parametrize("excess", [-1, 0, 1, 2, 3])
    async def test_where_it_is_cut_does_not_decide_whether_it_is_too_long(
        self, excess: int
    ) -> None:
        start = b"GET / HTTP/1.1\r\nHost: a\r\nX: "
        head = start + b"a" * (HEAD_BYTES_MAX + excess - len(start)) + b"\r\n\r\n"
        for place in range(len(head) - 6, len(head) + 1):
            _, wire = opened(Echo())
            wire.send(head[:place])
            wire.send(head[place:])
            await settle()
            assert statuses(wire) == ([200] if excess <= 0 else [431]), place

    async def test_a_target_has_a_bound_of_its_own(self) -> None:
        _, wire = opened(Echo())
        wire.send(plain(b"GET", b"/" + b"a" * 8_192) + plain(b"GET", b"/" + b"a" * 8_193))
        await settle()
        assert statuses(wire) == [200, 414]

    @pytest.mark.parametrize("hosts", [[], [b"a"], [b"a", b"b"]])
    async def test_an_authority_replaces_each_host_and_hides_none(self, hosts: list[bytes]) -> None:
        app = Echo()
        _, wire = opened(app)
        lines = b"".join(b"Host: %b\r\n" % host for host in hosts)
        wire.send(b"GET http://other/x HTTP/1.1\r\n%bA: b\r\n\r\n" % lines)
        await settle()
        (seen,) = app.seen[4_000]
        assert seen.headers == (*((b"host", b"other"),) * max(1, len(hosts)), (b"a", b"b"))

    async def test_what_an_idle_connection_remembers_of_a_large_head_is_little(self) -> None:
        _, wire = opened(Echo())
        wire.send(plain(b"GET", b"/", *(b"X-%d: %b" % (n, b"a" * 120) for n in range(95))))
        await settle()
        assert statuses(wire) == [200]
        assert len(wire.connection._block) <= 4 * 1_024

    async def test_fields_that_come_again_are_those_of_that_request(self) -> None:
        app = Echo()
        _, wire = opened(app)
        for line in (b"A: 1", b"A: 1", b"A: 2", b"A: 1"):
            wire.send(plain(b"GET", b"/", line))
        wire.send(plain(b"GET", b"http://other/", b"A: 1") + plain(b"GET", b"/", b"A: 1"))
        await settle()
        last = [dict(each.headers)[b"a"] for each in app.seen[4_000]]
        assert last == [b"1", b"1", b"2", b"1", b"1", b"1"]
        assert dict(app.seen[4_000][-1].headers)[b"host"] == b"localhost"


REFUSED_OF_HEAD = {
    "first line": (400, b"HEAD  / HTTP/1.1\r\n\r\n"),
    "header": (400, plain(b"HEAD", b"/", b"Host : a")),
    "target": (414, plain(b"HEAD", b"/" + b"a" * TARGET_BYTES_MAX)),
    "expectation": (417, plain(b"HEAD", b"/", b"Expect: more")),
    "headers": (431, plain(b"HEAD", b"/", *[b"A: b"] * (FIELDS_MAX + 1))),
    "length": (431, plain(b"HEAD", b"/", b"A: " + b"a" * HEAD_BYTES_MAX)),
    "no end": (431, plain(b"HEAD", b"/", b"A: " + b"a" * HEAD_BYTES_MAX)[:-2]),
    "chunk": (400, chunked(b"HEAD", b"/", b"x").replace(b"1\r\nx", b"z\r\nx")),
}


class TestRefusalOfHead:
    @pytest.mark.parametrize("what", REFUSED_OF_HEAD)
    @pytest.mark.parametrize("before", [b"", READY * 3, USUAL])
    async def test_it_has_no_body(self, what: str, before: bytes) -> None:
        status, sent = REFUSED_OF_HEAD[what]
        _, wire = opened(EchoAtOnce())
        wire.send(before + sent[:9])
        await settle()
        wire.send(sent[9:])
        await settle()
        count = before.count(b"\r\n\r\n")
        found = responses(bytes(wire.received), heads=(count,))
        assert [each.status for each in found] == [200] * count + [status]
        assert int(found[-1].headers[b"content-length"]) > 0
        assert wire.ended

    async def test_that_of_another_after_it_has_one(self) -> None:
        _, wire = opened(Echo())
        wire.send(plain(b"HEAD", b"/") + plain(b"GET", b"/", b"Host : a"))
        await settle()
        found = responses(bytes(wire.received), heads=(0,))
        assert [(each.status, bool(each.body)) for each in found] == [(200, False), (400, True)]


class TestBody:
    @pytest.mark.parametrize("send_it", [sized, chunked])
    async def test_a_body_that_nobody_reads_waits_in_bounded_memory(
        self, send_it: Callable[[bytes, bytes, bytes], bytes]
    ) -> None:
        may_read = asyncio.Event()
        found: list[bytes | None] = []

        async def app(_scope: Scope, receive: Receive, send: Send) -> None:
            await may_read.wait()
            found.append(await whole(receive))
            await send(dict(START))
            await send(body(b""))

        _, wire = opened(app)
        large = b"x" * 700_000
        wire.send(send_it(b"POST", b"/", large))
        await settle()
        assert wire.stuck > 300_000
        may_read.set()
        await settle()
        assert found == [large]
        assert statuses(wire) == [200]

    async def test_an_answer_without_the_body_is_the_last(self) -> None:
        async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send(dict(START))
            await send(body(b"early"))

        server, wire = opened(app)
        wire.send(sized(b"POST", b"/", b"x" * 50 + CANARY)[:-20])
        await settle()
        assert statuses(wire) == [200]
        assert wire.half_closed
        assert not wire.lost
        for _ in range(20):
            wire.send(CANARY * 2_000)
        await settle()
        assert statuses(wire) == [200]
        assert wire.stuck == 0, "what still comes is read and dropped"
        server.pass_time(LINGER_S + 0.1)
        await settle()
        assert wire.lost
        assert not any(server.ended.values())

    async def test_a_body_that_turns_out_malformed_ends_the_request(self) -> None:
        seen: list[Message] = []

        async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
            seen.extend([await receive(), await receive()])

        server, wire = opened(app)
        head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        wire.send(head + b"3\r\nabc\r\n")
        await settle()
        wire.send(b"zz\r\n" + CANARY)
        await settle()
        assert [each["type"] for each in seen] == ["http.request", "http.disconnect"]
        assert statuses(wire) == [400]
        assert wire.half_closed
        assert server.reports.crashes == []

    async def test_one_that_turns_out_malformed_after_the_answer_began_adds_nothing(self) -> None:
        may_end = asyncio.Event()

        async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send(dict(START))
            await send(body(b"part", more=True))
            await may_end.wait()
            await send(body(b"end"))

        _, wire = opened(app)
        wire.send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        await settle()
        wire.send(b"zz\r\n" + CANARY)
        await settle()
        wire.send(CANARY)
        may_end.set()
        await settle()
        assert [each.body for each in responses(bytes(wire.received))] == [b"partend"]
        assert wire.ended

    async def test_a_body_that_comes_after_the_answer_is_no_request(self) -> None:
        app = Echo()
        _, wire = opened(Steps(lambda scope, receive, send: _answer(send)))
        posted = sized(b"POST", b"/", CANARY)
        wire.send(posted[: -len(CANARY)])
        await settle()
        wire.send(CANARY)
        await settle()
        assert statuses(wire) == [200]
        assert paths(app) == []

    async def test_a_body_that_nobody_read_but_that_came_is_no_request(self) -> None:
        _, wire = opened(Steps(lambda scope, receive, send: _answer(send)))
        wire.send(sized(b"POST", b"/", CANARY) + USUAL)
        await settle()
        assert statuses(wire) == [200, 200]


async def _answer(send: Send) -> None:
    await send(dict(START))
    await send(body(b""))


class TestExpectation:
    ASKS = sized(b"POST", b"/", b"welcome", b"Expect: 100-continue")

    async def test_a_client_is_told_to_go_on_once_its_body_is_wanted(self) -> None:
        _, wire = opened(Echo())
        wire.send(self.ASKS[:-7])
        await settle()
        assert bytes(wire.received) == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.send(b"welcome")
        await settle()
        assert statuses(wire) == [200]

    async def test_it_is_not_if_the_body_came_unasked(self) -> None:
        _, wire = opened(Echo())
        wire.send(self.ASKS)
        await settle()
        assert b"100 Continue" not in wire.received

    async def test_it_is_not_within_an_answer(self) -> None:
        async def app(_scope: Scope, receive: Receive, send: Send) -> None:
            await send(dict(START))
            await send(body(b"part", more=True))
            waiting = asyncio.ensure_future(receive())  # as who listens for a disconnect
            await asyncio.sleep(0)
            await send(body(b"end"))
            await waiting

        _, wire = opened(app)
        wire.send(self.ASKS[:-7])
        await settle()
        assert [each.body for each in responses(bytes(wire.received))] == [b"partend"]
        assert b"100 Continue" not in wire.received

    async def test_a_refusal_ends_the_connection(self) -> None:
        app = Echo()
        _, wire = opened(app)
        wire.send(sized(b"POST", b"/", CANARY, b"Expect: more"))
        await settle()
        assert statuses(wire) == [417]
        assert wire.half_closed
        assert paths(app) == []
