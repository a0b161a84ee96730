"""The ids of seats in a plan with `zones`, where real files repeat them.

Owns the choice of an id for each seat. Plans are made by copying a block, and the copies keep the
`seat_guid` of the original, so that it names several seats; the `uuid` beside it is different for
each. A `seat_guid` that occurs once is the seat's id. If it occurs more often, each of the seats
gets its `uuid`, the first one too, so that ids do not depend on the order of the seats. A seat
without a usable `uuid` keeps the `seat_guid` if it is the first one, and otherwise gets it with a
number.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from event_seating.venues.formats.checks import id_fault
from event_seating.venues.formats.document import Elements
from event_seating.venues.formats.map_warnings import MapWarnings
from event_seating.venues.model import ID_CHARS_MAX
from event_seating.venues.throttling import Throttle

RENAMED: Final = "id_changed"

OWN_UUID: Final = "the `seat_guid` occurs more than once in this plan; the seat's id is its `uuid`"
NUMBERED: Final = (
    "the `seat_guid` occurs more than once and there is no `uuid` to take;"
    " the seat's id has a number behind it"
)
NO_GUID: Final = "there is no `seat_guid`; the seat's id is its `uuid`"


class SeatGuids:
    """The ids of one plan; it reads every `seat_guid` before it gives the first id."""

    def __init__(self, zones: Sequence[Any] | Elements, warnings: MapWarnings) -> None:
        self._warnings = warnings
        self._all: set[str] = set()
        self._repeated: set[str] = set()
        self._given: set[str] = set()
        self._next: dict[str, int] = {}
        for guid in _guids(zones):
            (self._repeated if guid in self._all else self._all).add(guid)

    def of(self, seat: dict[str, Any], path: str) -> Any:
        """The id of a seat; an invalid `seat_guid` is returned as it is if there is no `uuid`."""
        guid = seat.get("seat_guid")
        if type(guid) is str and guid.strip() and guid not in self._repeated:
            return guid
        is_id = id_fault(guid) is None
        chosen, reason = self._chosen(guid, seat.get("uuid"), is_id=is_id)
        if reason:
            self._warnings.add(RENAMED, path, reason)
        return chosen

    def _chosen(self, guid: Any, uuid: Any, *, is_id: bool) -> tuple[Any, str]:
        if id_fault(uuid) is None and self._is_free(uuid):
            self._given.add(uuid)
            return uuid, OWN_UUID if is_id else NO_GUID
        if not is_id:
            return guid, ""  # The builder reports it as a fault.
        if guid not in self._next:
            self._next[guid] = 2
            return guid, ""
        return self._numbered(guid), NUMBERED

    def _is_free(self, seat_id: str) -> bool:
        return seat_id not in self._all and seat_id not in self._given

    def _numbered(self, guid: str) -> str:
        while True:
            number = self._next[guid]
            self._next[guid] = number + 1
            ending = f"-{number}"
            seat_id = guid[: ID_CHARS_MAX - len(ending)] + ending
            if self._is_free(seat_id):
                self._given.add(seat_id)
                return seat_id


class _Seat(msgspec.Struct):
    seat_guid: Any = None


class _Row(msgspec.Struct):
    seats: list[_Seat] = []


class _Zone(msgspec.Struct):
    rows: list[_Row] = []


_ZONE: Final = msgspec.json.Decoder(_Zone)


def _guids(zones: Sequence[Any] | Elements) -> Iterator[str]:
    """Every `seat_guid` of the plan; malformed zones are skipped, since they are faults anyway."""
    give_way = Throttle()
    found = zones.in_part(_ZONE) if isinstance(zones, Elements) else _converted(zones)
    for zone in found:
        for row in zone.rows:
            give_way()
            yield from (seat.seat_guid for seat in row.seats if isinstance(seat.seat_guid, str))


def _converted(zones: Sequence[Any]) -> Iterator[_Zone]:
    for zone in zones:
        with suppress(msgspec.ValidationError):
            yield msgspec.convert(zone, _Zone)
