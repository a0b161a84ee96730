"""One attempt at one job: look it up, run its handler, write down how it ended.

The row in the outbox says what has to be done, and whether it still has to be; of the queue only
the id and the number of the attempt are used. Knows nothing of BullMQ.

An unavailable database costs a job none of its attempts: looking the job up and writing its end
down are repeated until they succeed, and a handler that met an unavailable database is deferred. So
is one that has to stop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.contextvars import bound_contextvars

from event_seating.clock import MS_PER_S, Clock
from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable
from event_seating.jobs import outbox
from event_seating.jobs.completions import CompletionWriter
from event_seating.jobs.ends import (
    Dead,
    Defer,
    Done,
    DoneElsewhere,
    JobAttempt,
    JobEnd,
    Retry,
    decided,
)
from event_seating.jobs.handler import Handler, Job, ReportProgress
from event_seating.jobs.model import is_job_id
from event_seating.jobs.outbox import Completion, OutboxRow
from event_seating.jobs.tally import JobTally
from event_seating.telemetry import context
from event_seating.telemetry.logs import get_logger
from event_seating.telemetry.redact import plain

ASK_AGAIN_S: Final = 1.0
"""How often an unavailable database is asked again."""

WITHIN_S: Final = 900.0
"""A handler that runs for longer than a quarter of an hour is stopped."""

T = TypeVar("T")

_log = get_logger("jobs")


class _Stopped(Exception):
    """The process must stop: the job goes back to the queue."""


@dataclass(slots=True)
class _JobLock:
    """The lock of one job, and how many attempts hold it or wait for it."""

    lock: asyncio.Lock
    users: int = 0


class JobRunner:
    """Makes attempts at jobs, until it is stopped."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        clock: Clock,
        counted: JobTally,
    ) -> None:
        self._database = database
        self._completions = CompletionWriter(database, clock)
        self._handlers = handlers
        self._clock = clock
        self._tally = counted
        self._stopping = asyncio.Event()
        self._under_way: dict[str, _JobLock] = {}

    @property
    def active(self) -> int:
        """How many jobs are under way."""
        return len(self._under_way)

    def stop(self) -> None:
        """Hand back whatever is under way, and all that comes."""
        self._stopping.set()

    async def make(self, job_id: str, attempt: JobAttempt, report: ReportProgress) -> JobEnd:
        """Make an attempt; returns how it ended, once that is written down."""
        # The queue may give a job twice, after its server was frozen or lost its data. The second
        # attempt waits here for the first, and mostly finds the job done.
        own = self._under_way.setdefault(job_id, _JobLock(asyncio.Lock()))
        own.users += 1
        try:
            async with own.lock:
                return await self._make(job_id, attempt, report)
        except _Stopped:
            return _handed_back()
        finally:
            own.users -= 1
            if not own.users:
                del self._under_way[job_id]

    async def _make(self, job_id: str, attempt: JobAttempt, report: ReportProgress) -> JobEnd:
        row = await self._insist(partial(self._row, job_id))
        if row is None:
            if not is_job_id(job_id):
                return Dead("This job did not come through the outbox, so nobody asked for it.")
            return Done()
        if row.failed_at_ms is not None:
            return Dead(row.error or "failed")
        names = {"jobId": row.id, "job": row.name, "queue": row.queue, "attempt": attempt.number}
        with bound_contextvars(**context.resumed(row.trace), **names):
            return await self._measured(row, attempt, report)

    async def _measured(
        self, row: OutboxRow, attempt: JobAttempt, report: ReportProgress
    ) -> JobEnd:
        started = self._clock.monotonic()
        try:
            end = await self._attempt(row, attempt, report)
        except _Stopped:
            end = _handed_back()
        seconds = self._clock.monotonic() - started
        self._tally.observe(row.queue, row.name, end.outcome, seconds)
        _log_end(end, seconds)
        return end

    async def _attempt(self, row: OutboxRow, attempt: JobAttempt, report: ReportProgress) -> JobEnd:
        try:
            handled: JobEnd = Done(await self._handled(row, attempt, report))
        except _Stopped:
            raise
        except Exception as error:  # noqa: BLE001 (whatever a handler raises ends its attempt)
            handled = _end_of(error)
        end = decided(handled, attempt)
        return await self._give_up(row, end) if isinstance(end, Dead) else end

    async def _handled(self, row: OutboxRow, attempt: JobAttempt, report: ReportProgress) -> Any:
        handler = self._handlers.get(row.name)
        if handler is None:
            raise Dead(f"No job is called {row.name!r} here.")
        started_at_ms = self._clock.now_ms()
        finished: list[Any] = []

        async def finish(connection: AsyncConnection, result: Any) -> None:
            if not await self._finish(row, result, started_at_ms, connection):
                raise DoneElsewhere
            finished.append(result)

        job = Job(
            row.id,
            row.event_id,
            row.name,
            _payload(row),
            attempt.number,
            last_attempt=attempt.is_last,
            finish=finish,
            report=report,
        )
        result = await self._unless_stopped(handler(job))
        if finished:
            return finished[-1]

        # The handler's effect outside cannot be undone, so this has to be written.
        await self._insist(partial(self._completions.write, row, result, started_at_ms))
        return result

    async def _finish(
        self, row: OutboxRow, result: Any, started_at_ms: int, connection: AsyncConnection
    ) -> bool:
        now_ms = self._clock.now_ms()
        completion = Completion(row.event_id, row.id, result, started_at_ms, now_ms)
        return await outbox.finish(connection, completion)

    async def _give_up(self, row: OutboxRow, dead: Dead) -> JobEnd:
        """Write down that the job failed for good; `Done` if its row is gone."""

        async def fail() -> bool:
            async with self._database.write() as connection:
                failed = await outbox.fail(
                    connection, row.event_id, row.id, dead.why, self._clock.now_ms()
                )
                return failed or await outbox.by_id(connection, row.id) is not None

        return dead if await self._insist(fail) else Done()

    async def _row(self, job_id: str) -> OutboxRow | None:
        async with self._database.read() as connection:
            return await outbox.by_id(connection, job_id)

    async def _insist(self, do: Callable[[], Awaitable[T]]) -> T:
        """Repeat it until the database is available; raises `_Stopped` if the process must stop."""
        while True:
            try:
                return await do()
            except DatabaseUnavailable:
                with suppress(TimeoutError):
                    async with asyncio.timeout(ASK_AGAIN_S):
                        await self._stopping.wait()
                if self._stopping.is_set():
                    raise _Stopped from None

    async def _unless_stopped(self, work: Awaitable[Any]) -> Any:
        """The result of a handler; raises `_Stopped` if it had to be stopped, or `TimeoutError`."""
        running = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait(
                {running, stopped}, timeout=WITHIN_S, return_when=asyncio.FIRST_COMPLETED
            )
            if running.done():
                return running.result()
            running.cancel()
            await asyncio.wait({running})
            if not running.cancelled():
                return running.result()
        finally:
            running.cancel()
            stopped.cancel()
        if self._stopping.is_set():
            raise _Stopped
        raise TimeoutError(f"it took longer than {WITHIN_S:.0f} s")


def _handed_back() -> Defer:
    return Defer("the process that had it is to end", delay_ms=0)


def _end_of(error: Exception) -> JobEnd:
    """How an attempt ends whose handler raised this."""
    match error:
        case DoneElsewhere() | Retry() | Defer() | Dead():
            return error.with_traceback(None)
        case DatabaseUnavailable():
            return Defer(str(error))
        case _:
            _log.warning("a handler failed", exc_info=error)
            return Retry(reason_of(error))


def _log_end(end: JobEnd, seconds: float) -> None:
    match end:
        case Done():
            _log.info("a job is done", durationMs=round(seconds * MS_PER_S, 1))
        case Retry():
            _log.warning("a job failed and is tried again", why=end.why)
        case Dead():
            _log.error("a job failed for good", why=end.why)
        case Defer():
            pass  # an unavailable database is logged once for all jobs


def _payload(row: OutboxRow) -> dict[str, Any]:
    try:
        return msgspec.json.decode(row.payload, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise Dead("What is stored with this job is no JSON object.") from None


def reason_of(error: Exception) -> str:
    """The reason for an operator, without SQL that has people's data, addresses or secrets."""
    if isinstance(error, SQLAlchemyError):
        return f"{type(error).__name__}; the log has its stack."
    return str(plain(f"{type(error).__name__}: {error}"))
