"""Frames: the messages to watchers, encoded.

A frame has the `version` that its reader is at after it, and what is new: `changes` (the status of
each seat that changed), `areas` (the counts of each area in which places changed), `event` (how the
event sells), or `reload` (too much has changed; read the snapshot again). A frame with `version`
alone is a heartbeat: nothing is new. A frame is encoded once for all watchers, also as what a
WebSocket transmits of it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from event_seating.booking.core.records import STATUS_NAMES
from event_seating.booking.core.seat_index import SeatIndex
from event_seating.http_server.frames import text_frame

FRAME_SEATS_MAX: Final = 5_000
"""Seats that a frame names at most, about 100 kB. For more, a snapshot is cheaper: it is compressed
once for all."""

AreaCounts = Mapping[str, Mapping[str, int]]
"""Number of places by status, by the area's id."""

_encode: Final = msgspec.json.Encoder().encode


class Frame(NamedTuple):
    """One frame, encoded; `silent` means that nothing is new in it."""

    version: int
    text: str
    transmitted: bytes
    """The text as a whole message of a WebSocket."""
    silent: bool


def heartbeat(version: int) -> Frame:
    """Nothing is new up to this version."""
    return _frame(version, b'{"version":%d}' % version, silent=True)


def reload(version: int) -> Frame:
    """Read the snapshot again; what follows begins at this version."""
    return _frame(version, b'{"reload":true,"version":%d}' % version, silent=False)


def changed(
    version: int,
    index: SeatIndex,
    seats: Mapping[int, int],
    areas: AreaCounts,
    event: bytes | None,
) -> Frame:
    """Seats with their new statuses, areas with their counts, the event as encoded JSON.

    Places of areas among the `seats` are left out: the counts of their areas cover them.
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
    return _frame(version, _encode(content), silent=len(content) == 1)


def moved_areas(index: SeatIndex, seats: Iterable[int]) -> set[int]:
    """The numbers of the areas that contain any of these places."""
    return set(index.places_by_area(seats))


def _frame(version: int, encoded: bytes, *, silent: bool) -> Frame:
    return Frame(version, encoded.decode(), text_frame(encoded), silent)
