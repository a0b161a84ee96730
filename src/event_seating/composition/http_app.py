"""The ASGI app: every router behind the edge, and the table of cached reads.

The one place that knows all nouns' routes. Takes the parts that `server_services` built; builds
nothing that lives on its own.
"""

import re
from functools import cache
from typing import Final

import msgspec
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from event_seating.booking.api import list_routes, release_routes, report_routes, seat_routes
from event_seating.booking.api import routes as booking
from event_seating.booking.api.buyer_cookie import IN_HEADER
from event_seating.composition.server_services import Parts
from event_seating.errors import ServiceError
from event_seating.events import routes as events
from event_seating.live import routes as live
from event_seating.live.socket import LIVE_PATH, LiveSocket
from event_seating.operations import job_routes
from event_seating.operations import routes as operations
from event_seating.settings.model import Settings
from event_seating.users import model as users_model
from event_seating.users import routes as users
from event_seating.users.import_file import CSV, NDJSON
from event_seating.venues import routes as venues
from event_seating.version import VERSION
from event_seating.web import docs, openapi, problem, roles, seat_page, security
from event_seating.web.body import LargeBodies
from event_seating.web.budgets import Budgets
from event_seating.web.cors import Cors
from event_seating.web.edge import CachedRead, Edge, EdgeRules, ReadyRead
from event_seating.web.exchange import AccessLines
from event_seating.web.shortcuts import Shortcuts
from event_seating.web.sockets import Socket, SocketDoor
from event_seating.webhooks import routes as webhooks

UNLIMITED: Final = re.compile(
    r"/(?:\Z|(?:box-office|metrics|openapi\.json|favicon\.ico)\Z|page/|schemas/|(?:health|docs)(?:/|\Z))"
)
"""Health, metrics and static files are never limited."""

UNLIMITED_READS: Final = re.compile(
    r"/(?:venues/[^/]+(?:/versions/[^/]+)?|events/[^/]+/(?:seats|changes|live))\Z"
)
"""Maps and snapshots are ready bytes, changes are encoded once for all who follow, and thousands of
readers may share one address. Who follows is counted apart, by WebSocket and long poll alike."""

SEATING: Final = re.compile(
    r"/(?:events(?:/[^/]+)?\Z"
    r"|(?:events/[^/]+/(?:holds|blocks|bookings|seats/[^/]+)|holds|bookings)(?:/|\Z))"
)
"""What looks at events and bookings, takes single seats and gives them back: picking them by hand
takes more calls than an account does."""

SEAT_MAP_BYTES_MAX: Final = 32 * 1024 * 1024
"""Three times a map of 100,000 seats, so that its seats may have fields that we do not know."""

SEAT_MAPS: Final = LargeBodies(
    re.compile(r"/venues(?:/[^/]+)?\Z"), SEAT_MAP_BYTES_MAX, security.ACCESS["PUT /venues/{id}"]
)

USER_FILES: Final = LargeBodies(
    re.compile(r"/users/import\Z"),
    32 * 1024 * 1024,
    security.ACCESS["POST /users/import"],
    frozenset({CSV.encode(), NDJSON.encode()}),
)
"""Three times 100,000 users with long names."""

LOCAL_NAMES: Final = frozenset({b"localhost", b"127.0.0.1", b"[::1]", b""})
"""What `Host` may be when the server listens on this machine only; HTTP/1.0 sends none."""


def build(parts: Parts) -> Edge:
    """The app on these parts."""
    settings = parts.settings
    routes = api(parts)
    cors = Cors(settings.cors_origins)
    budgets = _budgets(parts)
    access = AccessLines(parts.logs.access, parts.clock.monotonic)
    parts.metrics.attach_wrong_keys(lambda: budgets.wrong_keys)
    return Edge(
        Shortcuts(routes, routes.routes, booking.OF_EVERY_SALE, authorize),
        EdgeRules(
            cached_reads=(_cached_users(parts),),
            ready_reads=(_snapshots(parts),),
            large_bodies=(SEAT_MAPS, USER_FILES),
            hosts=_hosts(settings),
            trusted_proxies=settings.trusted_proxies,
            buyer_cookie=IN_HEADER,
        ),
        authenticator=parts.authenticator,
        budgets=budgets,
        cors=cors,
        access=access,
        metrics=parts.metrics,
        draining=lambda: parts.health.draining,
        sockets=_sockets(parts, cors, budgets, access),
    )


async def authorize(request: Request) -> None:
    """Raise `Unauthorized` or `Forbidden` as the table of who may call what says."""
    path = request.scope["route"].path_format
    roles.allow(request.scope["principal"], security.ACCESS[f"{request.method} {path}"])


def api(parts: Parts) -> FastAPI:
    """Every route, without the edge."""
    routes = FastAPI(
        title="Event Seating",
        version=VERSION,
        description="The self-hosted seating engine that never sells a seat twice.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(authorize)],
        exception_handlers={
            ServiceError: problem.on_service_error,
            RequestValidationError: problem.on_invalid_request,
            HTTPException: problem.on_http_exception,
            ClientDisconnect: problem.on_client_gone,
            Exception: problem.on_crash,
        },
    )
    routes.include_router(users.router(parts.users, parts.user_asking))
    routes.include_router(venues.router(parts.venues))
    routes.include_router(events.router(parts.events))
    routes.include_router(booking.router(parts.bookings, parts.buyers))
    routes.include_router(release_routes.router(parts.hold_releases, parts.buyers))
    routes.include_router(
        seat_routes.router(
            parts.seat_views, parts.seat_logs, parts.bookable_events.get, parts.database
        )
    )
    routes.include_router(
        list_routes.router(
            parts.seat_logs, parts.bookable_events.get, parts.database, parts.users.exists
        )
    )
    routes.include_router(report_routes.router(parts.bookable_events.get, parts.job_requests))
    routes.include_router(webhooks.router(parts.webhooks))
    routes.include_router(live.router(parts.live))
    routes.include_router(
        operations.cache_router(
            parts.user_cache, lambda: parts.users.coalesced, parts.users.clear_cache, parts.clock
        )
    )
    routes.include_router(job_routes.router(parts.jobs, parts.database, parts.clock))
    routes.include_router(operations.health_router(parts.health, parts.clock))
    routes.include_router(operations.metrics_router(parts.metrics.render))
    routes.include_router(docs.router())
    routes.include_router(seat_page.router(_booking(parts.settings)))

    @cache
    def document() -> bytes:
        # Made when it is first asked for: it takes a good part of a start.
        return msgspec.json.encode(openapi.document(routes, security.ACCESS, is_limited))

    @routes.get("/openapi.json", include_in_schema=False)
    async def read_openapi() -> Response:
        return Response(document(), media_type="application/json")

    return routes


def _cached_users(parts: Parts) -> CachedRead:
    pattern = users_model.USER_ID_PATTERN.removeprefix("^").removesuffix("$")
    return CachedRead(
        route="/users/{id}",
        pattern=re.compile(rf"/users/({pattern})\Z"),
        cache=parts.user_cache,
        role=security.ACCESS["GET /users/{id}"],
        headers=users.HEADERS,
    )


def _snapshots(parts: Parts) -> ReadyRead:
    return ReadyRead(
        route="/events/{id}/seats",
        pattern=re.compile(seat_routes.SEATS_PATH),
        read=parts.seat_views.ready,
        role=security.ACCESS["GET /events/{id}/seats"],
    )


def _sockets(parts: Parts, cors: Cors, budgets: Budgets, access: AccessLines) -> SocketDoor:
    return SocketDoor(
        (
            Socket(
                route="/events/{id}/live",
                pattern=re.compile(LIVE_PATH),
                serve=LiveSocket(parts.live, parts.clock.monotonic),
            ),
        ),
        hosts=_hosts(parts.settings),
        trusted_proxies=parts.settings.trusted_proxies,
        authenticator=parts.authenticator,
        budgets=budgets,
        cors=cors,
        access=access,
        draining=lambda: parts.health.draining,
    )


def _budgets(parts: Parts) -> Budgets:
    return Budgets(
        parts.limits,
        unlimited=UNLIMITED,
        unlimited_reads=UNLIMITED_READS,
        seating_paths=SEATING,
        known_buyer=parts.buyers.name_of,
    )


def _booking(settings: Settings) -> seat_page.Booking:
    """Where booking needs a key, the page cannot, for it has none."""
    return seat_page.Booking(settings.open_without_key, settings.checkout_url)


def _hosts(settings: Settings) -> frozenset[bytes] | None:
    if settings.production or not settings.loopback:
        return None
    return LOCAL_NAMES | {settings.host.encode()}


def is_limited(method: str, path: str) -> bool:
    """Whether one of the rate limits holds for a route; `path` is its template."""
    return bool(SEATING.match(path)) or not (
        UNLIMITED.match(path) or (method == "GET" and UNLIMITED_READS.match(path))
    )
