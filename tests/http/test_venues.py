"""Seat maps in and out over HTTP."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jsonschema_rs
import pytest
from sqlalchemy import text
from tests.support.seat_maps import area, plan, seat, seat_map
from tests.support.service import Service, in_process

from event_seating.booking.seating.numbering import seat_index
from event_seating.venues import service as service_module
from event_seating.venues.arenas import arena
from event_seating.venues.errors import VenueNotFound, VenueVersionNotFound
from event_seating.venues.formats import schema

pytestmark = pytest.mark.anyio

NO_WARNINGS = {"warnings": [], "moreWarnings": 0}
CLUB = {"id": "club", "version": 1, "name": "Club", "seats": 4, "areas": 0, "categories": 1}
PLAIN = {"accept-encoding": "identity"}
ZIPPED = {"accept-encoding": "gzip"}
SEATS = "sections[0].rows[0].seats"


async def send(service: Service, method: str, path: str, body: Any, **more: Any) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": "application/json"} | more.pop("headers", {})
    return await service.client.request(method, path, content=content, headers=headers, **more)


async def post(service: Service, body: Any, path: str = "/venues", **more: Any) -> httpx.Response:
    return await send(service, "POST", path, body, **more)


async def put(service: Service, body: Any, path: str = "/venues/club") -> httpx.Response:
    return await send(service, "PUT", path, body)


async def venue_ids(service: Service) -> list[str]:
    return [item["id"] for item in (await service.client.get("/venues")).json()["items"]]


def rows(*seats: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"id": "A", "rows": [{"index": 1, "seats": list(seats)}]}]


class TestCreating:
    async def test_a_map_becomes_the_first_version_of_a_venue(self, service: Service) -> None:
        created = await post(service, seat_map(areas=[area()]))
        assert created.status_code == 201
        assert created.json() == CLUB | {"areas": 1} | NO_WARNINGS
        assert created.headers["location"] == "/venues/club"
        read = (await service.client.get("/venues/club")).json()
        assert read["venueId"] == "club"
        assert [row["id"] for row in read["sections"][0]["rows"][0]["seats"]] == [
            "A-1-01", "A-1-02", "A-1-03", "A-1-04",
        ]  # fmt: skip
        assert read["areas"] == [area()]

    async def test_a_plan_with_zones_is_answered_with_sections(self, service: Service) -> None:
        created = (await post(service, plan())).json()
        assert created == {
            "id": "theatre", "version": 1, "name": "Theatre", "seats": 6, "areas": 0,
            "categories": 2, "warnings": created["warnings"], "moreWarnings": 0,
        }  # fmt: skip
        read = (await service.client.get("/venues/theatre")).json()
        assert (read["venueId"], len(read["sections"])) == ("theatre", 2)

    async def test_what_is_odd_in_a_map_is_said(self, service: Service) -> None:
        odd = seat_map(sections=rows(seat(1, acessible=True), seat(2)))
        for path in ("/venues?dryRun=true", "/venues"):
            answer = (await post(service, odd, path)).json()
            assert answer["moreWarnings"] == 0
            (warning,) = answer["warnings"]
            assert warning["path"] == f"{SEATS}[0].acessible"
            assert warning["code"] == "misspelt_field"
            assert "`accessible`" in warning["message"]
        again = (await put(service, odd)).json()
        assert [warning["code"] for warning in again["warnings"]] == ["misspelt_field"]

    async def test_seats_that_are_not_for_sale_need_no_price(self, service: Service) -> None:
        tiers = {"1": {"price": 45}, "2": {"label": "Not available"}}
        odd = seat_map(priceTiers=tiers, sections=rows(seat(1), seat(2, priceTier=2)))
        assert (await post(service, odd)).status_code == 201
        event = {"venueId": "club", "name": "x", "startsAt": "2096-05-04T19:00:00Z"}
        created = await service.client.post("/events", json=event)
        assert created.status_code == 201
        seats = await service.client.get(f"/events/{created.json()['id']}/seats?format=compact")
        assert seats.json()["seats"] == "ax"

    async def test_what_is_answered_loads_again_as_it_is(self, service: Service) -> None:
        await post(service, plan())
        first = (await service.client.get("/venues/theatre")).content
        again = await put(service, first, "/venues/theatre")
        assert (again.status_code, again.json()["version"]) == (200, 1)

    async def test_an_id_that_exists_is_refused_and_named(self, service: Service) -> None:
        await post(service, seat_map())
        again = await post(service, seat_map(name="Other"))
        assert (again.status_code, again.json()["code"]) == (409, "venue_exists")
        assert again.json()["id"] == "club"
        assert (await service.client.get("/venues/club")).json()["name"] == "Club"

    @pytest.mark.parametrize(
        ("name", "made"),
        [("Théâtre Royal", "theatre-royal"), (" The  O2! ", "the-o2"), ("x" * 200, "x" * 40)],
    )
    async def test_a_map_without_an_id_gets_one_from_its_name(
        self, service: Service, name: str, made: str
    ) -> None:
        for venue_id in (None, ""):
            created = await post(service, seat_map(venueId=venue_id, name=name))
            assert created.status_code == 201
            assert created.json()["id"].startswith(made)
        ids = await venue_ids(service)
        assert len(ids) == 2
        assert made in ids

    async def test_a_name_that_gives_no_id_gets_one_by_chance(self, service: Service) -> None:
        created = (await post(service, seat_map(venueId=None, name="国家大剧院"))).json()
        assert created["id"].startswith("venue-")
        assert (await service.client.get(f"/venues/{created['id']}")).status_code == 200

    @pytest.mark.shared_service
    @pytest.mark.parametrize("venue_id", ["a/b", "a b", "ü", "x\n", "..", "."])
    async def test_an_id_that_no_path_can_carry_is_refused(
        self, service: Service, venue_id: str
    ) -> None:
        answer = await post(service, seat_map(venueId=venue_id))
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_map")
        assert [fault["field"] for fault in answer.json()["fields"]] == ["venueId"]

    async def test_a_dry_run_checks_and_writes_nothing(self, service: Service) -> None:
        checked = await post(service, seat_map(), "/venues?dryRun=true")
        assert (checked.status_code, checked.json()) == (200, CLUB | NO_WARNINGS)
        assert "location" not in checked.headers
        assert await venue_ids(service) == []
        bad = await post(service, seat_map(sections=[]), "/venues?dryRun=true")
        assert bad.status_code == 400
        await post(service, seat_map())
        assert (await post(service, seat_map(), "/venues?dryRun=true")).status_code == 409

    async def test_of_many_who_create_the_same_venue_one_succeeds(self, service: Service) -> None:
        answers = await asyncio.gather(*(post(service, seat_map()) for _ in range(10)))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9

    async def test_a_hundred_thousand_seats_load(self, service: Service) -> None:
        created = await post(service, arena(100_000))
        assert (created.status_code, created.json()["seats"]) == (201, 100_000)


class TestBadMaps:
    @pytest.mark.shared_service
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            (seat_map(sections=rows(seat(1), seat(1))), f"{SEATS}[1].id"),
            (seat_map(sections=[{"id": "A", "rows": []}]), "sections"),
            (seat_map(sections=[]), "sections"),
            (seat_map(sections=rows(seat(1, x=float("nan")))), f"{SEATS}[0].x"),
            (seat_map(sections=rows(seat(1, y=float("inf")))), f"{SEATS}[0].y"),
            (seat_map(sections=rows(seat(1, x=1e300))), f"{SEATS}[0].x"),
            (seat_map(sections=rows(seat(1, priceTier=7))), f"{SEATS}[0].priceTier"),
            (seat_map(priceTiers={"1": {"price": -1}}), 'priceTiers["1"].price'),
            (seat_map(priceTiers={"1": {"price": 1e12}}), 'priceTiers["1"].price'),
            (seat_map(areas=[area(capacity=0)]), "areas[0].capacity"),
            (seat_map(name=None), "name"),
            ([], "body"),
            (b"", "body"),
            (b"{", "body"),
            (b"\xff\xfe", "body"),
            (b"[" * 100_000, "body"),
        ],
    )
    async def test_each_fault_is_named_by_its_path(
        self, service: Service, body: Any, field: str
    ) -> None:
        for method, path in (("POST", "/venues"), ("PUT", "/venues/club")):
            answer = await send(service, method, path, body)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_map")
            assert field in [fault["field"] for fault in answer.json()["fields"]]
            assert answer.json()["faults"] >= 1
        assert await venue_ids(service) == []

    @pytest.mark.long
    async def test_two_hundred_thousand_seats_are_refused(self, service: Service) -> None:
        seats = [{"id": str(n), "x": n, "y": 0, "priceTier": 1} for n in range(200_000)]
        answer = await post(service, seat_map(sections=rows(*seats)))
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_map")
        assert answer.json()["fields"][0]["message"] == (
            "has 200,000 seats; at most 100,000 are taken"
        )

    async def test_forty_megabytes_are_refused(self, service: Service) -> None:
        answer = await post(service, b" " * 40_000_000)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert answer.json()["limit"] == 32 * 1024 * 1024

    async def test_forty_megabytes_that_do_not_say_so_are_refused(self, service: Service) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(40):
                yield b" " * 1_000_000

        answer = await service.client.post(
            "/venues", content=chunks(), headers={"content-type": "application/json"}
        )
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")

    async def test_a_map_of_thirty_megabytes_is_taken(self, service: Service) -> None:
        answer = await post(service, seat_map(note="x" * 30_000_000))
        assert answer.status_code == 201

    async def test_another_type_is_refused(self, service: Service) -> None:
        answer = await post(service, seat_map(), headers={"content-type": "text/plain"})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")

    async def test_a_compressed_body_is_refused_and_told_why(self, service: Service) -> None:
        body = gzip.compress(json.dumps(seat_map()).encode())
        answer = await post(service, body, headers={"content-encoding": "gzip"})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
        assert "Content-Encoding" in answer.json()["error"]
        assert answer.headers["accept-encoding"] == "identity"

    async def test_a_body_that_stalls_gives_up_its_place(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service_module, "UPLOAD_S_MAX", 0.01)

        async def stalls() -> AsyncIterator[bytes]:
            yield b"{"
            await asyncio.Event().wait()

        for _ in range(service_module.UPLOADS_AT_ONCE + 1):
            answer = await service.client.post(
                "/venues", content=stalls(), headers={"content-type": "application/json"}
            )
            assert (answer.status_code, answer.json()["code"]) == (408, "body_too_slow")


class TestVersions:
    async def test_a_put_makes_a_venue_or_its_next_version(self, service: Service) -> None:
        made = await put(service, seat_map())
        assert (made.status_code, made.json()) == (201, CLUB | NO_WARNINGS)
        assert made.headers["location"] == "/venues/club"
        changed = await put(service, seat_map(name="Club Two"))
        assert (changed.status_code, changed.json()) == (
            200, CLUB | {"version": 2, "name": "Club Two"} | NO_WARNINGS,
        )  # fmt: skip
        assert (await service.client.get("/venues/club")).json()["name"] == "Club Two"
        first = (await service.client.get("/venues/club/versions/1")).json()
        assert first["name"] == "Club"

    async def test_the_same_map_makes_no_new_version(self, service: Service) -> None:
        await put(service, seat_map())
        spaced = json.dumps(seat_map(venueId=None), indent=4).encode()
        again = await put(service, spaced)
        assert (again.status_code, again.json()["version"]) == (200, 1)

    async def test_an_older_map_that_comes_back_is_a_new_version(self, service: Service) -> None:
        for name in ("One", "Two", "One"):
            answer = await put(service, seat_map(name=name))
        assert answer.json()["version"] == 3

    async def test_the_id_in_the_map_must_be_the_one_in_the_path(self, service: Service) -> None:
        answer = await put(service, seat_map(), "/venues/other")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_map")
        assert [fault["field"] for fault in answer.json()["fields"]] == ["venueId"]
        assert (await put(service, seat_map(venueId=None), "/venues/other")).status_code == 201

    async def test_a_dry_run_says_what_would_become_of_it(self, service: Service) -> None:
        path = "/venues/club?dryRun=true"
        answer = await put(service, seat_map(), path)
        assert (answer.status_code, answer.json()["version"]) == (200, 1)
        assert await venue_ids(service) == []
        await put(service, seat_map())
        assert (await put(service, seat_map(), path)).json()["version"] == 1
        assert (await put(service, seat_map(name="Two"), path)).json()["version"] == 2
        assert (await service.client.get("/venues/club/versions/2")).status_code == 404

    async def test_an_impossible_id_is_not_found(self, service: Service) -> None:
        for venue_id in ("a%20b", "x" * 65, "%C3%BC"):
            answer = await put(service, seat_map(venueId=None), f"/venues/{venue_id}")
            assert (answer.status_code, answer.json()["code"]) == (404, "venue_not_found")
        # No address at all has a control character in it.
        answer = await put(service, seat_map(venueId=None), "/venues/a%00")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    async def test_maps_that_come_at_once_all_become_versions(
        self, environment: dict[str, str], database_url: str
    ) -> None:
        async with in_process(database_url=database_url) as service:
            maps = [seat_map(name=f"Map {number}") for number in range(12)]
            answers = await asyncio.gather(*(put(service, one) for one in maps))
            assert sorted(a.status_code for a in answers) == [200] * 11 + [201]
            assert sorted(a.json()["version"] for a in answers) == list(range(1, 13))
            for answer in answers:
                version = answer.json()["version"]
                kept = await service.client.get(f"/venues/club/versions/{version}")
                assert kept.json()["name"] == answer.json()["name"]
            newest = (await service.client.get("/venues/club")).json()["name"]
            assert newest in [a.json()["name"] for a in answers if a.json()["version"] == 12]


class TestReading:
    @pytest.fixture(autouse=True)
    async def club(self, service: Service) -> None:
        await post(service, seat_map())

    async def test_a_client_that_takes_gzip_gets_the_stored_bytes(self, service: Service) -> None:
        zipped = await service.client.get("/venues/club", headers=ZIPPED)
        plain = await service.client.get("/venues/club", headers=PLAIN)
        assert zipped.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert zipped.content == plain.content
        async with service.parts.database.read() as connection:
            stored = await connection.scalar(text("SELECT map_gzip FROM venue_versions"))
        assert int(zipped.headers["content-length"]) == len(stored)
        assert gzip.decompress(stored) == plain.content

    async def test_each_form_has_a_strong_tag_of_its_own(self, service: Service) -> None:
        tags = set()
        for headers in (ZIPPED, PLAIN):
            first = await service.client.get("/venues/club", headers=headers)
            again = await service.client.get("/venues/club", headers=headers)
            assert first.headers["etag"] == again.headers["etag"]
            assert first.headers["etag"].startswith('"')
            assert first.headers["vary"] == "accept-encoding"
            tags.add(first.headers["etag"])
        assert len(tags) == 2

    @pytest.mark.shared_service
    @pytest.mark.parametrize("path", ["/venues/club", "/venues/club/versions/1"])
    @pytest.mark.parametrize("form", [ZIPPED, PLAIN])
    async def test_a_client_that_has_it_is_told_so(
        self, service: Service, path: str, form: dict[str, str]
    ) -> None:
        whole = await service.client.get(path, headers=form)
        etag = whole.headers["etag"]
        for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
            answer = await service.client.get(path, headers=form | {"if-none-match": known})
            assert (answer.status_code, answer.content) == (304, b"")
            for name in ("etag", "vary", "cache-control", "content-location"):
                assert answer.headers[name] == whole.headers[name]
            assert "content-encoding" not in answer.headers
        other = await service.client.get(path, headers=form | {"if-none-match": '"x"'})
        assert other.status_code == 200

    async def test_a_changed_map_has_another_tag(self, service: Service) -> None:
        etag = (await service.client.get("/venues/club")).headers["etag"]
        await put(service, seat_map(name="Two"))
        answer = await service.client.get("/venues/club", headers={"if-none-match": etag})
        assert (answer.status_code, answer.json()["name"]) == (200, "Two")

    async def test_a_version_may_be_kept_for_ever_and_the_newest_not(
        self, service: Service
    ) -> None:
        version = await service.client.get("/venues/club/versions/1")
        newest = await service.client.get("/venues/club")
        assert version.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert newest.headers["cache-control"] == "public, max-age=0, must-revalidate"
        assert newest.headers["content-location"] == "/venues/club/versions/1"
        assert newest.headers["content-type"] == "application/json"

    async def test_head_answers_as_get_does_without_the_body(self, service: Service) -> None:
        for form in (ZIPPED, PLAIN):
            head = await service.client.head("/venues/club", headers=form)
            get = await service.client.get("/venues/club", headers=form)
            assert (head.status_code, head.content) == (200, b"")
            for name in ("etag", "content-length", "content-type", "vary"):
                assert head.headers[name] == get.headers[name]

    @pytest.mark.shared_service
    @pytest.mark.parametrize(
        ("path", "code"),
        [
            ("/venues/nobody", "venue_not_found"),
            ("/venues/nobody/versions/1", "venue_not_found"),
            ("/venues/a%20b/versions/1", "venue_not_found"),
            ("/venues/a%00", "not_found"),
            ("/venues/club/versions/2", "venue_version_not_found"),
            ("/venues/club/versions/0", "venue_version_not_found"),
            ("/venues/club/versions/-1", "venue_version_not_found"),
            ("/venues/club/versions/01", "venue_version_not_found"),
            ("/venues/club/versions/x", "venue_version_not_found"),
            ("/venues/club/versions/99999999999999999999", "venue_version_not_found"),
        ],
    )
    async def test_what_is_not_there_is_not_found(
        self, service: Service, path: str, code: str
    ) -> None:
        answer = await service.client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, code)

    async def test_a_hot_version_is_read_from_the_database_once(self, service: Service) -> None:
        before = service.database_reads("venue_versions")
        answers = await asyncio.gather(
            *(
                service.client.get("/venues/club/versions/1", headers=headers)
                for headers in [ZIPPED, PLAIN] * 20
            )
        )
        assert {answer.status_code for answer in answers} == {200}
        assert service.database_reads("venue_versions") - before == 1

    async def test_many_who_ask_for_the_newest_at_once_share_the_look_up(
        self, service: Service
    ) -> None:
        await service.client.get("/venues/club", headers=ZIPPED)
        before = service.database_reads("venue_versions")
        await asyncio.gather(
            *(service.client.get("/venues/club", headers=ZIPPED) for _ in range(30))
        )
        assert service.database_reads("venue_versions") - before == 1

    async def test_the_parsed_map_is_shared_and_its_seats_can_be_numbered(
        self, service: Service
    ) -> None:
        venues = service.parts.venues
        before = service.database_reads("venue_versions")
        plans = await asyncio.gather(*(venues.seat_plan("club", 1) for _ in range(10)))
        assert all(one is plans[0] for one in plans)
        assert await venues.seat_plan("club", 1) is plans[0]
        assert service.database_reads("venue_versions") - before == 1
        assert seat_index(plans[0]).ids == plans[0].seat_ids
        with pytest.raises(VenueVersionNotFound):
            await venues.seat_plan("club", 2)
        with pytest.raises(VenueNotFound):
            await venues.seat_plan("nobody", 1)


class TestLists:
    async def test_pages_follow_one_another_to_the_end(self, service: Service) -> None:
        names = [f"v{number}" for number in range(7)]
        for name in reversed(names):
            await post(service, seat_map(venueId=name))
        found: list[str] = []
        cursor = ""
        for _ in range(3):
            page = (await service.client.get(f"/venues?limit=3{cursor}")).json()
            found += [item["id"] for item in page["items"]]
            cursor = f"&cursor={page['nextCursor']}"
        assert found == names
        assert page["nextCursor"] is None

    async def test_an_item_says_what_the_newest_map_has(self, service: Service) -> None:
        await post(service, seat_map())
        await put(service, seat_map(name="Two", areas=[area()]))
        (item,) = (await service.client.get("/venues")).json()["items"]
        assert item.pop("createdAt").endswith("Z")
        assert item == CLUB | {"version": 2, "name": "Two", "areas": 1}

    @pytest.mark.shared_service
    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=x", "limit"),
            ("limit=", "limit"),
            ("limit=99999999999999999999999", "limit"),
            ("cursor=", "cursor"),
            ("cursor=nonsense", "cursor"),
            ("cursor=%C3%BC", "cursor"),
            ("cursor=WyJhXHUwMDAwYiJd", "cursor"),
            (f"cursor={'a' * 600}", "cursor"),
        ],
    )
    async def test_a_bad_limit_or_cursor_is_named(
        self, service: Service, query: str, field: str
    ) -> None:
        answer = await service.client.get(f"/venues?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
        assert [fault["field"] for fault in answer.json()["fields"]] == [field]


class TestTheSchema:
    async def test_it_is_published_and_cached(self, service: Service) -> None:
        answer = await service.client.get("/schemas/seat-map.json")
        assert answer.json() == schema.standalone()
        assert answer.headers["content-type"] == "application/schema+json"
        assert answer.headers["cache-control"] == "public, max-age=3600"
        known = {"if-none-match": answer.headers["etag"]}
        again = await service.client.get("/schemas/seat-map.json", headers=known)
        assert (again.status_code, again.content) == (304, b"")

    @pytest.mark.parametrize(
        "made", [seat_map(areas=[area()]), plan(), arena(2_000, standing=100)], ids=str
    )
    async def test_the_map_of_a_venue_fits_it(self, service: Service, made: Any) -> None:
        await put(service, made | {"venueId": "club"})
        found = (await service.client.get("/venues/club")).json()
        published = (await service.client.get("/schemas/seat-map.json")).json()
        assert jsonschema_rs.Draft202012Validator(published).is_valid(found)


class TestWhoMay:
    @pytest.fixture
    async def production(self, environment: dict[str, str]) -> AsyncIterator[Service]:
        async with in_process(
            app_env="production", admin_api_key="k" * 24, log_dir="off", rate_limits="2/10s"
        ) as running:
            yield running

    async def test_anyone_reads_maps_without_a_limit(self, production: Service) -> None:
        key = {"authorization": f"Bearer {'k' * 24}"}
        assert (await post(production, seat_map(), headers=key)).status_code == 201
        reads = ("/venues/club", "/venues/club/versions/1", "/schemas/seat-map.json")
        for path in reads * 5:
            answer = await production.client.get(path)
            assert answer.status_code == 200
            assert "ratelimit" not in answer.headers

    async def test_only_an_admin_writes_and_strangers_are_counted(
        self, production: Service
    ) -> None:
        answers = [
            await post(production, seat_map()),
            await put(production, seat_map()),
            await put(production, seat_map()),
        ]
        assert [answer.status_code for answer in answers] == [401, 401, 429]

    async def test_a_strangers_megabytes_are_refused_at_the_door(self, production: Service) -> None:
        read = 0

        async def chunks() -> AsyncIterator[bytes]:
            nonlocal read
            for _ in range(40):
                read += 1
                yield b" " * 1_000_000

        answer = await production.client.post(
            "/venues", content=chunks(), headers={"content-type": "application/json"}
        )
        assert answer.status_code == 401
        assert read < 20
