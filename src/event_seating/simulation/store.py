"""The connection of one process to the simulated database: a `LogStore` with faults.

Each call takes time and may fail before, during or after it takes effect. A commit may happen
although its answer is lost, and one whose connection broke may still happen later. When the process
crashes, its open transactions end as on a server: those that were not being committed are rolled
back, sooner or later.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from event_seating.booking.seat_log.ports import (
    BatchRow,
    IdempotencyKey,
    StoredAnswer,
    StoredSnapshot,
)
from event_seating.booking.seat_log.projection import Projection
from event_seating.clock import MS_PER_S
from event_seating.errors import DatabaseUnavailable
from event_seating.simulation.chance import Chance
from event_seating.simulation.database import SimulatedDatabase, Transaction
from event_seating.simulation.faults import Count, FaultRates

LATE_COMMIT_MAX_S: Final = 12.0
"""A commit may land this much later: beyond the time for which the writer looks for it."""

SLOW_FACTOR: Final = 30
"""How much longer a slow call takes."""


class FaultyStore:
    """The `LogStore` of a process, from one start to the next crash."""

    def __init__(
        self,
        database: SimulatedDatabase,
        faults: FaultRates,
        chance: Chance,
        count: Count,
        transaction_type: type[Transaction] = Transaction,
    ) -> None:
        self.away_until = 0.0
        """The network to the database is down until this time of the loop."""
        self.factor = 1.0
        """How many times as long each call of a slow process takes."""
        self._database = database
        self._faults = faults
        self._chance = chance
        self._count = count
        self._transaction_type = transaction_type
        self._open: dict[Transaction, bool] = {}
        """The open transactions, and whether each is being committed."""

    @asynccontextmanager
    async def transaction(
        self, event_id: str, *, queued: bool
    ) -> AsyncIterator["FaultyTransaction"]:
        del event_id
        await self.trip()
        transaction = self._transaction_type(self._database)
        self._open[transaction] = False
        try:
            # In a real database all transactions wait for the lock; here only queued ones do,
            # since correctness must not depend on it.
            if queued:
                await transaction.join_queue()
            yield FaultyTransaction(self, transaction)
            self._open[transaction] = True
            await self._commit(transaction)
        except BaseException:
            # After a crash it is no longer among the open ones: `crash` decided its outcome.
            if self._open.pop(transaction, None) is not None:
                transaction.roll_back()
            raise
        self._open.pop(transaction, None)
        await self._pause()

    async def _commit(self, transaction: Transaction) -> None:
        faults, chance = self._faults, self._chance
        await self._pause()
        if chance.happens(faults.commit_refused) or self._is_away():
            self._count.fault("commit refused")
            raise DatabaseUnavailable
        if chance.happens(faults.commit_late):
            self._count.fault("commit late")
            self._end_later(transaction)
            raise DatabaseUnavailable
        transaction.commit()
        if chance.happens(faults.answer_lost):
            self._count.fault("answer of a commit lost")
            raise DatabaseUnavailable

    def _end_later(self, transaction: Transaction) -> None:
        """Commit it or roll it back, at a later time."""
        self._open.pop(transaction, None)
        end = transaction.commit if self._chance.happens(0.7) else transaction.roll_back
        delay_s = self._chance.one_of((0.01, 0.3, 3.0, LATE_COMMIT_MAX_S))
        asyncio.get_running_loop().call_later(self._chance.between(0, delay_s), end)

    def crash(self) -> None:
        """Decide how the open transactions of the crashed process end."""
        for transaction, committing in list(self._open.items()):
            if committing and self._chance.happens(0.7):
                self._end_later(transaction)
            elif self._chance.happens(0.8):
                transaction.roll_back()
            else:
                loop = asyncio.get_running_loop()
                loop.call_later(self._chance.between(0, 1), transaction.roll_back)
        self._open.clear()

    async def rows_after(self, event_id: str, version: int, most: int) -> Sequence[BatchRow]:
        del event_id
        await self.trip()
        rows = self._database.rows_after(version, most)
        await self._pause()
        return rows

    async def answers(
        self, event_id: str, keys: Iterable[str], since_ms: int
    ) -> dict[IdempotencyKey, StoredAnswer]:
        del event_id
        await self.trip()
        found = self._database.answers(keys, since_ms)
        await self._pause()
        return found

    async def snapshots(self, event_id: str) -> Sequence[StoredSnapshot]:
        del event_id
        await self.trip()
        return list(self._database.tables.snapshots)

    async def put_snapshot(self, event_id: str, snapshot: StoredSnapshot) -> None:
        del event_id
        await self.trip()
        self._database.put_snapshot(snapshot)
        await self.trip()

    async def trip(self) -> None:
        """One trip to the database; raises `DatabaseUnavailable` if it fails."""
        await self._pause()
        if self._is_away():
            raise DatabaseUnavailable
        if self._chance.happens(self._faults.unreachable):
            self._count.fault("database unreachable")
            raise DatabaseUnavailable

    async def statement(self) -> None:
        """The trip of a statement in a transaction; raises `DatabaseUnavailable` if it fails."""
        await self._pause()
        if self._is_away():
            raise DatabaseUnavailable
        if self._chance.happens(self._faults.cut_off):
            self._count.fault("transaction cut off")
            raise DatabaseUnavailable

    def _is_away(self) -> bool:
        return asyncio.get_running_loop().time() < self.away_until

    async def _pause(self) -> None:
        most_ms = self._faults.call_ms * self.factor
        if self._chance.happens(self._faults.slow):
            self._count.fault("slow call")
            most_ms *= SLOW_FACTOR
        await asyncio.sleep(self._chance.between(0.05, most_ms) / MS_PER_S)


class FaultyTransaction:
    """`LogTransaction` over a connection that may break."""

    def __init__(self, store: FaultyStore, transaction: Transaction) -> None:
        self._store = store
        self._transaction = transaction

    async def acquire_write_lock(self, version: int, most: int) -> Sequence[BatchRow]:
        await self._store.statement()
        await self._transaction.acquire_write_lock()
        return self._transaction.database.rows_after(version, most)

    async def rows_after(self, version: int, most: int) -> Sequence[BatchRow]:
        await self._store.statement()
        return self._transaction.database.rows_after(version, most)

    async def answers(
        self, keys: Iterable[str], since_ms: int
    ) -> dict[IdempotencyKey, StoredAnswer]:
        await self._store.statement()
        return self._transaction.database.answers(keys, since_ms)

    async def append(
        self, row: BatchRow, projection: Projection, answers: dict[IdempotencyKey, StoredAnswer]
    ) -> bool:
        await self._store.statement()
        appended = await self._transaction.append(row, projection, answers)
        await self._store.statement()
        return appended
