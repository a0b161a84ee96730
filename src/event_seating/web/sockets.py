"""The door for WebSockets: what each has to pass before a room may speak with it.

In this order: whether the process still takes any, what a head may be, the names of this host, a
key if there is one, the table of sockets that `composition/http_app.py` gives, and the page that
it was opened by. Nobody needs a key; one that is wrong is refused and counted as everywhere else.
Who is refused here is answered with an error as HTTP and the connection goes on; a browser shows
its page nothing of that, so a room that has something to say to its pages accepts first and closes
with a code. One access line for each, at its end. Nothing else is charged to a budget: a room has
caps of its own.
"""

import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network
from time import perf_counter
from typing import Final, NamedTuple, Protocol

from structlog.contextvars import bind_contextvars

from event_seating.errors import Draining, NotFound, ServiceError, Unauthorized
from event_seating.telemetry.logs import get_logger
from event_seating.telemetry.redact import cut_address
from event_seating.web import head, problem, security_headers
from event_seating.web.asgi import Receive, Scope, Send
from event_seating.web.budgets import Budgets
from event_seating.web.client_address import address_of
from event_seating.web.cors import Cors
from event_seating.web.errors import ForeignOrigin, MisdirectedRequest
from event_seating.web.exchange import AccessLines, Exchange
from event_seating.web.roles import Authenticator

SWITCHING_PROTOCOLS: Final = 101

_log = get_logger("edge")


class Opened(Protocol):
    """A WebSocket that passed the door, on its way to a room."""

    async def __call__(
        self, key: str, /, address: str, scope: Scope, receive: Receive, send: Send
    ) -> int:
        """Accept it, speak with it until it is closed; the bytes that were sent."""
        ...


class Socket(NamedTuple):
    """An address at which WebSockets are served."""

    route: str
    """The path's template, as the logs name it."""
    pattern: re.Pattern[str]
    """What the path must match; its one group is the key."""
    serve: Opened


class SocketDoor:
    """Every WebSocket passes here."""

    def __init__(
        self,
        sockets: tuple[Socket, ...],
        *,
        hosts: frozenset[bytes] | None,
        trusted_proxies: tuple[IPv4Network | IPv6Network, ...],
        authenticator: Authenticator,
        budgets: Budgets,
        cors: Cors,
        access: AccessLines,
        draining: Callable[[], bool],
    ) -> None:
        self._sockets = sockets
        self._hosts = hosts
        self._trusted = trusted_proxies
        self._authenticator = authenticator
        self._budgets = budgets
        self._cors = cors
        self._access = access
        self._draining = draining

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, new_id: Callable[[bytes | None], bytes]
    ) -> None:
        """Refuse one, or serve it until it is closed."""
        found = dict(scope["headers"])
        exchange = Exchange(scope, new_id(found.get(b"x-request-id")), found)
        exchange.address = address_of(scope, self._trusted)
        exchange.status = SWITCHING_PROTOCOLS
        request_id = exchange.request_id.decode()
        bind_contextvars(requestId=request_id, client=cut_address(exchange.address))
        try:
            socket, key = self._admitted(exchange, scope)
        except ServiceError as error:
            exchange.status = error.status
            exchange.size = await _refuse(error, request_id, send)
        else:
            exchange.route = socket.route
            try:
                exchange.size = await socket.serve(key, exchange.address, scope, receive, send)
            except Exception:  # noqa: BLE001 (it ends here: its stack in the log, and not outside)
                exchange.status = ServiceError.status
                _log.exception("a websocket failed", route=exchange.route)
        finally:
            self._access(exchange, perf_counter() - exchange.started)

    def _admitted(self, exchange: Exchange, scope: Scope) -> tuple[Socket, str]:
        if self._draining():
            raise Draining
        found = exchange.found
        head.check(scope, found)
        host = found.get(b"host", b"")
        if self._hosts is not None and head.host_name(host) not in self._hosts:
            raise MisdirectedRequest
        try:
            exchange.principal = self._authenticator.authenticate(found).name
        except Unauthorized:
            self._budgets.charge_wrong_key(exchange)
            raise
        for socket in self._sockets:
            match = socket.pattern.match(exchange.path)
            if match:
                if not self._cors.admits(found.get(b"origin"), host):
                    raise ForeignOrigin
                return socket, match[1]
        raise NotFound


async def _refuse(error: ServiceError, request_id: str, send: Send) -> int:
    encoded = problem.encode(error, request_id)
    headers = [
        *problem.raw_headers(error),
        (b"content-length", b"%d" % len(encoded)),
        (b"x-request-id", request_id.encode()),
        security_headers.NO_PAGE,
        *security_headers.HEADERS,
    ]
    start = {"type": "websocket.http.response.start", "status": error.status, "headers": headers}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": encoded})
    return len(encoded)
