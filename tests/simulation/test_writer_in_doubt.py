"""The writer when the database fails at one moment that is chosen, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.support.seat_log import CONFIGURATION, EVENT, once, place, seat_index

from event_seating.booking.core.commands import Command, Configure
from event_seating.booking.core.seat_state import SeatStates
from event_seating.booking.seat_log.in_doubt import IN_DOUBT_MAX_S
from event_seating.booking.seat_log.ports import BatchRow, IdempotencyKey, StoredAnswer
from event_seating.booking.seat_log.projection import Projection
from event_seating.booking.seat_log.submission import Granted, Submission
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.errors import DatabaseUnavailable, IdempotencyKeyReused
from event_seating.simulation.chance import Chance
from event_seating.simulation.database import SimulatedDatabase, Transaction
from event_seating.simulation.faults import Count, FaultRates
from event_seating.simulation.loop import new_loop
from event_seating.simulation.process import WrongClock
from event_seating.simulation.store import FaultyStore

CALM = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)


class BreaksOnce(Transaction):
    """A connection that breaks at the next append, after `breaks` was called."""

    breaks: Callable[[], None] | None = None

    async def append(
        self, row: BatchRow, projection: Projection, answers: dict[IdempotencyKey, StoredAnswer]
    ) -> bool:
        if BreaksOnce.breaks is not None:
            BreaksOnce.breaks()
            BreaksOnce.breaks = None
            raise DatabaseUnavailable
        return await super().append(row, projection, answers)


class Desk:
    """One process and its database, in virtual time."""

    def __init__(self) -> None:
        self.loop = new_loop()
        self.clock = WrongClock(self.loop)
        self.database = SimulatedDatabase(self.loop, lambda _written: None)
        self.store = FaultyStore(
            self.database, FaultRates(*CALM), Chance(1, "store"), Count(), BreaksOnce
        )
        self.log = SeatLog(
            EVENT,
            SeatStates.new(seat_index(), grace_ms=0),
            self.store,
            self.clock,
            set_clock=self._set_clock,
        )

    async def _set_clock(self) -> None:
        self.clock.ahead_ms = 0

    async def ask(self, request: Command, key: str | None = None, hashed: bytes = b"") -> object:
        try:
            claim = once(key, hashed) if key else None
            return await self.log.submit(Submission(request, call=claim))
        except (DatabaseUnavailable, IdempotencyKeyReused) as error:
            return error


def nothing_more() -> None:
    """The connection breaks and nothing else does."""


def run(work: Callable[[Desk], Awaitable[None]]) -> None:
    desk = Desk()
    BreaksOnce.breaks = None

    async def main() -> None:
        assert isinstance(await desk.ask(Configure(CONFIGURATION)), Granted)
        await work(desk)

    desk.loop.run(main())
    assert desk.loop.failures == []


def test_a_row_whose_time_is_refused_while_it_is_looked_for_is_decided_again() -> None:
    async def work(desk: Desk) -> None:
        desk.clock.ahead_ms = 3_600_000
        BreaksOnce.breaks = nothing_more
        asked = desk.loop.time()
        assert isinstance(await desk.ask(place([1])), Granted)
        assert desk.loop.time() - asked < IN_DOUBT_MAX_S
        assert desk.database.tables.rows[-1].at_ms <= desk.database.now_ms()

    run(work)


def test_a_row_that_was_never_written_is_written_when_it_is_looked_for() -> None:
    async def work(desk: Desk) -> None:
        BreaksOnce.breaks = nothing_more
        assert isinstance(await desk.ask(place([1])), Granted)
        assert [row.version for row in desk.database.tables.rows] == [1, 2]

    run(work)


def test_callers_are_told_that_nobody_knows_after_a_bounded_time() -> None:
    async def work(desk: Desk) -> None:
        desk.store.away_until = desk.loop.time() + 100
        asked = desk.loop.time()
        assert isinstance(await desk.ask(place([1])), DatabaseUnavailable)
        desk.store.away_until = 0.0
        assert desk.loop.time() - asked < 2 * IN_DOUBT_MAX_S
        assert isinstance(await desk.ask(place([1])), Granted)

    run(work)


def test_nobody_hears_that_a_key_was_reused_before_its_first_call_is_committed() -> None:
    async def work(desk: Desk) -> None:
        def away() -> None:
            desk.store.away_until = desk.loop.time() + 100

        BreaksOnce.breaks = away
        outcomes = await asyncio.gather(
            desk.ask(place([1]), "k", b"one"), desk.ask(place([2]), "k", b"another")
        )
        assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailable] * 2
        assert len(desk.database.tables.rows) == 1

    run(work)
