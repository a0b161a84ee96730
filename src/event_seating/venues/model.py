"""The seat map: what a venue has to sell, and where each place is.

Owns `VenueMap`, the one form in which the rest of the package knows a map, whatever format it came
in. Seats are numbered from 0 in map order (section by section, row by row, seat by seat), and what
is known of them lies in columns indexed by that number: a hundred thousand seats are a few arrays
and their ids, not a hundred thousand objects. Areas are sold by quantity and come after the seats.

Nothing here changes once it is made, and nothing here knows what is held or sold: that belongs to
an event's log. It never reads or writes JSON; that is the business of `formats`.
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
"""Seats in rows: the largest stadiums there are; every cost of a map was measured up to here."""

AREAS_MAX: Final = 1_000
"""Areas of a map; a festival has dozens."""

AREA_CAPACITY_MAX: Final = 100_000
"""People in one area; each is a hidden seat in the arrays of an event."""

PLACES_MAX: Final = 200_000
"""Seats and capacities together: what an event's arrays, snapshot and start are made for."""

CATEGORIES_MAX: Final = 250
"""Categories of a map; a seat's category is one byte."""

SHAPES_MAX: Final = 10_000
"""Shapes that are drawn and not sold."""

ID_CHARS_MAX: Final = 128
"""Characters of the id of a seat, section, area or category: two UUIDs and what joins them."""

VENUE_ID_CHARS_MAX: Final = 64
"""Characters of a venue's id, which stands in addresses that people read."""

TEXT_CHARS_MAX: Final = 200
"""Characters of a name or a label: what fits on a ticket."""

VENUE_ID_PATTERN: Final = rf"(?!\.{{1,2}}\Z)[A-Za-z0-9._~-]{{1,{VENUE_ID_CHARS_MAX}}}"
"""The characters that a path carries without escaping, and not the names of directories."""

SLUG_CHARS_MAX: Final = 40
"""Characters of an id that is made from a name: readable, with room for a suffix."""

PLACE_MAX: Final = 1_000_000
"""Map units from the origin, either way; a double still tells a thousandth apart out there."""

SCALE_MAX: Final = 1_000
"""By how much a section's transform may enlarge."""

PRICE_MAX: Final = Decimal(1_000_000)
"""Major units of any currency; a ticket above it is a slip of the keyboard."""

PRICE_DECIMALS_MAX: Final = 4
"""Decimals of a price: ISO 4217 knows no currency with more."""


_VENUE_ID: Final = re.compile(VENUE_ID_PATTERN + r"\Z")
_NOT_IN_A_SLUG: Final = re.compile(r"[^a-z0-9]+")


def is_venue_id(text: str) -> bool:
    """Whether this can be the id of a venue at all."""
    return _VENUE_ID.match(text) is not None


def slug(name: str) -> str:
    """An id made from a name: `Théâtre Royal` gives `theatre-royal`; empty when nothing is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NOT_IN_A_SLUG.sub("-", plain)[:SLUG_CHARS_MAX].strip("-")


class MapWarning(msgspec.Struct, frozen=True):
    """What a map's author should know: where, of which kind, and in words."""

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
    """A version with its map in the first format, compressed."""

    version: MapVersion
    map_gzip: bytes


class Venue(msgspec.Struct, frozen=True):
    """A venue: the newest version of its map, and when the first one came."""

    newest: MapVersion
    created_at_ms: int

    def fields(self) -> dict[str, str | int]:
        """What the API says about it."""
        return self.newest.fields() | {"createdAt": rfc3339.to_text(self.created_at_ms)}


@dataclass(frozen=True, slots=True)
class Category:
    """A price category: `key` is what seats and prices name, `label` what people read.

    `price` is in major units, exact as it was written, or None when the map does not say. One that
    is not `for_sale` is called so ("not available"); its seats begin as blocked.

    `extra` here and below is a JSON object of the fields that we do not know, or empty.
    """

    key: str
    label: str
    price: Decimal | None
    extra: bytes = b""
    for_sale: bool = True


@dataclass(frozen=True, slots=True)
class Section:
    """A block of rows; a seat's place on the map is `(x, y) + scale * (its place in the file)`."""

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
    """How much there is of what; `seats` are those in rows."""

    seats: int
    areas: int
    categories: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class VenueMap:
    """A seat map; every column is indexed by the seat's number, 0 to `len(seat_ids) - 1`.

    `x` and `y` are places on the map in map units,
    `own_x` and `own_y` those before the section's transform. `category`, `accessible`, `companion`
    and `blocked` have one byte a seat: an index into `categories`, and 0 or 1. `blocked` are the
    seats that were not for sale when the map was imported. `focal_point` is what people come to
    look at: the middle of a shape called stage, else of the map. `shapes` is a JSON list.
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
        """How many people can come: seats and the areas' capacities."""
        return len(self.seat_ids) + sum(area.capacity for area in self.areas)

    def row_of(self, seat: int) -> Row:
        """The row in which this seat stands; an `IndexError` when there is no such seat."""
        if not 0 <= seat < len(self.seat_ids):
            raise IndexError(f"no seat has the number {seat}")
        return self.rows[bisect_right(self.rows, seat, key=lambda row: row.seats.start) - 1]

    def describe(self, seat: int) -> str:
        """What a ticket says: `Lower A, row 3, seat 12`; an `IndexError` for no such seat."""
        row = self.row_of(seat)
        printed = self.seat_labels[seat] or self.cols[seat]
        return f"{self.sections[row.section].label}, row {row.index}, seat {printed}"
