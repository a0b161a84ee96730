"""The first answers to calls with an `Idempotency-Key`, kept for a day.

For calls that make something which does not belong to an event's log: an event, a venue, a user, a
webhook, a report. (Those about an event's seats are kept beside its log.) A call asks for the
`first` answer in its own transaction and, when its work is done, stores its answer with `keep`: so
either both are stored or neither, and of concurrent repetitions one does the work, while the others
wait and get the same answer. Only a hash of the key is stored. An answer is stored without its
secrets; the caller adds them when it is given again.
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

# An expired answer may still be there until the purge.
_KEEP: Final = text(
    "INSERT INTO kept_answers (call, request_hash, status, answer, at_ms)"
    " VALUES (:call, :request_hash, :status, :answer, :at_ms)"
    " ON CONFLICT (call) DO UPDATE SET request_hash = excluded.request_hash,"
    " status = excluded.status, answer = excluded.answer, at_ms = excluded.at_ms"
)


class KeyedCall(NamedTuple):
    """What identifies a repeated call."""

    id: bytes
    """A hash of the caller, the route and the key."""
    request_hash: bytes
    """A hash of the request."""


class KeptAnswer(NamedTuple):
    """The first answer to a call."""

    status: int
    answer: bytes


async def first(
    database: Database, connection: AsyncConnection, call: KeyedCall | None, now_ms: int
) -> KeptAnswer | None:
    """The first answer to this call, if any; waits for concurrent repetitions of it.

    Raises `IdempotencyKeyReused` if the key came with another request.
    """
    if call is None:
        return None
    await database.acquire_lock(connection, f"call {call.id.hex()}")
    return await found(connection, call, now_ms)


async def found(connection: AsyncConnection, call: KeyedCall, now_ms: int) -> KeptAnswer | None:
    """Like `first`, but without waiting for repetitions; raises `IdempotencyKeyReused`."""
    values = {"call": call.id, "since_ms": now_ms - ANSWERS_KEPT_MS}
    row = (await connection.execute(_BY_CALL, values)).first()
    if row is None:
        return None
    if bytes(row.request_hash) != call.request_hash:
        raise IdempotencyKeyReused
    return KeptAnswer(row.status, bytes(row.answer))


async def keep(
    connection: AsyncConnection,
    call: KeyedCall | None,
    status: int,
    answer: bytes,
    now_ms: int,
) -> None:
    """Store the answer, unless the call came without a key."""
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
