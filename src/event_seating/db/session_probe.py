"""Finds out, before anything relies on it, whether a connection keeps its PostgreSQL session.

A pooler in transaction mode, such as PgBouncer with `pool_mode = transaction`, lends a session to a
connection for one transaction at a time. Then locks of a session, those of the instance and of
queues, stay behind with sessions that others use, and prepared statements are not where they were.
The protocol does not say that there is a pooler, and what it answers looks like PostgreSQL. So two
connections are asked for the number of their session: without such a pooler each one's stays the
same, and they differ.

It writes nothing, sets nothing and locks nothing, and its own statements have no names, so that it
finds the same behind every pooler.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

import asyncpg
from sqlalchemy import make_url

from event_seating.db import schema
from event_seating.db.database import Database
from event_seating.db.engines import CONNECT_TIMEOUT_S, driver_options
from event_seating.errors import StartupError

ROUNDS: Final = 5
"""A pooler that nobody else uses shows itself in the first one; in one that others use, a
connection may get the session that it had before by chance, and does not five times."""

PROBED_WITHIN_S: Final = 10.0
"""Behind a pooler with few sessions the second connection waits for one; directly it is 0.05 s."""

_SESSION: Final = "SELECT pg_backend_pid()"

_UNUSABLE: Final = (OSError, TimeoutError, TypeError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""No connection, or a parameter in the URL that the driver does not know."""


class ProbedConnection(Protocol):
    """What the probe needs of the driver's connection."""

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """A transaction for the length of a block."""
        ...

    async def fetchval(self, query: str) -> Any:
        """The first value of the first row."""
        ...


async def require_own_sessions(database: Database, url: str) -> None:
    """Raise `StartupError` if sessions change between transactions; SQLite has none."""
    if database.dialect != "postgresql":
        return
    try:
        own = await _probe(driver_options(make_url(url)))
    except _UNUSABLE as error:
        raise StartupError(f"DATABASE_URL: {schema.why(database, error)}") from error
    if not own:
        raise StartupError(
            f"DATABASE_URL: {database.where} is a pooler in transaction mode, behind which locks "
            "would stay with the sessions of others; give PostgreSQL's own address, or one with "
            "session pooling (`pool_mode = session` of PgBouncer)"
        )


async def keep_their_sessions(first: ProbedConnection, second: ProbedConnection) -> bool:
    """Whether the two connections have a session each and keep it."""
    for _ in range(ROUNDS):
        session = await _session(first)
        # A pooler that lends in turn gives another one now.
        if await _session(first) != session:
            return False
        async with second.transaction():
            # One that lends the last one used has just got it back.
            if await second.fetchval(_SESSION) == session:
                return False
            # And whoever else took it, it is not there for the first.
            if await _session(first) != session:
                return False
    return True


async def _session(connection: ProbedConnection) -> int:
    """The session that has a transaction of this connection's."""
    async with connection.transaction():
        return int(await connection.fetchval(_SESSION))


async def _probe(options: dict[str, Any]) -> bool:
    first = await _connect(options)
    try:
        second = await _connect(options)
        try:
            async with asyncio.timeout(PROBED_WITHIN_S):
                return await keep_their_sessions(first, second)
        except TimeoutError:
            raise TimeoutError(
                f"two connections at once were not served within {PROBED_WITHIN_S:.0f} s"
            ) from None
        finally:
            second.terminate()
    finally:
        first.terminate()


async def _connect(options: dict[str, Any]) -> asyncpg.Connection:
    return await asyncpg.connect(**options, timeout=CONNECT_TIMEOUT_S, statement_cache_size=0)
