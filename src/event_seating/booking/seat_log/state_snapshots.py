"""Bringing an event's state into memory: the newest image, then the rows after it.

In bounded steps, so that loading a large event never blocks the loop for more than a few
milliseconds; and the other way round, writing an image now and then so that loading stays short.
An image that cannot be read is passed over for the one before, and the log has everything anyway.
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
"""Rows between images; reading that many takes some tens of milliseconds."""

_log = get_logger("snapshot")


async def load(event_id: str, index: SeatIndex, store: LogStore, *, grace_ms: int) -> SeatStates:
    """The state of an event as its log has it now.

    Raises what the log raises: `UnknownFormatError`, `BrokenEntriesError`, `InvariantError`.
    """
    states = await _from_image(event_id, index, store, grace_ms)
    await tail.read(states, partial(store.rows_after, event_id), _notify_nobody)
    return states


async def save(event_id: str, states: SeatStates, store: LogStore) -> None:
    """Write an image of the state as it is now."""
    frozen = states.freeze()
    version, at_ms = states.version, states.at_ms
    encoded = await asyncio.to_thread(lambda: b"".join(frozen.pieces()))
    await store.put_snapshot(event_id, StoredSnapshot(version, encoded, at_ms))


async def _from_image(
    event_id: str, index: SeatIndex, store: LogStore, grace_ms: int
) -> SeatStates:
    """The newest state that an image gives; one without revisions only where the log is gone.

    What is archived has no hold any more, of which a revision could be missing.
    """
    snapshots = await store.snapshots(event_id)
    whole = [snapshot for snapshot in snapshots if state_codec.is_whole(snapshot.image)]
    if not whole and snapshots and not await _has_all_rows(event_id, store):
        whole = list(snapshots)
    for snapshot in whole:
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
                "an image of an event cannot be read; using an older one",
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
