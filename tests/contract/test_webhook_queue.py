"""Webhooks through the real queue: what happens to seats arrives."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.support.job_queue import QUICK, Jobs, jobs_on
from tests.support.receivers import Receiver, answer, hang, receiving
from tests.support.seating import hold, on_sale
from tests.support.service import Service, in_process
from tests.support.valkey import Valkey
from tests.support.waiting import until

from event_seating.booking.effects.webhook_messages import NewsJobs
from event_seating.jobs.handler import Handler
from event_seating.jobs.model import DATABASE_OPERATIONS, NOTIFICATIONS
from event_seating.webhooks.jobs import WebhookJobs
from event_seating.webhooks.sender import Sender
from event_seating.webhooks.targets import rules_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def service(environment: dict[str, str]) -> AsyncIterator[Service]:
    async with in_process(webhook_private_networks="allow", seating_rate_limits="off") as running:
        yield running


@pytest.fixture
async def queues(service: Service, valkey: Valkey) -> AsyncIterator[tuple[Jobs, Jobs]]:
    database = service.parts.database
    async with (
        jobs_on(database, valkey.url, queue=DATABASE_OPERATIONS, options=QUICK) as news,
        jobs_on(database, valkey.url, queue=NOTIFICATIONS, options=QUICK) as calls,
    ):
        yield news, calls


async def nobody() -> None:
    """Nobody else serves."""


def handlers_of(service: Service) -> dict[str, Handler]:
    parts = service.parts
    news = NewsJobs(parts.database, parts.bookable_events.get, parts.webhooks.add_messages)
    sender = Sender(rules_of(parts.settings))
    calls = WebhookJobs(parts.database, parts.clock, sender, nobody)
    return news.handlers() | calls.handlers()


async def subscribe(service: Service, receiver: Receiver) -> dict[str, str]:
    body = {"url": f"http://127.0.0.1:{receiver.port}/", "types": ["*"]}
    return dict((await service.client.post("/webhooks", json=body)).json())


async def test_a_hold_arrives_signed_through_outbox_relay_and_worker(
    service: Service, queues: tuple[Jobs, Jobs]
) -> None:
    news, calls = queues
    event = await on_sale(service)
    async with receiving(answer(200)) as receiver:
        made = await subscribe(service, receiver)
        for number in range(1, 6):
            await hold(service, event, f"A-1-{number}")
        done = handlers_of(service)
        async with news.working(done), calls.working(done):
            await until(lambda: len(receiver.received) == 5)
            await until(lambda: _is_empty(news))
    seats = [each.verified(made["secret"])["data"]["seats"] for each in receiver.received]
    assert sorted(seats) == [[f"A-1-{number}"] for number in range(1, 6)]
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 5


async def test_a_receiver_that_never_takes_it_ends_as_a_failed_delivery_and_can_be_asked_again(
    service: Service, queues: tuple[Jobs, Jobs]
) -> None:
    _, calls = queues
    async with receiving(answer(500)) as receiver:
        made = await subscribe(service, receiver)
        path = f"/webhooks/{made['id']}"
        sent = (await service.client.post(f"{path}/test")).json()
        one = f"{path}/deliveries/{sent['id']}"
        async with calls.working(handlers_of(service)):
            await until(lambda: _has_status(service, one, "failed"))
            failed = (await service.client.get(one)).json()
            assert (failed["attempts"], failed["error"]) == (3, "answered 500")
            row = await calls.row(sent["id"])
            assert row is not None
            await until(lambda: _given_up(calls, sent["id"]))
            receiver.behave = answer(200)
            assert (await service.client.post(f"{one}/redeliver")).status_code == 202
            await until(lambda: _has_status(service, one, "delivered"))
            await until(lambda: _is_empty(calls))
    assert {each.headers["webhook-id"] for each in receiver.received} == {sent["id"]}
    assert len(receiver.received) == 4


async def test_a_receiver_that_hangs_while_the_worker_ends_is_told_again_under_the_same_id(
    service: Service, queues: tuple[Jobs, Jobs]
) -> None:
    _, calls = queues
    async with receiving(hang) as receiver:
        made = await subscribe(service, receiver)
        sent = (await service.client.post(f"/webhooks/{made['id']}/test")).json()
        async with calls.working(handlers_of(service)) as worker:
            await until(lambda: len(receiver.received) == 1)
            await worker.drain(0.1)
        receiver.behave = answer(200)
        async with calls.working(handlers_of(service)):
            await until(lambda: len(receiver.received) == 2)
            await until(lambda: _is_empty(calls))
    assert [each.headers["webhook-id"] for each in receiver.received] == [sent["id"]] * 2


async def _is_empty(jobs: Jobs) -> bool:
    return await jobs.left() == 0


async def _given_up(jobs: Jobs, job_id: str) -> bool:
    row = await jobs.row(job_id)
    return row is not None and row.failed_at_ms is not None


async def _has_status(service: Service, path: str, status: str) -> bool:
    await asyncio.sleep(0.02)
    return bool((await service.client.get(path)).json()["status"] == status)
