"""Deletes what is too old, in steps so short that no other writer waits for long.

Owns how long things are kept. A `purge` is a job like every other, asked for each hour under an id
that names the hour, so that only the first of all processes that ask adds one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Table, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.clock import MS_PER_S, Clock
from event_seating.db.database import Database
from event_seating.db.retention import ANSWERS_KEPT_MS
from event_seating.db.tables import (
    idempotency,
    job_results,
    kept_answers,
    outbox,
    user_import_refusals,
    user_imports,
    webhook_deliveries,
)
from event_seating.errors import DatabaseUnavailable
from event_seating.jobs import files
from event_seating.jobs.handler import Job
from event_seating.jobs.model import BULK, DATABASE_OPERATIONS, NewJob
from event_seating.jobs.requests import JobRequests

PURGE: Final = "purge"

HOUR_MS: Final = 3_600 * MS_PER_S
DAY_MS: Final = 24 * HOUR_MS

RESULTS_KEPT_MS: Final = DAY_MS
"""The results of jobs that are done."""

FAILED_KEPT_MS: Final = 30 * DAY_MS
"""Jobs that were given up, to be looked at and tried again; and deliveries of webhooks."""

ROWS_A_STEP: Final = 500
"""Some ten milliseconds in which no other writer of SQLite writes."""

FILES_A_STEP: Final = 1
"""A file may have a hundred chunks."""

BETWEEN_STEPS_S: Final = 0.02
"""A pause for other writers; twice as long as a step."""

ASK_EVERY_S: Final = 60.0
"""How late a purge may be asked for."""

Step = Callable[[AsyncConnection, int], Awaitable[int]]
"""Deletes what is too old at this time, at most one step's rows; how many it deleted."""


class _Old(NamedTuple):
    """Rows that are deleted some time after the time in a column."""

    table: Table
    column: str
    kept_ms: int

    async def step(self, connection: AsyncConnection, now_ms: int) -> int:
        before = self.table.c[self.column] < now_ms - self.kept_ms
        return await _delete(connection, self.table, before)


_OLD: Final = (
    _Old(idempotency, "at_ms", ANSWERS_KEPT_MS),
    _Old(idempotency, "until_ms", 0),
    _Old(kept_answers, "at_ms", ANSWERS_KEPT_MS),
    _Old(job_results, "finished_at_ms", RESULTS_KEPT_MS),
    _Old(outbox, "failed_at_ms", FAILED_KEPT_MS),
    _Old(webhook_deliveries, "created_at_ms", FAILED_KEPT_MS),
)


class Purge:
    """The handler of `purge`, and the loop that asks for one each hour."""

    def __init__(self, database: Database, clock: Clock, job_requests: JobRequests) -> None:
        self._database = database
        self._clock = clock
        self._job_requests = job_requests

    def handlers(self) -> dict[str, Any]:
        return {PURGE: self.purge}

    async def purge(self, job: Job) -> dict[str, int]:
        """Delete what is too old; how many rows of each table."""
        gone: dict[str, int] = {}
        for name, most, step in _steps():
            gone.setdefault(name, 0)
            while True:
                async with self._database.write() as connection:
                    deleted = await step(connection, self._clock.now_ms())
                gone[name] += deleted
                if deleted < most:
                    break
                await job.report(gone)
                await asyncio.sleep(BETWEEN_STEPS_S)
        return gone

    async def keep_asking(self) -> None:
        """Ask for a purge each hour, until cancelled."""
        while True:
            with suppress(DatabaseUnavailable):
                await self.ask()
            await asyncio.sleep(ASK_EVERY_S)

    async def ask(self) -> bool:
        """Ask for this hour's purge, unless another process has; whether it was added."""
        now_ms = self._clock.now_ms()
        hour = datetime.fromtimestamp(now_ms / MS_PER_S, UTC).strftime("%Y-%m-%dT%HZ")
        job = NewJob(f"{PURGE}-{hour}", DATABASE_OPERATIONS, PURGE, {}, priority=BULK)
        async with self._database.write() as connection:
            return await self._job_requests.ask_once(connection, job)


def _steps() -> Sequence[tuple[str, int, Step]]:
    return [
        *((old.table.name, ROWS_A_STEP, old.step) for old in _OLD),
        ("user_imports", ROWS_A_STEP, _imports),
        ("user_import_refusals", ROWS_A_STEP, _refusals),
        ("files", FILES_A_STEP, _files),
    ]


async def _files(connection: AsyncConnection, now_ms: int) -> int:
    return await files.purge(connection, now_ms, FILES_A_STEP)


async def _imports(connection: AsyncConnection, _now_ms: int) -> int:
    """Delete imports whose job is gone."""
    return await _delete(
        connection, user_imports, user_imports.c.job_id.not_in(select(outbox.c.id))
    )


async def _refusals(connection: AsyncConnection, _now_ms: int) -> int:
    """Delete refusals whose import is gone; its file has them."""
    imports = select(user_imports.c.job_id)
    return await _delete(
        connection, user_import_refusals, user_import_refusals.c.job_id.not_in(imports)
    )


async def _delete(connection: AsyncConnection, table: Table, condition: Any) -> int:
    key = tuple_(*table.primary_key.columns)
    chosen = select(*table.primary_key.columns).where(condition).limit(ROWS_A_STEP)
    result = await connection.execute(delete(table).where(key.in_(chosen)))
    return result.rowcount
