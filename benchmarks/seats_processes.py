"""Eight processes on one event on PostgreSQL, against one process alone.

Every process has a seat log, connections and 64 clients of its own, alone or with seven others. A
second reference is one process that alone has all 512 clients: harder, since its batches are eight
times as large. Most of what a client asks for are seats of its own, held and given back;
every tenth is a seat that everybody wants. Alone and together take turns, each on a new event.
Started with `spawn`, since a forked loop or connection is broken.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from queue import Empty

import uvloop

from benchmarks import crowd, databases
from benchmarks.rows import (
    RATIO_UNIT,
    Bound,
    Goal,
    Judged,
    Row,
    Samples,
    more_is_better,
)
from benchmarks.servers import ServerError
from benchmarks.stopwatch import collecting_as_the_server, samples
from benchmarks.topic import Profile, Run
from event_seating.booking.seat_log.counters import SeatLogTally
from event_seating.booking.seat_log.sql_store import SqlLogStore
from event_seating.booking.seating import ids
from event_seating.db.database import Database

TOPIC = "seats, processes"

SEATS = 50_000
PROCESSES = 8
CLIENTS = 64
"""A process."""

POOL = 4
"""Connections a process; a writer uses one, a reader of the tail another."""

WANTED_BY_ALL = 50
"""So many seats everybody wants,"""

EVERY = 10
"""with every so manieth request."""

START_TIMEOUT_S = 60
END_GRACE_S = 30

WHAT = f"{PROCESSES} processes on one event"
ALONE = "one process alone"

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


Round = Sequence[Part]
"""What each process of a round did."""

Figure = Callable[[Round], float]


@dataclass(frozen=True)
class Task:
    """What one process is to do: its clients are `first` to `first + clients - 1`."""

    url: str
    event_id: str
    first: int
    clients: int
    seconds: int


def measure(run: Run) -> Iterator[Row | Profile]:
    alone: list[Round] = []
    crowded: list[Round] = []
    together: list[Round] = []
    with databases.databases() as made:
        url = made.create(databases.POSTGRESQL)
        for number in range(run.rounds):
            run.tell(f"{TOPIC}: round {number + 1} of {run.rounds}")
            alone.append(_race(url, 1, CLIENTS, run.seconds))
            together.append(_race(url, PROCESSES, CLIENTS, run.seconds))
            crowded.append(_race(url, 1, PROCESSES * CLIENTS, run.seconds))
    yield from _goals(alone, together)
    yield _throughput(crowded, together, f"one process, {PROCESSES * CLIENTS} clients", None)
    yield from _explained(alone, together)


def _goals(alone: Sequence[Round], together: Sequence[Round]) -> Iterator[Row]:
    yield _throughput(alone, together, ALONE, THROUGHPUT_GOAL)
    yield _beside(alone, together, "p99 of the worst off", _worst_p99_ms, "ms", P99_GOAL)
    yield Row(
        topic=TOPIC,
        what=f"{WHAT}, largest share for the smallest",
        measured=_each(together, _unfairness, RATIO_UNIT),
        goal=SHARES_GOAL,
    )


def _explained(alone: Sequence[Round], together: Sequence[Round]) -> Iterator[Row]:
    """Why it is as it is: losses, size of batches, work."""
    yield _beside(alone, together, "races lost", _losses_a_commit, "a commit")
    yield _beside(alone, together, "requests", _requests_a_commit, "a commit")
    yield _beside(alone, together, "CPU a request, without the database's", _cpu_us, "µs")


def _throughput(
    reference: Sequence[Round], together: Sequence[Round], against: str, goal: Goal | None
) -> Row:
    ours, theirs = [_rate(parts) for parts in together], [_rate(parts) for parts in reference]
    return Row(
        topic=TOPIC,
        what=f"{WHAT}, requests a second",
        against=against,
        measured=samples(ours, "req/s"),
        reference=samples(theirs, "req/s"),
        ratio=more_is_better(ours, theirs),
        goal=goal,
    )


def _beside(
    alone: Sequence[Round],
    together: Sequence[Round],
    what: str,
    figure: Figure,
    unit: str,
    goal: Goal | None = None,
) -> Row:
    return Row(
        topic=TOPIC,
        what=f"{WHAT}, {what}",
        against=ALONE,
        measured=_each(together, figure, unit),
        reference=_each(alone, figure, unit),
        goal=goal,
    )


def _each(rounds: Sequence[Round], figure: Figure, unit: str) -> Samples:
    return samples([figure(parts) for parts in rounds], unit)


def _rate(parts: Round) -> float:
    return sum(part.requests / part.elapsed_s for part in parts)


def _worst_p99_ms(parts: Round) -> float:
    return max(part.p99_ms for part in parts)


def _unfairness(parts: Round) -> float:
    requests = [part.requests for part in parts]
    return max(requests) / max(1, min(requests))


def _commits(parts: Round) -> int:
    return max(1, sum(part.commits for part in parts))


def _losses_a_commit(parts: Round) -> float:
    return sum(part.losses for part in parts) / _commits(parts)


def _requests_a_commit(parts: Round) -> float:
    return sum(part.requests for part in parts) / _commits(parts)


def _cpu_us(parts: Round) -> float:
    return sum(part.cpu_s for part in parts) / sum(part.requests for part in parts) * 1e6


def _race(url: str, processes: int, clients: int, seconds: int) -> Round:
    """Let so many processes, each with so many clients, sell one new event."""
    context = multiprocessing.get_context("spawn")
    event_id = ids.new_event_id()
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
        await crowd.open_log(SqlLogStore(database), event_id, crowd.seat_index(SEATS))
    finally:
        await database.close()


def _work(task: Task, barrier: Barrier, queue: "multiprocessing.Queue[Part]") -> None:
    queue.put(uvloop.run(_share(task, barrier)))


async def _share(task: Task, barrier: Barrier) -> Part:
    database = Database(task.url, pool_size=POOL)
    try:
        rows = SeatLogTally()
        log = await crowd.open_log(
            SqlLogStore(database), task.event_id, crowd.seat_index(SEATS), tally=rows
        )
        seats = [_seats(number) for number in range(task.first, task.first + task.clients)]
        with collecting_as_the_server():
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
            rows.batch_sizes.total(),
            rows.conflicts,
            cpu,
        )
    finally:
        await database.close()


def _seats(client: int) -> list[int]:
    """The seats of a client in the order in which it wants them."""
    own = range(WANTED_BY_ALL + client, SEATS, PROCESSES * CLIENTS)
    return [
        (client + number) % WANTED_BY_ALL if number % EVERY == 0 else seat
        for number, seat in enumerate(own)
    ]
