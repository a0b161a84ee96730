"""The columns of seats: those of one row from a reader, and those of the growing map.

Owns the check of a column as a whole, in a few loops in C, and the fault of a single value, which
is needed only if the whole has one. It knows no paths and notes nothing.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any, Final, cast

from event_seating.venues.formats.checks import integer_fault, shown, text_fault, whole, wrong_kind
from event_seating.venues.model import ID_CHARS_MAX, PLACE_MAX

AVAILABLE: Final = "available"

BLOCKING: Final = {
    AVAILABLE: False,
    "blocked": True,
    "booked": True,
    "held": True,
    "occupied": True,
    "reserved": True,
    "sold": True,
}
"""The statuses in a map, and whether they mean that the seat is not for sale."""


@dataclass(slots=True)
class SeatColumns:
    """The seats of one row, one list for each field; None if the row does not have the field.

    `places` are the seats' indices in the row's list: not all of them if some are no objects.
    """

    path: str
    places: Sequence[int]
    ids: Sequence[Any]
    xs: Sequence[Any]
    ys: Sequence[Any]
    categories: Sequence[Any]
    cols: Sequence[Any] | None = None
    labels: Sequence[Any] | None = None
    statuses: Sequence[Any] | None = None
    accessible: Sequence[Any] | None = None
    companion: Sequence[Any] | None = None
    extras: list[bytes] | None = None
    offset: tuple[float, float] = (0.0, 0.0)


@dataclass(slots=True)
class MapColumns:
    """The map's columns while they grow."""

    ids: list[str] = field(default_factory=list)
    labels: list[str | None] = field(default_factory=list)
    cols: "array[int]" = field(default_factory=lambda: array("i"))
    x: "array[float]" = field(default_factory=lambda: array("d"))
    y: "array[float]" = field(default_factory=lambda: array("d"))
    category: bytearray = field(default_factory=bytearray)
    accessible: bytearray = field(default_factory=bytearray)
    companion: bytearray = field(default_factory=bytearray)
    blocked: bytearray = field(default_factory=bytearray)
    extras: dict[int, bytes] = field(default_factory=dict)
    shared_labels: dict[str, str] = field(default_factory=dict)
    shared_extras: dict[bytes, bytes] = field(default_factory=dict)

    def append(self, seats: SeatColumns, numbers: range, categories: list[int]) -> None:
        """Add a row without faults."""
        count = len(numbers)
        self.x.extend(_moved(seats.xs, seats.offset[0]))
        self.y.extend(_moved(seats.ys, seats.offset[1]))
        self.ids.extend(seats.ids)
        self.category.extend(categories)
        self.cols.extend(_cols(seats.cols, count))
        self.labels.extend(self._labels(seats.labels, count))
        self.accessible.extend(map(bool, seats.accessible) if seats.accessible else bytes(count))
        self.companion.extend(map(bool, seats.companion) if seats.companion else bytes(count))
        statuses = seats.statuses or ()
        if set(statuses) <= {AVAILABLE}:
            self.blocked.extend(bytes(count))
        else:
            self.blocked.extend(BLOCKING[status or AVAILABLE] for status in statuses)
        for number, unknown in zip(numbers, seats.extras or (), strict=False):
            if unknown:
                self.extras[number] = self.shared_extras.setdefault(unknown, unknown)

    def _labels(self, labels: Sequence[Any] | None, count: int) -> Iterable[str | None]:
        if labels is None:
            return (None,) * count
        share = self.shared_labels.setdefault
        return [share(label, label) if label else None for label in labels]


def whole_numbers(values: Sequence[Any]) -> Sequence[Any]:
    """The values, with floats that are whole numbers as those: `12.0` as 12."""
    return list(map(whole, values)) if float in set(map(type, values)) else values


def texts_are_plain(values: Sequence[Any]) -> bool:
    """Whether all are certainly valid ids; some are not recognised (a no-break space)."""
    if set(map(type, values)) != {str}:
        return False
    joined, lengths = "".join(values), set(map(len, values))
    # The plain space is the only printable one, so nothing else can make an id blank.
    return (
        joined.isprintable()
        and min(lengths) > 0
        and max(lengths) <= ID_CHARS_MAX
        and (" " not in joined or all(map(str.strip, values)))
    )


def are_places(values: Sequence[Any]) -> bool:
    """Whether all are valid coordinates."""
    # NaN compares as false with everything, so it may hide from min and max; a sum shows it.
    return (
        set(map(type, values)) <= {int, float}
        and min(values) >= -PLACE_MAX
        and max(values) <= PLACE_MAX
        and not isnan(sum(values))
    )


def are_cols(values: Sequence[Any]) -> bool:
    """Whether all are valid column numbers."""
    return set(map(type, values)) == {int} and -PLACE_MAX <= min(values) <= max(values) <= PLACE_MAX


def are_statuses(values: Sequence[Any]) -> bool:
    """Whether all are known statuses."""
    return set(map(type, values)) == {str} and BLOCKING.keys() >= set(values)


def are_flags(values: Sequence[Any]) -> bool:
    """Whether all are true, false or missing."""
    return set(map(type, values)) <= {bool, type(None)}


def col_fault(value: object) -> str | None:
    """What is wrong with a seat's column; it may be left out."""
    return None if value is None else integer_fault(value, -PLACE_MAX, PLACE_MAX)


def label_fault(value: object) -> str | None:
    """What is wrong with a seat's label; it may be left out."""
    # An empty label says as little as none.
    return None if value is None or value == "" else text_fault(value)


def status_fault(value: object) -> str | None:
    """What is wrong with a seat's status; it may be left out."""
    if value is None or (isinstance(value, str) and value in BLOCKING):
        return None
    if not isinstance(value, str):
        return wrong_kind(value, "a text")
    return f"{shown(value)} is not a status; known are {', '.join(BLOCKING)}"


def flag_fault(value: object) -> str | None:
    """What is wrong with a yes or no; it may be left out."""
    return None if value is None or type(value) is bool else wrong_kind(value, "true or false")


def _moved(values: Iterable[float], by: float) -> Sequence[float]:
    return array("d", [value + by for value in values] if by else values)


def placed(own: "array[float]", sections: Iterable[tuple[range, float, float]]) -> "array[float]":
    """Coordinates on the map, by sections `(seats, origin, scale)`; unchanged if none moves."""
    places = own
    for seats, origin, scale in sections:
        if (origin, scale) == (0, 1):
            continue
        if places is own:
            places = array("d", own)
        for seat in seats:
            places[seat] = origin + scale * own[seat]
    return places


def _cols(values: Sequence[int | None] | None, count: int) -> Iterable[int]:
    """The column numbers; a seat without one follows the seat before it."""
    if values is None:
        return range(1, count + 1)
    if None not in values:
        return cast("Sequence[int]", values)
    cols: list[int] = []
    for value in values:
        cols.append((cols[-1] if cols else 0) + 1 if value is None else value)
    return cols


def read_only(values: "array[Any]") -> Any:
    """The values in compact, read-only form."""
    return memoryview(values).toreadonly()
