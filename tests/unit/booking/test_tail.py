"""Rows of a log on their way into a state, alone and while something is waited for."""

import asyncio
import gc
from collections.abc import Sequence

import pytest
from tests.support.seat_states import NOW, configure, one_row

from event_seating.booking.core import log_entries
from event_seating.booking.core.log_entries import Configured, Entry, Extended, Held
from event_seating.booking.core.records import LineGroup
from event_seating.booking.core.seat_arrays import InvariantError
from event_seating.booking.core.seat_state import SeatStates
from event_seating.booking.seat_log import tail
from event_seating.booking.seat_log.ports import BatchRow, LogTransaction

pytestmark = pytest.mark.anyio

INDEX = one_row(20)


def rows(many: int) -> list[BatchRow]:
    """A configuration, and so many rows that hold a seat each."""
    states = SeatStates.new(INDEX)
    configure(states)
    assert states.configuration is not None
    first = Entry(None, (Configured(states.configuration),))
    holds = [
        Entry(None, (Held(b"%d" % seat, (LineGroup((seat,), 1),), 1_000),)) for seat in range(many)
    ]
    return [row(version, entry) for version, entry in enumerate([first, *holds], 1)]


def row(version: int, entry: Entry) -> BatchRow:
    return BatchRow(version, b"id", log_entries.FORMAT, log_entries.encode([entry]), NOW)


class Asked:
    """Something that is waited for until `come`."""

    def __init__(self) -> None:
        self.begun = self.ended = False
        self.there = asyncio.Event()

    async def come(self) -> None:
        self.begun = True
        try:
            await self.there.wait()
        finally:
            self.ended = True


class Listener:
    """Notes each row, and may do something when it hears of one."""

    def __init__(self) -> None:
        self.rows = 0

    def __call__(self, changes: dict[int, int], found: Sequence[Entry]) -> None:
        self.rows += 1


class Transaction(LogTransaction):
    """Sees the rows that are `there`, and all of them once it has its turn."""

    def __init__(self, log: Sequence[BatchRow], there: int) -> None:
        self.log = log
        self.there = there
        self.turns = 0

    async def acquire_write_lock(self, version: int, most: int) -> Sequence[BatchRow]:
        self.turns += 1
        await asyncio.sleep(0)
        self.there = len(self.log)
        return await self.rows_after(version, most)

    async def rows_after(self, version: int, most: int) -> Sequence[BatchRow]:
        return self.log[version : min(version + most, self.there)]


async def test_rows_are_taken_in_while_something_is_waited_for() -> None:
    states, asked, told = SeatStates.new(INDEX), Asked(), Listener()
    waiting = asyncio.create_task(tail.apply_while(asked.come(), states, rows(3), told))
    async with asyncio.timeout(5):
        while states.version < 4:  # noqa: ASYNC110 (it says when, not how)
            await asyncio.sleep(0)
    assert asked.begun
    assert not waiting.done()
    assert told.rows == 4
    asked.there.set()
    await waiting


async def test_it_is_asked_for_before_the_first_row_is_taken_in() -> None:
    states, asked, begun = SeatStates.new(INDEX), Asked(), []
    asked.there.set()
    await tail.apply_while(
        asked.come(), states, rows(1), lambda _changes, _entries: begun.append(asked.begun)
    )
    assert begun == [True, True]


async def test_a_row_that_does_not_fit_ends_what_was_asked_for_and_keeps_the_rows_before() -> None:
    states, asked, told = SeatStates.new(INDEX), Asked(), Listener()
    *good, last = rows(3)
    with pytest.raises(InvariantError):
        async with asyncio.timeout(5):
            await tail.apply_while(asked.come(), states, [*good, last._replace(version=9)], told)
    assert asked.ended
    assert states.version == told.rows == 3
    states.check()


@pytest.mark.parametrize("steps", range(1, 7))
async def test_who_is_cancelled_leaves_nothing_asked_for(
    steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is asked for, between two rows, and while it is waited for."""
    monkeypatch.setattr(tail, "MOVES_A_STEP", 1)
    states, asked, told = SeatStates.new(INDEX), Asked(), Listener()
    waiting = asyncio.create_task(tail.apply_while(asked.come(), states, rows(3), told))
    for _ in range(steps):
        await asyncio.sleep(0)
    for _ in range(2):
        waiting.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert asked.ended == asked.begun
    assert states.version == told.rows
    states.check()


async def test_two_failures_at_once_are_one_and_nothing_is_said_to_be_lost() -> None:
    said: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, what: said.append(what))

    async def fails() -> None:
        raise LookupError

    async def fail_twice() -> None:
        with pytest.raises(InvariantError):
            await tail.apply_while(fails(), SeatStates.new(INDEX), rows(2)[1:], Listener())

    await fail_twice()
    gc.collect()
    assert said == []
    with pytest.raises(LookupError):
        await tail.apply_while(fails(), SeatStates.new(INDEX), rows(2), Listener())


async def test_the_last_rows_are_left_to_whoever_asks_and_all_others_are_taken_in() -> None:
    extended = Entry(None, (Extended(b"0", 1_000),))
    log = rows(2) + [row(version, extended) for version in range(4, 48)]
    states, told = SeatStates.new(INDEX), Listener()

    async def rows_after(version: int, most: int) -> Sequence[BatchRow]:
        return log[version : version + most]

    left = await tail.last_rows(states, rows_after, told)
    assert states.version == told.rows == 2 * tail.ROWS_AT_ONCE
    assert list(left) == log[2 * tail.ROWS_AT_ONCE :]
    await tail.read(states, rows_after, told)
    assert states.version == told.rows == len(log)


@pytest.mark.parametrize("before", [0, 3, 20, 47])
@pytest.mark.parametrize("meanwhile", [0, 1, 20, 47])
async def test_all_that_lacks_is_taken_in_with_a_turn(before: int, meanwhile: int) -> None:
    """What was there already, and what was written while the turn was waited for."""
    extended = Entry(None, (Extended(b"0", 1_000),))
    log = rows(2) + [row(version, extended) for version in range(4, 4 + before + meanwhile)]
    transaction = Transaction(log, there=3 + before)
    states, told = SeatStates.new(INDEX), Listener()
    await tail.read_under_lock(states, transaction, told)
    assert states.version == told.rows == len(log)
    assert transaction.turns == 1
