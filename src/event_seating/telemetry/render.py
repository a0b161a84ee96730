"""How a line looks: a JSON object for machines, or a coloured line for people.

Owns the two formats, and all lines but those about requests (`access_line`). Rendering happens on
the log thread, from plain values (`redact`), so it costs the event loop nothing and no value can
change meanwhile. Whatever a client sent, a line stays one line: control characters are escaped in
both formats.
"""

import re
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from event_seating.clock import MS_PER_S
from event_seating.telemetry.redact import scrub

SERVICE: Final = "event-seating"

ERROR_LEVELS: Final = frozenset({"error", "critical"})
"""Lines of these levels go to `error.log` as well."""

STACK_MAX_CHARS: Final = 32_768
"""The end of a longer stack is kept: it is where the error is."""


class LogLine(NamedTuple):
    """A line that is not rendered yet: its values are plain, its stack is not formatted."""

    at_ms: int
    level: str
    component: str
    message: str
    values: dict[str, object]
    failure: traceback.TracebackException | None


class Renderer(Protocol):
    """Turns lines into bytes that end with a newline."""

    def line(self, line: LogLine) -> bytes:
        """A line other than an access line, including its stack."""
        ...


class JsonRenderer:
    """One JSON object per line, for production."""

    def __init__(self) -> None:
        self._time = SecondsCached("%Y-%m-%dT%H:%M:%S")

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
        return json_encoded(fields) + b"\n"


_RESET: Final = "\x1b[0m"
DIM: Final = "\x1b[2m"
RED: Final = "\x1b[31m"
GREEN: Final = "\x1b[32m"
YELLOW: Final = "\x1b[33m"
CYAN: Final = "\x1b[36m"
_LEVEL_COLOURS: Final = {
    "debug": DIM,
    "info": GREEN,
    "warning": YELLOW,
    "error": RED,
    "critical": RED,
}

Paint = Callable[[str, str], str]
"""Gives a text a colour."""


class TextRenderer:
    """One line for people, coloured when `colour`; a stack follows it, indented."""

    def __init__(self, *, colour: bool) -> None:
        self._paint = painting(colour)
        self._time = SecondsCached("%H:%M:%S")

    def line(self, line: LogLine) -> bytes:
        """`12:00:00.000 warning  users  The message  name=value …`, then the stack."""
        values = " ".join(
            f"{self._paint(CYAN, visible(name))}={_shown(value)}"
            for name, value in line.values.items()
        )
        text = f"{visible(line.message)}  {values}" if values else visible(line.message)
        head = self._head(line.at_ms, line.level, visible(line.component), text)
        if line.failure is None:
            return head.encode()
        rows = stack(line.failure).split("\n")
        return (head + "".join(f"    {visible(row)}\n" for row in rows)).encode()

    def _head(self, at_ms: int, level: str, component: str, text: str) -> str:
        time, shown_level = self._paint(DIM, self._time(at_ms)), level_shown(level, self._paint)
        return f"{time} {shown_level} {component}  {text}\n"


def stack(failure: traceback.TracebackException) -> str:
    """The stack as text without secrets; only its end if it is long."""
    text = "".join(failure.format()).rstrip("\n")
    if len(text) > STACK_MAX_CHARS:
        text = f"… {text[-STACK_MAX_CHARS:]}"
    return scrub(text.encode("utf-8", "backslashreplace").decode())


class SecondsCached:
    """Times of day with milliseconds; the part down to the second is formatted once a second.

    The milliseconds are always shown, unlike in the API, so that lines sort by their text.
    """

    def __init__(self, form: str) -> None:
        self._form = form
        self._last = -1, ""

    def __call__(self, at_ms: int) -> str:
        """The time of this many milliseconds since the epoch."""
        second, millis = divmod(at_ms, MS_PER_S)
        last_second, text = self._last
        if second != last_second:
            text = datetime.fromtimestamp(second, UTC).strftime(self._form)
            self._last = second, text
        return f"{text}.{millis:03d}"


_encode: Final = msgspec.json.Encoder(order=None).encode
_DEL: Final = 0x7F
_UNSAFE: Final = re.compile("[\x7f-\x9f\u2028\u2029]")


def json_text(text: str) -> bytes:
    """As `json_encoded`, in less time: nothing of a text that can be printed is left to us."""
    return _encode(text) if text.isprintable() else json_encoded(text)


def json_encoded(value: object) -> bytes:
    """JSON in one line of printable characters.

    The encoder escapes what is below a space; DEL, C1 and Unicode's own line ends are left to us.
    Raises `UnicodeEncodeError` for half a surrogate pair.
    """
    encoded = _encode(value)
    if encoded.isascii() and _DEL not in encoded:
        return encoded
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", encoded.decode()).encode()


def visible(text: str) -> str:
    """`text` with everything that cannot be printed shown as an escape."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def painting(colour: bool) -> Paint:
    """What gives texts a colour, or leaves them as they are."""
    return _painted if colour else _unpainted


def level_shown(level: str, paint: Paint) -> str:
    """A level, as wide as any."""
    return paint(_LEVEL_COLOURS.get(level, ""), f"{level:<8}")


def _shown(value: object) -> str:
    if isinstance(value, str) and value.isprintable() and value and " " not in value:
        return value
    return repr(value)


def _painted(colour: str, text: str) -> str:
    return f"{colour}{text}{_RESET}"


def _unpainted(_colour: str, text: str) -> str:
    return text
