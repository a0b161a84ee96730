"""One attempt at one job: look it up, run its handler, write down how it ended.

The row in the outbox says what is to be done and whether it still is; what the queue carries is
only asked for the id and the number of the attempt. Raises what the queue is to be told; knows
nothing of BullMQ.

A database that is away costs a job none of its attempts: a job is looked up, and its end written
down, for as long as that takes, and a handler that met an absent database is put off. So is one
that has to stop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.contextvars import bound_contextvars

from event_seating.clock import MS_PER_S, Clock
from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable
from event_seating.jobs import outbox, tally
from event_seating.jobs.endings import Endings
from event_seating.jobs.handler import Handler, Job, JobDone, JobFailed, JobNotYet, Report
from event_seating.jobs.model import is_job_id
from event_seating.jobs.outbox import Ending, Row
from event_seating.jobs.tally import Tally
from event_seating.telemetry import context
from event_seating.telemetry.logs import get_logger
from event_seating.telemetry.redact import plain

ASK_AGAIN_S: Final = 1.0
"""How often a database that is away is asked."""

PUT_OFF_MS: Final = 2_000
"""When a job comes again whose handler met an absent database."""

PUT_OFF_MOST: Final = 100
"""A handler that says so every time is not right about the database: then it is a failure."""

WITHIN_S: Final = 900.0
"""A handler that has not ended after a quarter of an hour never will, and holds a place."""

T = TypeVar("T")

_log = get_logger("jobs")


class Tried(NamedTuple):
    """What the queue says of an attempt."""

    id: str
    attempt: int
    """1 for the first."""
    attempts: int
    """How many there may be."""
    started: int
    """How often it was begun, those that did not count included."""
    report: Report


class PutOff(Exception):
    """Try it again later; this was no attempt."""

    def __init__(self, delay_ms: int) -> None:
        super().__init__(delay_ms)
        self.delay_ms = delay_ms


class TryAgain(Exception):
    """The attempt failed, and may be repeated; the text says why."""


class GivenUp(Exception):
    """The job failed for good; the text says why."""


@dataclass(slots=True)
class _Turn:
    """Who is at one job, and who waits."""

    lock: asyncio.Lock
    takers: int = 0


class Attempts:
    """Makes attempts at jobs, until it is told to stop."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        clock: Clock,
        counted: Tally,
    ) -> None:
        self._database = database
        self._endings = Endings(database, clock)
        self._handlers = handlers
        self._clock = clock
        self._tally = counted
        self._stopping = asyncio.Event()
        self._under_way: dict[str, _Turn] = {}

    @property
    def active(self) -> int:
        """How many jobs are under way."""
        return len(self._under_way)

    def stop(self) -> None:
        """Put off whatever is under way, and all that comes."""
        self._stopping.set()

    async def make(self, tried: Tried) -> Any:
        """Make an attempt; the job's result, or none if it was done before.

        Raises `PutOff`, `TryAgain` or `GivenUp`.
        """
        # The queue may give a job twice: when its server was frozen, or lost what it had. Here, the
        # second waits for the first, and mostly finds it done.
        turn = self._under_way.setdefault(tried.id, _Turn(asyncio.Lock()))
        turn.takers += 1
        try:
            async with turn.lock:
                return await self._make(tried)
        finally:
            turn.takers -= 1
            if not turn.takers:
                del self._under_way[tried.id]

    async def _make(self, tried: Tried) -> Any:
        row = await self._insist(partial(self._row, tried.id))
        if row is None:
            if not is_job_id(tried.id):
                raise GivenUp("This job did not come through the outbox, so nobody asked for it.")
            return None
        if row.failed_at_ms is not None:
            raise GivenUp(row.error or "failed")
        names = {"jobId": row.id, "job": row.name, "queue": row.queue, "attempt": tried.attempt}
        with bound_contextvars(**context.resumed(row.trace), **names):
            return await self._measured(row, tried)

    async def _measured(self, row: Row, tried: Tried) -> Any:
        started = self._clock.monotonic()

        def ended(outcome: str) -> float:
            seconds = self._clock.monotonic() - started
            self._tally.observe(row.queue, row.name, outcome, seconds)
            return seconds

        try:
            result = await self._run(row, tried)
        except PutOff:
            ended(tally.POSTPONED)
            raise
        except TryAgain as error:
            ended(tally.AGAIN)
            _log.warning("a job failed and is tried again", why=str(error))
            raise
        except GivenUp as error:
            ended(tally.FAILED)
            _log.error("a job failed for good", why=str(error))
            raise
        _log.info("a job is done", durationMs=round(ended(tally.DONE) * MS_PER_S, 1))
        return result

    async def _run(self, row: Row, tried: Tried) -> Any:
        last = tried.attempt >= tried.attempts
        try:
            return await self._handled(row, tried, last)
        except PutOff:
            raise
        except JobDone:
            return None
        except JobFailed as error:
            return await self._give_up(row, str(error))
        except DatabaseUnavailable as error:
            if tried.started < tried.attempts + PUT_OFF_MOST:
                raise PutOff(PUT_OFF_MS) from None
            why = str(error)
        except JobNotYet as error:
            why = str(error)
        except Exception as error:  # noqa: BLE001 (whatever a handler raises is a failed attempt)
            _log.warning("a handler failed", exc_info=error)
            why = told(error)
        if last:
            return await self._give_up(row, why)
        raise TryAgain(why)

    async def _handled(self, row: Row, tried: Tried, last: bool) -> Any:
        handler = self._handlers.get(row.name)
        if handler is None:
            raise JobFailed(f"No job is called {row.name!r} here.")
        started_at_ms = self._clock.now_ms()
        finished: list[Any] = []

        async def finish(connection: AsyncConnection, result: Any) -> None:
            if not await self._finish(row, result, started_at_ms, connection):
                raise JobDone
            finished.append(result)

        job = Job(
            row.id,
            row.event_id,
            row.name,
            _payload(row),
            tried.attempt,
            last_attempt=last,
            finish=finish,
            report=tried.report,
        )
        result = await self._unless_stopped(handler(job))
        if finished:
            return finished[-1]

        # What the handler did in the world cannot be taken back, so this has to be written.
        await self._insist(partial(self._endings.write, row, result, started_at_ms))
        return result

    async def _finish(
        self, row: Row, result: Any, started_at_ms: int, connection: AsyncConnection
    ) -> bool:
        now_ms = self._clock.now_ms()
        ending = Ending(row.event_id, row.id, result, started_at_ms, now_ms)
        return await outbox.finish(connection, ending)

    async def _give_up(self, row: Row, why: str) -> None:
        """Write down that the job failed for good, and say so; unless it is done after all."""

        async def fail() -> bool:
            async with self._database.write() as connection:
                failed = await outbox.fail(
                    connection, row.event_id, row.id, why, self._clock.now_ms()
                )
                return failed or await outbox.by_id(connection, row.id) is not None

        if await self._insist(fail):
            raise GivenUp(why)

    async def _row(self, job_id: str) -> Row | None:
        async with self._database.read() as connection:
            return await outbox.by_id(connection, job_id)

    async def _insist(self, do: Callable[[], Awaitable[T]]) -> T:
        """Do it, however long the database is away; raises `PutOff` when it is time to stop."""
        while True:
            try:
                return await do()
            except DatabaseUnavailable:
                with suppress(TimeoutError):
                    async with asyncio.timeout(ASK_AGAIN_S):
                        await self._stopping.wait()
                if self._stopping.is_set():
                    raise PutOff(0) from None

    async def _unless_stopped(self, work: Awaitable[Any]) -> Any:
        """The result of a handler; raises `PutOff` when it had to be stopped."""
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
            raise PutOff(0)
        raise TimeoutError(f"it took longer than {WITHIN_S:.0f} s")


def _payload(row: Row) -> dict[str, Any]:
    try:
        return msgspec.json.decode(row.payload, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise JobFailed("What is stored with this job is no JSON object.") from None


def told(error: Exception) -> str:
    """Why, to an operator: no statement with people's data in it, no address, no secret."""
    if isinstance(error, SQLAlchemyError):
        return f"{type(error).__name__}; the log has its stack."
    return str(plain(f"{type(error).__name__}: {error}"))
