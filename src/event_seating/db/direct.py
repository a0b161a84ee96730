"""Statements that go straight to the driver: those that the writer of an event runs at every turn.

SQLAlchemy makes the SQL, once, and keeps the connections; between them it is left out, since that
is what most of a short transaction costs (measured: 0.13 ms of 0.44 ms of this process's time are
left). Owns the two drivers' ways to begin, take a turn, ask and end. Knows no table.

A turn has two locks on PostgreSQL. Who waits for the first waits in line. Who has it is next, and
reads what the log has got meanwhile, so that little is left to read once the turn is there; it
then waits for the second, which is the turn itself, lets the next in line come up, and reads that
little, all in one statement: no round trip is lost between one turn's end and the next one's
beginning. Who has nothing to read waits for the second lock alone, as it begins. The turn ends with
its transaction, whatever becomes of that. The place in the line ends before, so it is the
session's, and whatever ends the transaction ends it too, in the same round trip.
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
    """A statement in a driver's own words, and the names of its values in their order.

    `fixed` are values that the statement brings itself.
    """

    sql: str
    names: tuple[str, ...]
    fixed: Values

    def ordered(self, values: Values) -> tuple[Any, ...]:
        """The values as the driver takes them."""
        if self.fixed:
            values = {**self.fixed, **values}
        return tuple([values[name] for name in self.names])


def prepare(statement: ClauseElement, dialect: Dialect) -> Prepared:
    """Make a statement's SQL, once for all times that it is run."""
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    fixed = {name: value for name, value in compiled.params.items() if value is not None}
    return Prepared(str(compiled), tuple(compiled.positiontup or ()), fixed)


class DirectConnection(Protocol):
    """A connection without SQLAlchemy; outside of `begin` and `commit`, each statement alone."""

    async def rows(self, statement: Prepared, values: Values) -> Sequence[Sequence[Any]]:
        """What the statement gives."""
        ...

    async def run_each(self, statement: Prepared, values: Iterable[Values]) -> None:
        """Run it once for each of these."""
        ...

    async def insert(self, statement: Prepared, rows: Sequence[Values]) -> None:
        """Put these rows in; the statement is one of `Database.prepare_insert`."""
        ...

    async def begin(self, turn: str | None, *, in_line: bool) -> None:
        """Begin to write, with a `turn` once it is had; `in_line`, once only one is before us."""
        ...

    async def take_turn(self, statement: Prepared, values: Values) -> Sequence[Sequence[Any]]:
        """In line: wait until nobody is before us; what the statement gives then.

        It sees what they committed, as does each that follows. Where turns are taken it takes the
        lock `:turn` itself, until the transaction ends, then lets go of the session's.
        """
        ...

    async def commit(self) -> None:
        """Make what was written final."""
        ...

    async def roll_back(self) -> None:
        """Take back what was written."""
        ...


class PostgresConnection:
    """`DirectConnection` on asyncpg, which keeps its prepared statements itself."""

    def __init__(self, driver: asyncpg.Connection) -> None:
        self._driver = driver
        self._turn: str | None = None
        self._in_line = False

    async def rows(self, statement: Prepared, values: Values) -> Sequence[Sequence[Any]]:
        """See `DirectConnection`."""
        found: Sequence[Sequence[Any]] = await self._driver.fetch(
            statement.sql, *statement.ordered(values)
        )
        return found

    async def run_each(self, statement: Prepared, values: Iterable[Values]) -> None:
        """See `DirectConnection`."""
        await self._driver.executemany(statement.sql, [statement.ordered(each) for each in values])

    async def insert(self, statement: Prepared, rows: Sequence[Values]) -> None:
        """See `DirectConnection`."""
        columns = ([row[name] for row in rows] for name in statement.names)
        await self._driver.execute(statement.sql, *columns)

    async def begin(self, turn: str | None, *, in_line: bool) -> None:
        """See `DirectConnection`."""
        self._turn, sql = turn, _BEGIN
        if turn is not None and in_line:
            sql += f"; SELECT pg_advisory_lock({_lock('line', turn)})"
        elif turn is not None:
            sql += f"; SELECT pg_advisory_xact_lock({_lock('turn', turn)})"
        await self._driver.execute(sql)
        self._in_line = in_line

    async def take_turn(self, statement: Prepared, values: Values) -> Sequence[Sequence[Any]]:
        """See `DirectConnection`."""
        assert self._turn is not None, "no turn was named"
        found = await self.rows(statement, {**values, "turn": _lock("turn", self._turn)})
        self._in_line = False
        return found

    async def commit(self) -> None:
        """See `DirectConnection`."""
        await self._driver.execute(f"COMMIT; {_LEAVE_THE_LINE}" if self._in_line else "COMMIT")

    async def roll_back(self) -> None:
        """See `DirectConnection`."""
        # Whatever failed: a place in the line may have been had, and the word of it lost.
        await self._driver.execute(f"ROLLBACK; {_LEAVE_THE_LINE}")


class SqliteConnection:
    """`DirectConnection` on aiosqlite; SQLite has one writer at a time, so beginning is a turn."""

    def __init__(self, driver: aiosqlite.Connection) -> None:
        self._driver = driver

    async def rows(self, statement: Prepared, values: Values) -> Sequence[Sequence[Any]]:
        """See `DirectConnection`."""
        found = await self._driver.execute_fetchall(statement.sql, statement.ordered(values))
        return list(found)

    async def run_each(self, statement: Prepared, values: Iterable[Values]) -> None:
        """See `DirectConnection`."""
        rows = [statement.ordered(each) for each in values]
        async with self._driver.executemany(statement.sql, rows):
            pass

    async def insert(self, statement: Prepared, rows: Sequence[Values]) -> None:
        """See `DirectConnection`."""
        await self.run_each(statement, rows)

    async def begin(self, turn: str | None, *, in_line: bool) -> None:
        """See `DirectConnection`."""
        del turn, in_line
        await self._driver.execute_fetchall("BEGIN IMMEDIATE")

    async def take_turn(self, statement: Prepared, values: Values) -> Sequence[Sequence[Any]]:
        """See `DirectConnection`."""
        return await self.rows(statement, values)

    async def commit(self) -> None:
        """See `DirectConnection`."""
        await self._driver.commit()

    async def roll_back(self) -> None:
        """See `DirectConnection`."""
        await self._driver.rollback()


_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"
"""Each statement sees what was committed before it: what the turn is for."""

_LEAVE_THE_LINE: Final = "SELECT pg_advisory_unlock_all()"
"""All locks of the session: the place in a line is the only one that it ever has."""


def _lock(what: str, turn: str) -> int:
    """The number of an advisory lock."""
    return int.from_bytes(blake2b(f"{what} {turn}".encode(), digest_size=8).digest(), signed=True)


def connection_of(driver: object) -> DirectConnection:
    """The driver's connection, as it is used here."""
    if isinstance(driver, aiosqlite.Connection):
        return SqliteConnection(driver)
    return PostgresConnection(driver)
