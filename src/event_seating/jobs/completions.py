"""Writes down that jobs are done, many in one transaction: a group commit.

A transaction waits for the disk, and most jobs end while the transaction of another is written. So
the first one is written at once and alone, and those that end meanwhile are written next, all
together. If a row is locked or missing, or the group's transaction fails, each one is written
alone, so that one job's failure does not affect the others. A missing row means that the job was
done before.
"""

import asyncio
from collections import deque
from contextvars import Context
from typing import Any, Final

from event_seating.clock import Clock
from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable
from event_seating.jobs import outbox
from event_seating.jobs.outbox import Completion, OutboxRow
from event_seating.telemetry.logs import get_logger

GROUP_MOST: Final = 50
"""Twice what all workers of a process do at once; some milliseconds."""

_log = get_logger("jobs")


class CompletionWriter:
    """Writes the completions of this process, and tells each job once its own is committed."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting: deque[tuple[Completion, asyncio.Future[bool]]] = deque()
        self._writing: asyncio.Task[None] | None = None

    async def write(self, row: OutboxRow, result: Any, started_at_ms: int) -> bool:
        """Write that the job is done, and return once that is committed; False if it was before.

        Raises `DatabaseUnavailable`; then the outcome is unknown, and it may be called again.
        """
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        completion = Completion(row.event_id, row.id, result, started_at_ms, self._clock.now_ms())
        self._waiting.append((completion, written))
        if self._writing is None or self._writing.done():
            # Without the context of this job, since it writes for all jobs.
            self._writing = asyncio.create_task(
                self._write(), name="completions of jobs", context=Context()
            )
        return await written

    async def _write(self) -> None:
        while self._waiting:
            most = min(len(self._waiting), GROUP_MOST)
            group = [self._waiting.popleft() for _ in range(most)]
            try:
                left = await self._write_together(group) if most > 1 else group
                for completion, written in left:
                    await self._write_alone(completion, written)
            finally:
                for _, written in group:  # those that are left when this is cancelled
                    written.cancel()

    async def _write_together(
        self, group: list[tuple[Completion, asyncio.Future[bool]]]
    ) -> list[tuple[Completion, asyncio.Future[bool]]]:
        """Write the group in one transaction; those that were not written."""
        try:
            async with self._database.write() as connection:
                done = await outbox.finish_unlocked(
                    connection, [completion for completion, _ in group]
                )
        except DatabaseUnavailable as error:
            for _, written in group:
                _settle(written, error)
            return []
        except Exception as error:  # noqa: BLE001 (one of them is guilty: find out which)
            _log.warning("jobs could not be written down together", exc_info=error)
            return group
        for completion, written in group:
            if completion.id in done:
                _settle(written, True)
        return [each for each in group if each[0].id not in done]

    async def _write_alone(self, completion: Completion, written: "asyncio.Future[bool]") -> None:
        try:
            async with self._database.write() as connection:
                done = await outbox.finish(connection, completion)
        except Exception as error:  # noqa: BLE001 (the job that waits for it has to know)
            _settle(written, error)
        else:
            _settle(written, done)


def _settle(written: "asyncio.Future[bool]", outcome: bool | Exception) -> None:
    if written.done():  # the job that waited was stopped
        return
    if isinstance(outcome, Exception):
        written.set_exception(outcome)
    else:
        written.set_result(outcome)
