"""Both windows of the rate limit, over HTTP."""

import pytest
import structlog
from structlog.testing import capture_logs
from tests.support.service import Service, in_process

pytestmark = pytest.mark.anyio

LIMITS = "5/10s,10/60s"


async def statuses(
    service: Service, count: int, path: str = "/users/1", **more: object
) -> list[int]:
    return [
        (await service.client.get(path, **more)).status_code  # type: ignore[arg-type]
        for _ in range(count)
    ]


async def test_the_sixth_request_in_ten_seconds_is_refused(environment: dict[str, str]) -> None:
    async with in_process(rate_limits=LIMITS) as service:
        answers = [await service.client.get("/users/1") for _ in range(6)]
        assert [answer.status_code for answer in answers] == [404] * 5 + [429]
        refused = answers[-1]
        assert refused.json()["code"] == "rate_limited"
        assert refused.json()["retryAfter"] == int(refused.headers["retry-after"])
        assert 1 <= int(refused.headers["retry-after"]) <= 10


async def test_every_limited_answer_says_what_is_left(environment: dict[str, str]) -> None:
    async with in_process(rate_limits=LIMITS) as service:
        first = await service.client.get("/users/1")
        second = await service.client.get("/nope")
        assert first.headers["ratelimit-policy"] == '"burst";q=5;w=10, "sustained";q=10;w=60'
        assert first.headers["ratelimit"] == '"burst";r=4;t=10, "sustained";r=9;t=60'
        assert second.headers["ratelimit"] == '"burst";r=3;t=10, "sustained";r=8;t=60'


async def test_faults_count_and_so_does_head(environment: dict[str, str]) -> None:
    async with in_process(rate_limits="4/10s") as service:
        await service.client.head("/users/1")
        await service.client.get("/nope")
        await service.client.post("/users", json={"id": ""})
        await service.client.put("/users")
        assert (await service.client.get("/users/1")).status_code == 429


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/page/0000000000000000/buyer/main.js",
        "/health",
        "/health/ready",
        "/metrics",
        "/docs",
        "/docs/start.js",
        "/openapi.json",
    ],
)
async def test_health_metrics_and_static_files_are_never_limited(
    environment: dict[str, str], path: str
) -> None:
    async with in_process(rate_limits="1/10s") as service:
        assert set(await statuses(service, 5, path)) == {200}
        assert "ratelimit" not in (await service.client.get(path)).headers


async def test_a_wrong_method_there_is_not_limited_either(environment: dict[str, str]) -> None:
    async with in_process(rate_limits="1/10s") as service:
        answers = [await service.client.put("/health") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [405] * 3


@pytest.mark.parametrize("path", ["/events", "/events?limit=30", "/events/abcdefghijkl"])
async def test_looking_at_events_is_of_the_seating_class(
    environment: dict[str, str], path: str
) -> None:
    async with in_process(rate_limits="1/10s", seating_rate_limits="2/10s") as service:
        answers = await statuses(service, 5, path)
        assert 429 not in answers
        answer = await service.client.get(path)
        # Ten buyers' worth for an address whose buyer we do not know.
        assert answer.headers["ratelimit-policy"] == '"default";q=20;w=10'


@pytest.mark.parametrize("path", ["/events/abcdefghijkl/changes", "/events/abcdefghijkl/live"])
async def test_following_an_event_is_not_charged(environment: dict[str, str], path: str) -> None:
    async with in_process(rate_limits="1/10s", seating_rate_limits="1/10s") as service:
        assert 429 not in await statuses(service, 15, path)


async def test_off_limits_nobody(service: Service) -> None:
    assert set(await statuses(service, 50)) == {404}
    assert "ratelimit" not in (await service.client.get("/users/1")).headers


async def test_the_address_that_a_stranger_claims_is_not_believed(
    environment: dict[str, str],
) -> None:
    async with in_process(rate_limits="2/10s") as service:
        for claimed in ("198.51.100.1", "198.51.100.2"):
            await service.client.get("/users/1", headers={"x-forwarded-for": claimed})
        answer = await service.client.get("/users/1", headers={"x-forwarded-for": "198.51.100.3"})
        assert answer.status_code == 429


async def test_behind_a_trusted_proxy_each_client_has_its_own_limit(
    environment: dict[str, str],
) -> None:
    async with in_process(
        peer="10.0.0.1", trusted_proxies="10.0.0.0/8", rate_limits="1/10s"
    ) as service:
        for client in ("198.51.100.1", "198.51.100.2"):
            headers = {"x-forwarded-for": f"203.0.113.9, {client}, 10.0.0.2"}
            assert await statuses(service, 2, headers=headers) == [401, 429]


async def test_one_ipv6_network_is_one_client(environment: dict[str, str]) -> None:
    async with in_process(
        peer="10.0.0.1", trusted_proxies="10.0.0.1", rate_limits="1/10s"
    ) as service:
        answers = [
            await service.client.get("/users/1", headers={"x-forwarded-for": address})
            for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")
        ]
        assert [answer.status_code for answer in answers] == [401, 429, 401]


@pytest.mark.parametrize(("proxies", "warned"), [("", 1), ("10.0.0.0/8", 1), ("192.0.2.1", 0)])
async def test_a_proxy_that_is_not_named_is_said_once(
    environment: dict[str, str], proxies: str, warned: int
) -> None:
    """All its clients would share the limits of one address, and nobody would see why."""
    async with in_process(trusted_proxies=proxies) as service:
        structlog.reset_defaults()  # else only errors are logged here
        with capture_logs() as lines:
            for address in ("198.51.100.3", "198.51.100.4", "192.0.2.1", "unknown"):
                await service.client.get("/health", headers={"x-forwarded-for": address})
            await service.client.get("/health")
        assert len(lines) == warned
        for line in lines:
            assert "TRUSTED_PROXIES does not name" in line["event"]
            assert (line["log_level"], line["client"]) == ("warning", "192.0.2.0/24")
