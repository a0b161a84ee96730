"""What `Database` promises, on every backend."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from tests.postgres import Postgres

from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable
from event_seating.users import store
from event_seating.users.model import User

pytestmark = pytest.mark.anyio

ANNA = User("anna", "Anna", "anna@example.com", 1)


async def names(database: Database) -> list[str]:
    async with database.read() as connection:
        return list((await connection.execute(text("SELECT id FROM users ORDER BY id"))).scalars())


async def test_a_transaction_is_there_after_the_block(database: Database) -> None:
    async with database.write() as connection:
        await store.insert(connection, ANNA)
    assert await names(database) == ["anna"]


async def test_a_read_of_several_statements_sees_one_state(database: Database) -> None:
    count = text("SELECT COUNT(*) FROM users")
    async with database.read() as connection:
        assert (await connection.execute(count)).scalar_one() == 0
        async with database.write() as other:
            await store.insert(other, ANNA)
        assert (await connection.execute(count)).scalar_one() == 0
    assert await names(database) == ["anna"]


async def test_an_exception_takes_the_transaction_back(database: Database) -> None:
    async def write() -> None:
        async with database.write() as connection:
            await store.insert(connection, ANNA)
            raise LookupError

    with pytest.raises(LookupError):
        await write()
    assert await names(database) == []


async def test_a_cancelled_transaction_is_taken_back_and_the_next_one_works(
    database: Database,
) -> None:
    inside = asyncio.Event()

    async def write() -> None:
        async with database.write() as connection:
            await store.insert(connection, ANNA)
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await inside.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await names(database) == []
    async with database.write() as connection:
        await store.insert(connection, ANNA)
    assert await names(database) == ["anna"]


async def test_a_reader_does_not_see_what_is_not_committed(database: Database) -> None:
    async with database.write() as connection:
        await store.insert(connection, ANNA)
        assert await names(database) == []


async def test_what_a_statement_did_wrong_passes_through(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO users (id) VALUES ('x')"))


async def test_a_turn_that_is_not_had_in_time_counts_as_a_database_that_is_away(
    postgres: Postgres,
) -> None:
    """On PostgreSQL, whose driver has no class for it; SQLite has one writer at a time anyway."""
    database = Database(postgres.create_database("test_turns"))
    async with database.write() as first:
        await database.take_turn(first, "event")
        with pytest.raises(DatabaseUnavailable):
            async with database.write() as second:
                await database.take_turn(second, "event")
    await database.close()


async def test_many_who_read_first_and_write_later_all_succeed(database: Database) -> None:
    """Under a plain BEGIN most of these would fail at once on SQLite."""

    async def read_then_write(number: int) -> None:
        async with database.write() as connection:
            await store.by_id(connection, "anna")
            await store.insert(connection, User(f"u{number}", "N", f"u{number}@example.com", 1))

    await asyncio.gather(*(read_then_write(number) for number in range(100)))
    assert len(await names(database)) == 100


async def test_the_session_is_set_up_to_be_safe(database: Database) -> None:
    questions = {
        "sqlite": {"PRAGMA journal_mode": "wal", "PRAGMA synchronous": 2},
        "postgresql": {"SHOW lock_timeout": "2s", "SHOW statement_timeout": "5s"},
    }[database.dialect]
    async with database.write() as connection:
        for question, answer in questions.items():
            assert (await connection.execute(text(question))).scalar_one() == answer


async def test_a_ping_takes_some_time(database: Database) -> None:
    assert 0 < await database.ping() < 5
