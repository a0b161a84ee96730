"""Loading an event's state from its newest snapshot and the rows after it, and writing snapshots.

Loading goes in bounded steps, so that a large event never blocks the loop for more than a few
milliseconds; snapshots are written regularly, so that loading stays short. A snapshot that cannot
be read is skipped for the one before it; the log has everything anyway.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from event_seating.booking.core import state_codec
from event_seating.booking.core.log_entries import Entry
from event_seating.booking.core.seat_index import SeatIndex
from event_seating.booking.core.seat_state import SeatStates
from event_seating.booking.core.state_codec import BrokenSnapshotError
from event_seating.booking.seat_log import tail
from event_seating.booking.seat_log.ports import LogStore, StoredSnapshot
from event_seating.telemetry.logs import get_logger

SNAPSHOT_EVERY: Final = 1_000
"""Rows between snapshots; reading that many takes some tens of milliseconds."""

_log = get_logger("snapshot")


async def load(event_id: str, index: SeatIndex, store: LogStore, *, grace_ms: int) -> SeatStates:
    """The state of an event as its log has it now.

    Raises `DatabaseUnavailable`, and for a log that cannot be applied `UnknownFormatError`,
    `BrokenEntriesError` or `InvariantError`.
    """
    states = await _from_snapshot(event_id, index, store, grace_ms)
    await tail.read(states, partial(store.rows_after, event_id), _notify_nobody)
    return states


async def save(event_id: str, states: SeatStates, store: LogStore) -> None:
    """Write a snapshot of the state as it is now."""
    frozen = states.freeze()
    version, at_ms = states.version, states.at_ms
    encoded = await asyncio.to_thread(lambda: b"".join(frozen.pieces()))
    await store.put_snapshot(event_id, StoredSnapshot(version, encoded, at_ms))


async def _from_snapshot(
    event_id: str, index: SeatIndex, store: LogStore, grace_ms: int
) -> SeatStates:
    """The state of the newest readable snapshot, or that of an event without rows.

    A snapshot that is not complete is used only when the log is archived, since the whole log is
    better; an archived event has no holds, whose revisions could be missing.
    """
    snapshots = await store.snapshots(event_id)
    usable = [snapshot for snapshot in snapshots if state_codec.is_complete(snapshot.image)]
    if not usable and snapshots and not await _has_all_rows(event_id, store):
        usable = list(snapshots)
    for snapshot in usable:
        steps = SeatStates.load_in_steps(index, snapshot.image, grace_ms=grace_ms)
        try:
            while True:
                next(steps)
                await asyncio.sleep(0)
        except StopIteration as done:
            states: SeatStates = done.value
            return states
        except BrokenSnapshotError as error:
            _log.error(
                "a state snapshot cannot be read; using an older one",
                eventId=event_id,
                version=snapshot.version,
                exc_info=error,
            )
    return SeatStates.new(index, grace_ms=grace_ms)


async def _has_all_rows(event_id: str, store: LogStore) -> bool:
    rows = await store.rows_after(event_id, 0, 1)
    return bool(rows) and rows[0].version == 1


def _notify_nobody(_changes: dict[int, int], _entries: Sequence[Entry]) -> None:
    """Nobody listens yet."""
