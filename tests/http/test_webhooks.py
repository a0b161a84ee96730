"""Webhooks over HTTP: from a subscription to what a receiver hears of seats."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.support.receivers import Receiver, answer, receiving
from tests.support.seating import hold, on_sale
from tests.support.service import Service, in_process

from event_seating.booking.effects.follow_up_jobs import NEWS_TYPES
from event_seating.booking.effects.webhook_messages import NAMED_MAX, NewsJobs
from event_seating.db.tables import outbox
from event_seating.jobs import outbox as outbox_store
from event_seating.jobs.ends import Dead, DoneElsewhere
from event_seating.jobs.handler import Job
from event_seating.webhooks.jobs import WebhookJobs
from event_seating.webhooks.sender import Sender
from event_seating.webhooks.targets import TargetRules

pytestmark = pytest.mark.anyio

RULES = TargetRules(plain_http=True, private_networks=True)
NEW = {"url": "https://shop.example/hook", "types": ["booking.created"]}


@pytest.fixture
async def service(environment: dict[str, str]) -> AsyncIterator[Service]:
    async with in_process(webhook_private_networks="allow", seating_rate_limits="off") as running:
        yield running


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving(answer(200)) as one:
        yield one


async def subscribe(service: Service, receiver: Receiver, *types: str) -> dict[str, Any]:
    body = {"url": f"http://127.0.0.1:{receiver.port}/", "types": list(types or ("*",))}
    made = await service.client.post("/webhooks", json=body)
    assert made.status_code == 201, made.text
    return dict(made.json())


def job(service: Service, row: Any) -> Job:
    async def finish(connection: AsyncConnection, result: Any) -> None:
        if not await outbox_store.finish(
            connection, outbox_store.Completion(row.event_id, row.id, result, 1, 2)
        ):
            raise DoneElsewhere

    async def report(_progress: dict[str, Any]) -> None:
        raise AssertionError("nothing to report")

    payload = msgspec.json.decode(row.payload)
    return Job(row.id, row.event_id, row.name, payload, 1, False, finish, report)


async def _nothing_changes() -> None:
    """No receiver of these tests is gone."""


async def work_off(service: Service) -> None:
    """Do what a job process does, until nothing is left."""
    parts = service.parts
    news = NewsJobs(parts.database, parts.bookable_events.get, parts.webhooks.add_messages)
    calls = WebhookJobs(parts.database, parts.clock, Sender(RULES), _nothing_changes)
    handlers = news.handlers() | calls.handlers()
    while True:
        async with parts.database.read() as connection:
            every = (await connection.execute(select(outbox))).all()
        rows = [row for row in every if row.name in handlers]
        if not rows:
            return
        for row in rows:
            this = job(service, row)
            result = await handlers[row.name](this)
            with suppress(DoneElsewhere):
                async with parts.database.write() as connection:
                    await this.finish(connection, result)


async def heard(service: Service, receiver: Receiver, secret: str) -> list[dict[str, Any]]:
    """What the receiver was told, in order, every message verified."""
    await work_off(service)
    messages = [each.verified(secret) for each in receiver.received]
    receiver.received.clear()
    return messages


class TestSubscribing:
    async def test_the_secret_is_shown_once(self, service: Service) -> None:
        made = await service.client.post("/webhooks", json=NEW | {"description": "Shop"})
        assert made.status_code == 201
        assert made.headers["location"] == f"/webhooks/{made.json()['id']}"
        assert made.headers["cache-control"] == "private, no-store"
        secret = made.json().pop("secret")
        assert secret.startswith("whsec_")
        shown = {name: value for name, value in made.json().items() if name != "secret"}
        assert shown == {
            "id": shown["id"],
            "url": "https://shop.example/hook",
            "types": ["booking.created"],
            "description": "Shop",
            "paused": False,
            "previousSecretUntil": None,
            "createdAt": shown["createdAt"],
            "updatedAt": shown["createdAt"],
        }
        one = await service.client.get(f"/webhooks/{shown['id']}")
        listed = await service.client.get("/webhooks")
        assert one.json() == shown
        assert listed.json() == {"items": [shown], "nextCursor": None}
        assert secret not in one.text + listed.text

    @pytest.mark.shared_service
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"types": ["*"]}, "url"),
            ({"url": "https://a.example/"}, "types"),
            (NEW | {"url": 7}, "url"),
            (NEW | {"url": "http:///"}, "url"),
            (NEW | {"url": "https://a.example/#b"}, "url"),
            (NEW | {"url": "https://u:p@a.example/"}, "url"),
            (NEW | {"types": "booking.created"}, "types"),
            (NEW | {"types": ["booking.created", "nonsense"]}, "types"),
            (NEW | {"types": []}, "types"),
            (NEW | {"description": "a\u0000"}, "description"),
            (NEW | {"secret": "whsec_mine"}, "secret"),
            (NEW | {"paused": True}, "paused"),
        ],
    )
    async def test_a_bad_body_is_400_and_names_the_field(
        self, service: Service, body: dict[str, Any], field: str
    ) -> None:
        refused = await service.client.post("/webhooks", json=body)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
        assert [fault["field"] for fault in refused.json()["fields"]] == [field]
        assert (await service.client.get("/webhooks")).json()["items"] == []

    async def test_changing_pausing_and_deleting(self, service: Service) -> None:
        made = (await service.client.post("/webhooks", json=NEW)).json()
        path = f"/webhooks/{made['id']}"
        changed = await service.client.patch(
            path, json={"types": ["hold.created", "*"], "paused": True, "url": "https://b.example"}
        )
        assert changed.status_code == 200
        assert (changed.json()["types"], changed.json()["paused"]) == (["*"], True)
        assert changed.json()["url"] == "https://b.example/"
        assert "secret" not in changed.json()
        assert (await service.client.patch(path, json={"secret": "x"})).status_code == 400
        assert (await service.client.delete(path)).status_code == 204
        for method in ("GET", "DELETE"):
            gone = await service.client.request(method, path)
            assert (gone.status_code, gone.json()["code"]) == (404, "webhook_not_found")

    async def test_a_repeated_call_makes_one_webhook(self, service: Service) -> None:
        headers = {"idempotency-key": "k" * 22}
        first = await service.client.post("/webhooks", json=NEW, headers=headers)
        again = await service.client.post("/webhooks", json=NEW, headers=headers)
        assert again.status_code == 201
        assert again.json() == first.json()
        assert again.headers["idempotency-replayed"] == "true"
        other = await service.client.post("/webhooks", json=NEW | {"types": ["*"]}, headers=headers)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")

    async def test_a_repeated_call_whose_webhook_was_deleted_finds_none(
        self, service: Service
    ) -> None:
        headers = {"idempotency-key": "d" * 22}
        first = await service.client.post("/webhooks", json=NEW, headers=headers)
        await service.client.delete(f"/webhooks/{first.json()['id']}")
        again = await service.client.post("/webhooks", json=NEW, headers=headers)
        assert (again.status_code, again.json()["code"]) == (404, "webhook_not_found")

    @pytest.mark.shared_service
    @pytest.mark.parametrize("key", ["", "a" * 21, "a" * 256])
    async def test_a_bad_idempotency_key_is_refused(self, service: Service, key: str) -> None:
        refused = await service.client.post("/webhooks", json=NEW, headers={"idempotency-key": key})
        assert refused.status_code == 400

    async def test_rotation_shows_the_new_secret_and_how_long_the_old_one_holds(
        self, service: Service
    ) -> None:
        made = (await service.client.post("/webhooks", json=NEW)).json()
        path = f"/webhooks/{made['id']}"
        rotated = await service.client.post(f"{path}/secret")
        assert rotated.status_code == 200
        assert rotated.json()["secret"].startswith("whsec_")
        assert rotated.json()["secret"] != made["secret"]
        assert rotated.json()["previousSecretUntil"] > made["createdAt"]
        assert rotated.json()["secret"] not in (await service.client.get(path)).text

    async def test_a_private_address_is_refused_unless_it_is_allowed(
        self, environment: dict[str, str]
    ) -> None:
        async with in_process() as strict:
            for url in ("http://127.0.0.1/", "http://localhost:9/", "http://[::1]/"):
                refused = await strict.client.post("/webhooks", json=NEW | {"url": url})
                assert refused.status_code == 400, url
                assert refused.json()["fields"][0]["field"] == "url"

    async def test_production_takes_https_alone(self, environment: dict[str, str]) -> None:
        key = "an-admin-key-of-24-chars"
        async with in_process(app_env="production", admin_api_key=key, log_dir="off") as strict:
            headers = {"authorization": f"Bearer {key}"}
            refused = await strict.client.post(
                "/webhooks", json=NEW | {"url": "http://shop.example/"}, headers=headers
            )
            assert refused.json()["error"] == "url: must begin with https://"
            taken = await strict.client.post("/webhooks", json=NEW, headers=headers)
            assert taken.status_code == 201


class TestHearing:
    async def test_a_sale_is_told_from_the_hold_to_the_cancellation(
        self, service: Service, receiver: Receiver
    ) -> None:
        event = await on_sale(service)
        secret = (await subscribe(service, receiver))["secret"]
        await service.client.post(
            "/users", json={"id": "anna", "name": "Anna", "email": "anna@example.com"}
        )
        held = await hold(
            service, event, seats=["A-1-1", "A-1-2"], areas={"floor": 2},
            ticketTypes={"A-1-2": "reduced"},
        )  # fmt: skip
        token = held.json()["holdToken"]
        (told,) = await heard(service, receiver, secret)
        assert told["type"] == "hold.created"
        assert told["data"] == {
            "eventId": event,
            "version": held.json()["version"],
            "holdId": token[:34],
            "seats": ["A-1-1", "A-1-2"],
            "areas": {"floor": 2},
            "lines": held.json()["lines"],
            "total": "136.00",
            "currency": "EUR",
            "expiresAt": held.json()["expiresAt"],
            "labels": {
                "A-1-1": "Section A, row 1, seat 1",
                "A-1-2": "Section A, row 1, seat 2",
                "floor": "Floor",
            },
        }
        booked = await service.client.post(
            "/bookings",
            json={"holdToken": token, "userId": "anna", "orderRef": "R-1",
                  "metadata": {"phone": "0123"}},
        )  # fmt: skip
        (told,) = await heard(service, receiver, secret)
        assert told["type"] == "booking.created"
        booking = {k: v for k, v in booked.json().items() if k != "metadata"}
        assert told["data"]["booking"] == booking
        assert told["data"]["bookingId"] == booking["id"]
        assert told["data"]["holdId"] == token[:34]
        assert told["data"]["booking"]["userId"] == "anna"
        assert told["timestamp"] == booking["createdAt"]
        changed = await service.client.post(
            f"/bookings/{booking['id']}/changes",
            json={"release": {"seats": ["A-1-2"]}, "take": {"seats": ["A-2-1"]}},
        )
        assert changed.status_code == 200, changed.text
        (told,) = await heard(service, receiver, secret)
        assert told["type"] == "booking.changed"
        assert told["data"]["released"] == {"seats": ["A-1-2"], "areas": {}}
        assert told["data"]["taken"] == {"seats": ["A-2-1"], "areas": {}}
        assert told["data"]["difference"] == "15.00"
        assert told["data"]["booking"]["seats"] == ["A-1-1", "A-2-1"]
        assert {*told["data"]["labels"]} == {"A-1-2", "A-2-1"}
        await service.client.post(f"/bookings/{booking['id']}/cancel", json={"reason": "ill"})
        (told,) = await heard(service, receiver, secret)
        assert told["type"] == "booking.cancelled"
        assert told["data"]["booking"]["status"] == "cancelled"
        assert told["data"]["seats"] == ["A-1-1", "A-2-1"]

    async def test_holds_that_change_or_end_and_blocks_are_told(
        self, service: Service, receiver: Receiver
    ) -> None:
        event = await on_sale(service)
        secret = (await subscribe(service, receiver))["secret"]
        token = (await hold(service, event, "A-1-1", "A-1-2")).json()["holdToken"]
        await service.client.patch(f"/holds/{token}", json={"remove": {"seats": ["A-1-2"]}})
        await service.client.post(f"/holds/{token}/extend")
        await service.client.delete(f"/holds/{token}")
        block = {"seats": ["A-3-1"], "reason": "for Mr. Smith"}
        await service.client.post(f"/events/{event}/blocks", json=block)
        await service.client.post(f"/events/{event}/blocks/release", json=block)
        told = await heard(service, receiver, secret)
        by_type = {each["type"]: each["data"] for each in told}
        in_time = sorted(told, key=lambda m: datetime.fromisoformat(m["timestamp"]))
        assert [*by_type] == [each["type"] for each in in_time]
        assert {*by_type} == {
            "hold.created", "hold.changed", "hold.released", "seats.blocked", "seats.unblocked",
        }  # fmt: skip
        assert by_type["hold.changed"]["released"] == {"seats": ["A-1-2"], "areas": {}}
        assert by_type["hold.released"]["seats"] == ["A-1-1"]
        assert by_type["seats.blocked"]["seats"] == ["A-3-1"]
        assert "Smith" not in str(told)

    async def test_an_expiry_is_told(self, service: Service, receiver: Receiver) -> None:
        event = await on_sale(service, hold_ttl_ms=1)
        secret = (await subscribe(service, receiver, "hold.expired"))["secret"]
        held = (await hold(service, event, "A-1-1")).json()
        log = await service.parts.seat_logs.get(event)
        while log.states.version == held["version"]:
            await log.sweep()
        (told,) = await heard(service, receiver, secret)
        assert (told["type"], told["data"]["seats"]) == ("hold.expired", ["A-1-1"])
        assert told["data"]["holdId"] == held["holdToken"][:34]

    async def test_the_last_seat_is_told_of(self, service: Service, receiver: Receiver) -> None:
        event = await on_sale(service)
        every = {"sections": ["A"], "areas": {"floor": 50}}
        secret = (await subscribe(service, receiver, "event.sold_out"))["secret"]
        blocked = await service.client.post(
            f"/events/{event}/blocks", json={"sections": ["A"], "areas": every["areas"]}
        )
        assert blocked.status_code == 200, blocked.text
        await service.client.post(f"/events/{event}/blocks/release", json={"seats": ["A-1-1"]})
        token = (await hold(service, event, "A-1-1")).json()["holdToken"]
        booked = await service.client.post("/bookings", json={"holdToken": token})
        (told,) = await heard(service, receiver, secret)
        assert told["type"] == "event.sold_out"
        assert told["data"] == {"eventId": event, "version": booked.json()["version"]}

    async def test_the_last_seat_is_told_of_again_when_it_was_given_back_and_sold_again(
        self, service: Service, receiver: Receiver
    ) -> None:
        event = await on_sale(service)
        block = {"sections": ["A"], "areas": {"floor": 50}}
        await service.client.post(f"/events/{event}/blocks", json=block)
        await service.client.post(f"/events/{event}/blocks/release", json={"seats": ["A-1-1"]})
        secret = (await subscribe(service, receiver, "event.sold_out"))["secret"]
        versions = []
        for _ in range(2):
            token = (await hold(service, event, "A-1-1")).json()["holdToken"]
            booked = (await service.client.post("/bookings", json={"holdToken": token})).json()
            versions.append(booked["version"])
            await service.client.post(f"/bookings/{booked['id']}/cancel")
        told = await heard(service, receiver, secret)
        assert {each["type"] for each in told} == {"event.sold_out"}
        assert sorted(each["data"]["version"] for each in told) == versions

    async def test_a_cancelled_event_is_told_once_and_by_whichever_way(
        self, service: Service, receiver: Receiver
    ) -> None:
        event = await on_sale(service)
        secret = (await subscribe(service, receiver, "event.cancelled"))["secret"]
        await service.client.patch(f"/events/{event}", json={"status": "paused"})
        await service.client.post(f"/events/{event}/cancel", json={"notify": False})
        await service.client.post(f"/events/{event}/cancel", json={"notify": False})
        (told,) = await heard(service, receiver, secret)
        assert told["type"] == "event.cancelled"
        assert told["data"] == {"eventId": event, "version": 3}

    async def test_nothing_that_opens_a_hold_or_names_a_person_is_told(
        self, service: Service, receiver: Receiver
    ) -> None:
        event = await on_sale(service)
        await subscribe(service, receiver)
        await service.client.post(
            "/users", json={"id": "anna", "name": "Anna Secret", "email": "anna@example.com"}
        )
        tokens = []
        for seat in ("A-1-1", "A-1-2"):
            held = await hold(service, event, seat)
            tokens.append(held.json()["holdToken"])
        buyer = service.client.cookies["buyer"]
        body = {"holdToken": tokens[0], "userId": "anna", "metadata": {"note": "window-seat"}}
        assert (await service.client.post("/bookings", json=body)).status_code == 201
        await work_off(service)
        said = b"".join(each.body for each in receiver.received).decode()
        assert len(receiver.received) == 3
        for secret in (*tokens, *(token[34:] for token in tokens), "Anna Secret", "anna@example",
                       buyer, buyer.split(".")[0], "window-seat"):  # fmt: skip
            assert secret not in said

    async def test_who_does_not_listen_costs_nothing(
        self, service: Service, receiver: Receiver
    ) -> None:
        event = await on_sale(service)
        await hold(service, event, "A-1-1")
        made = await subscribe(service, receiver, "booking.created")
        await hold(service, event, "A-1-2")
        async with service.parts.database.read() as connection:
            assert (await connection.execute(select(outbox))).all() == []
        await service.client.patch(f"/webhooks/{made['id']}", json={"types": ["*"]})
        await hold(service, event, "A-1-3")
        assert len(await heard(service, receiver, made["secret"])) == 1
        await service.client.patch(f"/webhooks/{made['id']}", json={"paused": True})
        await hold(service, event, "A-1-4")
        assert await heard(service, receiver, made["secret"]) == []

    async def test_a_great_block_is_named_in_part_and_counted_whole(
        self, service: Service, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert NAMED_MAX == 1_000
        monkeypatch.setattr("event_seating.booking.effects.webhook_messages.NAMED_MAX", 15)
        event = await on_sale(service)
        secret = (await subscribe(service, receiver))["secret"]
        await service.client.post(
            f"/events/{event}/blocks", json={"sections": ["A"], "areas": {"floor": 50}}
        )
        (told,) = await heard(service, receiver, secret)
        assert len(told["data"]["seats"]) == 15
        assert told["data"]["seatsLeftOut"] == 25
        assert told["data"]["areas"] == {"floor": 50}
        assert {*told["data"]["labels"]} == {*told["data"]["seats"], "floor"}

    @pytest.mark.shared_service
    @pytest.mark.parametrize(
        ("payload", "event_id", "why"),
        [
            ({}, "testevent001", "names no version"),
            ({"version": "7"}, "testevent001", "names no version"),
            ({"version": True}, "testevent001", "names no version"),
            ({"version": 0}, "testevent001", "names no version"),
            ({"version": 2**63}, "testevent001", "names no version"),
            ({"version": 1}, "nonsense", "names no version"),
            ({"version": 1}, "testevent001", "does not exist"),
            ({"version": 999}, None, "has no version 999"),
        ],
    )
    async def test_a_poisoned_job_fails_for_good(
        self, service: Service, payload: dict[str, Any], event_id: str | None, why: str
    ) -> None:
        event = await on_sale(service)
        parts = service.parts
        news = NewsJobs(parts.database, parts.bookable_events.get, parts.webhooks.add_messages)

        async def never(*_: Any) -> None:
            raise AssertionError("there is nothing to finish or report")

        poisoned = Job(
            "job-1", event if event_id is None else event_id, "webhook-news", payload, 1, False,
            never, never,
        )  # fmt: skip
        with pytest.raises(Dead, match=why):
            await news.spread(poisoned)


class TestDeliveries:
    async def test_a_test_is_sent_listed_and_sent_again(
        self, service: Service, receiver: Receiver
    ) -> None:
        made = await subscribe(service, receiver, "booking.created")
        path = f"/webhooks/{made['id']}"
        sent = await service.client.post(f"{path}/test")
        assert sent.status_code == 202
        delivery = sent.json()
        assert sent.headers["location"] == f"{path}/deliveries/{delivery['id']}"
        assert (delivery["status"], delivery["type"], delivery["eventId"]) == (
            "pending", "test", None,
        )  # fmt: skip
        (told,) = await heard(service, receiver, made["secret"])
        assert told == delivery["payload"]
        one = (await service.client.get(f"{path}/deliveries/{delivery['id']}")).json()
        assert (one["status"], one["attempts"], one["responseStatus"]) == ("delivered", 1, 200)
        assert one["payload"] == told
        (listed,) = (await service.client.get(f"{path}/deliveries?status=delivered")).json()[
            "items"
        ]
        assert "payload" not in listed
        assert (await service.client.get(f"{path}/deliveries?status=failed")).json()["items"] == []
        assert (await service.client.get(f"{path}/deliveries?status=lost")).status_code == 400
        again = await service.client.post(f"{path}/deliveries/{delivery['id']}/redeliver")
        assert (again.status_code, again.json()["id"]) == (202, delivery["id"])
        await work_off(service)
        assert receiver.received[0].headers["webhook-id"] == delivery["id"]

    async def test_a_list_is_paged(self, service: Service, receiver: Receiver) -> None:
        made = await subscribe(service, receiver)
        path = f"/webhooks/{made['id']}"
        sent = {(await service.client.post(f"{path}/test")).json()["id"] for _ in range(5)}
        first = (await service.client.get(f"{path}/deliveries?limit=3")).json()
        rest = (
            await service.client.get(f"{path}/deliveries?limit=3&cursor={first['nextCursor']}")
        ).json()
        assert rest["nextCursor"] is None
        assert {each["id"] for each in first["items"] + rest["items"]} == sent
        assert (await service.client.get(f"{path}/deliveries?cursor=x")).status_code == 400

    @pytest.mark.shared_service
    @pytest.mark.parametrize("id_", ["nothing", "job-" + "0" * 32, "%00", "a" * 300])
    async def test_a_delivery_that_is_not_there_is_404(
        self, service: Service, receiver: Receiver, id_: str
    ) -> None:
        path = f"/webhooks/{(await subscribe(service, receiver))['id']}/deliveries/{id_}"
        for method, place in (("GET", path), ("POST", f"{path}/redeliver")):
            missing = await service.client.request(method, place)
            code = "not_found" if id_ == "%00" else "delivery_not_found"
            assert (missing.status_code, missing.json()["code"]) == (404, code)

    async def test_a_paused_webhook_is_sent_nothing_again(
        self, service: Service, receiver: Receiver
    ) -> None:
        path = f"/webhooks/{(await subscribe(service, receiver))['id']}"
        delivery = (await service.client.post(f"{path}/test")).json()["id"]
        await service.client.patch(path, json={"paused": True})
        refused = await service.client.post(f"{path}/deliveries/{delivery}/redeliver")
        assert (refused.status_code, refused.json()["code"]) == (409, "webhook_paused")


async def test_every_type_is_named_when_one_is_wrong(service: Service) -> None:
    refused = await service.client.post("/webhooks", json=NEW | {"types": ["x"]})
    assert all(type_ in refused.json()["error"] for type_ in NEWS_TYPES)
