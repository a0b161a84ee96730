"""Databases of the seats' topics: a real PostgreSQL from a wheel, and a file of SQLite.

Each database is new, has every table of the service, and waits for its disk: `fsync` is on, as it
is where tickets are sold. `PostgreSQL` ends with the `with`, whatever the way out.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
from tests.support.postgres import Postgres

from event_seating.db import schema
from event_seating.db.database import Database

POSTGRESQL = "PostgreSQL"
SQLITE = "SQLite"

NAMES = (POSTGRESQL, SQLITE)


class Databases:
    """Makes databases by name; the server of PostgreSQL starts with the first that needs it."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory = directory
        self._stack = stack
        self._postgres: Postgres | None = None

    def create(self, name: str) -> str:
        """The URL of a new database with every table."""
        url = self._empty(name)
        asyncio.run(_migrate(url))
        return url

    def _empty(self, name: str) -> str:
        label = f"bench_{uuid4().hex}"
        if name == SQLITE:
            return f"sqlite+aiosqlite:///{self._directory / label}.db"
        if self._postgres is None:
            self._postgres = self._stack.enter_context(Postgres.running())
        return self._postgres.create_database(label)


@contextmanager
def databases() -> Iterator[Databases]:
    """Databases that are gone when the `with` ends."""
    with tempfile.TemporaryDirectory(prefix="es-") as directory, ExitStack() as stack:
        yield Databases(Path(directory), stack)


def dsn(url: str) -> str:
    """The URL as asyncpg itself reads it."""
    return url.replace("+asyncpg", "", 1)


def file_of(url: str) -> str:
    """The file of a database of SQLite."""
    return url.partition(":///")[2]


async def _migrate(url: str) -> None:
    database = Database(url)
    try:
        await schema.upgrade(database)
    finally:
        await database.close()
    if not url.startswith("sqlite"):
        connection = await asyncpg.connect(dsn(url))
        try:
            assert await connection.fetchval("SHOW fsync") == "on", "the database forgets"
            assert await connection.fetchval("SHOW synchronous_commit") == "on", "it answers early"
        finally:
            await connection.close()
