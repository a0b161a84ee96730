"""How large a request's body may be, of which type, and how long it may take to arrive.

Size and type are checked before anything is read, as far as the head tells them. The bytes that
arrive are counted against a budget for all bodies in memory until the request ends: clients that
send a part and wait must not fill the memory.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from event_seating.errors import (
    BodyTooLarge,
    BodyTooSlow,
    ServiceError,
    TooBusy,
    UnsupportedMediaType,
)
from event_seating.http_server.asgi import Message, Receive
from event_seating.web.roles import Role

BODY_BYTES_MAX: Final = 1024 * 1024
"""For callers with a key, on every route that declares no bound of its own."""

ANYONE_BODY_BYTES_MAX: Final = 64 * 1024
"""For callers whose role is anyone: thirty times a hold of eight seats. Nothing else limits how
many such bodies come at once, since nothing is known of the caller yet."""

RECEIVED_BYTES_MAX: Final = 256 * 1024 * 1024
"""Bodies of callers with a key that are in memory at once: eight seat maps of the longest kind."""

ANYONE_RECEIVED_BYTES_MAX: Final = 64 * 1024 * 1024
"""The same for callers whose role is anyone, counted apart so that they cannot take the others'
room: 1,024 of the longest bodies, or some thirty thousand holds."""

DISCARD_BYTES_MAX: Final = 16 * 1024 * 1024
"""How much of a body that is refused is still read, so that the client sees the answer rather than
a connection that breaks while it sends."""

DISCARD_WITHIN_S: Final = 5.0
"""How long a client that was refused may go on sending before it is answered anyway."""

PART_WITHIN_S: Final = 20.0
"""How long the next part of a body may take; a client that stops in the middle holds a
connection."""

BODY_WITHIN_S: Final = 30.0
"""How long a whole body may take, plus a second for each `BODY_BYTES_PER_S` that arrived. Otherwise
a body that arrives byte by byte, each in time, would never end."""

BODY_BYTES_PER_S: Final = 64 * 1024
"""Half a megabit a second, a bad telephone line."""


JSON_ALONE: Final = frozenset({b"application/json"})
"""The media type of nearly every body; it also keeps out the HTML forms of other sites."""


@dataclass(frozen=True, slots=True)
class LargeBody:
    """A body that may be longer than most.

    The edge checks the caller's role before it reads one, so that it reads no megabytes of a caller
    who may not send them.
    """

    bytes_max: int
    content: dict[str, Any]
    """Its part of the OpenAPI document."""
    refuses: tuple[type[ServiceError], ...]
    media_types: frozenset[bytes] = JSON_ALONE

    def described(self) -> dict[str, Any]:
        """For the OpenAPI document."""
        return self.content


def check_head(
    method: str,
    headers: Mapping[bytes, bytes],
    limit: int = BODY_BYTES_MAX,
    media_types: frozenset[bytes] = JSON_ALONE,
) -> None:
    """Raise `BodyTooLarge` or `UnsupportedMediaType` from the request's head alone."""
    length = headers.get(b"content-length", b"")
    has_body = length not in {b"", b"0"} or b"transfer-encoding" in headers
    if not has_body or method in {"GET", "HEAD", "OPTIONS"}:
        return
    if length.isdigit() and int(length) > limit:
        raise too_large(limit)
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type not in media_types:
        raise UnsupportedMediaType if media_types == JSON_ALONE else _other_type(media_types)
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
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


def bytes_max(role: Role) -> int:
    """The longest body that a caller with this role may send, unless the route allows more."""
    return ANYONE_BODY_BYTES_MAX if role is Role.anyone else BODY_BYTES_MAX


class Bodies:
    """Every body that this process receives, within a budget for anyone and one for the others."""

    def __init__(
        self,
        *,
        anyone_bytes_max: int = ANYONE_RECEIVED_BYTES_MAX,
        bytes_max: int = RECEIVED_BYTES_MAX,
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        self._anyone = _Budget(anyone_bytes_max)
        self._known = _Budget(bytes_max)
        self._monotonic = monotonic

    def of(
        self,
        receive: Receive,
        limit: int,
        role: Role,
        has_come: Callable[[], bool] | None = None,
    ) -> "Body":
        """The body of one request; to be released when the request has been answered.

        `has_come` says whether all of it is there; None if the server does not.
        """
        budget = self._anyone if role is Role.anyone else self._known
        monotonic = self._monotonic or asyncio.get_running_loop().time
        return Body(receive, limit, budget, monotonic, has_come)


class _Budget:
    """Bytes that may be in memory at once."""

    __slots__ = ("bytes", "bytes_max")

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes = 0


class Body:
    """The body of one request, whose parts `receive` gives."""

    __slots__ = (
        "_budget", "_complete", "_has_come", "_limit", "_monotonic", "_receive", "_seen",
        "_started",
    )  # fmt: skip

    def __init__(
        self,
        receive: Receive,
        limit: int,
        budget: _Budget,
        monotonic: Callable[[], float],
        has_come: Callable[[], bool] | None,
    ) -> None:
        self._receive = receive
        self._limit = limit
        self._budget = budget
        self._monotonic = monotonic
        self._started: float | None = None
        self._seen = 0
        self._complete = False
        self._has_come = has_come

    async def receive(self) -> Message:
        """The next part.

        Raises `BodyTooLarge` once a body without a length has grown too long, `BodyTooSlow` when it
        does not come in time, and `TooBusy` when all bodies together take too much memory.
        """
        if self._complete:  # what follows is the end of the connection, whenever that is
            return await self._receive()
        if self._has_come is not None and self._has_come():
            message = await self._receive()  # a clock for each would take longer than this
        else:
            message = await self._in_time()
        self._complete = not message.get("more_body")
        await self._count(len(message.get("body", b"")))
        return message

    async def _in_time(self) -> Message:
        wait_s = self._wait_s()
        if wait_s <= 0:
            raise BodyTooSlow
        try:
            async with asyncio.timeout(wait_s):
                return await self._receive()
        except TimeoutError:
            raise BodyTooSlow from None

    def release(self) -> None:
        """Note that the request is over and its body no longer in memory."""
        self._budget.bytes -= self._seen
        self._seen = 0

    def _wait_s(self) -> float:
        now = self._monotonic()
        if self._started is None:
            self._started = now
        ends = self._started + BODY_WITHIN_S + self._seen / BODY_BYTES_PER_S
        return min(PART_WITHIN_S, ends - now)

    async def _count(self, size: int) -> None:
        self._seen += size
        budget = self._budget
        budget.bytes += size
        if self._seen > self._limit:
            refusal: BodyTooLarge | TooBusy = too_large(self._limit)
        elif budget.bytes > budget.bytes_max:
            refusal = TooBusy("Too many bodies are being received here; try again in a moment.")
        else:
            return
        self.release()
        if not self._complete:
            self._complete = True
            await discard(self._receive)
        raise refusal


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
