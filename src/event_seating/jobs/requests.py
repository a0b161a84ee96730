"""Asking for jobs: the one way into the outbox.

A job is added in the transaction of its cause, so that both exist or neither. It carries the trace
of the request that asks for it. The relay is woken after the commit, since before it, or after a
rollback, there is nothing to find.

The seat log writes jobs together with its rows, on its own connections. It uses `traced` and
`wake_relay`, and has to add the rows itself.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.clock import Clock
from event_seating.db import kept_answers
from event_seating.db.database import Database, after_commit
from event_seating.db.kept_answers import KeyedCall
from event_seating.jobs import outbox
from event_seating.jobs.model import NewJob
from event_seating.telemetry import context


class RequestedJob(NamedTuple):
    """The job, and whether an earlier call with the same key asked for it."""

    job: NewJob
    replayed: bool


class JobRequests:
    """Adds jobs to the outbox and wakes the relay; `wake_relay` must neither wait nor fail."""

    def __init__(
        self, database: Database, clock: Clock, wake_relay: Callable[[], None] = lambda: None
    ) -> None:
        self._database = database
        self._clock = clock
        self.wake_relay = wake_relay

    async def ask(
        self, connection: AsyncConnection, job: NewJob, call: KeyedCall | None = None
    ) -> RequestedJob:
        """Ask for a job in this transaction, or return the one that the same call asked for before.

        Raises `IdempotencyKeyReused`.
        """
        now_ms = self._clock.now_ms()
        before = await kept_answers.first(self._database, connection, call, now_ms)
        if before is not None:
            return RequestedJob(job._replace(id=before.answer.decode()), replayed=True)
        await self.ask_all(connection, [job])
        await kept_answers.keep(connection, call, 202, job.id.encode(), now_ms)
        return RequestedJob(job, replayed=False)

    async def ask_all(self, connection: AsyncConnection, jobs: Sequence[NewJob]) -> None:
        """Ask for all of these in this transaction."""
        if jobs:
            await outbox.add(connection, [traced(job) for job in jobs], self._clock.now_ms())
            after_commit(connection, self.wake_relay)

    async def ask_once(self, connection: AsyncConnection, job: NewJob) -> bool:
        """Ask for a job unless one with this id waits or was done recently; whether it is new."""
        added = await outbox.add_once(connection, traced(job), self._clock.now_ms())
        if added:
            after_commit(connection, self.wake_relay)
        return added

    async def ask_alone(self, job: NewJob, call: KeyedCall | None = None) -> RequestedJob:
        """Ask in a transaction that does nothing else; raises `IdempotencyKeyReused`."""
        async with self._database.write() as connection:
            return await self.ask(connection, job, call)


def traced(job: NewJob) -> NewJob:
    """The job with the trace of the present caller."""
    return job._replace(trace=context.carried())
