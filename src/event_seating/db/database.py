"""Connections and transactions on SQLite or PostgreSQL, and the differences between them.

`read()` and `write()` give access to the database; `read_direct()` and `write_direct()` do so for
the few statements that an event's writer runs for each batch. On all four a failure to reach the
database becomes `DatabaseUnavailable` (see `unavailable`). Nothing here knows a table.

SQLite: one connection writes for the whole process, each transaction with `BEGIN IMMEDIATE`,
because a transaction that reads first and writes later fails at once if another one has written in
between. Readers have connections of their own, which the write-ahead log lets read undisturbed.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from copy import copy
from pathlib import Path
from typing import Final

from sqlalchemy import (
    ARRAY,
    URL,
    ClauseElement,
    Column,
    ColumnElement,
    PoolProxiedConnection,
    Table,
    Text,
    any_,
    bindparam,
    func,
    insert,
    make_url,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.util import greenlet_spawn

from event_seating.db import engines
from event_seating.db.direct import DirectConnection, Prepared, connection_of, prepare
from event_seating.db.unavailable import errors_as_unavailable
from event_seating.errors import DatabaseUnavailable

ANSWER_WITHIN_S: Final = 20.0
"""More than the limits below and the longest `DB_LATENCY_MS` together. Only a database that hangs,
so that its own limits do not work, takes longer: it would block a connection, and every caller that
waits for it, until it wakes up."""

SQLITE_READERS: Final = 4
"""Each one is a thread; more than the cores of a small machine gain nothing."""

WAL_BYTES_REFUSED: Final = 1024 * 1024 * 1024
"""Above this size only one transaction is written every `WAL_TRY_EVERY_S`. The log grows by some 8
kB a commit while another program reads the file in one long transaction; a full disk would be
worse."""

WAL_TRY_EVERY_S: Final = 1.0
"""Commits shorten the log again, once the other program has ended."""

_SIZE: Final = {
    "postgresql": "SELECT pg_database_size(current_database())",
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
}

_AFTER_COMMIT: Final = "event-seating-after-commit"
"""Where a connection carries what is called after its commit."""

_ACQUIRE_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")


class Database:
    """A database, with its connections for reading and for writing."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        read_latency_s: float = 0,
        observe_read: Callable[[float], None] = lambda _seconds: None,
        answer_within_s: float = ANSWER_WITHIN_S,
        wal_bytes_refused: int = WAL_BYTES_REFUSED,
    ) -> None:
        self._url = make_url(url)
        self._read_latency_s = read_latency_s
        self._observe_read = observe_read
        self.answer_within_s: float | None = answer_within_s
        """Seconds for everything that is done with one connection; after them it raises
        `DatabaseUnavailable`."""
        self._file = _sqlite_file(self._url)
        self._file_identity: tuple[int, int] | None = None
        self._wal_bytes_refused = wal_bytes_refused
        self._wal_tried = -WAL_TRY_EVERY_S
        if self._file is None:
            self._writer = engines.postgres(self._url, pool_size)
            # All statements of a read see the same state, as on SQLite.
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ")
        else:
            self._reader = engines.sqlite(self._url, "BEGIN", SQLITE_READERS)
            self._writer = engines.sqlite(self._url, "BEGIN IMMEDIATE", 1)

    def without_time_limit(self) -> "Database":
        """The same connections without a time limit: for migrations and checks."""
        unlimited = copy(self)
        unlimited.answer_within_s = None
        return unlimited

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._url.get_backend_name()

    @property
    def where(self) -> str:
        """Its URL, without the password."""
        return self._url.render_as_string(hide_password=True)

    @property
    def now_ms_sql(self) -> str:
        """SQL for the database's own time, in milliseconds since the epoch."""
        if self.dialect == "postgresql":
            return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
        return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"

    def is_one_of(self, column: Column[str], name: str) -> ColumnElement[bool]:
        """A condition: the column is one of the values of the parameter `name` (see `as_list`).

        It is one statement for any number of values, so that it can be prepared.
        """
        if self.dialect == "postgresql":
            return column == any_(bindparam(name, type_=ARRAY(Text)))
        each = func.json_each(bindparam(name, type_=Text)).table_valued("value")
        return column.in_(select(each.c.value))

    def as_list(self, values: Iterable[str]) -> object:
        """Values for a parameter of `is_one_of`."""
        found = list(values)
        return found if self.dialect == "postgresql" else json.dumps(found)

    async def now_ms(self) -> int:
        """The database's own time, in milliseconds since the epoch."""
        async with self._in_time(), self._reader.connect() as connection:
            return int((await connection.execute(text(f"SELECT {self.now_ms_sql}"))).scalar_one())

    async def size_bytes(self) -> int:
        """Its size on disk, including SQLite's write-ahead log."""
        async with self._in_time(), self._reader.connect() as connection:
            found = int((await connection.execute(text(_SIZE[self.dialect]))).scalar_one())
        return found + self.wal_bytes

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one consistent state of the database.

        Raises `DatabaseUnavailable` if it cannot be reached or does not answer in time.
        """
        started = time.perf_counter()
        async with self._in_time():
            if self._read_latency_s:
                await asyncio.sleep(self._read_latency_s)
            async with self._reader.connect() as connection:
                yield connection
        self._observe_read(time.perf_counter() - started)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end of the block, rolled back by an exception.

        Raises `DatabaseUnavailable` if the database cannot be reached or does not answer in time,
        or if its file is not the one that was opened. The transaction is then rolled back, unless
        the connection broke during the commit itself.
        """
        calls: list[Callable[[], None]] = []
        async with self._in_time(), self._writer.begin() as connection:
            self._check_the_file()
            connection.info[_AFTER_COMMIT] = calls
            yield connection
        for call in calls:
            call()

    async def acquire_lock(self, connection: AsyncConnection, key: str) -> None:
        """Within a transaction of `write`, wait for the lock with this key and hold it.

        SQLite has only one writer at a time anyway, from the first statement on.
        """
        if self.dialect == "postgresql":
            await connection.execute(_ACQUIRE_LOCK, {"key": key})

    def prepare(self, statement: ClauseElement) -> Prepared:
        """A statement for direct connections, compiled once."""
        return prepare(statement, self._writer.dialect)

    def prepare_insert(self, table: Table, names: Sequence[str] | None = None) -> Prepared:
        """A statement for `DirectConnection.insert`, with these columns or all.

        On PostgreSQL each column is passed as one array, and all rows are inserted by one
        statement: for rows of four columns this takes half the time of a statement for each row.
        SQLite has no such way.
        """
        names = names or [column.name for column in table.columns]
        if self.dialect != "postgresql":
            return self.prepare(insert(table).values({name: bindparam(name) for name in names}))
        columns = [bindparam(name, type_=ARRAY(table.c[name].type)) for name in names]
        rows = func.unnest(*columns).table_valued(*names).render_derived()
        chosen = select(*(rows.c[name] for name in names))
        return self.prepare(insert(table).from_select(names, chosen, include_defaults=False))

    @asynccontextmanager
    async def read_direct(self) -> AsyncIterator[DirectConnection]:
        """Like `read`, but each statement sees the state of its own moment."""
        started = time.perf_counter()
        async with self._in_time():
            if self._read_latency_s:
                await asyncio.sleep(self._read_latency_s)
            async with _direct(self._reader) as connection:
                yield connection
        self._observe_read(time.perf_counter() - started)

    @asynccontextmanager
    async def write_direct(
        self, *, lock_key: str | None = None, queued: bool = False
    ) -> AsyncIterator[DirectConnection]:
        """Like `write`, holding the write lock with this key, in the order of the calls.

        With `queued` it begins when it holds the queue lock, and the caller must
        `acquire_write_lock`.
        """
        async with self._in_time(), _direct(self._writer) as connection:
            self._check_the_file()
            await connection.begin(lock_key, queued=queued)
            yield connection
            await connection.commit()

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """Limit the time of everything, and turn errors into `DatabaseUnavailable`."""
        with errors_as_unavailable():
            async with asyncio.timeout(self.answer_within_s):
                yield

    async def ping(self) -> float:
        """Seconds that a query takes; raises `DatabaseUnavailable`."""
        started = time.perf_counter()
        with errors_as_unavailable():
            async with (
                asyncio.timeout(engines.CONNECT_TIMEOUT_S),
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

    @property
    def wal_bytes(self) -> int:
        """The size of SQLite's write-ahead log; 0 where there is none."""
        if self._file is None:
            return 0
        try:
            return self._file.with_name(f"{self._file.name}-wal").stat().st_size
        except OSError:  # nothing was written since the last process closed it
            return 0

    def _check_the_file(self) -> None:
        """Before each write: check that the file is the right one and that there is room."""
        self._check_that_the_file_is_still_ours()
        if self.wal_bytes <= self._wal_bytes_refused:
            return
        now = time.monotonic()
        if now - self._wal_tried < WAL_TRY_EVERY_S:
            raise DatabaseUnavailable(
                "Another program has kept a read of the database file open for so long that its "
                "write-ahead log has grown to the limit; the operator has to end that program."
            )
        self._wal_tried = now

    def _check_that_the_file_is_still_ours(self) -> None:
        """Raise an error if the file was deleted or replaced, since writes to it would be lost."""
        if self._file is None:
            return
        try:
            found = self._file.stat()
        except OSError:
            raise DatabaseUnavailable(
                f"The database file {self._file.name} has been deleted."
            ) from None
        identity = (found.st_dev, found.st_ino)
        self._file_identity = self._file_identity or identity
        if identity != self._file_identity:
            raise DatabaseUnavailable(
                f"The database file {self._file.name} was replaced; restart the server."
            )


def after_commit(connection: AsyncConnection, call: Callable[[], None]) -> None:
    """Call this once the transaction of a `write` is committed; never if it is rolled back.

    `call` must neither wait nor fail. It is called once, however often it is handed in.
    """
    calls: list[Callable[[], None]] = connection.info[_AFTER_COMMIT]
    if call not in calls:
        calls.append(call)


@asynccontextmanager
async def _direct(engine: AsyncEngine) -> AsyncIterator[DirectConnection]:
    """A pooled connection without SQLAlchemy; what was not committed is rolled back."""
    pooled = await engine.raw_connection()
    connection = connection_of(pooled.driver_connection)
    whole = False
    try:
        yield connection
        whole = True
    finally:
        # Whoever is cancelled, even twice, leaves at once; the connection is made ready for others
        # before it is theirs.
        await asyncio.shield(_give_back(connection, pooled, whole=whole))


async def _give_back(
    connection: DirectConnection, pooled: PoolProxiedConnection, *, whole: bool
) -> None:
    try:
        if not whole:
            async with asyncio.timeout(engines.CONNECT_TIMEOUT_S):
                await connection.roll_back()
    except Exception as error:  # noqa: BLE001 (whatever it is, it is not used again)
        await greenlet_spawn(pooled.invalidate, error)
    finally:
        await greenlet_spawn(pooled.close)


def _sqlite_file(url: URL) -> Path | None:
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None
