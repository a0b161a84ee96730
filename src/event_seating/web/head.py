"""The bounds of a request's head: its length, the headers that come once, the characters of a path.

So everything behind it (the edge, the routes, the framework) reads any part of a head in bounded
time, and no two readers see different values of one header.

The only cookie in use is found here, by one expression on the raw bytes. The framework gets no
cookies: Python's own reader of cookies takes time that grows with the square of their length in
releases before 3.11.10 and 3.12.6 (CVE-2024-7592), and the framework would read them for each
request, whether a route wants one or not.
"""

import re
from collections.abc import Iterable
from typing import Final, Protocol

from event_seating.errors import InvalidRequest, NotFound
from event_seating.http_server.asgi import Header
from event_seating.web.errors import AddressTooLong, HeadTooLarge

HEAD_BYTES_MAX: Final = 16 * 1024
"""The values of all headers, whatever server read them: what our own reads of a whole head."""

ADDRESS_BYTES_MAX: Final = 8 * 1024
"""The decoded path and the query together: what nginx lets through in a line, and several times our
longest address."""

ONCE: Final = frozenset({
    b"authorization", b"content-encoding", b"content-length", b"content-type", b"host",
    b"idempotency-key", b"origin", b"seat-hold-token",
})  # fmt: skip
"""Headers that may come only once: of two values, one reader would believe the first and another
the second. Others may come several times, which means the same as one header with all values."""

HTTP_1_0: Final = frozenset({"1.0", "1"})
"""How the server writes HTTP/1.0, which load balancers use for checks and which needs no `Host`."""

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


class CheckedHead(Protocol):
    """The head of a request or handshake."""

    fields: list[Header]
    """Every header in its order; once checked, each name once."""
    headers: dict[bytes, bytes]
    """The same by name."""

    @property
    def path(self) -> str: ...
    @property
    def query(self) -> bytes: ...
    @property
    def http_version(self) -> str: ...


def check(exchange: CheckedHead) -> None:
    """Check the head of a request, and join headers that came several times.

    Raises `HeadTooLarge`, `InvalidRequest`, and what `check_address` raises.
    """
    headers = exchange.headers
    if len(headers) != len(exchange.fields):
        _join(exchange.fields, headers)
        exchange.fields = list(headers.items())
    # Joining the values is faster than adding up their lengths. Nothing reads unknown names.
    if len(b"".join(headers.values())) > HEAD_BYTES_MAX:
        raise HeadTooLarge(details={"limit": HEAD_BYTES_MAX})
    # The server gives an empty one where none came.
    if not headers.get(b"host") and exchange.http_version not in HTTP_1_0:
        raise InvalidRequest("The header `Host` is missing or empty.")
    check_address(exchange)


def check_address(exchange: CheckedHead) -> None:
    """Check the path and the query; raises `AddressTooLong` and `NotFound`."""
    path = exchange.path
    if len(path) + len(exchange.query) > ADDRESS_BYTES_MAX:
        raise AddressTooLong(details={"limit": ADDRESS_BYTES_MAX})
    # No address of ours has a control character. Patterns that end in `$`, such as Starlette's,
    # overlook a line feed at the end.
    if not path.isprintable() and _CONTROL.search(path):
        raise NotFound


def cookie(headers: dict[bytes, bytes], pattern: re.Pattern[bytes]) -> str | None:
    """The value of the cookie that `pattern` finds in its one group, or none."""
    cookies = headers.get(b"cookie")
    match = pattern.search(cookies) if cookies is not None else None
    return match[1].decode("ascii") if match else None


def without_cookies(headers: Iterable[Header]) -> list[Header]:
    """The headers as the framework gets them."""
    return [header for header in headers if header[0] != b"cookie"]


def host_name(host: bytes) -> bytes:
    """`Host` without its port, in lower case; brackets of an IPv6 address stay."""
    name, colon, port = host.rpartition(b":")
    return (name if colon and (port.isdigit() or not port) else host).lower()


def _join(came: Iterable[Header], headers: dict[bytes, bytes]) -> None:
    values: dict[bytes, list[bytes]] = {}
    for name, value in came:
        values.setdefault(name, []).append(value)
    for name, several in values.items():
        if len(several) > 1:
            if name in ONCE:
                raise InvalidRequest(f"The header `{name.decode()}` came twice; send it once.")
            headers[name] = (b"; " if name == b"cookie" else b", ").join(several)
