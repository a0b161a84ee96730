"""The seat map: what a venue has to sell, and where each place is.

Owns `VenueMap`, the one representation of a map in the package, whatever its file format was. Seats
are numbered from 0 in map order (section by section, row by row, seat by seat), and their data are
columns indexed by that number: a hundred thousand seats are a few arrays and their ids, not a
hundred thousand objects. Areas are sold by quantity and come after the seats.

Nothing here changes once it is made, and nothing here knows what is held or sold: that belongs to
an event's log. `formats` reads and writes JSON.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import msgspec

from event_seating.values import rfc3339

SEATS_MAX: Final = 100_000
"""Seats in rows: as many as the largest stadiums have; costs were measured up to this number."""

AREAS_MAX: Final = 1_000
"""Areas of a map; a festival has dozens."""

AREA_CAPACITY_MAX: Final = 100_000
"""People in one area; each has a place in the arrays of an event."""

PLACES_MAX: Final = 200_000
"""Seats and capacities together: an event's arrays and snapshots are made for so many."""

CATEGORIES_MAX: Final = 250
"""Categories of a map; a seat's category is one byte."""

SHAPES_MAX: Final = 10_000
"""Shapes that are drawn and not sold."""

ID_CHARS_MAX: Final = 128
"""Characters of the id of a seat, section, area or category: two UUIDs and a separator."""

VENUE_ID_CHARS_MAX: Final = 64
"""Characters of a venue's id, which is part of addresses that people read."""

TEXT_CHARS_MAX: Final = 200
"""Characters of a name or a label: what fits on a ticket."""

VENUE_ID_PATTERN: Final = rf"(?!\.{{1,2}}\Z)[A-Za-z0-9._~-]{{1,{VENUE_ID_CHARS_MAX}}}"
"""Characters that a path has without escaping, but not `.` and `..`, which name directories."""

SLUG_CHARS_MAX: Final = 40
"""Characters of an id that is made from a name: readable, with room for a suffix."""

PLACE_MAX: Final = 1_000_000
"""Map units from the origin in each direction; a double is exact to a thousandth up to here."""

SCALE_MAX: Final = 1_000
"""The largest scale of a section's transform."""

PRICE_MAX: Final = Decimal(1_000_000)
"""Major units of any currency; a higher price is a typing mistake."""

PRICE_DECIMALS_MAX: Final = 4
"""Decimals of a price: no currency of ISO 4217 has more."""


_VENUE_ID: Final = re.compile(VENUE_ID_PATTERN + r"\Z")
_NOT_IN_A_SLUG: Final = re.compile(r"[^a-z0-9]+")


def is_venue_id(text: str) -> bool:
    """Whether this text is a possible id of a venue."""
    return _VENUE_ID.match(text) is not None


def slug(name: str) -> str:
    """An id made from a name: `Théâtre Royal` gives `theatre-royal`; empty when nothing is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NOT_IN_A_SLUG.sub("-", plain)[:SLUG_CHARS_MAX].strip("-")


class MapWarning(msgspec.Struct, frozen=True):
    """A warning for a map's author: where it is, its kind, and the message."""

    path: str
    code: str
    message: str


class MapVersion(msgspec.Struct, frozen=True):
    """A version of a venue's map; `etag` is the same for the same map."""

    venue_id: str
    version: int
    name: str
    etag: str
    seats: int
    areas: int
    categories: int

    def fields(self) -> dict[str, str | int]:
        """What the API says about it."""
        return {
            "id": self.venue_id,
            "version": self.version,
            "name": self.name,
            "seats": self.seats,
            "areas": self.areas,
            "categories": self.categories,
        }


class PackedMap(msgspec.Struct, frozen=True):
    """A version of a map with its bytes in the first format, compressed."""

    version: MapVersion
    map_gzip: bytes


class Venue(msgspec.Struct, frozen=True):
    """A venue: the newest version of its map, and the time of the first one."""

    newest: MapVersion
    created_at_ms: int

    def fields(self) -> dict[str, str | int]:
        """What the API says about it."""
        return self.newest.fields() | {"createdAt": rfc3339.to_text(self.created_at_ms)}


@dataclass(frozen=True, slots=True)
class Category:
    """A price category: `key` is what seats and prices name, `label` what people read.

    `price` is in major units, exactly as it was written, or None when the map has none. A category
    whose name says that it is not available is not `for_sale`; its seats begin as blocked.

    `extra`, here and below, is a JSON object of the fields that we do not know, or empty.
    """

    key: str
    label: str
    price: Decimal | None
    extra: bytes = b""
    for_sale: bool = True


@dataclass(frozen=True, slots=True)
class Section:
    """A block of rows; a seat's position is `(x, y) + scale * (its position in the file)`."""

    id: str
    label: str
    x: float
    y: float
    scale: float
    rows: range
    extra: bytes = b""
    transform_extra: bytes = b""


@dataclass(frozen=True, slots=True)
class Row:
    """Seats side by side: `index` is its printed name (`1`, `AA`), `seats` are seat numbers."""

    section: int
    index: str
    seats: range
    extra: bytes = b""


@dataclass(frozen=True, slots=True)
class Area:
    """Room for `capacity` people without seats; `category` is an index into the categories."""

    id: str
    label: str
    capacity: int
    category: int
    x: float
    y: float
    width: float
    height: float
    extra: bytes = b""


@dataclass(frozen=True, slots=True)
class MapSummary:
    """The numbers of seats in rows, of areas and of categories."""

    seats: int
    areas: int
    categories: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class VenueMap:
    """A seat map; every column is indexed by the seat's number, 0 to `len(seat_ids) - 1`.

    `x` and `y` are positions in map units, `own_x` and `own_y` those before the section's
    transform. `category`, `accessible`, `companion` and `blocked` have one byte a seat: an index
    into `categories`, and 0 or 1. `blocked` are the seats that were not for sale when the map was
    imported. `focal_point` is what people come to look at: the middle of a shape called stage, else
    of the map. `shapes` is a JSON list.
    """

    venue_id: str | None
    name: str
    width: float
    height: float
    categories: tuple[Category, ...]
    sections: tuple[Section, ...]
    rows: tuple[Row, ...]
    areas: tuple[Area, ...]
    focal_point: tuple[float, float]

    seat_ids: tuple[str, ...]
    seat_labels: tuple[str | None, ...]
    cols: Sequence[int]
    x: Sequence[float]
    y: Sequence[float]
    own_x: Sequence[float]
    own_y: Sequence[float]
    category: bytes
    accessible: bytes
    companion: bytes
    blocked: bytes

    shapes: bytes
    seat_extras: Mapping[int, bytes]
    map_extra: bytes
    extra: bytes

    @property
    def summary(self) -> MapSummary:
        """How many seats, areas and categories."""
        return MapSummary(len(self.seat_ids), len(self.areas), len(self.categories))

    @property
    def places(self) -> int:
        """The seats and the areas' capacities together."""
        return len(self.seat_ids) + sum(area.capacity for area in self.areas)

    def row_of(self, seat: int) -> Row:
        """The row of this seat; raises `IndexError` when there is no such seat."""
        if not 0 <= seat < len(self.seat_ids):
            raise IndexError(f"no seat has the number {seat}")
        return self.rows[bisect_right(self.rows, seat, key=lambda row: row.seats.start) - 1]

    def describe(self, seat: int) -> str:
        """What a ticket says: `Lower A, row 3, seat 12`; raises `IndexError` for no such seat."""
        row = self.row_of(seat)
        printed = self.seat_labels[seat] or self.cols[seat]
        return f"{self.sections[row.section].label}, row {row.index}, seat {printed}"
