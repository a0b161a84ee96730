"""An event is cancelled: nobody is left behind with a hold or a booking, and all are told."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from tests.support.jobs_by_hand import asked, job
from tests.support.seating import hold, on_sale, statuses
from tests.support.service import Service

from event_seating.booking.effects.cancelled_events import CANCEL_EVENT, ROW_MAX, CancelledEvents
from event_seating.jobs.ends import Dead

pytestmark = pytest.mark.anyio

TOLD = {"notify": True, "reason": "The singer is ill."}


async def sold(service: Service, event: str, *seats: str, **more: Any) -> str:
    held = await hold(service, event, *seats)
    body = {"holdToken": held.json()["holdToken"], **more}
    booked = await service.client.post("/bookings", json=body)
    assert booked.status_code == 201, booked.text
    return str(booked.json()["id"])


async def cancel(service: Service, event: str, body: Mapping[str, Any] = TOLD) -> httpx.Response:
    return await service.client.post(f"/events/{event}/cancel", json=body)


async def asked_for(service: Service, name: str) -> list[dict[str, Any]]:
    """The payloads of all jobs of this name that wait."""
    waiting = await asked(service.parts.database)
    return [json.loads(payload) for _, its_name, _, payload in waiting if its_name == name]


async def wind_up(
    service: Service, event: str, row_max: int = ROW_MAX, **payload: Any
) -> dict[str, Any]:
    """What a job process does with the job."""
    winding = CancelledEvents(service.parts.seat_logs.get, sends_mail=True, row_max=row_max)
    given = {"notify": True, "reason": None, "actor": None, **payload}
    done: dict[str, Any] = await winding.handlers()[CANCEL_EVENT](job(CANCEL_EVENT, given, event))
    return done


async def test_everything_held_and_booked_is_given_back_with_a_mail_each(
    service: Service,
) -> None:
    event = await on_sale(service)
    bookings = [await sold(service, event, f"A-1-{seat}") for seat in range(1, 6)]
    for seat in range(1, 4):
        await hold(service, event, f"A-2-{seat}")
    answer = await cancel(service, event)
    assert answer.status_code == 202
    assert answer.json()["name"] == CANCEL_EVENT
    assert answer.headers["location"] == f"/jobs/{answer.json()['id']}"
    assert (await service.client.get(f"/events/{event}")).json()["status"] == "cancelled"
    (payload,) = await asked_for(service, CANCEL_EVENT)
    assert payload == {**TOLD, "actor": "anonymous"}
    before = (await service.client.get(f"/events/{event}/log")).json()["items"]

    done = await wind_up(service, event, row_max=2, reason=TOLD["reason"])
    assert done == {"holdsReleased": 3, "bookingsCancelled": 5}
    assert await statuses(service, event) == {
        "available": 90,
        "held": 0,
        "booked": 0,
        "blocked": 0,
    }
    for booking in bookings:
        found = (await service.client.get(f"/bookings/{booking}")).json()
        assert found["status"] == "cancelled"
        assert len(found["lines"]) == 1
    mails = await asked_for(service, "booking-cancelled")
    assert {mail["bookingId"] for mail in mails} == set(bookings)
    assert {mail["reason"] for mail in mails} == {TOLD["reason"]}
    log = (await service.client.get(f"/events/{event}/log?limit=200")).json()["items"]
    rows = log[len(before) :]
    assert max(len(row["entries"][0]["operations"]) for row in rows) == 2
    assert {
        operation.get("reasonCode")
        for row in rows
        for entry in row["entries"]
        for operation in entry["operations"]
        if operation["type"] == "cancel"
    } == {"event_cancelled"}
    assert TOLD["reason"] not in str(log), "no text that somebody wrote is in the log"


async def test_a_job_that_is_repeated_finds_nothing_more(service: Service) -> None:
    event = await on_sale(service)
    await sold(service, event, "A-1-1")
    await cancel(service, event)
    assert (await wind_up(service, event))["bookingsCancelled"] == 1
    again = await cancel(service, event)
    assert again.status_code == 202
    assert len(await asked_for(service, CANCEL_EVENT)) == 2
    assert await wind_up(service, event) == {"holdsReleased": 0, "bookingsCancelled": 0}
    assert len(await asked_for(service, "booking-cancelled")) == 1


async def test_a_change_of_status_does_the_same_and_sends_no_mail(service: Service) -> None:
    event = await on_sale(service)
    booking = await sold(service, event, "A-1-1")
    changed = await service.client.patch(f"/events/{event}", json={"status": "cancelled"})
    assert changed.status_code == 200
    (payload,) = await asked_for(service, CANCEL_EVENT)
    assert payload["notify"] is False
    await wind_up(service, event, notify=False)
    found = (await service.client.get(f"/bookings/{booking}")).json()
    assert found["status"] == "cancelled"
    assert await asked_for(service, "booking-cancelled") == []


async def test_nothing_more_is_held_or_booked_and_the_refusal_says_so(service: Service) -> None:
    event = await on_sale(service)
    held = await hold(service, event, "A-1-1")
    await cancel(service, event)
    token = held.json()["holdToken"]
    for answer in (
        await hold(service, event, "A-1-2"),
        await service.client.post("/bookings", json={"holdToken": token}),
        await service.client.post(f"/holds/{token}/extend"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "event_cancelled")


async def test_giving_back_succeeds_before_the_job_and_after_it(service: Service) -> None:
    event = await on_sale(service)
    booking = await sold(service, event, "A-1-1", "A-1-2")
    held = await hold(service, event, "A-2-1")
    other = await hold(service, event, "A-2-2")
    await cancel(service, event)
    token = held.json()["holdToken"]
    assert (await service.client.delete(f"/holds/{token}")).status_code == 204
    part = await service.client.post(f"/bookings/{booking}/cancel", json={"seats": ["A-1-1"]})
    assert (part.status_code, part.json()["seats"]) == (200, ["A-1-2"])
    await wind_up(service, event)
    for each in (token, other.json()["holdToken"]):
        assert (await service.client.delete(f"/holds/{each}")).status_code == 204
    for body in ({}, {"seats": ["A-1-2"]}):
        again = await service.client.post(f"/bookings/{booking}/cancel", json=body)
        assert (again.status_code, again.json()["status"]) == (200, "cancelled")


async def test_of_an_event_on_sale_it_is_refused_as_before(service: Service) -> None:
    event = await on_sale(service)
    booking = await sold(service, event, "A-1-1")
    await service.client.post(f"/bookings/{booking}/cancel", json={})
    again = await service.client.post(f"/bookings/{booking}/cancel", json={})
    assert (again.status_code, again.json()["code"]) == (409, "already_cancelled")
    with pytest.raises(Dead, match="not cancelled"):
        await wind_up(service, event)


@pytest.mark.shared_service
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "notify"),
        ({"notify": "yes"}, "notify"),
        ({"notify": True, "reason": "x" * 501}, "reason"),
        ({"notify": True, "reason": "two\nlines"}, "reason"),
        ({"notify": True, "why": "x"}, "why"),
    ],
)
async def test_a_bad_body_is_refused_and_cancels_nothing(
    service: Service, body: dict[str, Any], field: str
) -> None:
    event = await on_sale(service)
    answer = await cancel(service, event, body)
    assert answer.status_code == 400
    assert answer.json()["fields"][0]["field"] == field
    assert (await service.client.get(f"/events/{event}")).json()["status"] == "on_sale"
    assert await asked_for(service, CANCEL_EVENT) == []


async def test_an_event_that_is_not_there_is_404(service: Service) -> None:
    assert (await cancel(service, "aaaabbbbcccc")).status_code == 404
    assert (await cancel(service, "no-id")).status_code == 404
    with pytest.raises(Dead, match="no such event"):
        await wind_up(service, "aaaabbbbcccc")
