"""`Idempotency-Key` on the calls that make something: one effect, and the first answer again."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

import httpx
import pytest
from sqlalchemy import func, select
from tests.support.seating import seat_map
from tests.support.service import Service, in_process

from event_seating.booking.seat_log.writer import SeatLog
from event_seating.clock import Clock, SystemClock
from event_seating.db import tables
from event_seating.db.kept_answers import KeyedCall
from event_seating.db.retention import ANSWERS_KEPT_MS
from event_seating.errors import DatabaseUnavailable, IdempotencyKeyReused
from event_seating.events.model import NewEvent
from event_seating.events.service import BEGUN_MS_MAX, UNMADE_MS_MAX, EventService, defaults

pytestmark = pytest.mark.anyio

KEY = {"idempotency-key": "an-idempotency-key-that-is-long"}

EVENT = {"venueId": "hall", "name": "Concert", "startsAt": "2096-10-02T07:06:40Z"}
USER = {"id": "123", "name": "Jane Smith", "email": "jane@example.com"}
WEBHOOK = {"url": "https://shop.example/seats", "types": ["booking.created"]}
NAMELESS = {name: value for name, value in seat_map().items() if name != "venueId"}


class Making(NamedTuple):
    """A call that makes something, another under the same key, and where what it makes is."""

    path: str
    body: dict[str, Any]
    change: dict[str, Any]
    table: Any
    headers: dict[str, str]

    @property
    def key(self) -> dict[str, str]:
        """Of its own: two of them take the same route."""
        return {"idempotency-key": f"{KEY['idempotency-key']} {self.headers}"}

    async def send(self, service: Service, key: dict[str, Any], **more: Any) -> httpx.Response:
        body = self.body | more
        if body.get("eventId") == "?":
            events = (await service.client.get("/events")).json()["items"]
            body["eventId"] = events[0]["id"]
        return await service.client.post(self.path, json=body, headers=key | self.headers)


MAKINGS = [
    Making("/events", EVENT, {"name": "Another"}, tables.events, {}),
    Making("/venues", NAMELESS, {"name": "Another"}, tables.venues, {}),
    Making("/users", USER, {"name": "Another"}, tables.users, {}),
    Making("/users", USER, {"name": "Another"}, tables.outbox, {"prefer": "respond-async"}),
    Making("/webhooks", WEBHOOK, {"types": ["*"]}, tables.webhooks, {}),
    Making("/reports", {"eventId": "?", "kind": "sales"}, {}, tables.outbox, {}),
]

each_making = pytest.mark.parametrize(
    "making", MAKINGS, ids=lambda making: f"{making.path}{' later' * bool(making.headers)}"
)


@pytest.fixture
async def service(environment: dict[str, str], database_url: str) -> AsyncIterator[Service]:
    """On every backend, with a hall and an event in it."""
    async with in_process(database_url=database_url, seating_rate_limits="off") as running:
        await with_a_hall(running)
        yield running


async def with_a_hall(service: Service) -> None:
    headers = {"content-type": "application/json"}
    hall = json.dumps(seat_map())
    assert (await service.client.put("/venues/hall", content=hall, headers=headers)).is_success
    assert (await service.client.post("/events", json=EVENT | {"name": "First"})).is_success


async def rows(service: Service, table: Any) -> int:
    async with service.parts.database.read() as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


@pytest.mark.alike_on_both
@each_making
async def test_the_same_call_is_answered_the_same_and_makes_nothing(
    service: Service, making: Making
) -> None:
    before = await rows(service, making.table)
    first = await making.send(service, KEY)
    assert first.status_code in {201, 202}, first.text
    assert "idempotency-replayed" not in first.headers
    again = await making.send(service, KEY)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    for header in ("location", "cache-control", "preference-applied"):
        assert again.headers.get(header) == first.headers.get(header)
    assert await rows(service, making.table) == before + 1


@each_making
async def test_of_calls_at_the_same_time_one_makes_it(service: Service, making: Making) -> None:
    before = await rows(service, making.table)
    answers = await asyncio.gather(*(making.send(service, KEY) for _ in range(6)))
    assert {answer.status_code for answer in answers} <= {201, 202}, [a.text for a in answers]
    assert len({answer.text for answer in answers}) == 1
    replayed = [answer.headers.get("idempotency-replayed") for answer in answers]
    assert replayed.count("true") == 5
    assert await rows(service, making.table) == before + 1


@pytest.mark.alike_on_both
async def test_another_call_under_the_key_is_refused(service: Service) -> None:
    for making in MAKINGS:
        if making.change:
            await making.send(service, making.key)
            before = await rows(service, making.table)
            other = await making.send(service, making.key, **making.change)
            assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
            assert await rows(service, making.table) == before


@pytest.mark.alike_on_both
async def test_asking_for_later_is_another_call(service: Service) -> None:
    await service.client.post("/users", json=USER, headers=KEY)
    later = await service.client.post(
        "/users", json=USER, headers=KEY | {"prefer": "respond-async"}
    )
    assert later.status_code == 422


@pytest.mark.alike_on_both
async def test_without_a_key_or_under_another_it_is_another_call(service: Service) -> None:
    other = {"idempotency-key": "another-idempotency-key-that-is-long"}
    for making in MAKINGS:
        for key in (making.key, other, {}):
            assert "idempotency-replayed" not in (await making.send(service, key)).headers


@pytest.mark.alike_on_both
async def test_a_key_that_can_be_guessed_or_is_none_is_refused(service: Service) -> None:
    for making in MAKINGS:
        before = await rows(service, making.table)
        for key in ("", "k" * 21, "k" * 256, "\xe9" * 30):
            answer = await making.send(service, {"idempotency-key": key.encode("latin-1")})
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
        assert await rows(service, making.table) == before


async def test_who_has_a_key_of_the_api_may_count(environment: dict[str, str]) -> None:
    headers = {"authorization": f"Bearer {'k' * 24}", "idempotency-key": "1"}
    async with in_process(admin_api_key="k" * 24) as service:
        for replayed in (None, "true"):
            answer = await service.client.post("/users", json=USER, headers=headers)
            assert answer.status_code == 201
            assert answer.headers.get("idempotency-replayed") == replayed


@pytest.mark.alike_on_both
async def test_a_refused_call_may_be_mended_under_its_key(service: Service) -> None:
    for path, wrong, right in (
        ("/events", EVENT | {"venueId": "nowhere"}, EVENT),
        ("/users", USER | {"name": ""}, USER),
        ("/venues", NAMELESS | {"map": {}}, NAMELESS),
        ("/webhooks", WEBHOOK | {"types": []}, WEBHOOK),
    ):
        assert (await service.client.post(path, json=wrong, headers=KEY)).status_code == 400
        mended = await service.client.post(path, json=right, headers=KEY)
        assert mended.status_code == 201, mended.text
        assert "idempotency-replayed" not in mended.headers


@pytest.mark.alike_on_both
async def test_the_first_answer_is_given_though_things_have_changed(service: Service) -> None:
    first = await service.client.post("/events", json=EVENT, headers=KEY)
    path = f"/events/{first.json()['id']}"
    assert (await service.client.patch(path, json={"name": "Renamed"})).is_success
    assert (await service.client.put("/venues/hall", json=NAMELESS | {"name": "Moved"})).is_success
    assert (await service.client.post("/events", json=EVENT, headers=KEY)).json() == first.json()


@pytest.mark.alike_on_both
async def test_the_answer_is_what_a_read_says(service: Service) -> None:
    made = (await service.client.post("/events", json=EVENT, headers=KEY)).json()
    del made["warnings"]  # about what was asked
    assert (await service.client.get(f"/events/{made['id']}")).json() == made


@pytest.mark.alike_on_both
async def test_a_dry_run_is_not_a_call_that_makes_something(service: Service) -> None:
    dry = await service.client.post("/venues?dryRun=true", json=NAMELESS, headers=KEY)
    assert dry.status_code == 200
    assert (await service.client.post("/venues", json=NAMELESS, headers=KEY)).status_code == 201


@pytest.mark.alike_on_both
async def test_neither_the_key_nor_a_secret_is_stored(service: Service) -> None:
    secret = (await service.client.post("/webhooks", json=WEBHOOK, headers=KEY)).json()["secret"]
    async with service.parts.database.read() as connection:
        (row,) = (await connection.execute(select(tables.kept_answers))).all()
    assert len(row.call) == len(row.request_hash) == 32
    for text in (secret, secret.removeprefix("whsec_"), KEY["idempotency-key"]):
        assert text.encode() not in b"".join((row.call, row.request_hash, row.answer))


class Ahead(SystemClock):
    """A clock that can be set forward."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


class Cut:
    """Gives an event's log, but for the first time that it is asked."""

    def __init__(self, log_of: Callable[[str], Awaitable[SeatLog]]) -> None:
        self._log_of = log_of
        self.cut = True

    async def __call__(self, event_id: str) -> SeatLog:
        if self.cut:
            self.cut = False
            raise DatabaseUnavailable
        return await self._log_of(event_id)


def events_of(service: Service, clock: Clock) -> EventService:
    """The service of events, which is cut off between its two steps once."""
    parts = service.parts
    cut, facts = Cut(parts.seat_logs.get), parts.events._facts
    return EventService(
        parts.database,
        clock,
        parts.venues,
        facts,
        cut,
        defaults(parts.settings),
        parts.job_requests,
    )


CALL = KeyedCall(b"c" * 32, b"h" * 32)
NEW = NewEvent("hall", "Concert", "2096-10-02T07:06:40Z")


async def test_an_event_that_was_begun_is_made_by_the_next_call(service: Service) -> None:
    events = events_of(service, SystemClock())
    with pytest.raises(DatabaseUnavailable):
        await events.create(NEW, None, CALL)
    with pytest.raises(IdempotencyKeyReused):
        await events.create(NEW, None, CALL._replace(request_hash=b"o" * 32))
    made = await events.create(NEW, None, CALL)
    assert not made.replayed
    assert await events.read(made.event.id) == made.event
    assert await events.create(NEW, None, CALL) == (made.event, True)
    assert await rows(service, tables.events) == 2
    await events.aclose()


async def test_an_event_that_was_begun_long_ago_is_begun_again(service: Service) -> None:
    clock = Ahead()
    events = events_of(service, clock)
    with pytest.raises(DatabaseUnavailable):
        await events.create(NEW, None, CALL)
    clock.ahead_ms = max(BEGUN_MS_MAX, UNMADE_MS_MAX) + 1_000
    made = await events.create(NEW, None, CALL)
    assert await events.create(NEW, None, CALL) == (made.event, True)
    assert await rows(service, tables.events) == 2
    await events.aclose()


async def test_a_call_is_known_for_a_day(service: Service) -> None:
    clock = Ahead()
    events = events_of(service, clock)
    events._log_of = service.parts.seat_logs.get
    first = await events.create(NEW, None, CALL)
    clock.ahead_ms = ANSWERS_KEPT_MS - 60_000
    assert await events.create(NEW, None, CALL) == (first.event, True)
    clock.ahead_ms = ANSWERS_KEPT_MS + 1_000
    other = await events.create(NEW, None, CALL)
    assert (other.replayed, other.event.id != first.event.id) == (False, True)
    await events.aclose()


async def test_two_processes_make_one_event(environment: dict[str, str], database_url: str) -> None:
    async with AsyncExitStack() as stack:
        both = [
            await stack.enter_async_context(
                in_process(database_url=database_url, seating_rate_limits="off")
            )
            for _ in range(2)
        ]
        await with_a_hall(both[0])
        answers = await asyncio.gather(
            *(
                each.client.post("/events", json=EVENT, headers=KEY)
                for each in (*both, *both, *both)
            )
        )
        assert {answer.status_code for answer in answers} == {201}, [a.text for a in answers]
        assert len({answer.text for answer in answers}) == 1
        assert await rows(both[0], tables.events) == 2
        event = answers[0].json()["id"]
        log = (await both[0].client.get(f"/events/{event}/log")).json()
        assert [row["version"] for row in log["items"]] == [1]
