"""A hold that is paid: frozen, thawed, and booked only as what was paid for."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import pytest
from tests.support.seating import KEY, hold, on_sale_by, statuses
from tests.support.service import Service, in_process

pytestmark = pytest.mark.anyio

STAFF_KEY = "the-key-of-the-box-office"
STAFF = {"authorization": f"Bearer {STAFF_KEY}"}
CURRENT = "/holds/current"


@pytest.fixture
async def service(environment: dict[str, str]) -> AsyncIterator[Service]:
    """A server with a key: who calls without it is a buyer, who has it is the shop."""
    async with in_process(admin_api_key=STAFF_KEY) as made:
        yield made


@pytest.fixture
async def event(service: Service) -> str:
    return await on_sale_by(service, STAFF_KEY)


@pytest.fixture
async def token(service: Service, event: str) -> str:
    return str((await hold(service, event, "A-1-1")).json()["holdToken"])


async def change(service: Service, token: str, *seats: str, **more: Any) -> httpx.Response:
    body = {"add": {"seats": list(seats)}}
    return await service.client.patch(f"/holds/{token}", json=body, **more)


async def checkout(service: Service, token: str, **more: Any) -> httpx.Response:
    return await service.client.post(f"/holds/{token}/checkout", **more)


async def thaw(service: Service, token: str, **more: Any) -> httpx.Response:
    return await service.client.delete(f"/holds/{token}/checkout", **more)


async def read(service: Service, token: str) -> dict[str, Any]:
    answer = await service.client.get(f"/holds/{token}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def book(service: Service, token: str, **expected: Any) -> httpx.Response:
    body = {"holdToken": token, **expected}
    return await service.client.post("/bookings", json=body, headers=STAFF)


def said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def seconds_between(first: dict[str, Any], second: dict[str, Any]) -> float:
    earlier, later = (datetime.fromisoformat(each["expiresAt"]) for each in (first, second))
    return (later - earlier).total_seconds()


async def test_what_a_buyer_adds_while_the_shop_takes_the_money_is_not_booked(
    service: Service, event: str, token: str
) -> None:
    paid = (await read(service, token))["total"]
    await change(service, token, "A-1-2", "A-1-3", "A-1-4", "A-1-5")
    unsaid = await book(service, token)
    assert said(unsaid) == (400, "expectation_missing"), unsaid.text
    answer = await book(service, token, expectedTotal=paid)
    assert said(answer) == (409, "total_changed")
    present = await read(service, token)
    told = answer.json()
    assert {name: told[name] for name in ("lines", "total", "currency", "revision")} == {
        name: present[name] for name in ("lines", "total", "currency", "revision")
    }
    assert (told["total"], told["revision"]) == ("225.00", 2)
    assert (await statuses(service, event))["booked"] == 0
    assert (await book(service, token, expectedTotal="225.00")).status_code == 201


async def test_a_stale_revision_is_refused_and_the_present_one_is_booked(
    service: Service, token: str
) -> None:
    before = await read(service, token)
    assert (before["revision"], before["frozenBy"]) == (1, None)
    changed = (await change(service, token, "A-1-2")).json()
    assert changed["revision"] == 2
    answer = await book(service, token, expectedRevision=before["revision"])
    assert said(answer) == (409, "total_changed")
    booked = await book(service, token, expectedRevision=2, expectedTotal="90.00")
    assert booked.status_code == 201


async def test_a_shop_that_freezes_before_it_reads_the_total_books_what_it_read(
    service: Service, event: str, token: str
) -> None:
    frozen = await checkout(service, token, headers=STAFF)
    assert frozen.status_code == 200, frozen.text
    body = frozen.json()
    assert body == await read(service, token)
    assert (body["total"], body["revision"], body["frozenBy"]) == ("45.00", 2, "box-office")
    refused = [
        await change(service, token, "A-1-2"),
        await service.client.post(f"/holds/{token}/extend"),
        await service.client.delete(f"/holds/{token}"),
        await checkout(service, token),
        await thaw(service, token),
    ]
    assert {said(answer) for answer in refused} == {(409, "hold_frozen")}
    booked = await book(service, token, expectedRevision=body["revision"])
    assert (booked.status_code, booked.json()["total"]) == (201, "45.00")


async def test_a_buyer_freezes_comes_back_and_changes_the_seats(
    service: Service, token: str
) -> None:
    header = {"seat-hold-token": token}
    before = await read(service, token)
    frozen = (await service.client.post(f"{CURRENT}/checkout", headers=header)).json()
    assert (frozen["holdToken"], frozen["frozenBy"]) == (token, "buyer")
    assert seconds_between(before, frozen) == 15 * 60
    thawed = await service.client.delete(f"{CURRENT}/checkout", headers=header)
    assert thawed.status_code == 200
    assert (thawed.json()["frozenBy"], thawed.json()["revision"]) == (None, 3)
    assert seconds_between(before, thawed.json()) == 0
    assert (await change(service, token, "A-1-2")).status_code == 200
    assert said(await checkout(service, token)) == (409, "freeze_used")
    assert said(await thaw(service, token)) == (409, "hold_not_frozen")
    assert (await checkout(service, token, headers=STAFF)).status_code == 200


async def test_the_same_call_again_gets_the_first_answer(service: Service, token: str) -> None:
    headers = {"idempotency-key": KEY}
    frozen = [await checkout(service, token, headers=headers) for _ in range(2)]
    thawed = [await thaw(service, token, headers=headers) for _ in range(2)]
    for first, again in (frozen, thawed):
        assert (first.status_code, again.status_code) == (200, 200), again.text
        assert first.json() == again.json()
        assert again.headers["idempotency-replayed"] == "true"
    # Also after it was thawed: the answer of then, and the hold as it is now.
    assert (await checkout(service, token, headers=headers)).json() == frozen[0].json()
    assert (await read(service, token))["frozenBy"] is None


async def test_the_same_call_again_after_the_hold_ended_says_that_it_ended(
    service: Service, token: str
) -> None:
    headers = {"idempotency-key": KEY}
    assert (await checkout(service, token, headers=headers)).status_code == 200
    assert (await thaw(service, token, headers=headers)).status_code == 200
    assert (await service.client.delete(f"/holds/{token}")).status_code == 204
    for again in (checkout, thaw):
        answer = await again(service, token, headers=headers)
        assert said(answer) == (410, "hold_released")
        assert answer.json()["booked"] is False


async def test_the_shop_changes_extends_and_ends_what_it_froze(
    service: Service, event: str, token: str
) -> None:
    await checkout(service, token, headers=STAFF)
    changed = await change(service, token, "A-1-2", headers=STAFF)
    assert (changed.status_code, changed.json()["revision"]) == (200, 3)
    assert changed.json()["frozenBy"] == "box-office"
    again = (await checkout(service, token, headers=STAFF)).json()
    assert again["revision"] == 3
    assert (await thaw(service, token, headers=STAFF)).json()["frozenBy"] is None
    assert (await checkout(service, token)).json()["frozenBy"] == "buyer"
    released = await service.client.delete(f"/holds/{token}", headers=STAFF)
    assert released.status_code == 204
    assert (await statuses(service, event))["available"] == 90


async def test_the_log_says_who_froze_and_thawed(service: Service, event: str, token: str) -> None:
    await checkout(service, token)
    await checkout(service, token, headers=STAFF)
    await thaw(service, token, headers=STAFF)
    log = (await service.client.get(f"/events/{event}/log", headers=STAFF)).json()["items"]
    entries = [row["entries"][0] for row in log[-3:]]
    operations = [entry["operations"][0] for entry in entries]
    assert [(each["type"], each.get("frozenBy")) for each in operations] == [
        ("freeze", "buyer"),
        ("freeze", "box-office"),
        ("thaw", None),
    ]
    assert all(each["lastsS"] > 0 and each["hold"].startswith(event) for each in operations)
    assert [entry["actor"] is None for entry in entries] == [True, False, False]


async def test_the_box_office_sees_that_a_seat_is_at_the_checkout(
    service: Service, event: str, token: str
) -> None:
    path = f"/events/{event}/seats/A-1-1"
    assert (await service.client.get(path, headers=STAFF)).json()["holdFrozenBy"] is None
    await checkout(service, token)
    assert (await service.client.get(path, headers=STAFF)).json()["holdFrozenBy"] == "buyer"


async def test_seats_booked_straight_cost_what_was_expected_or_nothing_is_booked(
    service: Service, event: str
) -> None:
    body = {"eventId": event, "seats": ["A-1-1", "A-1-2"], "expectedTotal": "45.00"}
    answer = await service.client.post("/bookings", json=body, headers=STAFF)
    assert said(answer) == (409, "total_changed")
    assert (answer.json()["total"], "revision" in answer.json()) == ("90.00", False)
    body["expectedTotal"] = "90.00"
    answer = await service.client.post("/bookings", json=body, headers=STAFF)
    assert answer.status_code == 201


@pytest.mark.shared_service
@pytest.mark.parametrize(
    ("expected", "field"),
    [
        ({"expectedTotal": "45,00"}, "expectedTotal"),
        ({"expectedTotal": "-45.00"}, "expectedTotal"),
        ({"expectedTotal": "45.001"}, "expectedTotal"),
        ({"expectedTotal": 45}, "expectedTotal"),
        ({"expectedTotal": "9" * 12}, "expectedTotal"),
        ({"expectedRevision": 0}, "expectedRevision"),
        ({"expectedRevision": "1"}, "expectedRevision"),
    ],
)
async def test_an_expectation_that_is_none_is_named(
    service: Service, event: str, token: str, expected: dict[str, Any], field: str
) -> None:
    answer = await book(service, token, **expected)
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (400, field), answer.text
    assert (await statuses(service, event))["held"] == 1


async def test_an_expected_total_may_be_a_thousand_dear_seats(service: Service, token: str) -> None:
    assert said(await book(service, token, expectedTotal="1000000.01")) == (409, "total_changed")


async def test_a_revision_is_no_expectation_of_seats(service: Service, event: str) -> None:
    body = {"eventId": event, "seats": ["A-1-1"], "expectedRevision": 1}
    answer = await service.client.post("/bookings", json=body, headers=STAFF)
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (400, "expectedRevision")


async def test_frozen_seats_count_for_their_buyer(environment: dict[str, str]) -> None:
    async with in_process(admin_api_key=STAFF_KEY, max_held_seats_per_buyer=1) as service:
        event = await on_sale_by(service, STAFF_KEY)
        first = (await hold(service, event, "A-1-1")).json()["holdToken"]  # gives the cookie
        await service.client.delete(f"/holds/{first}")
        token = (await hold(service, event, "A-1-2")).json()["holdToken"]
        assert (await checkout(service, token)).status_code == 200
        assert said(await hold(service, event, "A-3-1")) == (422, "too_many_held")


async def test_a_hold_lasts_as_long_as_the_event_says(service: Service) -> None:
    event = await on_sale_by(service, STAFF_KEY)
    rules = {"holdTtl": 300, "holdTotalMax": 900, "checkoutTtl": 1200}
    answer = await service.client.patch(f"/events/{event}", json={"rules": rules}, headers=STAFF)
    assert {name: answer.json()["rules"][name] for name in rules} == rules
    held = (await hold(service, event, "A-1-1")).json()
    frozen = (await checkout(service, held["holdToken"])).json()
    assert seconds_between(held, frozen) == 600
    # The box office may let it last a day.
    frozen = (await checkout(service, held["holdToken"], headers=STAFF)).json()
    assert seconds_between(held, frozen) == 1200


@pytest.mark.shared_service
@pytest.mark.parametrize("path", ["nonsense", "current", "x" * 60])
async def test_a_token_that_is_none_is_not_found(service: Service, event: str, path: str) -> None:
    for method in ("POST", "DELETE"):
        answer = await service.client.request(method, f"/holds/{path}/checkout")
        assert said(answer) == (404, "hold_not_found")
