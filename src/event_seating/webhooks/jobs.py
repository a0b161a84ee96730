"""The job that sends a delivery.

When the receiver takes the message (2xx), the delivery ends, in one transaction with the job. `410
Gone` ends it too and pauses the webhook: the receiver wants no more messages. After anything else
the queue tries again, and after the last attempt the delivery has failed. A receiver that does not
answer at all is not called for a while, except for a test, for a message that an operator sends
again, and for a last attempt. If this process dies between the answer and the commit, the message
is sent once more, under the same id.
"""

from typing import Any, Final

from event_seating.clock import Clock
from event_seating.db.database import Database
from event_seating.jobs.ends import Dead, Retry
from event_seating.jobs.handler import Handler, Job
from event_seating.telemetry.logs import get_logger
from event_seating.webhooks import signing, store
from event_seating.webhooks.circuit_breaker import CircuitBreaker
from event_seating.webhooks.model import TEST, Delivery, Status, Webhook
from event_seating.webhooks.sender import CallOutcome, Sender
from event_seating.webhooks.service import WEBHOOK, Changed

PAUSED: Final = "the webhook is paused"
NOT_CALLED: Final = "not called: there was no answer to the calls before"

_log = get_logger("webhooks")


class NotTaken(Retry):
    """The receiver did not take the message this time; the text says why."""


class WebhookJobs:
    """The handlers of the jobs about webhooks."""

    def __init__(self, database: Database, clock: Clock, sender: Sender, changed: Changed) -> None:
        self._database = database
        self._clock = clock
        self._sender = sender
        self._changed = changed
        self._circuits = CircuitBreaker(clock.monotonic)

    def handlers(self) -> dict[str, Handler]:
        return {WEBHOOK: self.deliver}

    async def deliver(self, job: Job) -> Any:
        """Send one delivery; the result says what became of it.

        Raises `NotTaken` if it must be tried again, and `Dead` if the job names no delivery.
        """
        delivery_id = job.payload.get("deliveryId")
        if not isinstance(delivery_id, str):
            raise Dead("the payload has no deliveryId")
        async with self._database.read() as connection:
            delivery = await store.delivery(connection, delivery_id)
            webhook = await store.by_id(connection, delivery.webhook_id) if delivery else None
        if delivery is None or webhook is None:
            return {"outcome": "the webhook was deleted"}
        if delivery.job_id != job.id or delivery.status is Status.delivered:
            return {"outcome": "sent by another job"}
        if webhook.paused and delivery.type != TEST:
            await self._end(job, delivery, Status.failed, CallOutcome(error=PAUSED), attempts=0)
            return None
        by_operator = delivery.type == TEST or delivery.job_id != delivery.id
        if self._circuits.is_open(webhook.id) and not (by_operator or job.last_attempt):
            outcome = CallOutcome(error=NOT_CALLED)
        else:
            outcome = await self._send(delivery, webhook)
        return await self._handle(job, delivery, webhook, outcome)

    async def _send(self, delivery: Delivery, webhook: Webhook) -> CallOutcome:
        now_ms = self._clock.now_ms()
        keys = webhook.keys(now_ms)
        headers = signing.headers(delivery.id, delivery.payload, now_ms, keys)
        outcome = await self._sender.send(webhook.url, headers, delivery.payload)
        if outcome.status is None:
            self._circuits.unanswered(webhook.id)
        else:
            self._circuits.answered(webhook.id)
        return outcome

    async def _handle(
        self, job: Job, delivery: Delivery, webhook: Webhook, outcome: CallOutcome
    ) -> None:
        if outcome.error is None:
            await self._end(job, delivery, Status.delivered, outcome)
        elif outcome.gone:
            await self._end(job, delivery, Status.failed, outcome, pause=webhook)
            _log.warning("a receiver is gone; its webhook is paused", webhookId=webhook.id)
            await self._changed()
        else:
            await self._note_failure(delivery, outcome, last=job.last_attempt)
            if job.last_attempt:
                _log.warning(
                    "a message was not taken and is given up",
                    webhookId=webhook.id,
                    deliveryId=delivery.id,
                    reason=outcome.error,
                )
            raise NotTaken(outcome.error)

    async def _end(
        self,
        job: Job,
        delivery: Delivery,
        status: Status,
        outcome: CallOutcome,
        *,
        attempts: int = 1,
        pause: Webhook | None = None,
    ) -> None:
        """End the delivery and the job in one transaction."""
        now_ms = self._clock.now_ms()
        async with self._database.write() as connection:
            await store.note_attempt(
                connection,
                delivery,
                status,
                attempts=attempts,
                response_status=outcome.status,
                error=outcome.error,
                finished_at_ms=now_ms,
            )
            if pause is not None:
                await store.pause(connection, pause.id, now_ms)
            result = {"outcome": outcome.error or "delivered", "status": outcome.status}
            await job.finish(connection, result)

    async def _note_failure(self, delivery: Delivery, outcome: CallOutcome, *, last: bool) -> None:
        async with self._database.write() as connection:
            await store.note_attempt(
                connection,
                delivery,
                Status.failed if last else Status.pending,
                attempts=1,
                response_status=outcome.status,
                error=outcome.error,
                finished_at_ms=self._clock.now_ms() if last else None,
            )
