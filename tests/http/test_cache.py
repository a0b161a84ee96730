"""The cache as its operator sees it over HTTP."""

import re

import pytest
from tests.support.service import Service, in_process

pytestmark = pytest.mark.anyio

JANE = {"id": "123", "name": "Jane Smith", "email": "jane@example.com"}


async def status(service: Service) -> dict[str, object]:
    return dict((await service.client.get("/cache-status")).json())


async def test_before_the_first_look_everything_is_zero(service: Service) -> None:
    found = await status(service)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", str(found.pop("timestamp")))
    assert found == {
        "hits": 0,
        "misses": 0,
        "size": 0,
        "averageResponseTime": 0.0,
        "hitRatio": "0.00%",
        "totalRequests": 0,
        "evictions": 0,
        "expirations": 0,
        "coalesced": 0,
        "capacity": 1000,
        "ttl": 60.0,
    }


async def test_hits_and_misses_are_counted_once_each(service: Service) -> None:
    await service.client.post("/users", json=JANE)
    for _ in range(6):
        await service.client.get("/users/123")
    await service.client.get("/users/nobody")
    found = await status(service)
    assert (found["hits"], found["misses"], found["totalRequests"]) == (6, 1, 7)
    assert found["hitRatio"] == "85.71%"
    assert found["size"] == 1
    assert 0 < float(str(found["averageResponseTime"])) < 5


async def test_head_counts_as_get(service: Service) -> None:
    await service.client.post("/users", json=JANE)
    await service.client.head("/users/123")
    assert (await status(service))["hits"] == 1


async def test_clearing_removes_the_entries_and_keeps_the_counts(service: Service) -> None:
    for number in range(3):
        body = {**JANE, "id": str(number), "email": f"{number}@example.com"}
        await service.client.post("/users", json=body)
    await service.client.get("/users/1")
    answer = await service.client.delete("/cache")
    assert answer.status_code == 200
    assert answer.json() == {
        "message": "Cache cleared successfully",
        "entriesRemoved": 3,
        "currentSize": 0,
    }
    found = await status(service)
    assert (found["hits"], found["size"]) == (1, 0)
    assert (await service.client.get("/users/1")).status_code == 200


async def test_clearing_also_forgets_who_was_absent(service: Service) -> None:
    await service.client.get("/users/nobody")
    before = service.database_reads()
    await service.client.delete("/cache")
    await service.client.get("/users/nobody")
    assert service.database_reads() == before + 1


async def test_the_least_recently_used_makes_room(environment: dict[str, str]) -> None:
    async with in_process(cache_capacity=2) as service:
        for number in range(3):
            body = {**JANE, "id": str(number), "email": f"{number}@example.com"}
            await service.client.post("/users", json=body)
        found = await status(service)
        assert (found["size"], found["evictions"], found["capacity"]) == (2, 1, 2)
