"""A price for staff: nobody without a key sees or gets it, wherever prices leave the server."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from tests.support.seating import seat_map
from tests.support.service import Service, in_process

pytestmark = [pytest.mark.anyio, pytest.mark.alike_on_both]

KEY = "an-admin-key-of-enough-characters"
WITH_KEY = {"authorization": f"Bearer {KEY}"}
HIDDEN = ("zeitung", "zeitungs-karte")

SALE: dict[str, Any] = {
    "venueId": "hall",
    "name": "Concert",
    "startsAt": "2096-10-02T07:06:40Z",
    "ticketTypes": {
        "adult": {"label": "Erwachsene"},
        "child": {"label": "Kinder"},
        "zeitung": {"label": "Zeitungs-Karte", "access": "staff"},
    },
    "defaultTicketType": "adult",
    "prices": {
        "1": {"adult": "45.00", "child": "20.00", "zeitung": "0.00"},
        "2": {"adult": "30.50", "zeitung": "0.00"},
    },
}


@pytest.fixture
async def service(environment: dict[str, str], database_url: str) -> AsyncIterator[Service]:
    """In production, on every backend, asked without a key unless one is sent."""
    changes: dict[str, Any] = {"app_env": "production", "admin_api_key": KEY, "log_dir": None}
    async with in_process(database_url=database_url, **changes) as running:
        yield running


@pytest.fixture
async def event(service: Service) -> str:
    body = msgspec.json.encode(seat_map())
    headers = WITH_KEY | {"content-type": "application/json"}
    made = await service.client.put("/venues/hall", content=body, headers=headers)
    assert made.is_success, made.text
    created = await service.client.post("/events", json=SALE, headers=WITH_KEY)
    assert created.status_code == 201, created.text
    assert created.json()["warnings"] == []
    return str(created.json()["id"])


async def hold(service: Service, event: str, key: bool = False, **body: Any) -> httpx.Response:
    headers = WITH_KEY if key else {}
    return await service.client.post(f"/events/{event}/holds", json=body, headers=headers)


def tells_nothing(answer: httpx.Response) -> bool:
    return not any(name in answer.text.lower() for name in HIDDEN)


async def test_no_place_where_prices_are_shown_names_it_to_others(
    service: Service, event: str
) -> None:
    raised = {"prices": {"1": {"adult": "46.00", "zeitung": "1.00"}}}
    changed = await service.client.patch(f"/events/{event}", json=raised, headers=WITH_KEY)
    assert changed.json()["prices"]["1"] == {"adult": "46.00", "zeitung": "1.00"}
    places = [
        f"/events/{event}", "/events", "/events?venueId=hall", f"/events/{event}/seats",
        f"/events/{event}/seats?format=compact", f"/events/{event}/seats/A-1-1",
        f"/events/{event}/changes?since=1", "/venues/hall", "/venues", "/venues/hall/versions/1",
        "/", f"/?event={event}", "/box-office",
    ]  # fmt: skip
    for _ in range(2):  # whoever asked before must leave nothing behind, in either direction
        for path in places:
            for headers in (WITH_KEY, {}):
                answer = await service.client.get(path, headers=headers)
                assert answer.status_code == 200, (path, answer.text)
                if headers:
                    continue
                assert tells_nothing(answer), path
    seen = (await service.client.get(f"/events/{event}", headers=WITH_KEY)).json()
    assert seen["ticketTypes"]["zeitung"] == {"label": "Zeitungs-Karte", "access": "staff"}
    seat = (await service.client.get(f"/events/{event}/seats/A-1-1", headers=WITH_KEY)).json()
    assert seat["prices"] == {"adult": "46.00", "zeitung": "1.00"}
    seat = (await service.client.get(f"/events/{event}/seats/A-1-1")).json()
    assert seat["prices"] == {"adult": "46.00"}


async def test_what_staff_is_answered_is_kept_for_nobody_else(service: Service, event: str) -> None:
    for path in (f"/events/{event}", "/events"):
        staffs = await service.client.get(path, headers=WITH_KEY)
        assert staffs.headers["cache-control"] == "private, no-store"
        assert "authorization" in staffs.headers["vary"]
        others = await service.client.get(path)
        assert others.headers["cache-control"] == "no-cache"
        assert "authorization" in others.headers["vary"]


async def test_nobody_else_gets_it_and_the_refusal_is_as_for_one_that_is_not_there(
    service: Service, event: str
) -> None:
    (await hold(service, event, seats=["A-4-4"])).raise_for_status()
    tries: list[dict[str, Any]] = [
        {"seats": ["A-1-1"], "ticketTypes": {"A-1-1": "zeitung"}},
        {"areas": {"floor": {"zeitung": 2}}},
        {"best": {"quantity": 2, "ticketType": "zeitung"}},
        {"best": {"quantity": {"zeitung": 1, "adult": 1}}},
    ]
    for body in tries:
        other = msgspec.json.decode(msgspec.json.encode(body).replace(b"zeitung", b"nosuch"))
        answers = [await hold(service, event, **each) for each in (body, other)]
        first, second = (answer.json() | {"requestId": ""} for answer in answers)
        assert first == second, body
        assert answers[0].status_code in {400, 409}
        assert tells_nothing(answers[0])


async def test_a_buyer_cannot_change_into_it_and_keeps_what_staff_gave(
    service: Service, event: str
) -> None:
    body = {"seats": ["A-1-1", "A-1-2"], "ticketTypes": {"A-1-1": "zeitung"}}
    held = await hold(service, event, key=True, **body)
    assert held.status_code == 201, held.text
    path = f"/holds/{held.json()['holdToken']}"
    change = {
        "remove": {"seats": ["A-1-2"]},
        "add": {"seats": ["A-1-3"]},
        "ticketTypes": {"A-1-3": "zeitung"},
    }
    refused = await service.client.patch(path, json=change)
    assert (refused.status_code, refused.json()["code"]) == (409, "seats_unavailable")
    assert refused.json()["seats"] == [{"seat": "A-1-3", "code": "not_on_sale"}]
    changed = await service.client.patch(path, json=change | {"ticketTypes": {"A-1-3": "child"}})
    assert changed.status_code == 200, changed.text
    lines = {line["seat"]: line["ticketType"] for line in changed.json()["lines"]}
    assert lines == {"A-1-1": "zeitung", "A-1-3": "child"}
    booking = await service.client.post(
        "/bookings",
        json={"holdToken": held.json()["holdToken"], "expectedTotal": "20.00"},
        headers=WITH_KEY,
    )
    assert booking.status_code == 201, booking.text
    assert booking.json()["total"] == "20.00"


async def test_the_box_office_sells_and_exchanges_at_every_price(
    service: Service, event: str
) -> None:
    sold = await service.client.post(
        "/bookings",
        json={"eventId": event, "seats": ["A-2-1"], "ticketTypes": {"A-2-1": "zeitung"}},
        headers=WITH_KEY,
    )
    assert (sold.status_code, sold.json()["total"]) == (201, "0.00")
    exchanged = await service.client.post(
        f"/bookings/{sold.json()['id']}/changes",
        json={"take": {"seats": ["A-2-2"]}, "ticketTypes": {"A-2-2": "zeitung"}},
        headers=WITH_KEY,
    )
    assert (exchanged.status_code, exchanged.json()["difference"]) == (200, "0.00")


async def test_what_names_no_type_takes_the_default_in_every_way(
    service: Service, event: str
) -> None:
    for body in (
        {"seats": ["A-1-1"]},
        {"areas": {"floor": 2}},
        {"best": {"quantity": 2}},
        {"best": {"quantity": {"adult": 1, "child": 1}}},
    ):
        held = await hold(service, event, **body)
        assert held.status_code == 201, held.text
        assert "adult" in {line["ticketType"] for line in held.json()["lines"]}


async def test_without_a_default_a_request_has_to_name_one_of_the_public_types(
    service: Service, event: str
) -> None:
    changed = await service.client.patch(
        f"/events/{event}", json={"defaultTicketType": None}, headers=WITH_KEY
    )
    assert [each["field"] for each in changed.json()["warnings"]] == ["defaultTicketType"]
    assert (await service.client.get(f"/events/{event}")).json()["defaultTicketType"] is None
    refused = await hold(service, event, seats=["A-1-1"])
    assert (refused.status_code, refused.json()["code"]) == (400, "ticket_type_missing")
    assert refused.json()["ticketTypes"] == ["adult", "child"]
    named = await hold(service, event, seats=["A-1-1"], ticketTypes={"A-1-1": "child"})
    assert named.status_code == 201, named.text


async def test_in_development_too_a_hold_without_a_key_gets_no_price_of_staff(
    environment: dict[str, str],
) -> None:
    async with in_process() as service:
        await service.client.put("/venues/hall", json=seat_map())
        made = await service.client.post("/events", json=SALE)
        assert made.status_code == 201, made.text
        event = made.json()["id"]
        body = {"seats": ["A-1-1"], "ticketTypes": {"A-1-1": "zeitung"}}
        assert (await hold(service, event, **body)).status_code == 409
        sold = {"eventId": event, **body}
        assert (await service.client.post("/bookings", json=sold)).status_code == 201


async def test_the_log_has_types_and_default(service: Service, event: str) -> None:
    answer = await service.client.get(f"/events/{event}/log", headers=WITH_KEY)
    configuration = answer.json()["items"][0]["entries"][0]["operations"][0]["configuration"]
    assert configuration["ticketTypes"]["zeitung"] == {"label": "Zeitungs-Karte", "access": "staff"}
    assert configuration["defaultTicketType"] == "adult"
