"""What a job process does: relay jobs, do them, and ask for the hourly purge.

Owns the order in which these begin and end. A job process has one; nothing else starts a worker.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from event_seating.clock import Clock
from event_seating.db.database import Database
from event_seating.jobs.handler import Handler
from event_seating.jobs.model import QUEUES
from event_seating.jobs.purge import Purge
from event_seating.jobs.queue import JobQueue
from event_seating.jobs.relay import Relay
from event_seating.jobs.requests import JobRequests
from event_seating.jobs.worker import Worker
from event_seating.valkey.client import ended

DRAIN_WITHIN_S: Final = 9.0
"""Time for the jobs under way when the process stops, out of its 15 s; most take less than a
second, and an import can stop after each of its steps."""


class JobEngine:
    """Relay and workers of one process."""

    def __init__(
        self,
        url: str,
        database: Database,
        handlers: Mapping[str, Handler],
        clock: Clock,
        job_requests: JobRequests,
        *,
        queues: Sequence[str] = QUEUES,
    ) -> None:
        purge = Purge(database, clock, job_requests)
        self._queues = [JobQueue(name, url) for name in QUEUES]
        self._relay = Relay(database, self._queues, clock)
        self._purge = purge
        every = {**purge.handlers(), **handlers}
        self._workers = [Worker(name, url, database, every, clock) for name in queues]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin, whether Redis is available or not."""
        self._tasks = [
            asyncio.create_task(self._relay.run(), name="relay"),
            asyncio.create_task(self._purge.keep_asking(), name="purge"),
        ]
        for worker in self._workers:
            worker.start()

    def nudge(self) -> None:
        """There may be new jobs."""
        self._relay.nudge()

    async def drain(self, *, at_once: bool = False) -> None:
        """Take no new jobs, finish those under way or (`at_once`) hand them back, and end."""
        await ended(self._tasks)
        within_s = 0.0 if at_once else DRAIN_WITHIN_S
        await asyncio.gather(*(worker.drain(within_s) for worker in self._workers))
        for queue in self._queues:
            await queue.close()
