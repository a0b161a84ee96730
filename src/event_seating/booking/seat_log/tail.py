"""Reads the rows at the end of a log and applies them to the state of an event.

Used when an event is loaded and when another process wrote. The steps are small enough that the
loop is never blocked for more than a few milliseconds; they are counted, not timed, so that the
same rows are applied in the same steps everywhere. Each step leaves a state that once was the
newest one; the caller ensures that nobody else changes it meanwhile.
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
"""Entries and moved seats, together, that are applied without a pause: about 2 ms. A row with 512
entries is half of that by itself."""

RowsAfter = Callable[[int, int], Awaitable[Sequence[BatchRow]]]
"""Reads the rows after a version, at most so many."""

Awaited = TypeVar("Awaited")

OnRow = Callable[[dict[int, int], Sequence[Entry]], None]
"""Called with each row: the new status by seat, and its entries."""


async def read(states: SeatStates, rows_after: RowsAfter, on_row: OnRow) -> None:
    """Apply all missing rows.

    Raises `UnknownFormatError`, `BrokenEntriesError` or `InvariantError` for a row that cannot be
    applied, after applying those before it, and `DatabaseUnavailable`.
    """
    await _apply(states, await last_rows(states, rows_after, on_row), on_row)


async def last_rows(states: SeatStates, rows_after: RowsAfter, on_row: OnRow) -> Sequence[BatchRow]:
    """Apply the missing rows except the last ones, fewer than `ROWS_AT_ONCE`, and return these."""
    while len(rows := await rows_after(states.version, ROWS_AT_ONCE)) == ROWS_AT_ONCE:
        await _apply(states, rows, on_row)
    return rows


async def read_under_lock(states: SeatStates, transaction: LogTransaction, on_row: OnRow) -> None:
    """Acquire the write lock of a queued transaction, and apply all missing rows.

    Most of them are applied while another process holds the lock; after that only its row is new.
    Raises as `read` does.
    """
    there = await last_rows(states, transaction.rows_after, on_row)
    version = there[-1].version if there else states.version
    locking = transaction.acquire_write_lock(version, ROWS_AT_ONCE)
    new = await apply_while(locking, states, there, on_row)
    await _apply(states, new, on_row)
    if len(new) == ROWS_AT_ONCE:
        await read(states, transaction.rows_after, on_row)


async def apply_while(
    asked: Coroutine[Any, Any, Awaited], states: SeatStates, rows: Sequence[BatchRow], on_row: OnRow
) -> Awaited:
    """Start something that takes a while, apply rows meanwhile, and return its result."""
    answer = asyncio.create_task(asked)
    try:
        await asyncio.sleep(0)  # lets it start
        await _apply(states, rows, on_row)
        return await answer
    except BaseException:
        answer.cancel()
        await asyncio.wait([answer])
        raise


async def _apply(states: SeatStates, rows: Sequence[BatchRow], on_row: OnRow) -> None:
    moves = 0
    for row in rows:
        if moves >= MOVES_A_STEP:
            moves = 0
            await asyncio.sleep(0)
        found = log_entries.decode(row.format, row.entries)
        changes = states.apply(row.version, row.at_ms, found)
        moves += len(found) + len(changes)
        on_row(changes, found)
