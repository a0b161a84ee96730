"""Admission checks for WebSocket handshakes, before the noun that serves them takes over.

In this order: the process is not draining, the head is within its bounds, `Host` names this server,
the key is valid if there is one, a WebSocket is declared at the path, the caller has its role, and
the page that opens it is of an allowed origin. A wrong key is refused and counted as everywhere
else; nothing else is charged to a budget, since the noun that serves has limits of its own. A
refused handshake is answered with an HTTP error, which a browser does not show its page; so a noun
that has something to say to its pages accepts first and closes with a code. Each WebSocket is one
access line, at its end.
"""

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network
from time import perf_counter
from typing import Final

from structlog.contextvars import bind_contextvars

from event_seating.errors import Draining, NotFound, ServiceError, Unauthorized
from event_seating.http_server.asgi import Receive, Scope, Send
from event_seating.telemetry.logs import get_logger
from event_seating.telemetry.redact import cut_address
from event_seating.web import head, problem, security_headers
from event_seating.web.budgets import Budgets
from event_seating.web.client_address import address_of
from event_seating.web.cors import Cors
from event_seating.web.endpoints import WEBSOCKET, Endpoints, ServeWebSocket
from event_seating.web.errors import ForeignOrigin, MisdirectedRequest
from event_seating.web.exchange import AccessLines, Exchange
from event_seating.web.roles import Authenticator, Principal, admit

SWITCHING_PROTOCOLS: Final = 101

_log = get_logger("edge")


class WebSocketAdmission:
    """Admits or refuses the handshake of every WebSocket, and notes its end."""

    def __init__(
        self,
        endpoints: Endpoints,
        *,
        hosts: frozenset[bytes] | None,
        trusted_proxies: tuple[IPv4Network | IPv6Network, ...],
        authenticator: Authenticator,
        budgets: Budgets,
        cors: Cors,
        access: AccessLines,
        draining: Callable[[], bool],
    ) -> None:
        self._endpoints = endpoints
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
        exchange = Exchange.of(scope)
        exchange.request_id = new_id(exchange.headers.get(b"x-request-id"))
        exchange.came_from(address_of(exchange.peer, exchange.fields, self._trusted))
        exchange.status = SWITCHING_PROTOCOLS
        request_id = exchange.request_id.decode()
        bind_contextvars(requestId=request_id, client=cut_address(exchange.address))
        try:
            serve, key = self._admitted(exchange)
        except ServiceError as error:
            exchange.status = error.status
            exchange.size = await _refuse(error, request_id, send)
        else:
            exchange.headers, exchange.fields = {}, []  # it may stay open for hours
            try:
                exchange.size = await serve(key, exchange.address, scope, receive, send)
            except Exception:  # noqa: BLE001 (its stack goes to the log, not to the client)
                exchange.status = ServiceError.status
                _log.exception("a websocket failed", route=exchange.route)
        finally:
            self._access(exchange, perf_counter() - exchange.started)

    def _admitted(self, exchange: Exchange) -> tuple[ServeWebSocket, str]:
        """Its function, and the parameter of its path; raises the error that refuses it."""
        if self._draining():
            raise Draining
        headers = exchange.headers
        head.check(exchange)
        host = headers.get(b"host", b"")
        if self._hosts is not None and head.host_name(host) not in self._hosts:
            raise MisdirectedRequest
        try:
            principal = self._authenticator.authenticate(headers)
        except Unauthorized:
            self._budgets.charge_wrong_key(exchange)
            raise
        exchange.principal = principal.name
        serve, key = self._endpoint(exchange, principal)
        if not self._cors.admits(headers.get(b"origin"), host):
            raise ForeignOrigin
        return serve, key

    def _endpoint(self, exchange: Exchange, principal: Principal) -> tuple[ServeWebSocket, str]:
        match = self._endpoints.find(WEBSOCKET, exchange.path)
        if match is None:
            raise NotFound
        endpoint, (key,) = match
        assert endpoint.websocket is not None, "declared by `Routes.websocket`"
        if not endpoint.websocket.key.fullmatch(key):
            raise NotFound
        admit(endpoint, principal)
        exchange.route = endpoint.template
        return endpoint.websocket.serve, key


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
