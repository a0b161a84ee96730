"""Calling receivers: real ones on this machine, in every way that they misbehave."""

import asyncio
import ssl
from collections.abc import Callable

import httpx
import pytest
from tests.support.receivers import (
    Behave,
    Flood,
    Receiver,
    answer,
    close,
    hang,
    receiving,
    talk_nonsense,
    trickle,
)
from tests.support.smtp import CERTIFICATES

from event_seating.webhooks import sender as sender_module
from event_seating.webhooks.sender import ANSWER_BYTES_MAX, CallOutcome, Sender
from event_seating.webhooks.targets import TargetRules

pytestmark = pytest.mark.anyio

OPEN = TargetRules(plain_http=True, private_networks=True)
CLOSED = TargetRules(plain_http=True, private_networks=False)
"""An authority of the tests' own, and a certificate of it for `receiver.test`, for a century."""

HEADERS = {"webhook-id": "job-1"}
BODY = '{"type":"test"}'
SHORT_S = 0.8
ENDS_WITHIN_S = 20.0


class Names:
    """A resolver that says what it is told to, one answer after the other."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class Dialled(httpx.AsyncBaseTransport):
    """A transport that notes what it is to call, and answers 200."""

    def __init__(self, *, dead: tuple[str, ...] = ()) -> None:
        self.requests: list[httpx.Request] = []
        self._dead = dead

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.host in self._dead:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, content=b"")

    @property
    def hosts(self) -> list[str]:
        return [request.url.host for request in self.requests]


async def call(receiver: Receiver, path: str = "/hook?a=b", within_s: float = 5.0) -> CallOutcome:
    sender = Sender(OPEN, within_s=within_s)
    return await sender.send(f"http://127.0.0.1:{receiver.port}{path}", HEADERS, BODY)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_every_2xx_is_a_delivery(status: int) -> None:
    async with receiving(answer(status)) as receiver:
        assert await call(receiver) == CallOutcome(status, None)
    (received,) = receiver.received
    assert received.line == "POST /hook?a=b HTTP/1.1"
    assert received.body == BODY.encode()
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["user-agent"].startswith("event-seating/")
    assert received.headers["webhook-id"] == "job-1"


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 502, 503])
async def test_any_other_answer_is_none(status: int) -> None:
    async with receiving(answer(status, b"<html>secret of the receiver</html>")) as receiver:
        outcome = await call(receiver)
    assert outcome == CallOutcome(status, f"answered {status}")
    assert outcome.gone is (status == 410)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with (
        receiving(answer(200)) as other,
        receiving(answer(status, b"", f"location: http://127.0.0.1:{other.port}/\r\n")) as receiver,
    ):
        outcome = await call(receiver)
    assert outcome == CallOutcome(status, f"answered {status}; redirects are not followed")
    assert other.connections == 0


@pytest.mark.parametrize("behave", [hang, trickle(b""), trickle(b"HTTP/1.1 200 OK\r\nx-header: ")])
async def test_a_receiver_that_gives_no_answer_takes_its_time_and_no_more(behave: Behave) -> None:
    async with receiving(behave) as receiver, asyncio.timeout(ENDS_WITHIN_S):
        outcome = await call(receiver, within_s=SHORT_S)
    assert outcome == CallOutcome(None, "no answer within 0.8 s")


@pytest.mark.parametrize("behave", [close, talk_nonsense])
async def test_a_receiver_that_breaks_the_connection_gave_no_answer(behave: Behave) -> None:
    async with receiving(behave) as receiver:
        outcome = await call(receiver)
    assert outcome == CallOutcome(None, "the connection broke before there was an answer")


async def test_a_taken_message_is_a_delivery_though_the_answer_never_ends() -> None:
    endless = trickle(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffff\r\n")
    async with receiving(endless) as receiver:
        assert await call(receiver, within_s=SHORT_S) == CallOutcome(200, None)


async def test_of_a_long_answer_only_the_beginning_is_read() -> None:
    flood = Flood(10 * 1024 * 1024)
    async with receiving(flood) as receiver:
        assert await call(receiver) == CallOutcome(200, None)
    # What lies in the sockets of both ends counts as sent: a few hundred kilobytes.
    assert ANSWER_BYTES_MAX <= flood.sent < flood.total / 2


async def test_a_compressed_bomb_is_not_unpacked() -> None:
    bomb = answer(200, b"\x1f\x8b not even gzip", "content-encoding: gzip\r\n")
    async with receiving(bomb) as receiver:
        assert await call(receiver) == CallOutcome(200, None)


async def test_nobody_at_the_port_is_told_so() -> None:
    async with receiving(close) as receiver:
        port = receiver.port
    outcome = await Sender(OPEN).send(f"http://127.0.0.1:{port}/", HEADERS, BODY)
    assert outcome.status is None
    assert str(outcome.error).startswith("no connection")


async def test_a_name_that_nobody_knows_is_told_so() -> None:
    outcome = await Sender(OPEN).send("http://nobody.invalid/", HEADERS, BODY)
    assert outcome == CallOutcome(None, "the name of the receiver is not known")


async def test_a_resolver_that_hangs_does_not_hold_up_a_call() -> None:
    async def hang_on(_host: str, _port: int) -> list[str]:
        await asyncio.get_running_loop().create_future()
        return []

    outcome = await Sender(OPEN, resolve=hang_on, within_s=SHORT_S).send(
        "http://receiver.test/", HEADERS, BODY
    )
    assert outcome == CallOutcome(None, "no answer within 0.8 s")


async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving(answer(200)) as proxy, receiving(answer(200)) as receiver:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert (await call(receiver)).error is None
    assert proxy.connections == 0


class TestPrivateNetworks:
    """That nobody can make this server call into its own network."""

    async def test_a_literal_address_is_refused_though_it_stands_in_the_database(self) -> None:
        async with receiving(answer(200)) as receiver:
            for host in ("127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"):
                url = f"http://{host}:{receiver.port}/"
                outcome = await Sender(CLOSED).send(url, HEADERS, BODY)
                assert outcome.status is None
                assert outcome.error
        assert receiver.connections == 0

    async def test_a_name_of_this_machine_is_refused_as_the_system_resolves_it(self) -> None:
        assert await sender_module.addresses_of("2130706433", 80) == ["127.0.0.1"]
        found = await sender_module.addresses_of("localhost", 80)
        assert {"127.0.0.1", "::1"} & {*found}
        async with receiving(answer(200)) as receiver:

            async def resolve(_host: str, port: int) -> list[str]:
                return await sender_module.addresses_of("localhost", port)

            sender = Sender(CLOSED, resolve=resolve)
            url = f"http://receiver.example:{receiver.port}/"
            outcome = await sender.send(url, HEADERS, BODY)
        assert "which is not a public address" in str(outcome.error)
        assert receiver.connections == 0

    @pytest.mark.parametrize(
        "found",
        [
            ["10.0.0.7"],
            ["8.8.8.8", "10.0.0.7"],
            ["2606:4700::1", "fe80::1%2"],
            ["::ffff:169.254.169.254"],
            ["64:ff9b::7f00:1"],
            ["1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "127.0.0.1"],
        ],
    )
    async def test_one_private_address_among_many_refuses_the_name(self, found: list[str]) -> None:
        transport = Dialled()
        sender = Sender(CLOSED, resolve=Names(found), open_transport=lambda: transport)
        outcome = await sender.send("http://receiver.example/", HEADERS, BODY)
        assert "which is not a public address" in str(outcome.error)
        assert transport.hosts == []

    async def test_the_address_that_was_checked_is_the_one_that_is_dialled(self) -> None:
        names = Names(["8.8.8.8"], ["127.0.0.1"])
        transport = Dialled()
        sender = Sender(CLOSED, resolve=names, open_transport=lambda: transport)
        assert await sender.send("https://rebinding.example:99/x?y", HEADERS, BODY) == (200, None)
        (request,) = transport.requests
        assert str(request.url) == "https://8.8.8.8:99/x?y"
        assert request.headers["host"] == "rebinding.example:99"
        assert request.extensions["sni_hostname"] == "rebinding.example"
        assert names.asked == [("rebinding.example", 99)]
        # The next delivery asks again, and refuses what the name has become.
        outcome = await sender.send("https://rebinding.example:99/x?y", HEADERS, BODY)
        assert outcome.error == ("rebinding.example is at 127.0.0.1, which is not a public address")
        assert len(transport.requests) == 1

    async def test_a_dead_address_is_followed_by_the_next_one_that_was_checked(self) -> None:
        transport = Dialled(dead=("2606:4700::1",))
        names = Names(["2606:4700::1", "8.8.8.8"])
        sender = Sender(CLOSED, resolve=names, open_transport=lambda: transport)
        assert (await sender.send("https://receiver.example/", HEADERS, BODY)).error is None
        assert transport.hosts == ["2606:4700::1", "8.8.8.8"]
        assert len(names.asked) == 1

    async def test_a_name_with_a_crowd_of_dead_addresses_is_given_up(self) -> None:
        dead = [f"8.8.8.{number}" for number in range(50)]
        transport = Dialled(dead=tuple(dead))
        sender = Sender(CLOSED, resolve=Names(dead), open_transport=lambda: transport)
        outcome = await sender.send("https://receiver.example/", HEADERS, BODY)
        assert outcome == CallOutcome(None, "no connection: refused")
        assert transport.hosts == dead[:4]


class TestTls:
    """That the certificate is checked against the name, though an address is dialled."""

    @pytest.fixture
    def tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(CERTIFICATES / "receiver.pem")
        return context

    @pytest.fixture
    def transport(self) -> Callable[[], httpx.AsyncBaseTransport]:
        trusted = sender_module.trusted_authorities()
        trusted.load_verify_locations(CERTIFICATES / "authority.pem")
        return lambda: httpx.AsyncHTTPTransport(verify=trusted, trust_env=False)

    async def send(
        self,
        host: str,
        receiver: Receiver,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
    ) -> CallOutcome:
        sender = Sender(OPEN, resolve=Names(["127.0.0.1"]), open_transport=transport)
        return await sender.send(f"https://{host}:{receiver.port}/", HEADERS, BODY)

    async def test_a_certificate_for_the_name_is_good(
        self, tls: ssl.SSLContext, transport: Callable[[], httpx.AsyncBaseTransport]
    ) -> None:
        asked: list[str | None] = []
        tls.sni_callback = lambda _socket, name, _context: asked.append(name)
        async with receiving(answer(204), tls) as receiver:
            assert await self.send("receiver.test", receiver, transport) == CallOutcome(204, None)
        assert asked == ["receiver.test"]
        assert receiver.received[0].headers["host"] == f"receiver.test:{receiver.port}"

    @pytest.mark.parametrize("host", ["other.test", "127.0.0.1"])
    async def test_a_certificate_for_another_name_is_not(
        self, tls: ssl.SSLContext, transport: Callable[[], httpx.AsyncBaseTransport], host: str
    ) -> None:
        async with receiving(answer(204), tls) as receiver:
            outcome = await self.send(host, receiver, transport)
        assert outcome.status is None
        assert str(outcome.error).startswith("the certificate is not valid: ")
        assert receiver.received == []

    async def test_an_authority_that_nobody_knows_is_not_trusted(self, tls: ssl.SSLContext) -> None:
        async with receiving(answer(204), tls) as receiver:
            outcome = await self.send("receiver.test", receiver)
        assert str(outcome.error).startswith("the certificate is not valid: ")
        assert receiver.received == []

    async def test_a_receiver_that_speaks_no_tls_is_not_called(self) -> None:
        async with receiving(talk_nonsense) as receiver:
            outcome = await self.send("receiver.test", receiver)
        assert outcome.status is None
        assert str(outcome.error).startswith("no connection")
