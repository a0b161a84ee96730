"""Asking for a report; the result of its job says where its file is."""

from collections.abc import Callable
from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response

from event_seating import errors
from event_seating.booking.api import examples
from event_seating.booking.effects.reports import ReportKind, report_of
from event_seating.booking.seating import ids
from event_seating.booking.seating.bookable_event import BookableEventOf
from event_seating.clock import Clock
from event_seating.db.database import Database
from event_seating.errors import EventNotFound
from event_seating.jobs import outbox
from event_seating.operations.job_routes import JobBody, accepted
from event_seating.web.idempotency import REPLAYED, Key, call_of
from event_seating.web.json_body import JsonBody
from event_seating.web.problem import documented


class ReportBody(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """`POST /reports`."""

    event_id: str
    kind: ReportKind


_REPORT: Final = JsonBody(ReportBody, examples=examples.REPORT)


def router(
    database: Database,
    bookable_of: BookableEventOf,
    clock: Clock,
    nudge: Callable[[], None] = lambda: None,
) -> APIRouter:
    """The route, on these parts; `nudge` is called when there is a new job."""
    routes = APIRouter(tags=["reports"])

    @routes.post(
        "/reports",
        operation_id="askForReport",
        summary="Ask for a report",
        status_code=202,
        response_model=JobBody,
        responses=documented(
            errors.InvalidRequest,
            errors.MalformedJson,
            EventNotFound,
            errors.IdempotencyKeyReused,
            errors.DatabaseUnavailable,
        ),
        openapi_extra=_REPORT.described(),
    )
    async def ask_for_report(request: Request, key: Key = None) -> Response:
        """`sales`: a line for each seat of every booking, as CSV. The job's result names it."""
        asked = await _REPORT.of(request)
        if not ids.is_event_id(asked.event_id):
            raise EventNotFound
        await bookable_of(asked.event_id)
        call = call_of(request, key, msgspec.json.encode(asked))
        job = report_of(asked.event_id, asked.kind)
        async with database.write() as connection:
            before = await outbox.add_for(database, connection, job, call, clock.now_ms())
        nudge()
        answer = accepted(before or job)
        answer.headers.update(REPLAYED if before else {})
        return answer

    return routes
