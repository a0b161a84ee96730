"""A job in a test: run by hand, with what its handler says about it kept."""

from typing import Any

from sqlalchemy import select

from event_seating.db.database import Database
from event_seating.db.tables import outbox
from event_seating.jobs.handler import Job
from event_seating.jobs.ids import new_job_id


class ReportedProgress:
    """What a handler reported."""

    def __init__(self) -> None:
        self.progress: list[dict[str, Any]] = []

    async def report(self, progress: dict[str, Any]) -> None:
        self.progress.append(progress)


def job(
    name: str, payload: dict[str, Any], event_id: str = "", told: ReportedProgress | None = None
) -> Job:
    """A job as a worker hands it over; that it is finished is the worker's affair here."""

    async def finish(_connection: object, _result: object) -> None:
        raise AssertionError("this handler returns its result")

    report = (told or ReportedProgress()).report
    return Job(new_job_id(), event_id, name, payload, 1, False, finish, report)


async def asked(database: Database) -> list[tuple[str, str, str, str]]:
    """The jobs of the outbox: queue, name, event, payload."""
    async with database.read() as connection:
        rows = (await connection.execute(select(outbox))).all()
    return [(row.queue, row.name, row.event_id, row.payload) for row in rows]
