"""The connection pools: how a connection is opened, its time limits, and when it is replaced."""

import time
from typing import Any, Final

import asyncpg
from sqlalchemy import URL, Connection, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_MS: Final = 5_000
"""How long SQLite waits for the transaction of another process."""

CONNECT_TIMEOUT_S: Final = 3
"""PostgreSQL answers within milliseconds or is unavailable; nobody waits longer."""

POOL_TIMEOUT_S: Final = 5
"""How long a request waits for a free connection before it gets `DatabaseUnavailable`."""

ASK_AFTER_IDLE_S: Final = 1
"""A connection that was used more recently is not checked before use: the check takes three round
trips, as many as a short transaction itself, and a broken connection is mostly known to be closed.
"""

WAL_BYTES_MAX: Final = 64 * 1024 * 1024
"""The write-ahead log is truncated to this size after a checkpoint."""

POSTGRES_SESSION: Final = {
    "lock_timeout": "2s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
}
"""No statement and no forgotten transaction blocks others for longer."""

_LIMIT_SESSION: Final = "; ".join(
    f"SET {name} = '{limit}'" for name, limit in POSTGRES_SESSION.items()
)

_OF_SQLALCHEMY: Final = ("prepared_statement_cache_size", "prepared_statement_name_func")
"""Parameters of a URL that are not for the driver."""

_USED: Final = "used"
"""When a pooled connection was last returned, in monotonic seconds."""


def sqlite(url: URL, begin: str, connections: int) -> AsyncEngine:
    """A pool of this many connections to a SQLite file, whose transactions start with `begin`."""
    engine = create_async_engine(
        url, pool_size=connections, max_overflow=0, pool_timeout=POOL_TIMEOUT_S
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        # The driver must not begin transactions by itself; `begin` below does.
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


def postgres(url: URL, pool_size: int) -> AsyncEngine:
    """A pool of this many connections to PostgreSQL."""
    engine = create_async_engine(
        _without_sslmode(url),
        connect_args={"timeout": CONNECT_TIMEOUT_S, "async_creator_fn": _connect},
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
    )

    @event.listens_for(engine.sync_engine, "checkin")
    def note_time(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[_USED] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def check(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        """Replace a connection that a restart of the server broke, unnoticed by the request."""
        used = record.info.get(_USED)
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError
        if used is not None and time.monotonic() - used > ASK_AFTER_IDLE_S:
            _ask(engine, connection)

    return engine


def driver_options(url: URL) -> dict[str, Any]:
    """How the driver connects to PostgreSQL, for a connection that belongs to no pool."""
    url = _without_sslmode(url)
    _, options = url.get_dialect()().create_connect_args(url)
    return {name: value for name, value in options.items() if name not in _OF_SQLALCHEMY}


async def _connect(*arguments: Any, **options: Any) -> asyncpg.Connection:
    """A connection with its time limits, set by a statement.

    PgBouncer refuses a connection that brings them along as parameters.
    """
    connection = await asyncpg.connect(*arguments, **options)
    try:
        await connection.execute(_LIMIT_SESSION, timeout=CONNECT_TIMEOUT_S)
    except BaseException:
        connection.terminate()
        raise
    return connection


def _ask(engine: AsyncEngine, connection: Any) -> None:
    try:
        engine.dialect.do_ping(connection)
    except (engine.dialect.loaded_dbapi.Error, OSError) as error:
        raise InvalidatePoolError from error


def _without_sslmode(url: URL) -> URL:
    """PostgreSQL's own tools write `sslmode`, asyncpg reads `ssl`; both work."""
    mode = url.query.get("sslmode")
    return (
        url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode}) if mode else url
    )
