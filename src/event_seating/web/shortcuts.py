"""A short way to the few routes that every sale passes: their endpoints, called without FastAPI.

FastAPI finds a route and works out its parameters in longer than a hold itself takes (measured: 140
of 235 µs of the processor). What those routes need of it is little: their path, a
header or two. So they are declared to it like every other, which makes the OpenAPI document, and
their own endpoint is called from here. Roles, errors and answers are the same ones.

It takes only routes whose parameters are texts of the path and headers: whatever else a parameter
may be, checking it is FastAPI's business.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from fastapi import Request, Response
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, compile_path

from event_seating.errors import ServiceError
from event_seating.web import problem
from event_seating.web.asgi import App, Receive, Scope, Send

Authorize = Callable[[Request], Awaitable[None]]


class Shortcut(NamedTuple):
    """One route."""

    route: APIRoute
    pattern: re.Pattern[str]
    endpoint: Callable[..., Awaitable[Response]]
    request: str
    """The name of the endpoint's parameter that takes the request."""
    headers: tuple[tuple[str, str], ...]
    """Names of the parameters that take a header or none, and the headers."""


class Shortcuts:
    """An ASGI app before another: answers the calls that it knows and passes on all others."""

    def __init__(
        self, app: App, routes: Sequence[BaseRoute], calls: Iterable[str], authorize: Authorize
    ) -> None:
        self._app = app
        self._authorize = authorize
        self._by_method: Final[dict[str, list[Shortcut]]] = {}
        known = dict(_declared(routes))
        for call in calls:
            method = call.partition(" ")[0]
            self._by_method.setdefault(method, []).append(shortcut(known[call]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        for short in self._by_method.get(scope["method"], ()):
            match = short.pattern.match(scope["path"])
            if match:
                scope["route"] = short.route
                request = Request(scope, receive, send)
                answer = await self._answer(short, request, match.groupdict())
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _answer(self, short: Shortcut, request: Request, path: dict[str, str]) -> Response:
        arguments: dict[str, Any] = {short.request: request, **path}
        for name, header in short.headers:
            arguments[name] = request.headers.get(header)
        try:
            await self._authorize(request)
            return await short.endpoint(**arguments)
        except ServiceError as error:
            return await problem.on_service_error(request, error)
        except ClientDisconnect as error:
            return await problem.on_client_gone(request, error)


def shortcut(route: APIRoute) -> Shortcut:
    """The short way to a route; `ValueError` if its parameters need FastAPI."""
    needs = route.dependant
    if needs.query_params or needs.cookie_params or needs.body_params or needs.dependencies:
        raise ValueError(f"{route.path} has parameters that FastAPI has to check")
    if needs.request_param_name is None or not inspect.iscoroutinefunction(route.endpoint):
        raise ValueError(f"{route.path} has no coroutine that takes the request")
    pattern, _, convertors = compile_path(route.path)
    texts = [field.name for field in needs.path_params if field.field_info.annotation is str]
    if sorted(texts) != sorted(convertors) or any(
        field.field_info.annotation != (str | None)
        or field.field_info.metadata
        or field.default is not None
        for field in needs.header_params
    ):
        raise ValueError(f"{route.path} has parameters that FastAPI has to check")
    headers = tuple((field.name, field.alias) for field in needs.header_params)
    return Shortcut(route, pattern, route.endpoint, needs.request_param_name, headers)


def _declared(routes: Sequence[BaseRoute]) -> Iterable[tuple[str, APIRoute]]:
    """Each call by its name in the table of roles, and its route."""
    for context in iter_route_contexts(routes):
        route = context.original_route
        if isinstance(route, APIRoute):
            for method in route.methods or ():
                yield f"{method} {context.path}", route
