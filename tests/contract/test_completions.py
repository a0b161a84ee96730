"""That jobs are done is written for several at once, and each is told what became of its own."""

import asyncio

import pytest
from sqlalchemy import text

from event_seating.clock import SystemClock
from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable
from event_seating.jobs import outbox
from event_seating.jobs.completions import GROUP_MOST, CompletionWriter
from event_seating.jobs.ids import new_job_id
from event_seating.jobs.model import NOTIFICATIONS, NewJob
from event_seating.jobs.outbox import OutboxRow

pytestmark = pytest.mark.anyio

JOBS = GROUP_MOST + 10


async def asked(database: Database, count: int = JOBS) -> list[OutboxRow]:
    """So many rows of the outbox."""
    jobs = [NewJob(new_job_id(), NOTIFICATIONS, "x", {}, f"event{n % 3}") for n in range(count)]
    async with database.write() as connection:
        await outbox.add(connection, jobs, 1)
        found = [await outbox.by_id(connection, job.id) for job in jobs]
    return [row for row in found if row is not None]


async def results(database: Database) -> dict[str, str | None]:
    async with database.read() as connection:
        found = await connection.execute(text("SELECT id, result FROM job_results"))
        return {row.id: row.result for row in found}


async def left(database: Database) -> int:
    async with database.read() as connection:
        return int((await connection.execute(text("SELECT COUNT(*) FROM outbox"))).scalar_one())


async def test_jobs_that_end_together_are_all_written_each_with_its_result(
    database: Database,
) -> None:
    rows = await asked(database)
    endings = CompletionWriter(database, SystemClock())
    done = await asyncio.gather(*(endings.write(row, {"n": n}, 1) for n, row in enumerate(rows)))
    assert all(done)
    assert await left(database) == 0
    assert await results(database) == {row.id: f'{{"n":{n}}}' for n, row in enumerate(rows)}


async def test_what_was_done_before_is_told_to_its_own_job_alone(database: Database) -> None:
    rows = await asked(database, 5)
    endings = CompletionWriter(database, SystemClock())
    assert await endings.write(rows[3], "first", 1)
    done = await asyncio.gather(*(endings.write(row, "second", 1) for row in rows))
    assert done == [True, True, True, False, True]
    assert (await results(database))[rows[3].id] == '"first"'


async def test_a_result_that_cannot_be_written_fails_its_own_job_alone(database: Database) -> None:
    rows = await asked(database, 5)
    endings = CompletionWriter(database, SystemClock())
    done = await asyncio.gather(
        *(endings.write(row, object() if n == 2 else n, 1) for n, row in enumerate(rows)),
        return_exceptions=True,
    )
    assert [each is True for each in done] == [True, True, False, True, True]
    assert await left(database) == 1


async def test_a_row_that_somebody_is_at_does_not_hold_up_the_others_of_its_group(
    database: Database,
) -> None:
    rows = await asked(database, 6)
    endings = CompletionWriter(database, SystemClock())
    if database.dialect == "sqlite":
        # One writer at a time: there is nobody at a row while another writes.
        assert all(await asyncio.gather(*(endings.write(row, None, 1) for row in rows)))
        return
    async with database.write() as connection:
        held = text("SELECT 1 FROM outbox WHERE id = :id FOR UPDATE")
        await connection.execute(held, {"id": rows[4].id})
        first = asyncio.ensure_future(endings.write(rows[0], None, 1))
        writing = [asyncio.ensure_future(endings.write(row, None, 1)) for row in rows[1:]]
        async with asyncio.timeout(1):
            await asyncio.gather(first, *(each for n, each in enumerate(writing, 1) if n != 4))
        assert not writing[3].done()
    assert await writing[3]
    assert await left(database) == 0


async def test_an_absent_database_is_told_to_all_who_wait(database: Database) -> None:
    rows = await asked(database, 4)
    gone = Database("sqlite+aiosqlite:////nowhere/at-all.db")
    endings = CompletionWriter(gone, SystemClock())
    done = await asyncio.gather(*(endings.write(row, 1, 1) for row in rows), return_exceptions=True)
    assert all(isinstance(each, DatabaseUnavailable) for each in done)
    assert await left(database) == 4
    await gone.close()


async def test_whoever_stops_waiting_takes_nothing_from_the_others(database: Database) -> None:
    rows = await asked(database, 5)
    endings = CompletionWriter(database, SystemClock())
    writing = [asyncio.ensure_future(endings.write(row, None, 1)) for row in rows]
    await asyncio.sleep(0)
    writing[1].cancel()
    done = await asyncio.gather(*writing, return_exceptions=True)
    assert [each is True for each in done] == [True, False, True, True, True]
    assert await left(database) == 0, "it was said before it was stopped"
