"""Listing and exporting bookings over HTTP."""

import csv
import io
from typing import Any

import httpx
import msgspec
import pytest
from tests.support.seating import hold, on_sale
from tests.support.service import Service

from event_seating.booking.reads import exports
from event_seating.db.tables import bookings
from event_seating.errors import DatabaseUnavailable

pytestmark = pytest.mark.anyio


async def book(service: Service, event: str, *names: str, **more: Any) -> dict[str, Any]:
    held = (await hold(service, event, *names)).json()
    booked = await service.client.post("/bookings", json={"holdToken": held["holdToken"], **more})
    assert booked.status_code == 201, booked.text
    return dict(booked.json())


async def listed(service: Service, event: str, query: str = "", accept: str = "") -> httpx.Response:
    headers = {"accept": accept} if accept else {}
    return await service.client.get(f"/events/{event}/bookings{query}", headers=headers)


async def create_user(service: Service, user_id: str) -> None:
    body = {"id": user_id, "name": user_id, "email": f"{user_id}@example.com"}
    assert (await service.client.post("/users", json=body)).status_code == 201


async def test_a_booking_is_listed_as_it_is_read(service: Service) -> None:
    event = await on_sale(service)
    made = await book(service, event, "A-1-1", "A-1-2", orderRef="o1", metadata={"a": [1]})
    answer = await listed(service, event)
    assert answer.status_code == 200
    assert answer.json()["nextCursor"] is None
    (item,) = answer.json()["items"]
    assert item == (await service.client.get(f"/bookings/{made['id']}")).json()
    assert item["metadata"] == {"a": [1]}
    assert answer.headers["cache-control"] == "private, no-store"


async def test_pages_and_filters_are_of_the_query(service: Service) -> None:
    event = await on_sale(service)
    await create_user(service, "anna")
    made = [
        (await book(service, event, f"A-{row}-1", orderRef=f"o{row}", userId="anna"))["id"]
        for row in range(1, 5)
    ]
    seen, query = [], "?limit=3"
    while True:
        page = (await listed(service, event, query)).json()
        seen.append([item["id"] for item in page["items"]])
        if page["nextCursor"] is None:
            break
        query = f"?limit=3&cursor={page['nextCursor']}"
    assert [len(ids) for ids in seen] == [3, 1]
    assert sorted(each for ids in seen for each in ids) == sorted(made)
    for query, expected in (
        ("?orderRef=o2", [made[1]]),
        ("?seat=A-3-1", [made[2]]),
        ("?userId=nobody", []),
        ("?status=cancelled", []),
        ("?userId=anna&orderRef=o4&status=confirmed", [made[3]]),
        ("?updatedSince=2999-01-01T00:00:00Z", []),
    ):
        items = (await listed(service, event, query)).json()["items"]
        assert [item["id"] for item in items] == expected, query
    since = (await listed(service, event, "?updatedSince=2020-01-01T00:00:00%2B02:00")).json()
    assert len(since["items"]) == 4


async def test_a_list_that_cannot_be_meant_is_400(service: Service) -> None:
    event = await on_sale(service)
    for query in (
        "?updatedSince=2020-01-01T00:00:00",
        "?updatedSince=soon",
        "?updatedSince=1700000000",
        "?updatedSince=2020-01-01",
        "?status=held",
        "?limit=0",
        "?limit=1000",
        "?cursor=nonsense",
        "?orderRef=%00",
    ):
        answer = await listed(service, event, query)
        assert answer.status_code == 400, query
    without_zone = (await listed(service, event, "?updatedSince=2020-01-01T00:00:00")).json()
    assert "has no time zone; end it with Z or an offset" in without_zone["error"]
    assert (await listed(service, event, "?seat=Z-1-1")).json()["code"] == "seat_not_found"


async def test_a_spreadsheet_gets_a_line_for_each_seat_and_no_formula(service: Service) -> None:
    event = await on_sale(service)
    made = await book(service, event, "A-1-1", "A-1-2", orderRef='=1+"1",2')
    floor = await service.client.post(
        "/bookings", json={"eventId": event, "areas": {"floor": 3}, "orderRef": "plain"}
    )
    answer = await listed(service, event, accept="text/csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert f'filename="bookings-{event}.csv"' in answer.headers["content-disposition"]
    assert answer.text.endswith("\r\n")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    by_seat = {row["seat"] or row["area"]: row for row in rows}
    assert set(by_seat) == {"A-1-1", "A-1-2", "floor"}
    assert by_seat["A-1-1"]["bookingId"] == made["id"]
    assert by_seat["A-1-1"]["orderRef"] == '\'=1+"1",2'
    assert (by_seat["A-1-1"]["price"], by_seat["A-1-1"]["quantity"]) == ("45.00", "1")
    assert by_seat["floor"]["bookingId"] == floor.json()["id"]
    assert by_seat["floor"]["quantity"] == "3"


async def test_an_export_has_every_booking_once_over_all_its_pages(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE_BOOKINGS", 2)
    event = await on_sale(service)
    made = {(await book(service, event, f"A-1-{col}"))["id"] for col in range(1, 6)}
    lines = (await listed(service, event, accept="application/x-ndjson")).text.splitlines()
    assert [msgspec.json.decode(line)["id"] for line in lines] == sorted(made)
    text = (await listed(service, event, accept="text/csv")).text
    assert len(text.splitlines()) == 6
    assert (await listed(service, event, "?seat=A-9-9", "text/csv")).status_code == 404


async def test_an_empty_export_is_a_header_or_nothing(service: Service) -> None:
    event = await on_sale(service)
    assert (await listed(service, event, accept="text/csv")).text.startswith(
        '"bookingId","status",'
    )
    assert (await listed(service, event, accept="application/x-ndjson")).text == ""


async def test_an_export_that_fails_at_once_is_an_error_like_every_other(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await on_sale(service)

    async def away(*_: Any) -> Any:
        raise DatabaseUnavailable

    monkeypatch.setattr("event_seating.booking.reads.lists.by_id", away)
    answer = await listed(service, event, accept="text/csv")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")


async def test_a_users_bookings_are_listed_over_events(service: Service) -> None:
    await create_user(service, "anna")
    await create_user(service, "ben")
    made = []
    for seat in ("A-1-1", "A-1-2"):
        event = await on_sale(service)
        made.append((await book(service, event, seat, userId="anna"))["id"])
    await book(service, event, "A-4-4", userId="ben")
    async with service.parts.database.write() as connection:
        for at_ms, booking in enumerate(made):
            await connection.execute(
                bookings.update().where(bookings.c.id == booking).values(created_at_ms=at_ms)
            )
    first = (await service.client.get("/users/anna/bookings?limit=1")).json()
    assert [item["id"] for item in first["items"]] == made[:1]
    rest = (await service.client.get(f"/users/anna/bookings?cursor={first['nextCursor']}")).json()
    assert [item["id"] for item in rest["items"]] == made[1:]
    assert rest["nextCursor"] is None


async def test_the_bookings_of_nobody_are_404(service: Service) -> None:
    for user in ("nobody", "a%20b", "x" * 65):
        answer = await service.client.get(f"/users/{user}/bookings")
        assert (answer.status_code, answer.json()["code"]) == (404, "user_not_found")
