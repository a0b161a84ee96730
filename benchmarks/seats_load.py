"""Bringing an event of 100,000 seats into memory, and for how long that blocks the event loop.

Two parts, as the service does them. The map: its newest version is read from SQLite, unpacked,
parsed and numbered, in threads; it is shared by every event of the venue. The state: the newest
image (four fifths sold, in bookings of four), and the `TAIL` rows after it, as many as there can
be. A ticker that wants to run every millisecond tells how late it came; beside it stands one on a
loop with nothing else to do, for that is what the machine itself does to it. The collector of
garbage is set as the server sets it: left as it is, it alone stops the loop for 200 ms.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import uvloop

from benchmarks import crowd, databases
from benchmarks.rows import Bound, Goal, Judged, Row
from benchmarks.stopwatch import collecting_as_the_server, samples
from benchmarks.topic import Profile, Run
from event_seating.booking.core.commands import BookSeats, Choice, Command, Configure, PlaceHold
from event_seating.booking.core.records import Configuration
from event_seating.booking.core.seat_index import SeatIndex
from event_seating.booking.core.seat_state import SeatStates
from event_seating.booking.seat_log import state_snapshots
from event_seating.booking.seat_log.sql_store import SqlLogStore
from event_seating.booking.seat_log.state_snapshots import SNAPSHOT_EVERY
from event_seating.booking.seat_log.submission import Granted, Submission
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating import ids
from event_seating.booking.seating.numbering import seat_index
from event_seating.clock import SystemClock
from event_seating.db.database import Database
from event_seating.venues import arenas
from event_seating.venues.service import VenueService

TOPIC = "seats, load"

SEATS = 100_000
SOLD = 80_000
BOOKING = 4
TAIL = SNAPSHOT_EVERY - 1
HOLDS_A_ROW = 10

STATE_GOAL = Goal(Bound.below, 1, Judged.measured)
BLOCKED_GOAL = Goal(Bound.below, 10, Judged.measured)

T = TypeVar("T")


@dataclass
class _Part:
    """What one part took, a value a round."""

    seconds: list[float] = field(default_factory=list)
    blocked_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class _Event:
    """An event in a database, and its venue."""

    url: str
    venue_id: str
    event_id: str


def measure(run: Run) -> Iterator[Row | Profile]:
    parts = {"map": _Part(), "state": _Part(), "idle": _Part()}
    with databases.databases() as made:
        run.tell(f"{TOPIC}: selling {SOLD:,} of {SEATS:,} seats")
        event = uvloop.run(_make(made.create(databases.SQLITE)))
        with collecting_as_the_server():
            for number in range(run.rounds):
                run.tell(f"{TOPIC}: round {number + 1} of {run.rounds}")
                uvloop.run(_load(event, parts))
    yield from _rows(parts)


def _rows(parts: dict[str, _Part]) -> Iterator[Row]:
    for name, what in (("map", "map and index"), ("state", f"state: image and {TAIL} rows")):
        yield Row(
            topic=TOPIC,
            what=f"{SEATS:,} seats, {what}",
            measured=samples(parts[name].seconds, "s"),
            goal=STATE_GOAL if name == "state" else None,
        )
    for name, what in (("map", "the map"), ("state", "the state")):
        yield Row(
            topic=TOPIC,
            what=f"longest that loading {what} blocked the loop",
            against="an idle loop",
            measured=samples(parts[name].blocked_ms, "ms"),
            reference=samples(parts["idle"].blocked_ms, "ms"),
            goal=BLOCKED_GOAL,
        )


async def _make(url: str) -> _Event:
    """The venue as it is created over HTTP, and an event whose log has an image and a tail."""
    database = Database(url)
    venues = VenueService(database, SystemClock())
    try:
        body = msgspec.json.encode(arenas.arena(SEATS))
        version = (await venues.create(_in_pieces(body), dry_run=False)).version
        plan = await venues.seat_plan(version.venue_id, version.version)
        index, store = seat_index(plan), SqlLogStore(database)
        event_id = ids.new_event_id()
        log = SeatLog(event_id, SeatStates.new(index), store, SystemClock())
        prices = {category: {"standard": 4500} for category in index.categories}
        rules = crowd.CONFIGURATION.rules
        await _ask(log, [Configure(Configuration("EUR", prices, rules=rules))])
        await _ask(
            log,
            [
                BookSeats(ids.new_key(), Choice(tuple(range(seat, seat + BOOKING))))
                for seat in range(0, SOLD, BOOKING)
            ],
        )
        await state_snapshots.save(event_id, log.states, store)
        for seat in range(SOLD, SOLD + TAIL * HOLDS_A_ROW, HOLDS_A_ROW):
            await _ask(
                log,
                [
                    PlaceHold(ids.new_key(), Choice((number,)), b"%d" % number)
                    for number in range(seat, seat + HOLDS_A_ROW)
                ],
            )
        return _Event(url, version.venue_id, event_id)
    finally:
        await venues.aclose()
        await database.close()


async def _ask(log: SeatLog, requests: Sequence[Command]) -> None:
    outcomes = await asyncio.gather(*(log.submit(Submission(request)) for request in requests))
    assert all(isinstance(outcome, Granted) for outcome in outcomes), "a seat was refused"


async def _in_pieces(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _load(event: _Event, parts: dict[str, _Part]) -> None:
    database = Database(event.url)
    venues = VenueService(database, SystemClock())
    store = SqlLogStore(database)
    await database.ping()

    async def numbered() -> SeatIndex:
        return await asyncio.to_thread(seat_index, await venues.seat_plan(event.venue_id, 1))

    async def state() -> SeatStates:
        return await state_snapshots.load(event.event_id, index, store, grace_ms=crowd.GRACE_MS)

    try:
        index = await _watched(parts["map"], numbered)
        states = await _watched(parts["state"], state)
        sold = states.counts()["booked"]
        assert sold == SOLD, f"{sold} of {SOLD} sold seats were loaded"
        await _watched(parts["idle"], lambda: asyncio.sleep(parts["state"].seconds[-1]))
    finally:
        await venues.aclose()
        await database.close()


async def _watched(part: _Part, work: Callable[[], Awaitable[T]]) -> T:
    async with crowd.ticking() as late_ms:
        started = time.perf_counter()
        done = await work()
        part.seconds.append(time.perf_counter() - started)
        # One tick more, for what came last.
        await asyncio.sleep(2 * crowd.TICK_S)
    part.blocked_ms.append(max(late_ms))
    return done
