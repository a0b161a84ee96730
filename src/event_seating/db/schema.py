"""Migrates a database to the schema of this release, or reports that it is not there.

Alembic does the work, under a lock, once, in the parent process. It is imported only if there is
something to do, since most starts find the schema up to date. A change of the schema takes two
releases: first expand, later contract, so that the previous release keeps working.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable, StartupError

MIGRATIONS: Final = Path(__file__).with_name("migrations")

MIGRATION_LOCK: Final = 0x5EA7_0001
"""An arbitrary number, the same in every release."""


@cache
def newest() -> str:
    """The newest migration of this release: its files are named by numbers of four digits."""
    return max(path.name[:4] for path in MIGRATIONS.glob("versions/[0-9]*.py"))


async def current(database: Database) -> str | None:
    """The database's migration; None for a new database."""
    try:
        async with database.read() as connection:
            return await _version(connection)
    except DatabaseUnavailable as error:
        raise StartupError(f"DATABASE_URL: {why(database, error)}") from error
    except (DBAPIError, TypeError) as error:  # a parameter in the URL that the driver does not know
        raise StartupError(f"DATABASE_URL: {why(database, error)}") from error


async def upgrade(database: Database, revision: str = "head") -> None:
    """Run the migrations that are missing."""
    from alembic import command  # noqa: PLC0415 (a quarter of a second that most starts need not)

    await _run(database, command.upgrade, revision)


async def downgrade(database: Database, revision: str) -> None:
    """Undo migrations down to this one; `base` undoes all."""
    from alembic import command  # noqa: PLC0415

    await _run(database, command.downgrade, revision)


def why(database: Database, error: BaseException) -> str:
    """One line with the database's URL and what went wrong."""
    cause = error.__cause__ or error
    cause = getattr(cause, "orig", None) or cause
    return (
        f"{database.where} cannot be used: {' '.join(str(cause).split()) or type(cause).__name__}"
    )


async def _version(connection: AsyncConnection) -> str | None:
    def read(sync: Connection) -> str | None:
        if not sync.dialect.has_table(sync, "alembic_version"):
            return None
        row = sync.execute(text("SELECT version_num FROM alembic_version")).first()
        return str(row[0]) if row else None

    return await connection.run_sync(read)


async def _run(database: Database, run: Any, revision: str) -> None:
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))

    def migrate(sync: Connection) -> None:
        config.attributes["connection"] = sync
        run(config, revision)

    async with database.without_time_limit().write() as connection:
        if database.dialect == "postgresql":
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK}
            )
        await connection.run_sync(migrate)
