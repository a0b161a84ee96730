"""Webhooks and their deliveries, from the row of the log to the receiver, on every backend."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.support.receivers import Behave, Receiver, answer, close, receiving

from event_seating.clock import SystemClock
from event_seating.db.database import Database
from event_seating.db.kept_answers import KeyedCall
from event_seating.db.tables import job_results, outbox
from event_seating.errors import IdempotencyKeyReused, InvalidRequest
from event_seating.jobs import outbox as outbox_store
from event_seating.jobs.ends import Dead, DoneElsewhere
from event_seating.jobs.handler import Job
from event_seating.jobs.ids import new_job_id
from event_seating.jobs.model import BULK, NOTIFICATIONS, NewJob
from event_seating.jobs.requests import JobRequests
from event_seating.webhooks.circuit_breaker import UNANSWERED_MAX
from event_seating.webhooks.errors import (
    DeliveryNotFound,
    TooManyWebhooks,
    WebhookNotFound,
    WebhookPaused,
)
from event_seating.webhooks.jobs import NOT_CALLED, NotTaken, WebhookJobs
from event_seating.webhooks.model import ROTATION_MS, WEBHOOKS_MAX, Delivery, Status
from event_seating.webhooks.sender import Sender
from event_seating.webhooks.service import NewWebhook, WebhookChange, WebhookService
from event_seating.webhooks.subscribed_types import SubscribedTypes
from event_seating.webhooks.targets import TargetRules

pytestmark = pytest.mark.anyio

EVENT = "testevent001"
TYPES = frozenset({"booking.created", "hold.created", "event.sold_out"})
RULES = TargetRules(plain_http=True, private_networks=True)
AT = "2026-01-01T00:00:00Z"


class Clock(SystemClock):
    """The machine's, that can be put forward."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


class Stage:
    """Everything about webhooks on one database, with a hand-driven queue."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = Clock()
        self.wanted = SubscribedTypes(database, TYPES)
        requests = JobRequests(database, self.clock)
        self.service = WebhookService(
            database, self.clock, TYPES, RULES, self.wanted.refresh, requests
        )
        self.jobs = WebhookJobs(database, self.clock, Sender(RULES), self.wanted.refresh)

    async def webhook(self, receiver: Receiver | None = None, *types: str) -> str:
        """The id of a new one."""
        port = receiver.port if receiver else 9
        new = NewWebhook(f"http://127.0.0.1:{port}/hook", list(types or ("*",)))
        return (await self.service.create(new)).webhook.id

    async def open_jobs(self) -> list[Any]:
        async with self.database.read() as connection:
            statement = select(outbox).where(outbox.c.name == "webhook").order_by(outbox.c.id)
            return list((await connection.execute(statement)).all())

    def job(self, id_: str, payload: Any, event_id: str = "", *, last: bool = False) -> Job:
        async def finish(connection: AsyncConnection, result: Any) -> None:
            now_ms = self.clock.now_ms()
            if not await outbox_store.finish(
                connection, outbox_store.Completion(event_id, id_, result, 1, now_ms)
            ):
                raise DoneElsewhere

        async def report(_progress: dict[str, Any]) -> None:
            raise AssertionError("nothing to report")

        return Job(id_, event_id, "webhook", payload, 1, last, finish, report)

    async def run(self, *, last: bool = False) -> None:
        """What a worker does with every open job, once."""
        for row in await self.open_jobs():
            job = self.job(row.id, msgspec.json.decode(row.payload), row.event_id, last=last)
            result = await self.jobs.deliver(job)
            with suppress(DoneElsewhere):
                async with self.database.write() as connection:
                    await job.finish(connection, result)

    async def deliveries(self, webhook: str, status: Status | None = None) -> list[Delivery]:
        return await self.service.deliveries(webhook, status, None, 100)

    async def news(self) -> Job:
        """An open job about a row of the log."""
        new = NewJob(new_job_id(), "database-operations", "webhook-news", {}, EVENT)
        async with self.database.write() as connection:
            await outbox_store.add(connection, [new], 1)
        return self.job(new.id, {}, EVENT)

    async def tell(self, job: Job, messages: Sequence[tuple[str, dict[str, Any]]]) -> int:
        async with self.database.write() as connection:
            await job.finish(connection, None)
            return await self.service.add_messages(connection, job, 7, AT, messages)


@pytest.fixture
def stage(database: Database) -> Stage:
    return Stage(database)


async def results(database: Database) -> list[Any]:
    async with database.read() as connection:
        rows = await connection.execute(select(job_results.c.result).order_by(job_results.c.id))
        return [msgspec.json.decode(row.result) for row in rows]


class TestSubscriptions:
    async def test_a_webhook_is_kept_changed_and_deleted(self, stage: Stage) -> None:
        made = await stage.service.create(
            NewWebhook("https://a.example:443", ["hold.created", "booking.created"], " the shop ")
        )
        assert made.secret == made.webhook.secret
        assert str(made.secret).startswith("whsec_")
        found = await stage.service.read(made.webhook.id)
        assert found == made.webhook
        assert found.url == "https://a.example/"
        assert found.types == ("booking.created", "hold.created")
        assert found.description == "the shop"
        changed = await stage.service.change(
            found.id, WebhookChange(types=["*"], paused=True, description=None)
        )
        assert (changed.types, changed.paused, changed.description) == (("*",), True, None)
        assert (changed.url, changed.secret) == (found.url, found.secret)
        assert await stage.service.read(found.id) == changed
        await stage.service.delete(found.id)
        for call in (
            stage.service.read(found.id),
            stage.service.delete(found.id),
            stage.service.change(found.id, WebhookChange(paused=False)),
            stage.service.rotate(found.id),
            stage.service.test(found.id),
            stage.service.deliveries(found.id, None, None, 1),
        ):
            with pytest.raises(WebhookNotFound):
                await call

    @pytest.mark.parametrize("id_", ["", "wh-1", "nothing", "wh-" + "g" * 32, "\x00", "ü"])
    async def test_an_id_that_no_webhook_can_have_is_not_found(
        self, stage: Stage, id_: str
    ) -> None:
        with pytest.raises(WebhookNotFound):
            await stage.service.read(id_)

    @pytest.mark.parametrize(
        ("new", "field"),
        [
            (NewWebhook("ftp://a.example/", ["*"]), "url"),
            (NewWebhook("http://user:pass@a.example/", ["*"]), "url"),
            (NewWebhook("http://a.example/", []), "types"),
            (NewWebhook("http://a.example/", ["test"]), "types"),
            (NewWebhook("http://a.example/", ["*"], "a\x00b"), "description"),
        ],
    )
    async def test_what_makes_no_webhook_is_refused_by_field(
        self, stage: Stage, new: NewWebhook, field: str
    ) -> None:
        with pytest.raises(InvalidRequest) as refused:
            await stage.service.create(new)
        assert refused.value.details["fields"][0]["field"] == field
        webhook = await stage.webhook()
        change = WebhookChange(**{field: getattr(new, field)})
        with pytest.raises(InvalidRequest):
            await stage.service.change(webhook, change)

    async def test_there_are_never_more_than_there_may_be(self, stage: Stage) -> None:
        # Side by side from the start, so that there are connections for the race at the end.
        for at_once in (*[7] * ((WEBHOOKS_MAX - 1) // 7), (WEBHOOKS_MAX - 1) % 7):
            await asyncio.gather(*(stage.webhook() for _ in range(at_once)))
        outcomes = await asyncio.gather(
            *(stage.webhook() for _ in range(5)), return_exceptions=True
        )
        refused = [each for each in outcomes if isinstance(each, TooManyWebhooks)]
        assert len(refused) == 4
        assert refused[0].details == {"limit": WEBHOOKS_MAX}
        assert len(await stage.service.page(None, 200)) == WEBHOOKS_MAX

    async def test_a_list_goes_on_after_its_last_page(self, stage: Stage) -> None:
        made = [await stage.webhook() for _ in range(5)]
        first = await stage.service.page(None, 3)
        rest = await stage.service.page((first[-1].created_at_ms, first[-1].id), 3)
        assert sorted(each.id for each in (*first, *rest)) == sorted(made)

    async def test_what_is_wanted_is_known_at_once_and_outlives_a_lost_database(
        self, stage: Stage
    ) -> None:
        assert stage.wanted() == frozenset()
        hold = await stage.webhook(None, "hold.created")
        assert stage.wanted() == {"hold.created"}
        every = await stage.webhook()
        assert stage.wanted() == TYPES
        await stage.service.change(every, WebhookChange(paused=True))
        assert stage.wanted() == {"hold.created"}
        elsewhere = SubscribedTypes(stage.database, TYPES)
        await elsewhere.refresh()
        assert elsewhere() == {"hold.created"}
        lost = SubscribedTypes(Database("postgresql+asyncpg://nobody@127.0.0.1:1/none"), TYPES)
        lost._types = frozenset({"hold.created"})
        await lost.refresh()
        assert lost() == {"hold.created"}
        await stage.service.delete(hold)
        assert stage.wanted() == frozenset()


class TestRepeatedCalls:
    NEW = NewWebhook("https://a.example/", ["*"])
    ONCE = KeyedCall(b"create", b"the first")

    async def test_the_same_call_makes_one_webhook_and_shows_its_secret_again(
        self, stage: Stage
    ) -> None:
        first = await stage.service.create(self.NEW, self.ONCE)
        again = await stage.service.create(self.NEW, self.ONCE)
        assert again == (first.webhook, first.secret, True)
        assert len(await stage.service.page(None, 9)) == 1

    async def test_calls_at_the_same_time_make_one_webhook(self, stage: Stage) -> None:
        made = await asyncio.gather(*(stage.service.create(self.NEW, self.ONCE) for _ in range(8)))
        assert len({each.secret for each in made}) == 1
        assert sorted(each.replayed for each in made) == [False] + [True] * 7

    async def test_another_call_under_the_key_is_refused(self, stage: Stage) -> None:
        await stage.service.create(self.NEW, self.ONCE)
        other = self.ONCE._replace(request_hash=b"another")
        with pytest.raises(IdempotencyKeyReused):
            await stage.service.create(NewWebhook("https://b.example/", ["*"]), other)

    async def test_a_refused_call_may_be_mended_under_its_key(self, stage: Stage) -> None:
        with pytest.raises(InvalidRequest):
            await stage.service.create(NewWebhook("nonsense", ["*"]), self.ONCE)
        assert not (await stage.service.create(self.NEW, self.ONCE)).replayed

    async def test_a_key_is_forgotten_after_a_day(self, stage: Stage) -> None:
        first = await stage.service.create(self.NEW, self.ONCE)
        stage.clock.ahead_ms = 24 * 3_600_000 + 1_000
        again = await stage.service.create(self.NEW, self.ONCE)
        assert not again.replayed
        assert again.webhook.id != first.webhook.id

    async def test_a_lost_answer_to_a_rotation_does_not_cost_the_receiver_its_secret(
        self, stage: Stage
    ) -> None:
        made = await stage.service.create(self.NEW)
        once = KeyedCall(b"rotate", b"it")
        first = await stage.service.rotate(made.webhook.id, once)
        again = await stage.service.rotate(made.webhook.id, once)
        assert (again.secret, again.replayed) == (first.secret, True)
        assert again.webhook.previous_secret == made.secret
        # A secret that was replaced since is not shown, and neither is its successor.
        await stage.service.rotate(made.webhook.id)
        late = await stage.service.rotate(made.webhook.id, once)
        assert (late.secret, late.replayed) == (None, True)


class TestTelling:
    MESSAGES = (
        ("hold.created", {"eventId": EVENT, "version": 7, "seats": ["Ä"]}),
        ("booking.created", {"eventId": EVENT, "version": 7}),
        ("hold.created", {"eventId": EVENT, "version": 7}),
    )

    async def test_each_webhook_gets_what_it_wants_and_each_message_a_job(
        self, stage: Stage
    ) -> None:
        every = await stage.webhook()
        holds = await stage.webhook(None, "hold.created")
        none = await stage.webhook(None, "event.sold_out")
        paused = await stage.webhook()
        await stage.service.change(paused, WebhookChange(paused=True))
        assert await stage.tell(await stage.news(), self.MESSAGES) == 5
        told = {each: await stage.deliveries(each) for each in (every, holds, none, paused)}
        assert {each: len(found) for each, found in told.items()} == {
            every: 3,
            holds: 2,
            none: 0,
            paused: 0,
        }
        jobs = await stage.open_jobs()
        assert {row.id for row in jobs} == {d.id for found in told.values() for d in found}
        assert {row.id for row in jobs} == {d.job_id for found in told.values() for d in found}
        assert {(row.event_id, row.queue, row.priority) for row in jobs} == {
            (EVENT, NOTIFICATIONS, BULK)
        }
        payloads = [msgspec.json.decode(each.payload) for each in told[holds]]
        assert {"type": "hold.created", "timestamp": AT, "data": self.MESSAGES[0][1]} in payloads
        assert {(each.event_id, each.version, each.status) for each in told[holds]} == {
            (EVENT, 7, Status.pending)
        }

    async def test_a_job_that_is_done_again_tells_nobody_twice(self, stage: Stage) -> None:
        webhook = await stage.webhook()
        job = await stage.news()
        assert await stage.tell(job, self.MESSAGES) == 3
        with pytest.raises(DoneElsewhere):
            await stage.tell(job, self.MESSAGES)
        assert len(await stage.deliveries(webhook)) == 3
        assert len(await stage.open_jobs()) == 3

    async def test_even_a_queue_that_forgets_what_is_done_tells_nobody_twice(
        self, stage: Stage
    ) -> None:
        webhook = await stage.webhook()
        job = await stage.news()
        await stage.tell(job, self.MESSAGES)

        async def again() -> None:
            async with stage.database.write() as connection:
                await stage.service.add_messages(connection, job, 7, AT, self.MESSAGES)

        with pytest.raises(IntegrityError):
            await again()
        assert len(await stage.deliveries(webhook)) == 3

    async def test_a_crash_before_the_end_tells_nobody_and_leaves_the_job(
        self, stage: Stage
    ) -> None:
        webhook = await stage.webhook()
        job = await stage.news()

        async def crash() -> None:
            async with stage.database.write() as connection:
                await job.finish(connection, None)
                await stage.service.add_messages(connection, job, 7, AT, self.MESSAGES)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await crash()
        assert await stage.deliveries(webhook) == []
        assert await stage.tell(job, self.MESSAGES) == 3

    async def test_two_workers_with_the_same_job_tell_everybody_once(self, stage: Stage) -> None:
        webhook = await stage.webhook()
        job = await stage.news()
        outcomes = await asyncio.gather(
            *(stage.tell(job, self.MESSAGES) for _ in range(4)), return_exceptions=True
        )
        assert outcomes.count(3) == 1
        assert len(await stage.deliveries(webhook)) == 3
        assert len(await stage.open_jobs()) == 3


class TestDelivering:
    async def test_a_test_message_arrives_signed_and_ends_its_job(self, stage: Stage) -> None:
        async with receiving(answer(204)) as receiver:
            webhook = await stage.webhook(receiver, "hold.created")
            sent = await stage.service.test(webhook)
            await stage.run()
        (received,) = receiver.received
        secret = (await stage.service.read(webhook)).secret
        assert received.verified(secret)["data"] == {"webhookId": webhook}
        assert received.headers["webhook-id"] == sent.id
        (delivery,) = await stage.deliveries(webhook)
        assert (delivery.status, delivery.attempts) == (Status.delivered, 1)
        assert (delivery.response_status, delivery.error) == (204, None)
        assert delivery.finished_at_ms is not None
        assert await stage.open_jobs() == []
        assert await results(stage.database) == [{"outcome": "delivered", "status": 204}]

    async def test_across_a_rotation_both_secrets_verify_for_a_day(self, stage: Stage) -> None:
        async with receiving(answer(200)) as receiver:
            webhook = await stage.webhook(receiver)
            old = (await stage.service.read(webhook)).secret
            new = str((await stage.service.rotate(webhook)).secret)
            assert new != old
            await stage.service.test(webhook)
            await stage.run()
            stage.clock.ahead_ms = ROTATION_MS + 1_000
            await stage.service.test(webhook)
            await stage.run()
        during, after = receiver.received
        during.verified(old)
        during.verified(new)
        assert len(during.headers["webhook-signature"].split()) == 2
        assert len(after.headers["webhook-signature"].split()) == 1

    @pytest.mark.parametrize(
        ("behave", "status", "error"),
        [
            (answer(500), 500, "answered 500"),
            (answer(302), 302, "answered 302; redirects are not followed"),
            (close, None, "the connection broke before there was an answer"),
        ],
    )
    async def test_what_is_not_taken_is_tried_again_and_its_last_attempt_is_the_end(
        self, stage: Stage, behave: Behave, status: int | None, error: str
    ) -> None:
        async with receiving(behave) as receiver:
            webhook = await stage.webhook(receiver)
            await stage.service.test(webhook)
            with pytest.raises(NotTaken):
                await stage.run()
            (delivery,) = await stage.deliveries(webhook)
            assert (delivery.status, delivery.attempts) == (Status.pending, 1)
            assert (delivery.response_status, delivery.error) == (status, error)
            assert delivery.finished_at_ms is None
            with pytest.raises(NotTaken):
                await stage.run(last=True)
        (delivery,) = await stage.deliveries(webhook, Status.failed)
        assert (delivery.attempts, delivery.error) == (2, error)
        assert delivery.finished_at_ms is not None
        assert len({each.headers["webhook-id"] for each in receiver.received}) == 1
        assert len(await stage.open_jobs()) == 1, "the queue gives it up, not the handler"

    async def test_a_receiver_that_comes_back_gets_what_waits(self, stage: Stage) -> None:
        async with receiving(answer(503)) as receiver:
            webhook = await stage.webhook(receiver)
            await stage.service.test(webhook)
            with pytest.raises(NotTaken):
                await stage.run()
            receiver.behave = answer(200)
            await stage.run()
        (delivery,) = await stage.deliveries(webhook)
        assert (delivery.status, delivery.attempts) == (Status.delivered, 2)
        assert (delivery.response_status, delivery.error) == (200, None)

    async def test_gone_pauses_the_webhook_and_ends_what_waits_for_it(self, stage: Stage) -> None:
        async with receiving(answer(410)) as receiver:
            webhook = await stage.webhook(receiver)
            await stage.tell(await stage.news(), TestTelling.MESSAGES)
            await stage.run()
        assert len(receiver.received) == 1
        assert (await stage.service.read(webhook)).paused
        assert stage.wanted() == frozenset()
        errors = sorted(str(each.error) for each in await stage.deliveries(webhook, Status.failed))
        assert errors == ["answered 410", "the webhook is paused", "the webhook is paused"]
        assert await stage.open_jobs() == []

    async def test_a_receiver_that_never_answers_is_left_alone_but_for_what_is_asked_for(
        self, stage: Stage
    ) -> None:
        async with receiving(close) as receiver:
            webhook = await stage.webhook(receiver)
            await stage.tell(await stage.news(), TestTelling.MESSAGES * 2)
            jobs = [stage.job(row.id, msgspec.json.decode(row.payload), EVENT)
                    for row in await stage.open_jobs()]  # fmt: skip
            for job in jobs:
                with pytest.raises(NotTaken):
                    await stage.jobs.deliver(job)
            assert receiver.connections == UNANSWERED_MAX
            errors = Counter(str(each.error) for each in await stage.deliveries(webhook))
            assert errors == {NOT_CALLED: 3, "the connection broke before there was an answer": 3}
            with pytest.raises(NotTaken):
                await stage.jobs.deliver(replace(jobs[1], last_attempt=True))
            assert receiver.connections == UNANSWERED_MAX + 1
            receiver.behave = answer(200)
            again = await stage.service.redeliver(webhook, jobs[0].id)
            await stage.jobs.deliver(stage.job(again.job_id, {"deliveryId": again.id}, EVENT))
            assert len(receiver.received) == UNANSWERED_MAX + 2
            await stage.jobs.deliver(jobs[-1])
        delivered = {each.id for each in await stage.deliveries(webhook, Status.delivered)}
        assert delivered == {again.id, jobs[-1].id}

    async def test_a_paused_webhook_can_be_tested_and_not_be_told_again(self, stage: Stage) -> None:
        async with receiving(answer(200)) as receiver:
            webhook = await stage.webhook(receiver)
            await stage.service.change(webhook, WebhookChange(paused=True))
            sent = await stage.service.test(webhook)
            await stage.run()
            assert len(receiver.received) == 1
        with pytest.raises(WebhookPaused):
            await stage.service.redeliver(webhook, sent.id)

    async def test_what_waits_for_a_deleted_webhook_ends_quietly(self, stage: Stage) -> None:
        async with receiving(answer(200)) as receiver:
            webhook = await stage.webhook(receiver)
            await stage.service.test(webhook)
            await stage.service.delete(webhook)
            await stage.run()
        assert receiver.connections == 0
        assert await stage.open_jobs() == []

    async def test_sending_again_keeps_the_message_and_replaces_the_job(self, stage: Stage) -> None:
        async with receiving(answer(200)) as receiver:
            webhook = await stage.webhook(receiver)
            sent = await stage.service.test(webhook)
            await stage.run()
            again = await stage.service.redeliver(webhook, sent.id)
            once_more = await stage.service.redeliver(webhook, sent.id)
            assert (again.id, again.status) == (sent.id, Status.pending)
            assert len({sent.job_id, again.job_id, once_more.job_id}) == 3
            assert [row.id for row in await stage.open_jobs()] == [once_more.job_id]
            await stage.run()
        assert [each.headers["webhook-id"] for each in receiver.received] == [sent.id] * 2
        assert receiver.received[0].body == receiver.received[1].body
        (delivery,) = await stage.deliveries(webhook)
        assert (delivery.status, delivery.attempts) == (Status.delivered, 2)

    async def test_a_job_that_another_one_replaced_sends_nothing(self, stage: Stage) -> None:
        async with receiving(answer(200)) as receiver:
            webhook = await stage.webhook(receiver)
            sent = await stage.service.test(webhook)
            await stage.service.redeliver(webhook, sent.id)
            old = stage.job(sent.job_id, {"deliveryId": sent.id})
            assert await stage.jobs.deliver(old) == {"outcome": "sent by another job"}
            assert receiver.connections == 0
            await stage.run()
        assert len(receiver.received) == 1

    async def test_a_call_that_ends_after_somebody_asked_for_another_changes_nothing(
        self, stage: Stage
    ) -> None:
        called, let_go = asyncio.Event(), asyncio.Event()

        async def refuse_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            called.set()
            await let_go.wait()
            await answer(500)(reader, writer)

        async with receiving(refuse_late) as receiver:
            webhook = await stage.webhook(receiver)
            sent = await stage.service.test(webhook)
            job = stage.job(sent.id, {"deliveryId": sent.id}, last=True)
            old = asyncio.create_task(stage.jobs.deliver(job))
            await called.wait()
            await stage.service.redeliver(webhook, sent.id)
            let_go.set()
            with pytest.raises(NotTaken):
                await old
        (delivery,) = await stage.deliveries(webhook)
        assert (delivery.status, delivery.attempts, delivery.error) == (Status.pending, 0, None)

    async def test_a_job_that_comes_again_after_its_end_sends_nothing(self, stage: Stage) -> None:
        async with receiving(answer(200)) as receiver:
            webhook = await stage.webhook(receiver)
            sent = await stage.service.test(webhook)
            await stage.run()
            await stage.jobs.deliver(stage.job(sent.job_id, {"deliveryId": sent.id}))
        assert len(receiver.received) == 1

    @pytest.mark.parametrize("payload", [{}, {"deliveryId": 7}, {"deliveryId": None}])
    async def test_a_poisoned_payload_fails_for_good(self, stage: Stage, payload: Any) -> None:
        with pytest.raises(Dead):
            await stage.jobs.deliver(stage.job(new_job_id(), payload))

    async def test_a_delivery_whose_job_is_given_up_unrun_has_failed_and_can_be_retried(
        self, stage: Stage
    ) -> None:
        webhook = await stage.webhook()
        await stage.tell(await stage.news(), [("hold.created", {}), ("booking.created", {})])
        dead, alive = await stage.deliveries(webhook)
        async with stage.database.write() as connection:
            await outbox_store.fail(connection, EVENT, dead.job_id, "its worker died", 7)
        shown = await stage.service.delivery(webhook, dead.id)
        assert (shown.status, shown.error) == (Status.failed, "its worker died")
        assert shown.finished_at_ms == 7
        assert await stage.deliveries(webhook, Status.failed) == [shown]
        assert await stage.deliveries(webhook, Status.pending) == [alive]
        assert await stage.deliveries(webhook) == [shown, alive]
        async with stage.database.write() as connection:
            await outbox_store.retry(connection, dead.job_id)
        assert await stage.service.delivery(webhook, dead.id) == dead
        assert await stage.deliveries(webhook, Status.failed) == []

    async def test_deliveries_are_listed_by_status_the_newest_first(self, stage: Stage) -> None:
        async with receiving(answer(200)) as receiver:
            webhook = await stage.webhook(receiver)
            other = await stage.webhook(receiver)
            sent = []
            for number in range(6):
                stage.clock.ahead_ms = number
                sent.append((await stage.service.test(webhook)).id)
            foreign = await stage.service.test(other)
            jobs = {row.id for row in await stage.open_jobs()}
            for id_ in sent[:2]:
                await stage.jobs.deliver(stage.job(id_, {"deliveryId": id_}))
        assert {*sent, foreign.id} == jobs
        every = await stage.deliveries(webhook)
        assert [each.created_at_ms for each in every] == sorted(
            (each.created_at_ms for each in every), reverse=True
        )
        assert {each.id for each in every} == {*sent}
        assert {each.id for each in await stage.deliveries(webhook, Status.delivered)} == {
            *sent[:2]
        }
        page = await stage.service.deliveries(webhook, None, None, 4)
        after = (page[-1].created_at_ms, page[-1].id)
        rest = await stage.service.deliveries(webhook, None, after, 4)
        assert [each.id for each in (*page, *rest)] == [each.id for each in every]
        with pytest.raises(DeliveryNotFound):
            await stage.service.delivery(webhook, foreign.id)
        for id_ in ("", "job-1", "\x00"):
            with pytest.raises(DeliveryNotFound):
                await stage.service.redeliver(webhook, id_)


async def test_nothing_of_a_secret_is_kept_beside_the_webhook(stage: Stage) -> None:
    made = await stage.service.create(TestRepeatedCalls.NEW, TestRepeatedCalls.ONCE)
    await stage.service.test(made.webhook.id)
    tables = await _all_text(stage.database)
    assert str(made.secret) in tables["webhooks"]
    assert [name for name, text in tables.items() if str(made.secret) in text] == ["webhooks"]


async def _all_text(database: Database) -> dict[str, str]:
    from event_seating.db.tables import metadata  # noqa: PLC0415

    texts = {}
    async with database.read() as connection:
        for name, table in metadata.tables.items():
            count = (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            assert count < 100
            texts[name] = repr((await connection.execute(select(table))).all())
    return texts
