"""The HTTP server that this process runs: our own, or granian as `HTTP_SERVER` says.

Owns what the server has to know of this deployment (how many connections there may be, what
an address counts as) and what it reports: crashes and ended connections go to the log, and a
request that is no valid HTTP gets the same kind of body as every other error.
"""

import socket
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import Final, Protocol

from event_seating.errors import ServiceError
from event_seating.http_server.asgi import App
from event_seating.http_server.heads import HttpRefused
from event_seating.http_server.limits import (
    CONNECTIONS_MAX,
    ConnectionCaps,
    EndReason,
    connections_max,
)
from event_seating.http_server.server import HttpServer
from event_seating.settings.model import Settings
from event_seating.settings.parsers import HttpServerChoice
from event_seating.telemetry.logs import get_logger
from event_seating.web import problem
from event_seating.web.client_address import client_key, within
from event_seating.web.connection_rules import ConnectionLimits
from event_seating.web.errors import (
    AddressTooLong,
    ExpectationFailed,
    HeadTooLarge,
    MalformedRequest,
    UpgradeRequired,
)

LOG_ENDED_EVERY_S: Final = 60.0
"""The least time between two log lines about connections that were ended for the same reason."""

REFUSALS: Final[dict[str, type[ServiceError]]] = {
    each.code: each
    for each in (
        AddressTooLong,
        ExpectationFailed,
        HeadTooLarge,
        MalformedRequest,
        UpgradeRequired,
    )
}
"""With what our own server refuses a request before the application sees it, by code."""

_log = get_logger("connections")


class AnyHttpServer(Protocol):
    """What a serving process does with its server."""

    @property
    def open(self) -> Collection[object]:
        """The connections that there are."""
        ...

    @property
    def ended(self) -> Mapping[str, int]:
        """How many were ended since the start, by reason."""
        ...

    async def start(self) -> None:
        """Begin to accept; once this returns, nobody is refused."""
        ...

    async def stop(self, *, hang_up: bool) -> None:
        """Accept no more, and finish the requests under way."""
        ...

    async def failed(self) -> None:
        """Wait until the server ends by itself, which it should not."""
        ...


def http_server(
    app: App, listener: socket.socket, settings: Settings, monotonic: Callable[[], float]
) -> AnyHttpServer:
    """The server that the settings ask for, on a socket that is bound."""
    total = _connections_max(settings)
    per_address, proxies = settings.connections_per_address, settings.trusted_proxies
    if settings.http_server is HttpServerChoice.granian:
        from event_seating.web.granian import GranianServer  # noqa: PLC0415 (10 MB, if not chosen)

        return GranianServer(app, listener, ConnectionLimits(total, per_address, proxies))
    caps = ConnectionCaps(total, per_address, _client_of(proxies))
    return HttpServer(app, listener, caps, ConnectionReports(monotonic))


def _connections_max(settings: Settings) -> int:
    total = connections_max()
    if total < CONNECTIONS_MAX:
        _log.warning(
            "the limit of open files is low (`ulimit -Hn`, LimitNOFILE): there can be only "
            f"{total} connections instead of {CONNECTIONS_MAX}, and more clients have to wait",
            liveConnectionsMax=settings.live_connections_max,
        )
    return total


def _client_of(
    proxies: tuple[IPv4Network | IPv6Network, ...],
) -> Callable[[str], Hashable | None]:
    return lambda address: None if within(address, proxies) else client_key(address)


class ConnectionReports:
    """What our own server reports, in the log and in answers."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._logged_at: dict[EndReason, float] = {}
        self._unlogged: Counter[EndReason] = Counter()

    def crashed(self, error: Exception) -> None:
        """The application raised this instead of answering."""
        _log.error("a request failed in the server", exc_info=error)

    def ended(self, reason: EndReason) -> None:
        """A connection was ended by a limit or for what it sent."""
        self._unlogged[reason] += 1
        now = self._monotonic()
        if now - self._logged_at.get(reason, -LOG_ENDED_EVERY_S) >= LOG_ENDED_EVERY_S:
            count = self._unlogged.pop(reason)
            _log.warning("connections were ended", reason=str(reason), count=count)
            self._logged_at[reason] = now

    def explain(self, refused: HttpRefused) -> bytes:
        """The body of the response to a request that is no valid HTTP; it has no id."""
        return problem.encode(REFUSALS[refused.code](refused.sentence), "-")
