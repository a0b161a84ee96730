"""The rules of webhooks: their messages, how a secret is replaced, what is sent again.

What happens while a webhook is paused is never sent to it. A message and the job that sends it are
written in the same transaction. At most one live job sends a delivery; sending it again replaces
that job and keeps the message's id, by which a receiver recognises a message that it has.

`POST /webhooks` and the rotation of a secret take an `Idempotency-Key`, since a caller who lost the
answer lost the secret with it. Only a hash of the secret is kept under the key, so the answer can
be repeated only as long as the secret is not replaced.
"""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.clock import Clock
from event_seating.db import kept_answers
from event_seating.db.database import Database
from event_seating.db.kept_answers import KeyedCall
from event_seating.errors import invalid
from event_seating.jobs import outbox
from event_seating.jobs.handler import Job
from event_seating.jobs.ids import new_job_id
from event_seating.jobs.model import BULK, NOTIFICATIONS, USUAL, NewJob
from event_seating.jobs.requests import JobRequests
from event_seating.values import rfc3339
from event_seating.webhooks import model, store, targets
from event_seating.webhooks.errors import (
    DeliveryNotFound,
    TooManyWebhooks,
    WebhookNotFound,
    WebhookPaused,
)
from event_seating.webhooks.model import TEST, WEBHOOKS_MAX, Delivery, News, Status, Webhook
from event_seating.webhooks.signing import new_secret
from event_seating.webhooks.targets import TargetRules

WEBHOOK: Final = "webhook"
"""The job that sends a delivery; its payload has the `deliveryId`."""

_LOCK: Final = "webhooks"

Changed = Callable[[], Awaitable[None]]


class NewWebhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `POST /webhooks` takes."""

    url: str
    types: list[str]
    description: str | None = None


class WebhookChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `PATCH /webhooks/{id}` takes; what is left out stays."""

    url: str | UnsetType = UNSET
    types: list[str] | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    paused: bool | UnsetType = UNSET


class Revealed(NamedTuple):
    """A webhook with its secret; None if it was replaced since the call that is repeated."""

    webhook: Webhook
    secret: str | None
    replayed: bool = False


class WebhookService:
    """What can be done with webhooks and their deliveries."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        news_types: frozenset[str],
        rules: TargetRules,
        changed: Changed,
        job_requests: JobRequests,
    ) -> None:
        self._database = database
        self._clock = clock
        self._news_types = news_types
        self._rules = rules
        self._changed = changed
        """Awaited after a commit that changes which messages are sent to whom."""
        self._job_requests = job_requests

    # Webhooks

    async def create(self, new: NewWebhook, call: KeyedCall | None = None) -> Revealed:
        """A new webhook.

        Raises `InvalidRequest`, `TooManyWebhooks`, `IdempotencyKeyReused`, and `WebhookNotFound` if
        the call is repeated after its webhook was deleted.
        """
        now_ms = self._clock.now_ms()
        webhook = Webhook(
            id=model.new_webhook_id(),
            url=self._url(new.url),
            types=self._types(new.types),
            description=_description(new.description),
            secret=new_secret(),
            previous_secret=None,
            previous_until_ms=None,
            paused=False,
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
        )
        async with self._database.write() as connection:
            await self._database.acquire_lock(connection, _LOCK)
            before = await self._answered(connection, call, now_ms)
            if before is not None:
                return before
            if await store.count(connection) >= WEBHOOKS_MAX:
                raise TooManyWebhooks(details={"limit": WEBHOOKS_MAX})
            await store.put(connection, webhook)
            await kept_answers.keep(connection, call, 201, _to_keep(webhook), now_ms)
        await self._changed()
        return Revealed(webhook, webhook.secret)

    async def page(self, after: tuple[int, str] | None, most: int) -> list[Webhook]:
        """Webhooks, the oldest first."""
        async with self._database.read() as connection:
            return await store.page(connection, after, most)

    async def read(self, webhook_id: str) -> Webhook:
        """The webhook; raises `WebhookNotFound`."""
        async with self._database.read() as connection:
            return await _found(connection, webhook_id)

    async def change(self, webhook_id: str, change: WebhookChange) -> Webhook:
        """Change what is named; raises `WebhookNotFound` and `InvalidRequest`."""
        fields: dict[str, Any] = {
            "url": change.url if change.url is UNSET else self._url(change.url),
            "types": change.types if change.types is UNSET else self._types(change.types),
            "description": (
                UNSET if change.description is UNSET else _description(change.description)
            ),
            "paused": change.paused,
        }
        named = {name: value for name, value in fields.items() if value is not UNSET}
        async with self._database.write() as connection:
            await self._database.acquire_lock(connection, _LOCK)
            webhook = await _found(connection, webhook_id)
            webhook = msgspec.structs.replace(webhook, **named, updated_at_ms=self._clock.now_ms())
            await store.replace(connection, webhook)
        await self._changed()
        return webhook

    async def delete(self, webhook_id: str) -> None:
        """Delete it, so that waiting messages are not sent either; raises `WebhookNotFound`.

        Its deliveries are no longer shown; the purge deletes them when they are old.
        """
        async with self._database.write() as connection:
            await self._database.acquire_lock(connection, _LOCK)
            await _found(connection, webhook_id)
            await store.remove(connection, webhook_id)
        await self._changed()

    async def rotate(self, webhook_id: str, call: KeyedCall | None = None) -> Revealed:
        """A new secret; raises `WebhookNotFound` and `IdempotencyKeyReused`."""
        now_ms = self._clock.now_ms()
        async with self._database.write() as connection:
            await self._database.acquire_lock(connection, _LOCK)
            webhook = await _found(connection, webhook_id)
            before = await self._answered(connection, call, now_ms)
            if before is not None:
                return before
            webhook = webhook.rotated(new_secret(), now_ms)
            await store.replace(connection, webhook)
            await kept_answers.keep(connection, call, 200, _to_keep(webhook), now_ms)
        return Revealed(webhook, webhook.secret)

    # Deliveries

    async def deliveries(
        self, webhook_id: str, status: Status | None, before: tuple[int, str] | None, most: int
    ) -> list[Delivery]:
        """A webhook's deliveries, the newest first; raises `WebhookNotFound`."""
        async with self._database.read() as connection:
            await _found(connection, webhook_id)
            return await store.deliveries_of(connection, webhook_id, status, before, most)

    async def delivery(self, webhook_id: str, delivery_id: str) -> Delivery:
        """One of them; raises `WebhookNotFound` and `DeliveryNotFound`."""
        async with self._database.read() as connection:
            await _found(connection, webhook_id)
            return await _found_delivery(connection, webhook_id, delivery_id)

    async def redeliver(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Send it again, now, whatever became of it.

        Raises `WebhookNotFound`, `DeliveryNotFound` and `WebhookPaused`.
        """
        async with self._database.write() as connection:
            await self._database.acquire_lock(connection, webhook_id)
            if (await _found(connection, webhook_id)).paused:
                raise WebhookPaused
            delivery = await _found_delivery(connection, webhook_id, delivery_id)
            again = msgspec.structs.replace(
                delivery, job_id=new_job_id(), status=Status.pending, finished_at_ms=None
            )
            await outbox.withdraw(connection, delivery.event_id, delivery.job_id)
            await store.send_by(connection, delivery, again.job_id)
            await self._job_requests.ask(connection, _job(again, USUAL))
        return again

    async def test(self, webhook_id: str) -> Delivery:
        """Send a message without content, even if it is paused; raises `WebhookNotFound`."""
        now_ms = self._clock.now_ms()
        payload = model.message(TEST, rfc3339.to_text(now_ms), {"webhookId": webhook_id})
        async with self._database.write() as connection:
            webhook = await _found(connection, webhook_id)
            id_ = new_job_id()
            delivery = _delivery(id_, webhook, News(TEST, payload), "", 0, now_ms)
            await store.add_deliveries(connection, [delivery])
            await self._job_requests.ask(connection, _job(delivery, USUAL))
        return delivery

    async def add_messages(
        self,
        connection: AsyncConnection,
        job: Job,
        version: int,
        at: str,
        messages: Sequence[tuple[str, dict[str, Any]]],
    ) -> int:
        """Write a delivery of each message for each webhook that subscribes to it; how many.

        `messages` are types with their data, `at` is when it happened. Call it in the transaction
        that finishes the job. A job that is done twice in spite of that fails the second time,
        because the ids of its deliveries exist.
        """
        now_ms = self._clock.now_ms()
        news = [News(type_, model.message(type_, at, data)) for type_, data in messages]
        deliveries = [
            _delivery(
                model.delivery_id(job.id, webhook.id, number),
                webhook,
                each,
                job.event_id,
                version,
                now_ms,
            )
            for webhook in await store.all_webhooks(connection)
            for number, each in enumerate(news)
            if webhook.subscribes_to(each.type)
        ]
        await store.add_deliveries(connection, deliveries)
        await self._job_requests.ask_all(connection, [_job(each, BULK) for each in deliveries])
        return len(deliveries)

    async def _answered(
        self, connection: AsyncConnection, call: KeyedCall | None, now_ms: int
    ) -> Revealed | None:
        """The first answer, if any; raises `WebhookNotFound` and `IdempotencyKeyReused`."""
        before = await kept_answers.first(self._database, connection, call, now_ms)
        if before is None:
            return None
        webhook_id, _, hashed = before.answer.decode().partition(" ")
        there = await _found(connection, webhook_id)
        return Revealed(there, there.secret if _hash(there.secret) == hashed else None, True)

    def _url(self, text: str) -> str:
        try:
            return targets.parse(text, self._rules).url
        except ValueError as error:
            raise invalid("url", str(error)) from None

    def _types(self, types: list[str]) -> tuple[str, ...]:
        try:
            return model.checked_types(types, self._news_types)
        except ValueError as error:
            raise invalid("types", str(error)) from None


def _description(text: str | None) -> str | None:
    try:
        return None if text is None else model.checked_description(text)
    except ValueError as error:
        raise invalid("description", str(error)) from None


def _to_keep(webhook: Webhook) -> bytes:
    """What is kept of the answer: the webhook's id, and a hash in place of the secret."""
    return f"{webhook.id} {_hash(webhook.secret)}".encode()


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


async def _found(connection: AsyncConnection, webhook_id: str) -> Webhook:
    webhook = None
    if model.is_webhook_id(webhook_id):
        webhook = await store.by_id(connection, webhook_id)
    if webhook is None:
        raise WebhookNotFound
    return webhook


async def _found_delivery(
    connection: AsyncConnection, webhook_id: str, delivery_id: str
) -> Delivery:
    delivery = None
    if model.is_delivery_id(delivery_id):
        delivery = await store.delivery(connection, delivery_id)
    if delivery is None or delivery.webhook_id != webhook_id:
        raise DeliveryNotFound
    return delivery


def _delivery(
    id_: str, webhook: Webhook, news: News, event_id: str, version: int, now_ms: int
) -> Delivery:
    return Delivery(
        id=id_,
        webhook_id=webhook.id,
        job_id=id_,
        type=news.type,
        event_id=event_id,
        version=version,
        payload=news.payload,
        status=Status.pending,
        attempts=0,
        response_status=None,
        error=None,
        created_at_ms=now_ms,
        finished_at_ms=None,
    )


def _job(delivery: Delivery, priority: int) -> NewJob:
    payload = {"deliveryId": delivery.id}
    return NewJob(delivery.job_id, NOTIFICATIONS, WEBHOOK, payload, delivery.event_id, priority)
