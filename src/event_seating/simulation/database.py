"""The one database that all processes of a simulation share, in memory and without faults.

It behaves like PostgreSQL at READ COMMITTED: a statement sees what was committed when it began; a
row that is not yet committed is invisible and makes another insert of its key wait; keys are
unique; a lock belongs to one transaction until that ends. `store` loses answers and connections.
The referee sees every commit before anybody else.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from event_seating.booking.core.records import Configuration
from event_seating.booking.seat_log.ports import (
    ENDED_KEPT_MS,
    GONE,
    BatchRow,
    IdempotencyKey,
    StoredAnswer,
    StoredSnapshot,
)
from event_seating.booking.seat_log.projection import Projection, Row
from event_seating.booking.seat_log.sql_store import CLOCK_SLACK_MS, SNAPSHOTS_KEPT
from event_seating.clock import NS_PER_MS
from event_seating.errors import DatabaseUnavailable
from event_seating.simulation.loop import VirtualLoop

STARTED_MS: Final = 1_700_000_000_000
"""The database's time when a simulation begins."""

LOCK_TIMEOUT_S: Final = 2.0
"""As PostgreSQL is configured: a transaction that waits longer for another one fails."""


class UniqueViolation(Exception):
    """There is already a row with this key."""


@dataclass(slots=True)
class Tables:
    """The committed rows."""

    rows: list[BatchRow] = field(default_factory=list)
    bookings: dict[str, Row] = field(default_factory=dict)
    lines: dict[tuple[str, int], Row] = field(default_factory=dict)
    booked_seats: dict[int, str] = field(default_factory=dict)
    answers: dict[IdempotencyKey, StoredAnswer] = field(default_factory=dict)
    snapshots: list[StoredSnapshot] = field(default_factory=list)
    configured: tuple[Configuration, int] | None = None
    """How the event sells, and the version that says so."""


Written = tuple[BatchRow, Projection, dict[IdempotencyKey, StoredAnswer]]


class FifoLock:
    """A lock that one transaction at a time holds; the others wait in the order of their coming."""

    def __init__(self) -> None:
        self.holder: Transaction | None = None
        self._queue: deque[asyncio.Future[None]] = deque()

    async def acquire(self, transaction: "Transaction") -> None:
        """Acquire it when it is free; raises `DatabaseUnavailable` after waiting too long."""
        while self.holder is not None:
            mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._queue.append(mine)
            await _ended_in_time(mine)
        if transaction.open:
            self.holder = transaction

    def release(self, transaction: "Transaction") -> None:
        """Release it, if this transaction holds it."""
        if self.holder is not transaction:
            return
        self.holder = None
        while self._queue:
            following = self._queue.popleft()
            if not following.done():
                following.set_result(None)
                break


class SimulatedDatabase:
    """Tables, the transactions that are open on them, and the two locks of a writer."""

    def __init__(self, loop: VirtualLoop, on_commit: Callable[[Written], None]) -> None:
        self.tables = Tables()
        self.appending: dict[int, Transaction] = {}
        """The open transaction that inserted each version."""
        self.write_lock = FifoLock()
        self.queue_lock = FifoLock()
        self.on_commit = on_commit
        self._loop = loop

    def now_ms(self) -> int:
        """The database's time, by which rows are accepted."""
        return STARTED_MS + self._loop.now_ns // NS_PER_MS

    def rows_after(self, version: int, most: int) -> Sequence[BatchRow]:
        """Committed rows."""
        return self.tables.rows[version : version + most]

    def answers(self, keys: Iterable[str], since_ms: int) -> dict[IdempotencyKey, StoredAnswer]:
        """Committed answers with these keys that are from `since_ms` or later."""
        wanted = set(keys)
        return {
            key: answer
            for key, answer in self.tables.answers.items()
            if key.key in wanted and answer.at_ms >= since_ms
        }

    def put_snapshot(self, snapshot: StoredSnapshot) -> None:
        """Store it, and delete all but the newest few."""
        kept = {each.version: each for each in self.tables.snapshots}
        kept.setdefault(snapshot.version, snapshot)
        newest = sorted(kept, reverse=True)[:SNAPSHOTS_KEPT]
        self.tables.snapshots = [kept[version] for version in newest]


class Transaction:
    """One transaction, whose rows are invisible until it commits."""

    def __init__(self, database: SimulatedDatabase) -> None:
        self.database = database
        self.open = True
        self._written: list[Written] = []
        self._ended: list[asyncio.Future[None]] = []

    async def join_queue(self) -> None:
        """Acquire the queue lock, whose holder is the next to get the write lock."""
        await self.database.queue_lock.acquire(self)

    async def acquire_write_lock(self) -> None:
        """Acquire the write lock, then release the queue lock."""
        await self.database.write_lock.acquire(self)
        self.database.queue_lock.release(self)

    async def append(
        self, row: BatchRow, projection: Projection, answers: dict[IdempotencyKey, StoredAnswer]
    ) -> bool:
        """Insert the row and what follows from it; false if its version or its time is refused.

        Raises `UniqueViolation`, and `DatabaseUnavailable` after waiting too long for another.
        """
        if not self._in_time(row):
            return False
        database = self.database
        while (other := database.appending.get(row.version)) is not None and other is not self:
            ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            other._ended.append(ended)  # noqa: SLF001 (of its own kind)
            await _ended_in_time(ended)
        if self.is_taken(row.version):
            return False
        if not self.open:
            raise DatabaseUnavailable
        self._check_keys(projection)
        database.appending[row.version] = self
        self._written.append((row, projection, answers))
        return True

    def _in_time(self, row: BatchRow) -> bool:
        before = self.database.rows_after(row.version - 2, 1) if row.version > 1 else ()
        latest = max([self.database.now_ms(), *(each.at_ms for each in before)])
        return row.at_ms - CLOCK_SLACK_MS <= latest

    def is_taken(self, version: int) -> bool:
        """Whether the log has this version: the primary key of `seat_log`."""
        return version <= len(self.database.tables.rows)

    def _check_keys(self, projection: Projection) -> None:
        tables = self.database.tables
        for booking in projection.new_bookings:
            if booking in tables.bookings:
                raise UniqueViolation(f"booking {booking}")
        for line in projection.lines:
            if line in tables.lines and line not in projection.removed_lines:
                raise UniqueViolation(f"line {line}")
        for seat in projection.sold:
            if seat in tables.booked_seats and seat not in projection.freed:
                raise UniqueViolation(f"seat {seat}")

    def commit(self) -> None:
        """Make the written rows visible."""
        if not self.open:
            return
        for row, projection, answers in self._written:
            self._write(row, projection, answers)
            self.database.on_commit((row, projection, answers))
        self._end()

    def _write(
        self, row: BatchRow, projection: Projection, answers: dict[IdempotencyKey, StoredAnswer]
    ) -> None:
        # In the order of the statements: seats are freed before others are taken.
        tables = self.database.tables
        tables.rows.append(row)
        for seat in projection.freed:
            tables.booked_seats.pop(seat, None)
        for line in projection.removed_lines:
            tables.lines.pop(line, None)
        tables.bookings.update({key: dict(new) for key, new in projection.new_bookings.items()})
        tables.lines.update(projection.lines)
        tables.booked_seats.update(
            {seat: sold["booking_id"] for seat, sold in projection.sold.items()}
        )
        for key, changed in projection.changed_bookings.items():
            if key in tables.bookings:
                tables.bookings[key] |= {
                    name: value for name, value in changed.items() if not name.startswith("b_")
                }
        if projection.configuration is not None:
            tables.configured = (projection.configuration, row.version)
        tables.answers.update(answers)
        if projection.ended:
            self._shrink(frozenset(projection.ended), row.at_ms)

    def _shrink(self, ended: frozenset[bytes], at_ms: int) -> None:
        """Cut down the answers that show holds which have ended."""
        answers, until_ms = self.database.tables.answers, at_ms + ENDED_KEPT_MS
        shown = [key for key, answer in answers.items() if answer.hold in ended]
        for key in shown:
            answers[key] = answers[key]._replace(
                status=GONE, answer=b"", until_ms=until_ms, result=None, result_format=None
            )

    def roll_back(self) -> None:
        """Drop the written rows."""
        if self.open:
            self._end()

    def _end(self) -> None:
        self.open = False
        database = self.database
        for row, _, _ in self._written:
            if database.appending.get(row.version) is self:
                del database.appending[row.version]
        for waiting in self._ended:
            if not waiting.done():
                waiting.set_result(None)
        database.queue_lock.release(self)
        database.write_lock.release(self)


async def _ended_in_time(ended: "asyncio.Future[None]") -> None:
    await asyncio.wait([ended], timeout=LOCK_TIMEOUT_S)
    if not ended.done():
        ended.cancel()
        raise DatabaseUnavailable
