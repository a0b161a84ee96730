"""Reports: asked for, made by a job, fetched as a file."""

import csv
import io
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, select
from tests.support.jobs_by_hand import ReportedProgress, asked, job
from tests.support.seating import hold, on_sale
from tests.support.service import Service, in_process

from event_seating.booking.core.seat_index import AreaPlan, RowPlan, SeatIndex, SeatPlan
from event_seating.booking.effects import reports as reports_module
from event_seating.booking.effects.reports import Reports, SeatPlaces
from event_seating.booking.seating import ids
from event_seating.db.tables import booking_lines, bookings, outbox
from event_seating.jobs import files
from event_seating.jobs.ends import Dead
from event_seating.jobs.files import FileHead

pytestmark = [pytest.mark.anyio, pytest.mark.alike_on_both]

LONG = [
    pytest.param("sqlite", 10_000, 32 * 1024, id="sqlite-10000"),
    pytest.param("sqlite", 25_000, files.CHUNK_BYTES, id="sqlite-25000", marks=pytest.mark.long),
    pytest.param(
        "postgresql", 25_000, files.CHUNK_BYTES, id="postgresql-25000", marks=pytest.mark.long
    ),
]
"""Lines of a report that is longer than what is in memory of it, and the bytes of its pieces."""


@pytest.fixture
async def service(environment: dict[str, str], database_url: str) -> AsyncIterator[Service]:
    """On every backend."""
    async with in_process(database_url=database_url) as running:
        yield running


@pytest.fixture
async def event(service: Service) -> str:
    return await on_sale(service)


@pytest.fixture
def reports(service: Service) -> Reports:
    parts = service.parts
    return Reports(parts.database, parts.bookable_events.get, parts.clock)


async def book(service: Service, event: str, order: str, *seats: str, **more: Any) -> str:
    held = await hold(service, event, *seats, **more)
    given = {"holdToken": held.json()["holdToken"], "orderRef": order}
    booked = await service.client.post("/bookings", json=given)
    return str(booked.json()["id"])


async def made(service: Service, reports: Reports, event: str) -> tuple[Any, str]:
    """The result of the job, and the text of the file that it names."""
    payload = {"eventId": event, "kind": "sales"}
    result = await reports.handlers()["report"](job("report", payload, event))
    found = await head(service, result)
    pieces = [piece async for piece in files.chunks(service.parts.database, found.id)]
    assert sum(map(len, pieces)) == found.bytes
    return result, b"".join(pieces).decode()


async def head(service: Service, result: Any) -> FileHead:
    async with service.parts.database.read() as connection:
        found = await files.read(connection, result["file"].removeprefix("/files/"))
    assert found is not None
    return found


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def test_the_job_carries_the_request_that_asked_for_it(service: Service, event: str) -> None:
    await service.client.post(
        "/reports", json={"eventId": event, "kind": "sales"}, headers={"x-request-id": "abc-7"}
    )
    async with service.parts.database.read() as connection:
        trace = (await connection.execute(select(outbox.c.trace))).scalar_one()
    assert trace == '{"requestId":"abc-7"}'


async def test_asking_answers_with_the_address_of_the_job(service: Service, event: str) -> None:
    answer = await service.client.post("/reports", json={"eventId": event, "kind": "sales"})
    assert answer.status_code == 202
    told = answer.json()
    assert answer.headers["location"] == f"/jobs/{told['id']}"
    assert (told["name"], told["state"]) == ("report", "waiting")
    ((queue, name, of, payload),) = await asked(service.parts.database)
    assert (queue, name, of) == ("database-operations", "report", event)
    assert msgspec.json.decode(payload) == {"eventId": event, "kind": "sales"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"eventId": "nosuchevent1", "kind": "sales"}, 404, "event_not_found"),
        ({"eventId": "\0", "kind": "sales"}, 404, "event_not_found"),
        ({"eventId": "nosuchevent1", "kind": "everything"}, 400, "invalid_request"),
        ({"eventId": "nosuchevent1"}, 400, "invalid_request"),
        ({"kind": "sales"}, 400, "invalid_request"),
        ({"eventId": "nosuchevent1", "kind": "sales", "x": 1}, 400, "invalid_request"),
        ([], 400, "invalid_request"),
    ],
)
async def test_a_question_that_is_none_is_refused_and_leaves_no_job(
    service: Service, body: Any, status: int, code: str
) -> None:
    answer = await service.client.post("/reports", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await asked(service.parts.database) == []


async def test_the_sales_have_a_line_for_each_seat_with_its_place(
    service: Service, reports: Reports, event: str
) -> None:
    first = await book(
        service,
        event,
        "o-1",
        seats=["A-1-1", "A-2-1"],
        areas={"floor": 3},
        ticketTypes={"A-2-1": "reduced"},
    )
    second = await book(service, event, "=cmd|' /C calc'!A0", "A-3-1")
    await service.client.post(f"/bookings/{second}/cancel", json={})
    result, answer = await made(service, reports, event)
    assert result == {"kind": "sales", "lines": 4, "file": result["file"]}
    found = await head(service, result)
    assert (found.name, found.media_type) == (f"sales-{event}.csv", "text/csv")
    assert found.expires_at_ms - found.created_at_ms == 24 * 3_600_000
    lines = {(row["bookingId"], row["seat"] or row["area"]): row for row in rows(answer)}
    assert set(lines) == {
        (first, "A-1-1"), (first, "A-2-1"), (first, "floor"), (second, "A-3-1"),
    }  # fmt: skip
    reduced = lines[first, "A-2-1"]
    assert (reduced["section"], reduced["row"]) == ("A", "2")
    assert (reduced["category"], reduced["ticketType"]) == ("1", "reduced")
    assert (reduced["price"], reduced["currency"]) == ("30.00", "EUR")
    assert (reduced["status"], reduced["orderRef"]) == ("confirmed", "o-1")
    floor = lines[first, "floor"]
    assert (floor["section"], floor["row"], floor["quantity"]) == ("", "", "3")
    gone = lines[second, "A-3-1"]
    assert gone["status"] == "cancelled"
    assert gone["orderRef"] == "'=cmd|' /C calc'!A0"


async def test_an_event_without_sales_has_a_report_without_lines(
    service: Service, reports: Reports, event: str
) -> None:
    result, answer = await made(service, reports, event)
    assert result["lines"] == 0
    assert answer.startswith('"bookingId","status",')
    assert answer.endswith(',"section","row"\r\n')


@pytest.mark.parametrize(("backend", "many", "piece"), LONG, indirect=["backend"])
async def test_a_long_report_takes_the_memory_of_a_page_and_tells_how_far_it_is(
    service: Service,
    reports: Reports,
    event: str,
    many: int,
    piece: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await sell(service, event, many)
    told = ReportedProgress()
    monkeypatch.setattr(reports_module, "REPORT_EVERY_PIECES", 50)
    monkeypatch.setattr(files, "CHUNK_BYTES", piece)
    tracemalloc.start()
    result = await reports.make(job("report", {"eventId": event, "kind": "sales"}, event, told))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result["lines"] == many
    assert [step["lines"] for step in told.progress] == list(range(5_000, many + 1, 5_000))
    found = await head(service, result)
    assert found.bytes > 160 * many
    assert peak < found.bytes / 2


async def sell(service: Service, event: str, many: int) -> None:
    """Bookings of one seat each, straight into the tables: how they came there is no matter."""
    names = [ids.to_text(event, number.to_bytes(16, "big")) for number in range(many)]
    common = {"event_id": event, "status": "confirmed", "total": 1, "currency": "EUR"}
    times = {"version": 1, "created_at_ms": 1, "updated_at_ms": 1}
    async with service.parts.database.write() as connection:
        for start in range(0, many, 1_000):
            part = names[start : start + 1_000]
            await connection.execute(
                insert(bookings), [{**common, **times, "id": name} for name in part]
            )
            await connection.execute(
                insert(booking_lines),
                [
                    {"event_id": event, "booking_id": name, "seat": 0, "ticket_type": "standard",
                     "price": 1} for name in part
                ],
            )  # fmt: skip


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"eventId": 1, "kind": "sales"},
        {"eventId": "nosuchevent1", "kind": "sales"},
        {"eventId": "\0", "kind": "sales"},
        {"eventId": "nosuchevent1", "kind": "everything"},
    ],
)
async def test_a_payload_that_is_none_fails_at_once(
    reports: Reports, payload: dict[str, Any]
) -> None:
    with pytest.raises(Dead):
        await reports.make(job("report", payload))


def test_the_place_of_each_seat_is_that_of_its_row() -> None:
    ids_left = iter(range(100))

    def row(section: str, name: str, seats: int) -> RowPlan:
        plans = [SeatPlan(str(next(ids_left)), n * 10, 0, "1", n) for n in range(seats)]
        return RowPlan(section, name, plans)

    order = [row("A", "1", 3), row("B", "1", 2), row("A", "2", 1), row("A", "1", 2)]
    places = SeatPlaces(SeatIndex(order, [AreaPlan("floor", 2, "1")]))
    found = [places.of(seat) for seat in range(8)]
    assert found == [("A", "1")] * 3 + [("B", "1")] * 2 + [("A", "2")] + [("A", "1")] * 2
