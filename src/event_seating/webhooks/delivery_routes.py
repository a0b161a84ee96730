"""The routes of deliveries: the messages to a webhook, their state, and sending them again."""

from typing import Annotated, Any, Final

import msgspec
from fastapi import Query, Response
from pydantic import BaseModel, Field

from event_seating.errors import DatabaseUnavailable, InvalidRequest, ServiceError
from event_seating.values import rfc3339
from event_seating.web.cache_control import private_json
from event_seating.web.pages import LIMIT_DEFAULT, decode_cursor, encode_cursor, page
from event_seating.web.parameters import Cursor, Limit
from event_seating.web.roles import Role
from event_seating.web.routes import Routes
from event_seating.web.schemas import DATE_TIME
from event_seating.webhooks.errors import DeliveryNotFound, WebhookNotFound, WebhookPaused
from event_seating.webhooks.model import Delivery, Status
from event_seating.webhooks.service import WebhookService

_COMMON: Final[tuple[type[ServiceError], ...]] = (
    WebhookNotFound,
    DatabaseUnavailable,
)

WithStatus = Annotated[Status | None, Query(description="Only those with this status.")]


class DeliveryBody(BaseModel):
    """A delivery, as the API answers it."""

    id: str = Field(description="What the receiver gets as `webhook-id`.")
    webhookId: str  # noqa: N815 (the API's names are camelCase)
    type: str
    eventId: str | None  # noqa: N815
    version: int | None = Field(description="The version of the event that it reports.")
    status: Status
    attempts: int
    responseStatus: int | None = Field(  # noqa: N815
        description="What the receiver answered last."
    )
    error: str | None = Field(description="Why the last attempt failed.")
    createdAt: str = Field(json_schema_extra=DATE_TIME)  # noqa: N815
    finishedAt: str | None = Field(json_schema_extra=DATE_TIME)  # noqa: N815


class WholeDeliveryBody(DeliveryBody):
    """A delivery with its message."""

    payload: dict[str, Any]


class DeliveriesBody(BaseModel):
    """A page of deliveries."""

    items: list[DeliveryBody]
    nextCursor: str | None  # noqa: N815


def router(webhooks: WebhookService) -> Routes:
    routes = Routes()
    _add_reading(routes, webhooks)
    _add_sending(routes, webhooks)
    return routes


def _add_reading(routes: Routes, webhooks: WebhookService) -> None:
    @routes.get(
        "/webhooks/{id}/deliveries",
        access=Role.admin,
        refuses=(InvalidRequest, *_COMMON),
        operation_id="listDeliveries",
        summary="List what a webhook was told",
        response_model=DeliveriesBody,
    )
    async def list_deliveries(
        id: str,  # noqa: A002 (the API's name for it)
        status: WithStatus = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> Response:
        """The newest first, for 30 days."""
        before = None if cursor is None else decode_cursor(cursor, tuple[int, str])
        items, last = page(await webhooks.deliveries(id, status, before, limit + 1), limit)
        following = encode_cursor(last.created_at_ms, last.id) if last else None
        body = {"items": [_fields(each) for each in items], "nextCursor": following}
        return private_json(msgspec.json.encode(body))

    @routes.get(
        "/webhooks/{id}/deliveries/{delivery}",
        access=Role.admin,
        refuses=(DeliveryNotFound, *_COMMON),
        operation_id="readDelivery",
        summary="Read a delivery",
        response_model=WholeDeliveryBody,
    )
    async def read_delivery(id: str, delivery: str) -> Response:  # noqa: A002
        """With the message itself."""
        return _whole(await webhooks.delivery(id, delivery))


def _add_sending(routes: Routes, webhooks: WebhookService) -> None:
    @routes.post(
        "/webhooks/{id}/deliveries/{delivery}/redeliver",
        access=Role.admin,
        refuses=(DeliveryNotFound, WebhookPaused, *_COMMON),
        operation_id="redeliver",
        summary="Send a delivery again",
        status_code=202,
        response_model=WholeDeliveryBody,
    )
    async def redeliver(id: str, delivery: str) -> Response:  # noqa: A002
        """Now, whatever became of it, with the same `webhook-id`."""
        return _whole(await webhooks.redeliver(id, delivery), 202)

    @routes.post(
        "/webhooks/{id}/test",
        access=Role.admin,
        refuses=(*_COMMON,),
        operation_id="testWebhook",
        summary="Send a message that says nothing",
        status_code=202,
        response_model=WholeDeliveryBody,
    )
    async def test_webhook(id: str) -> Response:  # noqa: A002
        """Of the type `test`, whatever types the webhook wants, and also while it is paused."""
        return _whole(await webhooks.test(id), 202)


def _fields(delivery: Delivery) -> dict[str, Any]:
    finished = delivery.finished_at_ms
    return {
        "id": delivery.id,
        "webhookId": delivery.webhook_id,
        "type": delivery.type,
        "eventId": delivery.event_id or None,
        "version": delivery.version or None,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "responseStatus": delivery.response_status,
        "error": delivery.error,
        "createdAt": rfc3339.to_text(delivery.created_at_ms),
        "finishedAt": None if finished is None else rfc3339.to_text(finished),
    }


def _whole(delivery: Delivery, status: int = 200) -> Response:
    payload = msgspec.Raw(delivery.payload.encode())
    answer = private_json(msgspec.json.encode({**_fields(delivery), "payload": payload}), status)
    if status == 202:  # noqa: PLR2004
        answer.headers["location"] = f"/webhooks/{delivery.webhook_id}/deliveries/{delivery.id}"
    return answer
