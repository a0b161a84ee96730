"""Asking for a report, and fetching its file once its job is done."""

import re
from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from event_seating import errors
from event_seating.booking import ids
from event_seating.booking.house import HouseOf
from event_seating.booking.report import ReportKind, is_report, report_of
from event_seating.clock import Clock
from event_seating.db.database import Database
from event_seating.errors import EventNotFound, ReportNotFound, ServiceError
from event_seating.jobs import files, outbox
from event_seating.web.json_body import JsonBody
from event_seating.web.problem import documented

PRIVATE: Final = "private, no-store"


class ReportBody(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """`POST /reports`."""

    event_id: str
    kind: ReportKind


_FILE_ID: Final = re.compile(r"file-[0-9a-f]{32}\Z")

_REPORT: Final = JsonBody(ReportBody)

_CALLER: Final[tuple[type[ServiceError], ...]] = (
    errors.Unauthorized,
    errors.Forbidden,
    errors.RateLimited,
    errors.DatabaseUnavailable,
)


def router(database: Database, house_of: HouseOf, clock: Clock) -> APIRouter:
    """The routes, on these parts."""
    routes = APIRouter(tags=["reports"])

    @routes.post(
        "/reports",
        operation_id="askForReport",
        summary="Ask for a report",
        status_code=202,
        responses=documented(errors.InvalidRequest, errors.MalformedJson, EventNotFound, *_CALLER),
        openapi_extra=_REPORT.described(),
    )
    async def ask_for_report(request: Request) -> Response:
        """`sales`: a line for each seat of every booking, as CSV. The job's result names it."""
        asked = await _REPORT.of(request)
        if not ids.is_event_id(asked.event_id):
            raise EventNotFound
        await house_of(asked.event_id)
        job = report_of(asked.event_id, asked.kind)
        async with database.write() as connection:
            await outbox.add(connection, [job], clock.now_ms())
        address = f"/jobs/{job.id}"
        return Response(
            msgspec.json.encode({"jobId": job.id, "job": address}),
            202,
            headers={"location": address, "cache-control": PRIVATE},
            media_type="application/json",
        )

    @routes.get(
        "/reports/{id}",
        operation_id="readReport",
        summary="Fetch a report",
        responses=documented(ReportNotFound, *_CALLER),
    )
    async def read_report(id: str) -> Response:  # noqa: A002
        """For a day."""
        if not _FILE_ID.match(id):
            raise ReportNotFound
        async with database.read() as connection:
            head = await files.read(connection, id)
        if head is None or not is_report(head.name) or head.expires_at_ms <= clock.now_ms():
            raise ReportNotFound
        return StreamingResponse(
            files.chunks(database, head.id),
            headers={
                "cache-control": PRIVATE,
                "content-disposition": f'attachment; filename="{head.name}"',
                "content-length": str(head.bytes),
            },
            media_type=head.media_type,
        )

    return routes
