"""The ASGI app: every noun's routes behind the edge.

The one place that knows the routes of all nouns. It reads what they declare into one table,
`Endpoints`, from which the edge and everything else in `web` derives what it needs. It takes the
parts that `server_services` built, and builds no other long-lived object.
"""

from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

import msgspec
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from event_seating.booking.api import list_routes, release_routes, report_routes, seat_routes
from event_seating.booking.api import routes as booking
from event_seating.booking.api.buyer_cookie import IN_HEADER
from event_seating.composition.server_services import ServerServices
from event_seating.errors import ServiceError
from event_seating.events import routes as events
from event_seating.live import routes as live
from event_seating.operations import job_routes
from event_seating.operations import routes as operations
from event_seating.settings.model import Settings
from event_seating.users import routes as users
from event_seating.venues import routes as venues
from event_seating.version import VERSION
from event_seating.web import docs, openapi, problem, seat_page
from event_seating.web.budgets import Budgets
from event_seating.web.cors import Cors
from event_seating.web.edge import Edge, EdgeRules
from event_seating.web.endpoints import Endpoints
from event_seating.web.exchange import AccessLines
from event_seating.web.routes import DeclaredRoute, Routes
from event_seating.web.shortcuts import Shortcuts
from event_seating.web.websockets import WebSocketAdmission
from event_seating.webhooks import routes as webhooks

LOCAL_NAMES: Final = frozenset({b"localhost", b"127.0.0.1", b"[::1]", b""})
"""What `Host` may be when the server listens on this machine only; HTTP/1.0 sends none."""


class Api(NamedTuple):
    """The framework's app, and what its routes declare."""

    app: FastAPI
    endpoints: Endpoints


def build(parts: ServerServices) -> Edge:
    """The app that serves these parts."""
    settings = parts.settings
    app, endpoints = api(parts)
    cors = Cors(settings.cors_origins)
    budgets = Budgets(parts.limits, known_buyer=parts.buyers.name_of)
    access = AccessLines(parts.logs.access, parts.clock.monotonic)
    parts.metrics.attach_wrong_keys(lambda: budgets.wrong_keys)
    return Edge(
        Shortcuts(app, app.routes),
        EdgeRules(
            hosts=_hosts(settings),
            trusted_proxies=settings.trusted_proxies,
            buyer_cookie=IN_HEADER,
        ),
        endpoints,
        authenticator=parts.authenticator,
        budgets=budgets,
        cors=cors,
        access=access,
        metrics=parts.metrics,
        draining=lambda: parts.health.draining,
        websockets=_websockets(parts, endpoints, cors, budgets, access),
    )


def api(parts: ServerServices) -> Api:
    """Every route, without the edge; raises `TypeError` for one that declares nothing."""

    @cache
    def document() -> bytes:
        # Made when it is first asked for: it takes a good part of a start.
        return msgspec.json.encode(openapi.document(app, endpoints))

    routes = declared(parts, document)
    endpoints = Endpoints(routes.endpoints)
    app = FastAPI(
        title="Event Seating",
        version=VERSION,
        description="The self-hosted seating engine that never sells a seat twice.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={
            ServiceError: problem.on_service_error,
            RequestValidationError: problem.on_invalid_request,
            HTTPException: problem.on_http_exception(endpoints.methods_at),
            ClientDisconnect: problem.on_client_gone,
            Exception: problem.on_crash,
        },
    )
    for route in routes.router.routes:
        if not isinstance(route, DeclaredRoute):
            raise TypeError(f"{route} declares nothing")
        app.router.routes.append(route)
    return Api(app, endpoints)


def declared(parts: ServerServices, document: Callable[[], bytes]) -> Routes:
    """Every noun's routes; `document` makes the OpenAPI document of them."""
    bookable_of, database, clock = parts.bookable_events.get, parts.database, parts.clock
    routes = Routes()
    routes.include(
        users.router(parts.users, parts.user_cache, parts.user_job_requests),
        venues.router(parts.venues),
        events.router(parts.events),
        booking.router(parts.bookings, parts.buyers),
        release_routes.router(parts.hold_releases, parts.buyers),
        seat_routes.router(parts.seat_views, parts.seat_logs, bookable_of, database),
        list_routes.router(parts.seat_logs, bookable_of, database, parts.users.exists),
        report_routes.router(bookable_of, parts.job_requests),
        webhooks.router(parts.webhooks),
        live.router(parts.live, clock.monotonic),
        operations.cache_router(
            parts.user_cache, lambda: parts.users.coalesced, parts.users.clear_cache, clock
        ),
        job_routes.router(parts.jobs, database, clock),
        operations.health_router(parts.health, clock),
        operations.metrics_router(parts.metrics.render),
        docs.router(document),
        seat_page.router(_booking_way(parts.settings)),
    )
    return routes


def _websockets(
    parts: ServerServices, endpoints: Endpoints, cors: Cors, budgets: Budgets, access: AccessLines
) -> WebSocketAdmission:
    return WebSocketAdmission(
        endpoints,
        hosts=_hosts(parts.settings),
        trusted_proxies=parts.settings.trusted_proxies,
        authenticator=parts.authenticator,
        budgets=budgets,
        cors=cors,
        access=access,
        draining=lambda: parts.health.draining,
    )


def _booking_way(settings: Settings) -> seat_page.BookingWay:
    """A page has no key, so it books by itself only where booking needs none."""
    return seat_page.BookingWay(settings.open_without_key, settings.checkout_url)


def _hosts(settings: Settings) -> frozenset[bytes] | None:
    if settings.production or not settings.loopback:
        return None
    return LOCAL_NAMES | {settings.host.encode()}
