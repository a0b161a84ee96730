"""What was answered to a call that came with an `Idempotency-Key`, for a day.

For the calls that make something which is no event's yet: an event, a venue, a user, a webhook, a
report. (What happens to the seats of an event is kept beside its log.) A call asks `first` in the
transaction of what it does and, when it has done it, says what it will `keep`: so either both are
there or neither is, and of calls that come at the same time one does it and the others wait and
are answered the same. Only a hash of the key is stored; what an answer may not say twice, such as a
secret, is not in it: whoever keeps it completes it when it is given again.
"""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.db.database import Database
from event_seating.db.retention import ANSWERS_KEPT_MS
from event_seating.db.tables import kept_answers
from event_seating.errors import IdempotencyKeyReused

_BY_CALL: Final = (
    select(kept_answers.c.request_hash, kept_answers.c.status, kept_answers.c.answer)
    .where(kept_answers.c.call == bindparam("call"))
    .where(kept_answers.c.at_ms >= bindparam("since_ms"))
)

# One that is too old may wait for the purge.
_KEEP: Final = text(
    "INSERT INTO kept_answers (call, request_hash, status, answer, at_ms)"
    " VALUES (:call, :request_hash, :status, :answer, :at_ms)"
    " ON CONFLICT (call) DO UPDATE SET request_hash = excluded.request_hash,"
    " status = excluded.status, answer = excluded.answer, at_ms = excluded.at_ms"
)


class Call(NamedTuple):
    """What makes a call the same call again."""

    id: bytes
    """A hash of who asks, by which route and under which key."""
    request_hash: bytes
    """A hash of what is asked."""


class KeptAnswer(NamedTuple):
    """The first answer to a call."""

    status: int
    answer: bytes


async def first(
    database: Database, connection: AsyncConnection, call: Call | None, now_ms: int
) -> KeptAnswer | None:
    """What was answered to this call; waits for others that are at the same one.

    Raises `IdempotencyKeyReused` when something else was asked under the same key.
    """
    if call is None:
        return None
    await database.acquire_lock(connection, f"call {call.id.hex()}")
    return await found(connection, call, now_ms)


async def found(connection: AsyncConnection, call: Call, now_ms: int) -> KeptAnswer | None:
    """The same at this moment, without waiting for those that are at the same call."""
    values = {"call": call.id, "since_ms": now_ms - ANSWERS_KEPT_MS}
    row = (await connection.execute(_BY_CALL, values)).first()
    if row is None:
        return None
    if bytes(row.request_hash) != call.request_hash:
        raise IdempotencyKeyReused
    return KeptAnswer(row.status, bytes(row.answer))


async def keep(
    connection: AsyncConnection, call: Call | None, status: int, answer: bytes, now_ms: int
) -> None:
    """Keep what will be answered, unless the call came without a key."""
    if call is not None:
        await connection.execute(
            _KEEP,
            {
                "call": call.id,
                "request_hash": call.request_hash,
                "status": status,
                "answer": answer,
                "at_ms": now_ms,
            },
        )
