"""The statements of a transaction on a seat log, prepared once for a database.

A writer runs them for each batch, directly on the driver. No rules here; `projection` works out the
rows that follow from an entry.
"""

import re
from typing import Final

from sqlalchemy import (
    BigInteger,
    Integer,
    Table,
    TextClause,
    bindparam,
    delete,
    func,
    null,
    select,
    text,
    update,
)

from event_seating.db.database import Database
from event_seating.db.tables import (
    booked_seats,
    booking_lines,
    bookings,
    events,
    idempotency,
    seat_log,
)
from event_seating.db.tables import outbox as outbox_table
from event_seating.jobs import outbox

EVENT_COLUMNS: Final = ("name", "starts_at_ms", "time_zone")
"""The columns of an event's own row that may change together with its configuration."""

_ROWS: Final = (
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

_ROWS_UNDER_LOCK: Final = """
SELECT version, batch_id, format, entries, at_ms
FROM seat_log_in_turn(:write_lock, :event_id, :version, CAST(:most AS INTEGER))
"""
"""Same as `_ROWS`, after acquiring the write lock."""

_ANSWERS: Final = (
    select(
        idempotency.c.scope,
        idempotency.c.key,
        idempotency.c.request_hash,
        idempotency.c.status,
        idempotency.c.answer,
        idempotency.c.at_ms,
        idempotency.c.buyer,
        idempotency.c.address,
        idempotency.c.hold,
        idempotency.c.until_ms,
        idempotency.c.result,
        idempotency.c.result_format,
    )
    .where(idempotency.c.event_id == bindparam("event_id"))
    .where(idempotency.c.at_ms >= bindparam("since_ms"))
)

_APPEND: Final = """
INSERT INTO seat_log (event_id, version, batch_id, format, entries, at_ms)
SELECT :event_id, :version, :batch_id, :format, :entries, :at_ms
WHERE :at_ms - :slack_ms <= {now_ms} OR :at_ms - :slack_ms <= (
    SELECT at_ms FROM seat_log WHERE event_id = :event_id AND version = :version - 1
)
ON CONFLICT DO NOTHING
RETURNING version
"""

_PUT_ANSWER: Final = """
INSERT INTO idempotency (event_id, scope, key, request_hash, status, answer, at_ms,
    buyer, address, hold, until_ms, result, result_format)
VALUES (:event_id, :scope, :key, :request_hash, :status, :answer, :at_ms,
    :buyer, :address, :hold, :until_ms, :result, :result_format)
ON CONFLICT (event_id, scope, key) DO UPDATE SET request_hash = excluded.request_hash,
status = excluded.status, answer = excluded.answer, at_ms = excluded.at_ms,
buyer = excluded.buyer, address = excluded.address, hold = excluded.hold,
until_ms = excluded.until_ms, result = excluded.result, result_format = excluded.result_format
"""

_SHRINK_ANSWERS: Final = (
    update(idempotency)
    .where(idempotency.c.event_id == bindparam("b_event_id"))
    .where(idempotency.c.hold == bindparam("b_hold"))
    .values(
        status=bindparam("b_status"),
        answer=bindparam("b_answer"),
        until_ms=bindparam("b_until_ms"),
        result=null(),
        result_format=null(),
    )
)

_CHANGE_BOOKING: Final = (
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

_FREE_SEAT: Final = (
    delete(booked_seats)
    .where(booked_seats.c.event_id == bindparam("b_event_id"))
    .where(booked_seats.c.seat == bindparam("b_seat"))
)

_REMOVE_LINE: Final = (
    delete(booking_lines)
    .where(booking_lines.c.event_id == bindparam("b_event_id"))
    .where(booking_lines.c.booking_id == bindparam("b_booking_id"))
    .where(booking_lines.c.seat == bindparam("b_seat"))
)


_CONFIGURE: Final = (
    update(events)
    .where(events.c.id == bindparam("b_event_id"))
    .values(
        configuration=bindparam("b_configuration"),
        configured_version=bindparam("b_version"),
        **{
            name: func.coalesce(bindparam(f"b_{name}", type_=events.c[name].type), events.c[name])
            for name in EVENT_COLUMNS
        },
    )
)


class Statements:
    """The statements of a transaction, made for one database."""

    def __init__(self, database: Database) -> None:
        prepare = database.prepare
        one_of_keys = database.is_one_of(idempotency.c.key, "keys")
        self.rows = prepare(_ROWS)
        self.rows_under_lock = self.rows  # SQLite has locked since the transaction began
        if database.dialect == "postgresql":
            self.rows_under_lock = prepare(_typed(_ROWS_UNDER_LOCK, seat_log))
        self.answers = prepare(_ANSWERS.where(one_of_keys))
        self.append = prepare(_typed(_APPEND.format(now_ms=database.now_ms_sql), seat_log))
        self.put_answer = prepare(_typed(_PUT_ANSWER, idempotency))
        self.shrink_answers = prepare(_SHRINK_ANSWERS)
        self.free_seat = prepare(_FREE_SEAT)
        self.remove_line = prepare(_REMOVE_LINE)
        self.book = database.prepare_insert(bookings)
        self.add_line = database.prepare_insert(booking_lines)
        self.sell_seat = database.prepare_insert(booked_seats)
        self.change_booking = prepare(_CHANGE_BOOKING)
        self.configure = prepare(_CONFIGURE)
        self.add_job = database.prepare_insert(outbox_table, outbox.ADDED)
        self.values_of = database.as_list


def _typed(sql: str, table: Table) -> TextClause:
    """A statement whose values have the types of the columns of the same name, else numbers."""
    statement = text(sql)
    names = re.findall(r":(\w+)", sql)
    types = {name: table.c[name].type if name in table.c else BigInteger() for name in names}
    return statement.bindparams(*(bindparam(name, type_=type_) for name, type_ in types.items()))
