"""A short way to the hot routes, which every sale passes: they are called without FastAPI.

FastAPI takes longer to find a route and its parameters than a hold itself takes (measured: 140 of
235 µs of CPU time). The hot routes need little of it: the path, and a header or two. So they are
declared to FastAPI like all others, for the OpenAPI document, but their functions are called from
here. Roles, errors and answers are the same.

Only a route whose parameters are texts of the path and headers can be hot: checking any other
parameter is FastAPI's business.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, NamedTuple

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute

from event_seating.errors import ServiceError
from event_seating.http_server.asgi import App, Receive, Scope, Send
from event_seating.web import problem
from event_seating.web.endpoints import Endpoint, RouteMatch
from event_seating.web.roles import admit
from event_seating.web.routes import DeclaredRoute, authorize


class Shortcut(NamedTuple):
    """One route."""

    route: APIRoute
    function: Callable[..., Awaitable[Response]]
    request: str
    """The name of the function's parameter that takes the request."""
    headers: tuple[tuple[str, bytes], ...]
    """Names of the parameters that take a header or none, and the headers in lower case."""


class HotRequest(Request):
    """A request whose body is read as a whole alone, which takes a third of the time."""

    async def body(self) -> bytes:
        """The whole body; raises `ClientDisconnect`."""
        if not hasattr(self, "_body"):
            parts: list[bytes] = []
            more = True
            while more:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                parts.append(message.get("body", b""))
                more = message.get("more_body", False)
            self._body = parts[0] if len(parts) == 1 else b"".join(parts)
        return self._body


class Shortcuts:
    """An ASGI app before another: answers the calls of hot endpoints and passes on all others.

    It needs the edge before it, which finds the endpoint (`endpoint_match` of the scope).
    """

    def __init__(self, app: App, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._by_endpoint: Final[dict[Endpoint, Shortcut]] = {
            route.declared: shortcut(route)
            for route in routes
            if isinstance(route, DeclaredRoute) and route.declared.hot
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        match = scope["endpoint_match"]
        short = self._by_endpoint.get(match[0]) if match is not None else None
        if short is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = short.route
        request = HotRequest(scope, receive, send)
        answer = await self._answer(short, request, match)
        await answer(scope, receive, send)

    async def _answer(self, short: Shortcut, request: Request, match: RouteMatch) -> Response:
        endpoint, texts = match
        arguments: dict[str, Any] = dict(zip(endpoint.parameters, texts, strict=True))
        arguments[short.request] = request
        headers = dict(request.scope["headers"])  # the edge has joined those that came twice
        for name, header in short.headers:
            value = headers.get(header)
            arguments[name] = None if value is None else value.decode("latin-1")
        try:
            admit(endpoint, request.scope["principal"])
            return await short.function(**arguments)
        except ServiceError as error:
            return await problem.on_service_error(request, error)
        except ClientDisconnect as error:
            return await problem.on_client_gone(request, error)


def shortcut(route: APIRoute) -> Shortcut:
    """The short way to a route; `ValueError` if its parameters need FastAPI."""
    needs = route.dependant
    others = [each for each in needs.dependencies if each.call is not authorize]
    if needs.query_params or needs.cookie_params or needs.body_params or others:
        raise ValueError(f"{route.path} has parameters that FastAPI has to check")
    if needs.request_param_name is None or not inspect.iscoroutinefunction(route.endpoint):
        raise ValueError(f"{route.path} has no coroutine that takes the request")
    texts = [field.name for field in needs.path_params if field.field_info.annotation is str]
    if sorted(texts) != sorted(route.param_convertors) or any(
        field.field_info.annotation != (str | None)
        or field.field_info.metadata
        or field.default is not None
        for field in needs.header_params
    ):
        raise ValueError(f"{route.path} has parameters that FastAPI has to check")
    headers = tuple(
        (field.name, field.alias.lower().encode("latin-1")) for field in needs.header_params
    )
    return Shortcut(route, route.endpoint, needs.request_param_name, headers)
