"""What the most expensive requests cost: no head and no JSON of 64 kB keeps the event loop busy.

Each is measured by the processor time of the event loop's thread, at its least of several times,
and held to a multiple of some work of a known size that is measured in the same run: a busy or a
slow machine is slow at both. What a plain request of the same route takes is left out of it.
"""

import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.declared import endpoints
from tests.support.seating import on_sale
from tests.support.service import Service, in_process

from event_seating.composition import http_app
from event_seating.web.head import ADDRESS_BYTES_MAX, HEAD_BYTES_MAX

if TYPE_CHECKING:
    from event_seating.http_server.asgi import App

pytestmark = pytest.mark.anyio

BUDGET_MS = 20
REPEATS = 6
BYTES = 64 * 1024

UNITS = [
    *b'\\",; \t=*/(%&-.:[@1\xff',
]
PIECES: list[bytes] = [
    *(bytes([unit]) for unit in UNITS),
    b"a,", b'"a",', b'W/"a",', b"q=0;", b"a=b;", b"buyer=", b"gzip;q=0.1,", b"a/b,", b"a=b&",
    b"%41", b"a@b.c ", b"1.2.3.4,", b'x="\\',
]  # fmt: skip
HEADERS = [
    b"cookie", b"accept", b"accept-encoding", b"if-none-match", b"authorization", b"content-type",
    b"prefer", b"idempotency-key", b"seat-hold-token", b"origin", b"host", b"x-request-id",
    b"x-forwarded-for", b"range", b"x-unknown",
]  # fmt: skip


def filled(piece: bytes, length: int) -> bytes:
    return (piece * (length // len(piece) + 1))[:length]


def fields(value: bytes, count: int) -> bytes:
    return b"{" + b",".join(b'"%x":%s' % (number, value) for number in range(count)) + b"}"


def items(value: bytes) -> bytes:
    return b"[" + b",".join([value] * (BYTES // (len(value) + 1))) + b"]"


VALUES: dict[str, bytes] = {
    "fields": fields(b"0", 6_500),
    "objects in fields": fields(b"{}", 5_000),
    "texts": items(b'"a"'),
    "texts that differ": b"[" + b",".join(b'"%d"' % n for n in range(8_000)) + b"]",
    "objects": items(b"{}"),
    "numbers": items(b"0"),
    "long numbers": items(b"9" * 4_000),
    "a number": b"9" * BYTES,
    "a fraction": b"0." + b"9" * BYTES,
    "lists in lists": b"[" * (BYTES // 2) + b"]" * (BYTES // 2),
    "objects in objects": b'{"a":' * 10_000 + b"0" + b"}" * 10_000,
    "a text": b'"' + b"a" * BYTES + b'"',
    "spaces": b'"' + b" " * BYTES + b'"',
    "backslashes": b'"' + b"\\\\" * (BYTES // 2) + b'"',
    "surrogates": b'"' + b"\\ud800" * (BYTES // 6) + b'"',
    "at signs": b'"' + b"a@" * (BYTES // 2) + b'"',
    "labels": b'"a@' + b"a." * (BYTES // 2) + b'"',
    "letters of other scripts": b'"a@' + "\u0130".encode() * (BYTES // 2) + b'.com"',
    "a path in a message": b'"' + b" - at `$" * (BYTES // 8) + b'"',
    "a path in a name": b'{"' + b" - at `$" * (BYTES // 8) + b'":1}',
    "space": b" " * BYTES,
}
FIELDS = (
    b"id", b"name", b"email", b"seats", b"areas", b"ticketTypes", b"best", b"add", b"holdToken",
    b"metadata", b"release", b"rows", b"sections", b"url", b"events", b"venueId", b"startsAt",
    b"timeZone", b"prices", b"rules", b"kind", b"map", b"zones", b"reason",
)  # fmt: skip


class Attack(NamedTuple):
    """A request, said so that a failing test names it."""

    call: str
    what: str
    path: str
    query: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""


def work_of_a_millisecond() -> float:
    """How many ms of this run it takes to do what took one on a 2-core machine of 2024."""

    def once() -> float:
        began = time.thread_time()
        sum(number * number for number in range(14_000))
        return (time.thread_time() - began) * 1_000

    return min(once() for _ in range(10))


class Attacked:
    """The service, and what a request costs it."""

    def __init__(self, service: Service, event: str) -> None:
        self.edge: App = http_app.build(service.parts)
        self._filled = {
            "{id}": event, "{asset}": "start.js", "{version}": "1", "{seat}": "A-1-01",
            "{token}": "current", "{release}": "x", "{delivery}": "job-" + "0" * 32,
        }  # fmt: skip
        self._plain: dict[str, float] = {}
        self._unit_ms = work_of_a_millisecond()

    def path(self, call: str, **changes: str) -> str:
        path = call.partition(" ")[2]
        for name, value in (self._filled | changes).items():
            path = path.replace(name, value)
        return path

    async def assert_cheap(self, attack: Attack) -> None:
        plain_ms = await self._plain_ms(attack.call)
        for _ in range(REPEATS):
            spent_ms = await self._once(attack)
            if spent_ms < plain_ms + BUDGET_MS * self._unit_ms:
                return
            self._unit_ms = work_of_a_millisecond()  # it may have become slower meanwhile
        raise AssertionError(f"{attack.call}: {attack.what}: {spent_ms / self._unit_ms:.0f} ms")

    async def _plain_ms(self, call: str) -> float:
        if call not in self._plain:
            query = b"wait=0" if call.endswith("/changes") else b""
            plain = Attack(call, "plain", self.path(call), query)
            self._plain[call] = min([await self._once(plain) for _ in range(3)])
        return self._plain[call]

    async def _once(self, attack: Attack) -> float:
        headers = [*attack.headers]
        if not any(name == b"host" for name, _ in headers):
            headers.append((b"host", b"localhost"))
        if attack.body:
            headers.append((b"content-length", b"%d" % len(attack.body)))
            if not any(name == b"content-type" for name, _ in headers):
                headers.append((b"content-type", b"application/json"))
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http",
            "method": attack.call.partition(" ")[0], "path": attack.path, "raw_path": b"",
            "root_path": "", "query_string": attack.query, "headers": headers,
            "client": ("192.0.2.1", 1), "server": ("127.0.0.1", 3001), "extensions": {},
        }  # fmt: skip
        messages = [{"type": "http.request", "body": attack.body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            return messages.pop() if messages else {"type": "http.disconnect"}

        answered: list[int] = []

        async def send(message: Any) -> None:
            answered.append(message.get("status", 0))

        began = time.thread_time()
        await self.edge(scope, receive, send)
        spent_ms = (time.thread_time() - began) * 1_000
        assert answered[0] < 500
        return spent_ms


@pytest.fixture
async def attacked(environment: dict[str, str]) -> AsyncIterator[Attacked]:
    async with in_process(seating_rate_limits="off", wrong_key_limits="off") as service:
        yield Attacked(service, await on_sale(service))


def heads(attacked: Attacked, call: str) -> list[Attack]:
    """The heads that cost most, where the bounds let them pass and where they do not."""
    path, passes = attacked.path(call), HEAD_BYTES_MAX - 1_000

    def cookie(length: int, lines: int = 1) -> tuple[tuple[bytes, bytes], ...]:
        return ((b"cookie", b'x="' + b"\\" * length + b'"'),) * lines

    def query(piece: bytes) -> bytes:
        return filled(piece, ADDRESS_BYTES_MAX - len(path))

    return [
        Attack(call, "a quoted cookie", path, headers=cookie(passes)),
        Attack(call, "cookies in three lines", path, headers=cookie(8_000, 3)),
        Attack(call, "a cookie of 60 kB", path, headers=cookie(60_000)),
        Attack(call, "codings", path, headers=((b"accept-encoding", filled(b",", passes)),)),
        Attack(call, "tags", path, headers=((b"if-none-match", filled(b'"a",', passes)),)),
        Attack(call, "pairs", path, query=query(b"a=b&")),
        Attack(call, "escapes", path, query=query(b"%")),
        Attack(call, "60 kB of pairs", path, query=filled(b"a=b&", 60_000)),
    ]


async def test_no_head_keeps_the_event_loop_busy(attacked: Attacked) -> None:
    for call in endpoints():
        for attack in heads(attacked, call):
            await attacked.assert_cheap(attack)


async def test_no_json_of_64_kb_keeps_the_event_loop_busy(attacked: Attacked) -> None:
    for call in endpoints():
        if call.startswith(("POST", "PUT", "PATCH")):
            for what, value in VALUES.items():
                attack = Attack(call, what, attacked.path(call), body=value)
                await attacked.assert_cheap(attack)


BODIES = st.one_of(
    st.sampled_from(sorted(VALUES)).map(VALUES.__getitem__),
    st.builds(
        lambda field, value: b'{"%s":%s}' % (field, VALUES[value]),
        st.sampled_from(FIELDS),
        st.sampled_from(sorted(VALUES)),
    ),
    st.builds(
        lambda field, value: b'{"best":{"quantity":1,"%s":%s}}' % (field, VALUES[value]),
        st.sampled_from([b"categories", b"sections", b"maxPrice"]),
        st.sampled_from(sorted(VALUES)),
    ),
)


def attacks(path: Callable[..., str]) -> st.SearchStrategy[Attack]:
    pieces = st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map(b"".join)
    calls = st.sampled_from(sorted(endpoints()))
    lengths = st.sampled_from([1_000, 7_000, 31_000, 60_000])

    def head(call: str, name: bytes, piece: bytes, length: int, lines: int) -> Attack:
        headers = ((name, filled(piece, length // lines)),) * lines
        return Attack(call, f"{name!r} of {piece!r}, {lines} lines", path(call), headers=headers)

    def query(call: str, name: bytes, piece: bytes, length: int) -> Attack:
        return Attack(call, f"query {name!r} {piece!r}", path(call), name + filled(piece, length))

    def long_path(call: str, name: str, piece: bytes, length: int) -> Attack:
        long = path(call, **{name: filled(piece, length).decode("latin-1")})
        return Attack(call, f"path {name} {piece!r}", long)

    def body(call: str, body: bytes) -> Attack:
        return Attack(call, f"body {body[:60]!r}", path(call), body=body)

    names = st.sampled_from([b"", b"cursor=", b"limit=", b"since=", b"version=", b"format="])
    places = st.sampled_from(["{id}", "{token}", "{seat}", "{asset}", "{delivery}"])
    writes = calls.filter(lambda call: not call.startswith(("GET", "DELETE")))
    return st.one_of(
        st.builds(head, calls, st.sampled_from(HEADERS), pieces, lengths, st.sampled_from([1, 3])),
        st.builds(query, calls, names, pieces, lengths),
        st.builds(long_path, calls, places, pieces, lengths),
        st.builds(body, writes, BODIES),
    )


async def test_nothing_that_is_tried_keeps_the_event_loop_busy(attacked: Attacked) -> None:
    tried: list[Attack] = []

    @settings(
        max_examples=150,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(attacks(attacked.path))
    def collect(attack: Attack) -> None:
        tried.append(attack)

    collect()
    for attack in tried:
        await attacked.assert_cheap(attack)


async def test_what_is_too_expensive_is_seen(attacked: Attacked) -> None:
    """The measure itself: a request that works for 40 of those milliseconds is over the bound."""
    inner = attacked.edge

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["query_string"]:
            sum(number * number for number in range(40 * 14_000))
        await inner(scope, receive, send)

    attacked.edge = slow
    await attacked.assert_cheap(Attack("GET /health", "plain", "/health"))
    with pytest.raises(AssertionError, match="slow"):
        await attacked.assert_cheap(Attack("GET /health", "slow", "/health", b"a"))
