"""What a simulated buyer wants next, and what becomes of it.

Owns the mix: how many go together, who takes the best there is, who picks seats on the map, who
stands, and who of those that hold something books it. Chance comes in as an argument, so a seed
gives the same crowd again. It never asks a server.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

AVAILABLE: Final = "a"
"""In the compact form of an event's seats."""

PARTIES: Final = {1: 15, 2: 40, 3: 15, 4: 20, 5: 5, 6: 5}
"""Percent of the parties by their size: mostly couples, then two couples."""

BEST_PERCENT: Final = 65
PICKED_PERCENT: Final = 20
"""The others want to stand."""

MINDS_THE_PRICE: Final = 0.75
"""Of those who take the best; the others do not say in which category."""

ROWS_TRIED: Final = 30
"""Rows that somebody looks at before they take what they are given."""


class Ending(StrEnum):
    """What becomes of a hold."""

    book = "book"
    cancel = "cancel"
    """Booked, and regretted."""
    release = "release"
    abandon = "abandon"
    """Left to run out."""


ENDINGS: Final = {Ending.book: 82, Ending.cancel: 4, Ending.release: 9, Ending.abandon: 5}
"""Percent."""


@dataclass(frozen=True, slots=True)
class Hall:
    """What stays: each seat's id by its number, neighbours, and the categories that have seats."""

    ids: Sequence[str]
    rows: Sequence[range]
    """Numbers of seats that stand side by side, without an aisle between them."""
    categories: Sequence[str]


@dataclass(frozen=True, slots=True)
class Sight:
    """What moves, as the buyers last saw it."""

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
    """How many go together, `most` at the most."""
    (size,) = chance.choices(list(PARTIES), weights=list(PARTIES.values()))
    return min(size, most)


def wish(chance: random.Random, hall: Hall, sight: Sight, size: int) -> dict[str, Any]:
    """The body of a hold for so many; who finds nothing by themselves takes the best there is."""
    percent = chance.uniform(0, 100)
    if percent >= BEST_PERCENT + PICKED_PERCENT:
        return _standing(chance, sight, size) or _best(chance, hall, size)
    if percent >= BEST_PERCENT:
        return _picked(chance, hall, sight, size) or _best(chance, hall, size)
    return _best(chance, hall, size)


def ending(chance: random.Random) -> Ending:
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
