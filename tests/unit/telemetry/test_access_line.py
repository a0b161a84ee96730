"""Access lines against a renderer that makes each from nothing, over whatever a client may send."""

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from event_seating.telemetry.access_line import (
    CALLERS_READY,
    READY_KEY_MAX_CHARS,
    REQUESTS_READY,
    AccessRenderer,
    JsonAccessRenderer,
    ReadyParts,
    TextAccessRenderer,
)
from event_seating.telemetry.redact import cut_address

AT_MS = 1_702_049_445_123
HALF_A_PAIR = "\ud800"
EVIL = 'a\nb\r\x1b[31mc"d\\e\x00\t\x7f\x85\u2028\u2029\x9b</script>é€😀'


@dataclass(frozen=True)
class Request:
    """What the line is about, in the order in which a renderer takes it."""

    at_ms: int = AT_MS
    request_id: str = "r1"
    method: str = "GET"
    route: str = "/users/{id}"
    status: int = 200
    seconds: float = 0.0000254
    cache: str = "hit"
    size: int = 112
    principal: str = "anonymous"
    address: str = "192.0.2.77"
    stands_for: int = 1

    def by(self, renderer: AccessRenderer) -> bytes:
        return renderer(
            self.at_ms, self.request_id, self.method, self.route, self.status, self.seconds,
            self.cache, self.size, self.principal, self.address, self.stands_for,
        )  # fmt: skip


def time_of(at_ms: int, form: str) -> str:
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment.strftime(form)}.{at_ms % 1000:03d}"


def can_be_encoded(text: str) -> bool:
    return not re.search("[\ud800-\udfff]", text)


def as_json(request: Request) -> bytes:
    """Every field through the encoder, and what it leaves escaped in the whole line."""
    method, route = request.method[:16], request.route[:200]
    request_id, principal = request.request_id[:64], request.principal
    if not all(map(can_be_encoded, (method, route, request_id, principal))):
        method, route, request_id = "?", "?", ""
        principal = principal if can_be_encoded(principal) else "?"
    fields: dict[str, Any] = {
        "timestamp": f"{time_of(request.at_ms, '%Y-%m-%dT%H:%M:%S')}Z",
        "level": "warning" if request.status >= 500 else "info",
        "message": "Request",
        "service": "event-seating",
        "component": "http",
        "method": method,
        "route": route,
        "status": request.status,
        "durationMs": round(request.seconds * 1000, 3),
        "cache": request.cache,
        "bytes": request.size,
        "principal": principal,
        "client": cut_address(request.address),
    }
    if request_id:
        fields["requestId"] = request_id
    if request.stands_for != 1:
        fields["standsFor"] = request.stands_for
    text = msgspec.json.encode(fields).decode()
    unsafe = re.compile("[\x7f-\x9f\u2028\u2029]")
    return unsafe.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode() + b"\n"


def shown(text: str) -> str:
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def as_text(request: Request, *, colour: bool) -> bytes:
    def paint(code: int, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if colour else text

    status = request.status
    level = paint(33, "warning ") if status >= 500 else paint(32, "info    ")
    of_status = 31 if status >= 500 else 33 if status >= 400 else 32
    many = f" for {request.stands_for}" if request.stands_for > 1 else ""
    target = f"{shown(request.method[:16])} {shown(request.route[:200])}"
    return (
        f"{paint(2, time_of(request.at_ms, '%H:%M:%S'))} {level} http  "
        f"{target} {paint(of_status, str(status))} "
        f"{round(request.seconds * 1000, 3)} ms {request.cache} {request.size} B{many}"
        f"  {paint(2, shown(request.request_id[:64]))}\n"
    ).encode()


TEXTS = st.one_of(
    st.sampled_from(["", "GET", "/users/{id}", "r-1", EVIL, HALF_A_PAIR, "x" * 300, "é" * 300]),
    st.text(max_size=20),
    st.text(st.characters(codec=None, categories=["Cc", "Cs", "Zl", "Zp", "Lo"]), max_size=300),
    st.text('"\\\n\r\t\x00\x1f\x7f\x80\x9f\u2028\u2029/a', max_size=300),
)
DURATIONS = st.one_of(
    st.floats(0, 10),
    st.floats(0, 0.001),
    st.integers(0, 20_000_000).map(lambda half_us: half_us / 2_000_000),
    st.floats(),
)
REQUESTS = st.builds(
    Request,
    at_ms=st.one_of(st.just(AT_MS), st.integers(0, 4_102_444_800_000)),
    request_id=TEXTS,
    method=TEXTS,
    route=TEXTS,
    status=st.integers(100, 599),
    seconds=DURATIONS,
    cache=st.sampled_from(["hit", "miss", "-"]),
    size=st.integers(0, 2**40),
    principal=st.one_of(st.sampled_from(["anonymous", "-", "till 3"]), TEXTS),
    address=st.one_of(
        st.ip_addresses().map(str), st.sampled_from(["", "unix:", "fe80::1%eth0"]), TEXTS
    ),
    stands_for=st.one_of(st.just(1), st.integers(0, 10**9)),
)

JSON = JsonAccessRenderer()
PLAIN = TextAccessRenderer(colour=False)
COLOURED = TextAccessRenderer(colour=True)


@settings(max_examples=400, deadline=None, database=None)
@given(REQUESTS)
@example(Request(route=HALF_A_PAIR, principal=HALF_A_PAIR))
@example(Request(seconds=0.0000005))
@example(Request(seconds=1e6))
@example(Request(seconds=-0.0))
def test_a_line_of_ready_parts_is_the_line_that_is_made_from_nothing(request: Request) -> None:
    for _ in range(2):  # the second from what is remembered
        assert request.by(JSON) == as_json(request)
        assert request.by(PLAIN) == as_text(request, colour=False)
        assert request.by(COLOURED) == as_text(request, colour=True)


@settings(max_examples=200, deadline=None, database=None)
@given(REQUESTS)
def test_whatever_a_client_sent_a_line_is_one_line_of_what_can_be_printed(request: Request) -> None:
    for renderer in (JSON, PLAIN):
        line = request.by(renderer).decode()
        assert line.endswith("\n")
        assert line[:-1].isprintable() or renderer is JSON  # JSON leaves other rare characters
        assert len(line.splitlines()) == 1
        assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", line[:-1])
    assert isinstance(json.loads(request.by(JSON)), dict)


@pytest.mark.parametrize("field", ["request_id", "method", "route", "principal", "address"])
@pytest.mark.parametrize("renderer", [JSON, PLAIN])
def test_each_text_of_a_client_is_escaped(renderer: AccessRenderer, field: str) -> None:
    line = replace(Request(), **{field: EVIL}).by(renderer).decode()
    assert line.count("\n") == 1
    assert line[:-1].isprintable()


def test_a_text_that_no_encoder_takes_costs_the_line_its_texts_alone() -> None:
    for field in ("request_id", "method", "route", "principal"):
        line = json.loads(replace(Request(), **{field: HALF_A_PAIR}).by(JSON))
        assert (line["method"], line["route"], line.get("requestId")) == ("?", "?", None)
        assert line["principal"] == ("?" if field == "principal" else "anonymous")
        assert (line["status"], line["client"]) == (200, "192.0.2.0/24")


def test_what_is_ready_of_requests_and_callers_has_a_bound() -> None:
    for most in (REQUESTS_READY, CALLERS_READY):
        ready = ReadyParts(lambda route, status: b"part", most)
        for number in range(2 * most):
            assert ready[f"/{number}", 200] == b"part"
            assert len(ready) <= most
        assert len(ready) >= most // 2


def test_of_long_texts_nothing_is_kept() -> None:
    made: list[str] = []
    ready = ReadyParts(made.append, 10)
    for text in ("x" * READY_KEY_MAX_CHARS, "x" * (READY_KEY_MAX_CHARS + 1)):
        for _ in range(2):
            assert ready[(text,)] is None
    assert list(map(len, made)) == [READY_KEY_MAX_CHARS, *[READY_KEY_MAX_CHARS + 1] * 2]


def test_the_time_is_that_of_each_line() -> None:
    renderer = JsonAccessRenderer()
    for at_ms in (AT_MS, AT_MS, AT_MS + 1, AT_MS + 877, AT_MS + 86_400_000, AT_MS - 1):
        line = json.loads(Request(at_ms=at_ms).by(renderer))
        assert line["timestamp"] == f"{time_of(at_ms, '%Y-%m-%dT%H:%M:%S')}Z"
