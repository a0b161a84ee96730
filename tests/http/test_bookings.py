"""Booking, changing, cancelling and blocking over HTTP."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text
from tests.support.seating import KEY, hold, on_sale, statuses
from tests.support.service import Service, in_process

from event_seating.booking.core.commands import Configure
from event_seating.booking.core.records import Configuration, SaleStatus
from event_seating.booking.seat_log.submission import Submission

pytestmark = pytest.mark.anyio


@pytest.fixture
async def event(service: Service) -> str:
    return await on_sale(service)


async def book(service: Service, event: str, *seats: str, **more: Any) -> httpx.Response:
    token = (await hold(service, event, *seats)).json()["holdToken"]
    return await service.client.post("/bookings", json={"holdToken": token, **more})


async def configure(service: Service, event: str, status: SaleStatus) -> None:
    log = await service.parts.seat_logs.get(event)
    before = log.states.configuration
    assert before is not None
    configuration = Configuration(currency="EUR", prices=before.prices, status=status)
    await log.submit(Submission(Configure(configuration)))


async def test_a_hold_becomes_a_booking(service: Service, event: str) -> None:
    user = {"id": "anna", "name": "Anna", "email": "anna@example.com"}
    await service.client.post("/users", json=user)
    answer = await book(
        service, event, "A-1-1", "A-1-2", userId="anna", orderRef="o-1", metadata={"till": 3}
    )
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["id"].startswith(event)
    assert (body["userId"], body["orderRef"], body["metadata"]) == ("anna", "o-1", {"till": 3})
    assert (body["seats"], body["total"], body["status"]) == (
        ["A-1-1", "A-1-2"],
        "90.00",
        "confirmed",
    )
    assert (await service.client.get(f"/bookings/{body['id']}")).json() == body
    assert (await statuses(service, event))["booked"] == 2


async def test_a_hold_is_booked_once(service: Service, event: str) -> None:
    token = (await hold(service, event, "A-1-1")).json()["holdToken"]
    first = await service.client.post("/bookings", json={"holdToken": token})
    again = await service.client.post("/bookings", json={"holdToken": token})
    assert (again.status_code, again.json()["code"]) == (409, "hold_booked")
    assert again.json()["booking"] == first.json()["id"]


async def test_the_same_call_again_gets_the_first_booking(service: Service, event: str) -> None:
    token = (await hold(service, event, "A-1-1")).json()["holdToken"]
    headers = {"idempotency-key": KEY}
    answers = [
        await service.client.post("/bookings", json={"holdToken": token}, headers=headers)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


async def test_a_hold_that_ran_out_cannot_be_read_but_is_booked_within_the_grace(
    service: Service,
) -> None:
    event = await on_sale(service, hold_ttl_ms=1)
    token = (await hold(service, event, "A-1-1")).json()["holdToken"]
    while (answer := await service.client.get(f"/holds/{token}")).status_code == 200:
        pass
    assert (answer.status_code, answer.json()["code"]) == (410, "hold_expired")
    extended = await service.client.post(f"/holds/{token}/extend")
    assert (extended.status_code, extended.json()["code"]) == (410, "hold_expired")
    assert (await service.client.post("/bookings", json={"holdToken": token})).status_code == 201


async def test_a_late_booking_does_not_take_what_somebody_else_has(service: Service) -> None:
    event = await on_sale(service, hold_ttl_ms=1)
    token = (await hold(service, event, "A-1-1")).json()["holdToken"]
    while (await service.client.get(f"/holds/{token}")).status_code == 200:
        pass
    await service.client.post("/bookings", json={"eventId": event, "seats": ["A-1-1"]})
    answer = await service.client.post("/bookings", json={"holdToken": token})
    assert (answer.status_code, answer.json()["code"]) == (410, "hold_expired")


async def test_without_a_grace_a_late_booking_is_refused(environment: dict[str, str]) -> None:
    async with in_process(booking_grace_s=0) as service:
        event = await on_sale(service, hold_ttl_ms=1)
        token = (await hold(service, event, "A-1-1")).json()["holdToken"]
        while (await service.client.get(f"/holds/{token}")).status_code == 200:
            pass
        answer = await service.client.post("/bookings", json={"holdToken": token})
        assert (answer.status_code, answer.json()["code"]) == (410, "hold_expired")


@pytest.mark.shared_service
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"holdToken": "nonsense"}, 404, "hold_not_found"),
        ({"eventId": "nonsense", "seats": ["A-1-1"]}, 404, "event_not_found"),
        ({"eventId": "EVENT"}, 400, "invalid_request"),
        ({"eventId": "EVENT", "seats": ["A-1-1"], "from": []}, 400, "invalid_request"),
        ({"eventId": "EVENT", "seats": ["A-1-1"], "from": ["held"]}, 400, "invalid_request"),
        ({"eventId": "EVENT", "seats": ["A-1-1"], "from": ["blocked"]}, 409, "seats_unavailable"),
        ({"eventId": "EVENT", "seats": ["A-1-1"], "userId": "nobody"}, 400, "unknown_user"),
        ({"eventId": "EVENT", "seats": ["A-1-1"], "userId": "a b"}, 400, "invalid_request"),
        ({"eventId": "EVENT", "seats": ["A-1-1"], "orderRef": "a\x00"}, 400, "invalid_request"),
        ({"eventId": "EVENT", "seats": ["A-1-1"], "orderRef": "a\n"}, 400, "invalid_request"),
        ({"eventId": "EVENT", "seats": ["A-1-1"], "metadata": {"a": "x" * 20_000}}, 400,
         "invalid_request"),
    ],
)  # fmt: skip
async def test_what_cannot_be_booked_is_refused_and_nothing_changes(
    service: Service, event: str, body: dict[str, Any], status: int, code: str
) -> None:
    if body.get("eventId") == "EVENT":
        body = {**body, "eventId": event}
    answer = await service.client.post("/bookings", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert (await statuses(service, event))["booked"] == 0


async def test_the_box_office_books_straight(service: Service, event: str) -> None:
    body = {"eventId": event, "seats": ["A-1-1"], "areas": {"floor": 2}}
    answer = await service.client.post("/bookings", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["areas"] == {"floor": 2}
    assert answer.json()["total"] == "106.00"


async def test_a_booking_is_cancelled_in_part_and_whole(service: Service, event: str) -> None:
    booking = (await book(service, event, "A-1-1", "A-1-2", "A-1-3")).json()
    url = f"/bookings/{booking['id']}"
    part = await service.client.post(f"{url}/cancel", json={"seats": ["A-1-1"], "reason": "ill"})
    assert part.status_code == 200, part.text
    assert (part.json()["seats"], part.json()["total"]) == (["A-1-2", "A-1-3"], "90.00")
    assert part.json()["status"] == "confirmed"
    whole = await service.client.post(f"{url}/cancel")
    assert whole.json()["status"] == "cancelled"
    assert (await service.client.get(url)).json() == whole.json()
    assert (await statuses(service, event))["available"] == 90
    again = await service.client.post(f"{url}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "already_cancelled")


async def test_seats_are_exchanged_in_one_step_with_the_difference(
    service: Service, event: str
) -> None:
    booking = (await book(service, event, "A-1-1", "A-1-2")).json()
    url = f"/bookings/{booking['id']}/changes"
    change = {"release": {"seats": ["A-1-1"]}, "take": {"areas": {"floor": 1}}}
    told = await service.client.post(f"{url}?dryRun=true", json=change)
    assert told.status_code == 200, told.text
    assert told.json() == {"dryRun": True, "difference": "-14.50", "currency": "EUR"}
    assert (await statuses(service, event))["booked"] == 2
    done = await service.client.post(url, json=change)
    assert done.json()["difference"] == "-14.50"
    assert (done.json()["seats"], done.json()["areas"]) == (["A-1-2"], {"floor": 1})
    await book(service, event, "A-2-1")
    refused = await service.client.post(
        url, json={"release": {"seats": ["A-1-2"]}, "take": {"seats": ["A-2-1"]}}
    )
    assert refused.status_code == 409
    read = await service.client.get(f"/bookings/{booking['id']}")
    assert read.json()["seats"] == ["A-1-2"]


@pytest.mark.shared_service
@pytest.mark.parametrize("booking", ["x", "abcdefghijkl" + "A" * 22, "ü", "x" * 300])
async def test_a_booking_that_is_not_there(service: Service, event: str, booking: str) -> None:
    for method, path in (("GET", ""), ("POST", "/cancel")):
        answer = await service.client.request(method, f"/bookings/{booking}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "booking_not_found")


async def test_seats_are_blocked_and_given_back(service: Service, event: str) -> None:
    await hold(service, event, "A-1-1")
    body = {"rows": [{"section": "A", "index": 1}], "areas": {"floor": 5}, "reason": "stage"}
    answer = await service.client.post(f"/events/{event}/blocks", json=body)
    assert answer.status_code == 200, answer.text
    applied = answer.json()["applied"]
    assert applied["seats"] == [f"A-1-{col}" for col in range(2, 11)]
    assert applied["areas"] == {"floor": 5}
    assert answer.json()["rejected"] == [{"seat": "A-1-1", "code": "held"}]
    assert (await hold(service, event, "A-1-2")).json()["seats"][0]["code"] == "blocked"
    back = await service.client.post(f"/events/{event}/blocks/release", json={"sections": ["A"]})
    assert back.status_code == 200, back.text
    assert (await statuses(service, event))["blocked"] == 5


@pytest.mark.shared_service
@pytest.mark.parametrize(
    "body",
    [{}, {"rows": [{"section": "A", "index": 99}]}, {"sections": ["Z"]}, {"categories": ["9"]},
     {"areas": {"balcony": 1}}, {"reason": "x" * 201, "seats": ["A-1-1"]}],
)  # fmt: skip
async def test_a_block_of_what_is_not_there_is_refused(
    service: Service, event: str, body: dict[str, Any]
) -> None:
    answer = await service.client.post(f"/events/{event}/blocks", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert "give back" not in answer.json()["error"]


async def test_a_block_of_which_nothing_can_be_done_says_why_of_each_seat(
    service: Service, event: str
) -> None:
    await hold(service, event, "A-1-1")
    before = (await service.client.get(f"/events/{event}/seats")).json()
    nothing = {"seats": [], "areas": {}}
    answer = await service.client.post(f"/events/{event}/blocks", json={"seats": ["A-1-1", "Z"]})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "version": before["version"],
        "applied": nothing,
        "rejected": [{"seat": "A-1-1", "code": "held"}, {"seat": "Z", "code": "unknown"}],
    }
    back = {"seats": ["A-1-2"], "areas": {"floor": 1}}
    answer = await service.client.post(f"/events/{event}/blocks/release", json=back)
    assert (answer.status_code, answer.json()["applied"]) == (200, nothing)
    assert answer.json()["rejected"] == [{"seat": "A-1-2", "code": "available"}]
    assert (await service.client.get(f"/events/{event}/seats")).json() == before


async def test_who_sends_a_hold_and_seats_is_asked_which(service: Service, event: str) -> None:
    token = (await hold(service, event, "A-1-1")).json()["holdToken"]
    for more in ({"eventId": event}, {"seats": ["A-1-2"]}, {"areas": {"floor": 1}}):
        answer = await service.client.post("/bookings", json={"holdToken": token, **more})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), more
        assert "not both" in answer.json()["error"]
    assert (await statuses(service, event))["booked"] == 0


@pytest.mark.parametrize("status", [SaleStatus.paused, SaleStatus.closed])
async def test_a_paused_event_takes_no_new_holds_and_books_old_ones(
    service: Service, event: str, status: SaleStatus
) -> None:
    token = (await hold(service, event, "A-1-1")).json()["holdToken"]
    await configure(service, event, status)
    refused = await hold(service, event, "A-1-2")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_on_sale")
    assert (await service.client.post("/bookings", json={"holdToken": token})).status_code == 201


async def test_a_cancelled_event_sells_nothing_and_its_bookings_can_be_cancelled(
    service: Service, event: str
) -> None:
    booking = (await book(service, event, "A-1-1")).json()
    await configure(service, event, SaleStatus.cancelled)
    refused = await hold(service, event, "A-1-2")
    assert (refused.status_code, refused.json()["code"]) == (409, "event_cancelled")
    assert (await service.client.get(f"/bookings/{booking['id']}")).json() == booking
    cancel = await service.client.post(f"/bookings/{booking['id']}/cancel")
    assert (cancel.status_code, cancel.json()["status"]) == (200, "cancelled")


async def test_no_name_of_a_buyer_is_in_the_log(service: Service, event: str) -> None:
    user = {"id": "anna", "name": "Anna", "email": "anna@example.com"}
    await service.client.post("/users", json=user)
    await book(service, event, "A-1-1", userId="anna", orderRef="order-of-anna")
    async with service.parts.database.read() as connection:
        rows = (await connection.execute(text("SELECT entries FROM seat_log"))).scalars().all()
    log = b"".join(bytes(row) for row in rows)
    assert b"anna" not in log
    assert b"192.0.2.1" not in log


async def test_a_booking_has_one_order_of_lines_everywhere(service: Service, event: str) -> None:
    seats = ["A-2-3", "A-1-2", "A-1-1"]
    held = await hold(service, event, seats=seats, ticketTypes={"A-1-2": "reduced"})  # type: ignore[arg-type]
    token = held.json()["holdToken"]
    booked = (await service.client.post("/bookings", json={"holdToken": token})).json()
    assert booked["seats"] == ["A-1-1", "A-2-3", "A-1-2"]
    assert (await service.client.get(f"/bookings/{booked['id']}")).json() == booked


async def test_a_users_bookings_look_the_user_up_once(service: Service, event: str) -> None:
    user = {"id": "anna", "name": "Anna", "email": "anna@example.com"}
    assert (await service.client.post("/users", json=user)).status_code == 201
    before = service.database_reads()
    for seat in ("A-1-1", "A-1-2", "A-1-3"):
        token = (await hold(service, event, seat)).json()["holdToken"]
        body = {"holdToken": token, "userId": "anna"}
        assert (await service.client.post("/bookings", json=body)).status_code == 201
    await service.client.get("/users/anna/bookings")
    assert service.database_reads() == before, "the cache knows the user"
    assert (await service.client.delete("/cache")).status_code == 200
    token = (await hold(service, event, "A-1-4")).json()["holdToken"]
    body = {"holdToken": token, "userId": "anna"}
    assert (await service.client.post("/bookings", json=body)).status_code == 201
    assert service.database_reads() == before + 1


async def test_places_of_an_area_that_are_cancelled_are_free_again(service: Service) -> None:
    event = await on_sale(service, floor=3)
    held = await hold(service, event, areas={"floor": 3})
    booked = await service.client.post("/bookings", json={"holdToken": held.json()["holdToken"]})
    assert (await hold(service, event, areas={"floor": 1})).status_code == 409
    url = f"/bookings/{booked.json()['id']}/cancel"
    part = await service.client.post(url, json={"areas": {"floor": 2}})
    assert (part.status_code, part.json()["areas"]) == (200, {"floor": 1}), part.text
    assert (await hold(service, event, areas={"floor": 3})).status_code == 409
    assert (await hold(service, event, areas={"floor": 2})).status_code == 201
    assert (await service.client.post(url)).status_code == 200
    assert (await hold(service, event, areas={"floor": 1})).status_code == 201
