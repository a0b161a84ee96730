"""The edge: one plain ASGI callable that every request passes on its way in and out.

On the way in, in this order: request id, endpoint, client address, the bounds of the head (`head`),
`Host`, principal, rate limit, then the ready read or the head of the body; then the app. On the way
out: timing, access line, metrics, security headers, CORS. A ready read is answered here from bytes
that are at hand and never meets the framework, which is what makes it fast: the edge alone looks up
and counts, and the route behind it only loads. Everything in which routes differ is in what they
declare (`endpoints`).

A server that asks at once (`at_once`) gets the bytes of the response. Over one connection clients
ask again, and most of what was checked stands (`repeats`): then a read is only charged, looked up
and noted (`_answer_again`). What admits a request must depend on nothing but its fields, its peer
and its target, or be asked there too.

It never parses a body and knows no noun.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from itertools import count
from secrets import token_hex
from time import perf_counter
from typing import Any, Final
from urllib.parse import unquote

from structlog.contextvars import bind_contextvars

from event_seating.errors import RateLimited, ServiceError, Unauthorized
from event_seating.http_server.asgi import (
    ADMITTED,
    BODY_HAS_COME,
    REFUSED,
    App,
    Header,
    Message,
    Receive,
    Scope,
    Send,
)
from event_seating.http_server.heads import METHOD_NAMES, HeaderFields
from event_seating.telemetry.logs import get_logger
from event_seating.telemetry.metrics import UNMATCHED_ROUTE, Metrics
from event_seating.telemetry.redact import cut_address
from event_seating.web import body, head, problem, security_headers
from event_seating.web.body import Bodies
from event_seating.web.budgets import Budgets
from event_seating.web.client_address import address_of, within
from event_seating.web.cors import Cors
from event_seating.web.endpoints import Endpoints
from event_seating.web.errors import MisdirectedRequest
from event_seating.web.exchange import AccessLines, Exchange
from event_seating.web.ready import Ready
from event_seating.web.repeats import KnownCaller, KnownTarget, KnownTargets
from event_seating.web.responses import Responses
from event_seating.web.roles import Authenticator, Principal, admit
from event_seating.web.security_headers import NO_PAGE
from event_seating.web.websockets import WebSocketAdmission

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}\Z")
"""An id that comes with the request is kept if it is short and plain."""

HOSTS_REMEMBERED: Final = 16
"""Values of `Host` that have passed the check: a few names, each with a few ports."""

_log = get_logger("edge")


@dataclass(frozen=True, slots=True)
class EdgeRules:
    """What the edge has to know about this deployment."""

    hosts: frozenset[bytes] | None
    """Names that `Host` may have; None allows every one."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    buyer_cookie: re.Pattern[bytes]
    """Finds the buyer's cookie in a `Cookie` header; its one group is the value."""
    headers: tuple[Header, ...] = security_headers.HEADERS


class Edge:
    """The ASGI app that the server runs."""

    def __init__(
        self,
        app: App,
        rules: EdgeRules,
        endpoints: Endpoints,
        *,
        authenticator: Authenticator,
        budgets: Budgets,
        cors: Cors,
        access: AccessLines,
        metrics: Metrics,
        draining: Callable[[], bool],
        websockets: WebSocketAdmission,
    ) -> None:
        self._app = app
        self._rules = rules
        self._endpoints = endpoints
        self._authenticator = authenticator
        self._budgets = budgets
        self._cors = cors
        self._responses = Responses(rules.headers, cors, draining)
        self._access = access
        self._metrics = metrics
        self._draining = draining
        self._websockets = websockets
        self._targets = KnownTargets()
        self._hosts_that_passed: set[bytes] = set()
        self._unnamed_proxy_seen = False
        self._bodies = Bodies()
        self._ids = count(1)
        # Unique between processes and starts, and cheap: 8 random digits, then a running number.
        self._id_prefix = token_hex(4).encode()

    def at_once(
        self, method: bytes, target: bytes, fields: HeaderFields, peer: tuple[str, int], date: bytes
    ) -> bytes | Exchange | None:
        """The whole response to a request without a body, if nothing has to be waited for.

        Otherwise the request, which is admitted then and comes again with its scope
        (`ADMITTED`), or None if nothing was done about it. The server that calls this says
        HTTP/1.1, and that the connection stays; `date` is the line of that header.
        """
        if self._draining():
            return None
        known = fields.notes
        if method == b"GET" and isinstance(known, KnownCaller):
            asked = self._targets.get(target)
            if asked is not None:
                return self._answer_again(known, asked, fields, peer, date)
        if not target.startswith(b"/"):
            return None
        path, _, query = target.partition(b"?")
        decoded = path.decode("ascii")
        exchange = Exchange(
            METHOD_NAMES.get(method) or method.decode("ascii"),
            unquote(decoded) if "%" in decoded else decoded,
            query,
            fields.all,
            fields.by_name if len(fields.by_name) == len(fields.all) else dict(fields.all),
            peer=peer[0],
        )
        try:
            ready = self._admit(exchange, fields)
        except Exception as error:  # noqa: BLE001 (see `_refusal_of`)
            ready = self._refusal_of(exchange, error)
        if ready is None:
            return exchange
        if method == b"GET" and exchange.cache == "hit":
            self._targets.add(target, exchange)
        return self._rendered(exchange, ready, date)

    def _answer_again(
        self,
        known: KnownCaller,
        asked: KnownTarget,
        fields: HeaderFields,
        peer: tuple[str, int],
        date: bytes,
    ) -> bytes | Exchange:
        """What is left to do of `at_once` where the caller and the target passed it before.

        The hottest path of all: what does not end in a ready answer goes on as an exchange.
        """
        started = perf_counter()
        endpoint, principal = asked.endpoint, known.principal
        request_id = known.request_id or self._new_id()
        route, ready = UNMATCHED_ROUTE, None
        refused: Exception | None = None
        charged = None
        if principal.limited:
            charged = self._budgets.charge(endpoint.budget, known.client, known.buyer_cookie)
        if charged is not None and not charged.admitted:
            refused = RateLimited.until(charged.retry_after_s)
        else:
            route = endpoint.template
            try:
                admit(endpoint, principal)
                ready = asked.ready.read(asked.parameter, asked.query, known.headers)
            except Exception as error:  # noqa: BLE001 (see `_refusal_of`)
                refused = error
        if ready is not None:
            response = self._responses.rendered(ready, date, request_id, charged, known.lines)
            seconds = perf_counter() - started
            self._metrics.observe_request("GET", route, ready[0], seconds)
            self._access.write(
                request_id.decode(), "GET", route, ready[0], seconds, "hit", len(ready[2]),
                principal.name, known.address, 1,
            )  # fmt: skip
            return response
        exchange = Exchange(
            "GET", asked.path, asked.query, fields.all, fields.by_name, peer=peer[0]
        )
        exchange.started, exchange.request_id = started, request_id
        exchange.match, exchange.budget = (endpoint, (asked.parameter,)), endpoint.budget
        exchange.know(known)
        exchange.be(principal)
        exchange.charged, exchange.route = charged, route
        if refused is None:
            exchange.cache = "miss"
            return exchange
        return self._rendered(exchange, self._refusal_of(exchange, refused), date)

    def _rendered(self, exchange: Exchange, ready: Ready, date: bytes) -> bytes:
        """The bytes of a response, with which the request ends."""
        exchange.status, exchange.size = ready.status, len(ready.body)
        response = self._responses.rendered(
            ready,
            date,
            exchange.request_id,
            exchange.charged,
            self._responses.origin_lines(exchange.headers.get(b"origin")),
            head_only=exchange.method == "HEAD",
        )
        self._note(exchange)
        return response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await self._websockets(scope, receive, send, self._request_id)
            return
        admitted: Exchange | None = scope.pop(ADMITTED, None)
        exchange = admitted or Exchange.of(scope)
        metrics = self._metrics
        metrics.in_progress += 1
        try:
            if admitted is None:
                await self._answer(exchange, scope, receive, send)
            else:
                await self._run_app(exchange, scope, receive, send)
        finally:
            metrics.in_progress -= 1
            if REFUSED in scope:
                exchange.status, exchange.size = scope[REFUSED]
            self._note(exchange)

    def _note(self, exchange: Exchange) -> None:
        """Note a request that ended, in the metrics and in the log."""
        seconds = perf_counter() - exchange.started
        self._metrics.observe_request(exchange.method, exchange.route, exchange.status, seconds)
        self._access(exchange, seconds)

    async def _answer(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            ready = self._admit(exchange)
        except Exception as error:  # noqa: BLE001 (see `_refusal_of`)
            if b"expect" not in exchange.headers:  # else the client waits before it sends it
                await body.discard(receive)
            ready = self._refusal_of(exchange, error)
        if ready is not None:
            await self._responses.send(exchange, ready, send)
        else:
            await self._run_app(exchange, scope, receive, send)

    def _admit(self, exchange: Exchange, fields: HeaderFields | None = None) -> Ready | None:
        """The ready answer, or None if the app has to run; raises the error that refuses it.

        What was found out from `fields` before is not found out again.
        """
        headers = exchange.headers
        exchange.request_id = self._request_id(headers.get(b"x-request-id"))
        exchange.match = self._endpoints.find(exchange.method, exchange.path)
        if exchange.match is not None:
            exchange.budget = exchange.match[0].budget
        else:
            exchange.budget = self._endpoints.budget_elsewhere(exchange.path)
        notes = fields.notes if fields is not None else None
        known = notes if isinstance(notes, KnownCaller) else None
        try:
            if known is not None:
                exchange.know(known)
                head.check_address(exchange)
            else:
                self._look_at(exchange)
        except ServiceError:
            self._charge(exchange)
            raise
        if exchange.method == "OPTIONS" and b"access-control-request-method" in headers:
            return self._preflight(exchange)
        caller = known.principal if known is not None else self._caller(exchange, fields)
        exchange.be(caller)
        if caller.limited:
            self._charge(exchange)
        if exchange.method in {"GET", "HEAD"}:
            return self._ready(exchange, caller)
        self._check_body(exchange, caller)
        return None

    def _look_at(self, exchange: Exchange) -> None:
        """Find the client's address and the buyer's cookie, and check the head."""
        headers = exchange.headers
        exchange.came_from(address_of(exchange.peer, exchange.fields, self._rules.trusted_proxies))
        if not self._unnamed_proxy_seen and b"x-forwarded-for" in headers:
            self._note_unnamed_proxy(exchange)
        head.check(exchange)
        if b"cookie" in headers:
            exchange.buyer_cookie = head.cookie(headers, self._rules.buyer_cookie)

    def _note_unnamed_proxy(self, exchange: Exchange) -> None:
        """Warn once that `X-Forwarded-For` came from an address that is not trusted."""
        peer = exchange.peer
        if exchange.address != peer or within(peer, self._rules.trusted_proxies):
            return
        self._unnamed_proxy_seen = True
        _log.warning(
            "X-Forwarded-For came from an address that TRUSTED_PROXIES does not name: "
            "if that is your proxy, all its clients share the limits of one address",
            client=cut_address(peer),
            docs="docs/running.md#behind-a-reverse-proxy",
        )

    def _caller(self, exchange: Exchange, fields: HeaderFields | None) -> Principal:
        """Check `Host`, and find the principal; both are noted in `fields`."""
        headers = exchange.headers
        if self._rules.hosts is not None:
            self._check_host(headers.get(b"host", b""), self._rules.hosts)
        try:
            caller = self._authenticator.authenticate(headers)
        except Unauthorized:
            self._budgets.charge_wrong_key(exchange)
            raise
        if fields is not None and fields.all is exchange.fields:
            fields.notes = KnownCaller(
                exchange,
                caller,
                request_id=_plain_id(headers.get(b"x-request-id")),
                lines=self._responses.origin_lines(headers.get(b"origin")),
            )
        return caller

    def _charge(self, exchange: Exchange) -> None:
        """Charge one request, if something limits it; raises `RateLimited`."""
        charged = exchange.charged = self._budgets.charge(
            exchange.budget, exchange.client, exchange.buyer_cookie
        )
        if charged is not None and not charged.admitted:
            raise RateLimited.until(charged.retry_after_s)

    def _check_host(self, host: bytes, names: frozenset[bytes]) -> None:
        if host not in self._hosts_that_passed:
            if head.host_name(host) not in names:
                raise MisdirectedRequest
            if len(self._hosts_that_passed) < HOSTS_REMEMBERED:
                self._hosts_that_passed.add(host)

    def _ready(self, exchange: Exchange, caller: Principal) -> Ready | None:
        if exchange.match is None:
            return None
        endpoint, texts = exchange.match
        if endpoint.ready is None or not endpoint.ready.key.fullmatch(texts[0]):
            return None
        exchange.route = endpoint.template
        admit(endpoint, caller)
        ready = endpoint.ready.read(texts[0], exchange.query, exchange.headers)
        exchange.cache = "miss" if ready is None else "hit"
        return ready

    def _check_body(self, exchange: Exchange, caller: Principal) -> None:
        endpoint = exchange.match[0] if exchange.match is not None else None
        declared = endpoint.body if endpoint is not None else None
        exchange.body_bytes_max = body.bytes_max(caller.role)
        if endpoint is not None and declared is not None and declared.bytes_max is not None:
            admit(endpoint, caller)
            exchange.body_bytes_max = declared.bytes_max
        media_types = body.JSON_ALONE if declared is None else declared.media_types
        body.check_head(exchange.method, exchange.headers, exchange.body_bytes_max, media_types)

    async def _run_app(
        self, exchange: Exchange, scope: Scope, receive: Receive, send: Send
    ) -> None:
        request_id = exchange.request_id.decode()
        caller = exchange.caller
        assert caller is not None, "it was admitted"
        scope["request_id"] = request_id
        scope["headers"] = exchange.fields
        scope["endpoint_match"] = exchange.match
        scope["principal"] = caller
        scope["client_address"] = exchange.address
        scope["buyer_cookie"] = exchange.buyer_cookie
        bind_contextvars(
            requestId=request_id,
            principal=exchange.principal,
            client=cut_address(exchange.address),
        )
        if exchange.method == "HEAD":
            scope["method"] = "GET"
        if b"cookie" in exchange.headers:
            scope["headers"] = head.without_cookies(scope["headers"])
        answer = _Answer(exchange, send, self._responses.common_headers)
        has_come = scope.pop(BODY_HAS_COME, None)
        sent = self._bodies.of(receive, exchange.body_bytes_max, caller.role, has_come)
        try:
            await self._app(scope, sent.receive, answer.send)
        except Exception:  # noqa: BLE001 (its stack goes to the log, not to the client)
            _log.exception("request failed", method=exchange.method, route=_route_of(scope))
            if not answer.started:
                await self._responses.send(exchange, self._refusal(exchange, ServiceError()), send)
        finally:
            sent.release()
            exchange.route = _route_of(scope)

    def _refusal_of(self, exchange: Exchange, error: Exception) -> Ready:
        """The answer where a request could not be admitted.

        A bug of ours is answered here too: nobody is charged twice for it.
        """
        if isinstance(error, ServiceError):
            return self._refusal(exchange, error)
        _log.error("request failed", exc_info=error, method=exchange.method, route=exchange.route)
        return self._refusal(exchange, ServiceError())

    def _refusal(self, exchange: Exchange, error: ServiceError) -> Ready:
        if isinstance(error, RateLimited):
            self._metrics.rate_limited.inc()
        encoded = problem.encode(error, exchange.request_id.decode())
        return Ready(error.status, problem.raw_headers(error), encoded)

    def _preflight(self, exchange: Exchange) -> Ready:
        exchange.route = "preflight"
        # The headers of every answer are among them.
        return Ready(204, self._cors.preflight(exchange.headers.get(b"origin")), b"")

    def _request_id(self, given: bytes | None) -> bytes:
        return _plain_id(given) or self._new_id()

    def _new_id(self) -> bytes:
        return b"%b-%x" % (self._id_prefix, next(self._ids))


def _plain_id(given: bytes | None) -> bytes | None:
    """The id that came with a request, if it is one."""
    return given if given is not None and _REQUEST_ID.match(given) else None


class _Answer:
    """Sends the app's answer on: counts it, and adds the headers that every answer has."""

    __slots__ = ("_exchange", "_headers", "_send", "started")

    def __init__(
        self, exchange: Exchange, send: Send, headers: Callable[[Exchange], list[Header]]
    ) -> None:
        self._exchange = exchange
        self._send = send
        self._headers = headers
        self.started = False

    async def send(self, message: Message) -> None:
        """Pass on one message."""
        if message["type"] == "http.response.start":
            self.started = True
            self._exchange.status = message["status"]
            headers = [*message["headers"], *self._headers(self._exchange)]
            if not any(name == security_headers.CONTENT_SECURITY_POLICY for name, _ in headers):
                headers.append(NO_PAGE)
            message["headers"] = headers
        elif message["type"] == "http.response.body":
            self._exchange.size += len(message.get("body", b""))
            if self._exchange.method == "HEAD":
                message = {**message, "body": b""}
        await self._send(message)


def _route_of(scope: Scope) -> str:
    route: Any = scope.get("route")
    return getattr(route, "path_format", None) or UNMATCHED_ROUTE
