"""The way from the outbox into the queue: rows are claimed, put in, and noted as relayed.

These are three short steps, and no transaction waits for Redis: take a lease on some rows, add the
jobs to Redis under the rows' ids, note that they are there. If a process dies in between, the lease
expires and the steps are repeated, which adds nothing twice.

Jobs that Redis loses are found again. Rows that were relayed `RELAYED_FOR_MS` ago and are not done
are looked up, and added again if Redis does not know them. A marker with the id of the server's run
shows that it was flushed, restarted or replaced: then every relayed row is looked up at once.

Memory is bounded, here and in Redis: `BATCH` rows at a time, and no more than `WAITING_MOST` in a
queue; a backlog stays in the database, where it is safe. Urgent jobs pass all others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.clock import Clock
from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable, RedisUnavailable
from event_seating.jobs import outbox
from event_seating.jobs.model import URGENT, JobState
from event_seating.jobs.outbox import OutboxRow
from event_seating.jobs.queue import JobQueue
from event_seating.telemetry.complaints import Complaint
from event_seating.telemetry.logs import get_logger
from event_seating.valkey import diagnostics

POLL_S: Final = 1.0
"""How long a job waits if the signal for it was lost."""

BATCH: Final = 500
"""Rows in one round: some hundred kilobytes, some tens of milliseconds."""

LEASE_MS: Final = 30_000
"""Ten times what a batch takes at worst; the rows of a relay that died wait for this long."""

RELAYED_FOR_MS: Final = 300_000
"""After five minutes it is worth asking whether a job is still in the queue."""

WAITING_MOST: Final = 10_000
"""Jobs that wait in a queue; some ten megabytes of Redis, and ten seconds of work."""

LOOK_AT_ALL_EVERY_S: Final = 10.0
"""If an address leads to several servers in turn, each look finds another one; a bound for that."""

_log = get_logger("relay")


class Relay:
    """Hands the rows of the outbox to the queues, for as long as it runs."""

    def __init__(self, database: Database, queues: Sequence[JobQueue], clock: Clock) -> None:
        self._database = database
        self._queues = {queue.name: queue for queue in queues}
        self._clock = clock
        self._nudged = asyncio.Event()
        self._all_before_ms: int | None = None
        """While set, rows that were relayed before this time are looked up, since the server is
        new."""
        self._looked_at_all = -LOOK_AT_ALL_EVERY_S
        self._complaint = Complaint(clock)
        self._in_trouble = False

    def nudge(self) -> None:
        """There may be new rows: look now."""
        self._nudged.set()

    async def run(self) -> None:
        """Relay until cancelled."""
        while True:
            self._nudged.clear()
            more = await self._step_or_complain()
            if not more:
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await self._nudged.wait()
                if self._in_trouble:
                    # A nudge must not shorten the wait for a server that is unavailable.
                    await asyncio.sleep(POLL_S)

    async def step(self) -> int:
        """One round; how many rows were handed over or looked up.

        Raises `RedisUnavailable`, before the database is asked, and `DatabaseUnavailable`.
        """
        run = await self._look_for_a_loss()
        before_ms = max(self._clock.now_ms() - RELAYED_FOR_MS, self._all_before_ms or 0)
        async with self._database.read() as connection:
            waiting, relayed = await outbox.pending(
                connection, now_ms=self._clock.now_ms(), before_ms=before_ms
            )
        moved = 0
        for queue in self._queues.values():
            if queue.name in waiting:
                moved += await self._hand_over(queue)
        looked = await self._look_again(before_ms) if relayed else 0
        if run is not None and looked < BATCH:
            await self._first_queue.mark(run)
            self._all_before_ms = None
        return moved + looked

    @property
    def _first_queue(self) -> JobQueue:
        return next(iter(self._queues.values()))

    async def _step_or_complain(self) -> bool:
        try:
            moved = await self.step()
        except (DatabaseUnavailable, RedisUnavailable) as error:
            cause = error.__cause__
            complaint = diagnostics.described(cause) if cause else str(error)
            if isinstance(error, DatabaseUnavailable):
                complaint = str(error)
            if self._complaint.should_log(complaint):
                _log.warning("jobs wait in the outbox", why=complaint)
            self._in_trouble = True
            return False
        self._in_trouble = False
        if self._complaint.should_log_end():
            _log.info("jobs go from the outbox into the queues again")
        return moved > 0

    async def _look_for_a_loss(self) -> str | None:
        """The server's run if it is not the marked one; then all relayed rows are looked up."""
        run = await self._first_queue.server()
        if await self._first_queue.marker() == run:
            self._all_before_ms = None
            return None
        now = self._clock.monotonic()
        if self._all_before_ms is None and now - self._looked_at_all >= LOOK_AT_ALL_EVERY_S:
            self._all_before_ms = self._clock.now_ms()
            self._looked_at_all = now
            _log.info(
                "the queue server is new, restarted or flushed: looking for jobs that it lost"
            )
        return None if self._all_before_ms is None else run

    async def _hand_over(self, queue: JobQueue) -> int:
        room = WAITING_MOST - (await queue.counts()).waiting
        rows = await self._claim(
            lambda now_ms, connection: outbox.claim_waiting(
                connection,
                queue.name,
                least_priority=outbox.PRIORITY_MAX if room > 0 else URGENT,
                now_ms=now_ms,
                until_ms=now_ms + LEASE_MS,
                most=min(BATCH, room) if room > 0 else BATCH,
            )
        )
        await self._settling(rows, self._put_in(queue, rows))
        return len(rows)

    async def _look_again(self, before_ms: int) -> int:
        rows = await self._claim(
            lambda now_ms, connection: outbox.claim_relayed(
                connection,
                before_ms=before_ms,
                now_ms=now_ms,
                until_ms=now_ms + LEASE_MS,
                most=BATCH,
            )
        )
        for name, queue in self._queues.items():
            mine = [row for row in rows if row.queue == name]
            await self._settling(mine, self._put_back(queue, mine))
        return len(rows)

    async def _claim(
        self, claim: Callable[[int, AsyncConnection], Awaitable[list[OutboxRow]]]
    ) -> list[OutboxRow]:
        async with self._database.write() as connection:
            return await claim(self._clock.now_ms(), connection)

    async def _settling(self, rows: Sequence[OutboxRow], work: Awaitable[None]) -> None:
        """Do the work; if Redis fails meanwhile, release the rows before the lease ends."""
        try:
            await work
        except RedisUnavailable:
            with suppress(DatabaseUnavailable):
                async with self._database.write() as connection:
                    await outbox.unclaim(connection, rows)
            raise

    async def _put_in(self, queue: JobQueue, rows: Sequence[OutboxRow]) -> None:
        """Put in rows that were asked for, or asked for again.

        A job that Redis still has under the same id, because it failed for good and is tried again,
        is removed first. A job that is running is left to end: its row is claimed again when the
        lease is over.
        """
        states = await queue.states([row.id for row in rows])
        ended = {row.id for row in rows if states[row.id] in {JobState.completed, JobState.failed}}
        await queue.remove(ended)
        await queue.add(
            [row for row in rows if states[row.id] == JobState.unknown or row.id in ended]
        )
        there = [row for row in rows if states[row.id] != JobState.active]
        if there:
            async with self._database.write() as connection:
                await outbox.note_relayed(connection, there, self._clock.now_ms())

    async def _put_back(self, queue: JobQueue, rows: Sequence[OutboxRow]) -> None:
        """Look up rows that were relayed, and put back those that Redis lost.

        If a job is `failed` and its row is open, its last attempt ended and could not be written
        down, because the worker died or kept stalling. Running it again could go on for ever, so
        the failure is written down now.

        If a job is `completed` and its row exists, queue and database disagree. Our workers
        complete a job only after its row is gone, so the database was set back (a restore, a lost
        replica), or a foreign worker did not delete the row. The row is the truth: the job runs
        again.
        """
        states = await queue.states([row.id for row in rows])
        completed = {row.id for row in rows if states[row.id] == JobState.completed}
        failed = {row.id for row in rows if states[row.id] == JobState.failed}
        await queue.remove(completed)
        lost = [row for row in rows if states[row.id] == JobState.unknown or row.id in completed]
        await queue.add(sorted(lost, key=lambda row: (row.priority, row.created_at_ms)))
        reasons = {job_id: await queue.reason(job_id) for job_id in failed}
        if lost:
            _log.warning("put jobs back that the queue had lost", queue=queue.name, jobs=len(lost))
        if rows:
            now_ms = self._clock.now_ms()
            async with self._database.write() as connection:
                for row in rows:
                    if row.id in failed:
                        await outbox.fail(connection, row.event_id, row.id, reasons[row.id], now_ms)
                await outbox.note_relayed(connection, rows, now_ms)
