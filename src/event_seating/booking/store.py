"""The seat log in a database: what a writer asks of it, and the statements.

`LogStore` is what the writer knows. It lives twice: here on SQL, and in the simulation, which loses
answers and crashes on purpose. No rules and no decisions here: an append either takes the version
that it names or says that it could not.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from sqlalchemy import (
    BigInteger,
    Integer,
    LargeBinary,
    Text,
    bindparam,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.booking.projection import Projection
from event_seating.db.database import Database
from event_seating.db.tables import (
    booked_seats,
    booking_lines,
    bookings,
    events,
    idempotency,
    seat_log,
    seat_snapshots,
)
from event_seating.jobs import outbox

CLOCK_SLACK_MS: Final = 2_000
"""How far a batch's time may be ahead of the database's: one fast clock must not expire everyone's
holds."""

SNAPSHOTS_KEPT: Final = 2
"""The newest, and the one before in case it cannot be read."""


class LogRow(NamedTuple):
    """One committed batch."""

    version: int
    batch_id: bytes
    format: int
    entries: bytes
    at_ms: int


class Claim(NamedTuple):
    """Who says that this is the same call again: principal and route, and their key."""

    scope: str
    key: str


class StoredAnswer(NamedTuple):
    """The first answer to a claim, and a hash of what was asked."""

    request_hash: bytes
    status: int
    answer: bytes
    at_ms: int


class Snapshot(NamedTuple):
    """The state of an event after so many rows."""

    version: int
    image: bytes
    at_ms: int


class LogTransaction(Protocol):
    """One transaction on one event's log; it is committed when its block ends."""

    async def rows_after(self, version: int, most: int) -> Sequence[LogRow]:
        """The rows that follow `version`, in order."""
        ...

    async def answers(self, keys: Iterable[str], since_ms: int) -> dict[Claim, StoredAnswer]:
        """What is stored under these keys and not older."""
        ...

    async def append(
        self, row: LogRow, projection: Projection, answers: dict[Claim, StoredAnswer]
    ) -> bool:
        """Write the row and what follows from it.

        False, and nothing is to be kept, if its version is taken or its time is too far ahead.
        """
        ...


class LogStore(Protocol):
    """The logs of all events. Each call may raise `DatabaseUnavailable`.

    If `transaction` raises it at the end of the block, nobody knows whether it was committed.
    """

    def transaction(
        self, event_id: str, *, exclusive: bool
    ) -> AbstractAsyncContextManager[LogTransaction]:
        """A transaction; an `exclusive` one waits for its turn before anything is read in it."""
        ...

    async def rows_after(self, event_id: str, version: int, most: int) -> Sequence[LogRow]:
        """The rows that follow `version`, in order."""
        ...

    async def answers(
        self, event_id: str, keys: Iterable[str], since_ms: int
    ) -> dict[Claim, StoredAnswer]:
        """What is stored under these keys and not older."""
        ...

    async def snapshots(self, event_id: str) -> Sequence[Snapshot]:
        """The newest first."""
        ...

    async def put_snapshot(self, event_id: str, snapshot: Snapshot) -> None:
        """Keep it, and forget all but the newest few."""
        ...


_ROWS = (
    select(
        seat_log.c.version,
        seat_log.c.batch_id,
        seat_log.c.format,
        seat_log.c.entries,
        seat_log.c.at_ms,
    )
    .where(seat_log.c.event_id == bindparam("event_id"))
    .where(seat_log.c.version > bindparam("version"))
    .order_by(seat_log.c.version)
    .limit(bindparam("most", type_=Integer))
)

_ANSWERS = (
    select(idempotency)
    .where(idempotency.c.event_id == bindparam("event_id"))
    .where(idempotency.c.key.in_(bindparam("keys", expanding=True)))
    .where(idempotency.c.at_ms >= bindparam("since_ms"))
)

_SNAPSHOTS = (
    select(seat_snapshots.c.version, seat_snapshots.c.image, seat_snapshots.c.at_ms)
    .where(seat_snapshots.c.event_id == bindparam("event_id"))
    .order_by(seat_snapshots.c.version.desc())
)

_APPEND = """
INSERT INTO seat_log (event_id, version, batch_id, format, entries, at_ms)
SELECT :event_id, :version, :batch_id, :format, :entries, :at_ms
WHERE :at_ms - :slack_ms <= {now_ms} OR :at_ms - :slack_ms <= (
    SELECT at_ms FROM seat_log WHERE event_id = :event_id AND version = :version - 1
)
ON CONFLICT DO NOTHING
"""

_PUT_ANSWER = text(
    "INSERT INTO idempotency (event_id, scope, key, request_hash, status, answer, at_ms)"
    " VALUES (:event_id, :scope, :key, :request_hash, :status, :answer, :at_ms)"
    " ON CONFLICT (event_id, scope, key) DO UPDATE SET request_hash = excluded.request_hash,"
    " status = excluded.status, answer = excluded.answer, at_ms = excluded.at_ms"
)

_PUT_SNAPSHOT = text(
    "INSERT INTO seat_snapshots (event_id, version, image, at_ms)"
    " VALUES (:event_id, :version, :image, :at_ms) ON CONFLICT DO NOTHING"
)

_CHANGE_BOOKING = (
    update(bookings)
    .where(bookings.c.event_id == bindparam("b_event_id"))
    .where(bookings.c.id == bindparam("b_id"))
)

_FREE_SEAT = (
    delete(booked_seats)
    .where(booked_seats.c.event_id == bindparam("b_event_id"))
    .where(booked_seats.c.seat == bindparam("b_seat"))
)

_REMOVE_LINE = (
    delete(booking_lines)
    .where(booking_lines.c.event_id == bindparam("b_event_id"))
    .where(booking_lines.c.booking_id == bindparam("b_booking_id"))
    .where(booking_lines.c.seat == bindparam("b_seat"))
)


_CONFIGURE = (
    update(events)
    .where(events.c.id == bindparam("b_event_id"))
    .values(configuration=bindparam("b_configuration"), configured_version=bindparam("b_version"))
)


class SqlLogStore:
    """`LogStore` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._append = text(_APPEND.format(now_ms=database.now_ms_sql)).bindparams(
            bindparam("event_id", type_=Text),
            bindparam("version", type_=BigInteger),
            bindparam("batch_id", type_=LargeBinary),
            bindparam("format", type_=Integer),
            bindparam("entries", type_=LargeBinary),
            bindparam("at_ms", type_=BigInteger),
            bindparam("slack_ms", type_=BigInteger),
        )

    @asynccontextmanager
    async def transaction(
        self, event_id: str, *, exclusive: bool
    ) -> AsyncIterator["SqlLogTransaction"]:
        """See `LogStore`."""
        async with self._database.write() as connection:
            if exclusive:
                # A statement of its own, before anything is read: a snapshot that is older than
                # the wait would show stale rows.
                await self._database.take_turn(connection, event_id)
            yield SqlLogTransaction(connection, event_id, self._append)

    async def rows_after(self, event_id: str, version: int, most: int) -> Sequence[LogRow]:
        """See `LogStore`."""
        async with self._database.read() as connection:
            return await _rows(connection, event_id, version, most)

    async def answers(
        self, event_id: str, keys: Iterable[str], since_ms: int
    ) -> dict[Claim, StoredAnswer]:
        """See `LogStore`."""
        async with self._database.read() as connection:
            return await _answers(connection, event_id, keys, since_ms)

    async def snapshots(self, event_id: str) -> Sequence[Snapshot]:
        """See `LogStore`."""
        async with self._database.read() as connection:
            found = await connection.execute(_SNAPSHOTS, {"event_id": event_id})
            return [Snapshot(*row) for row in found]

    async def put_snapshot(self, event_id: str, snapshot: Snapshot) -> None:
        """See `LogStore`."""
        async with self._database.write() as connection:
            # Every process writes one at the same versions, maybe at the same moment.
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

    def __init__(self, connection: AsyncConnection, event_id: str, append: Any) -> None:
        self._connection = connection
        self._event_id = event_id
        self._append = append

    async def rows_after(self, version: int, most: int) -> Sequence[LogRow]:
        """See `LogTransaction`."""
        return await _rows(self._connection, self._event_id, version, most)

    async def answers(self, keys: Iterable[str], since_ms: int) -> dict[Claim, StoredAnswer]:
        """See `LogTransaction`."""
        return await _answers(self._connection, self._event_id, keys, since_ms)

    async def append(
        self, row: LogRow, projection: Projection, answers: dict[Claim, StoredAnswer]
    ) -> bool:
        """See `LogTransaction`."""
        values = {"event_id": self._event_id, "slack_ms": CLOCK_SLACK_MS, **row._asdict()}
        if (await self._connection.execute(self._append, values)).rowcount != 1:
            return False
        await self._project(projection)
        await outbox.add(self._connection, projection.jobs, row.at_ms)
        if projection.configuration is not None:
            configured = {
                "b_event_id": self._event_id,
                "b_configuration": msgspec.json.encode(projection.configuration).decode(),
                "b_version": row.version,
            }
            await self._connection.execute(_CONFIGURE, configured)
        if answers:
            await self._connection.execute(
                _PUT_ANSWER,
                [
                    {"event_id": self._event_id, **claim._asdict(), **answer._asdict()}
                    for claim, answer in answers.items()
                ],
            )
        return True

    async def _project(self, projection: Projection) -> None:
        # What frees comes before what takes, so that a seat may change hands within a batch.
        for statement, rows in (
            (_FREE_SEAT, projection.freed),
            (_REMOVE_LINE, projection.removed_lines),
            (insert(bookings), projection.new_bookings),
            (insert(booking_lines), projection.lines),
            (insert(booked_seats), projection.sold),
        ):
            if rows:
                await self._connection.execute(statement, list(rows.values()))
        for row in projection.changed_bookings.values():
            # One by one: they may set different columns.
            await self._connection.execute(_CHANGE_BOOKING, row)


async def _rows(
    connection: AsyncConnection, event_id: str, version: int, most: int
) -> Sequence[LogRow]:
    values = {"event_id": event_id, "version": version, "most": most}
    return [LogRow(*row) for row in await connection.execute(_ROWS, values)]


async def _answers(
    connection: AsyncConnection, event_id: str, keys: Iterable[str], since_ms: int
) -> dict[Claim, StoredAnswer]:
    values = {"event_id": event_id, "keys": list(keys), "since_ms": since_ms}
    return {
        Claim(row.scope, row.key): StoredAnswer(row.request_hash, row.status, row.answer, row.at_ms)
        for row in await connection.execute(_ANSWERS, values)
    }
