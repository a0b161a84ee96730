"""Whatever is asked, the answer at once and the usual one are the same, and so is what follows.

Each request goes to one edge three times, over connections of our own server: from one address to
`Edge.at_once` first, as the server asks it; from a second one the same way, after another request
with these headers on that connection; and from a third one to `Edge.__call__` alone. Compared are
status, headers, body, the line of the log, the metrics, and what was charged.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple

import pytest
from tests.support.responses import Response, responses
from tests.support.seating import put_on_sale, seat_map
from tests.support.service import Service, in_process
from tests.support.waiting import until
from tests.support.wire import Wire, WireServer

from event_seating.http_server.asgi import Receive, Scope, Send
from event_seating.web.edge import Edge
from event_seating.web.exchange import AccessLines, Exchange

pytestmark = pytest.mark.anyio

KEY = "an-admin-key-of-24-chars"
WAYS = ("at once", "again", "usual")
PEERS = {"at once": "192.0.2.11", "again": "192.0.2.12", "usual": "192.0.2.13"}
CLIENTS = {"at once": "198.51.100.1", "again": "198.51.100.2", "usual": "198.51.100.3"}
"""Addresses that a proxy names."""

PROXY = "203.0.113.1"

STEPS = 20
"""Of the event loop, in which most requests are answered."""

GET = b"GET %b HTTP/1.1\r\nHost: localhost\r\n%b\r\n"

LINES = {
    "plain": b"",
    "own id": b"X-Request-Id: shop-4711\r\n",
    "no id": b"X-Request-Id: not plain!\r\n",
    "an origin": b"Origin: https://tickets.example\r\n",
    "another origin": b"Origin: https://evil.example\r\n",
    "the key": b"Authorization: Bearer %b\r\n" % KEY.encode(),
    "a wrong key": b"Authorization: Bearer wrong\r\n",
    "no key": b"Authorization: Basic x\r\n",
    "two keys": b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n",
    "two hosts": b"Host: localhost\r\n",
    "a cookie": b"Cookie: a=b; seat_buyer=c\r\n",
    "two cookies": b"Cookie: a=b\r\nCookie: c=d\r\n",
    "a long cookie": b"Cookie: %b\r\n" % (b"x" * 15_000),
    "a known answer": b'If-None-Match: "*"\r\n',
    "any answer": b"If-None-Match: *\r\n",
    "gzip": b"Accept-Encoding: gzip\r\n",
    "a forwarded address": b"X-Forwarded-For: 1.2.3.4\r\n",
    "a type": b"Content-Type: application/json\r\n",
    "a preflight": b"Origin: https://tickets.example\r\nAccess-Control-Request-Method: POST\r\n",
}

PATHS = (
    "/users/123", "/users/123?a=b", "/users/nobody", "/users/a%20b", "/users/12%33", "/users/%zz",
    "/users/", "/users", "/health", "/nope", "/nope%0a", "//users/123",
    "/cache-status", "/events/EVENT/seats", "/events/EVENT/seats?since=1", "/events/none/seats",
    "/events/EVENT", "/events", "/users/CLIENT",
    "/openapi.json", "/", "/page/none.js", "/bookings/none",
)  # fmt: skip

METHODS = (b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"BREW")


class Followed(NamedTuple):
    """An answer, and what it left behind."""

    response: Response
    lines: list[tuple[Any, ...]]
    series: Counter[tuple[str, str, int]]
    limited: float
    wrong_keys: int


class Ways:
    """One edge, asked in both ways; each has its own lines in the log."""

    def __init__(self, service: Service) -> None:
        edge = service.app._inner  # type: ignore[attr-defined]
        assert isinstance(edge, Edge)
        edge._ids = count(0x1000_0000)  # all of one length
        self._edge = edge
        self._parts = service.parts
        self._client = service.client
        self._lines: dict[str, list[tuple[Any, ...]]] = {way: [] for way in WAYS}
        self._access = {way: self._noting(way) for way in self._lines}

        async def usual(scope: Scope, receive: Receive, send: Send) -> None:
            await edge(scope, receive, send)

        self._servers = {way: WireServer(usual if way == "usual" else edge) for way in WAYS}
        self.answered_at_once = 0
        self._servers["at once"].at_once = self._counting(edge)
        self.answered_again = 0
        edge._answer_again = self._counting_again(edge._answer_again)  # type: ignore[method-assign]

    def _counting(self, edge: Edge) -> Callable[..., object]:
        def at_once(*words: Any) -> object:
            found = edge.at_once(*words)
            self.answered_at_once += type(found) is bytes
            return found

        return at_once

    def _counting_again(self, answer: Callable[..., bytes | Exchange]) -> Callable[..., Any]:
        def answer_again(*words: Any) -> bytes | Exchange:
            self.answered_again += 1
            return answer(*words)

        return answer_again

    def _noting(self, way: str) -> AccessLines:
        def note(*words: Any) -> None:
            self._lines[way].append(words)

        return AccessLines(note, self._parts.clock.monotonic)

    async def ask(
        self, sent: bytes, *, through_proxy: bool = False, uncached: bool = False
    ) -> dict[str, Followed]:
        found = {}
        for way in WAYS:
            if uncached:
                await self._client.delete("/cache")
            if way == "again" and found["at once"].wrong_keys:
                continue  # it was no caller whom the edge could know
            request = sent.replace(b"CLIENT", CLIENTS[way].encode())
            found[way] = await self._ask(way, request, PROXY if through_proxy else PEERS[way])
        return found

    async def _ask(self, way: str, sent: bytes, host: str) -> Followed:
        edge, metrics = self._edge, self._parts.metrics
        edge._access = self._access[way]
        if way == "again":
            wire = await self._known(sent, host)
        else:
            wire = Wire(self._servers[way], host=host)
        noted, series = len(self._lines[way]), _counts(metrics)
        limited, wrong_keys = metrics.rate_limited._value.get(), edge._budgets.wrong_keys
        wire.send(sent)
        wire.send_eof()
        for _ in range(STEPS):
            await asyncio.sleep(0)
        await until(lambda: wire.lost)  # of those that ask the database
        assert wire.misused == []
        heads = (0,) if sent.startswith(b"HEAD") else ()
        (response,) = responses(bytes(wire.received), heads=heads)
        lines = [_without_time(each) for each in self._lines[way][noted:]]
        return Followed(
            response,
            lines,
            _counts(metrics) - series,
            metrics.rate_limited._value.get() - limited,
            edge._budgets.wrong_keys - wrong_keys,
        )

    async def _known(self, sent: bytes, host: str) -> Wire:
        """The connection after a request with the same headers that is charged to no limit."""
        wire = Wire(self._servers["again"], host=host)
        line, end, rest = sent.partition(b"\r\n")
        wire.send(b"HEAD /docs " + line.rpartition(b" ")[2] + end + rest)
        for _ in range(STEPS):
            await asyncio.sleep(0)
        if wire.lost or b"connection: close" in wire.received:
            return Wire(self._servers["again"], host=host)
        wire.received.clear()
        return wire


def _counts(metrics: Any) -> Counter[tuple[str, str, int]]:
    return Counter({name: sum(each._counts) for name, each in metrics._request_series.items()})


def _without_time(line: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*line[:4], *line[5:])


def same(found: Followed) -> str:
    """Without what differs by the clock, by the address, and by the number of a request."""
    response, *rest = found
    plain = repr((*response[:1], sorted(response.headers.items()), response.body, rest))
    plain = re.sub(r"\bt=\d+|retry-after': b'\d+|\"retryAfter\":\d+", "T", plain)
    plain = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIMESTAMP", plain)
    plain = re.sub(r"\b[0-9a-f]{8}-[0-9a-f]+\b", "ID", plain)
    return re.sub(r"(192\.0\.2|198\.51\.100)\.\d+", "ADDRESS", plain)


def check(found: dict[str, Followed], sent: bytes) -> None:
    usual = same(found["usual"])
    for way, followed in found.items():
        assert same(followed) == usual, (way, sent)
    assert list(found["at once"].response.headers) != []


async def ways_of(service: Service) -> tuple[Ways, str]:
    """Both ways, of a service with a user and an event on sale."""
    client = service.client
    if service.parts.settings.admin_api_key is not None:
        client.headers["authorization"] = f"Bearer {KEY}"
    user = {"id": "123", "name": "Jane Smith", "email": "jane@example.com"}
    assert (await client.post("/users", json=user)).status_code == 201
    event = await put_on_sale(client, seat_map())
    for path in ("/users/123", "/users/nobody", f"/events/{event}/seats"):
        await client.get(path)  # from now on both find it at hand
    return Ways(service), event


@pytest.fixture
async def ways(environment: dict[str, str], request: pytest.FixtureRequest) -> Any:
    fields = {
        "cors_origins": "https://tickets.example",
        "rate_limits": "1000/3600s",
        "wrong_key_limits": "1000/3600s",
        "trusted_proxies": PROXY,
    } | getattr(request, "param", {})
    async with in_process(**fields) as service:
        yield await ways_of(service)


@pytest.mark.parametrize("ways", [{}, {"admin_api_key": KEY}], indirect=True)
async def test_each_kind_of_request_is_answered_alike(ways: tuple[Ways, str]) -> None:
    both, event = ways
    for path in PATHS:
        target = path.replace("EVENT", event).encode()
        for name in LINES if path in {"/users/123", "/events/EVENT/seats", "/nope"} else ["plain"]:
            sent = GET % (target, LINES[name])
            check(await both.ask(sent), sent)
        for method in METHODS:
            sent = GET.replace(b"GET", method) % (target, b"")
            check(await both.ask(sent), sent)
    assert both.answered_at_once > 50, "the two ways are two"
    assert both.answered_again > 10


async def test_so_is_what_was_at_hand_before(ways: tuple[Ways, str]) -> None:
    both, _ = ways
    sent = GET % (b"/users/123", b"")
    await both.ask(sent)
    again = both.answered_again
    found = await both.ask(sent, uncached=True)
    check(found, sent)
    assert found["again"].lines[0][4] == "miss"
    assert both.answered_again > again


ODD = (
    GET % (b"/users/" + b"a" * 8_200, b""),
    GET % (b"/users/1?" + b"a" * 8_183, b""),
    GET.replace(b"localhost", b"evil.example") % (b"/users/123", b""),
    GET.replace(b"localhost", b"") % (b"/users/123", b""),
    GET.replace(b"Host: localhost\r\n", b"") % (b"/users/123", b""),
    GET % (b"http://localhost/users/123", b""),
    GET % (b"http://evil.example/users/123", b""),
    GET % (b"*", b""),
    GET % (b"users/123", b""),
    GET.replace(b"GET", b"OPTIONS") % (b"/users", LINES["a preflight"]),
    GET.replace(b"GET", b"OPTIONS") % (b"/nope", LINES["a preflight"]),
    GET.replace(b"HTTP/1.1", b"HTTP/1.0") % (b"/users/123", b""),
    GET % (b"/users/123", b"Content-Length: 0\r\n"),
    GET % (b"/users/123", b"Connection: close\r\n"),
)


async def test_so_is_what_is_refused_or_goes_one_way(ways: tuple[Ways, str]) -> None:
    for sent in ODD:
        check(await ways[0].ask(sent), sent)


@pytest.mark.parametrize("ways", [{"rate_limits": "5/600s,9/3600s"}], indirect=True)
@pytest.mark.parametrize(
    ("kinds", "through_proxy"),
    [
        (["/users/123"], False),
        (["/nope"], False),
        (["/users/123", "/nope", "/nope%0a", "/users/12%33"], True),
    ],
)
async def test_each_request_is_charged_once_in_both(
    ways: tuple[Ways, str], kinds: list[str], through_proxy: bool
) -> None:
    statuses = []
    for number in range(8):
        line = b"X-Forwarded-For: 9.9.9.9, CLIENT\r\n" if through_proxy else b""
        sent = GET % (kinds[number % len(kinds)].encode(), line)
        found = await ways[0].ask(sent, through_proxy=through_proxy)
        check(found, sent)
        statuses.append(found["at once"].response.status)
        assert found["at once"].limited == (1 if statuses[-1] == 429 else 0)
    assert statuses[5:] == [429] * 3
    assert 429 not in statuses[:5]


@pytest.mark.parametrize(
    "ways", [{"wrong_key_limits": "3/3600s", "admin_api_key": KEY}], indirect=True
)
async def test_each_wrong_key_is_charged_once_in_both(ways: tuple[Ways, str]) -> None:
    statuses = []
    for _ in range(5):
        sent = GET % (b"/users/123", LINES["a wrong key"])
        found = await ways[0].ask(sent)
        check(found, sent)
        statuses.append(found["at once"].response.status)
        assert found["at once"].wrong_keys == 1
    assert statuses == [401] * 3 + [429] * 2


@pytest.mark.parametrize("ways", [{"rate_limits": "5/3600s"}], indirect=True)
async def test_what_one_way_charges_the_other_knows(ways: tuple[Ways, str]) -> None:
    both, _ = ways
    sent = GET % (b"/users/123", b"X-Forwarded-For: 198.51.100.9\r\n")
    left = []
    for _ in range(3):
        found = await both.ask(sent, through_proxy=True)
        left += [found[way].response.headers[b"ratelimit"] for way in WAYS]
    found_left = [int(re.search(rb"r=(\d+)", each)[1]) for each in left[:5]]  # type: ignore[index]
    assert found_left == [4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    "lines",
    [b"", LINES["a wrong key"], LINES["a type"], LINES["a type"] + LINES["the key"]],
)
@pytest.mark.parametrize("target", [b"POST /users", b"DELETE /cache", b"HEAD /users/123"])
async def test_of_a_body_that_is_malformed_the_line_says_what_the_client_got(
    ways: tuple[Ways, str], target: bytes, lines: bytes
) -> None:
    head = b"%b HTTP/1.1\r\nHost: localhost\r\n%bTransfer-Encoding: chunked\r\n\r\n"
    found = await ways[0].ask(head % (target, lines) + b"z\r\n")
    for way, followed in found.items():
        assert followed.response.status == 400, way
        (line,) = followed.lines
        size = int(followed.response.headers[b"content-length"])
        assert (line[3], line[5]) == (400, size), way
        assert {status for _, _, status in followed.series.elements()} == {400}, way


@pytest.mark.parametrize("ways", [{"rate_limits": "9/3600s"}], indirect=True)
async def test_a_fault_of_ours_is_answered_and_charged_once(
    ways: tuple[Ways, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    both, _ = ways
    sent = GET % (b"/users/123", b"")
    check(await both.ask(sent), sent)

    def fails(_key: str) -> bytes:
        raise ValueError("a bug")

    monkeypatch.setattr(both._parts.user_cache, "get", fails)
    found = await both.ask(sent)
    check(found, sent)
    assert found["again"].response.status == 500
    left = re.search(rb"r=(\d+)", found["at once"].response.headers[b"ratelimit"])
    assert left is not None
    assert int(left[1]) == 7
