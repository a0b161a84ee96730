"""Reading the log of an event for people: forwards as the audit trail, backwards for one seat.

Always a bounded number of rows at a time, with a pause for others after each, so that memory
and pauses do not grow with the log.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Final, NamedTuple

from event_seating.booking.core import log_entries
from event_seating.booking.core.log_entries import BrokenEntriesError, UnknownFormatError
from event_seating.booking.errors import EventUnavailable, LogArchived
from event_seating.booking.reads import audit_trail, lists
from event_seating.booking.reads.audit_trail import DecodedRow
from event_seating.booking.seat_log.ports import BatchRow
from event_seating.booking.seating.bookable_event import BookableEvent
from event_seating.db.database import Database

ROWS_AT_ONCE: Final = 50
"""A row has up to 512 entries of about 100 bytes: some 2 MB."""

MOVES_MAX: Final = 50
"""Moves that are shown of one seat: more than a seat makes in practice."""

ROWS_SEARCHED_MAX: Final = 2_000
"""Rows that are searched for one seat: about a second at worst; most last moves are far nearer."""


class SeatHistory(NamedTuple):
    """The moves of a seat, the latest first, complete from the version `since` on."""

    moves: list[dict[str, Any]]
    since: int


async def rows_after(database: Database, event_id: str, version: int) -> AsyncGenerator[DecodedRow]:
    """Every row after `version`, in order.

    Raises `EventUnavailable` at a row that this release cannot read, `LogArchived` when the row
    after `version` is in an archive and no longer here, and `DatabaseUnavailable`.
    """
    while True:
        async with database.read() as connection:
            found = await lists.log_after(connection, event_id, version, ROWS_AT_ONCE)
        if found and found[0].version != version + 1:
            raise LogArchived(details={"archivedUntil": found[0].version - 1})
        for row in found:
            yield _decoded(row)
            await asyncio.sleep(0)
        if len(found) < ROWS_AT_ONCE:
            return
        version = found[-1].version


async def row_at(database: Database, event_id: str, version: int) -> DecodedRow | None:
    """The row with this version, if it is here.

    Raises `EventUnavailable` when this release cannot read it, and `DatabaseUnavailable`.
    """
    async with database.read() as connection:
        found = await lists.log_after(connection, event_id, version - 1, 1)
    return _decoded(found[0]) if found and found[0].version == version else None


async def of_seat(
    database: Database, bookable: BookableEvent, seat: int, version: int
) -> SeatHistory:
    """What happened to a seat up to `version`.

    Raises `EventUnavailable` at a row that this release cannot read, and `DatabaseUnavailable`.
    """
    moves: list[dict[str, Any]] = []
    since = version + 1
    while since > 1 and version - since < ROWS_SEARCHED_MAX:
        async with database.read() as connection:
            found = await lists.log_before(connection, bookable.event_id, since, ROWS_AT_ONCE)
        if not found:
            break
        for row in found:
            of_row = list(audit_trail.history(_decoded(row), seat, bookable))
            if len(moves) + len(of_row) > MOVES_MAX and moves:
                return SeatHistory(moves, since)
            moves += of_row
            since = row.version
            await asyncio.sleep(0)
    return SeatHistory(moves, since)


def _decoded(row: BatchRow) -> DecodedRow:
    try:
        return DecodedRow(row.version, row.at_ms, log_entries.decode(row.format, row.entries))
    except (UnknownFormatError, BrokenEntriesError) as error:
        raise EventUnavailable from error
