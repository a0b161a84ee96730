"""How large a request's body may be, of which type, and how long it may take to come.

Size and type are checked before anything reads it, as far as the head tells them.
"""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from event_seating.errors import BodyTooLarge, BodyTooSlow, UnsupportedMediaType
from event_seating.web.asgi import Message, Receive
from event_seating.web.security import Role

BODY_BYTES_MAX: Final = 1024 * 1024
"""For every route that does not name its own."""

DISCARD_BYTES_MAX: Final = 16 * 1024 * 1024
"""How much of a body that is refused is still read, so that the client sees the answer rather than
a connection that breaks while it sends."""

DISCARD_WITHIN_S: Final = 5.0
"""How long a client that was refused may go on sending before it is told nevertheless."""

PART_WITHIN_S: Final = 20.0
"""How long the next part of a body may take; whoever stops in the middle holds a connection."""


JSON_ALONE: Final = frozenset({b"application/json"})
"""What nearly every route takes, which also stops forms of other sites."""


class LargeBodies(NamedTuple):
    """Paths whose bodies may be longer than most, for those who may send them at all."""

    pattern: re.Pattern[str]
    """What the path must match."""
    bytes_max: int
    role: Role
    """The least role that may send one: nobody else's megabytes are read."""
    media_types: frozenset[bytes] = JSON_ALONE


def check_head(
    method: str,
    found: Mapping[bytes, bytes],
    limit: int = BODY_BYTES_MAX,
    media_types: frozenset[bytes] = JSON_ALONE,
) -> None:
    """Raise `BodyTooLarge` or `UnsupportedMediaType` from the request's head alone."""
    length = found.get(b"content-length", b"")
    has_body = length not in {b"", b"0"} or b"transfer-encoding" in found
    if not has_body or method in {"GET", "HEAD", "OPTIONS"}:
        return
    if length.isdigit() and int(length) > limit:
        raise too_large(limit)
    media_type = found.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type not in media_types:
        raise UnsupportedMediaType if media_types == JSON_ALONE else _other_type(media_types)
    if found.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        # A few kilobytes could unpack to any length.
        raise UnsupportedMediaType(
            "The body must be sent as it is, without `Content-Encoding`.",
            headers={"Accept-Encoding": "identity"},
        )


def _other_type(media_types: frozenset[bytes]) -> UnsupportedMediaType:
    names = " or ".join(f"`{name.decode()}`" for name in sorted(media_types))
    return UnsupportedMediaType(f"The body must be sent as `Content-Type` {names}.")


def too_large(limit: int) -> BodyTooLarge:
    """The error that names the limit."""
    return BodyTooLarge(f"The body may have at most {limit:,} bytes.", details={"limit": limit})


def bounded(receive: Receive, limit: int = BODY_BYTES_MAX) -> Receive:
    """`receive`, which raises `BodyTooLarge` once a body without a length has grown too long.

    Raises `BodyTooSlow` when the next part does not come within `PART_WITHIN_S`.
    """
    seen = 0
    complete = False

    async def receive_bounded() -> Message:
        nonlocal seen, complete
        if complete:  # what comes now is the end of the connection, whenever that is
            return await receive()
        try:
            async with asyncio.timeout(PART_WITHIN_S):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlow from None
        complete = not message.get("more_body")
        seen += len(message.get("body", b""))
        if seen > limit:
            if not complete:
                await discard(receive)
            raise too_large(limit)
        return message

    return receive_bounded


async def discard(receive: Receive) -> None:
    """Read the rest of a refused body, up to a bound in bytes and one in time."""
    left = DISCARD_BYTES_MAX
    with suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_WITHIN_S):
            while left > 0:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
                left -= len(message.get("body", b""))
