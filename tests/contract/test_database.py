"""What `Database` promises, on every backend."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError
from tests.support.tables import lay_tables

from event_seating.db import database as database_module
from event_seating.db import engines
from event_seating.db.database import Database
from event_seating.db.tables import outbox, seat_log, users
from event_seating.db.unavailable import errors_as_unavailable
from event_seating.errors import DatabaseUnavailable
from event_seating.jobs import outbox as outbox_statements
from event_seating.jobs.model import NewJob
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


async def test_a_direct_transaction_is_there_after_its_block_and_not_after_an_exception(
    database: Database,
) -> None:
    add = database.prepare(insert(users))
    rows = [{"id": f"u{n}", "name": "N", "email": f"{n}@x.org", "created_at_ms": 1} for n in (1, 2)]

    async def fail() -> None:
        async with database.write_direct() as connection:
            await connection.run_each(add, rows)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await names(database) == []
    async with database.write_direct() as connection:
        await connection.run_each(add, rows)
        assert await names(database) == []
    assert await names(database) == ["u1", "u2"]


async def test_a_direct_transaction_that_is_cancelled_is_taken_back_and_the_next_one_works(
    database: Database,
) -> None:
    add = database.prepare(insert(users))
    row = {"id": "u", "name": "N", "email": "n@x.org", "created_at_ms": 1}
    inside = asyncio.Event()

    async def write() -> None:
        async with database.write_direct() as connection:
            await connection.run_each(add, [row])
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await inside.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await names(database) == []
    async with database.write_direct() as connection:
        await connection.run_each(add, [row])
    assert await names(database) == ["u"]


@pytest.mark.parametrize("steps", [1, 2, 4])
async def test_who_is_cancelled_twice_leaves_a_connection_that_the_next_can_use(
    on_postgres: Callable[..., Database], steps: int
) -> None:
    """On PostgreSQL, where a statement that is under way has to be stopped first."""
    database = on_postgres(pool_size=1)
    inside = asyncio.Event()

    async def write() -> None:
        async with database.write_direct(lock_key="event") as connection:
            inside.set()
            await connection.rows(database.prepare(text("SELECT pg_sleep(4)")), {})

    task = asyncio.create_task(write())
    await inside.wait()
    for _ in range(2):
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with database.write_direct(lock_key="event") as connection:
        assert await connection.rows(database.prepare(text("SELECT 1")), {})


async def test_rows_are_put_in_together_with_every_type_and_with_nothing_in_a_column(
    database: Database,
) -> None:
    add = database.prepare_insert(seat_log)
    rows = [
        {
            "event_id": "e'ä\"{},",
            "version": n,
            "batch_id": bytes([n, 0, 255]),
            "format": 1,
            "entries": b"\\x{",
            "at_ms": 2**60 + n,
        }
        for n in (1, 2, 3)
    ]
    few = database.prepare_insert(outbox, outbox_statements.ADDED)
    jobs = [
        NewJob(f"j{n}", "notifications", "x", {"a": "NULL"}, trace=t)
        for n, t in ((1, None), (2, ""))
    ]
    async with database.write_direct() as connection:
        await connection.insert(add, rows)
        await connection.insert(few, [outbox_statements.row_of(job, 5) for job in jobs])
    async with database.read() as read:
        found = await read.execute(select(seat_log).order_by(seat_log.c.version))
        assert [dict(row) for row in found.mappings()] == rows
        traces = await read.execute(select(outbox.c.trace, outbox.c.payload).order_by(outbox.c.id))
        assert list(traces) == [(None, '{"a":"NULL"}'), ("", '{"a":"NULL"}')]


async def test_what_a_direct_statement_did_wrong_passes_through(database: Database) -> None:
    add = database.prepare(insert(users))
    row = {"id": "u", "name": "N", "email": "n@x.org", "created_at_ms": 1}
    for _ in range(20):  # more than there are connections: each is given back
        with pytest.raises(Exception, match=r"(?i)unique"):
            async with database.write_direct() as connection:
                await connection.run_each(add, [row, row])


async def test_a_condition_takes_any_number_of_values(database: Database) -> None:
    async with database.write() as connection:
        await store.insert(connection, ANNA)
    found = database.prepare(select(users.c.id).where(database.is_one_of(users.c.id, "ids")))
    async with database.read_direct() as direct:
        for ids, there in ((), 0), (("x", "y"), 0), (("x", "anna", "'"), 1):
            rows = await direct.rows(found, {"ids": database.as_list(ids)})
            assert len(rows) == there


def test_a_connection_that_is_lost_between_two_statements_counts_as_a_database_that_is_away() -> (
    None
):
    """asyncpg's own words, when a server ends a connection before it is asked."""
    with pytest.raises(DatabaseUnavailable), errors_as_unavailable():
        raise asyncpg.InternalClientError("cannot switch to state 15; another operation (2)")


async def test_what_is_not_answered_in_time_counts_as_a_database_that_is_away(
    database: Database,
) -> None:
    patient = database.without_time_limit()
    database.answer_within_s = 0.05
    for way in (database.read, database.write, database.read_direct, database.write_direct):

        async def hang(way: Any = way) -> None:
            async with way():
                await asyncio.Event().wait()

        with pytest.raises(DatabaseUnavailable):
            await hang()
    async with patient.write() as connection:
        await asyncio.sleep(0.1)
        await store.insert(connection, ANNA)
    assert await names(patient) == ["anna"]


async def test_a_server_that_hangs_is_given_up_and_its_connections_are_usable_again(
    on_postgres: Callable[..., Database],
) -> None:
    database = on_postgres(pool_size=1, answer_within_s=0.2)

    async def hang(*, direct: bool) -> None:
        if direct:
            async with database.write_direct() as connection:
                await connection.rows(database.prepare(text("SELECT pg_sleep(4)")), {})
        else:
            async with database.write() as connection:
                await connection.execute(text("SELECT pg_sleep(4)"))

    for direct in (True, False, True):
        with pytest.raises(DatabaseUnavailable):
            await hang(direct=direct)
    async with database.without_time_limit().read_direct() as connection:
        assert await connection.rows(database.prepare(text("SELECT 1")), {})


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
        "postgresql": {
            "SHOW lock_timeout": "2s",
            "SHOW statement_timeout": "5s",
            "SHOW idle_in_transaction_session_timeout": "5s",
        },
    }[database.dialect]
    async with database.write() as connection:
        for question, answer in questions.items():
            assert (await connection.execute(text(question))).scalar_one() == answer


async def test_a_ping_takes_some_time(database: Database) -> None:
    assert 0 < await database.ping() < 5


async def test_a_reader_elsewhere_makes_the_log_grow_up_to_a_bound_and_then_it_is_cut_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "event-seating.db"
    await lay_tables(file)
    bound = 400_000
    monkeypatch.setattr(engines, "WAL_BYTES_MAX", bound // 2)
    database = Database(f"sqlite+aiosqlite:///{file}", wal_bytes_refused=bound)
    monkeypatch.setattr(database_module, "WAL_TRY_EVERY_S", 1_000)
    try:
        with closing(sqlite3.connect(file)) as elsewhere:
            elsewhere.execute("BEGIN")
            elsewhere.execute("SELECT count(*) FROM users").fetchone()
            with pytest.raises(DatabaseUnavailable, match="Another program"):
                await add_users(database, 10_000)
            assert bound < database.wal_bytes < 2 * bound
            written = len(await names(database))
            assert written > 10
        monkeypatch.setattr(database_module, "WAL_TRY_EVERY_S", 0)
        while database.wal_bytes > bound:
            await add_user(database, written)
            written += 1
            assert written < 10_000
        assert len(await names(database)) == written
    finally:
        await database.close()


async def add_users(database: Database, count: int) -> None:
    for number in range(count):
        await add_user(database, number)


async def add_user(database: Database, number: int) -> None:
    user = User(f"u{number}", "x" * 1_000, f"u{number}@example.com", 1)
    async with database.write() as connection:
        await store.insert(connection, user)


async def test_only_sqlite_has_a_write_ahead_log_of_its_own(
    backend: str, database: Database
) -> None:
    await add_user(database, 1)
    assert (database.wal_bytes > 0) == (backend == "sqlite")
