"""How large a request's body may be and of which type, checked before anything reads it."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from event_seating.errors import BodyTooLarge, UnsupportedMediaType
from event_seating.web.asgi import Message, Receive
from event_seating.web.security import Role

BODY_BYTES_MAX: Final = 1024 * 1024
"""For every route that does not name its own."""

DISCARD_BYTES_MAX: Final = 16 * 1024 * 1024
"""How much of a body that is refused is still read, so that the client sees the answer rather than
a connection that breaks while it sends."""


class LargeBodies(NamedTuple):
    """Paths whose bodies may be longer than most, for those who may send them at all."""

    pattern: re.Pattern[str]
    """What the path must match."""
    bytes_max: int
    role: Role
    """The least role that may send one: nobody else's megabytes are read."""


def check_head(method: str, found: Mapping[bytes, bytes], limit: int) -> None:
    """Raise `BodyTooLarge` or `UnsupportedMediaType` from the request's head alone."""
    length = found.get(b"content-length", b"")
    has_body = length not in {b"", b"0"} or b"transfer-encoding" in found
    if not has_body or method in {"GET", "HEAD", "OPTIONS"}:
        return
    if length.isdigit() and int(length) > limit:
        raise too_large(limit)
    media_type = found.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type != b"application/json":
        raise UnsupportedMediaType
    if found.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        # A few kilobytes could unpack to any length.
        raise UnsupportedMediaType(
            "The body must be sent as it is, without `Content-Encoding`.",
            headers={"Accept-Encoding": "identity"},
        )


def too_large(limit: int) -> BodyTooLarge:
    """The error that names the limit."""
    return BodyTooLarge(f"The body may have at most {limit:,} bytes.", details={"limit": limit})


def bounded(receive: Receive, limit: int) -> Receive:
    """`receive`, which raises `BodyTooLarge` once a body without a length has grown too long."""
    seen = 0

    async def receive_bounded() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > limit:
                raise too_large(limit)
        return message

    return receive_bounded


async def discard(receive: Receive) -> None:
    """Read the rest of a refused body, up to a bound."""
    left = DISCARD_BYTES_MAX
    while left > 0:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            return
        left -= len(message.get("body", b""))
