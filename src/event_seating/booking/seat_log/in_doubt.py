"""What became of a row whose commit was not answered.

The connection died between the commit and its answer, or before the commit: nobody can tell from
here. It is never guessed. The row's random id is looked for under its version, and while nothing is
there the very same row is offered again, which is either taken in or meets itself.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from event_seating.booking.seat_log.ports import BatchRow, LogStore
from event_seating.booking.seat_log.submission import Decided
from event_seating.clock import Clock
from event_seating.errors import DatabaseUnavailable

IN_DOUBT_MAX_S: Final = 10.0
"""How long an outcome is looked for before the callers are told that it is unknown."""

LOOK_FOR_ROW_EVERY_S: Final = 0.05
"""A commit that was cut off is over in less, or the database is away for longer."""


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
    """Find out whether the row was committed.

    Returns when it was; `LostRace` when another row has its place, or its time will not do;
    `DatabaseUnavailable` when it cannot be known in time.
    """
    until = clock.monotonic() + IN_DOUBT_MAX_S
    refused = False
    while True:
        try:
            there = await store.rows_after(event_id, row.version - 1, 1)
            if there and there[0].batch_id == row.batch_id:
                return
            if there or refused:
                # Refused, and nobody has its place: its time will not do, and never did.
                raise LostRace
            # Not there, or not yet: the same row again is either taken in or found.
            async with store.transaction(event_id, queued=False) as transaction:
                refused = not await transaction.append(row, decided.projection, decided.answers)
        except DatabaseUnavailable:
            if clock.monotonic() > until:
                raise
            await sleep(LOOK_FOR_ROW_EVERY_S)
