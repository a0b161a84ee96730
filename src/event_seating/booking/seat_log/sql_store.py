"""The seat log in SQLite or PostgreSQL.

No rules and no decisions here: an append either gets the version that it names or returns false.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from sqlalchemy import bindparam, delete, select, text

from event_seating.booking.seat_log.ports import (
    ENDED_KEPT_MS,
    GONE,
    BatchRow,
    IdempotencyKey,
    StoredAnswer,
    StoredSnapshot,
)
from event_seating.booking.seat_log.projection import Projection, Row
from event_seating.booking.seat_log.sql_statements import EVENT_COLUMNS, Statements
from event_seating.booking.seating import ids
from event_seating.db.database import Database
from event_seating.db.direct import DirectConnection
from event_seating.db.tables import seat_snapshots
from event_seating.jobs import outbox

CLOCK_SLACK_MS: Final = 2_000
"""How far a batch's time may be ahead of the database's: a fast clock must not expire everybody's
holds."""

SNAPSHOTS_KEPT: Final = 2
"""The newest, and the one before in case it cannot be read."""


_SNAPSHOTS: Final = (
    select(seat_snapshots.c.version, seat_snapshots.c.image, seat_snapshots.c.at_ms)
    .where(seat_snapshots.c.event_id == bindparam("event_id"))
    .order_by(seat_snapshots.c.version.desc())
)

_PUT_SNAPSHOT: Final = text(
    "INSERT INTO seat_snapshots (event_id, version, image, at_ms)"
    " VALUES (:event_id, :version, :image, :at_ms) ON CONFLICT DO NOTHING"
)


class SqlLogStore:
    """`LogStore` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements = Statements(database)

    @asynccontextmanager
    async def transaction(
        self, event_id: str, *, queued: bool
    ) -> AsyncIterator["SqlLogTransaction"]:
        async with self._database.write_direct(lock_key=event_id, queued=queued) as connection:
            yield SqlLogTransaction(connection, event_id, self._statements)

    async def rows_after(self, event_id: str, version: int, most: int) -> Sequence[BatchRow]:
        async with self._database.read_direct() as connection:
            return await SqlLogTransaction(connection, event_id, self._statements).rows_after(
                version, most
            )

    async def answers(
        self, event_id: str, keys: Iterable[str], since_ms: int
    ) -> dict[IdempotencyKey, StoredAnswer]:
        async with self._database.read_direct() as connection:
            return await SqlLogTransaction(connection, event_id, self._statements).answers(
                keys, since_ms
            )

    async def snapshots(self, event_id: str) -> Sequence[StoredSnapshot]:
        async with self._database.read() as connection:
            found = await connection.execute(_SNAPSHOTS, {"event_id": event_id})
            return [StoredSnapshot(*row) for row in found]

    async def put_snapshot(self, event_id: str, snapshot: StoredSnapshot) -> None:
        async with self._database.write() as connection:
            # Every process writes a snapshot of the same versions, maybe at the same time.
            values = {"event_id": event_id, **snapshot._asdict()}
            await connection.execute(_PUT_SNAPSHOT, values)
            there = [row.version for row in await connection.execute(_SNAPSHOTS, values)]
            for version in sorted(there)[:-SNAPSHOTS_KEPT]:
                await connection.execute(
                    delete(seat_snapshots)
                    .where(seat_snapshots.c.event_id == event_id)
                    .where(seat_snapshots.c.version == version)
                )


class SqlLogTransaction:
    """`LogTransaction` on a connection."""

    def __init__(self, connection: DirectConnection, event_id: str, statements: Statements) -> None:
        self._connection = connection
        self._event_id = event_id
        self._statements = statements

    async def acquire_write_lock(self, version: int, most: int) -> Sequence[BatchRow]:
        values = {"event_id": self._event_id, "version": version, "most": most}
        found = await self._connection.acquire_write_lock(self._statements.rows_under_lock, values)
        return [BatchRow(*row) for row in found]

    async def rows_after(self, version: int, most: int) -> Sequence[BatchRow]:
        values = {"event_id": self._event_id, "version": version, "most": most}
        return [
            BatchRow(*row) for row in await self._connection.rows(self._statements.rows, values)
        ]

    async def answers(
        self, keys: Iterable[str], since_ms: int
    ) -> dict[IdempotencyKey, StoredAnswer]:
        values = {
            "event_id": self._event_id,
            "keys": self._statements.values_of(keys),
            "since_ms": since_ms,
        }
        return {
            IdempotencyKey(scope, key): StoredAnswer(*answer)
            for scope, key, *answer in await self._connection.rows(self._statements.answers, values)
        }

    async def append(
        self, row: BatchRow, projection: Projection, answers: dict[IdempotencyKey, StoredAnswer]
    ) -> bool:
        values = {"event_id": self._event_id, "slack_ms": CLOCK_SLACK_MS, **row._asdict()}
        if not await self._connection.rows(self._statements.append, values):
            return False
        await self._project(projection, row)
        if answers:
            await self._connection.run_each(
                self._statements.put_answer,
                (
                    {"event_id": self._event_id, **key._asdict(), **answer._asdict()}
                    for key, answer in answers.items()
                ),
            )
        if projection.ended:
            # After the answers: a hold may begin and end in one batch.
            await self._connection.run_each(
                self._statements.shrink_answers,
                [self._shrunk(hold, row.at_ms) for hold in projection.ended],
            )
        return True

    def _shrunk(self, hold: bytes, at_ms: int) -> Row:
        """The values that cut down the answers that show a hold which has ended."""
        return {
            "b_event_id": self._event_id,
            "b_hold": hold,
            "b_status": GONE,
            "b_answer": stub(self._event_id, hold),
            "b_until_ms": at_ms + ENDED_KEPT_MS,
        }

    async def _project(self, projection: Projection, row: BatchRow) -> None:
        statements = self._statements
        # Seats are freed before others are taken: a seat may change hands within a batch.
        for statement, rows in (
            (statements.free_seat, projection.freed.values()),
            (statements.remove_line, projection.removed_lines.values()),
            (
                statements.change_booking,
                [_change(row) for row in projection.changed_bookings.values()],
            ),
            (statements.configure, self._configured(projection, row.version)),
        ):
            if rows:
                await self._connection.run_each(statement, rows)
        for statement, new in (
            (statements.book, projection.new_bookings.values()),
            (statements.add_line, projection.lines.values()),
            (statements.sell_seat, projection.sold.values()),
            (statements.add_job, [outbox.row_of(job, row.at_ms) for job in projection.jobs]),
        ):
            if new:
                await self._connection.insert(statement, list(new))

    def _configured(self, projection: Projection, version: int) -> list[Row]:
        if projection.configuration is None:
            return []
        configuration = msgspec.json.encode(projection.configuration).decode()
        return [
            {
                "b_event_id": self._event_id,
                "b_configuration": configuration,
                "b_version": version,
                **{f"b_{name}": projection.event_columns.get(name) for name in EVENT_COLUMNS},
            }
        ]


def stub(event_id: str, hold: bytes) -> bytes:
    """What is left of an answer about a hold that has ended.

    It begins as the whole answer did, so that the release before can read it.
    """
    return b'{"holdId":"%s"}' % ids.to_text(event_id, hold).encode()


def _change(row: Row) -> Row:
    """The values that change a booking; without a `total` that of the booking stays."""
    return {
        "b_event_id": row["b_event_id"],
        "b_id": row["b_id"],
        "b_status": row["status"],
        "b_version": row["version"],
        "b_updated_at_ms": row["updated_at_ms"],
        "b_total": row.get("total"),
    }
