"""The lock that lets only one server use a PostgreSQL database.

It is an advisory lock of one session. Without it two servers would each count a client's requests
by themselves, and cache what the other one has changed. (The lock on a data directory is in
`processes.data_dir_lock`.)
"""

import asyncio
from typing import Final

import asyncpg
from sqlalchemy import make_url

from event_seating.db.engines import CONNECT_TIMEOUT_S, driver_options
from event_seating.errors import StartupError

INSTANCE_LOCK: Final = 0x5EA7_0002
"""An arbitrary number, the same in every release."""

RETRY_S: Final = 1.0
"""How often an unavailable database is asked for the lock again."""


class PostgresLock:
    """The exclusive use of a PostgreSQL database by one server.

    The lock lives as long as its connection. When the database restarts, the lock is acquired again
    as soon as possible; if another server was faster, `lost` is set and this server has to stop.
    """

    def __init__(self, url: str) -> None:
        self._options = driver_options(make_url(url))
        self._connection: asyncpg.Connection | None = None
        self._closed = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self.lost = asyncio.Event()

    async def acquire(self) -> None:
        """Acquire the lock and keep it; a `StartupError` if another server has it."""
        if not await self._try():
            raise StartupError(
                "DATABASE_URL: another server uses this database, and only one can serve it; "
                "`event-seating worker` may do jobs beside it"
            )
        self._keeper = asyncio.create_task(self._keep(), name="instance-lock")

    async def release(self) -> None:
        """Release the lock."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._connection:
            self._connection.terminate()

    async def _try(self) -> bool:
        self._closed.clear()
        connection = await asyncpg.connect(**self._options, timeout=CONNECT_TIMEOUT_S)
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
