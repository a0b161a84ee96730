"""Whether to send requests here."""

import asyncio

import pytest

from event_seating.errors import DatabaseUnavailable, RedisUnavailable
from event_seating.operations.health import Dependency, Health

pytestmark = pytest.mark.anyio


async def answers() -> float:
    return 0.002


async def is_away() -> float:
    raise DatabaseUnavailable


async def is_slow() -> float:
    raise TimeoutError


async def test_it_is_ready_when_every_dependency_answers() -> None:
    found = await Health({"database": answers, "other": answers}).readiness()
    assert (found.status, found.ready) == ("ok", True)
    assert found.dependencies["database"] == Dependency(ok=True, latency_s=0.002)


@pytest.mark.parametrize("probe", [is_away, is_slow])
async def test_one_that_does_not_answer_is_enough_to_be_unavailable(probe: object) -> None:
    found = await Health({"database": probe, "other": answers}).readiness()  # type: ignore[dict-item]
    assert (found.status, found.ready) == ("unavailable", False)
    assert found.dependencies["database"] == Dependency(ok=False, latency_s=None)
    assert found.dependencies["other"].ok


async def test_draining_it_is_not_ready_whatever_answers() -> None:
    health = Health({"database": answers})
    health.drain()
    found = await health.readiness()
    assert (found.status, found.ready) == ("draining", False)
    assert found.dependencies["database"].ok


async def redis_is_away() -> float:
    raise RedisUnavailable


async def test_without_what_only_helps_it_is_degraded_and_ready() -> None:
    found = await Health({"database": answers}, helpful={"redis": redis_is_away}).readiness()
    assert (found.status, found.ready) == ("degraded", True)
    assert found.dependencies["redis"] == Dependency(ok=False, latency_s=None)


async def test_without_what_it_needs_the_rest_does_not_matter() -> None:
    found = await Health({"database": is_away}, helpful={"redis": redis_is_away}).readiness()
    assert (found.status, found.ready) == ("unavailable", False)


async def test_all_are_asked_at_once() -> None:
    both = asyncio.Barrier(2)

    async def waits_for_the_other() -> float:
        await both.wait()
        return 0.001

    health = Health({"database": waits_for_the_other}, helpful={"redis": waits_for_the_other})
    async with asyncio.timeout(5):
        assert (await health.readiness()).status == "ok"
