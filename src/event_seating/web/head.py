"""What the head of a request may be: how long, which headers come once, what a path may hold.

Everything behind it (the edge, the routes, the framework) may then read any part of a head in a
time that its length bounds, and sees one value where another reader could have seen another one.

The one cookie that is used is found here, by one expression on the raw bytes. The framework gets
none: Python's own reader of cookies takes time that grows with the square of their length in
releases before 3.11.10 and 3.12.6 (CVE-2024-7592), and the framework would read them for each
request, whether a route wants one or not.
"""

import re
from collections.abc import Iterable
from typing import Final

from event_seating.errors import InvalidRequest, NotFound
from event_seating.web.asgi import Header, Scope
from event_seating.web.errors import AddressTooLong, HeadTooLarge

HEAD_BYTES_MAX: Final = 32 * 1024
"""The values of all headers: what nginx lets through by default, four lines of 8 kB."""

ADDRESS_BYTES_MAX: Final = 8 * 1024
"""Path and query, each byte as it is once the path is decoded: what nginx lets through in a line,
and several times our longest address."""

ONCE: Final = frozenset({
    b"authorization", b"content-encoding", b"content-length", b"content-type", b"host",
    b"idempotency-key", b"origin", b"seat-hold-token",
})  # fmt: skip
"""Headers whose value is one thing: of two, one reader would believe the first and another the
second. All others may come several times, which means the same as one that has them all."""

HTTP_1_0: Final = frozenset({"1.0", "1"})
"""How the server writes the version whose requests need no `Host`; checks of load balancers use
it."""

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


def check(scope: Scope, headers: dict[bytes, bytes]) -> None:
    """Raise what is wrong with the head of a request, and bring its headers into their final form.

    `headers` is `dict(scope["headers"])`; those that came several times are joined, in both. Raises
    `HeadTooLarge`, `AddressTooLong`, `InvalidRequest` and `NotFound`.
    """
    if len(headers) != len(scope["headers"]):
        _join(scope["headers"], headers)
        scope["headers"] = list(headers.items())
    # To join them is faster than to add up their lengths. Nothing reads the names.
    if len(b"".join(headers.values())) > HEAD_BYTES_MAX:
        raise HeadTooLarge(details={"limit": HEAD_BYTES_MAX})
    path: str = scope["path"]
    if len(path) + len(scope["query_string"]) > ADDRESS_BYTES_MAX:
        raise AddressTooLong(details={"limit": ADDRESS_BYTES_MAX})
    # The server gives an empty one where none came.
    if not headers.get(b"host") and scope["http_version"] not in HTTP_1_0:
        raise InvalidRequest("The header `Host` is missing or empty.")
    # No address of ours has one, and patterns such as Starlette's, which end in `$`, overlook a
    # line feed at the end.
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
