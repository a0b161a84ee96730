"""What is too old goes and what is not stays, on every backend."""

from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.clock import SystemClock
from event_seating.db.database import Database
from event_seating.db.tables import (
    files,
    idempotency,
    job_results,
    kept_answers,
    outbox,
    user_import_refusals,
    user_imports,
    webhook_deliveries,
)
from event_seating.jobs import files as files_module
from event_seating.jobs import outbox as statements
from event_seating.jobs import purge as module
from event_seating.jobs.handler import Job
from event_seating.jobs.model import DATABASE_OPERATIONS, NewJob
from event_seating.jobs.purge import DAY_MS, HOUR_MS, ROWS_A_STEP, Purge
from event_seating.jobs.requests import JobRequests

pytestmark = pytest.mark.anyio

NOW_MS = 1_800_000_000_000


class Clock(SystemClock):
    def __init__(self) -> None:
        self.ms = NOW_MS

    def now_ms(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def purge(database: Database, clock: Clock) -> Purge:
    return Purge(database, clock, JobRequests(database, clock))


async def run(purge: Purge) -> dict[str, int]:
    async def finish(connection: AsyncConnection, result: Any) -> None:
        raise AssertionError

    async def report(progress: dict[str, Any]) -> None:
        return None

    job = Job("purge-x", "", "purge", {}, 1, last_attempt=False, finish=finish, report=report)
    return await purge.purge(job)


async def put(database: Database, table: Any, rows: list[dict[str, Any]]) -> None:
    async with database.write() as connection:
        await connection.execute(insert(table), rows)


async def ids(database: Database, column: Any) -> set[str]:
    async with database.read() as connection:
        return set((await connection.execute(select(column))).scalars())


def result(id_: str, finished_at_ms: int) -> dict[str, Any]:
    return {"id": id_, "queue": "q", "name": "n", "created_at_ms": 1, "started_at_ms": 1,
            "finished_at_ms": finished_at_ms}  # fmt: skip


def row(id_: str, failed_at_ms: int | None) -> dict[str, Any]:
    return {"event_id": "", "id": id_, "queue": DATABASE_OPERATIONS, "name": "n", "payload": "{}",
            "priority": 10, "created_at_ms": 1, "failed_at_ms": failed_at_ms}  # fmt: skip


async def test_each_thing_is_kept_for_its_time(database: Database, purge: Purge) -> None:
    await put(database, job_results, [result("new", NOW_MS - DAY_MS),
                                      result("old", NOW_MS - DAY_MS - 1)])  # fmt: skip
    await put(database, idempotency, [
        {"event_id": "", "scope": "s", "key": key, "request_hash": b"x", "status": 1,
         "answer": b"x", "at_ms": at}
        for key, at in (("new", NOW_MS - DAY_MS), ("old", NOW_MS - DAY_MS - 1))
    ])  # fmt: skip
    await put(database, kept_answers, [
        {"call": call, "request_hash": b"x", "status": 1, "answer": b"x", "at_ms": at}
        for call, at in ((b"new", NOW_MS - DAY_MS), (b"old", NOW_MS - DAY_MS - 1))
    ])  # fmt: skip
    await put(database, outbox, [row("waits", None), row("new", NOW_MS - 30 * DAY_MS),
                                 row("old", NOW_MS - 30 * DAY_MS - 1)])  # fmt: skip
    await put(database, webhook_deliveries, [
        {"id": id_, "webhook_id": "w", "job_id": "j", "type": "t", "event_id": "e",
         "version": 1, "payload": "{}", "status": "s", "attempts": 1, "created_at_ms": at}
        for id_, at in (("new", NOW_MS - 30 * DAY_MS), ("old", NOW_MS - 30 * DAY_MS - 1))
    ])  # fmt: skip
    for name, until in (("new", NOW_MS + 1), ("old", NOW_MS)):
        await files_module.spool(database, name, "text/csv", [b"x"], 1, until)
    gone = await run(purge)
    assert await ids(database, job_results.c.id) == {"new"}
    assert await ids(database, idempotency.c.key) == {"new"}
    assert await ids(database, kept_answers.c.call) == {b"new"}  # type: ignore[comparison-overlap]
    assert await ids(database, outbox.c.id) == {"waits", "new"}
    assert await ids(database, webhook_deliveries.c.id) == {"new"}
    assert await ids(database, files.c.name) == {"new"}
    assert gone["job_results"] == gone["outbox"] == gone["files"] == 1


async def test_an_import_without_its_job_goes_and_another_stays(
    database: Database, purge: Purge
) -> None:
    await put(database, outbox, [row("alive", None)])
    await put(database, user_imports, [
        {"job_id": job_id, "file_id": "f", "next_line": 1, "created": 0, "refused": 0}
        for job_id in ("alive", "dead")
    ])  # fmt: skip
    await put(database, user_import_refusals, [
        {"job_id": job_id, "line": 1, "reason": "r"} for job_id in ("alive", "dead", "done")
    ])  # fmt: skip
    await run(purge)
    assert await ids(database, user_imports.c.job_id) == {"alive"}
    assert await ids(database, user_import_refusals.c.job_id) == {"alive"}


async def test_many_rows_go_in_steps(
    database: Database, purge: Purge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BETWEEN_STEPS_S", 0)
    number = 2 * ROWS_A_STEP + 3
    await put(database, job_results, [result(f"r{n}", 1) for n in range(number)])
    assert (await run(purge))["job_results"] == number


async def test_one_purge_is_asked_for_each_hour_whoever_asks(
    database: Database, purge: Purge, clock: Clock
) -> None:
    other = Purge(database, clock, JobRequests(database, clock))
    asked = [await each.ask() for each in (purge, other, purge)]
    assert asked == [True, False, False]
    async with database.read() as connection:
        (job_id,) = (await connection.execute(select(outbox.c.id))).scalars().all()
    async with database.write() as connection:
        assert await statements.finish(connection, statements.Completion("", job_id, {}, 1, NOW_MS))
    assert not await other.ask(), "done, and not to be done again within the hour"
    clock.ms += HOUR_MS
    assert await other.ask()
    async with database.read() as connection:
        counted = await connection.execute(select(func.count()).select_from(outbox))
    assert counted.scalar_one() == 1


async def test_a_job_is_asked_for_once_by_its_id(database: Database) -> None:
    job = NewJob("purge-1", DATABASE_OPERATIONS, "purge", {}, priority=100, trace="t")
    async with database.write() as connection:
        assert await statements.add_once(connection, job, 5)
        assert not await statements.add_once(connection, job, 6)
    async with database.read() as connection:
        found = await statements.by_id(connection, "purge-1")
    assert found is not None
    assert (found.priority, found.created_at_ms, found.trace) == (100, 5, "t")
