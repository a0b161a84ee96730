"""The statements about jobs, on every backend."""

import pytest
from sqlalchemy import select

from event_seating.db.database import Database
from event_seating.db.tables import job_results
from event_seating.jobs import outbox
from event_seating.jobs.ids import new_job_id
from event_seating.jobs.model import DATABASE_OPERATIONS, NewJob

pytestmark = pytest.mark.anyio


def job(event_id: str = "") -> NewJob:
    return NewJob(new_job_id(), DATABASE_OPERATIONS, "purge", {"what": "ärger"}, event_id)


async def finish(database: Database, asked: NewJob, result: object = None) -> bool:
    async with database.write() as connection:
        return await outbox.finish(
            connection, outbox.Completion(asked.event_id, asked.id, result, 2, 3)
        )


async def test_a_job_is_done_once_and_leaves_its_result(database: Database) -> None:
    asked = job("testevent001")
    async with database.write() as connection:
        await outbox.add(connection, [asked], 1)
    assert await finish(database, asked, {"rows": 7})
    assert not await finish(database, asked, {"rows": 8})
    async with database.read() as connection:
        (row,) = (await connection.execute(select(job_results))).all()
    assert (row.id, row.name, row.result) == (asked.id, "purge", '{"rows":7}')
    assert (row.created_at_ms, row.started_at_ms, row.finished_at_ms) == (1, 2, 3)


async def test_a_transaction_that_fails_leaves_no_job(database: Database) -> None:
    asked = job()

    async def ask_and_fail() -> None:
        async with database.write() as connection:
            await outbox.add(connection, [asked], 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ask_and_fail()
    assert not await finish(database, asked)
