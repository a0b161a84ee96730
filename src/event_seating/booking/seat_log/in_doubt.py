"""Finds out whether a row was committed whose commit was not answered.

The connection broke before the commit or between the commit and its answer; which of them is never
guessed. The row with this version is read and its random id is compared. If there is none, the same
row is appended again: either that succeeds, or the row is there already.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from event_seating.booking.seat_log.ports import BatchRow, LogStore
from event_seating.booking.seat_log.submission import Decided
from event_seating.clock import Clock
from event_seating.errors import DatabaseUnavailable

IN_DOUBT_MAX_S: Final = 10.0
"""How long the row is looked for before the callers are told that its outcome is unknown."""

LOOK_FOR_ROW_EVERY_S: Final = 0.05
"""A commit that was cut off ends within this time, or the database is away for longer."""


class LostRace(Exception):
    """Another process took the version, or the time was refused: read the log and decide again."""


async def resolve(
    event_id: str,
    row: BatchRow,
    decided: Decided,
    store: LogStore,
    clock: Clock,
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    """Find out whether the row was committed, if need be by committing it.

    Returns when it was. Raises `LostRace` when another row has its version or its time is too far
    ahead, and `DatabaseUnavailable` when the outcome is still unknown after `IN_DOUBT_MAX_S`.
    """
    until = clock.monotonic() + IN_DOUBT_MAX_S
    refused = False
    while True:
        try:
            there = await store.rows_after(event_id, row.version - 1, 1)
            if there and there[0].batch_id == row.batch_id:
                return
            if there or refused:
                # Refused although its version is free: its time is, and was, too far ahead.
                raise LostRace
            # Not there, or not yet: append the same row, and read again.
            async with store.transaction(event_id, queued=False) as transaction:
                refused = not await transaction.append(row, decided.projection, decided.answers)
        except DatabaseUnavailable:
            if clock.monotonic() > until:
                raise
            await sleep(LOOK_FOR_ROW_EVERY_S)
