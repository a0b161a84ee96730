"""What each route declares, and which declaration a request falls under.

Owns `Endpoint`: everything about a route that others than itself act upon, in one place, from which
the edge, the budgets, the authorisation, the OpenAPI document and the pages of the documentation
derive. And `Endpoints`: the lookup by method and path, which the edge makes once for a request,
before the framework routes it. It agrees with the framework's own: the first declared route of the
method whose path matches is the one. It knows no noun and answers nothing.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from event_seating.cache.lru import LruCache
from event_seating.errors import ServiceError
from event_seating.web.asgi import Header, Ready, Receive, Scope, Send
from event_seating.web.roles import Role

WEBSOCKET: Final = "WEBSOCKET"
"""In place of a method: the route is a WebSocket's."""

ABSENT: Final = "ABSENT"
"""In place of a method: nothing is served there, and clients that ask for it by themselves are not
charged."""

_HANDSHAKES: Final = frozenset({"GET", WEBSOCKET, ABSENT})
"""What a GET is looked up among: a WebSocket's handshake is one, and costs as much when it comes as
a plain request."""

_PARAMETER: Final = re.compile(r"{(\w+)(?::(\w+))?}")

_PATTERNS: Final = {None: "([^/]++)", "path": "(.*)"}
"""What a parameter of a path matches, by its convertor; the framework's own, without backtracking.
"""


class Budget(Enum):
    """Which limit a request is charged to."""

    unlimited = "none"
    account = "account"
    seating = "seating"


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
        # As its own constructor does it, three times as fast: this is the hottest path of all.
        return tuple.__new__(Ready, (200, headers, encoded))

    return ReadyRead(key, read)


class RequestBody(Protocol):
    """The body that a route takes."""

    @property
    def bytes_max(self) -> int | None:
        """How long it may be; none: as the caller's role allows."""
        ...

    @property
    def media_types(self) -> frozenset[bytes]:
        """Of which types it may be."""
        ...

    @property
    def refuses(self) -> tuple[type[ServiceError], ...]:
        """With what a body that does not fit is refused."""
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
    """What it takes; none also where the framework decodes it."""
    ready: ReadyRead | None = None
    hot: bool = False
    """Whether every sale passes it, so that it is called without the framework."""
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
            raise ValueError(f"{self.path} is to have one parameter")
        object.__setattr__(self, "template", _PARAMETER.sub(r"{\1}", self.path))
        object.__setattr__(self, "parameters", parameters)

    @property
    def name(self) -> str:
        """`GET /users/{id}`: by which the tables of routes know it."""
        return f"{self.method} {self.template}"


RouteMatch: TypeAlias = tuple[Endpoint, tuple[str, ...]]
"""The endpoint that a request falls under, and the texts of its path's parameters. A plain tuple,
since making a named one takes longer than finding it."""


class Endpoints(Mapping[str, Endpoint]):
    """All endpoints that are served over HTTP by name, in the order of their declaration.

    `find` also knows those of WebSockets and those where nothing is.
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
        plain = table.plain.get(path)
        if plain is not None:
            return plain
        match = table.match(path)
        if match is None:
            return None
        endpoint, groups = table.by_group[match.lastindex]
        return endpoint, match.group(*groups)[1:]

    def methods_at(self, path: str) -> set[str]:
        """Every method that this path takes."""
        return {method for method in self._tables if self.find(method, path)} - {WEBSOCKET}


class _Table:
    """The endpoints of one method: a dictionary of plain paths, one expression for the others."""

    __slots__ = ("by_group", "match", "plain")

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
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
            # The last group that took part tells which alternative matched. Before the parameters
            # stands 0, the whole path: of two groups and more the texts come as a tuple.
            first, groups = groups + 1, groups + len(endpoint.parameters)
            alternatives.append(f"{_pattern(endpoint.path)}\\Z")
            self.by_group[groups] = (endpoint, (0, *range(first, groups + 1)))
        self.match = re.compile("|".join(alternatives) or r"(?!)").match


def _pattern(path: str) -> str:
    """The expression of a path's template; `KeyError` for a convertor that is not used here."""
    pattern, end = "", 0
    for parameter in _PARAMETER.finditer(path):
        pattern += re.escape(path[end : parameter.start()]) + _PATTERNS[parameter[2]]
        end = parameter.end()
    return pattern + re.escape(path[end:])
