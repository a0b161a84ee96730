"""Two processes on one database, and what each knows of the other's writes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from tests.support.service import Service, in_process
from tests.support.valkey import Valkey
from tests.support.waiting import until

from event_seating.db.kept_answers import KeyedCall
from event_seating.users.model import User
from event_seating.valkey import signals as signals_module

pytestmark = pytest.mark.anyio

JANE = {"id": "123", "name": "Jane Smith", "email": "jane@example.com"}


@pytest.fixture
async def both(
    environment: dict[str, str], valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Service, Service]]:
    """Two whole services, as two processes have them."""
    monkeypatch.setattr(signals_module, "PING_EVERY_S", 0.2)
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(in_process(redis_url=valkey.url))
        other = await stack.enter_async_context(in_process(redis_url=valkey.url))
        for service in (one, other):
            await until(lambda service=service: connected(service))  # type: ignore[misc]
        yield one, other


async def connected(service: Service) -> bool:
    assert service.parts.signals is not None
    return service.parts.signals.connected


async def size(service: Service) -> int:
    return int((await service.client.get("/cache-status")).json()["size"])


async def remembers(service: Service) -> bool:
    """Once the signal of the user's creation has come, a read is."""
    await service.client.get("/users/123")
    return await size(service) == 1


async def test_a_user_whom_one_created_is_there_in_the_other_at_once(
    both: tuple[Service, Service],
) -> None:
    one, other = both
    for number in range(50):
        user = {**JANE, "id": f"u{number}", "email": f"u{number}@example.com"}
        assert (await other.client.get(f"/users/u{number}")).status_code == 404
        assert (await one.client.post("/users", json=user)).status_code == 201
        assert (await other.client.get(f"/users/u{number}")).status_code == 200


async def test_one_that_waits_for_an_older_read_looks_again(
    both: tuple[Service, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = both
    load = other.parts.users._load
    has_read, go_on = asyncio.Event(), asyncio.Event()

    async def load_slowly(user_id: str) -> bytes | None:
        found = await load(user_id)
        if not has_read.is_set():
            has_read.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(other.parts.users, "_load", load_slowly)
    # The signal must not be what saves us.
    monkeypatch.setattr(other.parts.users, "_forget", lambda _key: None)
    before = asyncio.create_task(other.client.get("/users/123"))
    await has_read.wait()
    assert (await one.client.post("/users", json=JANE)).status_code == 201
    after = asyncio.create_task(other.client.get("/users/123"))
    while other.parts.users.coalesced == 0:  # noqa: ASYNC110 (no event)
        await asyncio.sleep(0)
    go_on.set()
    assert (await before).status_code == 404
    assert (await after).status_code == 200


async def test_a_signal_ends_what_the_other_remembers(both: tuple[Service, Service]) -> None:
    one, other = both
    await one.client.post("/users", json=JANE)
    await until(lambda: remembers(other))
    one.parts.users.changed(["123"])

    async def forgot() -> bool:
        return await size(other) == 0

    await until(forgot)
    assert await size(one) == 0


async def test_emptying_one_empties_both(both: tuple[Service, Service]) -> None:
    one, other = both
    await one.client.post("/users", json=JANE)
    await until(lambda: remembers(other))
    assert (await one.client.delete("/cache")).json()["entriesRemoved"] == 1

    async def is_empty() -> bool:
        return await size(other) == 0

    await until(is_empty)


async def test_while_signals_are_lost_nothing_is_cached(
    both: tuple[Service, Service], valkey: Valkey
) -> None:
    one, other = both
    await one.client.post("/users", json=JANE)
    valkey.kill()

    async def is_unsubscribed() -> bool:
        return not await connected(one) and not await connected(other)

    await until(is_unsubscribed)
    assert (await size(one), await size(other)) == (0, 0)
    assert (await one.client.get("/users/123")).status_code == 200
    assert await one.client.post("/users", json={**JANE, "id": "4", "email": "4@e.example"})
    assert await size(one) == 0
    ready = await one.client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["dependencies"]["redis"] == {"status": "unavailable", "latencyMs": None}
    valkey.start()
    await until(lambda: connected(one))
    await one.client.get("/users/123")
    assert await size(one) == 1
    assert (await one.client.get("/health/ready")).json()["status"] == "ok"


async def test_a_change_by_another_process_during_a_write_is_not_overwritten(
    both: tuple[Service, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = both
    insert = one.parts.users._insert
    invalidation = one.parts.users._invalidation

    async def insert_and_hear(user: User, call: KeyedCall | None) -> bytes | None:
        before = await insert(user, call)
        other.parts.users.changed(["123"])
        generation = invalidation.remote_generation
        while invalidation.remote_generation == generation:  # noqa: ASYNC110 (no event)
            await asyncio.sleep(0)
        return before

    monkeypatch.setattr(one.parts.users, "_insert", insert_and_hear)
    assert (await one.client.post("/users", json=JANE)).status_code == 201
    assert await size(one) == 0
