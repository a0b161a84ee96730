"""Every name by which others know something of ours: one line each, what it names in front."""

from collections.abc import Iterator

from event_seating.booking.effects.cancelled_events import CANCEL_EVENT
from event_seating.booking.effects.follow_up_jobs import (
    CANCELLATION,
    CONFIRMATION,
    NEWS,
    NEWS_TYPES,
)
from event_seating.booking.effects.reports import REPORT
from event_seating.composition import http_app
from event_seating.composition.server_services import ServerServices
from event_seating.db import schema
from event_seating.db.tables import metadata
from event_seating.errors import ServiceError
from event_seating.jobs.model import QUEUES
from event_seating.jobs.purge import PURGE
from event_seating.settings.describe import described
from event_seating.settings.model import Settings
from event_seating.users.jobs import CREATE_USER, IMPORT_USERS
from event_seating.users.new_users import WELCOME
from event_seating.web.endpoints import Endpoints
from event_seating.webhooks.model import TEST
from event_seating.webhooks.service import WEBHOOK

JOBS = (
    CANCEL_EVENT, CANCELLATION, CONFIRMATION, CREATE_USER, IMPORT_USERS, NEWS, PURGE, REPORT,
    WEBHOOK, WELCOME,
)  # fmt: skip

ENDS = {"counter": "_total", "info": "_info"}
"""As Prometheus shows a family's name."""


def of_service(parts: ServerServices) -> str:
    """All of them, sorted, a line each."""
    lines = sorted({*_fixed(), *_of_parts(parts)})
    return "\n".join(lines) + "\n"


def _fixed() -> Iterator[str]:
    for table in metadata.tables.values():
        for column in table.columns:
            null = "" if column.nullable else " not null"
            key = " key" if column.primary_key else ""
            yield f"column {table.name}.{column.name} {column.type}{null}{key}"
        for index in table.indexes:
            columns = ", ".join(column.name for column in index.columns)
            yield f"index {index.name} on {table.name} ({columns})"
    yield f"schema {schema.newest()}"
    for error in ServiceError.every():
        yield f"error {error.status} {error.code}"
    for name, default, _ in described():
        yield f"setting {name} = {default}"
    for name in Settings.secret_names:
        yield f"setting {name}_FILE"
    yield from (f"queue {name}" for name in QUEUES)
    yield from (f"job {name}" for name in JOBS)
    yield from (f"webhook {name}" for name in (*NEWS_TYPES, TEST))


def _of_parts(parts: ServerServices) -> Iterator[str]:
    yield from _of_routes(http_app.api(parts).endpoints)
    for family in parts.metrics.registry.collect():
        if not family.name.startswith(("process_", "python_")):
            yield f"metric {family.name}{ENDS.get(family.type, '')} ({family.type})"


def _of_routes(endpoints: Endpoints) -> Iterator[str]:
    for name, endpoint in endpoints.items():
        yield f"route {name} ({endpoint.access.name})"
    for endpoint in endpoints.websockets:
        assert endpoint.websocket is not None
        key = endpoint.websocket.key.pattern
        yield f"route WEBSOCKET {endpoint.path.replace('{id}', f'({key})')}\\Z"
