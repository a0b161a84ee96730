"""What each route declares, and which declaration a request falls under.

Owns `Endpoint`: everything about a route that other parts act upon. The edge, the budgets, the
authorisation, the OpenAPI document and the pages of the documentation derive from it. Owns also
`Endpoints`: the lookup by method and path, which the edge makes once for each request, before the
framework routes it. The two agree: the first declared route of the method whose path matches is
the one. It knows no noun and answers nothing.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from event_seating.cache.lru import LruCache
from event_seating.errors import ServiceError
from event_seating.http_server.asgi import Header, Receive, Scope, Send
from event_seating.web.ready import Ready
from event_seating.web.roles import Role

WEBSOCKET: Final = "(websocket)"
"""In place of a method, and one that no request can have: the route is a WebSocket's."""

ABSENT: Final = "(absent)"
"""In place of a method: nothing is served at this path, and a request for it is not charged, since
browsers ask for it by themselves."""

_HANDSHAKES: Final = frozenset({"GET", WEBSOCKET, ABSENT})
"""The methods among which a GET is looked up: a WebSocket's handshake is a GET too, and a plain
request for its path costs as much."""

FOUND_MAX: Final = 1_024
"""Paths of a method whose endpoint is remembered, some 300 bytes each: those of hot events and
users. A client that asks for ever other paths costs each of them one more search in so many."""

FOUND_CHARS_MAX: Final = 200
"""A longer path is no hot one."""

_PARAMETER: Final = re.compile(r"{(\w+)(?::(\w+))?}")

_PATTERNS: Final = {None: "([^/]++)", "path": "(.*)"}
"""What a parameter of a path matches, by its convertor: as in the framework, without backtracking.
"""


class Budget(Enum):
    """Which limit a request is charged to."""

    unlimited = "none"
    account = "account"
    seating = "seating"


ACCOUNT: Final = Budget.account
SEATING: Final = Budget.seating
"""Constants, since looking up a member of an enum costs time."""


class ReadyRead(NamedTuple):
    """How the edge answers a GET by itself whenever the bytes are at hand."""

    key: re.Pattern[str]
    """What the path's one parameter must match as a whole, or the route answers."""
    read: Callable[[str, bytes, Mapping[bytes, bytes]], Ready | None]
    """Takes the parameter, the raw query and the request's headers; must return at once."""


def cached(cache: LruCache, key: re.Pattern[str], headers: tuple[Header, ...]) -> ReadyRead:
    """Answers 200 with these headers and what the cache has for the parameter."""

    def read(key: str, query: bytes, request_headers: Mapping[bytes, bytes]) -> Ready | None:
        del query, request_headers
        encoded = cache.get(key)
        if encoded is None:
            return None
        # What its constructor does, three times as fast: this is the hottest path of all.
        return tuple.__new__(Ready, (200, headers, encoded))

    return ReadyRead(key, read)


class RequestBody(Protocol):
    """The body that a route takes."""

    @property
    def bytes_max(self) -> int | None:
        """How long it may be; None: as long as the caller's role allows."""
        ...

    @property
    def media_types(self) -> frozenset[bytes]:
        """The media types that it may have."""
        ...

    @property
    def refuses(self) -> tuple[type[ServiceError], ...]:
        """The errors with which a body that does not fit is refused."""
        ...

    def described(self) -> dict[str, Any]:
        """For the OpenAPI document."""
        ...


class ServeWebSocket(Protocol):
    """Serves a WebSocket that was admitted."""

    async def __call__(
        self, key: str, /, address: str, scope: Scope, receive: Receive, send: Send
    ) -> int:
        """Accept it and serve it until it is closed; the bytes that were sent."""
        ...


class WebSocketRoute(NamedTuple):
    """How a WebSocket is served."""

    key: re.Pattern[str]
    """What the path's one parameter must match as a whole."""
    serve: ServeWebSocket


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Endpoint:
    """A route as it is declared."""

    method: str
    path: str
    """Its template, as the framework takes it."""
    access: Role
    """The least role that may call it."""
    budget: Budget = Budget.account
    body: RequestBody | None = None
    """The body that it takes; None also if the framework decodes it."""
    ready: ReadyRead | None = None
    hot: bool = False
    """Whether it is called without the framework, because every sale passes it."""
    idempotent: bool = False
    """Whether it takes an `Idempotency-Key`."""
    refuses: tuple[type[ServiceError], ...] = ()
    """The errors that it may answer with, besides those that the edge gives on its behalf."""
    websocket: WebSocketRoute | None = None
    template: str = field(init=False)
    """Its path as logs, metrics and the documentation show it."""
    parameters: tuple[str, ...] = field(init=False)
    """The names of its path's parameters, in order."""

    def __post_init__(self) -> None:
        parameters = tuple(match[1] for match in _PARAMETER.finditer(self.path))
        keyed = self.ready is not None or self.websocket is not None
        if keyed and len(parameters) != 1:
            raise ValueError(f"{self.path} must have one parameter")
        object.__setattr__(self, "template", _PARAMETER.sub(r"{\1}", self.path))
        object.__setattr__(self, "parameters", parameters)

    @property
    def name(self) -> str:
        """Its key in the tables of routes: method and path, such as `GET /users/{id}`."""
        return f"{self.method} {self.template}"


RouteMatch: TypeAlias = tuple[Endpoint, tuple[str, ...]]
"""The endpoint that a request falls under, and the texts of its path's parameters. A plain tuple,
since making a named one takes longer than finding it."""


class Endpoints(Mapping[str, Endpoint]):
    """All endpoints that are served over HTTP by name, in the order of their declaration.

    `find` also knows WebSockets and the paths at which nothing is served.
    """

    def __init__(self, declared: Iterable[Endpoint]) -> None:
        """Raises `ValueError` where one is declared twice or hidden by another."""
        every = tuple(declared)
        self.websockets = tuple(each for each in every if each.method == WEBSOCKET)
        self._by_name: dict[str, Endpoint] = {}
        for endpoint in every:
            if endpoint.method in {WEBSOCKET, ABSENT}:
                continue
            if self._by_name.setdefault(endpoint.name, endpoint) is not endpoint:
                raise ValueError(f"{endpoint.name} is declared twice")
        methods = {endpoint.method for endpoint in self._by_name.values()}
        self._tables = {
            method: _Table(each for each in every if each.method == method)
            for method in methods - {"GET"}
        }
        self._tables["GET"] = _Table(each for each in every if each.method in _HANDSHAKES)
        self._tables["HEAD"] = self._tables["GET"]
        self._tables[WEBSOCKET] = _Table(self.websockets)
        self._unlimited_paths = frozenset(
            each.path
            for each in every
            if each.budget is Budget.unlimited and not each.parameters and each.method != ABSENT
        )

    def __getitem__(self, name: str) -> Endpoint:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def find(self, method: str, path: str) -> RouteMatch | None:
        """The endpoint of this method and path, or none."""
        table = self._tables.get(method)
        if table is None:
            return None
        return table.found.get(path) or table.find(path)

    def budget_elsewhere(self, path: str) -> Budget:
        """What a request is charged to that no endpoint answers.

        A plain path that is never limited is so with a wrong method too, which costs as little.
        """
        return Budget.unlimited if path in self._unlimited_paths else Budget.account

    def methods_at(self, path: str) -> set[str]:
        """Every method that this path takes."""
        return {method for method in self._tables if self.find(method, path)} - {WEBSOCKET}


class _Table:
    """The endpoints of one method: a dictionary of plain paths, one expression for the others."""

    __slots__ = ("by_group", "found", "match", "plain")

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self.found: dict[str, RouteMatch] = {}
        """What was found lately."""
        self.plain: dict[str, RouteMatch] = {}
        self.by_group: dict[int | None, tuple[Endpoint, tuple[int, ...]]] = {}
        alternatives: list[str] = []
        groups = 0
        for endpoint in endpoints:
            if not endpoint.parameters:
                if re.match("|".join(alternatives) or r"(?!)", endpoint.path):
                    raise ValueError(f"{endpoint.name} is hidden by a route before it")
                self.plain[endpoint.path] = (endpoint, ())
                continue
            # The last group that matched tells which alternative did. Group 0, the whole path,
            # comes first, because `Match.group` gives a tuple only for two groups or more.
            first, groups = groups + 1, groups + len(endpoint.parameters)
            alternatives.append(f"{_pattern(endpoint.path)}\\Z")
            self.by_group[groups] = (endpoint, (0, *range(first, groups + 1)))
        self.match = re.compile("|".join(alternatives) or r"(?!)").match

    def find(self, path: str) -> RouteMatch | None:
        """The endpoint of this path, or none."""
        found = self.plain.get(path)
        if found is None:
            match = self.match(path)
            if match is None:
                return None
            endpoint, groups = self.by_group[match.lastindex]
            found = endpoint, match.group(*groups)[1:]
        if len(path) <= FOUND_CHARS_MAX:
            if len(self.found) >= FOUND_MAX:
                self.found.clear()
            self.found[path] = found
        return found


def _pattern(path: str) -> str:
    """The expression of a path's template; raises `KeyError` for an unknown convertor."""
    pattern, end = "", 0
    for parameter in _PARAMETER.finditer(path):
        pattern += re.escape(path[end : parameter.start()]) + _PATTERNS[parameter[2]]
        end = parameter.end()
    return pattern + re.escape(path[end:])
