"""Jobs as an operator sees them: one, those that failed, and all of them in numbers.

The database knows which jobs exist, which failed and which are done; Redis knows which wait and
which run. While Redis is unavailable, its part is left out of the answers. Owns the statements that
read many rows, each with a bound.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Integer, bindparam, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.clock import MS_PER_S, Clock
from event_seating.db.database import Database
from event_seating.db.tables import job_results, outbox
from event_seating.errors import RedisUnavailable
from event_seating.jobs import outbox as statements
from event_seating.jobs.model import QUEUES, JobState, is_job_id
from event_seating.jobs.outbox import OutboxRow
from event_seating.jobs.queue import JobQueue, QueueCounts
from event_seating.operations.errors import JobNotFailed, JobNotFound

SAMPLE_S: Final = 60
"""Throughput and durations are those of the last minute."""

SAMPLE_MOST: Final = 10_000
"""The newest jobs of that time, at most; reading them takes the database some ten milliseconds."""

LAST_ERRORS: Final = 10
"""Errors shown in the overview; the list has the others."""

FAILED_COUNTED_MOST: Final = 100_000
"""Counting stops here; a larger number would say no more."""

_OLDEST: Final = (
    select(outbox.c.created_at_ms)
    .where(outbox.c.failed_at_ms.is_(None))
    .order_by(outbox.c.created_at_ms)
    .limit(1)
)

_LATEST: Final = (
    select(
        job_results.c.queue,
        job_results.c.created_at_ms,
        job_results.c.started_at_ms,
        job_results.c.finished_at_ms,
    )
    .where(job_results.c.finished_at_ms > bindparam("since_ms"))
    .order_by(job_results.c.finished_at_ms.desc())
    .limit(SAMPLE_MOST)
    .subquery()
)

_DONE: Final = select(
    _LATEST.c.queue,
    func.count().label("number"),
    func.min(_LATEST.c.finished_at_ms).label("first_ms"),
    func.avg(_LATEST.c.finished_at_ms - _LATEST.c.started_at_ms).label("mean_ms"),
    func.max(_LATEST.c.finished_at_ms - _LATEST.c.started_at_ms).label("longest_ms"),
    func.avg(_LATEST.c.finished_at_ms - _LATEST.c.created_at_ms).label("latency_ms"),
).group_by(_LATEST.c.queue)

_FAILED: Final = select(outbox).where(outbox.c.failed_at_ms.is_not(None))

_FAILED_KEYS: Final = (
    select(outbox.c.queue)
    .where(outbox.c.failed_at_ms.is_not(None))
    .limit(FAILED_COUNTED_MOST)
    .subquery()
)
_FAILED_COUNTS: Final = select(_FAILED_KEYS.c.queue, func.count().label("number")).group_by(
    _FAILED_KEYS.c.queue
)


class JobView(NamedTuple):
    """A job as the API answers it."""

    id: str
    name: str
    state: JobState
    progress: Any
    result: Any
    error: str | None


class Throughput(NamedTuple):
    """What a queue did within the last minute."""

    per_s: float
    mean_ms: float
    longest_ms: float
    latency_ms: float
    """From the commit that asked for a job to the one that ended it, on average."""


class QueueView(NamedTuple):
    """A queue in numbers."""

    name: str
    counts: QueueCounts | None
    """None while Redis is unavailable; use `failed` for the failed ones."""
    failed: int
    done: Throughput | None
    """None when nothing was done."""


class Overview(NamedTuple):
    """All jobs in numbers."""

    queues: Sequence[QueueView]
    redis: bool
    oldest_s: float | None
    """Age of the oldest job that is not done; None if all are."""
    last_errors: Sequence[OutboxRow]


class JobReader:
    """Reads jobs for an operator, and lets a failed one be tried again."""

    def __init__(self, database: Database, queues: Mapping[str, JobQueue], clock: Clock) -> None:
        self._database = database
        self._queues = queues
        self._clock = clock

    async def one(self, job_id: str) -> JobView:
        """One job; raises `JobNotFound`."""
        if not is_job_id(job_id):
            raise JobNotFound
        async with self._database.read() as connection:
            row = await statements.by_id(connection, job_id)
            done = None if row else await statements.result_by_id(connection, job_id)
        if row is not None:
            return await self._not_done(row)
        if done is None:
            raise JobNotFound
        result = None if done.result is None else msgspec.json.decode(done.result)
        return JobView(done.id, done.name, JobState.completed, None, result, None)

    async def retry(self, job_id: str) -> JobView:
        """Let a job that failed for good run again; raises `JobNotFound` or `JobNotFailed`."""
        if not is_job_id(job_id):
            raise JobNotFound
        async with self._database.write() as connection:
            retried = await statements.retry(connection, job_id)
        found = await self.one(job_id)
        if not retried:
            raise JobNotFailed
        return found

    async def failed(self, after: tuple[int, str] | None, most: int) -> list[OutboxRow]:
        """Jobs that failed for good, the latest first, after this (failed at, id)."""
        async with self._database.read() as connection:
            return await _failed(connection, after, most)

    async def overview(self) -> Overview:
        """All of them in numbers."""
        now_ms = self._clock.now_ms()
        async with self._database.read() as connection:
            done = await _done(connection, now_ms)
            failed = await _failed_counts(connection)
            oldest_ms = await oldest_created_at_ms(connection)
            last = await _failed(connection, None, LAST_ERRORS)
        counts = await self.counts()
        queues = [
            QueueView(name, counts[name] if counts else None, failed.get(name, 0), done.get(name))
            for name in QUEUES
        ]
        age_s = None if oldest_ms is None else max(0.0, (now_ms - oldest_ms) / MS_PER_S)
        return Overview(queues, counts is not None, age_s, last)

    async def counts(self) -> dict[str, QueueCounts] | None:
        """The counts of each queue; None while Redis is unavailable."""
        if not self._queues:
            return None
        try:
            return {name: await queue.counts() for name, queue in self._queues.items()}
        except RedisUnavailable:
            return None

    async def _not_done(self, row: OutboxRow) -> JobView:
        if row.failed_at_ms is not None:
            return JobView(row.id, row.name, JobState.failed, None, None, row.error)
        queue = self._queues.get(row.queue)
        try:
            found = await queue.look_at(row.id) if queue else None
        except RedisUnavailable:
            found = None
        if found is None:
            return JobView(row.id, row.name, JobState.waiting, None, None, None)
        # A job that has ended in Redis but not in the database is about to end there too.
        state = (
            found.state
            if found.state in {JobState.waiting, JobState.active, JobState.delayed}
            else JobState.active
        )
        error = found.reason if state == JobState.delayed else None
        return JobView(row.id, row.name, state, found.progress, None, error)


async def oldest_created_at_ms(connection: AsyncConnection) -> int | None:
    """When the oldest job that is not done was asked for."""
    found: int | None = (await connection.execute(_OLDEST)).scalar_one_or_none()
    return found


async def _failed(
    connection: AsyncConnection, after: tuple[int, str] | None, most: int
) -> list[OutboxRow]:
    statement = _FAILED
    if after is not None:
        statement = statement.where(tuple_(outbox.c.failed_at_ms, outbox.c.id) < tuple_(*after))
    statement = statement.order_by(outbox.c.failed_at_ms.desc(), outbox.c.id.desc())
    limited = statement.limit(bindparam("most", most, type_=Integer))
    return [OutboxRow(*row) for row in await connection.execute(limited)]


async def _failed_counts(connection: AsyncConnection) -> dict[str, int]:
    return {row.queue: row.number for row in await connection.execute(_FAILED_COUNTS)}


async def _done(connection: AsyncConnection, now_ms: int) -> dict[str, Throughput]:
    found = await connection.execute(_DONE, {"since_ms": now_ms - SAMPLE_S * MS_PER_S})
    rows = found.all()
    # If there were more than the sample has, the rate is over the time that the sample covers.
    whole = sum(row.number for row in rows) < SAMPLE_MOST
    return {
        row.queue: Throughput(
            row.number / (SAMPLE_S if whole else max(0.001, (now_ms - row.first_ms) / MS_PER_S)),
            float(row.mean_ms),
            float(row.longest_ms),
            float(row.latency_ms),
        )
        for row in rows
    }
