"""The migrations make the tables that the code names, on every backend, and can be taken back."""

from collections.abc import AsyncIterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from event_seating.db import schema
from event_seating.db.database import Database
from event_seating.db.tables import metadata

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database of the test's own, since it takes the tables away."""
    database = Database(database_url)
    await schema.upgrade(database)
    yield database
    await database.close()


async def tables(database: Database) -> set[str]:
    async with database.read() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def test_a_new_database_has_no_version(database_url: str) -> None:
    database = Database(database_url)
    assert await schema.current(database) is None
    await database.close()


async def test_migrations_make_exactly_the_tables_that_the_code_names(database: Database) -> None:
    def differences(sync: Connection) -> list[object]:
        context = MigrationContext.configure(sync, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    async with database.read() as connection:
        assert await connection.run_sync(differences) == []
    assert await schema.current(database) == schema.newest()


async def test_migrations_make_the_primary_keys_that_the_code_names(database: Database) -> None:
    """Their order too, which the comparison above does not look at."""

    def keys(sync: Connection) -> dict[str, list[str]]:
        there = inspect(sync)
        return {name: there.get_pk_constraint(name)["constrained_columns"] for name in named}

    named = {table.name: list(table.primary_key.columns.keys()) for table in metadata.sorted_tables}
    async with database.read() as connection:
        assert await connection.run_sync(keys) == named


async def test_migrations_can_be_taken_back_and_made_again(database: Database) -> None:
    await schema.downgrade(database, "base")
    assert await tables(database) == {"alembic_version"}
    await schema.upgrade(database)
    assert await tables(database) == {"alembic_version", *metadata.tables}


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    await schema.upgrade(database)
    assert await schema.current(database) == schema.newest()


def test_the_newest_migration_is_the_one_that_a_start_looks_for() -> None:
    scripts = ScriptDirectory(str(schema.MIGRATIONS))
    assert scripts.get_heads() == [schema.newest()]
