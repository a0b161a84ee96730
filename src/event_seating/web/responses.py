"""What the edge makes of an answer whose bytes are at hand: a response, in two forms.

Owns the headers that every answer has. As messages of ASGI and as bytes they are the same, in the
same order.
"""

from collections.abc import Callable, Iterable
from typing import Final

from event_seating.http_server.asgi import Header, Send
from event_seating.http_server.cycle import STATUS_LINES
from event_seating.limits.limiter import Verdict
from event_seating.web.cors import Cors
from event_seating.web.exchange import Exchange
from event_seating.web.ready import Ready
from event_seating.web.security_headers import NO_PAGE

LINES_REMEMBERED: Final = 256
"""Kinds of ready answers whose lines are kept: one for each status and `ETag`."""

_BODILESS_STATUSES: Final = frozenset({204, 304})
"""Answers that have neither a body nor a `Content-Length`."""


class Responses:
    """The responses of this deployment."""

    def __init__(
        self, headers: tuple[Header, ...], cors: Cors, draining: Callable[[], bool]
    ) -> None:
        self._always = (*headers, *cors.always)
        self._cors = cors
        self._draining = draining
        self._lines: dict[tuple[int, tuple[Header, ...]], bytes] = {}

    async def send(self, exchange: Exchange, ready: Ready, send: Send) -> None:
        """Send the answer to this request, and note its status and size there."""
        status, headers, encoded = ready
        exchange.status = status
        exchange.size = len(encoded)
        every = [*headers]
        if status not in _BODILESS_STATUSES:
            every.append((b"content-length", b"%d" % len(encoded)))
        every.append(NO_PAGE)
        every += self.common_headers(exchange)
        if exchange.method == "HEAD":
            encoded = b""
        await send({"type": "http.response.start", "status": status, "headers": every})
        await send({"type": "http.response.body", "body": encoded})

    def rendered(
        self,
        ready: Ready,
        date: bytes,
        request_id: bytes,
        charged: Verdict | None,
        lines: bytes,
        *,
        head_only: bool = False,
    ) -> bytes:
        """What `send` sends, as bytes; `lines` are those of `origin_lines`."""
        status, headers, encoded = ready
        return b"%b%b%bx-request-id: %b\r\n%b%b\r\n%b" % (
            self._lines.get((status, headers)) or self._fixed_lines(status, headers),
            date,
            b"content-length: %d\r\n" % len(encoded) if status not in _BODILESS_STATUSES else b"",
            request_id,
            _limit_lines(charged) if charged is not None else b"",
            lines,
            encoded if not head_only else b"",
        )

    def origin_lines(self, origin: bytes | None) -> bytes:
        """The lines of an answer to a page of that origin."""
        return _lines(self._cors.headers(origin)) if origin is not None else b""

    def common_headers(self, exchange: Exchange) -> list[Header]:
        """The headers that every answer has."""
        headers = [*self._always, (b"x-request-id", exchange.request_id)]
        charged = exchange.charged
        if charged is not None:
            headers.append((b"ratelimit-policy", charged.policy))
            headers.append((b"ratelimit", charged.header))
        if self._draining():
            # The client opens another connection, to an instance that stays.
            headers.append((b"connection", b"close"))
        origin = exchange.headers.get(b"origin")
        if origin is not None:
            headers += self._cors.headers(origin)
        return headers

    def _fixed_lines(self, status: int, headers: tuple[Header, ...]) -> bytes:
        """The lines of a response that do not depend on the caller; kept, for they repeat."""
        found = STATUS_LINES[status] + _lines((*headers, NO_PAGE, *self._always))
        if len(self._lines) >= LINES_REMEMBERED:
            self._lines.clear()
        self._lines[status, headers] = found
        return found


def _limit_lines(charged: Verdict) -> bytes:
    return b"ratelimit-policy: %b\r\nratelimit: %b\r\n" % (charged.policy, charged.header)


def _lines(headers: Iterable[Header]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)
