"""How jobs are done, tried again and given up: the pinned BullMQ on a real Valkey."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

import bullmq
import pytest
import structlog
from redis.exceptions import OutOfMemoryError
from sqlalchemy import select
from structlog.contextvars import get_contextvars
from tests.support.job_queue import QUICK, Jobs, jobs_on
from tests.support.valkey import Valkey
from tests.support.waiting import until

from event_seating.clock import SystemClock
from event_seating.db.database import Database
from event_seating.db.tables import job_results
from event_seating.errors import DatabaseUnavailable
from event_seating.jobs import ends, runner, tally, worker
from event_seating.jobs import outbox as statements
from event_seating.jobs.ends import Dead, Defer, Done, Retry
from event_seating.jobs.handler import Job
from event_seating.jobs.ids import new_job_id
from event_seating.jobs.model import BULK, NOTIFICATIONS, URGENT, NewJob
from event_seating.jobs.queue import OPTIONS, PATIENT_MOST_MS, patient_backoff_ms
from event_seating.jobs.requests import JobRequests
from event_seating.valkey import client

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path: Any) -> AsyncIterator[Database]:
    """SQLite alone: what runs here has no other statements than `test_relay` and `test_outbox`."""
    from tests.support.tables import lay_tables  # noqa: PLC0415

    await lay_tables(tmp_path / "event-seating.db")
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'event-seating.db'}")
    yield database
    await database.close()


@pytest.fixture
async def jobs(database: Database, valkey: Valkey) -> AsyncIterator[Jobs]:
    async with jobs_on(database, valkey.url, options=QUICK) as found:
        yield found


class Handlers:
    """Handlers that remember what they saw, and fail when told."""

    def __init__(self) -> None:
        self.seen: list[Job] = []
        self.failures: dict[str, list[Exception]] = {}
        self.at_once = 0
        self.most_at_once = 0
        self.go = asyncio.Event()
        self.context: dict[str, Any] = {}

    async def count(self, job: Job) -> Any:
        self.seen.append(job)
        self.context = get_contextvars()
        failures = self.failures.get(job.payload.get("fail", ""), [])
        if failures:
            raise failures.pop(0)
        return {"n": job.payload.get("n")}

    async def wait(self, job: Job) -> Any:
        self.seen.append(job)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.go.wait()
        finally:
            self.at_once -= 1

    def all(self) -> dict[str, Any]:
        return {"count": self.count, "wait": self.wait}


async def all_done(jobs: Jobs) -> bool:
    return await jobs.left() == 0


async def given_up(jobs: Jobs, job_id: str) -> str | None:
    row = await jobs.row(job_id)
    return row.error if row and row.failed_at_ms else None


async def events(jobs: Jobs, job_id: str) -> list[dict[str, str]]:
    """What BullMQ's stream says of a job, in order, with the server's own time."""
    found = await jobs.redis.xrange(f"bull:{jobs.name}:events")
    return [
        {**fields, "at": entry.split("-")[0]}
        for entry, fields in found
        if fields.get("jobId") == job_id
    ]


async def test_a_job_is_done_once_and_its_result_can_be_read(jobs: Jobs) -> None:
    handlers = Handlers()
    job_id = await jobs.ask("count", {"n": 7}, event_id="testevent001")
    async with jobs.working(handlers.all()):
        await until(lambda: all_done(jobs))
    (seen,) = handlers.seen
    assert (seen.id, seen.event_id, seen.payload) == (job_id, "testevent001", {"n": 7})
    assert (seen.attempt, seen.last_attempt) == (1, False)
    result = await jobs.result(job_id)
    assert result is not None
    assert result.result == '{"n":7}'
    assert await jobs.state(job_id) == "completed"


async def test_lines_of_a_job_say_which_job_and_request_they_belong_to(jobs: Jobs) -> None:
    handlers = Handlers()
    job = NewJob(new_job_id(), jobs.name, "count", {}, trace='{"requestId":"abc-1"}')
    async with jobs.database.write() as connection:
        await statements.add(connection, [job], 1)
    async with jobs.working(handlers.all()):
        await until(lambda: all_done(jobs))
    assert handlers.context["requestId"] == "abc-1"
    assert handlers.context["jobId"] == job.id
    assert handlers.context["attempt"] == 1


async def test_a_handler_may_finish_its_job_with_its_effect(jobs: Jobs) -> None:
    async def effect(job: Job) -> None:
        async with jobs.database.write() as connection:
            await job.finish(connection, {"rows": 3})

    job_id = await jobs.ask("effect")
    async with jobs.working({"effect": effect}):
        await until(lambda: all_done(jobs))
    result = await jobs.result(job_id)
    assert result is not None
    assert result.result == '{"rows":3}'


async def test_jobs_that_a_handler_asked_for_are_looked_for_at_once(jobs: Jobs) -> None:
    woken: list[bool] = []
    looking: list[asyncio.Task[None]] = []

    async def look() -> None:
        woken.append(await jobs.row(job_ids[1]) is None)

    def wake_relay() -> None:
        looking.append(asyncio.ensure_future(look()))
        jobs.relay.nudge()

    requests = JobRequests(jobs.database, jobs.clock, wake_relay)

    async def effect(job: Job) -> None:
        async with jobs.database.write() as connection:
            await job.finish(connection, None)
            await requests.ask(connection, NewJob(new_job_id(), jobs.name, "none", {}))

    async def none(_job: Job) -> None:
        return None

    job_ids = [await jobs.ask(name) for name in ("none", "effect")]
    async with jobs.working({"effect": effect, "none": none}):
        await until(lambda: all_done(jobs))
    await asyncio.gather(*looking)
    assert woken == [True], "after the commit, and not for a job that asked for nothing"
    assert await jobs.done() == 3


async def test_an_effect_that_comes_too_late_is_undone(jobs: Jobs) -> None:
    """Two workers at one job: the second finds it done, and leaves no trace."""

    async def effect(job: Job) -> None:
        async with jobs.database.write() as connection:
            other = statements.Completion(job.event_id, job.id, "other", 1, 2)
            await statements.finish(connection, other)
        async with jobs.database.write() as connection:
            await connection.execute(
                job_results.insert(),
                {"id": "trace", "queue": "q", "name": "n", "created_at_ms": 1,
                 "started_at_ms": 1, "finished_at_ms": 1},
            )  # fmt: skip
            await job.finish(connection, "mine")

    job_id = await jobs.ask("effect")
    async with jobs.working({"effect": effect}):

        async def completed() -> bool:
            return await jobs.state(job_id) == "completed"

        await until(completed)
    async with jobs.database.read() as connection:
        rows = (await connection.execute(select(job_results.c.id, job_results.c.result))).all()
    assert [tuple(row) for row in rows] == [(job_id, '"other"')]


async def test_a_failed_job_is_tried_three_times_with_the_waits_of_the_seed(
    database: Database, valkey: Valkey
) -> None:
    """The seed's 2 s and 4 s, at a tenth: Redis's own times say when each was due."""
    handlers = Handlers()
    handlers.failures["x"] = [ValueError("one"), ValueError("two")]
    options = QUICK._replace(backoff={"type": "exponential", "delay": 200})
    async with jobs_on(database, valkey.url, options=options) as jobs:
        job_id = await jobs.ask("count", {"fail": "x"})
        async with jobs.working(handlers.all()):
            await until(lambda: all_done(jobs))
        delayed = [event for event in await events(jobs, job_id) if event["event"] == "delayed"]
    assert [job.attempt for job in handlers.seen] == [1, 2, 3]
    assert [job.last_attempt for job in handlers.seen] == [False, False, True]
    waits = [int(event["delay"]) - int(event["at"]) for event in delayed]
    assert len(waits) == 2
    # Ours is rounded and the server's cut off, which may make a millisecond; it is a little later
    # that the server writes it down.
    assert 120 <= waits[0] <= 201
    assert 320 <= waits[1] <= 401


async def test_the_last_failure_is_written_down_and_can_be_tried_again(jobs: Jobs) -> None:
    handlers = Handlers()
    handlers.failures["x"] = [ValueError(f"no {n} for anna@example.com") for n in range(3)]
    job_id = await jobs.ask("count", {"fail": "x"})
    async with jobs.working(handlers.all()):
        await until(lambda: given_up(jobs, job_id))
        assert await given_up(jobs, job_id) == "ValueError: no 2 for [redacted]"

        async def failed() -> bool:
            return await jobs.state(job_id) == "failed"

        await until(failed)
        stored = await jobs.in_redis(job_id)
        assert stored["failedReason"] == "ValueError: no 2 for [redacted]"
        assert "anna" not in json.dumps(stored)
        async with jobs.database.write() as connection:
            assert await statements.retry(connection, job_id)
        jobs.relay.nudge()
        await until(lambda: all_done(jobs))
    assert [job.attempt for job in handlers.seen] == [1, 2, 3, 1]


async def test_what_could_not_be_done_this_time_is_told_in_one_line_without_a_stack(
    jobs: Jobs,
) -> None:
    handlers = Handlers()
    handlers.failures["x"] = [Retry("The mail server is away."), ValueError("ours")]
    await jobs.ask("count", {"fail": "x"})
    with structlog.testing.capture_logs() as lines:
        async with jobs.working(handlers.all()):
            await until(lambda: all_done(jobs))
    told = [(line["event"], line.get("why")) for line in lines if line["component"] == "jobs"]
    assert told[:2] == [
        ("a job failed and is tried again", "The mail server is away."),
        ("a handler failed", None),
    ]


async def test_a_handler_that_raises_done_has_failed_and_its_job_is_not_lost(jobs: Jobs) -> None:
    """Nothing is written of that: a result is what a handler returns."""
    handlers = Handlers()
    handlers.failures["x"] = [Done({"n": 1})]
    job_id = await jobs.ask("count", {"fail": "x", "n": 2})
    async with jobs.working(handlers.all()):
        await until(lambda: all_done(jobs))
    result = await jobs.result(job_id)
    assert result is not None
    assert result.result == '{"n":2}'
    assert [job.attempt for job in handlers.seen] == [1, 2]


@pytest.mark.parametrize("what", ["says so", "has no handler", "is no object"])
async def test_what_cannot_succeed_is_given_up_at_once(jobs: Jobs, what: str) -> None:
    handlers = Handlers()
    handlers.failures["x"] = [Dead("A user with this id exists already.")]
    name = "nobody-knows-me" if what == "has no handler" else "count"
    job_id = await jobs.ask(name, {"fail": "x"})
    if what == "is no object":
        async with jobs.database.write() as connection:
            await connection.exec_driver_sql("UPDATE outbox SET payload = '[1, 2]'")
    async with jobs.working(handlers.all()):
        await until(lambda: given_up(jobs, job_id))
        assert len(handlers.seen) == (1 if what == "says so" else 0)

        async def failed() -> bool:
            return await jobs.state(job_id) == "failed"

        await until(failed)
        assert [each["event"] for each in await events(jobs, job_id)].count("active") == 1
        other = await jobs.ask("count")
        jobs.relay.nudge()

        async def other_done() -> bool:
            return await jobs.result(other) is not None

        await until(other_done)
    assert (
        await given_up(jobs, job_id)
        == {
            "says so": "A user with this id exists already.",
            "has no handler": "No job is called 'nobody-knows-me' here.",
            "is no object": "What is stored with this job is no JSON object.",
        }[what]
    )


@pytest.mark.parametrize(
    "poison",
    [
        {"data": "{nonsense"},
        {"opts": "nonsense"},
        {"opts": "[]"},
        {"progress": "nonsense"},
        {"priority": "high", "timestamp": "yesterday", "delay": "x"},
        {"stacktrace": "{"},
        {"parent": "{"},
    ],
)
async def test_a_job_that_somebody_spoiled_in_redis_is_done_all_the_same(
    jobs: Jobs, poison: dict[str, str]
) -> None:
    handlers = Handlers()
    job_id = await jobs.ask("count", {"n": 1})
    await jobs.relay.step()
    await jobs.redis.hset(f"bull:{jobs.name}:{job_id}", mapping=poison)
    async with jobs.working(handlers.all()):
        await until(lambda: all_done(jobs))
    assert [job.payload for job in handlers.seen] == [{"n": 1}]


async def test_a_job_that_did_not_come_through_the_outbox_fails(jobs: Jobs) -> None:
    added = await jobs.queue._queue.add("count", {"n": 1}, {"attempts": 3})
    handlers = Handlers()
    async with jobs.working(handlers.all()):

        async def failed() -> bool:
            return await jobs.state(str(added.id)) == "failed"

        await until(failed)
    assert handlers.seen == []
    assert "outbox" in await jobs.queue.reason(str(added.id))


async def test_a_job_that_is_done_and_forgotten_by_redis_does_not_run_when_added_again(
    jobs: Jobs,
) -> None:
    handlers = Handlers()
    job_id = await jobs.ask("count")
    async with jobs.working(handlers.all()):
        await jobs.relay.step()
        row = await jobs.row(job_id)
        await until(lambda: all_done(jobs))
        await jobs.redis.delete(f"bull:{jobs.name}:{job_id}", f"bull:{jobs.name}:completed")
        assert await jobs.state(job_id) == "unknown"
        if row is None:
            row = statements.OutboxRow(
                "", job_id, jobs.name, "count", "{}", 10, None, 1, 1, 1, None, None
            )
        await jobs.queue.add([row])

        async def completed() -> bool:
            return await jobs.state(job_id) == "completed"

        await until(completed)
    assert len(handlers.seen) == 1


async def test_the_urgent_come_first(jobs: Jobs) -> None:
    for number, priority in enumerate([BULK, URGENT, BULK, URGENT]):
        await jobs.ask("count", {"n": number}, priority=priority)
    await jobs.relay.step()
    handlers = Handlers()
    async with jobs.working(handlers.all(), concurrency=1):
        await until(lambda: all_done(jobs))
    assert [job.payload["n"] for job in handlers.seen] == [1, 3, 0, 2]


async def test_five_jobs_are_done_at_once_and_no_more(jobs: Jobs) -> None:
    for _ in range(12):
        await jobs.ask("wait")
    handlers = Handlers()
    async with jobs.working(handlers.all()):
        await until(lambda: handlers.at_once == 5)
        counts = await jobs.queue.counts()
        assert (counts.active, counts.waiting) == (5, 7)
        handlers.go.set()
        await until(lambda: all_done(jobs))
    assert handlers.most_at_once == 5


async def test_redis_keeps_a_hundred_that_are_done_and_fifty_that_failed(jobs: Jobs) -> None:
    handlers = Handlers()
    handlers.failures["x"] = [Dead("no") for _ in range(60)]
    for _ in range(60):
        await jobs.ask("count", {"fail": "x"})
    for _ in range(120):
        await jobs.ask("count")
    async with jobs.working(handlers.all(), concurrency=20):

        async def ended() -> bool:
            counts = await jobs.queue.counts()
            return counts.waiting + counts.active == 0 and await jobs.left() == 60

        await until(ended)
        counts = await jobs.queue.counts()
    assert (counts.completed, counts.failed) == (100, 50)
    assert len(handlers.seen) == 180


async def test_a_paused_worker_takes_nothing_and_finishes_what_it_has(jobs: Jobs) -> None:
    handlers = Handlers()
    async with jobs.working(handlers.all()) as working:
        await jobs.ask("wait")
        await until(lambda: handlers.at_once == 1)
        working.pause()
        later = await jobs.ask("count")
        jobs.relay.nudge()

        async def waits() -> bool:
            return await jobs.state(later) == "waiting"

        await until(waits)
        handlers.go.set()

        async def first_done() -> bool:
            return await jobs.done() == 1

        await until(first_done)
        assert await jobs.state(later) == "waiting"


async def test_a_worker_that_is_to_end_finishes_what_it_has(jobs: Jobs) -> None:
    handlers = Handlers()
    first, second = await jobs.ask("wait"), await jobs.ask("wait")
    await jobs.relay.step()
    working = jobs.worker(handlers.all(), concurrency=1)
    working.start()
    await until(lambda: handlers.at_once == 1)
    draining = asyncio.create_task(working.drain(30))
    await asyncio.sleep(0)
    handlers.go.set()
    await draining
    assert {await jobs.state(first), await jobs.state(second)} == {"completed", "waiting"}
    assert len(handlers.seen) == 1


async def test_a_worker_that_cannot_finish_in_time_hands_back_without_costing_an_attempt(
    jobs: Jobs,
) -> None:
    handlers = Handlers()
    job_id = await jobs.ask("wait")
    async with jobs.working(handlers.all()) as working:
        await until(lambda: handlers.at_once == 1)
        async with asyncio.timeout(10):
            await working.drain(0.05)
    assert await jobs.state(job_id) == "delayed"
    assert (await jobs.in_redis(job_id)).get("atm", "0") == "0"
    handlers.go.set()
    async with jobs.working(handlers.all()):
        await until(lambda: all_done(jobs))
    assert [job.attempt for job in handlers.seen] == [1, 1]


SOON: Mapping[str, int] = {"lock_ms": 400, "stalled_every_ms": 300}


async def die_with_a_job(jobs: Jobs) -> None:
    """Leave in Redis what a worker leaves that takes a job and is killed."""
    dead = bullmq.Worker(
        jobs.name,
        lambda _job, _token: None,
        {"connection": jobs.redis, "autorun": False, "lockDuration": SOON["lock_ms"]},
    )
    job = await dead.backend.moveToActive("dead", dead.opts)
    assert job[1] is not None


async def test_a_job_whose_worker_was_killed_is_taken_up_and_that_costs_no_attempt(
    jobs: Jobs,
) -> None:
    handlers = Handlers()
    job_id = await jobs.ask("count")
    await jobs.relay.step()
    # As often as that: BullMQ's own limit is one.
    for deaths in (1, 2, 3):
        await die_with_a_job(jobs)
        assert await jobs.state(job_id) == "active"
        done = handlers.all() if deaths == 3 else {}
        async with jobs.working(done, times=SOON) as worker:
            if deaths < 3:
                worker.pause()
                await until(partial(stalled, jobs, job_id, deaths))
            else:
                await until(lambda: all_done(jobs))
    (seen,) = handlers.seen
    assert (seen.id, seen.attempt) == (job_id, 1)


async def stalled(jobs: Jobs, job_id: str, times: int) -> bool:
    return sum(each["event"] == "stalled" for each in await events(jobs, job_id)) == times


async def test_no_look_for_jobs_of_dead_workers_is_left_out(jobs: Jobs) -> None:
    """One counts for all workers, and no longer than until this one's next."""
    every_ms = 1_000
    key = f"bull:{jobs.name}:stalled-check"
    async with jobs.working({}, times={"stalled_every_ms": every_ms}):
        await until(lambda: jobs.redis.exists(key))
        assert await jobs.redis.pttl(key) < every_ms * 0.9


async def test_a_database_that_is_away_costs_a_job_no_attempt(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ends, "DEFER_MS", 5)
    handlers = Handlers()
    handlers.failures["x"] = [*(DatabaseUnavailable() for _ in range(6)), Defer("not now")]
    await jobs.ask("count", {"fail": "x"})
    async with jobs.working(handlers.all()):
        await until(lambda: all_done(jobs))
    assert [job.attempt for job in handlers.seen] == [1] * 8


async def test_a_handler_that_always_says_the_database_is_away_is_given_up(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ends, "DEFER_MS", 1)
    monkeypatch.setattr(ends, "DEFERRALS_MAX", 4)
    handlers = Handlers()
    handlers.failures["x"] = [DatabaseUnavailable() for _ in range(50)]
    job_id = await jobs.ask("count", {"fail": "x"})
    async with jobs.working(handlers.all()):
        await until(lambda: given_up(jobs, job_id))
    assert len(handlers.seen) < 20


async def test_an_effect_in_the_world_is_not_repeated_since_the_database_went_away(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail was accepted, and the database is away when that is to be written down."""
    monkeypatch.setattr(runner, "ASK_AGAIN_S", 0.01)
    refusals = 5
    sent = []

    async def send(job: Job) -> None:
        sent.append(job.id)
        monkeypatch.setattr(jobs.database, "write", away)

    write = jobs.database.write

    def away() -> Any:
        nonlocal refusals
        refusals -= 1
        if refusals == 0:
            monkeypatch.setattr(jobs.database, "write", write)
        raise DatabaseUnavailable

    await jobs.ask("send")
    await jobs.relay.step()
    async with jobs.working({"send": send}, relaying=False):
        await until(lambda: all_done(jobs))
    assert len(sent) == 1


async def test_a_job_given_twice_at_once_is_done_once(jobs: Jobs) -> None:
    """After a flush the relay puts it in again while the first still runs."""
    handlers = Handlers()
    job_id = await jobs.ask("wait")
    async with jobs.working(handlers.all()):
        await until(lambda: handlers.at_once == 1)
        await jobs.redis.flushall()
        jobs.relay._looked_at_all = -1e9
        jobs.relay.nudge()

        async def again() -> bool:
            return await jobs.state(job_id) == "active"

        await until(again)
        assert handlers.at_once == 1
        handlers.go.set()
        await until(lambda: all_done(jobs))
    assert len(handlers.seen) == 1


async def test_progress_is_shown_with_the_job(jobs: Jobs) -> None:
    go = asyncio.Event()

    async def slow(job: Job) -> None:
        await job.report({"rows": 500})
        await go.wait()

    job_id = await jobs.ask("slow")
    async with jobs.working({"slow": slow}):

        async def told() -> bool:
            return (await jobs.queue.look_at(job_id)).progress == {"rows": 500}

        await until(told)
        assert (await jobs.queue.look_at(job_id)).state == "active"
        go.set()
        await until(lambda: all_done(jobs))


@pytest.mark.parametrize("how", ["killed", "frozen", "flushed", "cut off"])
async def test_jobs_go_on_after_their_server_was(jobs: Jobs, valkey: Valkey, how: str) -> None:
    handlers = Handlers()
    async with jobs.working(handlers.all()):
        for _ in range(20):
            await jobs.ask("count")
        if how == "killed":
            valkey.kill()
        elif how == "frozen":
            valkey.freeze()
        elif how == "flushed":
            await jobs.redis.flushall()
        else:
            await jobs.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        for _ in range(20):
            await jobs.ask("count")
        if how == "killed":
            valkey.start()
        elif how == "frozen":
            valkey.thaw()
        jobs.relay._looked_at_all = -1e9
        await until(lambda: all_done(jobs))
    assert await jobs.done() == 40


async def test_a_worker_begins_when_its_server_comes(jobs: Jobs, valkey: Valkey) -> None:
    handlers = Handlers()
    valkey.kill()
    await jobs.ask("count")
    async with jobs.working(handlers.all()):
        valkey.start()
        await until(lambda: all_done(jobs))


async def test_a_worker_whose_server_is_away_or_frozen_ends_all_the_same(
    jobs: Jobs, valkey: Valkey
) -> None:
    handlers = Handlers()
    await jobs.ask("wait")
    async with jobs.working(handlers.all()) as working:
        await until(lambda: handlers.at_once == 1)
        valkey.freeze()
        try:
            async with asyncio.timeout(20):
                await working.drain(0.1)
        finally:
            valkey.thaw()


async def test_a_dead_connection_does_not_let_a_worker_wait_for_ever(
    jobs: Jobs, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "ANSWER_WITHIN_S", 0.2)
    handlers = Handlers()
    async with jobs.working(handlers.all()) as working:

        async def waits() -> bool:
            return working._bullmq is not None and working._bullmq.waiting is not None

        await until(waits)
        valkey.freeze()
        waiting = working._bullmq.waiting  # type: ignore[union-attr]
        try:
            await until(waiting.done, 10)
        finally:
            valkey.thaw()
        await jobs.ask("count")
        await until(lambda: all_done(jobs))


async def test_a_worker_whose_server_is_full_now_and_then_says_so_once(jobs: Jobs) -> None:
    with structlog.testing.capture_logs() as lines:
        async with jobs.working(Handlers().all()) as working:
            await until(lambda: working._bullmq is not None)
            for _ in range(10):
                working._bullmq.emit("error", OutOfMemoryError("OOM"))  # type: ignore[union-attr]
                working._bullmq.emit("active", None, None)  # type: ignore[union-attr]
    said = [line["event"] for line in lines if line["event"].startswith("a worker")]
    assert said == ["a worker waits for its server", "a worker has jobs again"]


@pytest.mark.parametrize("cancelled_again_s", [client.CANCEL_AGAIN_S, 0.0])
async def test_a_worker_that_is_ended_while_it_starts_leaves_no_connection(
    jobs: Jobs, cancelled_again_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BullMQ closes its connections once, and cancels its tasks once, without waiting for them.

    On a busy machine a task that ends in good order may be cancelled again in the midst of that.
    """
    monkeypatch.setattr(client, "CANCEL_AGAIN_S", cancelled_again_s)
    before = len(await jobs.redis.client_list())
    tasks_before = asyncio.all_tasks()
    for moment in range(100):
        doing = jobs.worker({})
        doing.start()
        for _ in range(moment):
            await asyncio.sleep(0)
        await asyncio.sleep(moment * 40e-6)
        await doing.drain(5)

    async def none_left() -> bool:
        return len(await jobs.redis.client_list()) <= before

    await until(none_left, 10)
    assert asyncio.all_tasks() <= tasks_before, "and nothing that would open one again"


async def test_what_was_done_is_counted_for_all_processes(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers = Handlers()
    monkeypatch.setattr(ends, "DEFER_MS", 5)
    handlers.failures["x"] = [ValueError("no"), Defer("not now"), Dead("no")]
    await jobs.ask("count")
    failing = await jobs.ask("count", {"fail": "x"})
    unknown = await jobs.ask("nobody-knows-me")
    async with jobs.working(handlers.all()):
        await until(lambda: given_up(jobs, failing))
        await until(lambda: given_up(jobs, unknown))

        async def one_left() -> bool:
            return await jobs.left() == 2

        await until(one_left)
    counted = await tally.read(jobs.redis)
    assert {(each.name, each.outcome): each.number for each in counted.attempts} == {
        ("count", "done"): 1,
        ("count", "again"): 1,
        ("count", "postponed"): 1,
        ("count", "failed"): 1,
        ("other", "failed"): 1,
    }
    (times,) = [each for each in counted.durations if each.name == "count"]
    assert times.number == 4
    assert list(times.buckets.values()) == sorted(times.buckets.values())


def test_notifications_wait_for_an_evening_and_not_in_step() -> None:
    attempts = OPTIONS[NOTIFICATIONS].attempts
    waits = [patient_backoff_ms(n) for n in range(1, attempts)]
    assert sum(waits) > 4 * 3_600_000
    assert max(waits) <= PATIENT_MOST_MS * 1.2
    assert waits[0] <= 6_000
    assert len({patient_backoff_ms(8) for _ in range(50)}) > 10


async def test_a_mail_server_that_is_down_for_all_of_the_seeds_attempts_loses_nothing(
    database: Database, valkey: Valkey
) -> None:
    """The seed's three attempts were over after 6 s: here the fourth and the tenth still come."""
    options = OPTIONS[NOTIFICATIONS]._replace(backoff={"type": "exponential", "delay": 1})
    async with jobs_on(database, valkey.url, queue=NOTIFICATIONS, options=options) as jobs:
        handlers = Handlers()
        handlers.failures["x"] = [ConnectionRefusedError() for _ in range(9)]
        await jobs.ask("count", {"fail": "x"})
        async with jobs.working(handlers.all()):
            await until(lambda: all_done(jobs))
        assert [job.attempt for job in handlers.seen] == list(range(1, 11))


def test_the_clock_is_the_machines() -> None:
    assert abs(SystemClock().now_ms() - worker._now_ms()) < 1_000
