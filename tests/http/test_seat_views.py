"""Reading an event's seats over HTTP: snapshots, one seat, the log."""

import gzip
from typing import Any
from urllib.parse import quote

import pytest
from tests.support.seating import hold, on_sale, seat_map
from tests.support.service import Service, in_process

from event_seating.booking.api.seat_routes import EVENT_ID
from event_seating.booking.seating import ids

pytestmark = pytest.mark.anyio

PLAIN = {"accept-encoding": "identity"}


async def seats(service: Service, event: str, query: str = "", **headers: str) -> Any:
    return await service.client.get(f"/events/{event}/seats{query}", headers={**PLAIN, **headers})


async def book(service: Service, event: str, *names: str, **more: Any) -> dict[str, Any]:
    held = (await hold(service, event, *names)).json()
    booked = await service.client.post("/bookings", json={"holdToken": held["holdToken"], **more})
    assert booked.status_code == 201, booked.text
    return dict(booked.json())


async def test_a_snapshot_has_every_seat_and_the_areas(service: Service) -> None:
    event = await on_sale(service)
    answer = await seats(service, event)
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["eventId", "epoch", "version", "counts", "seats", "areas"]
    epoch = (await service.parts.bookable_events.get(event)).epoch
    assert (body["eventId"], body["epoch"], body["version"]) == (event, epoch, 1)
    assert body["counts"] == {"available": 90, "held": 0, "booked": 0, "blocked": 0}
    assert body["areas"] == {"floor": {"available": 50, "held": 0, "booked": 0, "blocked": 0}}
    assert len(body["seats"]) == 40
    assert set(body["seats"].values()) == {"available"}
    assert answer.headers["cache-control"] == "no-cache"


async def test_a_write_is_in_the_next_snapshot_of_both_forms(service: Service) -> None:
    event = await on_sale(service)
    await seats(service, event)
    await hold(service, event, "A-1-2")
    await service.client.post(f"/events/{event}/holds", json={"areas": {"floor": 3}})
    full, compact = (await seats(service, event)), await seats(service, event, "?format=compact")
    assert full.json()["seats"]["A-1-2"] == "held"
    assert compact.json()["seats"] == "ah" + "a" * 38
    assert full.json()["areas"]["floor"]["held"] == compact.json()["areas"]["floor"]["held"] == 3
    assert compact.json()["counts"]["held"] == 4
    assert full.json()["version"] == compact.json()["version"] == 3


@pytest.mark.parametrize("query", ["", "?format=compact"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_snapshot_that_the_client_has_is_304_until_something_moves(
    service: Service, query: str, encoding: str
) -> None:
    event = await on_sale(service)
    first = await seats(service, event, query, **{"accept-encoding": encoding})
    tag = first.headers["etag"]
    again = await seats(
        service, event, query, **{"accept-encoding": encoding, "if-none-match": tag}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    assert "content-length" not in again.headers
    await hold(service, event, "A-1-1")
    moved = await seats(
        service, event, query, **{"accept-encoding": encoding, "if-none-match": tag}
    )
    assert moved.status_code == 200
    assert moved.headers["etag"] != tag


async def test_each_form_and_encoding_has_a_tag_of_its_own(service: Service) -> None:
    event = await on_sale(service)
    tags = {
        (await seats(service, event, query, **{"accept-encoding": encoding})).headers["etag"]
        for query in ("", "?format=compact")
        for encoding in ("identity", "gzip")
    }
    assert len(tags) == 4
    assert not any(tag.startswith("W/") for tag in tags)


async def test_a_client_that_takes_gzip_gets_the_same_seats_compressed(service: Service) -> None:
    event = await on_sale(service)
    plain = await seats(service, event)
    request = service.client.build_request(
        "GET", f"/events/{event}/seats", headers={"accept-encoding": "gzip"}
    )
    answer = await service.client.send(request, stream=True)
    raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert "accept-encoding" in answer.headers["vary"]


async def test_the_edge_and_the_route_answer_alike(service: Service) -> None:
    event = await on_sale(service)
    routed = await seats(service, event)
    assert service.parts.seat_views.ready(event, b"", {}) is not None
    edge = await seats(service, event)
    own = {"x-request-id"}
    assert routed.content == edge.content
    assert {k: v for k, v in routed.headers.items() if k not in own} == {
        k: v for k, v in edge.headers.items() if k not in own
    }


async def test_a_head_request_tells_the_length_and_sends_nothing(service: Service) -> None:
    event = await on_sale(service)
    read = await seats(service, event)
    for _ in range(2):
        head = await service.client.head(f"/events/{event}/seats", headers=PLAIN)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(read.content))


async def test_a_read_of_a_version_that_another_process_wrote_has_it(
    service: Service, environment: dict[str, str]
) -> None:
    event = await on_sale(service)
    await seats(service, event)
    async with in_process() as other:
        assert (await hold(other, event, "A-1-1")).status_code == 201
        assert (await seats(service, event)).json()["version"] == 1, "not looked for by itself"
        answer = await seats(service, event, "?version=2")
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == 2


@pytest.mark.parametrize("version", [3, 10**15])
async def test_a_version_that_nobody_was_told_of_is_the_callers_fault(
    service: Service, environment: dict[str, str], version: int
) -> None:
    event = await on_sale(service)
    await seats(service, event)
    async with in_process() as other:
        await hold(other, event, "A-1-1")
    answer = await seats(service, event, f"?version={version}")
    assert (answer.status_code, answer.json()["code"]) == (400, "version_not_reached")
    assert answer.json()["version"] == 2, "judged by what the log has, not by what was read of it"
    log = await service.parts.seat_logs.get(event)
    assert not log.broken
    assert (await seats(service, event)).status_code == 200


async def test_a_version_of_another_epoch_means_nothing(service: Service) -> None:
    event = await on_sale(service)
    epoch = (await seats(service, event)).json()["epoch"]
    theirs = await seats(service, event, "?version=99&epoch=of-a-lost-future")
    assert (theirs.status_code, theirs.json()["version"]) == (200, 1)
    ours = await seats(service, event, f"?version=99&epoch={epoch}")
    assert ours.status_code == 400


async def test_a_question_that_makes_no_sense_is_400(service: Service) -> None:
    event = await on_sale(service)
    await seats(service, event)
    for query in ("?format=csv", "?version=-1", "?version=x", "?version=1e3"):
        assert (await seats(service, event, query)).status_code == 400, query


async def test_an_event_that_is_not_there_is_404(service: Service) -> None:
    for event in ("nope", "aaaaaaaaaaaa", "AAAAAAAAAAAA"):
        for path in ("seats", "seats/A-1-1", "log", "bookings"):
            answer = await service.client.get(f"/events/{event}/{path}")
            assert answer.status_code == 404
            assert answer.json()["code"] == "event_not_found"


async def test_one_seat_is_told_with_its_prices(service: Service) -> None:
    event = await on_sale(service)
    answer = (await service.client.get(f"/events/{event}/seats/A-2-3")).json()
    assert answer["seat"] == "A-2-3"
    assert (answer["section"], answer["row"], answer["category"]) == ("A", "2", "1")
    assert (answer["status"], answer["version"]) == ("available", 1)
    assert answer["prices"] == {"standard": "45.00", "reduced": "30.00"}
    assert answer["currency"] == "EUR"
    assert "2" in answer["label"]


async def test_the_box_office_sees_who_has_a_seat_and_what_happened_to_it(
    service: Service,
) -> None:
    event = await on_sale(service)
    path = f"/events/{event}/seats/A-2-3"
    held = (await hold(service, event, "A-2-3")).json()
    seen = (await service.client.get(path)).json()
    assert seen["holdExpiresAt"] == held["expiresAt"]
    assert seen["bookingId"] is None
    booked = await service.client.post("/bookings", json={"holdToken": held["holdToken"]})
    await hold(service, event, "A-1-1")
    seen = (await service.client.get(path)).json()
    assert seen["bookingId"] == booked.json()["id"]
    assert seen["holdExpiresAt"] is None
    assert [(move["operation"], move["status"]) for move in seen["history"]] == [
        ("book", "booked"),
        ("hold", "held"),
    ]
    assert seen["history"][0]["booking"] == booked.json()["id"]
    assert [move["version"] for move in seen["history"]] == [3, 2]
    assert seen["historySince"] == 1


async def test_nobody_else_sees_who_has_a_seat(environment: dict[str, str]) -> None:
    key = "k" * 30
    async with in_process(app_env="production", admin_api_key=key, log_dir=None) as service:
        service.client.headers["authorization"] = f"Bearer {key}"
        event = await on_sale(service)
        await hold(service, event, "A-2-3")
        del service.client.headers["authorization"]
        seen = (await service.client.get(f"/events/{event}/seats/A-2-3")).json()
        assert seen["status"] == "held"
        assert not {"bookingId", "holdId", "holdExpiresAt", "history"} & set(seen)
        assert (await seats(service, event)).status_code == 200
        for path in (f"/events/{event}/log", f"/events/{event}/bookings", "/users/1/bookings"):
            assert (await service.client.get(path)).status_code == 401


async def test_a_seat_that_the_map_does_not_have_is_404(service: Service) -> None:
    event = await on_sale(service)
    answer = await service.client.get(f"/events/{event}/seats/Z-9-9")
    assert (answer.status_code, answer.json()["code"]) == (404, "seat_not_found")


@pytest.mark.shared_service
@pytest.mark.parametrize("seat", ["101/A/7", "A 1", "50%2F?#", "Ä/"])
async def test_a_seat_is_found_whatever_is_in_its_id(service: Service, seat: str) -> None:
    """Maps made for other tools have ids such as section/row/number."""
    hall = seat_map(rows=1)
    hall["sections"][0]["rows"][0]["seats"][0]["id"] = seat
    await service.client.put("/venues/hall", json=hall)
    new = {"venueId": "hall", "name": "Concert", "startsAt": "2096-10-02T07:06:40Z"}
    event = (await service.client.post("/events", json=new)).json()["id"]
    await hold(service, event, seat)
    answer = await service.client.get(f"/events/{event}/seats/{quote(seat, safe='')}")
    assert (answer.status_code, answer.json()["seat"]) == (200, seat)
    assert answer.json()["status"] == "held"


async def test_snapshots_are_not_charged_to_the_readers_address(
    environment: dict[str, str],
) -> None:
    async with in_process(rate_limits="3/10s", seating_rate_limits="off") as service:
        event = await on_sale(service)
        for _ in range(10):
            assert (await seats(service, event, "?format=compact")).status_code == 200


async def test_the_log_tells_every_change_and_no_secret(service: Service) -> None:
    event = await on_sale(service)
    booked = await book(service, event, "A-1-1", "A-1-2", userId=None)
    cancelled = await service.client.post(f"/bookings/{booked['id']}/cancel", json={})
    assert cancelled.status_code == 200
    await service.client.post(
        f"/events/{event}/blocks", json={"areas": {"floor": 7}, "reason": "cameras"}
    )
    answer = await service.client.get(f"/events/{event}/log")
    rows = answer.json()["items"]
    assert [row["version"] for row in rows] == [1, 2, 3, 4, 5]
    operations = [op for row in rows for entry in row["entries"] for op in entry["operations"]]
    assert [op["type"] for op in operations] == ["configure", "hold", "book", "cancel", "block"]
    assert operations[0]["configuration"]["prices"]["1"]["standard"] == "45.00"
    assert operations[1]["seats"] == ["A-1-1", "A-1-2"]
    assert operations[2]["booking"] == booked["id"]
    assert operations[4]["areas"] == {"floor": 7}
    assert operations[4]["reason"] == "cameras"
    assert answer.json()["nextCursor"] is None
    assert "buyer" not in answer.text


async def test_the_log_is_read_in_pages_from_any_version(service: Service) -> None:
    event = await on_sale(service)
    for row in range(1, 5):
        await hold(service, event, f"A-{row}-1")
    versions, query = [], "?since=1&limit=2"
    while True:
        page = (await service.client.get(f"/events/{event}/log{query}")).json()
        versions.append([row["version"] for row in page["items"]])
        if page["nextCursor"] is None:
            break
        query = f"?limit=2&cursor={page['nextCursor']}"
    assert versions == [[2, 3], [4, 5]]


async def test_the_log_comes_as_lines_when_asked_for(service: Service) -> None:
    import msgspec  # noqa: PLC0415

    event = await on_sale(service)
    for col in range(1, 9):
        await hold(service, event, f"A-1-{col}")
    answer = await service.client.get(
        f"/events/{event}/log?since=3", headers={"accept": "application/x-ndjson"}
    )
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [msgspec.json.decode(line) for line in answer.text.splitlines()]
    assert [line["version"] for line in lines] == [4, 5, 6, 7, 8, 9]
    paged = (await service.client.get(f"/events/{event}/log?since=3")).json()["items"]
    assert lines == paged


async def test_a_seat_of_an_event_that_left_memory_is_read_again(service: Service) -> None:
    event = await on_sale(service)
    await hold(service, event, "A-1-1")
    before = await seats(service, event)
    log = service.parts.seat_logs._logs.pop(event)
    log.broken = "gone"
    after = await seats(service, event)
    assert after.content == before.content
    await hold(service, event, "A-1-2")
    assert (await seats(service, event)).json()["seats"]["A-1-2"] == "held"


def test_the_edge_knows_an_id_when_it_sees_one() -> None:
    event = ids.new_event_id()
    assert EVENT_ID.fullmatch(event)
    assert not EVENT_ID.fullmatch(f"{event}x")
