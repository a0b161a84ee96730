"""Who may do what, over HTTP."""

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import pytest
from tests.conftest import Service, in_process
from tests.unit.venues.maps import seat_map

from event_seating import app
from event_seating.web import security
from event_seating.web.security import Role

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
    for number, (row, role) in enumerate(security.ACCESS.items()):
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
        if role == Role.anyone:
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
async def test_a_wrong_key_is_refused_and_counted(production: Service, authorization: str) -> None:
    headers = {"authorization": authorization.encode()}
    answers = [await production.client.get("/users/123", headers=headers) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


async def test_in_development_a_caller_without_a_key_is_admin_with_limits(
    environment: dict[str, str],
) -> None:
    async with in_process(rate_limits="5/10s") as service:
        answers = [await service.client.delete("/cache") for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]


async def test_in_development_a_wrong_key_is_refused(service: Service) -> None:
    answer = await service.client.get("/health", headers={"authorization": "Bearer wrong"})
    assert answer.status_code == 401


async def test_the_table_names_every_route_and_no_other(service: Service) -> None:
    def every(routes: Iterable[Any]) -> Iterator[Any]:
        for route in routes:
            router = getattr(route, "original_router", None)
            yield from every(router.routes) if router else [route]

    served = {
        f"{method} {route.path_format}"
        for route in every(app.api(service.parts).routes)
        for method in route.methods
    }
    assert served == set(security.ACCESS)
