"""Who may use a database: one server at a time, until something carries signals between several.

Owns the lock on a data directory (a file lock, let go by the kernel when the process dies) and the
lock on a PostgreSQL database (an advisory lock of one session). Without them two servers would
each cache users that the other has changed.
"""

import asyncio
import fcntl
import os
from pathlib import Path
from typing import Self

import asyncpg
from sqlalchemy import URL, make_url

from event_seating.db.database import CONNECT_TIMEOUT_S
from event_seating.errors import StartupError

INSTANCE_LOCK = 0x5EA7_0002
"""Any number, the same in every release."""

RETRY_S = 1.0
"""How often a database that went away is asked for the lock again."""


class DirectoryLock:
    """A data directory, used by one server at a time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Make the directory and lock it; a `StartupError` says why it cannot be used."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StartupError(
                f"DATA_DIR: {self._directory} cannot be written ({error.strerror})"
            ) from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._close()
            raise StartupError(
                f"DATA_DIR: {self._directory} is used by another server that is running"
            ) from None
        return self

    def __exit__(self, *_why: object) -> None:
        """Let go of it."""
        self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class PostgresLock:
    """A PostgreSQL database, used by one server at a time.

    The lock lives as long as its connection. When the database restarts, the lock is taken again
    as soon as it is back; when somebody else was faster, `lost` is set and this server has to stop.
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._connection: asyncpg.Connection | None = None
        self._closed = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self.lost = asyncio.Event()

    async def acquire(self) -> None:
        """Take the lock and keep it; a `StartupError` says who has it."""
        if not await self._try():
            raise StartupError(
                "DATABASE_URL: another server uses this database; several need REDIS_URL, "
                "which carries signals between them"
            )
        self._keeper = asyncio.create_task(self._keep(), name="instance-lock")

    async def release(self) -> None:
        """Let go of it."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._connection:
            self._connection.terminate()

    async def _try(self) -> bool:
        self._closed.clear()
        connection = await asyncpg.connect(_plain(self._url), timeout=CONNECT_TIMEOUT_S)
        connection.add_termination_listener(lambda _connection: self._closed.set())
        self._connection = connection
        return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", INSTANCE_LOCK))

    async def _keep(self) -> None:
        while True:
            await self._closed.wait()
            try:
                if not await self._try():
                    self.lost.set()
                    return
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                self._closed.set()
                await asyncio.sleep(RETRY_S)


def _plain(url: URL) -> str:
    """The URL as asyncpg itself reads it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
