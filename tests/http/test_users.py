"""Reading and creating users over HTTP."""

import asyncio
import json
from typing import Any

import pytest
from tests.support.service import Service

pytestmark = pytest.mark.anyio

JANE = {"id": "123", "name": "Jane Smith", "email": "jane@example.com"}


async def test_a_user_that_was_created_is_read_back(service: Service) -> None:
    created = await service.client.post("/users", json=JANE)
    assert created.status_code == 201
    assert created.headers["location"] == "/users/123"
    read = await service.client.get("/users/123")
    assert read.status_code == 200
    assert read.json() == created.json()
    assert set(read.json()) == {"id", "name", "email", "createdAt"}
    assert read.json()["createdAt"].endswith("Z")


async def test_the_answer_of_the_route_and_of_the_cache_are_the_same(service: Service) -> None:
    await service.client.post("/users", json=JANE)
    await service.client.delete("/cache")
    loaded = await service.client.get("/users/123")
    cached = await service.client.get("/users/123")
    assert (await service.client.get("/cache-status")).json()["hits"] == 1
    assert loaded.content == cached.content
    own = {"x-request-id"}
    assert {k: v for k, v in loaded.headers.items() if k not in own} == {
        k: v for k, v in cached.headers.items() if k not in own
    }
    assert cached.headers["cache-control"] == "private, no-store"
    assert cached.headers["content-type"] == "application/json"


async def test_name_and_email_are_put_into_their_form(service: Service) -> None:
    body = {"id": "1", "name": "  Jane Smith ", "email": "  Jane@Example.COM "}
    created = (await service.client.post("/users", json=body)).json()
    assert (created["name"], created["email"]) == ("Jane Smith", "jane@example.com")


async def test_an_address_in_full_width_letters_is_the_same_address(service: Service) -> None:
    body = {"id": "1", "name": "\u202eJane\u200b Smith", "email": "ｊａｎｅ＠example.com"}  # noqa: RUF001
    created = (await service.client.post("/users", json=body)).json()
    assert (created["name"], created["email"]) == ("Jane Smith", "jane@example.com")
    again = await service.client.post("/users", json=JANE)
    assert (again.status_code, again.json()["code"]) == (409, "email_exists")


@pytest.mark.shared_service
@pytest.mark.parametrize(
    "user_id", ["nobody", "a b", "%00", "ü", "x" * 65, "%F0%9F%8E%9F", "a%2Fb"]
)
async def test_an_absent_or_impossible_user_is_not_found(service: Service, user_id: str) -> None:
    answer = await service.client.get(f"/users/{user_id}")
    assert answer.status_code == 404
    assert answer.json()["code"] in {"user_not_found", "not_found"}


async def test_a_user_who_was_absent_a_moment_ago_is_found_once_created(service: Service) -> None:
    assert (await service.client.get("/users/123")).status_code == 404
    await service.client.post("/users", json=JANE)
    assert (await service.client.get("/users/123")).status_code == 200


@pytest.mark.parametrize(
    ("twin", "code"),
    [
        ({**JANE, "email": "other@example.com"}, "user_id_exists"),
        ({**JANE, "id": "124"}, "email_exists"),
        ({**JANE, "id": "124", "email": "JANE@example.com"}, "email_exists"),
        (JANE, "user_id_exists"),
    ],
)
async def test_a_taken_id_or_email_is_refused(
    service: Service, twin: dict[str, str], code: str
) -> None:
    await service.client.post("/users", json=JANE)
    answer = await service.client.post("/users", json=twin)
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert (await service.client.get("/users/124")).status_code == 404


@pytest.mark.shared_service
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"id": 5}, "id"),
        ({"id": "a/b"}, "id"),
        ({"id": "x" * 65}, "id"),
        ({"id": "x\n"}, "id"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": ["Jane"]}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "a\u2028b"}, "name"),
        ({"name": "a\x1b[31mb"}, "name"),
        ({"email": ""}, "email"),
        ({"email": "jane"}, "email"),
        ({"email": "jane@"}, "email"),
        ({"email": "jane@exa mple.com"}, "email"),
        ({"email": "x" * 250 + "@example.com"}, "email"),
        ({"email": {"a": 1}}, "email"),
        ({"admin": True}, "admin"),
    ],
)
async def test_a_field_that_does_not_fit_is_named(
    service: Service, change: dict[str, Any], field: str
) -> None:
    answer = await service.client.post("/users", json={**JANE, **change})
    assert answer.status_code == 400
    body = answer.json()
    assert body["code"] == "invalid_request"
    assert [fault["field"] for fault in body["fields"]] == [field]
    assert body["requestId"] == answer.headers["x-request-id"]
    assert (await service.client.get("/users/123")).status_code == 404


@pytest.mark.shared_service
@pytest.mark.parametrize("field", ["id", "name", "email"])
async def test_a_missing_field_is_named(service: Service, field: str) -> None:
    body = {name: value for name, value in JANE.items() if name != field}
    answer = await service.client.post("/users", json=body)
    assert answer.status_code == 400
    assert answer.json()["fields"] == [{"field": field, "message": "is missing"}]


@pytest.mark.shared_service
@pytest.mark.parametrize("field", ["id", "name", "email"])
async def test_a_lone_surrogate_is_refused(service: Service, field: str) -> None:
    raw = json.dumps({**JANE, field: "x@example.com\ud800"}).encode()
    answer = await service.client.post(
        "/users", content=raw, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400


@pytest.mark.shared_service
@pytest.mark.parametrize(
    "raw",
    [
        b"{", b"", b"nonsense", b'{"id": 1,}', b"\xff\xfe", b"[1, 2]", b"null", b'"x"', b"NaN",
        b"[" * 100_000, b'{"\xed\xa0\x80": 1}', b'{"\\ud800": 1}',
    ],
)  # fmt: skip
async def test_a_body_that_is_not_a_json_object_is_refused(service: Service, raw: bytes) -> None:
    answer = await service.client.post(
        "/users", content=raw, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json()["code"] in {"malformed_json", "invalid_request"}


@pytest.mark.parametrize(
    "domain", ["example.com", "localhost", "box.test", "münchen.example", "a.b.c.invalid"]
)
async def test_any_domain_that_can_exist_is_taken(service: Service, domain: str) -> None:
    answer = await service.client.post("/users", json={**JANE, "email": f"jane@{domain}"})
    assert answer.status_code == 201


async def test_a_hundred_readers_of_ten_absent_keys_make_ten_reads(
    service: Service,
) -> None:
    for number in range(10):
        await service.client.post("/users", json={**JANE, "id": f"u{number}",
                                                  "email": f"u{number}@example.com"})  # fmt: skip
    await service.client.delete("/cache")
    before = service.database_reads()
    answers = await asyncio.gather(
        *(service.client.get(f"/users/u{number % 10}") for number in range(100))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert service.database_reads() - before == 10
    status = (await service.client.get("/cache-status")).json()
    assert (status["misses"], status["coalesced"]) == (100, 90)


async def test_absent_users_are_remembered_and_cost_no_second_read(service: Service) -> None:
    await service.client.get("/users/nobody")
    before = service.database_reads()
    await service.client.get("/users/nobody")
    assert service.database_reads() == before


async def test_of_many_who_create_the_same_user_one_succeeds(service: Service) -> None:
    answers = await asyncio.gather(*(service.client.post("/users", json=JANE) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
