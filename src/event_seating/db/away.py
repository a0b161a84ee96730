"""Which failures say that the database is away, and which that a statement was wrong.

The first become `DatabaseUnavailable` here, in this one place, whether SQLAlchemy raised them or a
driver itself; the second pass through. Nobody above knows a driver's exceptions.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from event_seating.errors import DatabaseUnavailable

POSTGRES_AWAY: Final = ("08", "25P03", "53", "55P03", "57")
"""Beginnings of its error codes that say nothing about the statement: connection, idle for too
long, out of resources, a lock not had in time, stopped by a timeout or an operator. The driver has
no class for them."""

AWAY: Final = (
    PoolTimeout,
    TimeoutError,
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    sqlite3.OperationalError,
)
"""Nothing had from the pool or over the network; a connection that is closed, or is lost between
two statements; a file that cannot be read or written."""


@contextmanager
def unavailable_when_away() -> Iterator[None]:
    """Raise `DatabaseUnavailable` instead of an error that says so."""
    try:
        yield
    except AWAY as error:
        raise DatabaseUnavailable from error
    except asyncpg.PostgresError as error:
        if _says_away(error):
            raise DatabaseUnavailable from error
        raise
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
        or _says_away(error.orig)
        or (type(error) is DBAPIError and error.statement is None)
    )


def _says_away(error: BaseException | None) -> bool:
    return str(getattr(error, "sqlstate", None)).startswith(POSTGRES_AWAY)
