"""Jobs: how many go through a second, how long one takes, and what they cost a booking.

Relay and worker are in this process, on a real Valkey and each database. "Relayed" is from the
outbox into the queue, "done" from there to the result, with a handler that does nothing else. "From
the commit" is one job at a time with a nudge after its commit, as the service gives it. A booking
is sold with one job each and without.
"""

import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
import uvloop
from tests.support.job_queue import Jobs
from tests.support.valkey import Valkey
from tests.support.waiting import until

from benchmarks import crowd, databases
from benchmarks.crowd import Tally
from benchmarks.rows import Row, more_is_better
from benchmarks.stopwatch import samples
from benchmarks.topic import Profile, Run
from event_seating.booking.core.seat_state import Batch
from event_seating.booking.seat_log.ports import Announce, announce_nothing
from event_seating.booking.seat_log.projection import Projection
from event_seating.booking.seat_log.sql_store import SqlLogStore
from event_seating.booking.seating import ids
from event_seating.db.database import Database
from event_seating.jobs import outbox
from event_seating.jobs.handler import Job
from event_seating.jobs.ids import new_job_id
from event_seating.jobs.model import DATABASE_OPERATIONS, NOTIFICATIONS, NewJob

TOPIC = "jobs"

JOBS = 3_000
"""Some seconds of work."""

ONE_BY_ONE = 100

SEATS = 50_000

WITH, WITHOUT = "with a job a booking", "without jobs"


def measure(run: Run) -> Iterator[Row | Profile]:
    # A line for each job would be most of what is measured.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with databases.databases() as made, tempfile.TemporaryDirectory(prefix="es-") as directory:
        valkey = Valkey(Path(directory))
        try:
            for name in databases.NAMES:
                yield from _through(run, name, made, valkey)
                yield from _cost(run, name, made)
        finally:
            valkey.kill()


def _through(
    run: Run, name: str, made: databases.Databases, valkey: Valkey
) -> Iterator[Row | Profile]:
    relayed, done, times = [], [], []
    for number in range(run.rounds):
        run.tell(f"{TOPIC}: {name}, round {number + 1} of {run.rounds}")
        one, two, three = uvloop.run(_round(made.create(name), valkey.url))
        relayed.append(one)
        done.append(two)
        times.append(three)
    yield Row(topic=TOPIC, what=f"relayed, {name}", measured=samples(relayed, "jobs/s"))
    yield Row(topic=TOPIC, what=f"done, {name}", measured=samples(done, "jobs/s"))
    for percentile, part in (("p50", 0.5), ("p99", 0.99)):
        found = [sorted(each)[int(len(each) * part)] for each in times]
        what = f"from the commit to done, {name}, {percentile}"
        yield Row(topic=TOPIC, what=what, measured=samples(found, "ms"))


async def _round(url: str, valkey_url: str) -> tuple[float, float, list[float]]:
    async with _jobs(url, valkey_url) as jobs:
        asked = [NewJob(new_job_id(), DATABASE_OPERATIONS, "nothing", {}) for _ in range(JOBS)]
        async with jobs.database.write() as connection:
            await outbox.add(connection, asked, jobs.clock.now_ms())
        started = time.perf_counter()
        while await jobs.relay.step():
            continue
        relayed = JOBS / (time.perf_counter() - started)

        async def nothing(_job: Job) -> None:
            return None

        async def all_done() -> bool:
            return await jobs.left() == 0

        started = time.perf_counter()
        async with jobs.working({"nothing": nothing}):
            await until(all_done)
            done = JOBS / (time.perf_counter() - started)
            times = [await _one(jobs) for _ in range(ONE_BY_ONE)]
    return relayed, done, times


async def _one(jobs: Jobs) -> float:
    """Milliseconds from a commit until the job's result is there."""
    job_id = await jobs.ask("nothing")
    started = time.perf_counter()
    jobs.relay.nudge()
    while await jobs.result(job_id) is None:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    return (time.perf_counter() - started) * 1000


@asynccontextmanager
async def _jobs(url: str, valkey_url: str) -> AsyncIterator[Jobs]:
    database = Database(url)
    jobs = Jobs(database, valkey_url)
    await jobs.redis.flushall()
    try:
        yield jobs
    finally:
        await jobs.aclose()
        await database.close()


def _a_job_a_booking(batch: Batch, projection: Projection) -> Sequence[NewJob]:
    del batch
    return [
        NewJob(new_job_id(), NOTIFICATIONS, "booking-confirmation", {"bookingId": booking},
               projection.event_id)
        for booking in projection.new_bookings
    ]  # fmt: skip


def _cost(run: Run, name: str, made: databases.Databases) -> Iterator[Row]:
    url = made.create(name)
    tallies: dict[str, list[Tally]] = {WITH: [], WITHOUT: []}
    for number in range(run.rounds):
        run.tell(f"{TOPIC}: bookings, {name}, round {number + 1} of {run.rounds}")
        pair = [(WITHOUT, announce_nothing), (WITH, _a_job_a_booking)]
        # The database grows meanwhile: who comes second in one round comes first in the next.
        for what, announce in reversed(pair) if number % 2 else pair:
            tallies[what].append(uvloop.run(_sold(url, announce, run)))
    rates = {what: [tally.per_s for tally in found] for what, found in tallies.items()}
    yield Row(
        topic=TOPIC,
        what=f"hold and book {WITH}, {name}",
        against=WITHOUT,
        measured=samples(rates[WITH], "req/s"),
        reference=samples(rates[WITHOUT], "req/s"),
        ratio=more_is_better(rates[WITH], rates[WITHOUT]),
    )


async def _sold(url: str, announce: Announce, run: Run) -> Tally:
    database = Database(url)
    try:
        log = await crowd.open_log(
            SqlLogStore(database), ids.new_event_id(), crowd.seat_index(SEATS), announce
        )
        return await crowd.let_in(
            crowd.LogDesk(log), crowd.buying, crowd.shares(SEATS), run.seconds
        )
    finally:
        await database.close()
