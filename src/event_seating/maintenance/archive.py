"""`event-seating archive`: the beginning of an ended event's log is moved into a file.

The log is the truth, so its rows are never rewritten or thinned out. Only a complete beginning of
it may leave the database, up to the older of the two snapshots that are kept: from either of them
and the remaining rows the state can be restored. It leaves only when the event is over, when
`verify` finds nothing wrong, and when the file has been written, synced and read back to its last
line; then the file is recorded, and its rows are deleted in small steps. If it is interrupted at
any moment, it can be run again: rows in a recorded file are deleted, any other file is written
again.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, NamedTuple

from event_seating.booking.core.records import SaleStatus
from event_seating.booking.seat_log.ports import BatchRow
from event_seating.booking.seat_log.sql_store import SNAPSHOTS_KEPT
from event_seating.clock import MS_PER_S, Clock
from event_seating.db.database import Database
from event_seating.maintenance import archive_file, archive_store, expected, verify_store
from event_seating.maintenance.archive_file import ArchiveHead
from event_seating.maintenance.archive_store import Archived, EventDates
from event_seating.maintenance.verify import LoadIndex, verify

DAY_MS: Final = 86_400 * MS_PER_S

BETWEEN_STEPS_S: Final = 0.02
"""Time for other writers; twice as long as a step."""


class ArchiveOutcome(NamedTuple):
    """The result for an event's log."""

    archived: Archived | None
    why: str = ""
    """The reason if nothing was archived."""
    failed: bool = False
    """Whether an operator should look into it."""


async def archive(
    database: Database,
    event_id: str,
    load_index: LoadIndex,
    directory: Path,
    clock: Clock,
    *,
    after_days: int,
    grace_ms: int,
) -> ArchiveOutcome:
    """Archive as much of one event as possible into a new file in the directory."""
    unlimited = database.without_time_limit()
    async with unlimited.read() as connection:
        dates = await archive_store.dates(connection, event_id)
        before = await archive_store.archives(connection, event_id)
        last, snapshots = await archive_store.oldest_snapshot(connection, event_id)
    if dates is None:
        return ArchiveOutcome(None, "there is no such event", failed=True)
    if clock.now_ms() < _over_ms(dates) + after_days * DAY_MS:
        return ArchiveOutcome(None, f"it was not over {after_days} days ago")
    first = before[-1].last_version + 1 if before else 1
    if before:
        await _remove(database, event_id, before[-1].last_version)
    if snapshots < SNAPSHOTS_KEPT or last < first:
        return ArchiveOutcome(None, "nothing stands before the older of its two snapshots")
    wrong = await verify(database, event_id, load_index, grace_ms=grace_ms, archives=directory)
    if wrong:
        return ArchiveOutcome(None, f"verify says: {wrong[0]}", failed=True)
    path = directory / archive_file.name_of(event_id, first, last)
    head = ArchiveHead(archive_file.FORMAT, event_id, dates.epoch, first, last)
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    await archive_file.write(path, head, _rows(unlimited, event_id, first, last))
    try:
        checked = await asyncio.to_thread(_read_back, path, head)
    except archive_file.BrokenArchiveError as error:
        return ArchiveOutcome(None, f"what was just written is broken: {error}", failed=True)
    part = Archived(first, last, path.name, checked.sha256)
    async with database.write() as connection:
        await archive_store.record(connection, event_id, part, clock.now_ms())
    await _remove(database, event_id, last)
    return ArchiveOutcome(part)


def _over_ms(dates: EventDates) -> int:
    """When the event was over: when it began, or when it was cancelled and its log had ended."""
    sale = expected.configuration(dates.configuration or "")
    if sale is not None and sale.status == SaleStatus.cancelled:
        return min(dates.starts_at_ms, dates.last_at_ms)
    return max(dates.starts_at_ms, dates.last_at_ms)


async def _rows(
    database: Database, event_id: str, first: int, last: int
) -> AsyncIterator[BatchRow]:
    async with database.read() as connection:
        async for row in verify_store.log_rows(connection, event_id, after=first - 1):
            if row.version > last:
                return
            yield row


def _read_back(path: Path, head: ArchiveHead) -> archive_file.Checked:
    """Check the file that was just written with this head; raises `BrokenArchiveError`."""
    checked = archive_file.check(path)
    if checked.head != head:
        raise archive_file.BrokenArchiveError(f"{path.name} reads otherwise than it was written")
    return checked


async def _remove(database: Database, event_id: str, last: int) -> None:
    while True:
        async with database.write() as connection:
            removed = await archive_store.remove(connection, event_id, last)
        if removed < archive_store.ROWS_A_STEP:
            return
        await asyncio.sleep(BETWEEN_STEPS_S)
