"""A small hall for the tests of the seat log, and short ways to ask for its seats."""

import asyncio
import json
from collections.abc import Sequence

from event_seating.booking.core.commands import BookHold, Choice, Command, Configure, PlaceHold
from event_seating.booking.core.records import Configuration, SaleRules
from event_seating.booking.core.refusals import Refusal
from event_seating.booking.core.results import Result
from event_seating.booking.core.seat_index import AreaPlan, RowPlan, SeatIndex, SeatPlan
from event_seating.booking.seat_log.ports import (
    Announce,
    IdempotencyKey,
    LogStore,
    announce_nothing,
)
from event_seating.booking.seat_log.projection import Buyer
from event_seating.booking.seat_log.submission import Granted, IdempotentCall, Submission
from event_seating.booking.seat_log.writer import RowListener, SeatLog
from event_seating.booking.seating import ids
from event_seating.clock import Clock, SystemClock

EVENT = "testevent001"

CONFIGURATION = Configuration(
    currency="EUR",
    prices={"1": {"standard": 4500}, "floor": {"standard": 3000}},
    rules=SaleRules(max_seats_per_hold=50, max_held_seats_per_buyer=1000),
)


def seat_index(rows: int = 20, seats: int = 10, floor: int = 20) -> SeatIndex:
    """`rows` by `seats`, and a standing floor."""
    return SeatIndex(
        [
            RowPlan(
                "A",
                str(row),
                [SeatPlan(f"A-{row}-{col}", col * 10, row * 10, "1", col) for col in range(seats)],
            )
            for row in range(rows)
        ],
        [AreaPlan("floor", floor, "floor")],
    )


def earlier_answer(result: Result) -> tuple[int, bytes]:
    """What the release before reads."""
    return 201, json.dumps({"version": result.version}).encode()


def place(seats: Sequence[int], *, hold: bytes | None = None) -> PlaceHold:
    return PlaceHold(hold or ids.new_key(), Choice(tuple(seats)), None, box_office=True)


async def ask(
    log: SeatLog,
    request: Command,
    *,
    once: IdempotentCall | None = None,
    buyer: Buyer | None = None,
) -> Granted | Refusal:
    return await log.submit(Submission(request, buyer or Buyer(), once))


async def open_log(
    store: LogStore,
    *,
    clock: Clock | None = None,
    index: SeatIndex | None = None,
    announce: Announce = announce_nothing,
    listeners: Sequence[RowListener] = (),
) -> SeatLog:
    """The event as this "process" has it in memory, configured if it is new."""
    from event_seating.booking.seat_log import state_snapshots  # noqa: PLC0415

    states = await state_snapshots.load(EVENT, index or seat_index(), store, grace_ms=60_000)
    log = SeatLog(
        EVENT, states, store, clock or SystemClock(), announce=announce, listeners=listeners
    )
    if states.configuration is None:
        assert isinstance(await ask(log, Configure(CONFIGURATION)), Granted)
    return log


async def book(log: SeatLog, seats: Sequence[int], buyer: Buyer | None = None) -> bytes | Refusal:
    """Hold and book; the booking's key, or why not."""
    hold, booking = ids.new_key(), ids.new_key()
    held = await ask(log, place(seats, hold=hold))
    if isinstance(held, Refusal):
        return held
    booked = await ask(log, BookHold(hold, booking), buyer=buyer)
    return booked if isinstance(booked, Refusal) else booking


def once(key: str, request_hash: bytes = b"same") -> IdempotentCall:
    claim = IdempotencyKey("anyone POST /bookings", key)
    return IdempotentCall(claim, request_hash, earlier_answer=earlier_answer)


async def many(*asked: object) -> list[object]:
    return list(await asyncio.gather(*asked))  # type: ignore[arg-type]
