"""The statements about jobs that are not done, and the results of those that are.

No rules and no transactions of their own: a row is written in the transaction of the job's cause,
and deleted in the transaction of its effect. A row that is not there means that the job is done.

A row is claimed with a lease by the relay that hands it to the queue, and noted as relayed by the
same lease: if another relay has claimed it since, or it was asked for again, nothing is noted.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Select, bindparam, delete, insert, literal, or_, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.db.tables import job_results, outbox
from event_seating.jobs.model import QUEUES, NewJob

ERROR_CHARS_MAX: Final = 1_000
"""The longest reason why a job failed; people read it in a list."""

PRIORITY_MAX: Final = 2**21
"""The largest number that BullMQ takes: every job has it or comes before it."""

_KEY: Final = tuple_(outbox.c.event_id, outbox.c.id)

ADDED: Final = (
    "event_id",
    "id",
    "queue",
    "name",
    "payload",
    "priority",
    "trace",
    "created_at_ms",
)
"""What `row_of` gives."""

_ADD: Final = insert(outbox).values({name: bindparam(name) for name in ADDED})
_ADD_ONCE: Final = text(
    "INSERT INTO outbox (event_id, id, queue, name, payload, priority, trace, created_at_ms)"
    " SELECT CAST(:event_id AS TEXT), CAST(:id AS TEXT), CAST(:queue AS TEXT),"
    " CAST(:name AS TEXT), CAST(:payload AS TEXT), CAST(:priority AS INTEGER),"
    " CAST(:trace AS TEXT), CAST(:created_at_ms AS BIGINT)"
    " WHERE NOT EXISTS (SELECT 1 FROM job_results WHERE id = CAST(:id AS TEXT))"
    " ON CONFLICT DO NOTHING"
)

_BY_ID: Final = select(outbox).where(outbox.c.id == bindparam("id"))

_RESULT_BY_ID: Final = select(job_results).where(job_results.c.id == bindparam("id"))

_REMOVE: Final = (
    delete(outbox)
    .where(outbox.c.event_id == bindparam("b_event_id"))
    .where(outbox.c.id == bindparam("b_id"))
    .returning(outbox.c.queue, outbox.c.name, outbox.c.created_at_ms)
)

_FREE: Final = (
    select(outbox.c.id)
    .where(outbox.c.id.in_(bindparam("b_ids", expanding=True)))
    .with_for_update(skip_locked=True)
)
_REMOVE_FREE: Final = (
    delete(outbox)
    .where(outbox.c.id.in_(_FREE))
    .returning(outbox.c.id, outbox.c.queue, outbox.c.name, outbox.c.created_at_ms)
)

_ALIVE: Final = outbox.c.failed_at_ms.is_(None)

_UNCLAIMED: Final = or_(
    outbox.c.claimed_until_ms.is_(None), outbox.c.claimed_until_ms <= bindparam("b_now_ms")
)

_WAITING: Final = (
    select(outbox.c.event_id, outbox.c.id)
    .where(_ALIVE, outbox.c.relayed_at_ms.is_(None), _UNCLAIMED)
    .where(outbox.c.queue == bindparam("b_queue"))
    .where(outbox.c.priority <= bindparam("b_priority"))
    .order_by(outbox.c.priority, outbox.c.created_at_ms)
    .limit(bindparam("b_most"))
)

_RELAYED_BEFORE: Final = (
    select(outbox.c.event_id, outbox.c.id)
    .where(_ALIVE, outbox.c.relayed_at_ms <= bindparam("b_before_ms"), _UNCLAIMED)
    .order_by(outbox.c.relayed_at_ms)
    .limit(bindparam("b_most"))
)


_ANY_WAITING: Final = _WAITING.with_only_columns(literal(1))
_ANY_RELAYED: Final = _RELAYED_BEFORE.with_only_columns(literal(1))


def _claiming(chosen: Select[Any]) -> Any:
    # Rows that another relay is looking at are passed over; SQLite has one writer at a time anyway.
    lease = update(outbox).where(_KEY.in_(chosen.with_for_update(skip_locked=True)))
    return lease.values(claimed_until_ms=bindparam("b_until_ms")).returning(outbox)


_CLAIM_WAITING: Final = _claiming(_WAITING)
_CLAIM_RELAYED: Final = _claiming(_RELAYED_BEFORE)

_LEASED: Final = (
    update(outbox)
    .where(outbox.c.event_id == bindparam("b_event_id"))
    .where(outbox.c.id == bindparam("b_id"))
    .where(outbox.c.claimed_until_ms == bindparam("b_until_ms"))
)
_NOTE_RELAYED: Final = _LEASED.values(relayed_at_ms=bindparam("b_now_ms"), claimed_until_ms=None)
_UNCLAIM: Final = _LEASED.values(claimed_until_ms=None)

_FAIL: Final = (
    update(outbox)
    .where(outbox.c.event_id == bindparam("b_event_id"))
    .where(outbox.c.id == bindparam("b_id"))
    .where(_ALIVE)
    .values(failed_at_ms=bindparam("b_now_ms"), error=bindparam("b_error"))
)

_RETRY: Final = (
    update(outbox)
    .where(outbox.c.id == bindparam("b_id"))
    .where(outbox.c.failed_at_ms.is_not(None))
    .values(failed_at_ms=None, error=None, relayed_at_ms=None, claimed_until_ms=None)
)


class OutboxRow(NamedTuple):
    """A job that is not done."""

    event_id: str
    id: str
    queue: str
    name: str
    payload: str
    priority: int
    trace: str | None
    created_at_ms: int
    claimed_until_ms: int | None
    relayed_at_ms: int | None
    failed_at_ms: int | None
    error: str | None


class JobResult(NamedTuple):
    """A job that is done."""

    id: str
    queue: str
    name: str
    result: str | None
    """JSON."""
    created_at_ms: int
    started_at_ms: int
    finished_at_ms: int


class Completion(NamedTuple):
    """That a job is done, with its result."""

    event_id: str
    id: str
    result: Any
    """What JSON can say."""
    started_at_ms: int
    at_ms: int


async def add(connection: AsyncConnection, jobs: Sequence[NewJob], now_ms: int) -> None:
    """Write new jobs; they run once the transaction is committed. `JobRequests` asks for them."""
    if jobs:
        await connection.execute(_ADD, [row_of(job, now_ms) for job in jobs])


async def add_once(connection: AsyncConnection, job: NewJob, now_ms: int) -> bool:
    """Write a job unless one with this id waits or was done recently; whether it was written."""
    return (await connection.execute(_ADD_ONCE, row_of(job, now_ms))).rowcount == 1


async def by_id(connection: AsyncConnection, job_id: str) -> OutboxRow | None:
    """The job with this id, unless it is done."""
    row = (await connection.execute(_BY_ID, {"id": job_id})).first()
    return OutboxRow(*row) if row else None


async def result_by_id(connection: AsyncConnection, job_id: str) -> JobResult | None:
    """The result of the job with this id, if it was done recently."""
    row = (await connection.execute(_RESULT_BY_ID, {"id": job_id})).first()
    return JobResult(*row) if row else None


async def withdraw(connection: AsyncConnection, event_id: str, job_id: str) -> None:
    """Delete a job, unless it is done already."""
    await connection.execute(_REMOVE, {"b_event_id": event_id, "b_id": job_id})


async def finish(connection: AsyncConnection, completion: Completion) -> bool:
    """Delete the row and store the result; False if the row is gone, and nothing is stored."""
    key = {"b_event_id": completion.event_id, "b_id": completion.id}
    row = (await connection.execute(_REMOVE, key)).first()
    if row is None:
        return False
    await connection.execute(insert(job_results), _result_of(completion, row))
    return True


async def finish_unlocked(
    connection: AsyncConnection, completions: Sequence[Completion]
) -> set[str]:
    """Delete the rows that others have not locked, store their results, return their ids.

    It waits for no lock, so that two transactions with several rows cannot wait for each other.
    """
    by_id = {completion.id: completion for completion in completions}
    removed = list(await connection.execute(_REMOVE_FREE, {"b_ids": list(by_id)}))
    if removed:
        results = [_result_of(by_id[row.id], row) for row in removed]
        await connection.execute(insert(job_results), results)
    return {row.id for row in removed}


def _result_of(completion: Completion, row: Any) -> dict[str, Any]:
    result = completion.result
    return {
        "id": completion.id,
        "queue": row.queue,
        "name": row.name,
        "result": None if result is None else msgspec.json.encode(result).decode(),
        "created_at_ms": row.created_at_ms,
        "started_at_ms": completion.started_at_ms,
        "finished_at_ms": completion.at_ms,
    }


async def pending(
    connection: AsyncConnection, *, now_ms: int, before_ms: int
) -> tuple[set[str], bool]:
    """The queues with jobs to claim, and whether any job was relayed at `before_ms` or earlier."""
    asked = {"b_now_ms": now_ms, "b_most": 1, "b_priority": PRIORITY_MAX, "b_before_ms": before_ms}
    waiting = {
        queue
        for queue in QUEUES
        if (await connection.execute(_ANY_WAITING, {**asked, "b_queue": queue})).first()
    }
    return waiting, (await connection.execute(_ANY_RELAYED, asked)).first() is not None


async def claim_waiting(
    connection: AsyncConnection,
    queue: str,
    *,
    least_priority: int,
    now_ms: int,
    until_ms: int,
    most: int,
) -> list[OutboxRow]:
    """Claim jobs that are not in the queue, the most urgent first, until `until_ms`."""
    asked = {
        "b_queue": queue,
        "b_priority": least_priority,
        "b_now_ms": now_ms,
        "b_until_ms": until_ms,
        "b_most": most,
    }
    rows = [OutboxRow(*row) for row in await connection.execute(_CLAIM_WAITING, asked)]
    return sorted(rows, key=lambda row: (row.priority, row.created_at_ms))


async def claim_relayed(
    connection: AsyncConnection, *, before_ms: int, now_ms: int, until_ms: int, most: int
) -> list[OutboxRow]:
    """Claim jobs that were handed to the queue at `before_ms` or earlier, until `until_ms`."""
    asked = {
        "b_before_ms": before_ms,
        "b_now_ms": now_ms,
        "b_until_ms": until_ms,
        "b_most": most,
    }
    return [OutboxRow(*row) for row in await connection.execute(_CLAIM_RELAYED, asked)]


async def note_relayed(connection: AsyncConnection, rows: Iterable[OutboxRow], now_ms: int) -> None:
    """Note that these claimed rows are in the queue."""
    values = [{**_leased(row), "b_now_ms": now_ms} for row in rows]
    if values:
        await connection.execute(_NOTE_RELAYED, values)


async def unclaim(connection: AsyncConnection, rows: Iterable[OutboxRow]) -> None:
    """End the lease of these claimed rows."""
    values = [_leased(row) for row in rows]
    if values:
        await connection.execute(_UNCLAIM, values)


async def fail(
    connection: AsyncConnection, event_id: str, job_id: str, error: str, now_ms: int
) -> bool:
    """Give the job up; False if it does not exist or is given up already."""
    values = {
        "b_event_id": event_id,
        "b_id": job_id,
        "b_error": error[:ERROR_CHARS_MAX].replace("\0", ""),
        "b_now_ms": now_ms,
    }
    return (await connection.execute(_FAIL, values)).rowcount == 1


async def retry(connection: AsyncConnection, job_id: str) -> bool:
    """Let a job that was given up run again; False if there is no such job."""
    return (await connection.execute(_RETRY, {"b_id": job_id})).rowcount == 1


def _leased(row: OutboxRow) -> dict[str, Any]:
    return {"b_event_id": row.event_id, "b_id": row.id, "b_until_ms": row.claimed_until_ms}


def row_of(job: NewJob, now_ms: int) -> dict[str, Any]:
    """The row of a new job."""
    assert job.queue in QUEUES, job.queue
    return {
        "event_id": job.event_id,
        "id": job.id,
        "queue": job.queue,
        "name": job.name,
        "payload": msgspec.json.encode(job.payload).decode(),
        "priority": job.priority,
        "trace": job.trace,
        "created_at_ms": now_ms,
    }
