"""The rows at the end of a log on their way into the state of an event.

Owns how they are read and applied: when an event is loaded, and when another process wrote. So
many at a time that the loop is never held for more than a few milliseconds, and counted, not timed,
so that the same rows are taken in the same steps everywhere. Each step leaves a state that once was
the newest; whoever calls sees to it that nobody else changes it meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

from event_seating.booking.core import log_entries
from event_seating.booking.core.log_entries import Entry
from event_seating.booking.core.seat_state import SeatStates
from event_seating.booking.seat_log.ports import BatchRow, LogTransaction

ROWS_AT_ONCE: Final = 20
"""Rows read in one statement: at 512 entries a row about 1 MB."""

MOVES_A_STEP: Final = 2_000
"""Entries and the seats that they moved, together, applied without letting others run: about 2 ms.
A row has up to 512 entries, and then is half of that by itself."""

RowsAfter = Callable[[int, int], Awaitable[Sequence[BatchRow]]]
"""Gives the rows after a version, so many at the most."""

Awaited = TypeVar("Awaited")

Met = Callable[[dict[int, int], Sequence[Entry]], None]
"""Called with each row: the new status by seat, and its entries."""


async def read(states: SeatStates, rows_after: RowsAfter, met: Met) -> None:
    """Apply all missing rows.

    Raises `UnknownFormatError`, `BrokenEntriesError` and `InvariantError`; the rows before the one
    at fault are taken in then.
    """
    await _take_in(states, await last_rows(states, rows_after, met), met)


async def last_rows(states: SeatStates, rows_after: RowsAfter, met: Met) -> Sequence[BatchRow]:
    """Apply the missing rows but for the last ones, fewer than `ROWS_AT_ONCE`: those it returns."""
    while len(rows := await rows_after(states.version, ROWS_AT_ONCE)) == ROWS_AT_ONCE:
        await _take_in(states, rows, met)
    return rows


async def read_under_lock(states: SeatStates, transaction: LogTransaction, met: Met) -> None:
    """Acquire the write lock of a queued transaction, and apply all missing rows.

    Most of them while another still holds it: then that one's row alone is new. Raises as `read`.
    """
    there = await last_rows(states, transaction.rows_after, met)
    version = there[-1].version if there else states.version
    locking = transaction.acquire_write_lock(version, ROWS_AT_ONCE)
    new = await take_in_while(locking, states, there, met)
    await _take_in(states, new, met)
    if len(new) == ROWS_AT_ONCE:
        await read(states, transaction.rows_after, met)


async def take_in_while(
    asked: Coroutine[Any, Any, Awaited], states: SeatStates, rows: Sequence[BatchRow], met: Met
) -> Awaited:
    """Ask for something that has to be waited for, and take rows in until it is there."""
    answer = asyncio.create_task(asked)
    try:
        await asyncio.sleep(0)  # now it is asked for
        await _take_in(states, rows, met)
        return await answer
    except BaseException:
        answer.cancel()
        await asyncio.wait([answer])
        raise


async def _take_in(states: SeatStates, rows: Sequence[BatchRow], met: Met) -> None:
    moves = 0
    for row in rows:
        if moves >= MOVES_A_STEP:
            moves = 0
            await asyncio.sleep(0)
        found = log_entries.decode(row.format, row.entries)
        changes = states.apply(row.version, row.at_ms, found)
        moves += len(found) + len(changes)
        met(changes, found)
