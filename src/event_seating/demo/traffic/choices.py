"""What simulated buyers want, and how their holds end.

Owns the mix: the sizes of parties, how many of them take the best seats, pick seats on the map or
stand, and how many of those with a hold book it. Randomness is passed in, so a seed gives the same
crowd again. It never calls a server.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

AVAILABLE: Final = "a"
"""In the compact encoding of an event's seats."""

PARTIES: Final = {1: 15, 2: 40, 3: 15, 4: 20, 5: 5, 6: 5}
"""Percent of parties by size: mostly couples, then two couples."""

BEST_PERCENT: Final = 65
PICKED_PERCENT: Final = 20
"""The others want standing places."""

MINDS_THE_PRICE: Final = 0.75
"""The share of those who take the best seats that also name a category."""

ROWS_TRIED: Final = 30
"""Rows that a buyer looks at before taking the best seats."""


class HoldEnding(StrEnum):
    """How a hold ends."""

    book = "book"
    cancel = "cancel"
    """Booked, then cancelled."""
    release = "release"
    abandon = "abandon"
    """Left to expire."""


ENDINGS: Final = {
    HoldEnding.book: 82,
    HoldEnding.cancel: 4,
    HoldEnding.release: 9,
    HoldEnding.abandon: 5,
}
"""Percent."""


@dataclass(frozen=True, slots=True)
class Hall:
    """The fixed part of an event: seat ids by number, neighbours, and the categories with seats."""

    ids: Sequence[str]
    rows: Sequence[range]
    """Numbers of adjacent seats, without an aisle between them."""
    categories: Sequence[str]


@dataclass(frozen=True, slots=True)
class Sight:
    """The changing part of an event, as the buyers last saw it."""

    seats: str
    """A character for each seat."""
    places: Mapping[str, int]
    """Free places by standing area."""


def hall_of(seat_map: Mapping[str, Any]) -> Hall:
    """The hall of a map in the first format, its seats in the order of the map."""
    ids: list[str] = []
    rows: list[range] = []
    categories: set[str] = set()
    for section in seat_map.get("sections", ()):
        for row in section["rows"]:
            first = len(ids)
            ids.extend(seat["id"] for seat in row["seats"])
            categories.update(str(seat["priceTier"]) for seat in row["seats"])
            columns = [seat.get("col", number) for number, seat in enumerate(row["seats"])]
            rows.extend(_between_aisles(first, columns))
    return Hall(ids, rows, sorted(categories))


def party(chance: random.Random, most: int) -> int:
    """The size of a party, at most `most`."""
    (size,) = chance.choices(list(PARTIES), weights=list(PARTIES.values()))
    return min(size, most)


def wish(chance: random.Random, hall: Hall, sight: Sight, size: int) -> dict[str, Any]:
    """The body of a hold for this many; a buyer who finds no seats takes the best ones."""
    percent = chance.uniform(0, 100)
    if percent >= BEST_PERCENT + PICKED_PERCENT:
        return _standing(chance, sight, size) or _best(chance, hall, size)
    if percent >= BEST_PERCENT:
        return _picked(chance, hall, sight, size) or _best(chance, hall, size)
    return _best(chance, hall, size)


def ending(chance: random.Random) -> HoldEnding:
    """What becomes of a hold."""
    (chosen,) = chance.choices(list(ENDINGS), weights=list(ENDINGS.values()))
    return chosen


def _best(chance: random.Random, hall: Hall, size: int) -> dict[str, Any]:
    best: dict[str, Any] = {"quantity": size}
    if hall.categories and chance.random() < MINDS_THE_PRICE:
        best["categories"] = [chance.choice(hall.categories)]
    return {"best": best}


def _picked(chance: random.Random, hall: Hall, sight: Sight, size: int) -> dict[str, Any] | None:
    if not hall.rows:
        return None
    for row in chance.choices(hall.rows, k=ROWS_TRIED):
        at = sight.seats.find(AVAILABLE * size, row.start, row.stop)
        if at >= 0:
            return {"seats": list(hall.ids[at : at + size])}
    return None


def _standing(chance: random.Random, sight: Sight, size: int) -> dict[str, Any] | None:
    areas = [area for area, free in sight.places.items() if free >= size]
    return {"areas": {chance.choice(areas): size}} if areas else None


def _between_aisles(first: int, columns: Sequence[int]) -> Iterator[range]:
    start = first
    for number, (left, right) in enumerate(pairwise(columns), first + 1):
        if abs(right - left) != 1:
            yield range(start, number)
            start = number
    if columns:
        yield range(start, first + len(columns))
