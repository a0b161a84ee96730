"""Statements sent straight to the driver: those that an event's writer runs for each batch.

SQLAlchemy compiles the SQL once and manages the connections; in between it is bypassed, because it
is most of the cost of a short transaction (measured: 0.13 ms of the 0.44 ms of this process's time
remain). Owns how each of the two drivers begins, locks, queries and ends a transaction. Knows no
table.

On PostgreSQL, writers of the same log take two advisory locks. The holder of the first one, the
queue lock, is next: it prefetches the rows that were written meanwhile, so that little is left to
read. Then it takes the second one, the write lock, releases the first and reads the rest, all in
one statement, so that no round trip is lost between the end of one writer and the beginning of the
next. A writer that has nothing to read takes the write lock alone, as it begins. The write lock
ends with its transaction, however that ends. The queue lock ends earlier, so it belongs to the
session, and whatever ends the transaction also releases it, in the same round trip.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple, Protocol

import aiosqlite
import asyncpg
from sqlalchemy import ClauseElement, Dialect
from sqlalchemy.sql.compiler import SQLCompiler

Values = Mapping[str, Any]


class Prepared(NamedTuple):
    """A statement in the driver's syntax, and the names of its parameters in order.

    `fixed` are values that belong to the statement itself.
    """

    sql: str
    names: tuple[str, ...]
    fixed: Values

    def ordered(self, values: Values) -> tuple[Any, ...]:
        """The values in the form and order that the driver takes."""
        if self.fixed:
            values = {**self.fixed, **values}
        return tuple([values[name] for name in self.names])


def prepare(statement: ClauseElement, dialect: Dialect) -> Prepared:
    """Compile a statement once for all its executions."""
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    fixed = {name: value for name, value in compiled.params.items() if value is not None}
    return Prepared(str(compiled), tuple(compiled.positiontup or ()), fixed)


class DirectConnection(Protocol):
    """A connection without SQLAlchemy; outside `begin` and `commit` each statement is alone."""

    async def rows(self, statement: Prepared, values: Values) -> Sequence[Sequence[Any]]:
        """The rows of the statement."""
        ...

    async def run_each(self, statement: Prepared, values: Iterable[Values]) -> None:
        """Run the statement once for each set of values."""
        ...

    async def insert(self, statement: Prepared, rows: Sequence[Values]) -> None:
        """Insert these rows; the statement comes from `Database.prepare_insert`."""
        ...

    async def begin(self, lock_key: str | None, *, queued: bool) -> None:
        """Begin a transaction with the write lock of this key or, if `queued`, the queue lock."""
        ...

    async def acquire_write_lock(
        self, statement: Prepared, values: Values
    ) -> Sequence[Sequence[Any]]:
        """For a queued writer: acquire the write lock, and return the rows of the statement.

        The statement sees what earlier holders committed, as do all that follow. On PostgreSQL the
        statement itself acquires `:write_lock`, then releases the session's lock.
        """
        ...

    async def commit(self) -> None:
        """Commit the transaction."""
        ...

    async def roll_back(self) -> None:
        """Roll the transaction back."""
        ...


class PostgresConnection:
    """`DirectConnection` on asyncpg, which keeps its prepared statements itself."""

    def __init__(self, driver: asyncpg.Connection) -> None:
        self._driver = driver
        self._lock_key: str | None = None
        self._queued = False

    async def rows(self, statement: Prepared, values: Values) -> Sequence[Sequence[Any]]:
        found: Sequence[Sequence[Any]] = await self._driver.fetch(
            statement.sql, *statement.ordered(values)
        )
        return found

    async def run_each(self, statement: Prepared, values: Iterable[Values]) -> None:
        await self._driver.executemany(statement.sql, [statement.ordered(each) for each in values])

    async def insert(self, statement: Prepared, rows: Sequence[Values]) -> None:
        columns = ([row[name] for row in rows] for name in statement.names)
        await self._driver.execute(statement.sql, *columns)

    async def begin(self, lock_key: str | None, *, queued: bool) -> None:
        self._lock_key, sql = lock_key, _BEGIN
        if lock_key is not None and queued:
            sql += f"; SELECT pg_advisory_lock({_lock('line', lock_key)})"
        elif lock_key is not None:
            sql += f"; SELECT pg_advisory_xact_lock({_lock('turn', lock_key)})"
        await self._driver.execute(sql)
        self._queued = queued

    async def acquire_write_lock(
        self, statement: Prepared, values: Values
    ) -> Sequence[Sequence[Any]]:
        assert self._lock_key is not None, "no lock was named"
        found = await self.rows(statement, {**values, "write_lock": _lock("turn", self._lock_key)})
        self._queued = False
        return found

    async def commit(self) -> None:
        await self._driver.execute(f"COMMIT; {_RELEASE_QUEUE_LOCK}" if self._queued else "COMMIT")

    async def roll_back(self) -> None:
        # Whatever failed, the queue lock may have been granted and only the answer lost.
        await self._driver.execute(f"ROLLBACK; {_RELEASE_QUEUE_LOCK}")


class SqliteConnection:
    """`DirectConnection` on aiosqlite; SQLite has one writer at a time, so beginning is locking."""

    def __init__(self, driver: aiosqlite.Connection) -> None:
        self._driver = driver

    async def rows(self, statement: Prepared, values: Values) -> Sequence[Sequence[Any]]:
        found = await self._driver.execute_fetchall(statement.sql, statement.ordered(values))
        return list(found)

    async def run_each(self, statement: Prepared, values: Iterable[Values]) -> None:
        rows = [statement.ordered(each) for each in values]
        async with self._driver.executemany(statement.sql, rows):
            pass

    async def insert(self, statement: Prepared, rows: Sequence[Values]) -> None:
        await self.run_each(statement, rows)

    async def begin(self, lock_key: str | None, *, queued: bool) -> None:
        del lock_key, queued
        await self._driver.execute_fetchall("BEGIN IMMEDIATE")

    async def acquire_write_lock(
        self, statement: Prepared, values: Values
    ) -> Sequence[Sequence[Any]]:
        return await self.rows(statement, values)

    async def commit(self) -> None:
        await self._driver.commit()

    async def roll_back(self) -> None:
        await self._driver.rollback()


_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"
"""Each statement sees what was committed before it, which is the purpose of the lock."""

_RELEASE_QUEUE_LOCK: Final = "SELECT pg_advisory_unlock_all()"
"""Releases all locks of the session, which only ever has the queue lock."""


def _lock(what: str, lock_key: str) -> int:
    """The number of an advisory lock. The previous release hashes the same words."""
    return int.from_bytes(
        blake2b(f"{what} {lock_key}".encode(), digest_size=8).digest(), signed=True
    )


def connection_of(driver: object) -> DirectConnection:
    """The driver's connection behind the common interface."""
    if isinstance(driver, aiosqlite.Connection):
        return SqliteConnection(driver)
    return PostgresConnection(driver)
