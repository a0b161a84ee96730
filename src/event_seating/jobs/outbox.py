"""The statements about jobs that are not done, and the results of those that are.

No rules and no transactions of their own: whoever causes a job writes its row in the transaction of
the cause, whoever does it takes the row out in the transaction of the effect. A row that is not
there means that the job is done.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.db.tables import job_results, outbox
from event_seating.jobs.model import NewJob

_ADD = insert(outbox)

_BY_ID = select(outbox).where(outbox.c.id == bindparam("id"))

_IS_OPEN = (
    select(outbox.c.id)
    .where(outbox.c.event_id == bindparam("event_id"))
    .where(outbox.c.id == bindparam("id"))
)

_REMOVE = (
    delete(outbox)
    .where(outbox.c.event_id == bindparam("b_event_id"))
    .where(outbox.c.id == bindparam("b_id"))
    .returning(outbox.c.queue, outbox.c.name, outbox.c.created_at_ms)
)


async def add(connection: AsyncConnection, jobs: Sequence[NewJob], now_ms: int) -> None:
    """Ask for these jobs; they run once the transaction is committed."""
    if jobs:
        await connection.execute(_ADD, [_row(job, now_ms) for job in jobs])


async def is_open(connection: AsyncConnection, event_id: str, job_id: str) -> bool:
    """Whether the job is still to be done, or was given up."""
    key = {"event_id": event_id, "id": job_id}
    return (await connection.execute(_IS_OPEN, key)).first() is not None


async def withdraw(connection: AsyncConnection, event_id: str, job_id: str) -> None:
    """The job is not to be done any more, if it is not done yet."""
    await connection.execute(_REMOVE, {"b_event_id": event_id, "b_id": job_id})


async def finish(
    connection: AsyncConnection,
    event_id: str,
    job_id: str,
    result: Any,
    *,
    started_at_ms: int,
    now_ms: int,
) -> bool:
    """The job is done with this result; False, and nothing is kept, if it was done before."""
    found = await connection.execute(_REMOVE, {"b_event_id": event_id, "b_id": job_id})
    row = found.first()
    if row is None:
        return False
    await connection.execute(
        insert(job_results),
        {
            "id": job_id,
            "queue": row.queue,
            "name": row.name,
            "result": None if result is None else msgspec.json.encode(result).decode(),
            "created_at_ms": row.created_at_ms,
            "started_at_ms": started_at_ms,
            "finished_at_ms": now_ms,
        },
    )
    return True


def _row(job: NewJob, now_ms: int) -> dict[str, Any]:
    return {
        "event_id": job.event_id,
        "id": job.id,
        "queue": job.queue,
        "name": job.name,
        "payload": msgspec.json.encode(job.payload).decode(),
        "priority": job.priority,
        "created_at_ms": now_ms,
    }
