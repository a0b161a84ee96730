"""Holding seats over HTTP."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from tests.support.seating import KEY, hold, on_sale, statuses
from tests.support.service import Service, in_process

from event_seating.booking.core.commands import Choice, PlaceHold
from event_seating.booking.seat_log import state_snapshots
from event_seating.booking.seat_log.sql_store import SqlLogStore
from event_seating.booking.seat_log.submission import Submission
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating import ids
from event_seating.booking.seating.ids import Tokens
from event_seating.clock import SystemClock
from event_seating.db import secrets

pytestmark = pytest.mark.anyio


@pytest.fixture
async def event(service: Service) -> str:
    return await on_sale(service)


def seconds_left(expires_at: str) -> float:
    return (datetime.fromisoformat(expires_at) - datetime.now(UTC)).total_seconds()


async def test_a_hold_has_its_token_lines_and_total(service: Service, event: str) -> None:
    answer = await hold(
        service,
        event,
        seats=["A-1-1", "A-1-2"],
        areas={"floor": 2},
        ticketTypes={"A-1-2": "reduced"},  # type: ignore[arg-type]
    )
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["seats"] == ["A-1-1", "A-1-2"]
    assert body["areas"] == {"floor": 2}
    assert body["total"] == "136.00"
    assert body["currency"] == "EUR"
    assert body["version"] == 2
    assert 500 < seconds_left(body["expiresAt"]) < 602
    assert sorted(body["lines"], key=str) == sorted(
        [
            {"seat": "A-1-1", "label": "Section A, row 1, seat 1", "category": "1",
             "ticketType": "standard", "price": "45.00"},
            {"seat": "A-1-2", "label": "Section A, row 1, seat 2", "category": "1",
             "ticketType": "reduced", "price": "30.00"},
            {"area": "floor", "quantity": 2, "label": "Floor", "category": "2",
             "ticketType": "standard", "price": "30.50"},
        ],
        key=str,
    )  # fmt: skip
    read = await service.client.get(f"/holds/{body['holdToken']}")
    assert read.json() == body
    assert read.headers["cache-control"] == "private, no-store"


async def test_a_token_may_come_in_a_header(service: Service, event: str) -> None:
    token = (await hold(service, event, "A-1-1")).json()["holdToken"]
    answer = await service.client.get("/holds/current", headers={"seat-hold-token": token})
    assert answer.status_code == 200
    assert (await service.client.get("/holds/current")).status_code == 404


async def test_a_seat_that_is_held_is_not_held_twice(service: Service, event: str) -> None:
    await hold(service, event, "A-1-1")
    answer = await hold(service, event, "A-1-1", "A-1-2")
    assert (answer.status_code, answer.json()["code"]) == (409, "seats_unavailable")
    assert answer.json()["seats"] == [{"seat": "A-1-1", "code": "held"}]
    assert (await statuses(service, event))["held"] == 1


@pytest.mark.shared_service
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"seats": []}, 400, "invalid_request"),
        ({"seats": ["A-1-1", "A-1-1"]}, 400, "invalid_request"),
        ({"seats": ["nowhere"]}, 409, "seats_unavailable"),
        ({"seats": [1]}, 400, "invalid_request"),
        ({"seats": "A-1-1"}, 400, "invalid_request"),
        ({"seats": ["A-1-1"], "colour": "red"}, 400, "invalid_request"),
        ({"seats": [f"A-1-{col}" for col in range(1, 10)]}, 422, "too_many_seats"),
        ({"areas": {"floor": 0}}, 400, "invalid_request"),
        ({"areas": {"floor": -1}}, 400, "invalid_request"),
        ({"areas": {"balcony": 1}}, 400, "invalid_request"),
        ({"areas": {"floor": {"standard": 2, "student": 1}}}, 409, "seats_unavailable"),
        ({"seats": ["A-1-1"], "ticketTypes": {"A-1-1": "student"}}, 409, "seats_unavailable"),
        ({"seats": ["A-1-1"], "ticketTypes": {"A-1-2": "reduced"}}, 400, "invalid_request"),
        ({"best": {"quantity": 0}}, 400, "invalid_request"),
        ({"best": {"quantity": 2}, "seats": ["A-1-1"]}, 400, "invalid_request"),
        ({"best": {"quantity": {}}}, 400, "invalid_request"),
        ({"best": {"quantity": {"standard": 0}}}, 400, "invalid_request"),
        ({"best": {"quantity": {"a b": 1}}}, 400, "invalid_request"),
        ({"best": {"quantity": {"standard": 900, "reduced": 900}}}, 400, "invalid_request"),
        ({"best": {"quantity": {"reduced": 1}, "ticketType": "reduced"}}, 400, "invalid_request"),
        ({"best": {"quantity": {"standard": 1, "student": 1}}}, 400, "unknown_ticket_type"),
        ({"best": {"quantity": {"standard": 5, "reduced": 5}}}, 422, "too_many_seats"),
        ({"best": {"quantity": 2, "sections": ["Z"]}}, 400, "invalid_request"),
        ({"best": {"quantity": 2, "maxPrice": "cheap"}}, 400, "invalid_request"),
        ({"best": {"quantity": 2, "maxPrice": "1.00"}}, 409, "sold_out"),
        ({"best": {"quantity": 2, "ticketType": "student"}}, 400, "unknown_ticket_type"),
        ({"seats": ["A-1-1"], "buyerRef": "me"}, 400, "invalid_request"),
    ],
)
async def test_what_cannot_be_held_is_refused_and_nothing_changes(
    service: Service, event: str, body: dict[str, object], status: int, code: str
) -> None:
    answer = await service.client.post(f"/events/{event}/holds", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["error"]
    assert (await statuses(service, event))["held"] == 0


async def test_more_places_than_an_area_has_are_refused(service: Service) -> None:
    event = await on_sale(service, max_seats_per_hold=100, max_held_seats_per_buyer=100)
    answer = await hold(service, event, areas={"floor": 51})
    assert (answer.status_code, answer.json()["code"]) == (409, "sold_out")
    assert answer.json()["areas"] == [{"area": "floor", "code": "sold_out", "left": 50}]


async def test_the_best_block_is_found(service: Service, event: str) -> None:
    body = (await hold(service, event, best={"quantity": 4})).json()
    rows = {seat.rsplit("-", 1)[0] for seat in body["seats"]}
    cols = sorted(int(seat.rsplit("-", 1)[1]) for seat in body["seats"])
    assert len(rows) == 1
    assert cols == list(range(cols[0], cols[0] + 4))


async def test_the_best_block_for_a_family_has_a_ticket_type_a_seat(
    service: Service, event: str
) -> None:
    wanted = {"quantity": {"standard": 1, "reduced": 2}}
    body = (await hold(service, event, best=wanted)).json()
    by_seat = {line["seat"]: (line["ticketType"], line["price"]) for line in body["lines"]}
    assert [by_seat[seat] for seat in body["seats"]] == [
        ("standard", "45.00"),
        ("reduced", "30.00"),
        ("reduced", "30.00"),
    ]
    assert body["total"] == "105.00"


async def test_a_single_seat_left_over_is_refused_with_a_choice_that_would_do(
    service: Service,
) -> None:
    event = await on_sale(service, allow_orphans=False)
    answer = await hold(service, event, "A-1-2", "A-1-3")
    assert (answer.status_code, answer.json()["code"]) == (422, "orphan_seat")
    suggestion = answer.json()["suggestion"]
    assert (await hold(service, event, *suggestion)).status_code == 201


async def test_a_hold_is_changed_extended_and_given_back(service: Service, event: str) -> None:
    first = (await hold(service, event, "A-1-1", "A-1-2")).json()
    url = f"/holds/{first['holdToken']}"
    changed = await service.client.patch(
        url,
        json={"add": {"seats": ["A-1-3"], "areas": {"floor": 1}}, "remove": {"seats": ["A-1-1"]}},
    )
    assert changed.status_code == 200, changed.text
    assert (changed.json()["seats"], changed.json()["areas"]) == (["A-1-2", "A-1-3"], {"floor": 1})
    assert changed.json()["expiresAt"] == first["expiresAt"]
    extended = await service.client.post(f"{url}/extend")
    assert extended.status_code == 200
    later, before = (datetime.fromisoformat(each["expiresAt"]) for each in (extended.json(), first))
    assert later > before
    assert (await service.client.delete(url)).status_code == 204
    gone = await service.client.get(url)
    assert (gone.status_code, gone.json()["code"]) == (410, "hold_released")
    assert (await statuses(service, event))["available"] == 90


@pytest.mark.shared_service
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"add": {}}, "add.seats"),
        ({"add": {"areas": {"balcony": 1}}}, "add.areas.balcony"),
        ({"remove": {"seats": ["A-1-1", "A-1-1"]}}, "remove.seats"),
        ({"remove": {"areas": {"balcony": 1}}}, "remove.areas.balcony"),
        ({"add": {"seats": ["A-1-2"]}, "ticketTypes": {"A-1-1": "reduced"}}, "ticketTypes.A-1-1"),
    ],
)
async def test_a_fault_of_a_change_is_named_by_where_it_stands(
    service: Service, event: str, body: dict[str, object], field: str
) -> None:
    token = (await hold(service, event, "A-1-1")).json()["holdToken"]
    answer = await service.client.patch(f"/holds/{token}", json=body)
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (400, field), answer.text


async def test_a_change_is_all_or_nothing(service: Service, event: str) -> None:
    await hold(service, event, "A-2-1")
    first = (await hold(service, event, "A-1-1")).json()
    url = f"/holds/{first['holdToken']}"
    answer = await service.client.patch(
        url, json={"add": {"seats": ["A-1-2", "A-2-1"]}, "remove": {"seats": ["A-1-1"]}}
    )
    assert answer.status_code == 409
    assert (await service.client.get(url)).json()["seats"] == ["A-1-1"]


@pytest.mark.shared_service
@pytest.mark.parametrize("token", ["x", "x" * 56, "current", "ü", "a" * 200])
async def test_a_token_that_is_none_is_not_found(service: Service, event: str, token: str) -> None:
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/extend")):
        answer = await service.client.request(method, f"/holds/{token}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "hold_not_found")


async def test_a_token_whose_signature_is_wrong_is_not_found(service: Service, event: str) -> None:
    token = (await hold(service, event, "A-1-1")).json()["holdToken"]
    for position in (5, 20, 40, len(token) - 1):
        other = "A" if token[position] != "A" else "B"
        forged = token[:position] + other + token[position + 1 :]
        assert (await service.client.delete(f"/holds/{forged}")).status_code == 404
    assert (await statuses(service, event))["held"] == 1


@pytest.mark.shared_service
@pytest.mark.parametrize("event", ["x", "abcdefghijkl", "ü", "a" * 100])
async def test_holding_in_an_event_that_is_not_there(service: Service, event: str) -> None:
    answer = await hold(service, event, "A-1-1")
    assert (answer.status_code, answer.json()["code"]) == (404, "event_not_found")


class TestRepeatedCalls:
    async def test_the_same_call_again_gets_the_first_answer_with_its_token(
        self, service: Service, event: str
    ) -> None:
        url, headers = f"/events/{event}/holds", {"idempotency-key": KEY}
        first = await service.client.post(url, json={"seats": ["A-1-1"]}, headers=headers)
        again = await service.client.post(url, json={"seats": ["A-1-1"]}, headers=headers)
        assert first.status_code == again.status_code == 201
        assert first.json() == again.json()
        assert again.headers["idempotency-replayed"] == "true"
        assert "idempotency-replayed" not in first.headers
        assert (await statuses(service, event))["held"] == 1

    async def test_no_token_is_stored(self, service: Service, event: str) -> None:
        headers = {"idempotency-key": KEY}
        url = f"/events/{event}/holds"
        answer = await service.client.post(url, json={"seats": ["A-1-1"]}, headers=headers)
        token = answer.json()["holdToken"]
        async with service.parts.database.read() as connection:
            stored = (await connection.execute(text("SELECT answer FROM idempotency"))).scalar_one()
        assert token.encode() not in bytes(stored)
        assert token[34:].encode() not in bytes(stored)

    async def test_a_key_with_another_request_is_refused(
        self, service: Service, event: str
    ) -> None:
        url, headers = f"/events/{event}/holds", {"idempotency-key": KEY}
        await service.client.post(url, json={"seats": ["A-1-1"]}, headers=headers)
        answer = await service.client.post(url, json={"seats": ["A-1-2"]}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")

    @pytest.mark.shared_service
    @pytest.mark.parametrize("key", ["short", "x" * 256, "ü" * 30])
    async def test_a_key_that_somebody_else_could_guess_is_refused(
        self, service: Service, event: str, key: str
    ) -> None:
        url, headers = f"/events/{event}/holds", {"idempotency-key": key.encode()}
        answer = await service.client.post(url, json={"seats": ["A-1-1"]}, headers=headers)
        assert answer.status_code == 400


class TestLimits:
    @pytest.fixture
    async def limited(self, environment: dict[str, str]) -> AsyncIterator[Service]:
        async with in_process(rate_limits="5/10s", seating_rate_limits="3/10s") as service:
            yield service

    async def test_picking_seats_has_a_budget_of_its_own(self, limited: Service) -> None:
        event = await on_sale(limited)
        await hold(limited, event, "A-1-1")
        for seat in ("A-1-2", "A-1-3", "A-1-4"):
            answer = await hold(limited, event, seat)
            assert answer.status_code == 201
            assert answer.headers["ratelimit-policy"] == '"default";q=3;w=10'
        assert (await hold(limited, event, "A-1-5")).status_code == 429
        assert (await limited.client.get("/users/1")).status_code == 404

    async def test_an_address_has_ten_times_that(self, limited: Service) -> None:
        event = await on_sale(limited)  # one call of the same budget
        for number in range(1, 32):
            limited.client.cookies.clear()
            answer = await limited.client.get("/holds/nothing")
            assert answer.status_code == (404 if number < 30 else 429)
        assert event


async def test_one_list_says_what_is_wrong_with_each_seat(service: Service, event: str) -> None:
    await hold(service, event, "A-1-1")
    answer = await hold(service, event, "A-1-1", "Z-9-9", "A-1-2", "Z-9-8")
    assert (answer.status_code, answer.json()["code"]) == (409, "seats_unavailable")
    assert answer.json()["seats"] == [
        {"seat": "A-1-1", "code": "held"},
        {"seat": "Z-9-9", "code": "unknown"},
        {"seat": "Z-9-8", "code": "unknown"},
    ]
    assert (await statuses(service, event))["held"] == 1


async def test_a_change_names_the_seats_that_the_map_does_not_have(
    service: Service, event: str
) -> None:
    token = (await hold(service, event, "A-1-1")).json()["holdToken"]
    change = {"add": {"seats": ["A-1-2", "Z-9-9"]}, "ticketTypes": {"Z-9-9": "reduced"}}
    answer = await service.client.patch(f"/holds/{token}", json=change)
    assert answer.json()["seats"] == [{"seat": "Z-9-9", "code": "unknown"}]
    change = {"remove": {"seats": ["Z-9-9", "A-1-2"]}}
    answer = await service.client.patch(f"/holds/{token}", json=change)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_in_hold")
    assert answer.json()["seats"] == [
        {"seat": "Z-9-9", "code": "unknown"},
        {"seat": "A-1-2", "code": "available"},
    ]


async def test_the_metrics_count_holds_by_what_became_of_them(service: Service, event: str) -> None:
    token = (await hold(service, event, "A-1-1")).json()["holdToken"]
    await hold(service, event, "A-1-1")
    await service.client.post("/bookings", json={"holdToken": token})
    lines = (await service.client.get("/metrics")).text.splitlines()
    assert 'seat_holds_total{outcome="granted"} 1.0' in lines
    assert 'seat_holds_total{outcome="seats_unavailable"} 1.0' in lines
    assert 'seat_bookings_total{outcome="granted"} 1.0' in lines
    assert "seat_log_batch_size_count 3.0" in lines
    assert "seat_events_loaded 1.0" in lines


async def test_a_hold_that_another_instance_placed_is_found(service: Service, event: str) -> None:
    logs = service.parts.seat_logs
    here = await logs.get(event)
    index, store = here.states.index, SqlLogStore(service.parts.database)
    states = await state_snapshots.load(event, index, store, grace_ms=60_000)
    there = SeatLog(event, states, store, SystemClock())
    key = ids.new_key()
    request = PlaceHold(key, Choice((0,)), b"buyer")
    await there.submit(Submission(request))
    token = Tokens(await secrets.secret(service.parts.database, "server")).of(event, key)
    answer = await service.client.get(f"/holds/{token}")
    assert (answer.status_code, answer.json().get("seats")) == (200, ["A-1-1"])


@pytest.mark.parametrize(
    "change",
    [
        {"status": "paused"},
        {"status": "closed"},
        {"salesStart": "2001-01-01T00:00:00Z", "salesEnd": "2002-01-01T00:00:00Z"},
    ],
    ids=["paused", "closed", "window ended"],
)
async def test_what_was_held_before_a_sale_ends_is_read_reduced_and_booked_and_grows_no_more(
    service: Service, event: str, change: dict[str, str]
) -> None:
    held = (await hold(service, event, "A-1-1", "A-1-2", "A-1-3")).json()
    url = f"/holds/{held['holdToken']}"
    assert (await service.client.patch(f"/events/{event}", json=change)).status_code == 200
    assert (await service.client.get(url)).json()["expiresAt"] == held["expiresAt"]
    more = await service.client.patch(url, json={"add": {"seats": ["A-1-4"]}})
    assert (more.status_code, more.json()["code"]) == (409, "not_on_sale")
    less = await service.client.patch(url, json={"remove": {"seats": ["A-1-3"]}})
    assert (less.status_code, less.json()["expiresAt"]) == (200, held["expiresAt"])
    body = {"holdToken": held["holdToken"], "expectedTotal": less.json()["total"]}
    booked = await service.client.post("/bookings", json=body)
    assert (booked.status_code, booked.json()["seats"]) == (201, ["A-1-1", "A-1-2"])


async def test_a_change_that_fails_leaves_the_time_as_it_was(service: Service, event: str) -> None:
    await hold(service, event, "A-2-1")
    held = (await hold(service, event, "A-1-1")).json()
    url = f"/holds/{held['holdToken']}"
    for add in ({"seats": ["A-2-1"]}, {"seats": ["nowhere"]}, {"areas": {"floor": 51}}):
        answer = await service.client.patch(url, json={"add": add})
        assert answer.status_code in {400, 409, 422}, answer.text
        assert (await service.client.get(url)).json()["expiresAt"] == held["expiresAt"]


async def test_a_full_area_keeps_nobody_from_the_seats(service: Service) -> None:
    event = await on_sale(service, floor=5)
    full = await hold(service, event, areas={"floor": 5})
    assert full.status_code == 201, full.text
    both = await hold(service, event, seats=["A-1-1"], areas={"floor": 1})
    assert (both.status_code, both.json()["areas"]) == (
        409,
        [{"area": "floor", "code": "sold_out", "left": 0}],
    )
    assert (await hold(service, event, "A-1-1")).status_code == 201
    best = await hold(service, event, best={"quantity": 2})
    assert (best.status_code, len(best.json()["seats"])) == (201, 2)


async def test_of_two_hundred_who_want_the_last_seat_one_gets_it(service: Service) -> None:
    event = await on_sale(service, floor=1)
    await service.client.post(f"/events/{event}/blocks", json={"sections": ["A"]})
    answers = await asyncio.gather(*(hold(service, event, areas={"floor": 1}) for _ in range(200)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 199}
    assert (await statuses(service, event))["held"] == 1
