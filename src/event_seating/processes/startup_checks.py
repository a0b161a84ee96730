"""Checks of the database before anything is served: of its sessions and of its schema.

They run once in a process of their own, which the supervisor starts while the serving process loads
its modules, and as `event-seating migrate`. The process ends with them, so that the supervisor need
not keep what they load, 37 MB, for as long as it lives. They also warn about a Python release with
known security holes.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy.exc import ArgumentError

from event_seating.clock import SystemClock
from event_seating.db import schema, session_probe
from event_seating.db.database import Database
from event_seating.errors import StartupError
from event_seating.processes.control_channel import EXIT_CANNOT_START
from event_seating.processes.data_dir_lock import DirectoryLock
from event_seating.settings import model
from event_seating.settings.model import Settings
from event_seating.telemetry.logs import Logs, get_logger

COOKIE_HOLE: Final = "CVE-2024-7592"
FIXED_IN: Final = {(3, 11): (3, 11, 10), (3, 12): (3, 12, 6)}
"""The first release of each Python version in which a cookie cannot keep it busy for seconds."""

_log = get_logger("preparation")


def warn_of_python(version: tuple[int, int, int] = sys.version_info[:3]) -> None:
    """Log one line if this Python has a security hole that a request could reach."""
    mended = FIXED_IN.get(version[:2])
    if mended is not None and version < mended:
        _log.warning(
            "this Python has a known security hole; no request reaches it here, "
            "but install the release in which it is fixed",
            python=".".join(map(str, version)),
            hole=COOKIE_HOLE,
            mendedIn=".".join(map(str, mended)),
        )


async def prepare(settings: Settings) -> None:
    """Migrate the database; for a server.

    A database in production is not migrated here: a `StartupError` says how to do that.
    """
    warn_of_python()
    async with _usable_database(settings) as database:
        if await _bring_up_to_date(database, migrate=not settings.production):
            _log.info("brought the database up to date", schema=schema.newest())


async def check(settings: Settings) -> None:
    """Raise `StartupError` unless the schema is up to date; for a worker, which never migrates."""
    warn_of_python()
    async with _usable_database(settings) as database:
        await _bring_up_to_date(database, migrate=False)


async def migrate(settings: Settings) -> str:
    """Migrate the database; a sentence about the result."""
    with DirectoryLock(settings.data_dir):
        async with _usable_database(settings) as database:
            changed = await _bring_up_to_date(database, migrate=True)
    done = "is now" if changed else "was already"
    return f"{database.where} {done} at schema {schema.newest()}"


@asynccontextmanager
async def _usable_database(settings: Settings) -> AsyncIterator[Database]:
    """The database, once its sessions are known to be kept; a `StartupError` says why not."""
    database = _database(settings)
    try:
        await session_probe.require_own_sessions(database, settings.database)
        yield database
    finally:
        await database.close()


def _database(settings: Settings) -> Database:
    try:
        return Database(settings.database)
    except (ValueError, ArgumentError):
        # The message does not repeat the URL, since the password is a part of it; and the log would
        # redact the user and password of an example.
        raise StartupError(
            "DATABASE_URL: is no URL such as postgresql://host:5432/database, with `user:password@`"
            " before the host; signs such as @ : / in a password are written as %40 %3A %2F"
        ) from None


async def _bring_up_to_date(database: Database, *, migrate: bool) -> bool:
    """Check the schema; with `migrate` upgrade it, without raise if it is outdated.

    Returns whether anything had to be done.
    """
    found = await schema.current(database)
    if found == schema.newest():
        return False
    if found is not None and found > schema.newest():
        raise StartupError(
            f"DATABASE_URL: {database.where} is of a newer release (schema {found}, this one "
            f"knows {schema.newest()})"
        )
    if not migrate:
        raise StartupError(
            f"DATABASE_URL: {database.where} is at schema {found or 'none'}, this release needs "
            f"{schema.newest()}; run `event-seating migrate`"
        )
    await schema.upgrade(database)
    return True


CHECKS: Final[dict[str, Callable[[Settings], Coroutine[Any, Any, None]]]] = {
    "prepare": prepare,
    "check": check,
}
"""What the supervisor can ask this process for."""


def main(name: str) -> int:
    """Run one of the checks; the exit code. An error is in the log then."""
    settings = model.load()
    logs = Logs(
        level=settings.log_level,
        production=settings.production,
        directory=None,
        clock=SystemClock(),
    )
    logs.start()
    try:
        asyncio.run(CHECKS[name](settings))
    except StartupError as error:
        get_logger("supervisor").error(str(error))
        return EXIT_CANNOT_START
    finally:
        logs.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
