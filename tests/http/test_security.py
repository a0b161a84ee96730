"""Who may do what, over HTTP."""

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import pytest
from fastapi import Response
from tests.support.declared import endpoints
from tests.support.seat_maps import seat_map
from tests.support.service import Service, in_process

from event_seating.composition import http_app
from event_seating.web.roles import Role
from event_seating.web.routes import Routes

pytestmark = pytest.mark.anyio

KEY = "an-admin-key-of-24-chars"
WITH_KEY = {"authorization": f"Bearer {KEY}"}
JANE = {"id": "123", "name": "Jane Smith", "email": "jane@example.com"}


@pytest.fixture
async def production(environment: dict[str, str]) -> AsyncIterator[Service]:
    async with in_process(
        app_env="production",
        admin_api_key=KEY,
        log_dir="off",
        rate_limits="5/10s,10/60s",
        trusted_proxies="192.0.2.0/24",
    ) as service:
        yield service


async def test_in_production_only_what_is_for_anyone_is_open(production: Service) -> None:
    await production.client.post("/users", json=JANE, headers=WITH_KEY)
    venue = {**seat_map(), "venueId": "123"}
    await production.client.post("/venues", json=venue, headers=WITH_KEY)
    filled = {"{id}": "123", "{asset}": "start.js", "{version}": "1", "{seat}": "A-1-01"}
    filled["{token}"] = "current"
    for number, (row, endpoint) in enumerate(endpoints().items()):
        for name, value in filled.items():
            row = row.replace(name, value)  # noqa: PLW2901
        method, path = row.split(" ")
        answer = await production.client.request(
            method,
            path,
            json=JANE if method in {"POST", "PUT", "PATCH"} else None,
            # A client each, so that no limit answers in place of the right.
            headers={"x-forwarded-for": f"198.51.100.{number}"},
        )
        if endpoint.access == Role.anyone:
            assert answer.status_code not in {401, 403, 429}, row
        else:
            assert answer.status_code == 401, row
            assert set(answer.json()) == {"error", "code", "requestId"}, row
    assert (await production.client.get("/venues/123")).status_code == 200


async def test_a_cached_user_is_not_given_to_anyone(production: Service) -> None:
    await production.client.post("/users", json=JANE, headers=WITH_KEY)
    assert (await production.client.get("/users/123", headers=WITH_KEY)).status_code == 200
    answer = await production.client.get("/users/123")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "jane" not in answer.text


async def test_the_admin_key_may_do_everything_and_is_not_limited(production: Service) -> None:
    await production.client.post("/users", json=JANE, headers=WITH_KEY)
    for _ in range(30):
        answer = await production.client.get("/users/123", headers=WITH_KEY)
        assert answer.status_code == 200
    assert "ratelimit" not in answer.headers
    assert (await production.client.delete("/cache", headers=WITH_KEY)).status_code == 200
    assert (await production.client.get("/metrics", headers=WITH_KEY)).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    ["Bearer wrong", "Bearer", "Bearer ", f"Basic {KEY}", KEY, f"Bearer {KEY}x", "Bearer ü", ""],
)
async def test_a_wrong_key_is_refused(production: Service, authorization: str) -> None:
    headers = {"authorization": authorization.encode()}
    answer = await production.client.get("/users/123", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize(
    "path", ["/users/123", "/health", "/metrics", "/page/x/y", "/events", "/docs", "/", "/nope"]
)
async def test_wrong_keys_are_counted_at_every_address(production: Service, path: str) -> None:
    wrong = {"authorization": "Bearer wrong"}
    answers = [await production.client.get(path, headers=wrong) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert answers[-1].json()["code"] == "too_many_wrong_keys"
    assert answers[-1].headers["ratelimit-policy"] == '"burst";q=10;w=60, "sustained";q=60;w=3600'
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


async def test_wrong_keys_cost_nobody_else_at_the_same_address_anything(
    production: Service,
) -> None:
    await production.client.post("/users", json=JANE, headers=WITH_KEY)
    for _ in range(20):
        await production.client.get("/users/123", headers={"authorization": "Bearer wrong"})
    assert (await production.client.get("/users/123", headers=WITH_KEY)).status_code == 200
    # Without a key: what `RATE_LIMITS` gives, whole.
    answers = [await production.client.get("/cache-status") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


async def test_wrong_keys_are_counted_by_network_and_in_the_metrics(production: Service) -> None:
    for number in range(11):
        headers = {"authorization": "Bearer x", "x-forwarded-for": f"2001:db8::{number:x}"}
        answer = await production.client.get("/health", headers=headers)
    assert answer.status_code == 429
    headers["x-forwarded-for"] = "2001:db8:0:1::1"
    assert (await production.client.get("/health", headers=headers)).status_code == 401
    metrics = (await production.client.get("/metrics", headers=WITH_KEY)).text
    assert "wrong_keys_total 12.0" in metrics
    assert 'limiter_clients{limit="wrong_keys"} 2.0' in metrics


async def test_in_development_a_caller_without_a_key_is_admin_with_limits(
    environment: dict[str, str],
) -> None:
    async with in_process(rate_limits="5/10s") as service:
        answers = [await service.client.delete("/cache") for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]


@pytest.mark.parametrize(
    "header", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "Via", "X-Real-IP"]
)
async def test_in_development_who_came_through_a_proxy_is_anyone(
    service: Service, header: str
) -> None:
    answer = await service.client.delete("/cache", headers={header: "198.51.100.1"})
    assert answer.status_code == 401
    assert (await service.client.get("/events", headers={header: ""})).status_code == 200
    assert (await service.client.delete("/cache")).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "192.0.2.7"])
@pytest.mark.parametrize("app_env", ["development", "test"])
async def test_in_development_with_a_key_who_has_none_is_anyone(
    environment: dict[str, str], host: str, app_env: str
) -> None:
    async with in_process(admin_api_key=KEY, host=host, app_env=app_env) as service:
        for headers, status in (({}, 401), (WITH_KEY, 200)):
            answer = await service.client.delete("/cache", headers=headers)
            assert answer.status_code == status
        assert (await service.client.get("/events")).status_code == 200
        # The page has no key, so it does not offer to book.
        assert 'content="here"' not in (await service.client.get("/")).text


async def test_in_development_a_wrong_key_is_refused(service: Service) -> None:
    answer = await service.client.get("/health", headers={"authorization": "Bearer wrong"})
    assert answer.status_code == 401


async def test_every_route_that_is_served_is_declared_and_no_other(service: Service) -> None:
    def every(routes: Iterable[Any]) -> Iterator[Any]:
        for route in routes:
            router = getattr(route, "original_router", None)
            yield from every(router.routes) if router else [route]

    app, declared = http_app.api(service.parts)
    served = {
        f"{method} {route.path_format}" for route in every(app.routes) for method in route.methods
    }
    assert served == set(declared) == set(endpoints())


async def test_a_route_that_declares_nothing_is_not_served(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def declared(*_: object) -> Routes:
        routes = Routes()
        routes.router.add_route("/secrets", Response)
        return routes

    monkeypatch.setattr(http_app, "declared", declared)
    with pytest.raises(TypeError, match="/secrets"):
        http_app.api(service.parts)
