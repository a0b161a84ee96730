"""The common ways to sell a seat, each written well: what the engine is measured against.

One row a seat in a table of their own, made here, on the same database. On PostgreSQL through a
pool of asyncpg with prepared statements, no object mapper. On SQLite through one connection on a
thread of its own, a whole transaction a call, since SQLite has one writer anyway. They do less
than the engine: no log, no answers to repeat, no caps, no prices.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import asyncpg

from benchmarks.databases import dsn, file_of
from event_seating.booking.seating import ids

POOL = 32
"""Connections: enough for commits to share a flush; more only wait for the cores."""

HOLD_S = 600

_TABLE = """
CREATE TABLE desk_seats (
    event_id text NOT NULL, seat integer NOT NULL, status text NOT NULL,
    owner {bytes}, expires_at double precision, PRIMARY KEY (event_id, seat)
)
"""
_EVENT = "event"


class MovingDesk:
    """A desk that asks for one thing alone: a seat's move from one status and owner to another."""

    async def hold(self, seat: int, client: int) -> object | None:
        del client
        owner = ids.new_key()
        return owner if await self._move(seat, "available", None, "held", owner) else None

    async def book(self, seat: int, held: object) -> object | None:
        return held if await self._move(seat, "held", held, "booked", held) else None

    async def release(self, seat: int, held: object) -> None:
        assert await self._move(seat, "held", held, "available", None)

    async def _move(
        self, seat: int, was: str, owner: object | None, to: str, new_owner: object | None
    ) -> bool:
        raise NotImplementedError


class ForUpdateDesk(MovingDesk):
    """`SELECT … FOR UPDATE` of the seats in order, a look, an `UPDATE`, one transaction."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def _move(
        self, seat: int, was: str, owner: object | None, to: str, new_owner: object | None
    ) -> bool:
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(
                "SELECT seat, status, owner FROM desk_seats"
                " WHERE event_id = $1 AND seat = ANY($2::int[]) ORDER BY seat FOR UPDATE",
                _EVENT,
                [seat],
            )
            if any(row["status"] != was or row["owner"] != owner for row in rows):
                return False
            await connection.execute(
                "UPDATE desk_seats SET status = $3, owner = $4,"
                " expires_at = extract(epoch FROM now()) + $5"
                " WHERE event_id = $1 AND seat = ANY($2::int[])",
                _EVENT,
                [seat],
                to,
                new_owner,
                HOLD_S,
            )
            return True


class UpdateDesk(MovingDesk):
    """One conditional `UPDATE` a request, committed by itself."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def _move(
        self, seat: int, was: str, owner: object | None, to: str, new_owner: object | None
    ) -> bool:
        done = await self._pool.execute(
            "UPDATE desk_seats SET status = $5, owner = $6,"
            " expires_at = extract(epoch FROM now()) + $7"
            " WHERE event_id = $1 AND seat = $2 AND status = $3"
            " AND owner IS NOT DISTINCT FROM $4",
            _EVENT,
            seat,
            was,
            owner,
            to,
            new_owner,
            HOLD_S,
        )
        return bool(done == "UPDATE 1")


class TransactionDesk(MovingDesk):
    """SQLite: a transaction a request, `BEGIN IMMEDIATE`, a look, an `UPDATE`, commit."""

    def __init__(self, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._thread = thread

    async def _move(self, *change: object) -> bool:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._moved, *change)

    def _moved(
        self, seat: int, was: str, owner: object | None, to: str, new_owner: object | None
    ) -> bool:
        self._connection.execute("BEGIN IMMEDIATE")
        row = self._connection.execute(
            "SELECT status, owner FROM desk_seats WHERE event_id = ? AND seat = ?", (_EVENT, seat)
        ).fetchone()
        if row != (was, owner):
            self._connection.execute("ROLLBACK")
            return False
        self._connection.execute(
            "UPDATE desk_seats SET status = ?, owner = ?, expires_at = julianday('now') + ?"
            " WHERE event_id = ? AND seat = ?",
            (to, new_owner, HOLD_S / 86400, _EVENT, seat),
        )
        self._connection.execute("COMMIT")
        return True


@asynccontextmanager
async def pool(url: str, seats: int) -> AsyncIterator[asyncpg.Pool]:
    """Connections to a database in which every seat is free."""
    async with asyncpg.create_pool(dsn(url), min_size=POOL, max_size=POOL) as connections:
        await connections.execute("DROP TABLE IF EXISTS desk_seats")
        await connections.execute(_TABLE.format(bytes="bytea"))
        await connections.execute(
            "INSERT INTO desk_seats SELECT $1, seat, 'available' FROM generate_series(0, $2) seat",
            _EVENT,
            seats - 1,
        )
        await connections.execute("ANALYZE desk_seats")
        yield connections


@asynccontextmanager
async def thread(url: str, seats: int) -> AsyncIterator[TransactionDesk]:
    """A file in which every seat is free, as careful with its disk as the service's own."""
    connection = sqlite3.connect(file_of(url), isolation_level=None, check_same_thread=False)
    with ThreadPoolExecutor(1) as executor:
        try:
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 5000"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("DROP TABLE IF EXISTS desk_seats")
            connection.execute(_TABLE.format(bytes="blob"))
            connection.execute("BEGIN")
            connection.executemany(
                "INSERT INTO desk_seats (event_id, seat, status) VALUES (?, ?, 'available')",
                [(_EVENT, seat) for seat in range(seats)],
            )
            connection.execute("COMMIT")
            yield TransactionDesk(connection, executor)
        finally:
            connection.close()
