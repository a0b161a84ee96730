"""Which pages of other origins may call the API, as browsers ask it."""

from collections.abc import Sequence
from typing import Final

from event_seating.web.asgi import Header

PREFLIGHT_MAX_AGE_S: Final = 600
"""How long a browser may remember the answer; some cap it there anyway."""

_METHODS: Final = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_REQUEST_HEADERS: Final = (
    b"authorization, content-type, idempotency-key, if-none-match, prefer, seat-hold-token, "
    b"x-request-id"
)
_RESPONSE_HEADERS: Final = b"etag, location, ratelimit, ratelimit-policy, retry-after, x-request-id"


class Cors:
    """The origins that may call, and the headers that say so."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._any = "*" in origins
        self._origins = frozenset(origin.encode() for origin in origins)

    def headers(self, origin: bytes) -> tuple[Header, ...]:
        """What an answer to a page of `origin` carries."""
        if not self._origins:
            return ()
        if self._any:
            allowed: tuple[Header, ...] = ((b"access-control-allow-origin", b"*"),)
        elif origin in self._origins:
            allowed = ((b"access-control-allow-origin", origin),)
        else:
            return ((b"vary", b"origin"),)
        return (
            *allowed,
            (b"access-control-expose-headers", _RESPONSE_HEADERS),
            (b"vary", b"origin"),
        )

    def admits(self, origin: bytes | None, host: bytes) -> bool:
        """Whether a page of `origin` may open a WebSocket here, which no browser asks beforehand.

        Pages of the same host may, and the origins that may call. Who sends none is no browser.
        """
        if origin is None or self._any or origin in self._origins:
            return True
        scheme, separator, authority = origin.partition(b"://")
        return bool(separator and scheme and host) and authority.lower() == host.lower()

    def preflight(self, origin: bytes) -> tuple[Header, ...]:
        """What the answer to a page that asks beforehand carries."""
        headers = self.headers(origin)
        if len(headers) <= 1:
            return headers
        return (
            *headers,
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _REQUEST_HEADERS),
            (b"access-control-max-age", b"%d" % PREFLIGHT_MAX_AGE_S),
        )
