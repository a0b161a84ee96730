"""How a route is declared: once, beside its function, with all that other parts need to know.

`Routes` is a router of the framework whose routes cannot be made without an `Endpoint`: who may
call it, which limit it is charged to, what body it takes and what it refuses. Everything else
derives from these: see `endpoints`. Nothing is said a second time in the framework's own options:
the refusals become the errors of the OpenAPI document, the body its request body.
"""

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import Any, Final, TypedDict, TypeVar, Unpack

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute

from event_seating.errors import IdempotencyKeyReused, ServiceError
from event_seating.web.endpoints import (
    ABSENT,
    WEBSOCKET,
    Budget,
    Endpoint,
    ReadyRead,
    RequestBody,
    WebSocketRoute,
)
from event_seating.web.problem import documented
from event_seating.web.roles import Role, admit

IDEMPOTENCY_KEY: Final = "Idempotency-Key"

Function = TypeVar("Function", bound=Callable[..., Awaitable[Any]])

Answers = dict[int | str, dict[str, Any]]


class RouteRules(TypedDict, total=False):
    """What is declared of a route besides its method, its path and who may call it."""

    budget: Budget
    body: RequestBody
    ready: ReadyRead
    hot: bool
    idempotent: bool
    refuses: tuple[type[ServiceError], ...]


class RouteOptions(RouteRules, total=False):
    """The rules, and the framework's own options for the OpenAPI document."""

    operation_id: str
    summary: str
    status_code: int
    response_model: Any
    response_model_exclude_none: bool
    response_class: type[Response]
    responses: Answers
    openapi_extra: dict[str, Any]
    include_in_schema: bool


class DeclaredRoute(APIRoute):
    """A route of the framework that knows its endpoint."""

    declared: Endpoint


async def authorize(request: Request) -> None:
    """Raise `Unauthorized` or `Forbidden` unless the caller may call the route."""
    admit(request.scope["route"].declared, request.scope["principal"])


class Routes:
    """Routes of one kind, and their endpoints in the order of their declaration."""

    def __init__(self, *, tags: Sequence[str | Enum] = (), include_in_schema: bool = True) -> None:
        self.router: Final = APIRouter(
            tags=list(tags),
            include_in_schema=include_in_schema,
            dependencies=[Depends(authorize)],
            route_class=DeclaredRoute,
        )
        self.endpoints: Final[list[Endpoint]] = []

    def get(
        self, path: str, *, access: Role, **options: Unpack[RouteOptions]
    ) -> Callable[[Function], Function]:
        """Declare what answers GET, and HEAD."""
        return self._declaring("GET", path, access, options)

    def post(
        self, path: str, *, access: Role, **options: Unpack[RouteOptions]
    ) -> Callable[[Function], Function]:
        """Declare what answers POST."""
        return self._declaring("POST", path, access, options)

    def put(
        self, path: str, *, access: Role, **options: Unpack[RouteOptions]
    ) -> Callable[[Function], Function]:
        """Declare what answers PUT."""
        return self._declaring("PUT", path, access, options)

    def patch(
        self, path: str, *, access: Role, **options: Unpack[RouteOptions]
    ) -> Callable[[Function], Function]:
        """Declare what answers PATCH."""
        return self._declaring("PATCH", path, access, options)

    def delete(
        self, path: str, *, access: Role, **options: Unpack[RouteOptions]
    ) -> Callable[[Function], Function]:
        """Declare what answers DELETE."""
        return self._declaring("DELETE", path, access, options)

    def websocket(self, path: str, route: WebSocketRoute, *, access: Role, budget: Budget) -> None:
        """Declare a WebSocket; a plain GET of its path is charged to `budget` and not found."""
        self.endpoints.append(
            Endpoint(method=WEBSOCKET, path=path, access=access, budget=budget, websocket=route)
        )

    def absent(self, path: str) -> None:
        """Declare that nothing is served there and that a request for it is never limited."""
        self.endpoints.append(
            Endpoint(method=ABSENT, path=path, access=Role.anyone, budget=Budget.unlimited)
        )

    def include(self, *others: "Routes") -> None:
        """Add the routes of all of these."""
        for other in others:
            # Not as a nested router, which the framework would search separately for each request.
            self.router.routes.extend(other.router.routes)
            self.endpoints.extend(other.endpoints)

    def _declaring(
        self, method: str, path: str, access: Role, options: RouteOptions
    ) -> Callable[[Function], Function]:
        rules: dict[str, Any] = {}
        described: dict[str, Any] = {}
        for name, value in options.items():
            (rules if name in RouteRules.__annotations__ else described)[name] = value
        rules["refuses"] = _refusals(options)
        endpoint = Endpoint(method=method, path=path, access=access, **rules)
        described["responses"] = documented(*endpoint.refuses) | options.get("responses", {})
        if endpoint.body is not None:
            described["openapi_extra"] = endpoint.body.described()

        def declare(function: Function) -> Function:
            self.router.add_api_route(path, function, methods=[method], **described)
            route = self.router.routes[-1]
            assert isinstance(route, DeclaredRoute)
            route.declared = endpoint
            _check(route)
            self.endpoints.append(endpoint)
            return function

        return declare


def _refusals(rules: RouteRules) -> tuple[type[ServiceError], ...]:
    """The errors that a route declares, and those that follow from its body and its key."""
    body = rules.get("body")
    of_body = body.refuses if body is not None else ()
    of_key = (IdempotencyKeyReused,) if rules.get("idempotent") else ()
    return tuple(dict.fromkeys((*rules.get("refuses", ()), *of_body, *of_key)))


def _check(route: DeclaredRoute) -> None:
    """Raise `ValueError` unless the function takes a key if and only if that is declared."""
    takes_key = any(field.alias == IDEMPOTENCY_KEY for field in route.dependant.header_params)
    if takes_key != route.declared.idempotent:
        name = route.declared.name
        raise ValueError(
            f"{name} must declare `idempotent` if and only if it takes {IDEMPOTENCY_KEY}"
        )
