"""What a hold costs in halls of 1, 10 and 100 thousand seats: it should be the same.

CPU time, not the clock's, since another's work on the machine is none of the hall's. Once with
the rule book alone (decide, encode, commit, in batches as the writer makes them), once through the
writer on SQLite with 256 clients, whose own work is in it. Sizes take turns.
"""

import random
import time
from collections.abc import Callable, Iterator

import uvloop

from benchmarks import crowd, databases
from benchmarks.rows import Bound, Goal, Judged, Row, less_is_better
from benchmarks.stopwatch import samples
from benchmarks.topic import Profile, Run
from event_seating.booking.core import log_entries
from event_seating.booking.core.commands import Choice, Command, Configure, PlaceHold, ReleaseHold
from event_seating.booking.core.seat_index import SeatIndex
from event_seating.booking.core.seat_state import SeatStates
from event_seating.booking.seat_log.sql_store import SqlLogStore
from event_seating.booking.seating import ids
from event_seating.db.database import Database

TOPIC = "seats, size"

SMALL = 1_000
SIZES = (SMALL, 10_000, 100_000)

BATCH = 256
BATCHES = 100
"""Of holds, and as many of their releases: some tenths of a second."""

GOAL = Goal(Bound.at_least, 0.8, Judged.ratio)
"""The same within noise: a fifth is about what two runs of one size differ by."""

Cost = Callable[[SeatIndex, str, int], float]


def measure(run: Run) -> Iterator[Row | Profile]:
    indexes = {seats: crowd.seat_index(seats) for seats in SIZES}
    with databases.databases() as made:
        url = made.create(databases.SQLITE)
        for what, cost in (("a decision", _decision_us), ("through the writer", _writer_us)):
            costs: dict[int, list[float]] = {seats: [] for seats in SIZES}
            for number in range(run.rounds):
                run.tell(f"{TOPIC}: {what}, round {number + 1} of {run.rounds}")
                for seats, seat_index in indexes.items():
                    costs[seats].append(cost(seat_index, url, run.seconds))
            for seats in SIZES[1:]:
                yield Row(
                    topic=TOPIC,
                    what=f"CPU a request, {what}, {seats:,} seats",
                    against=f"{SMALL:,} seats",
                    measured=samples(costs[seats], "µs"),
                    reference=samples(costs[SMALL], "µs"),
                    ratio=less_is_better(costs[seats], costs[SMALL]),
                    goal=GOAL,
                )


def _decision_us(seat_index: SeatIndex, _url: str, _seconds: int) -> float:
    """CPU microseconds of a hold or its release, with all that the writer does to a batch."""
    states = SeatStates.new(seat_index)
    _run(states, [Configure(crowd.CONFIGURATION)])
    chance = random.Random(1)
    used = 0.0
    for _ in range(BATCHES):
        holds = [
            PlaceHold(ids.new_key(), Choice((seat,)), seat.to_bytes(4, "big"))
            for seat in chance.sample(range(seat_index.seat_count), BATCH)
        ]
        releases = [ReleaseHold(hold.hold) for hold in holds]
        started = time.process_time()
        _run(states, holds)
        _run(states, releases)
        used += time.process_time() - started
    return used / (2 * BATCH * BATCHES) * 1e6


def _run(states: SeatStates, requests: list[PlaceHold] | list[ReleaseHold] | list[Command]) -> None:
    batch = states.begin(states.at_ms + 1)
    for request in requests:
        assert isinstance(batch.decide(request), log_entries.Entry), "a free seat was refused"
    log_entries.encode(batch.entries)
    states.commit(batch)


def _writer_us(seat_index: SeatIndex, url: str, seconds: int) -> float:
    """CPU microseconds of this process for a request that goes through the writer."""
    return uvloop.run(_through_writer(seat_index, url, seconds))


async def _through_writer(seat_index: SeatIndex, url: str, seconds: int) -> float:
    database = Database(url)
    try:
        log = await crowd.open_log(SqlLogStore(database), ids.new_event_id(), seat_index)
        shares = crowd.shares(seat_index.seat_count)
        started = time.process_time()
        tally = await crowd.let_in(crowd.LogDesk(log), crowd.holding, shares, seconds)
        return (time.process_time() - started) / tally.granted * 1e6
    finally:
        await database.close()
