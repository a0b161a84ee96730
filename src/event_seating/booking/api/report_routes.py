"""The route that asks for a report; the result of its job has the address of the file."""

from typing import Final

import msgspec
from fastapi import Request, Response

from event_seating import errors
from event_seating.booking.api import examples
from event_seating.booking.effects.reports import ReportKind, report_of
from event_seating.booking.seating import ids
from event_seating.booking.seating.bookable_event import BookableEventOf
from event_seating.errors import EventNotFound
from event_seating.jobs.requests import JobRequests
from event_seating.operations.job_routes import JobBody, accepted
from event_seating.web.idempotency import call_of
from event_seating.web.json_body import JsonBody
from event_seating.web.parameters import Key
from event_seating.web.roles import Role
from event_seating.web.routes import Routes


class ReportBody(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """`POST /reports`."""

    event_id: str
    kind: ReportKind


_REPORT: Final = JsonBody(ReportBody, examples=examples.REPORT)


def router(bookable_of: BookableEventOf, job_requests: JobRequests) -> Routes:
    routes = Routes(tags=["reports"])

    @routes.post(
        "/reports",
        access=Role.box_office,
        body=_REPORT,
        idempotent=True,
        refuses=(EventNotFound, errors.DatabaseUnavailable),
        operation_id="askForReport",
        summary="Ask for a report",
        status_code=202,
        response_model=JobBody,
    )
    async def ask_for_report(request: Request, key: Key = None) -> Response:
        """`sales`: a line for each seat of every booking, as CSV. The job's result names it."""
        asked = await _REPORT.of(request)
        if not ids.is_event_id(asked.event_id):
            raise EventNotFound
        await bookable_of(asked.event_id)
        call = call_of(request, key, msgspec.json.encode(asked))
        job = report_of(asked.event_id, asked.kind)
        return accepted(*await job_requests.ask_alone(job, call))

    return routes
