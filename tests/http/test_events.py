"""Making, reading, listing and changing events over HTTP."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest
from tests.support.seating import hold, seat_map, statuses
from tests.support.service import Service, in_process

from event_seating.booking.core.commands import Configure
from event_seating.booking.seat_log import in_doubt
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.db.database import Database
from event_seating.demo.data import SEATS, STANDING, add_demo_event
from event_seating.errors import DatabaseUnavailable
from event_seating.events import store
from event_seating.events.model import Event, EventSchedule
from event_seating.events.service import EventService

pytestmark = pytest.mark.anyio

CHANGES = 20

CONCERT = {"venueId": "hall", "name": "Concert", "startsAt": "2096-10-02T20:00:00+02:00"}


async def put_venue(client: httpx.AsyncClient, **changes: Any) -> None:
    body = msgspec.json.encode(seat_map() | changes)
    headers = {"content-type": "application/json"}
    made = await client.put(f"/venues/{changes.get('venueId', 'hall')}", content=body,
                            headers=headers)  # fmt: skip
    assert made.is_success, made.text


@pytest.fixture
async def client(service: Service) -> httpx.AsyncClient:
    await put_venue(service.client)
    return service.client


async def make(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    made = await client.post("/events", json=CONCERT | more)
    assert made.status_code == 201, made.text
    return without_warnings(made)


async def change(client: httpx.AsyncClient, event: dict[str, Any], **more: Any) -> dict[str, Any]:
    changed = await client.patch(f"/events/{event['id']}", json=more)
    assert changed.status_code == 200, changed.text
    return without_warnings(changed)


def without_warnings(written: httpx.Response) -> dict[str, Any]:
    """The event as it is read."""
    return {name: value for name, value in written.json().items() if name != "warnings"}


def faults(answer: httpx.Response) -> dict[str, str]:
    return {fault["field"]: fault["message"] for fault in answer.json()["fields"]}


async def test_an_event_that_was_made_is_read_back(client: httpx.AsyncClient) -> None:
    made = await client.post("/events", json=CONCERT)
    assert made.status_code == 201
    event = made.json()
    assert made.headers["location"] == f"/events/{event['id']}"
    warnings = event.pop("warnings")
    assert [warning["field"] for warning in warnings] == ["ticketTypes"]
    assert (await client.get(f"/events/{event['id']}")).json() == event
    known = {
        "venueId": "hall",
        "venueVersion": 1,
        "venueName": "Hall",
        "name": "Concert",
        "startsAt": "2096-10-02T18:00:00Z",
        "timeZone": "UTC",
        "currency": "EUR",
        "status": "on_sale",
        "salesStart": event["createdAt"],
        "salesEnd": "2096-10-02T18:00:00Z",
        "prices": {"1": {"standard": "45.00"}, "2": {"standard": "30.50"}},
        "ticketTypes": None,
        "defaultTicketType": "standard",
        "rules": {
            "allowOrphans": True,
            "maxSeatsPerHold": 8,
            "maxHeldSeatsPerBuyer": 40,
            "maxHeldSeatsPerAddress": 400,
            "holdTtl": 600,
            "holdTotalMax": 1800,
            "checkoutTtl": 900,
        },
        "version": 1,
        "map": "/venues/hall/versions/1",
    }
    assert known.items() <= event.items()
    assert set(event) == {*known, "id", "epoch", "createdAt"}


async def test_the_settings_say_how_an_event_sells_that_is_not_told_otherwise(
    environment: dict[str, str],
) -> None:
    settings = {
        "hold_ttl_s": 60,
        "max_seats_per_hold": 2,
        "max_held_seats_per_buyer": 4,
        "max_held_seats_per_address": 40,
    }
    async with in_process(currency="CHF", **settings) as service:
        await put_venue(service.client)
        event = await make(service.client, rules={"allowOrphans": False})
    assert event["currency"] == "CHF"
    assert event["rules"] == {
        "allowOrphans": False, "maxSeatsPerHold": 2, "maxHeldSeatsPerBuyer": 4,
        "maxHeldSeatsPerAddress": 40, "holdTtl": 60,
        "holdTotalMax": 1800, "checkoutTtl": 900,
    }  # fmt: skip


async def test_an_event_keeps_its_map_when_the_venue_gets_another(
    client: httpx.AsyncClient,
) -> None:
    before = await make(client)
    await put_venue(client, name="New Hall")
    after = await make(client)
    assert (after["venueVersion"], after["venueName"]) == (2, "New Hall")
    kept = (await client.get(f"/events/{before['id']}")).json()
    assert (kept["venueVersion"], kept["venueName"]) == (1, "Hall")


async def test_seats_that_the_map_has_not_for_sale_cannot_be_held(service: Service) -> None:
    seating = seat_map()
    for seat in seating["sections"][0]["rows"][0]["seats"][:3]:
        seat["status"] = "sold"
    await put_venue(service.client, **seating)
    event = await make(service.client)
    assert event["version"] == 1
    assert (await statuses(service, event["id"]))["blocked"] == 3
    refused = await hold(service, event["id"], "A-1-1")
    assert refused.status_code == 409
    assert refused.json()["seats"] == [{"seat": "A-1-1", "code": "blocked"}]
    assert (await hold(service, event["id"], "A-1-4")).status_code == 201


@pytest.mark.shared_service
@pytest.mark.parametrize("field", ["startsAt", "salesStart", "salesEnd"])
async def test_a_time_without_a_zone_is_refused(client: httpx.AsyncClient, field: str) -> None:
    answer = await client.post("/events", json=CONCERT | {field: "2096-10-02T20:00:00"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert faults(answer) == {field: "has no time zone; end it with Z or an offset such as +02:00"}


@pytest.mark.shared_service
@pytest.mark.parametrize(
    ("more", "field", "message"),
    [
        ({"seats": 5}, "seats", "is not a field of this request"),
        ({"rules": {"maxSeats": 5}}, "rules.maxSeats", "is not a field of this request"),
        ({"rules": {"holdTtl": 0}}, "rules.holdTtl", "must be at least 1"),
        ({"rules": {"holdTtl": 1801}}, "rules.holdTtl", "must be at most 1800"),
        ({"rules": {"holdTotalMax": 299}}, "rules.holdTotalMax", "must be at least 300"),
        ({"rules": {"holdTotalMax": 3601}}, "rules.holdTotalMax", "must be at most 3600"),
        (
            {"rules": {"holdTotalMax": 599}},
            "rules.holdTotalMax",
            "must be at least rules.holdTtl, which is 600, and not 599",
        ),
        ({"rules": {"checkoutTtl": 59}}, "rules.checkoutTtl", "must be at least 60"),
        ({"rules": {"checkoutTtl": 3601}}, "rules.checkoutTtl", "must be at most 3600"),
        ({"rules": {"maxSeatsPerHold": 501}}, "rules.maxSeatsPerHold", "must be at most 500"),
        (
            {"prices": {"1": {"standard": 45}}},
            "prices[...][...]",
            "must be text, not a whole number",
        ),
        ({"prices": {"1": {"a b": "45"}}}, "prices.1.a b", "a ticket type has 1 to 32 letters"),
        ({"prices": {"1": {"a": "-45.00"}}}, "prices.1.a", "must be a decimal number as text"),
        ({"prices": {"1": {"a": "9999999"}}}, "prices.1.a", "must be at most 1000000"),
        ({"prices": {"VIP": {"a": "1"}}}, "prices.VIP", "is not a category of this venue's"),
        ({"currency": "QQQ"}, "currency", "must be the ISO 4217 code"),
        ({"timeZone": "Berlin"}, "timeZone", "must be the IANA name"),
        ({"name": "a\x00b"}, "name", "must not contain control characters"),
        ({"salesEnd": "2001-01-01T00:00:00Z"}, "salesEnd", "the sale would end"),
        ({"startsAt": "2001-01-01T00:00:00Z"}, "startsAt", "the sale would end"),
        ({"name": None}, "name", "must be text, not null"),
    ],
)
async def test_what_cannot_be_an_event_is_refused_and_nothing_is_made(
    client: httpx.AsyncClient, more: dict[str, Any], field: str, message: str
) -> None:
    answer = await client.post("/events", json=CONCERT | more)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert message in faults(answer)[field]
    assert (await client.get("/events")).json()["items"] == []


@pytest.mark.shared_service
@pytest.mark.parametrize("field", ["venueId", "name", "startsAt"])
async def test_what_every_event_needs_is_asked_for(client: httpx.AsyncClient, field: str) -> None:
    body = {name: value for name, value in CONCERT.items() if name != field}
    assert faults(await client.post("/events", json=body)) == {field: "is missing"}


@pytest.mark.shared_service
@pytest.mark.parametrize("venue", ["nowhere", "", "..", "a/b", "x" * 65, "\x00"])
async def test_an_event_in_a_venue_that_does_not_exist_is_refused(
    client: httpx.AsyncClient, venue: str
) -> None:
    answer = await client.post("/events", json=CONCERT | {"venueId": venue})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_venue")
    assert "create the venue first" in answer.json()["error"]


async def test_categories_without_a_price_are_named(client: httpx.AsyncClient) -> None:
    tiers = {"1": {"label": "Seated"}, "2": {"price": 30.5, "label": "Standing"}}
    await put_venue(client, priceTiers=tiers)
    answer = await client.post("/events", json=CONCERT)
    assert (answer.status_code, answer.json()["code"]) == (400, "price_missing")
    assert list(faults(answer)) == ["prices.1"]
    await make(client, prices={"1": {"standard": "45.00"}})


async def test_a_body_that_is_not_json_or_not_ours_is_refused(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    for body, code in ((b'{"name":', "malformed_json"), (b"[]", "invalid_request")):
        answer = await client.post("/events", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.shared_service
@pytest.mark.parametrize("event_id", ["abcdefghijkl", "nothing", "%00", "ABCDEFGHIJKL", "ü"])
async def test_an_event_that_does_not_exist_is_not_found(
    client: httpx.AsyncClient, event_id: str
) -> None:
    for answer in (
        await client.get(f"/events/{event_id}"),
        await client.patch(f"/events/{event_id}", json={"name": "x"}),
        await client.post(f"/events/{event_id}/holds", json={"seats": ["A-1-1"]}),
    ):
        # No address at all has a control character in it.
        code = "not_found" if event_id == "%00" else "event_not_found"
        assert (answer.status_code, answer.json()["code"]) == (404, code)


async def test_an_event_whose_making_was_cut_off_does_not_exist(
    service: Service, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(self: SeatLog, submission: Any) -> None:
        assert isinstance(submission.command, Configure)
        lost_ids.append(self.event_id)
        raise DatabaseUnavailable

    lost_ids: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(SeatLog, "submit", lost)
        assert (await client.post("/events", json=CONCERT)).status_code == 503
    assert (await client.get("/events")).json()["items"] == []
    assert (await client.get(f"/events/{lost_ids[0]}")).status_code == 404
    # The same request again makes an event of its own.
    event = await make(client)
    assert [item["id"] for item in (await client.get("/events")).json()["items"]] == [event["id"]]


async def test_the_list_goes_on_where_the_page_before_ended(client: httpx.AsyncClient) -> None:
    days = ["2096-01-03", "2096-01-01", "2096-01-02", "2096-01-02"]
    for day in days:
        await make(client, startsAt=f"{day}T20:00:00Z")
    found: list[tuple[str, str]] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = (await client.get("/events", params=query)).json()
        found.extend((item["startsAt"], item["id"]) for item in page["items"])
        if page["nextCursor"] is None:
            break
        query["cursor"] = page["nextCursor"]
    assert len(found) == 4
    assert found == sorted(found)


async def test_the_list_has_only_what_was_asked_for(client: httpx.AsyncClient) -> None:
    await put_venue(client, venueId="club")
    first = await make(client, startsAt="2096-01-01T20:00:00Z")
    second = await make(client, startsAt="2096-01-02T20:00:00Z")
    other = await make(client, startsAt="2096-01-03T20:00:00Z", venueId="club")

    async def listed(**query: str) -> list[str]:
        answer = await client.get("/events", params=query)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert await listed(venueId="club") == [other["id"]]
    assert await listed(venueId="\x00") == []
    assert await listed(**{"from": "2096-01-02T21:00:00+01:00"}) == [second["id"], other["id"]]
    assert await listed(to="2096-01-02T20:00:00Z") == [first["id"]]


@pytest.mark.shared_service
@pytest.mark.parametrize(
    "query", [{"from": "2096-01-01T00:00:00"}, {"to": "soon"}, {"limit": "0"}, {"cursor": "x"}]
)
async def test_a_query_that_cannot_be_read_is_refused(
    client: httpx.AsyncClient, query: dict[str, str]
) -> None:
    answer = await client.get("/events", params=query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert set(faults(answer)) == set(query)


async def test_a_change_is_read_back_and_keeps_the_rest(client: httpx.AsyncClient) -> None:
    event = await make(client)
    changed = await change(
        client, event, name="Opera", prices={"1": {"adult": "50.00"}}, rules={"holdTtl": 60}
    )
    expected = event | {
        "name": "Opera",
        "prices": event["prices"] | {"1": {"adult": "50.00"}},
        "rules": event["rules"] | {"holdTtl": 60},
        "version": 2,
    }
    assert changed == expected
    assert (await client.get(f"/events/{event['id']}")).json() == expected


async def test_a_name_is_changed_without_a_word_in_the_log(
    service: Service, client: httpx.AsyncClient
) -> None:
    event = await make(client)
    changed = await change(client, event, name="Opera", timeZone="Europe/Berlin")
    assert changed == event | {"name": "Opera", "timeZone": "Europe/Berlin"}
    assert (await service.parts.seat_logs.get(event["id"])).states.version == 1


async def test_an_event_that_is_moved_sells_until_it_begins(client: httpx.AsyncClient) -> None:
    event = await make(client)
    moved = await change(client, event, startsAt="2097-01-01T00:00:00Z")
    assert moved["startsAt"] == moved["salesEnd"] == "2097-01-01T00:00:00Z"


async def test_the_same_start_again_changes_nothing(
    service: Service, client: httpx.AsyncClient
) -> None:
    for window in ({}, {"salesEnd": "2096-01-01T00:00:00Z"}):
        event = await make(client, **window)
        log = await service.parts.seat_logs.get(event["id"])
        version = log.states.version
        assert await change(client, event, startsAt=event["startsAt"]) == event
        assert await change(client, event, startsAt=CONCERT["startsAt"]) == event
        assert log.states.version == version


@pytest.mark.parametrize("status", ["paused", "closed"])
async def test_a_paused_or_closed_event_takes_no_holds_until_it_is_on_sale_again(
    service: Service, client: httpx.AsyncClient, status: str
) -> None:
    event = await make(client)
    assert (await change(client, event, status=status))["status"] == status
    refused = await hold(service, event["id"], "A-1-1")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_on_sale")
    await change(client, event, status="on_sale")
    assert (await hold(service, event["id"], "A-1-1")).status_code == 201


@pytest.mark.parametrize(
    "window",
    [
        {"salesStart": "2096-01-01T00:00:00Z"},
        {"salesStart": "2000-01-01T00:00:00Z", "salesEnd": "2001-01-01T00:00:00Z"},
    ],
    ids=["not yet", "no longer"],
)
async def test_outside_its_sale_window_an_event_takes_no_holds(
    service: Service, client: httpx.AsyncClient, window: dict[str, str]
) -> None:
    event = await make(client, **window)
    refused = await hold(service, event["id"], "A-1-1")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_on_sale")


async def test_a_new_price_holds_for_the_holds_after_it(
    service: Service, client: httpx.AsyncClient
) -> None:
    event = await make(client)
    await change(client, event, prices={"1": {"standard": "50.00"}})
    held = (await hold(service, event["id"], "A-1-1")).json()
    assert held["total"] == "50.00"


async def test_a_cancelled_event_is_cancelled_for_ever_and_stays_readable(
    service: Service, client: httpx.AsyncClient
) -> None:
    event = await make(client)
    await change(client, event, status="cancelled")
    for body in ({"status": "on_sale"}, {"status": "cancelled"}, {"name": "Opera"}):
        answer = await client.patch(f"/events/{event['id']}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "event_cancelled")
        assert answer.json()["error"] == "This event is cancelled."
    refused = await hold(service, event["id"], "A-1-1")
    assert (refused.status_code, refused.json()["code"]) == (409, "event_cancelled")
    read = (await client.get(f"/events/{event['id']}")).json()
    assert (read["status"], read["name"]) == ("cancelled", "Concert")


@pytest.mark.shared_service
@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"currency": "EUR"}, "currency", "cannot change once the event is made"),
        ({"venueId": "hall"}, "venueId", "cannot change once the event is made"),
        ({"id": "x"}, "id", "is not a field of this request"),
        ({"status": "sold_out"}, "status", "must be one of on_sale, paused"),
        ({"startsAt": "2096-10-02T20:00:00"}, "startsAt", "has no time zone"),
        ({"salesEnd": "2001-01-01T00:00:00Z"}, "salesEnd", "the sale would end"),
        ({"prices": {"7": {"a": "1"}}}, "prices.7", "is not a category"),
        ({"salesStart": None}, "salesStart", "must be text, not null"),
    ],
)
async def test_a_change_that_cannot_be_made_changes_nothing(
    client: httpx.AsyncClient, body: dict[str, Any], field: str, message: str
) -> None:
    event = await make(client)
    answer = await client.patch(f"/events/{event['id']}", json={"name": "Opera"} | body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert message in faults(answer)[field]
    assert (await client.get(f"/events/{event['id']}")).json() == event


async def test_of_many_changes_of_different_things_none_is_lost(
    client: httpx.AsyncClient,
) -> None:
    event = await make(client)
    bodies: list[dict[str, Any]] = [
        {"rules": {"holdTtl": 60}},
        {"rules": {"maxSeatsPerHold": 3}},
        {"rules": {"allowOrphans": False}},
        {"prices": {"1": {"standard": "50.00"}}},
        {"prices": {"2": {"standard": "20.00"}}},
        {"status": "paused"},
        {"salesStart": "2095-01-01T00:00:00Z"},
        {"name": "Opera"},
    ]
    await asyncio.gather(*(change(client, event, **body) for body in bodies))
    assert (await client.get(f"/events/{event['id']}")).json() == event | {
        "name": "Opera",
        "status": "paused",
        "salesStart": "2095-01-01T00:00:00Z",
        "prices": {"1": {"standard": "50.00"}, "2": {"standard": "20.00"}},
        "rules": event["rules"] | {"holdTtl": 60, "maxSeatsPerHold": 3, "allowOrphans": False},
        "version": 8,
    }


async def test_changes_of_two_processes_are_put_on_top_of_each_other(
    environment: dict[str, str], database_url: str
) -> None:
    async with in_process(database_url=database_url) as ours:
        await put_venue(ours.client)
        event = await make(ours.client)
        async with in_process(database_url=database_url) as theirs:
            await asyncio.gather(
                *(
                    change(service.client, event, rules={name: 10 + number})
                    for service, name in (
                        (ours, "maxSeatsPerHold"),
                        (theirs, "maxHeldSeatsPerBuyer"),
                    )
                    for number in range(CHANGES)
                )
            )
            for service in (ours, theirs):
                rules = (await service.client.get(f"/events/{event['id']}")).json()["rules"]
                last = 9 + CHANGES
                assert (rules["maxSeatsPerHold"], rules["maxHeldSeatsPerBuyer"]) == (last, last)


async def test_a_change_is_made_on_top_of_what_another_process_changed_before(
    environment: dict[str, str], database_url: str
) -> None:
    async with in_process(database_url=database_url) as ours:
        await put_venue(ours.client)
        event = await make(ours.client)
        async with in_process(database_url=database_url) as theirs:
            await change(theirs.client, event, status="paused")
            changed = await change(ours.client, event, rules={"holdTtl": 60})
    assert (changed["status"], changed["rules"]["holdTtl"]) == ("paused", 60)


async def test_a_change_of_the_name_keeps_the_zone_that_another_process_changed_meanwhile(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def set_slowly(self: EventService, event: Event, schedule: EventSchedule) -> None:
        if schedule.name == "Opera":
            await change(theirs.client, made, timeZone="Europe/Berlin")
        await set_schedule(self, event, schedule)

    set_schedule = EventService._set_schedule
    async with in_process() as ours, in_process() as theirs:
        await put_venue(ours.client)
        made = await make(ours.client)
        monkeypatch.setattr(EventService, "_set_schedule", set_slowly)
        changed = await change(ours.client, made, name="Opera")
    assert (changed["name"], changed["timeZone"]) == ("Opera", "Europe/Berlin")


async def test_a_change_of_the_name_and_of_the_sale_is_one_transaction(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails in the middle leaves nothing of it, and a reader never sees half."""
    async with in_process() as service:
        await put_venue(service.client)
        event = await make(service.client)
        before = await service.client.get(f"/events/{event['id']}")
        statements = service.parts.seat_logs._store._statements
        monkeypatch.setattr(statements, "configure", statements.configure._replace(sql="broken"))
        monkeypatch.setattr(in_doubt, "IN_DOUBT_MAX_S", 0.2)
        broken = {"name": "Opera", "status": "paused"}
        answer = await service.client.patch(f"/events/{event['id']}", json=broken)
        assert answer.status_code >= 500
        monkeypatch.undo()
        assert (await service.client.get(f"/events/{event['id']}")).json() == before.json()
        monkeypatch.setattr(Database, "write", None)
        changed = await change(service.client, event, **broken, timeZone="Europe/Berlin")
        assert (changed["name"], changed["status"]) == ("Opera", "paused")
        assert (changed["timeZone"], changed["startsAt"]) == ("Europe/Berlin", event["startsAt"])


async def test_a_change_is_not_made_on_an_older_read_that_is_still_under_way(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read(connection: Any, event_id: str) -> Event | None:
        found = await by_id(connection, event_id)
        if not begun.is_set():
            begun.set()
            await go_on.wait()
        return found

    begun, go_on, by_id = asyncio.Event(), asyncio.Event(), store.by_id
    event = await make(client)
    monkeypatch.setattr(store, "by_id", read)
    slow = asyncio.create_task(client.get(f"/events/{event['id']}"))
    await begun.wait()
    async with asyncio.timeout(10):
        assert (await change(client, event, name="Opera"))["name"] == "Opera"
    go_on.set()
    assert (await slow).json()["name"] == "Concert"
    assert (await client.get(f"/events/{event['id']}")).json()["name"] == "Opera"


async def test_only_an_admin_makes_and_changes_events_and_anyone_reads_them(
    environment: dict[str, str],
) -> None:
    key = "an-admin-key-of-enough-characters"
    async with in_process(app_env="production", admin_api_key=key) as service:
        client = service.client
        for answer in (
            await client.post("/events", json=CONCERT),
            await client.patch("/events/abcdefghijkl", json={}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert (await client.get("/events")).status_code == 200
        assert (await client.get("/events/abcdefghijkl")).status_code == 404


async def test_a_database_without_events_gets_an_arena_and_one_event_to_try(
    service: Service,
) -> None:
    parts = service.parts
    made = await add_demo_event(parts.venues, parts.events, parts.clock)
    assert made is not None
    event = (await service.client.get(f"/events/{made.id}")).json()
    assert event["timeZone"] == "Europe/Berlin"
    assert event["startsAt"][11:] in {"18:00:00Z", "19:00:00Z"}
    assert event["status"] == "on_sale"
    counts = await statuses(service, made.id)
    assert sum(counts.values()) == SEATS + STANDING
    assert counts["available"] > SEATS / 2
    assert await add_demo_event(parts.venues, parts.events, parts.clock) is None


async def test_a_database_with_a_venue_of_its_own_gets_no_demo(service: Service) -> None:
    await put_venue(service.client)
    parts = service.parts
    assert await add_demo_event(parts.venues, parts.events, parts.clock) is None
    assert (await service.client.get("/events")).json()["items"] == []
