"""The seat log in a database: what a writer asks of it, and the statements.

`LogStore` is what the writer knows. It lives twice: here on SQL, and in the simulation, which loses
answers and crashes on purpose. No rules and no decisions here: an append either takes the version
that it names or says that it could not.
"""

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, NamedTuple, Protocol

import msgspec
from sqlalchemy import (
    BigInteger,
    Integer,
    Table,
    TextClause,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from event_seating.booking.projection import Projection, Row
from event_seating.db.database import Database
from event_seating.db.direct import DirectConnection
from event_seating.db.tables import (
    booked_seats,
    booking_lines,
    bookings,
    events,
    idempotency,
    seat_log,
    seat_snapshots,
)

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

    async def take_turn(self) -> None:
        """In an exclusive one: wait until no other is before it.

        What is asked after that sees all that they committed.
        """
        ...

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
        """A transaction; an `exclusive` one is given when only one other is before it.

        So that it may read, while it waits, what is there already. It must `take_turn` before it
        decides.
        """
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
    select(
        idempotency.c.scope,
        idempotency.c.key,
        idempotency.c.request_hash,
        idempotency.c.status,
        idempotency.c.answer,
        idempotency.c.at_ms,
    )
    .where(idempotency.c.event_id == bindparam("event_id"))
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
RETURNING version
"""

_PUT_ANSWER = """
INSERT INTO idempotency (event_id, scope, key, request_hash, status, answer, at_ms)
VALUES (:event_id, :scope, :key, :request_hash, :status, :answer, :at_ms)
ON CONFLICT (event_id, scope, key) DO UPDATE SET request_hash = excluded.request_hash,
status = excluded.status, answer = excluded.answer, at_ms = excluded.at_ms
"""

_PUT_SNAPSHOT = text(
    "INSERT INTO seat_snapshots (event_id, version, image, at_ms)"
    " VALUES (:event_id, :version, :image, :at_ms) ON CONFLICT DO NOTHING"
)

_CHANGE_BOOKING = (
    update(bookings)
    .where(bookings.c.event_id == bindparam("b_event_id"))
    .where(bookings.c.id == bindparam("b_id"))
    .values(
        status=bindparam("b_status"),
        version=bindparam("b_version"),
        updated_at_ms=bindparam("b_updated_at_ms"),
        total=func.coalesce(bindparam("b_total", type_=BigInteger), bookings.c.total),
    )
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


class Statements:
    """The statements of a transaction, made for one database."""

    def __init__(self, database: Database) -> None:
        prepare = database.prepare
        one_of_keys = database.is_one_of(idempotency.c.key, "keys")
        self.rows = prepare(_ROWS)
        self.answers = prepare(_ANSWERS.where(one_of_keys))
        self.append = prepare(_typed(_APPEND.format(now_ms=database.now_ms_sql), seat_log))
        self.put_answer = prepare(_typed(_PUT_ANSWER, idempotency))
        self.free_seat = prepare(_FREE_SEAT)
        self.remove_line = prepare(_REMOVE_LINE)
        self.book = prepare(insert(bookings))
        self.add_line = prepare(insert(booking_lines))
        self.sell_seat = prepare(insert(booked_seats))
        self.change_booking = prepare(_CHANGE_BOOKING)
        self.configure = prepare(_CONFIGURE)
        self.values_of = database.as_list


def _typed(sql: str, table: Table) -> TextClause:
    """A statement in which a value named as a column has its type, any other is a number."""
    statement = text(sql)
    names = re.findall(r":(\w+)", sql)
    types = {name: table.c[name].type if name in table.c else BigInteger() for name in names}
    return statement.bindparams(*(bindparam(name, type_=type_) for name, type_ in types.items()))


class SqlLogStore:
    """`LogStore` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements = Statements(database)

    @asynccontextmanager
    async def transaction(
        self, event_id: str, *, exclusive: bool
    ) -> AsyncIterator["SqlLogTransaction"]:
        """See `LogStore`."""
        turn = event_id if exclusive else None
        async with self._database.write_direct(turn=turn) as connection:
            yield SqlLogTransaction(connection, event_id, self._statements)

    async def rows_after(self, event_id: str, version: int, most: int) -> Sequence[LogRow]:
        """See `LogStore`."""
        async with self._database.read_direct() as connection:
            return await SqlLogTransaction(connection, event_id, self._statements).rows_after(
                version, most
            )

    async def answers(
        self, event_id: str, keys: Iterable[str], since_ms: int
    ) -> dict[Claim, StoredAnswer]:
        """See `LogStore`."""
        async with self._database.read_direct() as connection:
            return await SqlLogTransaction(connection, event_id, self._statements).answers(
                keys, since_ms
            )

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

    def __init__(self, connection: DirectConnection, event_id: str, statements: Statements) -> None:
        self._connection = connection
        self._event_id = event_id
        self._statements = statements

    async def take_turn(self) -> None:
        """See `LogTransaction`."""
        await self._connection.take_turn()

    async def rows_after(self, version: int, most: int) -> Sequence[LogRow]:
        """See `LogTransaction`."""
        values = {"event_id": self._event_id, "version": version, "most": most}
        return [LogRow(*row) for row in await self._connection.rows(self._statements.rows, values)]

    async def answers(self, keys: Iterable[str], since_ms: int) -> dict[Claim, StoredAnswer]:
        """See `LogTransaction`."""
        values = {
            "event_id": self._event_id,
            "keys": self._statements.values_of(keys),
            "since_ms": since_ms,
        }
        return {
            Claim(scope, key): StoredAnswer(*answer)
            for scope, key, *answer in await self._connection.rows(self._statements.answers, values)
        }

    async def append(
        self, row: LogRow, projection: Projection, answers: dict[Claim, StoredAnswer]
    ) -> bool:
        """See `LogTransaction`."""
        values = {"event_id": self._event_id, "slack_ms": CLOCK_SLACK_MS, **row._asdict()}
        if not await self._connection.rows(self._statements.append, values):
            return False
        await self._project(projection, row.version)
        if answers:
            await self._connection.run_each(
                self._statements.put_answer,
                (
                    {"event_id": self._event_id, **claim._asdict(), **answer._asdict()}
                    for claim, answer in answers.items()
                ),
            )
        return True

    async def _project(self, projection: Projection, version: int) -> None:
        statements = self._statements
        # What frees comes before what takes, so that a seat may change hands within a batch.
        for statement, rows in (
            (statements.free_seat, projection.freed.values()),
            (statements.remove_line, projection.removed_lines.values()),
            (statements.book, projection.new_bookings.values()),
            (statements.add_line, projection.lines.values()),
            (statements.sell_seat, projection.sold.values()),
            (
                statements.change_booking,
                [_change(row) for row in projection.changed_bookings.values()],
            ),
            (statements.configure, self._configured(projection, version)),
        ):
            if rows:
                await self._connection.run_each(statement, rows)

    def _configured(self, projection: Projection, version: int) -> list[Row]:
        if projection.configuration is None:
            return []
        configuration = msgspec.json.encode(projection.configuration).decode()
        return [
            {
                "b_event_id": self._event_id,
                "b_configuration": configuration,
                "b_version": version,
            }
        ]


def _change(row: Row) -> Row:
    """The values of a change of a booking; its total stays unless it says another."""
    return {
        "b_event_id": row["b_event_id"],
        "b_id": row["b_id"],
        "b_status": row["status"],
        "b_version": row["version"],
        "b_updated_at_ms": row["updated_at_ms"],
        "b_total": row.get("total"),
    }
