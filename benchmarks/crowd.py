"""A crowd for the engine alone: clients in this process who each ask, wait and ask again.

Owns the hall they fight for, the log that they ask, and the tally of their answers. The same
clients run against every contender: one is a `Desk`, which holds, books and gives back a seat.
"""

import asyncio
import time
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from event_seating.booking.core.commands import (
    BookHold,
    CancelBooking,
    Choice,
    Command,
    Configure,
    PlaceHold,
    ReleaseHold,
)
from event_seating.booking.core.records import Configuration, SaleRules
from event_seating.booking.core.refusals import Refusal
from event_seating.booking.core.seat_index import RowPlan, SeatIndex, SeatPlan
from event_seating.booking.seat_log import state_snapshots
from event_seating.booking.seat_log.counters import SeatLogTally as LogTally
from event_seating.booking.seat_log.ports import Announce, LogStore, announce_nothing
from event_seating.booking.seat_log.submission import Granted, Submission
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating import ids
from event_seating.clock import SystemClock

CLIENTS = 256

SEATS_A_ROW = 50
"""A long row of a large hall; no aisle."""

CATEGORY = "1"

GRACE_MS = 60_000

CONFIGURATION = Configuration(
    currency="EUR",
    prices={CATEGORY: {"standard": 4500}},
    rules=SaleRules(max_seats_per_hold=50, max_held_seats_per_buyer=1000),
)


def seat_index(seats: int) -> SeatIndex:
    """Rows of `SEATS_A_ROW`, twenty rows a section."""
    return SeatIndex(
        RowPlan(
            f"S{row // 20}",
            str(row),
            [
                SeatPlan(f"S{row // 20}-{row}-{col}", col * 10.0, row * 10.0, CATEGORY, col)
                for col in range(SEATS_A_ROW)
            ],
        )
        for row in range(seats // SEATS_A_ROW)
    )


async def open_log(
    store: LogStore,
    event_id: str,
    index: SeatIndex,
    announce: Announce = announce_nothing,
    tally: LogTally | None = None,
) -> SeatLog:
    """The event as this process has it in memory, configured if it is new."""
    states = await state_snapshots.load(event_id, index, store, grace_ms=GRACE_MS)
    log = SeatLog(event_id, states, store, SystemClock(), announce=announce, tally=tally)
    if states.configuration is None:
        await log.submit(Submission(Configure(CONFIGURATION)))
    return log


class Desk(Protocol):
    """Where a client asks for a seat; each call says whether it was granted."""

    async def hold(self, seat: int, client: int) -> object | None:
        """What to show when booking or giving back; none when the seat was taken."""
        ...

    async def book(self, seat: int, held: object) -> object | None:
        """What to show when giving back a seat that is booked."""
        ...

    async def release(self, seat: int, held: object) -> None:
        """Give a held seat back."""
        ...


class LogDesk:
    """The engine: the seat log, without HTTP."""

    def __init__(self, log: SeatLog) -> None:
        self._log = log

    async def hold(self, seat: int, client: int) -> object | None:
        hold = ids.new_key()
        buyer = client.to_bytes(4, "big")
        held = await self._ask(PlaceHold(hold, Choice((seat,)), buyer))
        return hold if isinstance(held, Granted) else None

    async def book(self, seat: int, held: object) -> object | None:
        del seat  # the hold knows
        assert isinstance(held, bytes)
        booking = ids.new_key()
        booked = await self._ask(BookHold(held, booking))
        return booking if isinstance(booked, Granted) else None

    async def release(self, seat: int, held: object) -> None:
        del seat
        assert isinstance(held, bytes)
        assert isinstance(await self._ask(ReleaseHold(held)), Granted)

    async def cancel(self, booking: object) -> None:
        """Give a booked seat back."""
        assert isinstance(booking, bytes)
        assert isinstance(await self._ask(CancelBooking(booking)), Granted)

    def _ask(self, request: Command) -> Awaitable[Granted | Refusal]:
        return self._log.submit(Submission(request))


@dataclass
class Tally:
    """What a crowd was answered. Latencies in milliseconds."""

    elapsed_s: float = 0.0
    granted: int = 0
    refused: int = 0
    latencies_ms: "array[float]" = field(default_factory=lambda: array("d"))

    @property
    def per_s(self) -> float:
        """Answers a second, refusals too."""
        return (self.granted + self.refused) / self.elapsed_s

    def note(self, started: float) -> None:
        """An answer came, to what was asked at that time of `time.perf_counter`.

        No wrapper around the call that is timed: at ten microseconds a request it would count.
        """
        self.latencies_ms.append((time.perf_counter() - started) * 1000)

    def percentile_ms(self, percent: float) -> float:
        """The latency that so many percent of the answers did not exceed."""
        return percentile(self.latencies_ms, percent)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


Walk = Callable[[Desk, int, Sequence[int], Callable[[], bool], Tally], Awaitable[None]]
"""What one client does with its seats until it is told that time is over."""


async def holding(
    desk: Desk, client: int, seats: Sequence[int], over: Callable[[], bool], tally: Tally
) -> None:
    """Hold a seat, give it back, go on to the next."""
    note = tally.note
    while True:
        for seat in seats:
            if over():
                return
            started = time.perf_counter()
            held = await desk.hold(seat, client)
            note(started)
            if held is None:
                tally.refused += 1
                continue
            tally.granted += 1
            started = time.perf_counter()
            await desk.release(seat, held)
            note(started)
            tally.granted += 1


async def buying(
    desk: Desk, client: int, seats: Sequence[int], over: Callable[[], bool], tally: Tally
) -> None:
    """Hold a seat, book it, go on to the next until all are sold."""
    for seat in seats:
        if over():
            return
        started = time.perf_counter()
        held = await desk.hold(seat, client)
        tally.note(started)
        assert held is not None, "a seat of one's own was taken"
        tally.granted += 1
        started = time.perf_counter()
        booked = await desk.book(seat, held)
        tally.note(started)
        assert booked is not None, "a held seat could not be booked"
        tally.granted += 1


async def let_in(
    desk: Desk, walk: Walk, shares: Sequence[Sequence[int]], seconds: float, first: int = 0
) -> Tally:
    """Let a client walk for each share of the seats, all at once, for so long at the most."""
    tally = Tally()
    started = time.perf_counter()
    until = started + seconds

    def over() -> bool:
        return time.perf_counter() >= until

    async with asyncio.TaskGroup() as group:
        for number, share in enumerate(shares):
            group.create_task(walk(desk, first + number, share, over, tally))
    tally.elapsed_s = time.perf_counter() - started
    return tally


def shares(seats: int, clients: int = CLIENTS) -> list[range]:
    """Every seat to one client, scattered over the hall."""
    return [range(number, seats, clients) for number in range(clients)]


@asynccontextmanager
async def ticking() -> AsyncIterator["array[float]"]:
    """By how many milliseconds each tick of the loop, one every millisecond, came late."""
    late: array[float] = array("d")

    async def tick() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(TICK_S)
            late.append((time.perf_counter() - before - TICK_S) * 1000)

    ticker = asyncio.create_task(tick())
    try:
        yield late
    finally:
        ticker.cancel()


TICK_S = 0.001
