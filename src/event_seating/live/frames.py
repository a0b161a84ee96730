"""What a watcher is told: frames, as the text that goes out.

A frame has the `version` up to which its reader then knows everything, and what is new in it:
`changes` (the status of each seat that moved), `areas` (the counts of each area in which places
moved), `event` (how the event sells), or `reload` (read the snapshot again, too much has moved).
With `version` alone it says that nothing is new. A frame is encoded once, whoever gets it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from event_seating.booking.core.records import STATUS_NAMES
from event_seating.booking.core.seat_index import SeatIndex

FRAME_SEATS_MAX: Final = 5_000
"""Seats that a frame names, about 100 kB. A snapshot, which is compressed once for all, is the
cheaper way to tell of more."""

AreaCounts = Mapping[str, Mapping[str, int]]
"""Places by the name of their status, by the area's id."""

_encode: Final = msgspec.json.Encoder().encode


class Frame(NamedTuple):
    """One frame as its text; `silent` says that nothing is new in it."""

    version: int
    text: str
    silent: bool


def heartbeat(version: int) -> Frame:
    """Nothing is new up to this version."""
    return Frame(version, f'{{"version":{version}}}', silent=True)


def reload(version: int) -> Frame:
    """Read the snapshot again; what follows begins at this version."""
    return Frame(version, f'{{"reload":true,"version":{version}}}', silent=False)


def changed(
    version: int,
    index: SeatIndex,
    seats: Mapping[int, int],
    areas: AreaCounts,
    event: bytes | None,
) -> Frame:
    """Seats with their new statuses, areas with their counts, the event as encoded JSON.

    Places among the `seats` are left out: their areas tell of them.
    """
    count, ids = index.seat_count, index.ids
    content: dict[str, Any] = {"version": version}
    statuses = {ids[seat]: STATUS_NAMES[status] for seat, status in seats.items() if seat < count}
    if statuses:
        content["changes"] = statuses
    if areas:
        content["areas"] = areas
    if event is not None:
        content["event"] = msgspec.Raw(event)
    return Frame(version, _encode(content).decode(), silent=len(content) == 1)


def moved_areas(index: SeatIndex, seats: Iterable[int]) -> set[int]:
    """The numbers of the areas that have a place among these."""
    return set(index.places_by_area(seats))
