"""The routes about jobs, and of the files that they made."""

import re
from typing import Any, Final

from fastapi import Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from event_seating.clock import Clock
from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable, InvalidRequest
from event_seating.jobs import files
from event_seating.jobs.model import JobState, NewJob
from event_seating.jobs.outbox import OutboxRow
from event_seating.operations.errors import FileNotFound, JobNotFailed, JobNotFound
from event_seating.operations.jobs import JobReader, JobView, QueueView, Throughput
from event_seating.values import rfc3339
from event_seating.web.cache_control import PRIVATE
from event_seating.web.idempotency import REPLAYED
from event_seating.web.media_types import CSV
from event_seating.web.pages import LIMIT_DEFAULT, decode_cursor, encode_cursor, page
from event_seating.web.parameters import Cursor, Limit
from event_seating.web.roles import Role
from event_seating.web.routes import Routes
from event_seating.web.schemas import DATE_TIME, TEXT

_FILE_ID: Final = re.compile(r"file-[0-9a-f]{32}\Z")


class JobBody(BaseModel):
    """A job, as the API answers it."""

    id: str
    name: str
    state: str = Field(description="waiting, active, delayed, completed or failed")
    progress: Any = Field(description="How far the job is, as it reports.")
    result: Any = Field(description="What the job answered; kept for 24 hours.")
    error: str | None = Field(description="Why it failed, or why its last attempt did.")


class FailedJobBody(BaseModel):
    """A job that failed for good."""

    id: str
    name: str
    queue: str
    error: str
    createdAt: str = Field(json_schema_extra=DATE_TIME)  # noqa: N815 (the API's names are camelCase)
    failedAt: str = Field(json_schema_extra=DATE_TIME)  # noqa: N815


class FailedJobsBody(BaseModel):
    """A page of jobs that failed for good."""

    items: list[FailedJobBody]
    nextCursor: str | None  # noqa: N815


class DurationBody(BaseModel):
    """How long jobs took within the last minute."""

    mean: float
    longest: float


class QueueBody(BaseModel):
    """A queue in numbers; those that only Redis knows are null while it is unavailable."""

    name: str
    waiting: int | None
    active: int | None
    completed: int | None = Field(description="Redis keeps the last 100.")
    failed: int
    delayed: int | None
    throughputPerSecond: float = Field(  # noqa: N815
        description="Jobs done a second, within the last minute."
    )
    durationMs: DurationBody | None  # noqa: N815
    commitToDoneMs: float | None = Field(  # noqa: N815
        description="From the commit that asked for a job to the one that ended it, on average."
    )


class JobsBody(BaseModel):
    """All jobs in numbers."""

    queues: list[QueueBody]
    redis: str = Field(description="ok or unavailable")
    oldestSeconds: float | None = Field(  # noqa: N815
        description="Age of the oldest job that is not done."
    )
    lastErrors: list[FailedJobBody]  # noqa: N815


def accepted(job: NewJob, replayed: bool = False) -> Response:
    """The answer that a job will do what was asked, to this call or to an earlier one."""
    body = JobBody(
        id=job.id, name=job.name, state=JobState.waiting, progress=None, result=None, error=None
    )
    headers = {"location": f"/jobs/{job.id}", "cache-control": PRIVATE}
    headers.update(REPLAYED if replayed else {})
    return JSONResponse(body.model_dump(), 202, headers=headers)


def router(jobs: JobReader, database: Database, clock: Clock) -> Routes:
    routes = Routes(tags=["jobs"])
    _add_reading(routes, jobs)
    _add_one(routes, jobs)
    _add_files(routes, database, clock)
    return routes


def _add_reading(routes: Routes, jobs: JobReader) -> None:
    @routes.get(
        "/jobs",
        access=Role.admin,
        refuses=(DatabaseUnavailable,),
        operation_id="readJobs",
        summary="All jobs in numbers",
    )
    async def read_jobs() -> JobsBody:
        """How many wait, how fast they are done, and what went wrong last."""
        found = await jobs.overview()
        return JobsBody(
            queues=[_queue(queue) for queue in found.queues],
            redis="ok" if found.redis else "unavailable",
            oldestSeconds=None if found.oldest_s is None else round(found.oldest_s, 3),
            lastErrors=[_failed(row) for row in found.last_errors],
        )

    @routes.get(
        "/jobs/failed",
        access=Role.admin,
        refuses=(InvalidRequest, DatabaseUnavailable),
        operation_id="listFailedJobs",
        summary="Jobs that failed for good",
    )
    async def list_failed(limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> FailedJobsBody:
        """The latest first, of the last 30 days."""
        after = decode_cursor(cursor, tuple[int, str]) if cursor else None
        items, last = page(await jobs.failed(after, limit + 1), limit)
        following = encode_cursor(last.failed_at_ms or 0, last.id) if last else None
        return FailedJobsBody(items=[_failed(row) for row in items], nextCursor=following)


def _add_one(routes: Routes, jobs: JobReader) -> None:
    @routes.get(
        "/jobs/{id}",
        access=Role.box_office,
        refuses=(JobNotFound, DatabaseUnavailable),
        operation_id="readJob",
        summary="Read a job",
        response_model=JobBody,
    )
    async def read_job(id: str) -> Response:  # noqa: A002 (the API's name for it)
        """Until a day after it was done, or a month after it failed."""
        return _job(await jobs.one(id))

    @routes.post(
        "/jobs/{id}/retry",
        access=Role.admin,
        refuses=(JobNotFound, JobNotFailed, DatabaseUnavailable),
        operation_id="retryJob",
        summary="Try a failed job again",
        status_code=202,
        response_model=JobBody,
    )
    async def retry_job(id: str) -> Response:  # noqa: A002
        """With all its attempts, as if it were new."""
        return _job(await jobs.retry(id), 202)


def _add_files(routes: Routes, database: Database, clock: Clock) -> None:
    @routes.get(
        "/files/{id}",
        access=Role.box_office,
        refuses=(FileNotFound, DatabaseUnavailable),
        operation_id="readFile",
        summary="Fetch a file that a job made",
        response_class=Response,
        responses={200: {"content": {CSV: TEXT}}},
    )
    async def read_file(id: str) -> Response:  # noqa: A002
        """The result of the job names it; how long it is kept depends on the job."""
        if not _FILE_ID.match(id):
            raise FileNotFound
        async with database.read() as connection:
            head = await files.read(connection, id)
        gone = head is None or head.expires_at_ms <= clock.now_ms()
        if head is None or gone or head.name == files.UPLOAD:
            raise FileNotFound
        headers = {
            "cache-control": PRIVATE,
            "content-disposition": f'attachment; filename="{head.name}"',
            "content-length": str(head.bytes),
        }
        return StreamingResponse(
            files.chunks(database, head.id), headers=headers, media_type=head.media_type
        )


def _job(view: JobView, status: int = 200) -> Response:
    return JSONResponse(view._asdict(), status, headers={"cache-control": PRIVATE})


def _failed(row: OutboxRow) -> FailedJobBody:
    return FailedJobBody(
        id=row.id,
        name=row.name,
        queue=row.queue,
        error=row.error or "failed",
        createdAt=rfc3339.to_text(row.created_at_ms),
        failedAt=rfc3339.to_text(row.failed_at_ms or 0),
    )


def _queue(view: QueueView) -> QueueBody:
    counts, done = view.counts, view.done
    return QueueBody(
        name=view.name,
        waiting=counts.waiting if counts else None,
        active=counts.active if counts else None,
        completed=counts.completed if counts else None,
        failed=view.failed,
        delayed=counts.delayed if counts else None,
        throughputPerSecond=round(done.per_s, 3) if done else 0.0,
        durationMs=_duration(done),
        commitToDoneMs=round(done.latency_ms, 1) if done else None,
    )


def _duration(done: Throughput | None) -> DurationBody | None:
    if done is None:
        return None
    return DurationBody(mean=round(done.mean_ms, 1), longest=round(done.longest_ms, 1))
