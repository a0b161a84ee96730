"""An event is brought into memory in bounded steps, whatever its rows are like."""

import asyncio
import json
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

import pytest
from tests.golden.texts import DATA
from tests.support.seat_states import NOW, configure, one_row

from event_seating.booking.core import log_entries
from event_seating.booking.core.commands import Choice, PlaceHold, ReleaseHold
from event_seating.booking.core.seat_state import SeatStates
from event_seating.booking.seat_log import state_snapshots
from event_seating.booking.seat_log.ports import BatchRow, StoredSnapshot
from event_seating.booking.seat_log.tail import MOVES_A_STEP, ROWS_AT_ONCE

pytestmark = pytest.mark.anyio

ENTRIES_A_ROW = 512

RECORDED = DATA / "log-1-image-2.json"


class Row:
    """A row of the log, which notes in `taken` how many entries were read of it."""

    format = log_entries.FORMAT

    def __init__(self, version: int, found: Sequence[log_entries.Entry], taken: list[int]) -> None:
        self.version = version
        self.at_ms = NOW
        self._count = len(found)
        self._encoded = log_entries.encode(found)
        self._taken = taken

    @property
    def entries(self) -> bytes:
        self._taken[-1] += self._count
        return self._encoded


class Store:
    """What a load asks of a log: no image, and rows that are there at once."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    async def snapshots(self, event_id: str) -> Sequence[StoredSnapshot]:
        del event_id
        return ()

    async def rows_after(self, event_id: str, version: int, most: int) -> Sequence[Row]:
        del event_id
        return self.rows[version : version + most]


class OldStore(Store):
    """A log and an image of it, as earlier code wrote both; perhaps without the first rows."""

    def __init__(self, recorded: dict[str, Any], begins_at: int = 0) -> None:
        super().__init__()
        self.asked: list[int] = []
        self._image = StoredSnapshot(len(recorded["rows"]), b64decode(recorded["image"]), NOW)
        form = recorded["log_format"]
        self._log = [
            BatchRow(row["version"], b"", form, b64decode(row["entries"]), row["at_ms"])
            for row in recorded["rows"][begins_at:]
        ]

    async def snapshots(self, event_id: str) -> Sequence[StoredSnapshot]:
        del event_id
        return (self._image,)

    async def rows_after(self, event_id: str, version: int, most: int) -> Sequence[Any]:
        del event_id
        self.asked.append(version)
        return [row for row in self._log if row.version > version][:most]


def full_rows(many: int, taken: list[int]) -> tuple[SeatStates, list[Row]]:
    """All seats are held in one row and given back in the next; the state after them."""
    states = SeatStates.new(one_row(ENTRIES_A_ROW))
    configure(states)
    configured = log_entries.Configured(states.configuration)  # type: ignore[arg-type]
    rows = [Row(1, [log_entries.Entry(None, (configured,))], taken)]
    for number in range(many):
        batch = states.begin(NOW)
        for seat in range(ENTRIES_A_ROW):
            hold = b"%d %d" % (number // 2, seat)
            batch.decide(
                ReleaseHold(hold) if number % 2 else PlaceHold(hold, Choice((seat,)), hold)
            )
        rows.append(Row(batch.version, batch.entries, taken))
        states.commit(batch)
    return states, rows


async def test_rows_with_as_many_entries_as_a_row_can_have_are_taken_in_one_or_two_a_step() -> None:
    """Twenty of them, which are read together, would keep the event loop for 20 ms."""
    taken = [0]
    store = Store()
    states, store.rows = full_rows(ROWS_AT_ONCE - 2, taken)

    async def count_steps() -> None:
        while True:
            taken.append(0)
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_steps())
    loaded = await state_snapshots.load("event", states.index, store, grace_ms=0)  # type: ignore[arg-type]
    counting.cancel()
    assert loaded.dump() == states.dump()
    assert sum(taken) == 1 + (ROWS_AT_ONCE - 2) * ENTRIES_A_ROW
    # Each entry of these rows moves a seat; a step may end with the row that makes it full.
    assert max(taken) <= MOVES_A_STEP // 2 + ENTRIES_A_ROW


@pytest.mark.parametrize(("archived", "read_from"), [(0, 0), (3, 12)])
async def test_an_image_without_revisions_is_read_only_where_the_log_is_archived(
    archived: int, read_from: int
) -> None:
    recorded = json.loads(RECORDED.read_text())
    store = OldStore(recorded, archived)
    index = one_row(**recorded["map"])
    loaded = await state_snapshots.load("event", index, store, grace_ms=60_000)  # type: ignore[arg-type]
    assert loaded.version == 12
    assert loaded.characters().decode() == recorded["after"]["characters"]
    assert store.asked[1] == read_from
