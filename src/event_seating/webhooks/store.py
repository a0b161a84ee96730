"""The statements about webhooks and their deliveries. No rules, no commits.

A delivery has also failed if its job was given up before it could note that, for example because
its worker died every time. Then only the outbox knows, so each reading joins it.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import (
    Integer,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.db.tables import outbox, webhook_deliveries, webhooks
from event_seating.webhooks.model import Delivery, Status, Webhook

_BY_ID: Final = select(webhooks).where(webhooks.c.id == bindparam("id"))

_OLDEST_FIRST: Final = select(webhooks).order_by(webhooks.c.created_at_ms, webhooks.c.id)

_ATTEMPTED: Final = (
    update(webhook_deliveries)
    .where(webhook_deliveries.c.id == bindparam("b_id", type_=Text))
    .where(webhook_deliveries.c.job_id == bindparam("b_job_id", type_=Text))
    .values(
        status=bindparam("b_status", type_=Text),
        attempts=webhook_deliveries.c.attempts + bindparam("b_attempts", type_=Integer),
        response_status=bindparam("b_response_status", type_=Integer),
        error=bindparam("b_error", type_=Text),
        finished_at_ms=bindparam(
            "b_finished_at_ms", type_=webhook_deliveries.c.finished_at_ms.type
        ),
    )
)

_JOB_GIVEN_UP: Final = and_(
    webhook_deliveries.c.status == Status.pending,
    outbox.c.event_id == webhook_deliveries.c.event_id,
    outbox.c.id == webhook_deliveries.c.job_id,
    outbox.c.failed_at_ms.is_not(None),
)
_GIVEN_UP: Final = outbox.c.id.is_not(None)
_AS_GIVEN_UP: Final[dict[str, Any]] = {
    "status": literal(Status.failed.value),
    "error": outbox.c.error,
    "finished_at_ms": outbox.c.failed_at_ms,
}
_DELIVERIES: Final = select(
    *(
        case((_GIVEN_UP, _AS_GIVEN_UP[column.name]), else_=column).label(column.name)
        if column.name in _AS_GIVEN_UP
        else column
        for column in webhook_deliveries.c
    )
).select_from(webhook_deliveries.outerjoin(outbox, _JOB_GIVEN_UP))

_DELIVERY: Final = _DELIVERIES.where(webhook_deliveries.c.id == bindparam("id"))


# Webhooks


async def count(connection: AsyncConnection) -> int:
    return int((await connection.execute(select(func.count()).select_from(webhooks))).scalar_one())


async def all_webhooks(connection: AsyncConnection) -> list[Webhook]:
    """Every webhook, the oldest first; there are few."""
    return [_webhook(row) for row in await connection.execute(_OLDEST_FIRST)]


async def page(
    connection: AsyncConnection, after: tuple[int, str] | None, most: int
) -> list[Webhook]:
    """Webhooks, the oldest first, after this (created at, id)."""
    statement = _OLDEST_FIRST
    if after is not None:
        statement = statement.where(
            tuple_(webhooks.c.created_at_ms, webhooks.c.id) > tuple_(*after)
        )
    return [_webhook(row) for row in await connection.execute(statement.limit(most))]


async def by_id(connection: AsyncConnection, webhook_id: str) -> Webhook | None:
    row = (await connection.execute(_BY_ID, {"id": webhook_id})).first()
    return _webhook(row) if row else None


async def put(connection: AsyncConnection, webhook: Webhook) -> None:
    """Write a new webhook."""
    await connection.execute(insert(webhooks), _row(webhook))


async def replace(connection: AsyncConnection, webhook: Webhook) -> None:
    """Write a webhook over the one with its id."""
    values = _row(webhook)
    await connection.execute(update(webhooks).where(webhooks.c.id == webhook.id).values(**values))


async def pause(connection: AsyncConnection, webhook_id: str, now_ms: int) -> None:
    """Pause a webhook, so that no more messages are sent to it."""
    await connection.execute(
        update(webhooks).where(webhooks.c.id == webhook_id).values(paused=1, updated_at_ms=now_ms)
    )


async def remove(connection: AsyncConnection, webhook_id: str) -> bool:
    """Delete a webhook; whether it was there."""
    found = await connection.execute(delete(webhooks).where(webhooks.c.id == webhook_id))
    return found.rowcount == 1


# Deliveries


async def add_deliveries(connection: AsyncConnection, deliveries: Sequence[Delivery]) -> None:
    """Write new deliveries; an error if one of them is there already."""
    if deliveries:
        rows = [msgspec.structs.asdict(delivery) for delivery in deliveries]
        await connection.execute(insert(webhook_deliveries), rows)


async def delivery(connection: AsyncConnection, delivery_id: str) -> Delivery | None:
    """The delivery with this id."""
    row = (await connection.execute(_DELIVERY, {"id": delivery_id})).first()
    return _delivery(row) if row else None


async def deliveries_of(
    connection: AsyncConnection,
    webhook_id: str,
    status: Status | None,
    before: tuple[int, str] | None,
    most: int,
) -> list[Delivery]:
    """A webhook's deliveries, the newest first, before this (created at, id)."""
    columns = webhook_deliveries.c
    statement = _DELIVERIES.where(columns.webhook_id == webhook_id)
    if before is not None:
        statement = statement.where(tuple_(columns.created_at_ms, columns.id) < tuple_(*before))
    statement = statement.order_by(columns.created_at_ms.desc(), columns.id.desc()).limit(most)
    found = [
        _delivery(row)
        for each in _with_status(statement, status)
        for row in await connection.execute(each)
    ]
    return sorted(found, key=lambda each: (each.created_at_ms, each.id), reverse=True)[:most]


def _with_status(statement: Select[Any], status: Status | None) -> list[Select[Any]]:
    """Statements whose rows together are those with this status; each can use an index."""
    if status is None:
        return [statement]
    written = statement.where(webhook_deliveries.c.status == status)
    if status is Status.delivered:
        return [written]
    pending = statement.where(webhook_deliveries.c.status == Status.pending)
    if status is Status.pending:
        return [pending.where(~_GIVEN_UP)]
    return [written, pending.where(_GIVEN_UP)]


async def note_attempt(
    connection: AsyncConnection,
    delivery_: Delivery,
    status: Status,
    *,
    attempts: int,
    response_status: int | None,
    error: str | None,
    finished_at_ms: int | None,
) -> None:
    """Note what became of an attempt, unless another job sends the delivery by now."""
    values = {
        "b_id": delivery_.id,
        "b_job_id": delivery_.job_id,
        "b_status": status,
        "b_attempts": attempts,
        "b_response_status": response_status,
        "b_error": error,
        "b_finished_at_ms": finished_at_ms,
    }
    await connection.execute(_ATTEMPTED, values)


async def send_by(connection: AsyncConnection, delivery_: Delivery, job_id: str) -> None:
    """Let this job send the delivery from now on."""
    await connection.execute(
        update(webhook_deliveries)
        .where(webhook_deliveries.c.id == delivery_.id)
        .where(webhook_deliveries.c.job_id == delivery_.job_id)
        .values(job_id=job_id, status=Status.pending, finished_at_ms=None)
    )


def _row(webhook: Webhook) -> dict[str, Any]:
    types = msgspec.json.encode(webhook.types).decode()
    return {**msgspec.structs.asdict(webhook), "types": types, "paused": int(webhook.paused)}


def _webhook(row: Row[Any]) -> Webhook:
    values = row._asdict()
    types = msgspec.json.decode(row.types, type=tuple[str, ...])
    return Webhook(**{**values, "types": types, "paused": bool(row.paused)})


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(**{**row._asdict(), "status": Status(row.status)})
