"""The routes of webhooks: subscriptions and their secrets."""

from typing import Any, Final

import msgspec
from fastapi import Request, Response
from pydantic import BaseModel, Field

from event_seating.errors import (
    DatabaseUnavailable,
    InvalidRequest,
)
from event_seating.values import rfc3339
from event_seating.web.cache_control import PRIVATE, private_json
from event_seating.web.idempotency import REPLAYED, call_of
from event_seating.web.json_body import JsonBody
from event_seating.web.pages import LIMIT_DEFAULT, decode_cursor, encode_cursor, page
from event_seating.web.parameters import Cursor, Key, Limit
from event_seating.web.roles import Role
from event_seating.web.routes import Routes
from event_seating.web.schemas import DATE_TIME
from event_seating.webhooks import delivery_routes
from event_seating.webhooks.errors import TooManyWebhooks, WebhookNotFound
from event_seating.webhooks.model import Webhook
from event_seating.webhooks.service import (
    NewWebhook,
    Revealed,
    WebhookChange,
    WebhookService,
)

_NEW: Final = JsonBody(
    NewWebhook,
    examples={
        "Two kinds of news": {
            "url": "https://shop.example/seats",
            "types": ["booking.created", "booking.cancelled"],
            "description": "the shop",
        }
    },
)
_CHANGE: Final = JsonBody(
    WebhookChange,
    examples={"Everything there is": {"types": ["*"]}, "A pause": {"paused": True}},
)


class WebhookBody(BaseModel):
    """A webhook, as the API answers it."""

    id: str
    url: str
    types: list[str] = Field(description="The types that it subscribes to; `*` for all.")
    description: str | None
    paused: bool = Field(description="What happens while it is paused is never sent.")
    previousSecretUntil: str | None = Field(  # noqa: N815 (the API's names are camelCase)
        description="Until when the previous secret also signs.",
        json_schema_extra=DATE_TIME,
    )
    createdAt: str = Field(json_schema_extra=DATE_TIME)  # noqa: N815
    updatedAt: str = Field(json_schema_extra=DATE_TIME)  # noqa: N815


class RevealedBody(WebhookBody):
    """A webhook with its secret, which is shown here and never again."""

    secret: str | None = Field(
        description="The receiver verifies messages with it. Null in the answer to a repeated call "
        "if it has been replaced since."
    )


class WebhooksBody(BaseModel):
    """A page of webhooks."""

    items: list[WebhookBody]
    nextCursor: str | None  # noqa: N815


def router(webhooks: WebhookService) -> Routes:
    routes = Routes(tags=["webhooks"])
    _add_collection(routes, webhooks)
    _add_one(routes, webhooks)
    _add_secret(routes, webhooks)
    routes.include(delivery_routes.router(webhooks))
    return routes


def _add_collection(routes: Routes, webhooks: WebhookService) -> None:
    @routes.get(
        "/webhooks",
        access=Role.admin,
        refuses=(InvalidRequest, DatabaseUnavailable),
        operation_id="listWebhooks",
        summary="List webhooks",
        response_model=WebhooksBody,
    )
    async def list_webhooks(limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> Response:
        """The oldest first, without their secrets."""
        after = None if cursor is None else decode_cursor(cursor, tuple[int, str])
        items, last = page(await webhooks.page(after, limit + 1), limit)
        following = encode_cursor(last.created_at_ms, last.id) if last else None
        body = {"items": [_fields(each) for each in items], "nextCursor": following}
        return private_json(msgspec.json.encode(body))

    @routes.post(
        "/webhooks",
        access=Role.admin,
        body=_NEW,
        idempotent=True,
        refuses=(TooManyWebhooks, WebhookNotFound, DatabaseUnavailable),
        operation_id="createWebhook",
        summary="Subscribe to what happens",
        status_code=201,
        response_model=RevealedBody,
    )
    async def create_webhook(request: Request, key: Key = None) -> Response:
        """The answer has the secret, which is never shown again."""
        new = await _NEW.of(request)
        call = call_of(request, key, msgspec.json.encode(new, order="deterministic"))
        made = await webhooks.create(new, call)
        answer = _revealed(made, 201)
        answer.headers["location"] = f"/webhooks/{made.webhook.id}"
        return answer


def _add_one(routes: Routes, webhooks: WebhookService) -> None:
    @routes.get(
        "/webhooks/{id}",
        access=Role.admin,
        refuses=(WebhookNotFound, DatabaseUnavailable),
        operation_id="readWebhook",
        summary="Read a webhook",
        response_model=WebhookBody,
    )
    async def read_webhook(id: str) -> Response:  # noqa: A002 (the API's name for it)
        """Without its secret."""
        return private_json(msgspec.json.encode(_fields(await webhooks.read(id))))

    @routes.patch(
        "/webhooks/{id}",
        access=Role.admin,
        body=_CHANGE,
        refuses=(WebhookNotFound, DatabaseUnavailable),
        operation_id="changeWebhook",
        summary="Change, pause or resume a webhook",
        response_model=WebhookBody,
    )
    async def change_webhook(request: Request, id: str) -> Response:  # noqa: A002
        """What is left out stays."""
        changed = await webhooks.change(id, await _CHANGE.of(request))
        return private_json(msgspec.json.encode(_fields(changed)))

    @routes.delete(
        "/webhooks/{id}",
        access=Role.admin,
        refuses=(WebhookNotFound, DatabaseUnavailable),
        operation_id="deleteWebhook",
        summary="Delete a webhook",
        status_code=204,
    )
    async def delete_webhook(id: str) -> Response:  # noqa: A002
        """Messages that are not delivered yet are dropped."""
        await webhooks.delete(id)
        return Response(status_code=204, headers={"cache-control": PRIVATE})


def _add_secret(routes: Routes, webhooks: WebhookService) -> None:
    @routes.post(
        "/webhooks/{id}/secret",
        access=Role.admin,
        idempotent=True,
        refuses=(InvalidRequest, WebhookNotFound, DatabaseUnavailable),
        operation_id="rotateWebhookSecret",
        summary="Replace a webhook's secret",
        response_model=RevealedBody,
    )
    async def rotate_secret(request: Request, id: str, key: Key = None) -> Response:  # noqa: A002
        """The previous one also signs for 24 hours."""
        return _revealed(await webhooks.rotate(id, call_of(request, key, id.encode())), 200)


def _fields(webhook: Webhook) -> dict[str, Any]:
    until = webhook.previous_until_ms
    return {
        "id": webhook.id,
        "url": webhook.url,
        "types": webhook.types,
        "description": webhook.description,
        "paused": webhook.paused,
        "previousSecretUntil": None if until is None else rfc3339.to_text(until),
        "createdAt": rfc3339.to_text(webhook.created_at_ms),
        "updatedAt": rfc3339.to_text(webhook.updated_at_ms),
    }


def _revealed(made: Revealed, status: int) -> Response:
    body = {**_fields(made.webhook), "secret": made.secret}
    answer = private_json(msgspec.json.encode(body), status)
    if made.replayed:
        answer.headers.update(REPLAYED)
    return answer
