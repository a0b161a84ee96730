"""Generated arenas: the demo's venue, and the load of tests and benchmarks.

Owns `arena`, which lays out exactly the requested number of seats, in the first seat-map format. A
bowl of rows surrounds a floor at an even distance: the floor is a rectangle with round corners, and
a row is the same rectangle enlarged by its distance, so rows never meet and seats are evenly
spaced. With a standing floor there is a stage at its left end and the bowl is open behind it;
without, the floor is an ice rink and the bowl is closed.

The same arguments give the same arena. It is pure geometry: no files, no randomness, no clock.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, Final

ARENA_SEATS_MIN: Final = 500
"""Fewer seats do not make a bowl."""

ARENA_SEATS_MAX: Final = 100_000
"""As many as a map may have."""

SEAT_PITCH: Final = 10.0
"""Map units between neighbouring seats of a row, at least."""

ROW_PITCH: Final = 13.0
"""Map units between neighbouring rows."""

AISLE: Final = 14.0
"""Map units between two sections, and inside a wide one."""

CONCOURSE: Final = 34.0
"""Map units between two tiers."""

APRON: Final = 30.0
"""Map units between the floor and the first row."""

MARGIN: Final = 60.0
"""Map units around the whole."""

SECTION_WIDTH: Final = 270.0
"""Map units along the middle row of a section, about."""

WIDE_SECTION: Final = 220.0
"""A section whose first row is longer has an aisle in its middle."""

ROWS_PER_ROOT: Final = 0.27
"""Rows for the square root of the seats: 8 rows for 1,000 seats, 85 for 100,000."""

ROWS_PER_TIER: Final = 14
"""Rows of a tier, about; then comes a concourse."""

PEOPLE_PER_SQUARE: Final = 2
"""Standing people on a seat's square of the floor, at most."""

OPEN_BOWL_ROWS: Final = 1.3
"""How many more rows a bowl has that is open behind a stage, so that its floor stays short."""

OPEN_FLOOR_LENGTH: Final = 0.75
"""How much shorter such a floor is."""

ASPECTS: Final = (1.75, 2.0, 1.55, 1.9)
"""Length of the floor for a width of 1; the seed picks one."""

TIER_NAMES: Final = ("LOWER", "MIDDLE", "UPPER", "GALLERY", "SKY")

PRICE_TIERS: Final = {
    "1": {"price": 145, "label": "Premium", "color": "#b5179e"},
    "2": {"price": 95, "label": "Standard", "color": "#4361ee"},
    "3": {"price": 62.5, "label": "Economy", "color": "#2a9d8f"},
    "4": {"price": 38, "label": "Gallery", "color": "#e9a03b"},
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the bowl between two of the floor's normals: along a side, or around a corner.

    `start` is where its first row would begin on the floor's edge, `heading` the direction along
    it in radians. A side has a `length` and no `turn`; a corner turns by `turn` radians around
    `start` moved inwards by `radius`.
    """

    x: float
    y: float
    heading: float
    length: float
    turn: float
    radius: float

    def length_at(self, distance: float) -> float:
        """The length of a row at this distance from the floor."""
        return self.length + self.turn * (self.radius + distance)

    def place(self, along: float, distance: float) -> tuple[float, float]:
        """The position this far along the row at this distance from the floor."""
        heading, out = self.heading, self.radius + distance
        x = self.x + self.radius * -math.sin(heading)
        y = self.y + self.radius * math.cos(heading)
        if self.turn:
            heading, along = heading + along / out, 0.0
        return (
            x + along * math.cos(heading) + out * math.sin(heading),
            y + along * math.sin(heading) - out * math.cos(heading),
        )


@dataclass(frozen=True, slots=True)
class Block:
    """A planned section: a piece of the bowl in one tier, and its rows' distances from the floor.

    `price` is the key of the price tier from the middle of the bowl outwards.
    """

    tier: int
    price: int
    piece: Piece
    distances: tuple[float, ...]

    @property
    def has_aisle(self) -> bool:
        """Whether its first row is long enough to need an aisle."""
        return self.piece.length_at(self.distances[0]) - AISLE > WIDE_SECTION

    def halves(self, distance: float) -> list[tuple[float, float]]:
        """The parts of a row that have seats: `(start, length)`, two if there is an aisle."""
        length = self.piece.length_at(distance) - AISLE
        if not self.has_aisle:
            return [(AISLE / 2, length)]
        half = (length - AISLE) / 2
        return [(AISLE / 2, half), (AISLE / 2 + half + AISLE, half)]

    def capacity(self, distance: float) -> int:
        """How many seats fit into a row."""
        return sum(int(length / SEAT_PITCH) for _, length in self.halves(distance))


@dataclass(frozen=True, slots=True)
class Floor:
    """The floor inside the bowl: a rectangle with round corners, its middle at (0, 0)."""

    length: float
    width: float

    @property
    def radius(self) -> float:
        """The radius of the corners."""
        return 0.3 * self.width


def arena(
    seats: int, *, name: str = "Harbour Arena", standing: int = 0, seed: int = 0
) -> dict[str, Any]:
    """A seat map with exactly `seats` seats in rows, and `standing` people on its floor.

    In the first seat-map format, ready to be encoded as JSON. `seed` picks the proportions. Raises
    a `ValueError` for fewer than `ARENA_SEATS_MIN` seats or more than `ARENA_SEATS_MAX`, and for
    more standing people than the floor holds.
    """
    if not ARENA_SEATS_MIN <= seats <= ARENA_SEATS_MAX:
        raise ValueError(f"an arena has {ARENA_SEATS_MIN} to {ARENA_SEATS_MAX} seats")
    stage = standing > 0
    rows = round(ROWS_PER_ROOT * math.sqrt(seats) * (OPEN_BOWL_ROWS if stage else 1))
    aspect = ASPECTS[seed % len(ASPECTS)] * (OPEN_FLOOR_LENGTH if stage else 1)
    floor = _floor_for(seats, rows, aspect, stage=stage)
    if not 0 <= standing <= PEOPLE_PER_SQUARE * floor.length * floor.width / SEAT_PITCH**2:
        raise ValueError(f"{standing} people do not fit on the floor of {seats} seats")
    blocks = list(_blocks(floor, rows, stage=stage))
    outer = max(block.distances[-1] for block in blocks) + MARGIN
    left = floor.length / 2 + (APRON + MARGIN if stage else outer)
    origin = (left, floor.width / 2 + outer)
    return {
        "name": name,
        "map": {
            "width": round(left + floor.length / 2 + outer),
            "height": round(floor.width + 2 * outer),
        },
        "priceTiers": {key: dict(tier) for key, tier in PRICE_TIERS.items()},
        "sections": _sections(blocks, seats, origin),
        "shapes": _shapes(floor, origin, stage=stage),
    } | ({"areas": [_standing_floor(floor, origin, standing)]} if stage else {})


def _floor_for(seats: int, rows: int, aspect: float, *, stage: bool) -> Floor:
    """The smallest floor whose bowl has enough room."""
    low, high = 4 * SEAT_PITCH, 8 * SEAT_PITCH * math.sqrt(seats)
    while high - low > SEAT_PITCH / 5:
        width = (low + high) / 2
        blocks = _blocks(Floor(aspect * width, width), rows, stage=stage)
        room = sum(block.capacity(d) for block in blocks for d in block.distances)
        low, high = (low, width) if room >= seats else (width, high)
    return Floor(aspect * high, high)


def _blocks(floor: Floor, rows: int, *, stage: bool) -> Iterator[Block]:
    """Every section of the bowl, tier by tier, clockwise from the lower left."""
    tiers = list(_tiers(rows))
    for tier, distances in enumerate(tiers):
        middle = distances[len(distances) // 2]
        price = 2 + tier * (len(PRICE_TIERS) - 1) // len(tiers)
        for piece in _pieces(floor, stage=stage):
            count = max(1, round(piece.length_at(middle) / SECTION_WIDTH))
            for number in range(count):
                yield Block(tier, price, _part(piece, number, count), distances)


def _tiers(rows: int) -> Iterator[tuple[float, ...]]:
    """The distances from the floor of each tier's rows."""
    tiers = min(len(TIER_NAMES), max(1, round(rows / ROWS_PER_TIER)))
    distance, left = APRON, rows
    for tier in range(tiers):
        count = left // (tiers - tier)
        yield tuple(distance + ROW_PITCH * row for row in range(count))
        distance += ROW_PITCH * (count - 1) + CONCOURSE
        left -= count


def _pieces(floor: Floor, *, stage: bool) -> Iterator[Piece]:
    """The sides and corners around the floor, clockwise; behind a stage there are none."""
    half_length, half_width, radius = floor.length / 2, floor.width / 2, floor.radius
    long, short = floor.length - 2 * radius, floor.width - 2 * radius
    sides = (
        (-half_length, half_width - radius, -math.pi / 2, short),
        (-half_length + radius, -half_width, 0.0, long),
        (half_length, -half_width + radius, math.pi / 2, short),
        (half_length - radius, half_width, math.pi, long),
    )
    for number, (x, y, heading, length) in enumerate(sides):
        if not (stage and number == 0):
            yield Piece(x, y, heading, length, 0.0, 0.0)
        if not (stage and number in (0, 3)):
            end_x, end_y = x + length * math.cos(heading), y + length * math.sin(heading)
            yield Piece(end_x, end_y, heading, 0.0, math.pi / 2, radius)


def _part(piece: Piece, number: int, count: int) -> Piece:
    """One of `count` equal parts of a piece."""
    turn, length = piece.turn / count, piece.length / count
    if not turn:
        along = number * length
        x = piece.x + along * math.cos(piece.heading)
        y = piece.y + along * math.sin(piece.heading)
        return Piece(x, y, piece.heading, length, 0.0, 0.0)
    x, y = piece.place(number * turn * piece.radius, 0.0)
    return Piece(x, y, piece.heading + number * turn, 0.0, turn, piece.radius)


def _sections(blocks: list[Block], seats: int, origin: tuple[float, float]) -> list[dict[str, Any]]:
    """The sections; if the bowl has too many seats, some are left out evenly."""
    room = sum(block.capacity(d) for block in blocks for d in block.distances)
    seen = given = 0
    letters: dict[int, int] = {}
    sections = []
    for block in blocks:
        letter = letters[block.tier] = letters.get(block.tier, -1) + 1
        tier = TIER_NAMES[block.tier]
        section_id = f"{tier}_{_letters(letter)}"
        rows = []
        for number, distance in enumerate(block.distances, 1):
            seen += block.capacity(distance)
            count = seen * seats // room - given
            given += count
            rows.append(_row(block, section_id, number, count, origin))
        label = f"{tier.title()} {_letters(letter)}"
        place = {"x": 0, "y": 0, "scale": 1}
        sections.append({"id": section_id, "label": label, "transform": place, "rows": rows})
    return sections


def _letters(number: int) -> str:
    """The letters of a section: A, B, … Z, AA, AB and so on."""
    size = len(ascii_uppercase)
    first = ascii_uppercase[number // size - 1] if number >= size else ""
    return first + ascii_uppercase[number % size]


def _row(
    block: Block, section_id: str, number: int, count: int, origin: tuple[float, float]
) -> dict[str, Any]:
    distance = block.distances[number - 1]
    halves = block.halves(distance)
    first = -(-count // 2) if len(halves) > 1 else count
    accessible = block.tier == 0 and number == len(block.distances)
    seats = []
    for place in range(count):
        start, length = halves[place >= first]
        here, inside = (first, place) if place < first else (count - first, place - first)
        along = start + length * (inside + 0.5) / here
        x, y = block.piece.place(along, distance)
        seat = {
            "id": f"{section_id}-{number}-{place + 1:02d}",
            "col": place + 1 + (place >= first),
            "x": round(origin[0] + x, 2),
            "y": round(origin[1] + y, 2),
            "priceTier": _price_tier(block, number),
            "status": "available",
        }
        if accessible and place < 2:  # noqa: PLR2004 - a pair at the aisle
            seat["companion" if place else "accessible"] = True
        seats.append(seat)
    return {"index": number, "seats": seats}


def _price_tier(block: Block, number: int) -> int:
    """The front of the lowest tier is premium, and the tiers above it grow cheaper."""
    return 1 if block.tier == 0 and 2 * number <= len(block.distances) else block.price


def _shapes(floor: Floor, origin: tuple[float, float], *, stage: bool) -> list[dict[str, Any]]:
    left, top = origin[0] - floor.length / 2, origin[1] - floor.width / 2
    ground = {
        "type": "rectangle",
        "id": "floor" if stage else "rink",
        "x": round(left, 2),
        "y": round(top, 2),
        "width": round(floor.length, 2),
        "height": round(floor.width, 2),
        "cornerRadius": round(floor.radius, 2),
        "color": "#e5e7eb" if stage else "#dbeafe",
    }
    if not stage:
        return [ground | {"label": "Ice"}]
    podium = {
        "type": "rectangle",
        "id": "stage",
        "label": "Stage",
        "x": round(left - APRON, 2),
        "y": round(top + 0.15 * floor.width, 2),
        "width": round(0.22 * floor.length + APRON, 2),
        "height": round(0.7 * floor.width, 2),
        "color": "#1f2937",
    }
    return [ground, podium]


def _standing_floor(floor: Floor, origin: tuple[float, float], standing: int) -> dict[str, Any]:
    left, top = origin[0] - floor.length / 2, origin[1] - floor.width / 2
    return {
        "id": "FLOOR",
        "label": "Standing floor",
        "capacity": standing,
        "priceTier": 2,
        "x": round(left + 0.27 * floor.length, 2),
        "y": round(top + 0.08 * floor.width, 2),
        "width": round(0.73 * floor.length - 0.12 * floor.width, 2),
        "height": round(0.84 * floor.width, 2),
    }
