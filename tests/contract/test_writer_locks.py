"""The two locks of writers on PostgreSQL: who waits, who is next, and what is read under them.

SQLite has one writer at a time, from the beginning of its transaction on.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from event_seating.booking.seat_log.ports import BatchRow
from event_seating.booking.seat_log.projection import Projection
from event_seating.booking.seat_log.sql_statements import Statements
from event_seating.booking.seat_log.sql_store import SqlLogStore
from event_seating.booking.seating import ids
from event_seating.db.database import Database
from event_seating.db.direct import DirectConnection
from event_seating.db.unavailable import errors_as_unavailable
from event_seating.errors import DatabaseUnavailable

pytestmark = pytest.mark.anyio

LOCKS = text(
    "SELECT pid, granted FROM pg_locks WHERE locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture
def database(on_postgres: Callable[..., Database]) -> Database:
    return on_postgres()


class Desk:
    """Takes the locks, and tells who waits."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.came: list[str] = []
        self._rows = Statements(database).rows_under_lock
        self._locks = database.prepare(LOCKS)

    async def acquire_write_lock(self, connection: DirectConnection) -> None:
        await connection.acquire_write_lock(
            self._rows, {"event_id": "none", "version": 0, "most": 1}
        )

    @asynccontextmanager
    async def locked(self, lock_key: str = "event") -> AsyncIterator[DirectConnection]:
        async with self.database.write_direct(lock_key=lock_key, queued=True) as connection:
            await self.acquire_write_lock(connection)
            yield connection

    async def come(self, name: str, *, lock_key: str = "event", queued: bool = True) -> None:
        """Say when it is next, if it is queued, and when it has the write lock."""
        async with self.database.write_direct(lock_key=lock_key, queued=queued) as connection:
            if queued:
                self.came.append(f"{name} is next")
                await self.acquire_write_lock(connection)
            self.came.append(name)
            await self.locks(connection)
            self.came.append(f"{name} goes")

    async def locks(self, connection: DirectConnection) -> Sequence[Sequence[object]]:
        return await connection.rows(self._locks, {})

    async def until_waiting(self, many: int) -> None:
        async with asyncio.timeout(5), self.database.read_direct() as connection:
            while sum(not granted for _, granted in await self.locks(connection)) < many:
                pass

    async def all_locks(self) -> Sequence[Sequence[object]]:
        async with self.database.read_direct() as connection:
            return await self.locks(connection)


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


async def test_a_turn_that_is_not_had_in_time_counts_as_a_database_that_is_away(desk: Desk) -> None:
    """A lock that is waited for too long has no class of its own in the driver."""

    async def wait() -> None:
        with errors_as_unavailable():
            async with desk.locked():
                pass

    async with desk.locked():
        with pytest.raises(DatabaseUnavailable):
            await wait()
    assert await desk.all_locks() == []


async def test_who_has_a_turn_lets_the_next_in_line_come_up_and_no_other(desk: Desk) -> None:
    async with asyncio.TaskGroup() as later, desk.locked():
        later.create_task(desk.come("second"))
        await desk.until_waiting(1)
        later.create_task(desk.come("third"))
        await desk.until_waiting(2)
        await desk.come("another", lock_key="another event")
        assert desk.came == ["second is next", "another is next", "another", "another goes"]
    assert [name for name in desk.came[4:] if "is next" not in name] == [
        "second",
        "second goes",
        "third",
        "third goes",
    ]


async def test_who_is_not_in_line_begins_when_it_has_the_turn_and_keeps_it_to_its_end(
    desk: Desk,
) -> None:
    async with asyncio.TaskGroup() as later, desk.database.write_direct(lock_key="event"):
        later.create_task(desk.come("not in line", queued=False))
        await desk.until_waiting(1)
        later.create_task(desk.come("in line"))
        await desk.until_waiting(2)
        async with desk.database.write_direct(lock_key="another event"):
            assert desk.came == ["in line is next"]
    assert desk.came[1:] == ["not in line", "not in line goes", "in line", "in line goes"]


@pytest.mark.parametrize("error", [None, LookupError(), asyncio.CancelledError()])
@pytest.mark.parametrize("takes_it", [True, False])
async def test_a_turn_and_a_place_in_the_line_end_with_their_transaction_however_that_ends(
    desk: Desk, error: BaseException | None, takes_it: bool
) -> None:
    """With the connection still open, which others use next."""

    async def end() -> None:
        async with desk.database.write_direct(lock_key="event", queued=True) as connection:
            assert len(await desk.all_locks()) == 1
            if takes_it:
                await desk.acquire_write_lock(connection)
            if error is not None:
                raise error

    if error is None:
        await end()
    else:
        with pytest.raises(type(error)):
            await end()
    assert await desk.all_locks() == []
    async with asyncio.timeout(1), desk.locked():
        pass


@pytest.mark.parametrize("queued", [True, False])
async def test_who_is_cancelled_while_it_waits_gives_its_place_up(desk: Desk, queued: bool) -> None:
    async with desk.locked():
        async with asyncio.TaskGroup() as others:
            next_one = others.create_task(desk.come("next"))
            await desk.until_waiting(1)
            waiting = others.create_task(desk.come("waiting", queued=queued))
            await desk.until_waiting(2)
            for task in (next_one, waiting):
                task.cancel()
        assert len(await desk.all_locks()) == 1
    assert await desk.all_locks() == []


@pytest.mark.parametrize("steps", range(8))
@pytest.mark.parametrize("place", ["free", "taken", "let go of"])
async def test_who_is_cancelled_as_it_comes_up_leaves_no_lock_on_its_connection(
    desk: Desk, steps: int, place: str
) -> None:
    """It may have the lock by then, and not have heard of it."""

    async def cancel(task: asyncio.Task[None]) -> None:
        for _ in range(steps):
            await asyncio.sleep(0)
        time.sleep(0.02)  # noqa: ASYNC251 (the server goes on while the loop stands still)
        task.cancel()

    async with desk.database.write_direct(lock_key="event", queued=place != "free"):
        waiting = asyncio.create_task(desk.come("waiting"))
        if place == "let go of":
            await desk.until_waiting(1)
        else:
            await cancel(waiting)
    if place == "let go of":
        await cancel(waiting)
    await asyncio.gather(waiting, return_exceptions=True)
    assert await desk.all_locks() == []


async def test_what_is_read_with_a_turn_is_what_is_there_when_it_is_had(desk: Desk) -> None:
    """Not what was there when it was asked for: stale rows would lose every race."""
    store, event_id = SqlLogStore(desk.database), ids.new_event_id()
    rows = [BatchRow(version, bytes([version]), 1, b"", version) for version in (1, 2, 3)]

    async def acquire_write_lock(version: int) -> Sequence[BatchRow]:
        async with store.transaction(event_id, queued=True) as transaction:
            return await transaction.acquire_write_lock(version, 2)

    async with asyncio.TaskGroup() as others:
        async with store.transaction(event_id, queued=False) as transaction:
            assert await transaction.append(rows[0], Projection(event_id, "EUR"), {})
            second = others.create_task(acquire_write_lock(0))
            await desk.until_waiting(1)
        assert await second == rows[:1]
        async with store.transaction(event_id, queued=True) as transaction:
            assert await transaction.acquire_write_lock(1, 2) == []
            second = others.create_task(acquire_write_lock(0))
            await desk.until_waiting(1)
            for row in rows[1:]:
                assert await transaction.append(row, Projection(event_id, "EUR"), {})
        assert await second == rows[:2]
    assert await acquire_write_lock(1) == rows[1:]
