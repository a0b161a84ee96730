"""One request on its way through the edge, and its line in the log at the end.

Owns what the edge knows about a request so far, and which requests get a line of their own. Nearly
all do. Health checks and refusals by a limit are sampled, since clients could otherwise fill the
log as fast as they can ask: for each route and status there is one line in `SAMPLED_EVERY_S`, with
the number of requests that it stands for.
"""

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Final, Protocol

from event_seating.http_server.asgi import Header, Scope
from event_seating.telemetry.metrics import UNMATCHED_ROUTE
from event_seating.telemetry.redact import loggable_path
from event_seating.web.body import ANYONE_BODY_BYTES_MAX
from event_seating.web.client_address import client_key
from event_seating.web.endpoints import ACCOUNT, RouteMatch

if TYPE_CHECKING:
    from event_seating.limits.limiter import Verdict
    from event_seating.web.repeats import KnownCaller
    from event_seating.web.roles import Principal

SAMPLED_EVERY_S: Final = 10.0
"""Several checks of a load balancer share a line, and a failing check is still noticed soon."""

SAMPLED_ROUTES: Final = frozenset({"/health", "/health/ready"})
"""Called by machines, for ever, without a limit."""

TOO_MANY_REQUESTS: Final = 429

SAMPLES_MAX: Final = 1_000
"""Pairs of route and status that are sampled; there are some hundred in all."""

NO_PRINCIPAL: Final = "-"
"""The name of the principal until a key has been looked at."""


class AccessLine(Protocol):
    """Writes the line about a request."""

    def __call__(
        self,
        request_id: str,
        method: str,
        route: str,
        status: int,
        seconds: float,
        cache: str,
        size: int,
        principal: str,
        address: str,
        stands_for: int,
    ) -> None:
        """Note one request; must return at once."""
        ...


class Exchange:
    """One request and what is known about it so far."""

    __slots__ = (
        "address",
        "body_bytes_max",
        "budget",
        "buyer_cookie",
        "cache",
        "caller",
        "charged",
        "client",
        "fields",
        "headers",
        "http_version",
        "match",
        "method",
        "path",
        "peer",
        "principal",
        "query",
        "request_id",
        "route",
        "size",
        "started",
        "status",
    )  # fmt: skip

    def __init__(
        self,
        method: str,
        path: str,
        query: bytes,
        fields: list[Header],
        headers: dict[bytes, bytes],
        *,
        peer: str,
        http_version: str = "1.1",
    ) -> None:
        self.started = perf_counter()
        self.method = method
        self.path = path
        self.query = query
        self.fields = fields
        """The headers in their order; once the head is checked, each name once."""
        self.headers = headers
        """The same by name."""
        self.peer = peer
        """The address at the other end of the connection."""
        self.http_version = http_version
        self.request_id = b""
        self.match: RouteMatch | None = None
        """The endpoint that it falls under."""
        self.budget = ACCOUNT
        """Which limit it is charged to; what no route answers is charged to the account."""
        self.route = UNMATCHED_ROUTE
        """The template of its path, once a route is known to answer it."""
        self.address = ""
        """The client's, which trusted proxies may have named."""
        self.client: int | str = ""
        """What the client counts as for the limits."""
        self.principal = NO_PRINCIPAL
        """The name of its principal."""
        self.caller: Principal | None = None
        """Its principal, once it is known."""
        self.buyer_cookie: str | None = None
        """The value of the buyer's cookie if it has the form of one; unverified."""
        self.charged: Verdict | None = None
        self.cache = "-"
        self.body_bytes_max = ANYONE_BODY_BYTES_MAX
        self.status = 500
        self.size = 0

    def came_from(self, address: str) -> None:
        """Note the client's address."""
        self.address = address
        self.client = client_key(address)

    def be(self, caller: "Principal") -> None:
        """Note its principal."""
        self.caller = caller
        self.principal = caller.name

    def know(self, known: "KnownCaller") -> None:
        """Note what is known of its client."""
        self.address, self.client = known.address, known.client
        self.buyer_cookie = known.buyer_cookie

    @classmethod
    def of(cls, scope: Scope) -> "Exchange":
        """The request or handshake that this scope describes."""
        fields, client = scope["headers"], scope["client"]
        return cls(
            scope.get("method", "GET"),  # a WebSocket's handshake says none
            scope["path"],
            scope["query_string"],
            fields,
            dict(fields),
            peer=client[0] if client else "",
            http_version=scope["http_version"],
        )


class AccessLines:
    """Writes the line about a request, or counts the request for the next line of its kind."""

    def __init__(self, write: AccessLine, monotonic: Callable[[], float]) -> None:
        self.write = write
        """Writes one that is never sampled."""
        self._monotonic = monotonic
        self._samples: dict[tuple[str, int], tuple[float, int]] = {}
        """When the last line was written, and how many requests came since, by route and status."""

    def __call__(self, exchange: Exchange, seconds: float) -> None:
        """Note one request that ended."""
        status, route = exchange.status, exchange.route
        stands_for = 1
        if status == TOO_MANY_REQUESTS or route in SAMPLED_ROUTES:
            stands_for = self._sampled(route, status)
            if not stands_for:
                return
        self.write(
            exchange.request_id.decode(),
            exchange.method,
            route if route != UNMATCHED_ROUTE else loggable_path(exchange.path),
            status,
            seconds,
            exchange.cache,
            exchange.size,
            exchange.principal,
            exchange.address,
            stands_for,
        )

    def _sampled(self, route: str, status: int) -> int:
        """How many requests a line stands for if it is written now; 0 if it is not due."""
        now = self._monotonic()
        kind = (route, status)
        sample = self._samples.get(kind)
        if sample is None:
            if len(self._samples) < SAMPLES_MAX:
                self._samples[kind] = (now, 0)
            return 1
        written, since = sample
        if now - written < SAMPLED_EVERY_S:
            self._samples[kind] = (written, since + 1)
            return 0
        self._samples[kind] = (now, 0)
        return since + 1
