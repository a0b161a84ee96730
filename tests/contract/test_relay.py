"""From the outbox into the queue, on every backend and a real Valkey."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.exceptions import OutOfMemoryError
from sqlalchemy import update
from structlog.testing import capture_logs
from tests.support.job_queue import Jobs, jobs_on
from tests.support.valkey import Valkey
from tests.support.waiting import until

from event_seating.db.database import Database
from event_seating.db.tables import outbox
from event_seating.errors import RedisUnavailable
from event_seating.jobs import outbox as statements
from event_seating.jobs import relay as relay_module
from event_seating.jobs.ids import new_job_id
from event_seating.jobs.model import BULK, DATABASE_OPERATIONS, URGENT, USUAL, NewJob
from event_seating.jobs.relay import BATCH, LEASE_MS, RELAYED_FOR_MS, Relay
from event_seating.valkey import diagnostics
from event_seating.valkey.client import ended

pytestmark = pytest.mark.anyio


@pytest.fixture
async def jobs(database: Database, valkey: Valkey) -> AsyncIterator[Jobs]:
    async with jobs_on(database, valkey.url) as found:
        yield found


async def age(jobs: Jobs, ms: int = RELAYED_FOR_MS) -> None:
    """Let every relayed row have been so for longer."""
    async with jobs.database.write() as connection:
        await connection.execute(update(outbox).values(relayed_at_ms=outbox.c.relayed_at_ms - ms))


async def many(jobs: Jobs, number: int, priority: int = USUAL) -> list[str]:
    asked = [
        NewJob(new_job_id(), DATABASE_OPERATIONS, "count", {"n": n}, priority=priority)
        for n in range(number)
    ]
    async with jobs.database.write() as connection:
        await statements.add(connection, asked, jobs.clock.now_ms())
    return [job.id for job in asked]


async def test_a_row_becomes_a_job_under_the_same_id(jobs: Jobs) -> None:
    job_id = await jobs.ask("purge", {"what": "ärger"}, priority=BULK)
    assert await jobs.relay.step() == 1
    stored = await jobs.in_redis(job_id)
    assert stored["name"] == "purge"
    assert stored["data"] == '{"what":"\\u00e4rger"}'
    assert stored["priority"] == str(BULK)
    row = await jobs.row(job_id)
    assert row is not None
    assert row.relayed_at_ms is not None
    assert row.claimed_until_ms is None
    assert await jobs.relay.step() == 0


async def test_options_are_those_of_the_seed(jobs: Jobs) -> None:
    job_id = await jobs.ask()
    await jobs.relay.step()
    options = (await jobs.in_redis(job_id))["opts"]
    for part in (
        '"attempts":3',
        '"removeOnComplete":100',
        '"removeOnFail":50',
        '"type":"exponential"',
        '"delay":2000',
    ):
        assert part in options


async def test_a_backlog_goes_over_in_batches_the_urgent_first(jobs: Jobs) -> None:
    bulk = await many(jobs, BATCH, BULK)
    urgent = await many(jobs, BATCH, URGENT)
    assert await jobs.relay.step() == BATCH
    states = await jobs.queue.states(bulk + urgent)
    assert {states[job_id] for job_id in urgent} == {"waiting"}
    assert {states[job_id] for job_id in bulk} == {"unknown"}
    assert await jobs.relay.step() == BATCH
    assert set((await jobs.queue.states(bulk)).values()) == {"waiting"}


async def test_a_full_queue_leaves_the_backlog_in_the_database_but_takes_what_is_urgent(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "WAITING_MOST", 10)
    usual = await many(jobs, 15)
    assert await jobs.relay.step() == 10
    assert await jobs.relay.step() == 0
    urgent = await many(jobs, 3, URGENT)
    assert await jobs.relay.step() == 3
    assert set((await jobs.queue.states(urgent)).values()) == {"waiting"}
    assert list((await jobs.queue.states(usual)).values()).count("unknown") == 5


async def test_two_relays_share_the_rows(jobs: Jobs) -> None:
    ids = await many(jobs, 2 * BATCH)
    other = Relay(jobs.database, [jobs.queue], jobs.clock)
    moved = await asyncio.gather(jobs.relay.step(), other.step())
    assert sum(moved) == 2 * BATCH
    assert set((await jobs.queue.states(ids)).values()) == {"waiting"}
    assert (await jobs.queue.counts()).waiting == 2 * BATCH


async def test_rows_that_a_dead_relay_claimed_come_back_when_its_lease_is_over(jobs: Jobs) -> None:
    await many(jobs, 3)
    now_ms = jobs.clock.now_ms()

    async def claim(now_ms: int) -> int:
        async with jobs.database.write() as connection:
            claimed = await statements.claim_waiting(
                connection,
                DATABASE_OPERATIONS,
                least_priority=BULK,
                now_ms=now_ms,
                until_ms=now_ms + LEASE_MS,
                most=10,
            )
        return len(claimed)

    assert await claim(now_ms) == 3
    assert await claim(now_ms + LEASE_MS - 1) == 0
    assert await jobs.relay.step() == 0
    assert await claim(now_ms + LEASE_MS) == 3


async def test_a_late_relay_does_not_note_rows_that_another_has(jobs: Jobs) -> None:
    job_id = await jobs.ask()
    rows = []
    for moment in (0, LEASE_MS):
        async with jobs.database.write() as connection:
            rows += await statements.claim_waiting(
                connection,
                DATABASE_OPERATIONS,
                least_priority=BULK,
                now_ms=moment,
                until_ms=moment + LEASE_MS,
                most=1,
            )
    late, present = rows
    async with jobs.database.write() as connection:
        await statements.note_relayed(connection, [late], 7)
    row = await jobs.row(job_id)
    assert row is not None
    assert row.relayed_at_ms is None
    async with jobs.database.write() as connection:
        await statements.note_relayed(connection, [present], 8)
    row = await jobs.row(job_id)
    assert row is not None
    assert row.relayed_at_ms == 8


async def test_what_redis_lost_is_put_back_after_five_minutes(jobs: Jobs) -> None:
    lost, kept = await jobs.ask(), await jobs.ask()
    await jobs.relay.step()
    await jobs.queue.remove([lost])
    assert await jobs.relay.step() == 0
    await age(jobs)
    assert await jobs.relay.step() == 2
    assert await jobs.queue.states([lost, kept]) == {lost: "waiting", kept: "waiting"}
    assert await jobs.relay.step() == 0


async def test_a_server_that_was_flushed_gets_everything_back_at_once(jobs: Jobs) -> None:
    ids = await many(jobs, BATCH + 10)
    while await jobs.relay.step():
        pass
    await jobs.redis.flushall()
    monkey = jobs.relay
    monkey._looked_at_all = -1e9
    while await jobs.relay.step():
        pass
    assert set((await jobs.queue.states(ids)).values()) == {"waiting"}
    assert await jobs.queue.marker() == await jobs.queue.server()


async def test_a_server_that_was_restarted_is_asked_for_everything(
    jobs: Jobs, valkey: Valkey
) -> None:
    job_id = await jobs.ask()
    await jobs.relay.step()
    await jobs.queue.remove([job_id])  # as a second's writes are lost with it
    valkey.kill()
    with pytest.raises(RedisUnavailable):
        await jobs.relay.step()
    valkey.start()
    jobs.relay._looked_at_all = -1e9
    assert await jobs.relay.step() == 1
    assert await jobs.state(job_id) == "waiting"


async def test_a_job_that_ended_in_redis_alone_is_listed_or_run_again(jobs: Jobs) -> None:
    failed, completed = await jobs.ask(), await jobs.ask()
    await jobs.relay.step()
    for job_id, state in ((failed, "failed"), (completed, "completed")):
        await jobs.redis.zrem("bull:database-operations:prioritized", job_id)
        await jobs.redis.zadd(f"bull:database-operations:{state}", {job_id: 1})
    await jobs.redis.hset(f"bull:database-operations:{failed}", "failedReason", "it stalled")
    await age(jobs)
    assert await jobs.relay.step() == 2
    row = await jobs.row(failed)
    assert row is not None
    assert row.failed_at_ms is not None
    assert row.error == "it stalled"
    assert await jobs.state(completed) == "waiting"


async def test_a_job_that_is_asked_for_anew_makes_room_for_itself(jobs: Jobs) -> None:
    job_id = await jobs.ask()
    await jobs.relay.step()
    await jobs.redis.zrem("bull:database-operations:prioritized", job_id)
    await jobs.redis.zadd("bull:database-operations:failed", {job_id: 1})
    async with jobs.database.write() as connection:
        assert await statements.fail(connection, "", job_id, "why", 5)
        assert await statements.retry(connection, job_id)
    assert await jobs.relay.step() == 1
    assert await jobs.state(job_id) == "waiting"


async def test_a_full_server_loses_nothing_and_is_worked_off_when_it_has_room(
    jobs: Jobs,
) -> None:
    ids = await many(jobs, 300)
    await jobs.redis.config_set("maxmemory", 1)
    with pytest.raises(RedisUnavailable):
        await jobs.relay.step()
    rows = [await jobs.row(job_id) for job_id in ids[:3]]
    assert all(row and row.claimed_until_ms is None and row.relayed_at_ms is None for row in rows)
    await jobs.redis.config_set("maxmemory", 0)
    assert await jobs.relay.step() == 300
    assert set((await jobs.queue.states(ids)).values()) == {"waiting"}


async def test_a_server_that_is_full_each_other_second_is_said_once(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "POLL_S", 0.001)
    looks = 0
    server, enough = jobs.queue.server, asyncio.Event()

    async def full_now_and_then() -> str:
        nonlocal looks
        looks += 1
        if looks == 20:
            enough.set()
        if looks % 2:
            raise RedisUnavailable from OutOfMemoryError("OOM command not allowed")
        return await server()

    monkeypatch.setattr(jobs.queue, "server", full_now_and_then)
    with capture_logs() as lines:
        running = asyncio.create_task(jobs.relay.run())
        await enough.wait()
        await ended([running])
    troubles = [line["event"] for line in lines if "outbox" in line["event"]]
    assert troubles == [
        "jobs wait in the outbox",
        "jobs go from the outbox into the queues again",
    ]


async def test_a_frozen_server_holds_up_the_relay_and_not_the_database(
    jobs: Jobs, valkey: Valkey
) -> None:
    await many(jobs, 3)
    valkey.freeze()
    try:
        async with asyncio.timeout(10):
            with pytest.raises(RedisUnavailable):
                await jobs.relay.step()
        await many(jobs, 3)
    finally:
        valkey.thaw()
    assert await jobs.relay.step() == 6


async def test_a_nudge_is_followed_at_once_and_its_loss_costs_a_second(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "POLL_S", 3600.0)
    running = asyncio.create_task(jobs.relay.run())
    await until(jobs.queue.marker)
    job_id = await jobs.ask()
    jobs.relay.nudge()

    async def there() -> bool:
        return await jobs.state(job_id) == "waiting"

    await until(there)
    await ended([running])


async def test_a_server_that_is_too_old_is_said_to_be(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def info(section: str) -> dict[str, Any]:
        return {"redis_version": "5.0.14", "run_id": "x"}

    monkeypatch.setattr(jobs.queue._redis, "info", info)
    with pytest.raises(RedisUnavailable) as raised:
        await jobs.relay.step()
    assert "too old: 5.0.14" in diagnostics.described(raised.value.__cause__ or raised.value)


async def test_a_wrong_password_is_said_to_be_and_not_waited_for(jobs: Jobs) -> None:
    await jobs.redis.config_set("requirepass", "right")
    with pytest.raises(RedisUnavailable) as raised:
        async with jobs_on(jobs.database, jobs.url) as other:
            await other.relay.step()
    assert "password" in diagnostics.described(raised.value.__cause__ or raised.value)
    await jobs.redis.execute_command("AUTH", "right")
