"""Connections and transactions on SQLite or PostgreSQL; every difference between them is here.

`read()` and `write()` are the only ways to the database. A failure to reach it becomes
`DatabaseUnavailable` in this one place, so that nobody above knows a driver's exceptions; what a
statement itself did wrong passes through. Nothing here knows a table.

SQLite: one connection writes for the whole process, each transaction with `BEGIN IMMEDIATE`, since
a transaction that reads first and writes later fails at once when another has written meanwhile;
readers have connections of their own, which the write-ahead log lets read undisturbed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, event, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from event_seating.errors import DatabaseUnavailable

BUSY_TIMEOUT_MS = 5_000
"""How long a writer of SQLite waits for another process's transaction."""

CONNECT_TIMEOUT_S = 3
"""PostgreSQL answers in milliseconds or is away; a person waits no longer."""

POOL_TIMEOUT_S = 5
"""How long a request waits for a free connection before it is told to come again."""

ASK_AFTER_IDLE_S = 1
"""A connection that was used less long ago is not asked whether it is alive: that would take three
round trips, as many as a short transaction itself, and a cut one is mostly known as closed."""

SQLITE_READERS = 4
"""Each is a thread; more than the cores of a small machine gain nothing."""

WAL_BYTES_MAX = 64 * 1024 * 1024
"""What the write-ahead log is cut back to after a checkpoint."""

POSTGRES_SESSION = {
    "lock_timeout": "2s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
}
"""No statement and no forgotten transaction holds others up for longer."""

_USED = "used"
"""When a pooled connection was last given back, in monotonic seconds."""

POSTGRES_AWAY = ("08", "25P03", "53", "55P03", "57")
"""Beginnings of its error codes that say nothing about the statement: connection, idle for too
long, out of resources, a lock not had in time, stopped by a timeout or an operator. The driver has
no class for them."""

_TAKE_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")


class Database:
    """A database, and the two ways to use it."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        read_latency_s: float = 0,
        observe_read: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._url = make_url(url)
        self._read_latency_s = read_latency_s
        self._observe_read = observe_read
        self._file = _sqlite_file(self._url)
        self._file_identity: tuple[int, int] | None = None
        if self._file is None:
            self._writer = _postgres_engine(self._url, pool_size)
            # One state for all statements of a read, as SQLite's readers have it.
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ")
        else:
            self._reader = _sqlite_engine(self._url, "BEGIN", SQLITE_READERS)
            self._writer = _sqlite_engine(self._url, "BEGIN IMMEDIATE", 1)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._url.get_backend_name()

    @property
    def where(self) -> str:
        """Where it is, without the password."""
        return self._url.render_as_string(hide_password=True)

    @property
    def now_ms_sql(self) -> str:
        """SQL for the database's own time, in milliseconds since the epoch."""
        if self.dialect == "postgresql":
            return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
        return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"

    async def take_turn(self, connection: AsyncConnection, key: str) -> None:
        """Wait, inside a transaction, until no other one has taken its turn with this key.

        SQLite has one writer at a time anyway, from the first statement on.
        """
        if self.dialect == "postgresql":
            await connection.execute(_TAKE_TURN, {"key": key})

    async def now_ms(self) -> int:
        """The database's own time, in milliseconds since the epoch."""
        async with _unavailable_when_away(), self._reader.connect() as connection:
            return int((await connection.execute(text(f"SELECT {self.now_ms_sql}"))).scalar_one())

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one state of the database.

        Raises `DatabaseUnavailable` when it cannot be reached.
        """
        started = time.perf_counter()
        if self._read_latency_s:
            await asyncio.sleep(self._read_latency_s)
        async with _unavailable_when_away(), self._reader.connect() as connection:
            yield connection
        self._observe_read(time.perf_counter() - started)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end of the block, rolled back by an exception.

        Raises `DatabaseUnavailable` when it cannot be reached, or when a file is not the one that
        was opened; the transaction is then rolled back, unless the connection broke in the commit
        itself.
        """
        async with _unavailable_when_away(), self._writer.begin() as connection:
            self._check_that_the_file_is_still_ours()
            yield connection

    async def ping(self) -> float:
        """How many seconds a question takes; `DatabaseUnavailable` when there is no answer."""
        started = time.perf_counter()
        async with (
            asyncio.timeout(CONNECT_TIMEOUT_S),
            _unavailable_when_away(),
            self._reader.connect() as connection,
        ):
            await connection.execute(text("SELECT 1"))
        self._check_that_the_file_is_still_ours()
        return time.perf_counter() - started

    async def close(self) -> None:
        """Close every connection."""
        await self._reader.dispose()
        if self._writer is not self._reader:
            await self._writer.dispose()

    def _check_that_the_file_is_still_ours(self) -> None:
        """A file that was deleted or replaced goes on working, into nowhere: say so instead."""
        if self._file is None:
            return
        try:
            found = self._file.stat()
        except OSError:
            raise DatabaseUnavailable(f"The database file {self._file.name} is gone.") from None
        identity = (found.st_dev, found.st_ino)
        self._file_identity = self._file_identity or identity
        if identity != self._file_identity:
            raise DatabaseUnavailable(
                f"The database file {self._file.name} was replaced; restart the server."
            )


@asynccontextmanager
async def _unavailable_when_away() -> AsyncIterator[None]:
    try:
        yield
    except (PoolTimeout, TimeoutError, OSError) as error:
        raise DatabaseUnavailable from error
    except DBAPIError as error:
        if _is_away(error):
            raise DatabaseUnavailable from error
        raise


def _is_away(error: DBAPIError) -> bool:
    """Whether the database failed rather than the statement.

    What a server says to refuse a connection (no such database, wrong password, too many) has no
    class of its own and belongs to no statement.
    """
    return (
        error.connection_invalidated
        or isinstance(error, OperationalError | InterfaceError)
        or isinstance(error.orig, OSError | TimeoutError)
        or str(getattr(error.orig, "sqlstate", None)).startswith(POSTGRES_AWAY)
        or (type(error) is DBAPIError and error.statement is None)
    )


def _sqlite_file(url: URL) -> Path | None:
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def _sqlite_engine(url: URL, begin: str, connections: int) -> AsyncEngine:
    engine = create_async_engine(
        url, pool_size=connections, max_overflow=0, pool_timeout=POOL_TIMEOUT_S
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        # The driver shall not begin transactions by itself; `begin` below does.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {BUSY_TIMEOUT_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"journal_size_limit = {WAL_BYTES_MAX}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgres_engine(url: URL, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(
        _without_sslmode(url),
        connect_args={"timeout": CONNECT_TIMEOUT_S, "server_settings": dict(POSTGRES_SESSION)},
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
    )

    @event.listens_for(engine.sync_engine, "checkin")
    def note_time(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[_USED] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def check(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        """Let one that a restart of the server cut be replaced without a request noticing."""
        used = record.info.get(_USED)
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError
        if used is not None and time.monotonic() - used > ASK_AFTER_IDLE_S:
            _ask(engine, connection)

    return engine


def _ask(engine: AsyncEngine, connection: Any) -> None:
    try:
        engine.dialect.do_ping(connection)
    except (engine.dialect.loaded_dbapi.Error, OSError) as error:
        raise InvalidatePoolError from error


def _without_sslmode(url: URL) -> URL:
    """PostgreSQL's own tools write `sslmode`, asyncpg reads `ssl`: both shall work."""
    mode = url.query.get("sslmode")
    return (
        url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode}) if mode else url
    )
