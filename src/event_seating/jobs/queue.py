"""Our queues in BullMQ: their options, adding jobs, and reading their states.

The queue decides when a job runs; the outbox decides whether it is done. So a queue may lose a job
or give it twice. Owns one client for each queue, and turns every failure of Redis into
`RedisUnavailable`. Node workers and Bull Board see the same jobs, under BullMQ's own names.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import bullmq
import msgspec

from event_seating.errors import RedisUnavailable
from event_seating.jobs.model import DATABASE_OPERATIONS, NOTIFICATIONS, JobState
from event_seating.jobs.outbox import OutboxRow
from event_seating.valkey import diagnostics
from event_seating.valkey.client import connect, errors_as_unavailable

PREFIX: Final = "bull"
"""BullMQ's default, where its tools look."""

ANSWER_WITHIN_S: Final = 5.0
"""Enough for a few hundred jobs at once; a server that takes longer does not answer."""

BACKOFF_FIRST_MS: Final = 2_000
"""The first wait of `database-operations`; each further one is twice as long."""

PATIENT: Final = "patient"
"""The name of the backoff of notifications; a Node worker of that queue needs one of this name."""

PATIENT_FIRST_MS: Final = 5_000
PATIENT_FACTOR: Final = 3
PATIENT_MOST_MS: Final = 3_600_000
"""5 s, 15 s, 45 s … and then each hour: eleven waits are five and a half hours, an evening."""

PATIENT_JITTER: Final = 0.2
"""A fifth more or less, so that jobs that failed together are not tried again together."""

_STATES: Final = """
local found = {}
for i, id in ipairs(ARGV) do
  if redis.call('EXISTS', KEYS[1] .. id) == 0 then found[i] = 'unknown'
  elseif redis.call('ZSCORE', KEYS[1] .. 'completed', id) then found[i] = 'completed'
  elseif redis.call('ZSCORE', KEYS[1] .. 'failed', id) then found[i] = 'failed'
  elseif redis.call('ZSCORE', KEYS[1] .. 'delayed', id) then found[i] = 'delayed'
  elseif redis.call('LPOS', KEYS[1] .. 'active', id) then found[i] = 'active'
  else found[i] = 'waiting' end
end
return found
"""
"""One round trip for a whole batch; the list of active jobs is short."""


class QueueOptions(NamedTuple):
    """How the jobs of a queue are tried."""

    attempts: int
    backoff: Mapping[str, Any]
    concurrency: int
    completed_kept: int = 100
    failed_kept: int = 50
    """In Redis, to look at; what counts is kept in the database."""

    def of_job(self, row: OutboxRow) -> dict[str, Any]:
        """BullMQ's options of a job."""
        return {
            "jobId": row.id,
            "attempts": self.attempts,
            "backoff": dict(self.backoff),
            "removeOnComplete": self.completed_kept,
            "removeOnFail": self.failed_kept,
            "priority": row.priority,
            "timestamp": row.created_at_ms,
        }


OPTIONS: Final = {
    DATABASE_OPERATIONS: QueueOptions(
        attempts=3, backoff={"type": "exponential", "delay": BACKOFF_FIRST_MS}, concurrency=5
    ),
    # These wait for servers of others, and use nothing of ours meanwhile.
    NOTIFICATIONS: QueueOptions(attempts=12, backoff={"type": PATIENT}, concurrency=20),
}


def patient_backoff_ms(attempts_made: int, *_others: object) -> int:
    """How long to wait after so many attempts; BullMQ calls it with more than it needs."""
    exact = min(PATIENT_FIRST_MS * PATIENT_FACTOR ** (attempts_made - 1), PATIENT_MOST_MS)
    return int(exact * random.uniform(1 - PATIENT_JITTER, 1 + PATIENT_JITTER))  # noqa: S311


class QueueCounts(NamedTuple):
    """How many jobs of a queue are in which state."""

    waiting: int
    active: int
    completed: int
    failed: int
    delayed: int


class QueuedJob(NamedTuple):
    """What the queue says of one job."""

    state: JobState
    progress: Any
    reason: str | None
    """Why its last attempt failed, if it did."""


class JobQueue:
    """One queue: puts jobs in, and reads what BullMQ knows of them."""

    def __init__(self, name: str, url: str, options: QueueOptions | None = None) -> None:
        self.name = name
        self.options = options or OPTIONS[name]
        self._redis = connect(url)
        self._queue = bullmq.Queue(name, {"connection": self._redis, "prefix": PREFIX})
        self._key = f"{PREFIX}:{name}:"
        self._states = self._redis.register_script(_STATES)

    async def server(self) -> str:
        """The id of the server's run, which each start changes.

        Raises `RedisUnavailable`, also for a server that is too old.
        """
        async with _answering():
            found = await self._redis.info("server")
        try:
            diagnostics.check_version(found)
        except diagnostics.UnfitServer as error:
            raise RedisUnavailable from error
        return str(found.get("run_id", ""))

    async def marker(self) -> str | None:
        """The run that `mark` wrote; None if the server has lost it."""
        async with _answering():
            found = await self._redis.get(f"{self._key}marked-run")
        return None if found is None else str(found)

    async def mark(self, run: str) -> None:
        """Leave a marker, which is lost with the server's data."""
        async with _answering():
            await self._redis.set(f"{self._key}marked-run", run)

    async def add(self, rows: Sequence[OutboxRow]) -> None:
        """Put these jobs in; those that are there already stay as they are."""
        jobs = [
            {
                "name": row.name,
                "data": msgspec.json.decode(row.payload),
                "opts": self.options.of_job(row),
            }
            for row in rows
        ]
        async with _answering():
            await self._queue.addBulk(jobs)

    async def states(self, ids: Sequence[str]) -> dict[str, JobState]:
        """The state of each of these jobs."""
        if not ids:
            return {}
        async with _answering():
            found = await self._states(keys=[self._key], args=list(ids))
        return dict(zip(ids, map(JobState, found), strict=True))

    async def remove(self, ids: Iterable[str]) -> None:
        """Forget these jobs, unless they are being done."""
        for job_id in ids:
            async with _answering():
                await self._queue.remove(job_id)

    async def reason(self, job_id: str) -> str:
        """Why a job failed, as far as the queue knows."""
        async with _answering():
            found = await self._redis.hget(f"{self._key}{job_id}", "failedReason")
        return str(found or "failed")

    async def counts(self) -> QueueCounts:
        """How many jobs are in which state."""
        async with _answering():
            found = await self._queue.getJobCounts()
        waiting = sum(int(found[each]) for each in ("waiting", "prioritized", "waiting-children"))
        others = (
            int(found[each])
            for each in (JobState.active, JobState.completed, JobState.failed, JobState.delayed)
        )
        return QueueCounts(waiting, *others)

    async def look_at(self, job_id: str) -> QueuedJob:
        """The state and progress of one job."""
        (state,) = (await self.states([job_id])).values()
        async with _answering():
            progress, reason = await self._redis.hmget(
                f"{self._key}{job_id}", "progress", "failedReason"
            )
        return QueuedJob(
            JobState.waiting if state == JobState.unknown else state,
            _json_or_none(progress),
            None if reason is None else str(reason),
        )

    async def close(self) -> None:
        await self._redis.aclose()


def _json_or_none(text: str | bytes | None) -> Any:
    try:
        return msgspec.json.decode(text) if text else None
    except msgspec.DecodeError:
        return None


@asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    async with errors_as_unavailable(), asyncio.timeout(ANSWER_WITHIN_S):
        yield
