"""CORS: the pages of which other origins may call the API."""

from collections.abc import Sequence
from typing import Final

from event_seating.http_server.asgi import Header

PREFLIGHT_MAX_AGE_S: Final = 600
"""How long a browser may remember the answer; some cap it there anyway."""

_METHODS: Final = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_REQUEST_HEADERS: Final = (
    b"authorization, content-type, idempotency-key, if-none-match, prefer, seat-hold-token, "
    b"x-request-id"
)
_RESPONSE_HEADERS: Final = b"etag, location, ratelimit, ratelimit-policy, retry-after, x-request-id"


_VARY: Final[Header] = (b"vary", b"origin")
"""On every answer, even without `Origin`: a cache could give an answer that it kept from a request
without one to a page that needs the headers below."""


class Cors:
    """The origins that may call, and the headers that say so."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._any = "*" in origins
        self._origins = frozenset(origin.encode() for origin in origins)
        self.always: tuple[Header, ...] = (_VARY,) if origins else ()
        """On every answer."""

    def headers(self, origin: bytes) -> tuple[Header, ...]:
        """The further headers of an answer to a page of `origin`."""
        if not (self._any or origin in self._origins):
            return ()
        return (
            (b"access-control-allow-origin", b"*" if self._any else origin),
            (b"access-control-expose-headers", _RESPONSE_HEADERS),
        )

    def admits(self, origin: bytes | None, host: bytes) -> bool:
        """Whether a page of `origin` may open a WebSocket here; browsers send no preflight for one.

        Pages of the same host may, and the origins that may call. A client without
        `Origin` is not a browser.
        """
        if origin is None or self._any or origin in self._origins:
            return True
        scheme, separator, authority = origin.partition(b"://")
        return bool(separator and scheme and host) and authority.lower() == host.lower()

    def preflight(self, origin: bytes | None) -> tuple[Header, ...]:
        """The further headers of the answer to a preflight."""
        if origin is None or not self.headers(origin):
            return ()
        return (
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _REQUEST_HEADERS),
            (b"access-control-max-age", b"%d" % PREFLIGHT_MAX_AGE_S),
        )
