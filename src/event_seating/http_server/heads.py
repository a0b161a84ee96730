"""The head of a request: its grammar, and what it says about the message that it begins.

Every byte of a head is checked here against RFC 9112, and there is no second parser behind it.
Where the RFC lets a recipient choose, it is refused: a bare CR or LF, a folded line, a space before
a colon, NUL, two lengths, a length beside `Transfer-Encoding`, any coding but `chunked`. A proxy
and a server that read one request differently are how requests are smuggled.

Pure: bytes in, a head or `HttpRefused` out.
"""

import re
from typing import Final, NamedTuple

from event_seating.http_server.asgi import Header
from event_seating.http_server.limits import FIELDS_MAX

METHOD_NAMES: Final = {
    name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}
"""The usual methods as text, which is faster than decoding them."""

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"

# Possessive quantifiers (`++`) never give a byte back, so a match takes linear time.
_LINE: Final = re.compile(rb"(%b++) ([!\"$-~]++) HTTP/1\.([01])\r\n" % _TOKEN)
"""Method, target and minor version. A target has no fragment."""

_FIELD: Final = re.compile(rb"(?<=\n)(%b++):[\t ]*+([\t -~\x80-\xff]*+)\r\n" % _TOKEN)
"""A field that begins at the start of a line, by its lookbehind: no line can hide a part of itself.
"""

_TRAILING_SPACE: Final = re.compile(rb"[\t ]\r\n")

_FRAMING: Final = frozenset(
    {b"connection", b"content-length", b"expect", b"transfer-encoding", b"upgrade"}
)
"""Fields that say where the message ends or what becomes of the connection."""

LENGTH: Final = re.compile(rb"[0-9]{1,15}\Z")
"""A number of bytes, of requests and responses."""

_ABSOLUTE: Final = re.compile(rb"(?i:https?)://([^/?#@]+)(/[^?]*)?(\?.*)?\Z")


class HttpRefused(Exception):
    """The request cannot be served; the connection is closed after the answer."""

    def __init__(
        self, status: int, code: str, sentence: str, headers: tuple[Header, ...] = ()
    ) -> None:
        super().__init__(sentence)
        self.headers = headers
        self.status = status
        self.code = code
        self.sentence = sentence


class HeaderFields:
    """The fields of a head."""

    __slots__ = ("all", "by_name", "notes", "plain")

    def __init__(self, found: list[tuple[bytes, bytes]]) -> None:
        self.all = found
        """In their order; names in lower case."""
        self.by_name = dict(found)
        """The last value of each."""
        self.plain = _FRAMING.isdisjoint(self.by_name) or self._say_keep_alive_alone()
        """Whether a request of HTTP/1.1 with them has no body and lets the connection stay, which
        browsers say although it goes without saying."""
        self.notes: object = None
        """What the application has found out from these fields and the connection that they came
        on: a request that brings the same ones again brings it along."""

    def _say_keep_alive_alone(self) -> bool:
        return (
            len(self.all) == len(self.by_name)
            and self.by_name.get(b"connection", b"").lower() == b"keep-alive"
            and _FRAMING.intersection(self.by_name) == {b"connection"}
        )


class Framing(NamedTuple):
    """Where the message ends, and what becomes of the connection."""

    length: int | None = None
    """Bytes of the body; None if it comes in chunks."""
    keep_alive: bool = True
    expects: bool = False
    """Whether the client waits for `100 Continue`."""
    websocket: bool = False
    """Whether the client asks for a WebSocket."""


_PLAIN: Final = Framing(length=0)


def line(data: bytes, at: int) -> re.Match[bytes]:
    """Method, target and minor version in the line that begins at `at`; raises `HttpRefused`."""
    found = _LINE.match(data, at)
    if found is None:
        raise _malformed("The request does not begin with a line of HTTP/1.1 or HTTP/1.0.")
    return found


def fields(data: bytes, start: int, end: int) -> HeaderFields:
    """The fields in `data[start:end]`, each with its line's end; raises `HttpRefused`."""
    found = _FIELD.findall(data, start, end)
    # Each match holds exactly one line feed, so that all lines matched as a whole if it is so many.
    if len(found) != data.count(b"\n", start, end):
        raise _malformed("A header is malformed.")
    if len(found) > FIELDS_MAX:
        raise HttpRefused(431, "head_too_large", f"A request has at most {FIELDS_MAX} headers.")
    if _TRAILING_SPACE.search(data, start, end):
        return HeaderFields([(name.lower(), value.rstrip(b"\t ")) for name, value in found])
    return HeaderFields([(name.lower(), value) for name, value in found])


def framing(given: HeaderFields, minor: bytes) -> Framing:
    """What the fields of an HTTP/1.`minor` request say of the message; raises `HttpRefused`."""
    if given.plain and minor == b"1":
        return _PLAIN
    headers = given.by_name
    tokens = _tokens(given, b"connection")
    expected = headers.get(b"expect")
    if expected is not None and expected.lower() != b"100-continue":
        raise HttpRefused(
            417, "expectation_failed", "The only expectation known is `100-continue`."
        )
    return Framing(
        length=_length(given, minor),
        keep_alive=b"close" not in tokens if minor == b"1" else b"keep-alive" in tokens,
        expects=expected is not None and minor == b"1",
        websocket=minor == b"1"
        and b"upgrade" in tokens
        and b"websocket" in _tokens(given, b"upgrade"),
    )


def split_target(target: bytes) -> tuple[bytes, bytes, bytes | None]:
    """Path, query, and the authority if the target names one; raises `HttpRefused`.

    The authority of an absolute target counts, not the `Host` header beside it.
    """
    if target.startswith(b"/") or b"://" not in target:
        path, _, query = target.partition(b"?")
        return path, query, None
    found = _ABSOLUTE.match(target)
    if found is None:
        raise _malformed("The request's target is malformed.")
    authority, path, query = found.groups()
    return path or b"/", query[1:] if query else b"", authority


def _length(given: HeaderFields, minor: bytes) -> int | None:
    """How long the body is, None if it is chunked; raises `HttpRefused`."""
    names = [name for name, _ in given.all]
    lengths, codings = names.count(b"content-length"), names.count(b"transfer-encoding")
    if lengths + codings > 1:
        raise _malformed("The length of the body is given more than once.")
    if codings:
        coding = given.by_name[b"transfer-encoding"]
        if coding.lower() != b"chunked" or minor != b"1":
            raise _malformed("The only `Transfer-Encoding` known is `chunked`, in HTTP/1.1.")
        return None
    if not lengths:
        return 0
    length = given.by_name[b"content-length"]
    if not LENGTH.match(length):
        raise _malformed("`Content-Length` is no number of bytes.")
    return int(length)


def _tokens(given: HeaderFields, name: bytes) -> set[bytes]:
    """The members of a comma-separated list, in lower case."""
    values = [value for each, value in given.all if each == name]
    return {token.strip(b"\t ") for token in b",".join(values).lower().split(b",")}


def _malformed(sentence: str) -> HttpRefused:
    return HttpRefused(400, "malformed_request", sentence)
