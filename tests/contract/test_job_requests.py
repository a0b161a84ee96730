"""A job is asked for in the transaction of its cause, and the relay is woken by the commit."""

import pytest
from sqlalchemy import select
from structlog.contextvars import bound_contextvars

from event_seating.clock import SystemClock
from event_seating.db.database import Database
from event_seating.db.kept_answers import KeyedCall
from event_seating.db.tables import outbox
from event_seating.errors import IdempotencyKeyReused
from event_seating.jobs.ids import new_job_id
from event_seating.jobs.model import DATABASE_OPERATIONS, NewJob
from event_seating.jobs.requests import JobRequests

pytestmark = pytest.mark.anyio

CALL = KeyedCall(b"c" * 32, b"h" * 32)


class Desk(JobRequests):
    """Job requests that count how often the relay was woken."""

    def __init__(self, database: Database) -> None:
        self.woken = 0
        super().__init__(database, SystemClock(), self._wake)

    def _wake(self) -> None:
        self.woken += 1


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def a_job() -> NewJob:
    return NewJob(new_job_id(), DATABASE_OPERATIONS, "count", {})


async def rows(database: Database) -> list[tuple[str, str | None]]:
    """The jobs that were asked for, by id, with their traces."""
    async with database.read() as connection:
        found = await connection.execute(select(outbox.c.id, outbox.c.trace).order_by(outbox.c.id))
        return [(row.id, row.trace) for row in found]


async def test_the_relay_is_woken_once_and_only_when_the_jobs_are_committed(
    database: Database, desk: Desk
) -> None:
    jobs = [a_job() for _ in range(3)]
    async with database.write() as connection:
        await desk.ask(connection, jobs[0])
        await desk.ask_all(connection, jobs[1:])
        assert desk.woken == 0, "it would find nothing yet"
    assert desk.woken == 1
    assert [job_id for job_id, _ in await rows(database)] == sorted(job.id for job in jobs)


async def test_a_transaction_that_is_rolled_back_leaves_no_job_and_wakes_nobody(
    database: Database, desk: Desk
) -> None:
    async def ask_and_fail() -> None:
        async with database.write() as connection:
            await desk.ask(connection, a_job())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ask_and_fail()
    async with database.write():
        pass  # on SQLite the same connection, which must have forgotten it
    assert desk.woken == 0
    assert await rows(database) == []


async def test_asking_for_nothing_wakes_nobody(database: Database, desk: Desk) -> None:
    async with database.write() as connection:
        await desk.ask_all(connection, [])
    assert desk.woken == 0


async def test_a_job_carries_the_request_that_asks_for_it(database: Database, desk: Desk) -> None:
    with bound_contextvars(requestId="abc-1"):
        first = await desk.ask_alone(a_job())
    second = await desk.ask_alone(a_job())
    traces = dict(await rows(database))
    assert traces == {first.job.id: '{"requestId":"abc-1"}', second.job.id: None}


async def test_a_repeated_call_is_given_its_first_job(database: Database, desk: Desk) -> None:
    first = await desk.ask_alone(a_job(), CALL)
    again = await desk.ask_alone(a_job(), CALL)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.job.id == first.job.id
    assert len(await rows(database)) == 1
    assert desk.woken == 1
    with pytest.raises(IdempotencyKeyReused):
        await desk.ask_alone(a_job(), CALL._replace(request_hash=b"x" * 32))


async def test_a_job_that_is_asked_for_once_wakes_the_relay_once(
    database: Database, desk: Desk
) -> None:
    job = a_job()
    for expected in (True, False):
        async with database.write() as connection:
            assert await desk.ask_once(connection, job) is expected
    assert desk.woken == 1
