"""Who may use a database: one server at a time.

Owns the lock on a data directory (a file lock, let go by the kernel when the process dies) and the
lock on a PostgreSQL database (an advisory lock of one session). Without them two servers would
each count a client's requests for itself, and cache what the other has changed.
"""

import asyncio
from typing import Final

import asyncpg
from sqlalchemy import URL, make_url

from event_seating.db.engines import CONNECT_TIMEOUT_S
from event_seating.errors import StartupError

INSTANCE_LOCK: Final = 0x5EA7_0002
"""Any number, the same in every release."""

RETRY_S: Final = 1.0
"""How often a database that went away is asked for the lock again."""


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
                "DATABASE_URL: another server uses this database, and one alone can serve it; "
                "`event-seating worker` may do jobs beside it"
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
