"""What the edge remembers of requests that it admitted: clients ask again, and most of it stands.

Owns two memories. `KnownCaller` is kept with the header fields of a connection: a request that
brings the same ones again has the same caller. `KnownTargets` has the targets of reads that were
answered at once. A GET for which both are known is only charged, read and noted.
"""

from typing import TYPE_CHECKING, Final, NamedTuple

from event_seating.web.endpoints import Endpoint, ReadyRead

if TYPE_CHECKING:
    from collections.abc import Mapping

    from event_seating.web.exchange import Exchange
    from event_seating.web.roles import Principal

TARGETS_MAX: Final = 1_024
"""Targets remembered, some 500 bytes each: those of hot users and events."""

HOT_TARGET_BYTES_MAX: Final = 200
"""A longer target is no hot one."""


class KnownCaller:
    """Who sends these headers over this connection; their head passed every check.

    Nothing in it may depend on anything but the fields and the peer.
    """

    __slots__ = (
        "address", "buyer_cookie", "client", "headers", "lines", "principal", "request_id",
    )  # fmt: skip

    def __init__(
        self,
        exchange: "Exchange",
        principal: "Principal",
        *,
        request_id: bytes | None,
        lines: bytes,
    ) -> None:
        """`request_id` is the one that comes with the headers, if they name one."""
        self.address = exchange.address
        self.client = exchange.client
        self.buyer_cookie = exchange.buyer_cookie
        self.headers: Mapping[bytes, bytes] = exchange.headers
        self.principal = principal
        self.request_id = request_id
        self.lines = lines
        """The lines of an answer that depend on the headers."""


class KnownTarget(NamedTuple):
    """What a GET was found to ask for."""

    path: str
    query: bytes
    endpoint: Endpoint
    ready: ReadyRead
    parameter: str


class KnownTargets(dict[bytes, KnownTarget]):
    """Targets of reads that were answered at once."""

    def add(self, target: bytes, exchange: "Exchange") -> None:
        """Remember this one, by the request for it."""
        match = exchange.match
        if match is None or match[0].ready is None or len(target) > HOT_TARGET_BYTES_MAX:
            return
        if len(self) >= TARGETS_MAX:
            self.clear()
        endpoint, (parameter,) = match
        assert endpoint.ready is not None
        self[target] = KnownTarget(
            exchange.path, exchange.query, endpoint, endpoint.ready, parameter
        )
