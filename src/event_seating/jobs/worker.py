"""The workers: BullMQ gives them jobs, `JobRunner` does them, and BullMQ is told how they ended.

Owns the set-up that makes BullMQ's worker reliable. Each worker has its own connections, one of
which waits without a time limit, since idle workers would starve otherwise. A job whose worker was
killed is taken up by another one within a quarter of a minute, however often that happens. An
unavailable server is asked twice a second, and a job that cannot be read in Redis fails alone. A
worker that has to stop takes no new jobs, finishes those under way, and hands the rest back, which
costs them no attempt.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

import bullmq
from bullmq.custom_errors import DelayedError, UnrecoverableError
from bullmq.redis_connection import RedisConnection
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from event_seating.clock import Clock
from event_seating.db.database import Database
from event_seating.errors import RedisUnavailable
from event_seating.jobs.ends import Dead, Defer, Done, JobAttempt, JobEnd, Retry
from event_seating.jobs.handler import Handler
from event_seating.jobs.queue import OPTIONS, PATIENT, PREFIX, QueueOptions, patient_backoff_ms
from event_seating.jobs.runner import JobRunner, reason_of
from event_seating.jobs.tally import JobTally
from event_seating.telemetry.complaints import Complaint
from event_seating.telemetry.logs import get_logger
from event_seating.valkey import diagnostics
from event_seating.valkey.client import connect, ended
from event_seating.valkey.signals import FAILURES

LOCK_MS: Final = 8_000
"""How long a job belongs to a worker that does not renew its lock, as it does every 2 s."""

STALLED_EVERY_MS: Final = 5_000
"""How often jobs of dead workers are looked for: with the lock, they wait 13 s at worst."""

STALLED_TURN: Final = 0.8
"""For which part of that time one worker's search counts for all workers. In BullMQ it counts for
all of it, so that the next search comes just too early and every second one is skipped."""

STALLED_MOST: Final = 20
"""How often a job's worker may die. BullMQ's default is once, but the job may not be the cause."""

RETRY_MS: Final = 500
"""How often an unavailable server is asked again."""

WAIT_S: Final = 5
"""How long the server lets an idle worker wait before it answers that there is no job."""

ANSWER_WITHIN_S: Final = 15.0
"""If an idle worker gets no answer for this long, its connection is dead."""

BEGIN_AGAIN_S: Final = 1.0
"""How soon a worker is started again if its server was unavailable at the start."""

HAND_BACK_WITHIN_S: Final = 2.0
"""How long handing jobs back may take, and closing a connection."""

LOOK_FOR_ENDED_JOBS_EVERY_S: Final = 0.02
"""How often a stopping worker checks whether its jobs have ended."""

FLUSH_EVERY_S: Final = 1.0
"""How often the counts are added to those of all processes."""

RESULT_BYTES_MAX: Final = 10_000
"""A larger result is kept only in the database, since Redis keeps one for each of many jobs."""

_log = get_logger("worker")


class Worker:
    """Does the jobs of one queue in this process."""

    def __init__(
        self,
        queue: str,
        url: str,
        database: Database,
        handlers: Mapping[str, Handler],
        clock: Clock,
        *,
        options: QueueOptions | None = None,
        lock_ms: int = LOCK_MS,
        stalled_every_ms: int = STALLED_EVERY_MS,
    ) -> None:
        self.queue = queue
        self._lock_ms = lock_ms
        self._stalled_every_ms = stalled_every_ms
        self._url = url
        self._options = options or OPTIONS[queue]
        self._tally = JobTally(handlers)
        self._runner = JobRunner(database, handlers, clock, self._tally)
        self._bullmq: _BullmqWorker | None = None
        self._paused = False
        self._ending = False
        self._complaint = Complaint(clock)
        self._running: asyncio.Task[None] | None = None
        self._redis = connect(url)
        self._clients: tuple[Redis, ...] = ()
        self._flushing: asyncio.Task[None] | None = None

    @property
    def active(self) -> int:
        """How many jobs are under way."""
        return self._runner.active

    def start(self) -> None:
        """Begin; an unavailable server is asked until it is back."""
        self._running = asyncio.create_task(self._run())
        self._flushing = asyncio.create_task(self._flush())

    def pause(self) -> None:
        """Take no new jobs; those under way go on."""
        self._paused = True
        if self._bullmq is not None:
            self._bullmq.stop_fetching()

    async def drain(self, within_s: float) -> None:
        """Take no new jobs, finish those under way in this time, and hand the others back.

        Ends all that was started; returns a few seconds after `within_s` at the latest.
        """
        self._ending = True
        self.pause()
        if not await self._idle(within_s):
            _log.warning("jobs are handed back", jobs=self.active, queue=self.queue)
            self._runner.stop()
            await self._idle(HAND_BACK_WITHIN_S)
        # From here on whatever comes in is handed back.
        self._runner.stop()
        await self._close_bullmq()
        tasks = [task for task in (self._running, self._flushing) if task is not None]
        await ended(tasks)
        await self._close_clients()
        with suppress(RedisUnavailable):
            await self._tally.flush(self._redis)
        await self._redis.aclose()

    async def _idle(self, within_s: float) -> bool:
        """Whether nothing is under way, at the latest after this time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                # BullMQ has no event for having written down how the last job ended.
                while self._bullmq is not None and self._bullmq.jobs:  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_FOR_ENDED_JOBS_EVERY_S)
        return self._bullmq is None or not self._bullmq.jobs

    async def _run(self) -> None:
        while not self._ending:
            waits, others = connect(self._url, waits=True), connect(self._url)
            self._clients = (waits, others)
            try:
                await self._run_bullmq(waits, others)
            except Exception as error:  # noqa: BLE001 (a worker must not end while the process runs)
                self._complain(error)
            await self._close_clients()
            if not self._ending:
                await asyncio.sleep(BEGIN_AGAIN_S)

    async def _run_bullmq(self, waits: Redis, others: Redis) -> None:
        self._bullmq = worker = _BullmqWorker(
            self.queue,
            self._process,
            waits,
            {
                "connection": others,
                "prefix": PREFIX,
                "autorun": False,
                "concurrency": self._options.concurrency,
                "lockDuration": self._lock_ms,
                "stalledInterval": self._stalled_every_ms,
                "maxStalledCount": STALLED_MOST,
                "runRetryDelay": RETRY_MS,
                "drainDelay": WAIT_S,
                "removeOnComplete": self._options.completed_kept,
                "removeOnFail": self._options.failed_kept,
                "settings": {"backoffStrategy": _backoff_ms},
            },
        )
        worker.on("error", self._complain)
        worker.on("active", self._on_active)
        worker.on("stalled", self._on_stalled)
        if self._paused:
            worker.stop_fetching()
        try:
            await worker.run()
        finally:
            await self._close_bullmq()

    async def _process(self, job: Any, token: str) -> Any:
        """What BullMQ calls with each job."""
        attempt = self._attempt_of(job)
        job.opts["attempts"] = attempt.most
        end = await self._end_of(job, attempt)
        match end:
            case Done():
                return _short(end.result)
            case Retry():
                raise Retry(end.why) from None
            case Dead():
                raise UnrecoverableError(end.why) from None
            case Defer():
                # If that fails too, the lock expires and the job comes again.
                with suppress(Exception):
                    await job.moveToDelayed(_now_ms() + end.delay_ms, token)
                raise DelayedError from None

    def _attempt_of(self, job: Any) -> JobAttempt:
        most = job.opts.get("attempts")
        if not isinstance(most, int) or most <= 0:
            most = self._options.attempts
        return JobAttempt(job.attemptsMade + 1, most, job.attemptsStarted)

    async def _end_of(self, job: Any, attempt: JobAttempt) -> JobEnd:
        try:
            return await self._runner.make(str(job.id), attempt, partial(_report, job))
        except Exception as error:  # noqa: BLE001 (it goes into Redis, without its stack)
            _log.exception("a job could not be tried")
            return Retry(reason_of(error))

    def _complain(self, error: Exception, *_job: object) -> None:
        away = isinstance(error, FAILURES) and type(error) is not ResponseError
        complaint = diagnostics.described(error) if away else reason_of(error)
        if self._ending or not self._complaint.should_log(complaint):
            return
        if away:  # `signals` logs that as a warning
            _log.info("a worker waits for its server", queue=self.queue, why=complaint)
        else:
            _log.warning("a worker met an error", queue=self.queue, why=complaint)

    def _on_active(self, *_job: object) -> None:
        if self._complaint.should_log_end():
            _log.info("a worker has jobs again", queue=self.queue)

    def _on_stalled(self, job_id: str) -> None:
        _log.warning("a job's worker was gone; it is done again", jobId=job_id, queue=self.queue)

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY_S)
            with suppress(RedisUnavailable):
                await self._tally.flush(self._redis)

    async def _close_clients(self) -> None:
        """Close BullMQ's connections; its own closing misses one that is being made."""
        for client in self._clients:
            with suppress(RedisError):
                await client.aclose()

    async def _close_bullmq(self) -> None:
        worker, self._bullmq = self._bullmq, None
        if worker is not None:
            await worker.end()


class _BullmqWorker(bullmq.Worker):  # type: ignore[misc]
    """BullMQ's worker, made robust against unreadable jobs and dead connections."""

    def __init__(self, queue: str, process: Any, waits: Redis, options: dict[str, Any]) -> None:
        super().__init__(queue, process, options)
        # BullMQ would wait on the client that it was given for everything else.
        self.backend.blocking_connection = RedisConnection(waits)

    async def run(self) -> None:
        """Take jobs until it is closed; raises if the server is unavailable at the start."""
        async with asyncio.timeout(ANSWER_WITHIN_S):
            # It needs the server's version: without it, it would wait in whole seconds.
            await self.backend.blocking_connection.getRedisVersion()
            await self._ensure_client_names()
        await super().run()

    async def end(self) -> None:
        """Close it by force and in bounded time: jobs worth waiting for have ended."""
        # A separate task, since closing goes on after a cancellation and may wait for ever.
        closing = asyncio.ensure_future(self.close(force=True))
        await asyncio.wait({closing}, timeout=HAND_BACK_WITHIN_S)
        closing.cancel()
        # It cancels what is under way, once, without waiting for its end.
        with suppress(TimeoutError):
            async with asyncio.timeout(HAND_BACK_WITHIN_S):
                await ended([*self.processing, *([self.waiting] if self.waiting else [])])

    def stop_fetching(self) -> None:
        """Take no new jobs, and stop waiting for them."""
        if self.resume_event.is_set():
            self.paused = True
            self.resume_event.clear()
            if self.waiting and not self.waiting.done():
                self.waiting.cancel()

    async def getNextJob(self, token: str) -> Any:  # noqa: N802
        """The next job; None while it closes: a task that missed its cancellation would wait."""
        return None if self.closing else await super().getNextJob(token)

    async def waitForJob(self) -> int:  # noqa: N802 (BullMQ's name)
        """Wait for an answer of the server, but not for ever on a dead connection."""
        async with asyncio.timeout(ANSWER_WITHIN_S):
            until: int = await super().waitForJob()
        return until

    async def runStalledJobsCheck(self) -> None:  # noqa: N802
        """Look for jobs of dead workers; BullMQ calls it each `stalledInterval`."""
        counts_for_ms = int(self.opts["stalledInterval"] * STALLED_TURN)
        try:
            stalled = await self.backend.moveStalledJobsToWait(
                self.opts["maxStalledCount"], counts_for_ms
            )
        except Exception as error:  # noqa: BLE001 (or nobody would ever look again)
            self.emit("error", error)
            return
        for job_id in stalled:
            self.emit("stalled", job_id)

    async def nextJobFromJobData(  # noqa: N802
        self,
        job_data: dict[str, str] | None = None,
        job_id: str | None = None,
        limit_until: int = 0,
        delay_until: int = 0,
        token: str | None = None,
    ) -> Any:
        """A job as Redis has it; parts that cannot be read count as empty.

        Otherwise such a job would never end: it could be taken, but neither be done nor fail. What
        matters is in the outbox.
        """
        if job_data:
            job_data = {**job_data, **_mended(job_data)}
        return await super().nextJobFromJobData(job_data, job_id, limit_until, delay_until, token)


_READ_AS_JSON: Final = {"data": dict, "opts": dict, "progress": object, "stacktrace": list}
_READ_AS_NUMBERS: Final = (
    *("delay", "priority", "timestamp", "finishedOn", "processedOn"),
    *("ats", "attemptsMade", "atm", "stc"),
)


def _mended(job_data: Mapping[str, str]) -> dict[str, str]:
    """Replacements for the parts of a job that cannot be read."""
    mended = {}
    for part, kind in _READ_AS_JSON.items():
        try:
            fits = part not in job_data or isinstance(json.loads(job_data[part]), kind)
        except ValueError:
            fits = False
        if not fits:
            mended[part] = "[]" if kind is list else "{}"
    for part in _READ_AS_NUMBERS:
        if part in job_data and not job_data[part].isdecimal():
            mended[part] = "0"
    if "parent" in job_data:
        mended["parent"] = "null"
    return mended


def _backoff_ms(attempts_made: int, kind: str, *_others: object) -> int:
    return patient_backoff_ms(attempts_made) if kind == PATIENT else 0


async def _report(job: Any, progress: dict[str, Any]) -> None:
    """Report progress, which is only shown: losing it is better than failing the job."""
    with suppress(Exception):
        await job.updateProgress(progress)


def _short(result: Any) -> Any:
    encoded = json.dumps(result, default=str)
    return json.loads(encoded) if len(encoded) <= RESULT_BYTES_MAX else None


def _now_ms() -> int:
    # The clock that BullMQ itself uses.
    return round(time.time() * 1000)
