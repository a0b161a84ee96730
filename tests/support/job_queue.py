"""Jobs in a test: an outbox, a queue on a real Valkey, and the relay and workers between them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from sqlalchemy import func, select

from event_seating.clock import SystemClock
from event_seating.db.database import Database
from event_seating.db.tables import job_results, outbox
from event_seating.jobs import outbox as statements
from event_seating.jobs.handler import Handler
from event_seating.jobs.ids import new_job_id
from event_seating.jobs.model import DATABASE_OPERATIONS, USUAL, NewJob
from event_seating.jobs.outbox import JobResult, OutboxRow
from event_seating.jobs.queue import OPTIONS, JobQueue, QueueOptions
from event_seating.jobs.relay import Relay
from event_seating.jobs.worker import Worker
from event_seating.valkey.client import connect, ended

QUICK = QueueOptions(attempts=3, backoff={"type": "exponential", "delay": 20}, concurrency=5)
"""The seed's attempts, a hundred times as fast."""


class Jobs:
    """One database, one server, one queue."""

    def __init__(
        self,
        database: Database,
        url: str,
        queue: str = DATABASE_OPERATIONS,
        options: QueueOptions | None = None,
    ) -> None:
        self.database = database
        self.url = url
        self.clock = SystemClock()
        self.name = queue
        self.options = options or OPTIONS[queue]
        self.queue = JobQueue(queue, url, self.options)
        self.relay = Relay(database, [self.queue], self.clock)
        self.redis = connect(url)

    async def aclose(self) -> None:
        await self.queue.close()
        await self.redis.aclose()

    async def ask(
        self,
        name: str = "count",
        payload: Mapping[str, Any] | None = None,
        *,
        priority: int = USUAL,
        event_id: str = "",
    ) -> str:
        """Write one job; its id."""
        job = NewJob(new_job_id(), self.name, name, dict(payload or {}), event_id, priority)
        async with self.database.write() as connection:
            await statements.add(connection, [job], self.clock.now_ms())
        return job.id

    async def row(self, job_id: str) -> OutboxRow | None:
        async with self.database.read() as connection:
            return await statements.by_id(connection, job_id)

    async def result(self, job_id: str) -> JobResult | None:
        async with self.database.read() as connection:
            return await statements.result_by_id(connection, job_id)

    async def left(self) -> int:
        """How many rows are in the outbox."""
        async with self.database.read() as connection:
            found = await connection.execute(select(func.count()).select_from(outbox))
            return int(found.scalar_one())

    async def done(self) -> int:
        """How many results there are."""
        async with self.database.read() as connection:
            found = await connection.execute(select(func.count()).select_from(job_results))
            return int(found.scalar_one())

    async def in_redis(self, job_id: str) -> dict[str, str]:
        """What BullMQ stores of a job."""
        return dict(await self.redis.hgetall(f"bull:{self.name}:{job_id}"))

    async def state(self, job_id: str) -> str:
        return (await self.queue.states([job_id]))[job_id]

    def worker(
        self,
        handlers: Mapping[str, Handler],
        *,
        times: Mapping[str, int] | None = None,
        **changes: Any,
    ) -> Worker:
        """`times`: of its locks, and of the looks for jobs of dead workers."""
        options = self.options._replace(**changes)
        return Worker(
            self.name,
            self.url,
            self.database,
            handlers,
            self.clock,
            options=options,
            **(times or {}),
        )

    @asynccontextmanager
    async def working(
        self,
        handlers: Mapping[str, Handler],
        *,
        relaying: bool = True,
        times: Mapping[str, int] | None = None,
        **changes: Any,
    ) -> AsyncIterator[Worker]:
        """A worker, and the relay beside it, until the block ends."""
        worker = self.worker(handlers, times=times, **changes)
        worker.start()
        relaying_task = asyncio.create_task(self.relay.run()) if relaying else None
        try:
            yield worker
        finally:
            if relaying_task is not None:
                await ended([relaying_task])
            await worker.drain(5)


@asynccontextmanager
async def jobs_on(database: Database, url: str, **changes: Any) -> AsyncIterator[Jobs]:
    async with AsyncExitStack() as stack:
        jobs = Jobs(database, url, **changes)
        stack.push_async_callback(jobs.aclose)
        yield jobs
