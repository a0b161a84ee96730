"""What a stream of bytes means, read a second time: slowly, by the letter, and by other means.

Shares no code with the server: lines and words are cut where the server matches expressions, and
the whole stream is read at once where the server gets it in pieces.
"""

from base64 import b64decode
from typing import Final, NamedTuple

TOKEN: Final = frozenset(
    b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)
TARGET: Final = frozenset(range(0x21, 0x7F)) - {ord("#")}
VALUE: Final = frozenset(range(0x20, 0x100)) - {0x7F} | {0x09}
DIGITS: Final = frozenset(b"0123456789")
HEXADECIMAL: Final = DIGITS | frozenset(b"abcdefABCDEF")

HEAD_BYTES: Final = 16 * 1024
TARGET_BYTES: Final = 8 * 1024 + 1
FIELDS: Final = 100
LENGTH_DIGITS: Final = 15
SIZE_DIGITS: Final = 8

OPEN: Final = "open"
"""The next request may come, and nothing of it has."""
BEGUN: Final = "begun"
"""A request has begun and is not complete."""
CLOSED: Final = "closed"
"""The last request was the last."""


class Asked(NamedTuple):
    """One request."""

    method: bytes
    target: bytes
    minor: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes | None
    """None if it has not come, or cannot."""
    websocket: bool = False


class Reading(NamedTuple):
    """All that a stream of bytes holds."""

    requests: list[Asked]
    end: str
    """`OPEN`, `BEGUN`, `CLOSED`, or the status of the refusal."""


class _Refused(Exception):
    pass


class _Incomplete(Exception):
    pass


def borders(sent: bytes) -> list[int]:
    """Where each whole request ends."""
    found, left = list[int](), sent
    try:
        while left:
            _, left, keep_alive = _request(left, [])
            found.append(len(sent) - len(left))
            if not keep_alive:
                break
    except (_Refused, _Incomplete):
        pass
    return found


def origin_form(target: bytes) -> bytes:
    """The path and query of a target that may name an authority."""
    try:
        return _origin_form(target)[1]
    except _Refused:
        return target


def read(sent: bytes) -> Reading:
    """Every request in the stream, and how it ends."""
    requests: list[Asked] = []
    try:
        while sent:
            asked, sent, keep_alive = _request(sent, requests)
            requests.append(asked)
            if not keep_alive:
                return Reading(requests, CLOSED)
    except _Refused as refused:
        return Reading(requests, str(refused))
    except _Incomplete:
        return Reading(requests, BEGUN)
    return Reading(requests, OPEN)


def _request(sent: bytes, before: list[Asked]) -> tuple[Asked, bytes, bool]:
    head, mark, rest = sent.partition(b"\r\n\r\n")
    if not mark:
        _check_begun(sent)
        raise _Incomplete
    _require(len(head) <= HEAD_BYTES, 431)
    first, *lines = head.split(b"\r\n")
    method, target, minor = _first_line(first)
    headers = tuple(_field(line) for line in lines)
    _require(len(headers) <= FIELDS, 431)
    _require(len(target) <= TARGET_BYTES, 414)
    authority, target = _origin_form(target)
    length = _body_length(headers, minor)
    words = _words(headers, b"connection")
    websocket = (
        minor == b"1"
        and b"upgrade" in words
        and b"websocket" in _words(headers, b"upgrade")
        and method == b"GET"
        and length == 0
    )
    if websocket:
        _check_key(headers)
    if authority is not None:
        if b"host" not in dict(headers):
            headers = ((b"host", b""), *headers)
        headers = tuple((n, authority if n == b"host" else value) for n, value in headers)
    asked = Asked(method, target, minor, headers, None, websocket)
    try:
        body, rest = _chunks(rest) if length is None else _sized(rest, length)
    except (_Refused, _Incomplete):
        before.append(asked)
        raise
    keep_alive = b"close" not in words if minor == b"1" else b"keep-alive" in words
    return asked._replace(body=body), rest, keep_alive


def _check_begun(sent: bytes) -> None:
    _require(sent[0] in TOKEN, 400)
    if b"\n" in sent:
        first, _, _ = sent.partition(b"\n")
        _require(first.endswith(b"\r"), 400)
        _first_line(first[:-1])
    _require(len(sent) <= HEAD_BYTES + 3, 431)


def _first_line(line: bytes) -> tuple[bytes, bytes, bytes]:
    words = line.split(b" ")
    _require(len(words) == 3, 400)
    method, target, version = words
    _require(bool(method) and TOKEN.issuperset(method), 400)
    _require(bool(target) and TARGET.issuperset(target), 400)
    _require(version in {b"HTTP/1.0", b"HTTP/1.1"}, 400)
    return method, target, version[-1:]


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    _require(bool(colon) and bool(name) and TOKEN.issuperset(name), 400)
    _require(VALUE.issuperset(value), 400)
    return name.lower(), value.strip(b" \t")


def _origin_form(target: bytes) -> tuple[bytes | None, bytes]:
    if target.startswith(b"/") or b"://" not in target:
        return None, _without_empty_query(target)
    scheme, _, rest = target.partition(b"://")
    _require(scheme.lower() in {b"http", b"https"}, 400)
    cut = min((rest.find(each) for each in b"/?" if each in rest), default=len(rest))
    authority, rest = rest[:cut], rest[cut:]
    _require(bool(authority) and b"@" not in authority, 400)
    return authority, _without_empty_query(rest if rest.startswith(b"/") else b"/" + rest)


def _without_empty_query(target: bytes) -> bytes:
    path, _, query = target.partition(b"?")
    return b"%b?%b" % (path, query) if query else path


def _words(headers: tuple[tuple[bytes, bytes], ...], name: bytes) -> list[bytes]:
    return [
        word.strip(b" \t").lower()
        for each, value in headers
        if each == name
        for word in value.split(b",")
    ]


def _body_length(headers: tuple[tuple[bytes, bytes], ...], minor: bytes) -> int | None:
    expected = [value.lower() for name, value in headers if name == b"expect"]
    _require(not expected or expected[-1] == b"100-continue", 417)
    lengths = [value for name, value in headers if name == b"content-length"]
    codings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    _require(len(lengths) + len(codings) <= 1, 400)
    if codings:
        _require(codings == [b"chunked"] and minor == b"1", 400)
        return None
    if not lengths:
        return 0
    (length,) = lengths
    _require(bool(length) and DIGITS.issuperset(length) and len(length) <= LENGTH_DIGITS, 400)
    return int(length)


def _check_key(headers: tuple[tuple[bytes, bytes], ...]) -> None:
    versions = [value for name, value in headers if name == b"sec-websocket-version"]
    _require(versions == [b"13"], 426)
    keys = [value for name, value in headers if name == b"sec-websocket-key"]
    key = b",".join(keys)
    try:
        _require(len(b64decode(key, validate=True)) == 16, 400)
    except ValueError:
        raise _Refused(400) from None


def _sized(sent: bytes, length: int) -> tuple[bytes, bytes]:
    if len(sent) < length:
        raise _Incomplete
    return sent[:length], sent[length:]


def _chunks(sent: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        digits = 0
        while digits < len(sent) and digits < SIZE_DIGITS and sent[digits] in HEXADECIMAL:
            digits += 1
        after = _line_end(sent[digits:], begun=bool(digits))
        size = int(sent[:digits], 16)
        part, rest = after[:size], after[size:]
        if len(part) < size:
            raise _Incomplete
        body, sent = body + part, _line_end(rest, begun=True)
        if not size:
            return body, sent


def _line_end(sent: bytes, *, begun: bool) -> bytes:
    """What follows the line's end; before it something must have begun."""
    if sent in {b"", b"\r"}:
        raise _Incomplete
    _require(begun and sent.startswith(b"\r\n"), 400)
    return sent[2:]


def _require(holds: bool, status: int) -> None:
    if not holds:
        raise _Refused(status)
