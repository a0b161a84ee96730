"""What an application may send, and that no response of it can be read as anything else."""

import asyncio
from collections.abc import Iterable

import pytest
from tests.support.responses import Response, responses
from tests.support.wire import DATE, Wire, WireServer, settle
from tests.unit.http_server.echo import Steps
from tests.unit.http_server.recorded import HANDSHAKE, plain, sized

from event_seating.http_server.asgi import Message, Receive, Scope, Send

pytestmark = pytest.mark.anyio

Headers = list[tuple[bytes, bytes]]

NEXT = plain(b"GET", b"/next")


def start(status: int = 200, headers: Iterable[tuple[bytes, bytes]] = ()) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(part: bytes = b"", *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": part, "more_body": more}


class Sends:
    """Answers the first request with these messages, and those after it as it should."""

    def __init__(self, *messages: Message | Exception) -> None:
        self._messages = messages
        self.asked = 0

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.asked += 1
        messages = self._messages if self.asked == 1 else (start(), body(b"next"))
        for message in messages:
            if isinstance(message, Exception):
                raise message
            await send({**message})


class Asked:
    """A connection on which something was asked, and what came of it."""

    def __init__(self, app: Sends, sent: bytes) -> None:
        self.app = app
        self.server = WireServer(app)
        self.wire = Wire(self.server)
        self.wire.send(sent)

    @property
    def received(self) -> bytes:
        return bytes(self.wire.received)

    @property
    def responses(self) -> list[Response]:
        return responses(self.received)

    @property
    def crashes(self) -> int:
        return len(self.server.reports.crashes)


async def asked(*messages: Message | Exception, sent: bytes = NEXT + NEXT) -> Asked:
    found = Asked(Sends(*messages), sent)
    await settle()
    assert found.wire.misused == []
    return found


class TestFraming:
    async def test_a_body_in_one_part_has_its_length(self) -> None:
        found = await asked(start(), body(b"whole"))
        first, second = found.responses
        assert (first.body, first.headers[b"content-length"]) == (b"whole", b"5")
        assert second.body == b"next"

    async def test_a_body_in_parts_comes_in_chunks(self) -> None:
        found = await asked(start(), body(b"one", more=True), body(more=True), body(b"two"))
        first, second = found.responses
        assert (first.body, first.headers[b"transfer-encoding"]) == (b"onetwo", b"chunked")
        assert second.body == b"next"

    async def test_it_ends_with_the_connection_in_http_1_0(self) -> None:
        sent = plain(b"GET", b"/", b"Connection: keep-alive", minor=0) + NEXT
        found = await asked(start(), body(b"one", more=True), body(b"two"), sent=sent)
        assert found.received.endswith(b"\r\n\r\nonetwo")
        assert b"transfer-encoding" not in found.received
        assert found.wire.ended

    async def test_http_1_0_stays_open_if_it_asks_for_that(self) -> None:
        sent = plain(b"GET", b"/", b"Connection: Keep-Alive", minor=0)
        found = await asked(start(), body(b"x"), sent=sent * 2 + plain(b"GET", b"/", minor=0))
        lines = [each.headers[b"connection"] for each in found.responses]
        assert lines == [b"keep-alive", b"keep-alive", b"close"]

    @pytest.mark.parametrize("headers", [[], [(b"content-length", b"5")]])
    @pytest.mark.parametrize("parts", [[body(b"whole")], [body(b"who", more=True), body(b"le")]])
    async def test_head_has_no_body(self, headers: Headers, parts: list[Message]) -> None:
        found = await asked(start(200, headers), *parts, sent=plain(b"HEAD", b"/") + NEXT)
        head, _, rest = found.received.partition(b"\r\n\r\n")
        assert b"chunked" not in head
        assert rest.startswith(b"HTTP/1.1 200 OK\r\n")

    @pytest.mark.parametrize("status", [204, 304])
    async def test_some_statuses_have_no_body(self, status: int) -> None:
        found = await asked(start(status), body(b"not sent"))
        assert [each.status for each in found.responses] == [status, 200]
        assert b"not sent" not in found.received

    async def test_the_application_may_name_the_date(self) -> None:
        found = await asked(start(200, [(b"date", b"then")]), body(), sent=NEXT)
        assert found.received.count(b"date: ") == 1

    async def test_the_date_is_the_servers(self) -> None:
        found = await asked(start(), body())
        found.server.date = b"date: a second later\r\n"
        found.wire.send(NEXT)
        await settle()
        assert found.received.count(DATE) == 2
        assert found.responses[-1].headers[b"date"] == b"a second later"

    async def test_the_application_may_end_the_connection(self) -> None:
        found = await asked(start(200, [(b"connection", b"close")]), body(b"x"))
        assert [each.headers[b"connection"] for each in found.responses] == [b"close"]
        assert found.wire.ended
        assert found.app.asked == 1

    async def test_how_a_body_is_framed_is_not_the_applications_to_say(self) -> None:
        found = await asked(start(200, [(b"transfer-encoding", b"chunked")]), body(b"x"))
        assert [each.body for each in found.responses] == [b"x", b"next"]


class TestBrokenPromises:
    @pytest.mark.parametrize("parts", [
        [body(b"longer than five")],
        [body(b"longer", more=True), body(b" than five")],
        [body(b"short", more=True), body(b"er", more=True), body()],
    ])  # fmt: skip
    async def test_more_than_was_announced_is_not_sent(self, parts: list[Message]) -> None:
        found = await asked(start(200, [(b"content-length", b"5")]), *parts)
        assert [len(each.body) for each in found.responses] == [5]
        assert found.wire.ended
        assert found.app.asked == 1

    @pytest.mark.parametrize("end", [[body(b"abc")], [body(b"abc", more=True)], [ValueError()]])
    async def test_less_than_was_announced_ends_the_connection(
        self, end: list[Message | Exception]
    ) -> None:
        found = await asked(start(200, [(b"content-length", b"5")]), body(b"a", more=True), *end)
        assert found.received.partition(b"\r\n\r\n")[2] in {b"aabc", b"a"}
        assert found.wire.ended
        assert found.app.asked == 1

    async def test_chunks_that_break_off_have_no_last_one(self) -> None:
        found = await asked(start(), body(b"a", more=True), ValueError("at its end"))
        assert found.received.endswith(b"1\r\na\r\n")
        assert found.wire.ended
        assert found.crashes == 1

    @pytest.mark.parametrize("before", [[], [start()], [start(201, [(b"x-of", b"the app")])]])
    @pytest.mark.parametrize("end", [[], [ValueError("early")]])
    async def test_no_answer_is_an_error(
        self, before: list[Message], end: list[Message | Exception]
    ) -> None:
        found = await asked(*before, *end)
        assert [each.status for each in found.responses] == [500]
        assert b"x-of" not in found.received
        assert found.wire.ended
        assert found.crashes == len(end)

    async def test_an_error_after_the_answer_takes_nothing_back(self) -> None:
        found = await asked(start(), body(b"whole"), ValueError("late"))
        assert [each.body for each in found.responses] == [b"whole"]
        assert found.wire.ended

    @pytest.mark.parametrize(
        "value", [b"a\r\nx-forged: b", b"a\nb", b"a\rb", b"a\r", b"\n", b"a\0b"]
    )
    @pytest.mark.parametrize("of_name", [False, True])
    async def test_no_header_ends_its_line(self, value: bytes, of_name: bool) -> None:
        header = (b"x-given" + value, b"a") if of_name else (b"x-given", value)
        found = await asked(start(200, [header]), body(b"x"))
        assert [each.status for each in found.responses] == [500]
        assert b"x-given" not in found.received
        assert found.wire.ended

    @pytest.mark.parametrize("value", [b"-1", b"+1", b"1_0", b"", b"0x1", b" 1", b"1" * 16, b"1\n"])
    async def test_a_length_is_a_number(self, value: bytes) -> None:
        found = await asked(start(200, [(b"content-length", value)]), body(b"x"))
        assert [each.status for each in found.responses] == [500]

    async def test_there_is_one_length(self) -> None:
        lengths = [(b"content-length", b"1"), (b"content-length", b"1")]
        found = await asked(start(200, lengths), body(b"x"))
        assert [each.status for each in found.responses] == [500]

    @pytest.mark.parametrize("status", [100, 101, 103, 199, 0, -1, 1_000])
    async def test_what_is_no_final_status_is_no_answer(self, status: int) -> None:
        found = await asked(start(status), body(b"x"))
        assert [each.status for each in found.responses] == [500]

    async def test_a_head_that_was_no_good_leaves_nothing_behind(self) -> None:
        async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
            for headers in (
                [(b"content-length", b"99"), (b"x", b"\r")],
                [(b"connection", b"close"), (b"x", b"\r")],
            ):
                with pytest.raises(Exception, match="ends its line"):
                    await send(start(204, headers))
            await send(start(200))
            await send(body(b"whole"))

        server = WireServer(Steps(app))
        wire = Wire(server)
        wire.send(NEXT)
        await settle()
        assert [(each.status, each.body) for each in responses(bytes(wire.received))] == [
            (200, b"whole")
        ]
        assert not wire.ended

    @pytest.mark.parametrize("messages", [
        [body(b"x")],
        [start(), start()],
        [start(), body(b"x", more=True), start()],
        [{"type": "http.response.trailers"}],
        [{"type": "websocket.accept"}],
    ])  # fmt: skip
    async def test_messages_out_of_order_are_a_fault(self, messages: list[Message]) -> None:
        found = await asked(*messages)
        assert found.crashes == 1
        assert found.wire.ended
        assert found.received.count(b"HTTP/1.1 ") == 1


class TestReceive:
    async def test_after_the_body_it_waits_for_the_end_of_the_answer(self) -> None:
        order: list[str] = []

        async def app(_scope: Scope, receive: Receive, send: Send) -> None:
            await receive()

            async def listen() -> None:
                order.append((await receive())["type"])

            listening = asyncio.create_task(listen())
            await asyncio.sleep(0)
            await send(start())
            order.append("answered")
            await send(body(b"x"))
            await listening

        wire = Wire(WireServer(Steps(app)))
        wire.send(NEXT)
        await settle()
        assert order == ["answered", "http.disconnect"]

    async def test_the_client_that_goes_away_wakes_all_who_wait(self) -> None:
        found: list[str] = []

        async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
            await receive()
            waiting = [asyncio.ensure_future(receive()) for _ in range(3)]
            await asyncio.sleep(0)
            waiting[0].cancel()
            messages = await asyncio.gather(*waiting, return_exceptions=True)
            found.extend(str(each["type"]) for each in messages if isinstance(each, dict))

        wire = Wire(WireServer(Steps(app)))
        wire.send(NEXT)
        await settle()
        wire.reset()
        await settle()
        assert found == ["http.disconnect"] * 2

    async def test_a_body_is_received_once_as_a_whole(self) -> None:
        got: list[Message] = []

        async def app(_scope: Scope, receive: Receive, send: Send) -> None:
            got.extend([await receive(), await receive()])
            await send(start())
            await send(body())

        wire = Wire(WireServer(Steps(app)))
        posted = sized(b"POST", b"/", b"abcdef")
        wire.send(posted[:-3])
        await settle()
        wire.send(posted[-3:])
        await settle()
        assert [(each["body"], each["more_body"]) for each in got] == [
            (b"abc", True),
            (b"def", False),
        ]


class TestRefusedHandshake:
    @pytest.mark.parametrize("fails", [False, True])
    async def test_a_response_that_breaks_off_is_the_last(self, fails: bool) -> None:
        async def app(scope: Scope, _receive: Receive, send: Send) -> None:
            assert scope["type"] == "websocket"
            refusal = "websocket.http.response"
            headers = [(b"content-length", b"99")]
            await send({"type": f"{refusal}.start", "status": 404, "headers": headers})
            await send({"type": f"{refusal}.body", "body": b"half", "more_body": True})
            if fails:
                raise ValueError("a fault")

        wire = Wire(WireServer(Steps(app)))
        wire.send(HANDSHAKE + NEXT)
        await settle()
        assert wire.received.endswith(b"half")
        assert wire.received.count(b"HTTP/1.1 ") == 1
        assert wire.ended
