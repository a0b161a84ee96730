"""How a line looks: a JSON object for machines, or a coloured line for people.

Owns the two formats, each for access lines and for all others. Rendering happens on the log thread,
from plain values (`redact`), so it costs the event loop nothing and no value can change meanwhile.
Whatever a client sent, a line stays one line: control characters are escaped in both formats.
"""

import re
import traceback
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from event_seating.clock import MS_PER_S
from event_seating.telemetry.redact import cut_address, scrub

SERVICE: Final = "event-seating"
ACCESS_COMPONENT: Final = "http"

ERROR_LEVELS: Final = frozenset({"error", "critical"})
"""Lines of these levels go to `error.log` as well."""

SERVER_ERROR: Final = 500
CLIENT_ERROR: Final = 400

DURATION_DECIMALS: Final = 3
"""A cached read takes some 25 µs, so microseconds are worth showing but nothing smaller."""

METHOD_MAX_CHARS: Final = 16
ROUTE_MAX_CHARS: Final = 200
REQUEST_ID_MAX_CHARS: Final = 64

STACK_MAX_CHARS: Final = 32_768
"""The end of a longer stack is kept: it is where the error is."""


AccessTuple = tuple[int, str, str, str, int, float, str, int, str, str, int]
"""An `AccessRecord` as the hot path makes it: a bare tuple costs a third of a named one."""


class AccessRecord(NamedTuple):
    """One finished request."""

    at_ms: int
    request_id: str
    method: str
    route: str
    status: int
    seconds: float
    cache: str
    size: int
    principal: str
    address: str
    """The full address; only its network is written."""
    stands_for: int
    """How many requests the line represents, if one line stands for several."""


class LogLine(NamedTuple):
    """A line other than an access line: its values are plain, its stack is not formatted yet."""

    at_ms: int
    level: str
    component: str
    message: str
    values: dict[str, object]
    failure: traceback.TracebackException | None


class Renderer(Protocol):
    """Turns lines into bytes that end with a newline."""

    def access(self, access: AccessTuple) -> bytes:
        """One line about a request."""
        ...

    def line(self, line: LogLine) -> bytes:
        """A line other than an access line, including its stack."""
        ...


class _AccessObject(msgspec.Struct, omit_defaults=True):
    """An access line as JSON: msgspec encodes a struct in a third of a dict's time."""

    timestamp: str
    level: str
    message: str
    service: str
    component: str
    method: str
    route: str
    status: int
    durationMs: float  # noqa: N815 - a field of the log, where names are camelCase
    cache: str
    bytes: int
    principal: str
    client: str
    requestId: str = ""  # noqa: N815
    standsFor: int = 1  # noqa: N815


def access_level(status: int) -> str:
    """The level of a request; server errors stand out, and have a line of their own besides."""
    return "warning" if status >= SERVER_ERROR else "info"


class JsonRenderer:
    """One JSON object per line, for production."""

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder(order=None).encode
        self._time = _SecondsCached("%Y-%m-%dT%H:%M:%S")

    def access(self, access: AccessTuple) -> bytes:
        """The fields of `docs/logs-and-metrics.md`, in its order."""
        (
            at_ms,
            request_id,
            method,
            route,
            status,
            seconds,
            cache,
            size,
            principal,
            address,
            many,
        ) = access
        line = _AccessObject(
            f"{self._time(at_ms)}Z",
            access_level(status),
            "Request",
            SERVICE,
            ACCESS_COMPONENT,
            method[:METHOD_MAX_CHARS],
            route[:ROUTE_MAX_CHARS],
            status,
            round(seconds * MS_PER_S, DURATION_DECIMALS),
            cache,
            size,
            principal,
            cut_address(address),
            request_id[:REQUEST_ID_MAX_CHARS],
            many,
        )
        try:
            return _one_line(self._encode(line))
        except UnicodeEncodeError:
            return self.access(
                AccessRecord._make(access)._replace(method="?", route="?", request_id="")
            )

    def line(self, line: LogLine) -> bytes:
        """The service's own fields first, then the caller's values, which cannot replace them."""
        fields: dict[str, Any] = {
            "timestamp": f"{self._time(line.at_ms)}Z",
            "level": line.level,
            "message": line.message,
            "service": SERVICE,
            "component": line.component,
        }
        for name, value in line.values.items():
            fields[f"{name}_" if name in fields or name == "stack" else name] = value
        if line.failure is not None:
            fields["stack"] = stack(line.failure)
        return _one_line(self._encode(fields))


_RESET: Final = "\x1b[0m"
_DIM: Final = "\x1b[2m"
_RED: Final = "\x1b[31m"
_GREEN: Final = "\x1b[32m"
_YELLOW: Final = "\x1b[33m"
_CYAN: Final = "\x1b[36m"
_LEVEL_COLOURS: Final = {
    "debug": _DIM,
    "info": _GREEN,
    "warning": _YELLOW,
    "error": _RED,
    "critical": _RED,
}


class TextRenderer:
    """One line for people, coloured when `colour`; a stack follows it, indented."""

    def __init__(self, *, colour: bool) -> None:
        self._paint = _painted if colour else _unpainted
        self._time = _SecondsCached("%H:%M:%S")

    def access(self, access: AccessTuple) -> bytes:
        """`12:00:00.000 info     http  GET /users/{id} 200 0.025 ms hit 112 B  <request id>`.

        The caller is left out: in development that is the developer.
        """
        at_ms, request_id, method, route, status, seconds, cache, size, *_who, many = access
        text = (
            f"{_visible(method[:METHOD_MAX_CHARS])} {_visible(route[:ROUTE_MAX_CHARS])} "
            f"{self._paint(_status_colour(status), str(status))} "
            f"{round(seconds * MS_PER_S, DURATION_DECIMALS)} ms {cache} {size} B"
            f"{f' for {many}' if many > 1 else ''}"
            f"  {self._paint(_DIM, _visible(request_id[:REQUEST_ID_MAX_CHARS]))}"
        )
        return self._head(at_ms, access_level(status), ACCESS_COMPONENT, text).encode()

    def line(self, line: LogLine) -> bytes:
        """`12:00:00.000 warning  users  The message  name=value …`, then the stack."""
        values = " ".join(
            f"{self._paint(_CYAN, _visible(name))}={_shown(value)}"
            for name, value in line.values.items()
        )
        text = f"{_visible(line.message)}  {values}" if values else _visible(line.message)
        head = self._head(line.at_ms, line.level, _visible(line.component), text)
        if line.failure is None:
            return head.encode()
        rows = stack(line.failure).split("\n")
        return (head + "".join(f"    {_visible(row)}\n" for row in rows)).encode()

    def _head(self, at_ms: int, level: str, component: str, text: str) -> str:
        level_name = self._paint(_LEVEL_COLOURS.get(level, ""), f"{level:<8}")
        return f"{self._paint(_DIM, self._time(at_ms))} {level_name} {component}  {text}\n"


def stack(failure: traceback.TracebackException) -> str:
    """The stack as text without secrets; only its end if it is long."""
    text = "".join(failure.format()).rstrip("\n")
    if len(text) > STACK_MAX_CHARS:
        text = f"… {text[-STACK_MAX_CHARS:]}"
    return scrub(text.encode("utf-8", "backslashreplace").decode())


class _SecondsCached:
    """Times of day with milliseconds; the part down to the second is formatted once a second.

    The milliseconds are always shown, unlike in the API, so that lines sort by their text.
    """

    def __init__(self, form: str) -> None:
        self._form = form
        self._second = -1
        self._text = ""

    def __call__(self, at_ms: int) -> str:
        second, millis = divmod(at_ms, MS_PER_S)
        if second != self._second:
            self._text = datetime.fromtimestamp(second, UTC).strftime(self._form)
            self._second = second
        return f"{self._text}.{millis:03d}"


_UNSAFE: Final = re.compile("[\x7f-\x9f\u2028\u2029]")


def _one_line(encoded: bytes) -> bytes:
    """JSON escapes what is below a space; DEL, C1 and Unicode's own line ends are left to us."""
    if encoded.isascii() and b"\x7f" not in encoded:
        return encoded + b"\n"
    safe = _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", encoded.decode())
    return safe.encode() + b"\n"


def _visible(text: str) -> str:
    """`text` with everything that cannot be printed shown as an escape."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def _shown(value: object) -> str:
    if isinstance(value, str) and value.isprintable() and value and " " not in value:
        return value
    return repr(value)


def _status_colour(status: int) -> str:
    if status >= SERVER_ERROR:
        return _RED
    return _YELLOW if status >= CLIENT_ERROR else _GREEN


def _painted(colour: str, text: str) -> str:
    return f"{colour}{text}{_RESET}"


def _unpainted(_colour: str, text: str) -> str:
    return text
