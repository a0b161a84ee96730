"""The line about a request, as bytes, in both formats.

Owns how access lines look. They are made where the request ends, on the event loop, and not on the
log thread as all others (`render`): a thread that renders holds the interpreter's lock, and thereby
every request, for as long as its batch takes, while a line that is joined from ready parts costs
little more than a microsecond. Ready are, up to a bound (`ReadyParts`), the parts of a method, a
route, a status and a cache and those of a principal and an address; and the time, for as long as it
is the same millisecond.

Whatever a client sent, a line stays one line: every text is escaped when its part is made, in JSON
by `json_encoded` or `json_text`, for people by `visible`.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

from event_seating.clock import MS_PER_S
from event_seating.telemetry.redact import CUT_ADDRESSES_REMEMBERED, cut_address
from event_seating.telemetry.render import (
    DIM,
    GREEN,
    RED,
    SERVICE,
    YELLOW,
    SecondsCached,
    json_encoded,
    json_text,
    level_shown,
    painting,
    visible,
)

ACCESS_COMPONENT: Final = "http"

SERVER_ERROR: Final = 500
CLIENT_ERROR: Final = 400

METHOD_MAX_CHARS: Final = 16
ROUTE_MAX_CHARS: Final = 200
REQUEST_ID_MAX_CHARS: Final = 64

PLAIN_DURATION_MAX_MS: Final = 1e9
"""Eleven days. Below it, a duration with its decimals has few enough digits that it need not be
rounded before it is written."""

REQUESTS_READY: Final = 1_024
"""Combinations of method, route, status and cache, 1 kB each at most: those of all routes, and some
of paths that no route matched."""

CALLERS_READY: Final = CUT_ADDRESSES_REMEMBERED
"""Principals at an address, some 300 bytes each: as many as there are networks remembered."""

READY_KEY_MAX_CHARS: Final = 512
"""Longer texts are not kept; no route, principal or address of ours is as long."""

UNENCODABLE: Final = "?"
"""Stands for a text with half a surrogate pair in it, which no encoder takes."""


_ZERO: Final = ord("0")
_POINT: Final = ord(".")

Part = TypeVar("Part")


class AccessRenderer(Protocol):
    """Makes the line about one finished request, which ends with a newline. For one thread."""

    def __call__(
        self,
        at_ms: int,
        request_id: str,
        method: str,
        route: str,
        status: int,
        seconds: float,
        cache: str,
        size: int,
        principal: str,
        address: str,
        stands_for: int,
        /,
    ) -> bytes:
        """The line; only the network of `address` is in it."""
        ...


class JsonAccessRenderer:
    """One JSON object per line, for production: the fields of `docs/logs-and-metrics.md`."""

    def __init__(self) -> None:
        self._time = SecondsCached("%Y-%m-%dT%H:%M:%S")
        self._at_ms, self._begin = -1, b""
        self._requests = ReadyParts(_json_request, REQUESTS_READY)
        self._callers = ReadyParts(_json_caller, CALLERS_READY)

    def __call__(
        self,
        at_ms: int,
        request_id: str,
        method: str,
        route: str,
        status: int,
        seconds: float,
        cache: str,
        size: int,
        principal: str,
        address: str,
        stands_for: int,
    ) -> bytes:
        """`{"timestamp":…,"requestId":"…"}`, without an empty id or a `standsFor` of 1."""
        try:
            if at_ms != self._at_ms:
                self._begin = f'{{"timestamp":"{self._time(at_ms)}Z"'.encode()
                self._at_ms = at_ms
            before, after = self._requests[method, route, status, cache]
            shown_id = json_text(request_id[:REQUEST_ID_MAX_CHARS])
            return b"".join((
                self._begin,
                before,
                _duration(seconds) or json_encoded(_rounded_ms(seconds)),
                after,
                b"%d" % size,
                self._callers[principal, address],
                b',"requestId":' + shown_id if request_id else b"",
                b"}\n" if stands_for == 1 else b',"standsFor":%d}\n' % stands_for,
            ))  # fmt: skip
        except UnicodeEncodeError:
            return self(
                at_ms, "", UNENCODABLE, UNENCODABLE, status, seconds, cache, size,
                _encodable(principal), address, stands_for,
            )  # fmt: skip


class TextAccessRenderer:
    """One line for people, coloured when `colour`.

    The caller is left out: in development that is the developer.
    """

    def __init__(self, *, colour: bool) -> None:
        self._paint = painting(colour)
        self._time = SecondsCached("%H:%M:%S")
        self._at_ms, self._begin = -1, b""
        self._requests = ReadyParts(self._request, REQUESTS_READY)

    def __call__(
        self,
        at_ms: int,
        request_id: str,
        method: str,
        route: str,
        status: int,
        seconds: float,
        cache: str,
        size: int,
        _principal: str,
        _address: str,
        stands_for: int,
    ) -> bytes:
        """`12:00:00.000 info     http  GET /users/{id} 200 0.025 ms hit 112 B  <request id>`."""
        if at_ms != self._at_ms:
            self._begin = self._paint(DIM, self._time(at_ms)).encode()
            self._at_ms = at_ms
        before, after = self._requests[method, route, status, cache]
        shown_id = self._paint(DIM, visible(request_id[:REQUEST_ID_MAX_CHARS]))
        return b"".join((
            self._begin,
            before,
            _duration(seconds) or str(_rounded_ms(seconds)).encode(),
            after,
            b"%d B" % size,
            b"" if stands_for <= 1 else b" for %d" % stands_for,
            f"  {shown_id}\n".encode(),
        ))  # fmt: skip

    def _request(self, method: str, route: str, status: int, cache: str) -> tuple[bytes, bytes]:
        """What stands before the duration, and what after it."""
        level = level_shown(access_level(status), self._paint)
        target = f"{visible(method[:METHOD_MAX_CHARS])} {visible(route[:ROUTE_MAX_CHARS])}"
        shown_status = self._paint(_status_colour(status), str(status))
        before = f" {level} {ACCESS_COMPONENT}  {target} {shown_status} "
        return before.encode(), f" ms {cache} ".encode()


class ReadyParts(dict[tuple[Any, ...], Part]):
    """Parts of lines by what they are made of, each made when it is first asked for.

    When there are `most` it starts over: a client that asks for ever other paths costs each route
    one more making in so many lines.
    """

    def __init__(self, make: Callable[..., Part], most: int) -> None:
        super().__init__()
        self._make = make
        self._most = most

    def __missing__(self, key: tuple[Any, ...]) -> Part:
        part = self._make(*key)
        if sum(len(text) for text in key if isinstance(text, str)) <= READY_KEY_MAX_CHARS:
            if len(self) >= self._most:
                self.clear()
            self[key] = part
        return part


def access_level(status: int) -> str:
    """The level of a request; server errors stand out, and have a line of their own besides."""
    return "warning" if status >= SERVER_ERROR else "info"


def _json_request(method: str, route: str, status: int, cache: str) -> tuple[bytes, bytes]:
    """The members before the value of `durationMs`, and after it to the value of `bytes`."""
    before = {
        "level": access_level(status),
        "message": "Request",
        "service": SERVICE,
        "component": ACCESS_COMPONENT,
        "method": method[:METHOD_MAX_CHARS],
        "route": route[:ROUTE_MAX_CHARS],
        "status": status,
    }
    return b'%b,"durationMs":' % _members(before), b'%b,"bytes":' % _members({"cache": cache})


def _json_caller(principal: str, address: str) -> bytes:
    return _members({"principal": principal, "client": cut_address(address)})


def _members(values: dict[str, object]) -> bytes:
    """`,"name":value` for each."""
    return b"," + json_encoded(values)[1:-1]


def _duration(seconds: float) -> bytes:
    """Milliseconds to the microsecond, as `_rounded_ms` is written; empty if that has to be asked.

    A cached read takes some 25 µs, so microseconds are worth showing but nothing smaller. Writing
    them takes a fifth of the time of rounding first, and gives the same.
    """
    ms = seconds * 1000.0
    if not 0.0 <= ms < PLAIN_DURATION_MAX_MS:
        return b""
    text = b"%.3f" % ms
    if text[-1] != _ZERO:
        return text
    text = text.rstrip(b"0")
    return text + b"0" if text[-1] == _POINT else text


def _rounded_ms(seconds: float) -> float:
    return round(seconds * MS_PER_S, 3)


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return UNENCODABLE
    return text


def _status_colour(status: int) -> str:
    if status >= SERVER_ERROR:
        return RED
    return YELLOW if status >= CLIENT_ERROR else GREEN
