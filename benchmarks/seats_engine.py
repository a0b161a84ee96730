"""The engine alone, without HTTP: 256 clients on 50,000 seats, on each database.

Each client has seats of its own, so that what is measured is granting, not refusing. All
contenders use one database, in turn, each with seats that are all free. "Hold" holds a seat and
gives it back, over and over; "hold and book" sells every seat. Both count every answer.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import uvloop

from benchmarks import crowd, databases, desks
from benchmarks.crowd import Desk, Tally, Walk
from benchmarks.rows import Bound, Goal, Judged, Row, more_is_better
from benchmarks.stopwatch import samples
from benchmarks.topic import Profile, Run
from event_seating.booking.seat_log.sql_store import SqlLogStore
from event_seating.booking.seating import ids
from event_seating.db.database import Database

TOPIC = "seats, engine"

SEATS = 50_000

ENGINE = "the seat log"
FOR_UPDATE = "SELECT … FOR UPDATE"
UPDATE = "a conditional UPDATE"
TRANSACTION = "a transaction a request"

GOAL = Goal(Bound.at_least, 20, Judged.ratio)
HOLD = "hold"
GOALS = {HOLD: {FOR_UPDATE: GOAL, TRANSACTION: GOAL}}

WALKS: dict[str, Walk] = {HOLD: crowd.holding, "hold and book": crowd.buying}

Opened = Callable[[str], AbstractAsyncContextManager[Desk]]


@asynccontextmanager
async def _engine(url: str) -> AsyncIterator[Desk]:
    database = Database(url)
    try:
        log = await crowd.open_log(
            SqlLogStore(database), ids.new_event_id(), crowd.seat_index(SEATS)
        )
        yield crowd.LogDesk(log)
    finally:
        await database.close()


@asynccontextmanager
async def _for_update(url: str) -> AsyncIterator[Desk]:
    async with desks.pool(url, SEATS) as pool:
        yield desks.ForUpdateDesk(pool)


@asynccontextmanager
async def _update(url: str) -> AsyncIterator[Desk]:
    async with desks.pool(url, SEATS) as pool:
        yield desks.UpdateDesk(pool)


@asynccontextmanager
async def _transaction(url: str) -> AsyncIterator[Desk]:
    async with desks.thread(url, SEATS) as desk:
        yield desk


CONTENDERS: dict[str, dict[str, Opened]] = {
    databases.POSTGRESQL: {ENGINE: _engine, FOR_UPDATE: _for_update, UPDATE: _update},
    databases.SQLITE: {ENGINE: _engine, TRANSACTION: _transaction},
}


def measure(run: Run) -> Iterator[Row | Profile]:
    with databases.databases() as made:
        for name, contenders in CONTENDERS.items():
            url = made.create(name)
            for what, walk in WALKS.items():
                tallies: dict[str, list[Tally]] = {contender: [] for contender in contenders}
                for number in range(run.rounds):
                    run.tell(f"{TOPIC}: {what}, {name}, round {number + 1} of {run.rounds}")
                    for contender, opened in contenders.items():
                        tallies[contender].append(uvloop.run(_round(opened, url, walk, run)))
                yield from _rows(f"{what}, {name}", tallies, GOALS.get(what, {}))


async def _round(opened: Opened, url: str, walk: Walk, run: Run) -> Tally:
    async with opened(url) as desk:
        return await crowd.let_in(desk, walk, crowd.shares(SEATS), run.seconds)


def _rows(what: str, tallies: dict[str, list[Tally]], goals: Mapping[str, Goal]) -> Iterator[Row]:
    ours = [tally.per_s for tally in tallies[ENGINE]]
    refused = sum(tally.refused for each in tallies.values() for tally in each)
    for contender, theirs in tallies.items():
        if contender == ENGINE:
            continue
        rates = [tally.per_s for tally in theirs]
        yield Row(
            topic=TOPIC,
            what=what,
            against=contender,
            measured=samples(ours, "req/s"),
            reference=samples(rates, "req/s"),
            ratio=more_is_better(ours, rates),
            goal=goals.get(contender),
            invalid="seats of one's own were refused" if refused else "",
        )
    yield Row(
        topic=TOPIC,
        what=f"{what}, p99",
        measured=samples([tally.percentile_ms(99) for tally in tallies[ENGINE]], "ms"),
    )
