"""Many who ask for the same user at once, over a database that takes its time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.support.service import Service, in_process

from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable

pytestmark = pytest.mark.anyio

JANE = {"id": "123", "name": "Jane Smith", "email": "jane@example.com"}

LATENCY_S = 0.2


async def reading(service: Service, count: int = 1) -> None:
    """Return once so many callers wait for a read of the database."""
    while service.parts.user_cache.stats.misses < count:  # noqa: ASYNC110 (it is no event)
        await asyncio.sleep(0)


async def test_a_hundred_clients_for_one_user_cost_one_read_and_its_time(
    environment: dict[str, str],
) -> None:
    async with in_process(db_latency_ms=200) as service:
        await service.client.post("/users", json=JANE)
        await service.client.delete("/cache")
        before = service.database_reads()
        began = time.monotonic()
        answers = await asyncio.gather(*(service.client.get("/users/123") for _ in range(100)))
        took_s = time.monotonic() - began
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert service.database_reads() - before == 1
        # One after the other they would take a hundred times as long.
        assert LATENCY_S <= took_s < 100 * LATENCY_S / 4


async def test_a_hundred_clients_for_ten_absent_users_cost_ten_reads(service: Service) -> None:
    before = service.database_reads()
    answers = await asyncio.gather(
        *(service.client.get(f"/users/nobody{number % 10}") for number in range(100))
    )
    assert {answer.status_code for answer in answers} == {404}
    assert service.database_reads() - before == 10


async def test_a_user_created_during_a_slow_read_is_there_ever_after(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = service.parts.users._load
    has_read, go_on = asyncio.Event(), asyncio.Event()

    async def load_slowly(user_id: str) -> bytes | None:
        found = await load(user_id)
        has_read.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(service.parts.users, "_load", load_slowly)
    slow = [asyncio.create_task(service.client.get("/users/123")) for _ in range(3)]
    await has_read.wait()
    assert (await service.client.post("/users", json=JANE)).status_code == 201
    assert (await service.client.get("/users/123")).status_code == 200
    go_on.set()
    assert {(await answer).status_code for answer in slow} == {404}, "they asked before"
    for _ in range(3):
        assert (await service.client.get("/users/123")).status_code == 200
    monkeypatch.undo()
    service.parts.user_cache.clear()
    assert (await service.client.get("/users/123")).status_code == 200, "no 404 was remembered"


async def test_an_answer_that_a_purge_overtook_is_not_kept(environment: dict[str, str]) -> None:
    async with in_process(db_latency_ms=200) as service:
        slow = asyncio.create_task(service.client.get("/users/123"))
        await reading(service)
        await service.client.delete("/cache")
        assert (await slow).status_code == 404
        before = service.database_reads()
        assert (await service.client.get("/users/123")).status_code == 404
        assert service.database_reads() == before + 1


@pytest.mark.parametrize("who", [0, 1], ids=["the first", "a later one"])
async def test_a_client_who_leaves_does_not_hurt_the_others(
    environment: dict[str, str], who: int
) -> None:
    async with in_process(db_latency_ms=200) as service:
        await service.client.post("/users", json=JANE)
        await service.client.delete("/cache")
        waiting = [asyncio.create_task(service.client.get("/users/123")) for _ in range(5)]
        await reading(service, 5)
        before = service.database_reads()
        waiting.pop(who).cancel()
        assert {(await answer).status_code for answer in waiting} == {200}
        assert service.database_reads() == before + 1


async def test_a_database_that_hangs_is_said_in_time(
    environment: dict[str, str],
) -> None:
    # Far longer than it is waited for; the service does not end before those reads do.
    async with in_process(db_latency_ms=1_000) as service:
        service.parts.database.answer_within_s = 0.05
        answers = await asyncio.gather(*(service.client.get("/users/123") for _ in range(5)))
        assert {answer.status_code for answer in answers} == {503}
        assert {answer.json()["code"] for answer in answers} == {"database_unavailable"}


async def test_a_creation_whose_answer_was_lost_ends_the_memory_of_an_absence(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = service.parts.database.write

    @asynccontextmanager
    async def write_and_lose_the_answer() -> AsyncIterator[AsyncConnection]:
        async with write() as connection:
            yield connection
        raise DatabaseUnavailable

    assert (await service.client.get("/users/123")).status_code == 404
    monkeypatch.setattr(Database, "write", lambda _self: write_and_lose_the_answer())
    assert (await service.client.post("/users", json=JANE)).status_code == 503
    assert (await service.client.get("/users/123")).status_code == 200
