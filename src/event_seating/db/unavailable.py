"""Which errors mean that the database is unavailable, and which that a statement was wrong.

The first kind becomes `DatabaseUnavailable` here and nowhere else, whether SQLAlchemy or a driver
raised it; the second kind passes through. No module above knows a driver's exceptions.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from event_seating.errors import DatabaseUnavailable

POSTGRES_UNAVAILABLE: Final = ("08", "25P03", "53", "55P03", "57")
"""Prefixes of its error codes that say nothing about the statement: connection, idle for too long,
out of resources, lock timeout, stopped by a timeout or an operator. The driver has no class for
them."""

UNAVAILABLE: Final = (
    PoolTimeout,
    TimeoutError,
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    sqlite3.OperationalError,
)
"""No connection from the pool or over the network; a connection that is closed, or lost between two
statements; a file that cannot be read or written."""


@contextmanager
def errors_as_unavailable() -> Iterator[None]:
    """Raise `DatabaseUnavailable` in place of an error that means the same."""
    try:
        yield
    except UNAVAILABLE as error:
        raise DatabaseUnavailable from error
    except asyncpg.PostgresError as error:
        if _code_says_unavailable(error):
            raise DatabaseUnavailable from error
        raise
    except DBAPIError as error:
        if _is_unavailable(error):
            raise DatabaseUnavailable from error
        raise


def _is_unavailable(error: DBAPIError) -> bool:
    """Whether the database failed rather than the statement.

    The errors with which a server refuses a connection (no such database, wrong password, too many
    connections) have no class of their own and belong to no statement.
    """
    return (
        error.connection_invalidated
        or isinstance(error, OperationalError | InterfaceError)
        or isinstance(error.orig, OSError | TimeoutError)
        or _code_says_unavailable(error.orig)
        or (type(error) is DBAPIError and error.statement is None)
    )


def _code_says_unavailable(error: BaseException | None) -> bool:
    return str(getattr(error, "sqlstate", None)).startswith(POSTGRES_UNAVAILABLE)
