"""Whether to send requests here."""

import pytest

from event_seating.errors import DatabaseUnavailable
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
