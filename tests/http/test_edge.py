"""What every request passes at the edge."""

import json
from typing import Any

import httpx
import pytest
from tests.support.service import Service, in_process

from event_seating.composition import http_app

pytestmark = [pytest.mark.anyio, pytest.mark.shared_service]

JANE = {"id": "123", "name": "Jane Smith", "email": "jane@example.com"}


async def test_a_plain_request_id_is_kept(service: Service) -> None:
    answer = await service.client.get("/health", headers={"x-request-id": "abc-1.2_3"})
    assert answer.headers["x-request-id"] == "abc-1.2_3"


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\x1b", "ü", "a,b"])
async def test_any_other_request_id_is_replaced(service: Service, given: str) -> None:
    answer = await service.client.get("/health", headers={"x-request-id": given.encode()})
    assert answer.headers["x-request-id"] not in {given, ""}


async def test_request_ids_differ(service: Service) -> None:
    answers = [await service.client.get("/health") for _ in range(20)]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 20


@pytest.mark.parametrize("path", ["/users/123", "/health", "/nope", "/docs", "/openapi.json"])
async def test_every_answer_makes_browsers_careful(service: Service, path: str) -> None:
    await service.client.post("/users", json=JANE)
    headers = (await service.client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert len(headers.get_list("content-security-policy")) == 1
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize(
    "path", ["/", "/users/123", "/users/nobody", "/health", "/health/ready", "/cache-status",
             "/metrics", "/docs", "/docs/swagger-ui.css", "/openapi.json", "/nope"],
)  # fmt: skip
async def test_head_answers_as_get_does_without_the_body(service: Service, path: str) -> None:
    await service.client.post("/users", json=JANE)
    head = await service.client.head(path)
    get = await service.client.get(path)
    assert head.status_code == get.status_code
    assert head.content == b""
    assert head.headers.get("content-type") == get.headers.get("content-type")
    assert "content-length" in head.headers


async def test_an_unknown_path_is_not_found(service: Service) -> None:
    answer = await service.client.get("/nope")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/users", "POST"),
        ("DELETE", "/users/123", "GET, HEAD"),
        ("POST", "/cache-status", "GET, HEAD"),
        ("BREW", "/health", "GET, HEAD"),
    ],
)
async def test_a_method_that_does_not_exist_names_those_that_do(
    service: Service, method: str, path: str, allow: str
) -> None:
    answer = await service.client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == allow


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_a_body_of_another_type_is_refused(service: Service, media_type: str | None) -> None:
    headers = {"content-type": media_type} if media_type else {}
    answer = await service.client.post("/users", content=b'{"id": "1"}', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_the_type_of_a_body_may_name_its_charset(service: Service) -> None:
    answer = await service.client.post(
        "/users",
        content=json.dumps(JANE | {"id": "typed", "email": "typed@example.com"}).encode(),
        headers={"content-type": "Application/JSON; charset=utf-8"},
    )
    assert answer.status_code == 201


async def test_a_body_of_five_megabytes_is_refused(service: Service) -> None:
    answer = await service.client.post("/users", json={**JANE, "name": "x" * 5_000_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.json()["limit"] == 1024 * 1024


async def test_a_long_body_that_does_not_say_its_length_is_refused(service: Service) -> None:
    async def chunks():  # type: ignore[no-untyped-def]
        for _ in range(50):
            yield b" " * 100_000

    answer = await service.client.post(
        "/users", content=chunks(), headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_crash_is_answered_without_its_stack_and_logged_with_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(_user_id: str) -> bytes:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(service.parts.users), "read", lambda _self, user_id: crash(user_id))
    answer = await service.client.get("/users/1")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


class TestCors:
    async def test_a_page_of_an_allowed_origin_may_read(self, environment: dict[str, str]) -> None:
        async with in_process(cors_origins="https://tickets.example") as service:
            answer = await service.client.get(
                "/health", headers={"origin": "https://tickets.example"}
            )
            assert answer.headers["access-control-allow-origin"] == "https://tickets.example"
            assert answer.headers["vary"] == "origin"

    async def test_a_page_of_another_origin_may_not(self, environment: dict[str, str]) -> None:
        async with in_process(cors_origins="https://tickets.example") as service:
            answer = await service.client.get("/health", headers={"origin": "https://evil.example"})
            assert "access-control-allow-origin" not in answer.headers

    @pytest.mark.parametrize("path", ["/health", "/nope", "/users/123", "/"])
    async def test_every_answer_varies_by_origin(
        self, environment: dict[str, str], path: str
    ) -> None:
        async with in_process(cors_origins="https://tickets.example") as service:
            for origin in ({}, {"origin": "https://tickets.example"}):
                answer = await service.client.get(path, headers=origin)
                assert "origin" in answer.headers["vary"].split(", ")

    async def test_a_browser_that_asks_beforehand_is_told(
        self, environment: dict[str, str]
    ) -> None:
        async with in_process(cors_origins="https://tickets.example") as service:
            answer = await service.client.options(
                "/users",
                headers={
                    "origin": "https://tickets.example",
                    "access-control-request-method": "POST",
                },
            )
            assert answer.status_code == 204
            assert "POST" in answer.headers["access-control-allow-methods"]
            assert "authorization" in answer.headers["access-control-allow-headers"]
            for once in ("vary", "access-control-allow-origin"):
                assert len(answer.headers.get_list(once)) == 1

    async def test_without_the_setting_nobody_may(self, service: Service) -> None:
        answer = await service.client.get("/health", headers={"origin": "https://tickets.example"})
        assert "access-control-allow-origin" not in answer.headers


class TestHead:
    """What is refused before anything looks at it."""

    @pytest.mark.parametrize("path", ["/users/1", "/health"])
    @pytest.mark.parametrize(
        ("headers", "status", "code"),
        [
            ([("host", "localhost"), ("host", "localhost")], 400, "invalid_request"),
            ([("host", "")], 400, "invalid_request"),
            (
                [("authorization", "Bearer a"), ("authorization", "Bearer b")],
                400,
                "invalid_request",
            ),
            ([("cookie", "x" * 17_000)], 431, "head_too_large"),
        ],
    )
    async def test_a_head_that_no_client_sends(
        self, service: Service, path: str, headers: list[tuple[str, str]], status: int, code: str
    ) -> None:
        answer = await service.client.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    async def test_it_is_counted_as_every_fault_is(self, environment: dict[str, str]) -> None:
        async with in_process(rate_limits="2/10s") as service:
            twice = [("host", "localhost"), ("host", "localhost")]
            answers = [await service.client.get("/users/1", headers=twice) for _ in range(3)]
            assert [answer.status_code for answer in answers] == [400, 400, 429]

    async def test_an_address_that_is_too_long(self, service: Service) -> None:
        answer = await service.client.get(f"/users/1?{'a' * 9_000}")
        assert (answer.status_code, answer.json()["limit"]) == (414, 8_192)

    @pytest.mark.parametrize(
        "path", ["/metrics%0a", "/health%0a", "/%0a", "/openapi.json%0a", "/cache-status%0a"]
    )
    async def test_a_line_feed_at_the_end_makes_another_address(
        self, service: Service, path: str
    ) -> None:
        answer = await service.client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    async def test_the_answer_does_not_name_the_server(self, service: Service) -> None:
        assert (await service.client.get("/health")).headers["server"] == ""

    async def test_the_framework_sees_no_cookie(self, service: Service) -> None:
        seen: list[bytes] = []

        async def watch(scope: Any, _receive: Any, send: Any) -> None:
            seen.extend(name for name, _ in scope["headers"])
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})

        edge = http_app.build(service.parts)
        edge._app = watch
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(edge), base_url="http://localhost"
        ) as client:
            await client.get("/health", headers=[("cookie", "a=b"), ("cookie", "c=d")])
        assert b"host" in seen
        assert b"cookie" not in seen


class TestHost:
    @pytest.mark.parametrize(
        "host", ["localhost", "localhost:3001", "127.0.0.1:3001", "[::1]:3001"]
    )
    async def test_a_local_name_is_answered_in_development(
        self, service: Service, host: str
    ) -> None:
        answer = await service.client.get("/health", headers={"host": host})
        assert answer.status_code == 200

    @pytest.mark.parametrize(
        "host", ["evil.example", "localhost.evil.example", "evil.example:3001"]
    )
    async def test_a_foreign_name_is_refused_in_development(
        self, service: Service, host: str
    ) -> None:
        answer = await service.client.get("/users/1", headers={"host": host})
        assert (answer.status_code, answer.json()["code"]) == (421, "misdirected_request")

    async def test_any_name_is_answered_in_production(self, environment: dict[str, str]) -> None:
        async with in_process(
            app_env="production", admin_api_key="k" * 24, log_dir="off"
        ) as service:
            answer = await service.client.get("/health", headers={"host": "tickets.example"})
            assert answer.status_code == 200
