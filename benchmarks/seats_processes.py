"""Eight processes on one event on PostgreSQL, against one process alone.

The same 256 clients, in one process or spread over eight, each process with a seat log and
connections of its own. Most of what a client asks for are seats of its own, held and given back;
every tenth is a seat that everybody wants. Alone and together take turns, each on a new event.
Started with `spawn`, since a forked loop or connection is broken.
"""

import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from queue import Empty

import uvloop

from benchmarks import crowd, databases
from benchmarks.rows import Bound, Goal, Judged, Row, Samples, more_is_better
from benchmarks.servers import ServerError
from benchmarks.stopwatch import samples
from benchmarks.topic import Profile, Run
from event_seating.booking import ids
from event_seating.booking.store import SqlLogStore
from event_seating.db.database import Database

TOPIC = "seats, processes"

SEATS = 50_000
PROCESSES = 8
POOL = 4
"""Connections a process; a writer uses one, a reader of the tail another."""

WANTED_BY_ALL = 50
"""So many seats everybody wants,"""

EVERY = 10
"""with every so manieth request."""

START_TIMEOUT_S = 60
END_GRACE_S = 30

THROUGHPUT_GOAL = Goal(Bound.at_least, 0.5, Judged.ratio)
P99_GOAL = Goal(Bound.below, 30, Judged.measured)
SHARES_GOAL = Goal(Bound.at_most, 1.5, Judged.measured)


@dataclass(frozen=True)
class Part:
    """What one process did. `requests` were answered in `elapsed_s`."""

    requests: int
    refused: int
    elapsed_s: float
    p50_ms: float
    p99_ms: float
    commits: int
    losses: int
    cpu_s: float


@dataclass(frozen=True)
class Task:
    """What one process is to do: its clients are `first` to `first + clients - 1`."""

    url: str
    event_id: str
    first: int
    clients: int
    seconds: int


def measure(run: Run) -> Iterator[Row | Profile]:
    alone: list[list[Part]] = []
    together: list[list[Part]] = []
    with databases.databases() as made:
        url = made.create(databases.POSTGRESQL)
        for number in range(run.rounds):
            run.tell(f"{TOPIC}: round {number + 1} of {run.rounds}")
            alone.append(_race(url, 1, run.seconds))
            together.append(_race(url, PROCESSES, run.seconds))
    yield from _rows(alone, together)


def _rows(alone: Sequence[Sequence[Part]], together: Sequence[Sequence[Part]]) -> Iterator[Row]:
    what = f"{PROCESSES} processes on one event"
    against = "one process alone"
    rates, reference = [_rate(parts) for parts in together], [_rate(parts) for parts in alone]
    yield Row(
        topic=TOPIC,
        what=f"{what}, requests a second",
        against=against,
        measured=samples(rates, "req/s"),
        reference=samples(reference, "req/s"),
        ratio=more_is_better(rates, reference),
        goal=THROUGHPUT_GOAL,
    )
    yield Row(
        topic=TOPIC,
        what=f"{what}, p99 of the worst off",
        against=against,
        measured=_each(together, lambda parts: max(part.p99_ms for part in parts), "ms"),
        reference=_each(alone, lambda parts: max(part.p99_ms for part in parts), "ms"),
        goal=P99_GOAL,
    )
    yield Row(
        topic=TOPIC,
        what=f"{what}, largest share for the smallest",
        measured=_each(
            together,
            lambda parts: (
                max(part.requests for part in parts) / max(1, min(p.requests for p in parts))
            ),
            "x",
        ),
        goal=SHARES_GOAL,
    )
    for label, count in (
        ("races lost a commit", lambda part: part.losses),
        ("requests a commit", lambda part: part.requests),
        ("CPU a request, µs", lambda part: part.cpu_s * 1e6),
    ):
        over = "requests" if "CPU" in label else "commits"
        yield Row(
            topic=TOPIC,
            what=f"{what}, {label}",
            against=against,
            measured=_each(together, lambda parts, c=count, o=over: _per(parts, c, o), "each"),
            reference=_each(alone, lambda parts, c=count, o=over: _per(parts, c, o), "each"),
        )


def _each(rounds, figure, unit: str) -> Samples:
    return samples([figure(parts) for parts in rounds], unit)


def _per(parts, count, over: str) -> float:
    return sum(map(count, parts)) / max(1, sum(getattr(part, over) for part in parts))


def _rate(parts: Sequence[Part]) -> float:
    return sum(part.requests / part.elapsed_s for part in parts)


def _race(url: str, processes: int, seconds: int) -> list[Part]:
    """Let so many processes share the clients of one new event."""
    context = multiprocessing.get_context("spawn")
    event_id, clients = ids.new_event_id(), crowd.CLIENTS // processes
    barrier = context.Barrier(processes)
    queue: multiprocessing.Queue[Part] = context.Queue()
    workers = [
        context.Process(
            target=_work,
            args=(Task(url, event_id, number * clients, clients, seconds), barrier, queue),
            daemon=True,
        )
        for number in range(processes)
    ]
    uvloop.run(_configure(url, event_id))
    try:
        for worker in workers:
            worker.start()
        timeout_s = START_TIMEOUT_S + seconds + END_GRACE_S
        return [queue.get(timeout=timeout_s) for _ in workers]
    except Empty:
        raise ServerError("a process of the crowd did not end") from None
    finally:
        for worker in workers:
            worker.join(1)
            worker.kill()
            worker.join()


async def _configure(url: str, event_id: str) -> None:
    database = Database(url)
    try:
        await crowd.open_log(SqlLogStore(database), event_id, crowd.house(SEATS))
    finally:
        await database.close()


def _work(task: Task, barrier: Barrier, queue: "multiprocessing.Queue[Part]") -> None:
    queue.put(uvloop.run(_share(task, barrier)))


async def _share(task: Task, barrier: Barrier) -> Part:
    import time

    database = Database(task.url, pool_size=POOL)
    try:
        log = await crowd.open_log(SqlLogStore(database), task.event_id, crowd.house(SEATS))
        seats = [
            _seats(number) for number in range(task.first, task.first + task.clients)
        ]
        barrier.wait(START_TIMEOUT_S)
        cpu = time.process_time()
        tally = await crowd.let_in(
            crowd.LogDesk(log), crowd.holding, seats, task.seconds, task.first
        )
        cpu = time.process_time() - cpu
        return Part(
            tally.granted + tally.refused,
            tally.refused,
            tally.elapsed_s,
            tally.percentile_ms(50),
            tally.percentile_ms(99),
            log.batches,
            log.conflicts,
            cpu,
        )
    finally:
        await database.close()


def _seats(client: int) -> list[int]:
    """The seats of a client in the order in which it wants them."""
    own = range(WANTED_BY_ALL + client, SEATS, crowd.CLIENTS)
    return [
        (client + number) % WANTED_BY_ALL if number % EVERY == 0 else seat
        for number, seat in enumerate(own)
    ]
