"""The seats of one version of a seat map, numbered.

Owns the fixed half of an event: which number a seat has, where it stands, who its neighbours are.
It is built once for a version of a map and shared by every event that uses that version. Numbers
follow the map's order, so that the compact encoding of the seat map status is the array itself; the
places of areas come after all seats, one number for each place. It never changes and knows no
status.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from math import hypot
from statistics import median
from typing import Final, NamedTuple

AISLE_FACTOR: Final = 1.5
"""Neighbours that stand more than this many times the row's usual distance apart have an aisle."""

DISTANCE_STEPS: Final = 1 << 20
"""Distances are whole numbers, and this is the farthest seat's: finer than any map is drawn."""

STATUSES: Final = 4
"""How many statuses a seat can have, and so how many counts a cell has."""


class SeatPlan(NamedTuple):
    """A seat as the map has it; `x` and `y` in the map's own units, with all shifts added."""

    id: str
    x: float
    y: float
    category: str
    col: int | None = None
    accessible: bool = False
    companion: bool = False


class RowPlan(NamedTuple):
    """A row of a section, its seats in the map's order; `name` is what the map calls the row."""

    section: str
    name: str
    seats: Sequence[SeatPlan]


class AreaPlan(NamedTuple):
    """A general-admission area: `capacity` places that nobody tells apart."""

    id: str
    capacity: int
    category: str


class Run(NamedTuple):
    """Neighbours without a gap: the seats `first` to `first + length - 1`.

    Bit `i` of every mask is the seat `first + i`. `categories` has a mask for each category that
    is here. `near` is the distance of the seat that is nearest the focal point.
    """

    first: int
    length: int
    section: int
    categories: tuple[tuple[int, int], ...]
    accessible: int
    companion: int
    near: int


class IndexedArea(NamedTuple):
    """An area, its places being the numbers `first` to `first + capacity - 1`."""

    id: str
    first: int
    capacity: int
    category: int


class Cell(NamedTuple):
    """What seats that are counted together have in common; `section` or `area` is -1."""

    section: int
    category: int
    area: int
    accessible: bool
    companion: bool


def run_breaks(seats: Sequence[SeatPlan]) -> list[int]:
    """The positions in a row before which there is an aisle, never derived from printed numbers.

    An aisle is where `col` jumps, or where two neighbours stand further apart than `AISLE_FACTOR`
    times the row's median.
    """
    gaps = [hypot(b.x - a.x, b.y - a.y) for a, b in pairwise(seats)]
    widest = AISLE_FACTOR * median(gaps) if gaps else 0.0
    breaks = []
    for position, (gap, (a, b)) in enumerate(zip(gaps, pairwise(seats), strict=True), 1):
        jumps = a.col is not None and b.col is not None and abs(b.col - a.col) > 1
        if jumps or gap > widest:
            breaks.append(position)
    return breaks


class SeatIndex:
    """Every seat and area of a map by number; immutable.

    `ids[number]` and `number[id]` translate; `category_of[number]` is an index into `categories`;
    `run_of[seat]` an index into `runs`; `cell_of[number]` is where the counts of the seat's cell
    begin (`STATUSES` a cell, see `cells` and `cell_sizes`). `distance_sums[n]` is the sum of the
    distances of the seats before `n` to the focal point, `runs_by_distance` has the nearest run
    first. `seat_count` numbers are seats, `size` are all.
    """

    __slots__ = (
        "_area_firsts",
        "area_number",
        "areas",
        "categories",
        "category_number",
        "category_of",
        "cell_of",
        "cell_sizes",
        "cells",
        "distance_sums",
        "ids",
        "number",
        "rows",
        "run_firsts",
        "run_of",
        "runs",
        "runs_by_distance",
        "seat_count",
        "section_number",
        "sections",
        "size",
    )

    def __init__(
        self,
        rows: Iterable[RowPlan],
        areas: Iterable[AreaPlan] = (),
        focal: tuple[float, float] = (0.0, 0.0),
        *,
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        """Number the seats of `rows`, then the places of `areas`.

        `focal` is where people look: the centre of the shape called stage, else of the map. The
        caller has checked the map; raises `ValueError` for two seats or areas with the same id.
        `rows` is iterated once, and no row is kept. `give_way` is called between the steps of the
        work that follows.
        """
        self.section_number: dict[str, int] = {}
        self.category_number: dict[str, int] = {}
        self.rows: dict[tuple[str, str], list[range]] = {}
        self.category_of = array("H")
        self.run_of = array("I")
        self.cell_of = array("I")
        self.cell_sizes: list[int] = []
        self.number: dict[str, int] = {}
        self.runs: list[Run] = []
        cells: dict[Cell, int] = {}
        distances = array("d")
        for row in rows:
            self._add_row(row, cells)
            distances.extend([hypot(seat.x - focal[0], seat.y - focal[1]) for seat in row.seats])
        self.ids = tuple(self.number)
        self.seat_count = len(self.ids)
        if self.seat_count != len(self.category_of):
            raise ValueError("two seats have the same id")
        self._measure(distances, give_way)
        self.areas = self._add_areas(areas, cells)
        self._area_firsts = [area.first for area in self.areas]
        self.area_number = {area.id: number for number, area in enumerate(self.areas)}
        if len(self.area_number) != len(self.areas):
            raise ValueError("two areas have the same id")
        self.size = len(self.category_of)
        self.run_firsts = [run.first for run in self.runs]
        self.sections = tuple(self.section_number)
        self.categories = tuple(self.category_number)
        self.cells = tuple(cells)
        self.runs_by_distance = sorted(
            range(len(self.runs)), key=lambda run: (self.runs[run].near, run)
        )

    def _add_row(self, row: RowPlan, cells: dict[Cell, int]) -> None:
        section = self.section_number.setdefault(row.section, len(self.section_number))
        start = len(self.category_of)
        for seat in row.seats:
            self.number[seat.id] = len(self.category_of)
            category = self.category_number.setdefault(seat.category, len(self.category_number))
            cell = Cell(section, category, -1, seat.accessible, seat.companion)
            self.category_of.append(category)
            self.cell_of.append(self._cell(cell, 1, cells))
        self.rows.setdefault((row.section, row.name), []).append(
            range(start, start + len(row.seats))
        )
        edges = [0, *run_breaks(row.seats), len(row.seats)]
        for begin, end in pairwise(edges):
            if begin < end:
                self._add_run(section, start + begin, row.seats[begin:end])

    def _cell(self, cell: Cell, more: int, cells: dict[Cell, int]) -> int:
        """Where the counts of a cell begin, after adding `more` seats to its size."""
        number = cells.setdefault(cell, len(cells))
        if number == len(self.cell_sizes):
            self.cell_sizes.append(0)
        self.cell_sizes[number] += more
        return number * STATUSES

    def _add_run(self, section: int, first: int, seats: Sequence[SeatPlan]) -> None:
        masks: dict[int, int] = {}
        accessible = companion = 0
        for place, seat in enumerate(seats):
            category = self.category_of[first + place]
            masks[category] = masks.get(category, 0) | 1 << place
            accessible |= seat.accessible << place
            companion |= seat.companion << place
        self.run_of.extend([len(self.runs)] * len(seats))
        self.runs.append(
            Run(first, len(seats), section, tuple(masks.items()), accessible, companion, 0)
        )

    def _measure(self, distances: "array[float]", give_way: Callable[[], None]) -> None:
        """Compute the distances of seats and runs in steps; the farthest seat has the last."""
        step = (max(distances, default=0.0) or 1.0) / DISTANCE_STEPS
        # Not a list: the garbage collector would traverse it.
        self.distance_sums = array("q", [0])
        total = 0
        for number, run in enumerate(self.runs):
            give_way()
            own = [round(far / step) for far in distances[run.first : run.first + run.length]]
            self.runs[number] = run._replace(near=min(own))
            for distance in own:
                total += distance
                self.distance_sums.append(total)

    def _add_areas(
        self, plans: Iterable[AreaPlan], cells: dict[Cell, int]
    ) -> tuple[IndexedArea, ...]:
        areas = []
        for number, plan in enumerate(plans):
            category = self.category_number.setdefault(plan.category, len(self.category_number))
            cell = Cell(-1, category, number, accessible=False, companion=False)
            at = self._cell(cell, plan.capacity, cells)
            areas.append(IndexedArea(plan.id, len(self.category_of), plan.capacity, category))
            self.category_of.extend(array("H", [category]) * plan.capacity)
            self.cell_of.extend(array("I", [at]) * plan.capacity)
        return tuple(areas)

    def area_of(self, number: int) -> int | None:
        """The number of the area that a place belongs to; `None` for a seat."""
        return None if number < self.seat_count else self._area(number)

    def places_by_area(self, numbers: Iterable[int]) -> dict[int, int]:
        """How many of these numbers are places of each area, by the area's number."""
        found: dict[int, int] = {}
        count = self.seat_count
        places = sorted([number for number in numbers if number >= count])
        at = 0
        while at < len(places):
            area = self._area(places[at])
            place = self.areas[area]
            end = bisect_left(places, place.first + place.capacity, at)
            found[area] = end - at
            at = end
        return found

    def _area(self, place: int) -> int:
        if place >= self.size:
            raise ValueError(f"no seat and no place has the number {place}")
        return bisect_right(self._area_firsts, place) - 1

    def row(self, section: str, name: str) -> list[int]:
        """The seats of a row; empty when the map has no such row."""
        return [seat for seats in self.rows.get((section, name), ()) for seat in seats]

    def section(self, section: str) -> list[int]:
        """The seats of a section; empty when the map has no such section."""
        return [
            seat
            for (of, _), ranges in self.rows.items()
            if of == section
            for seats in ranges
            for seat in seats
        ]

    def category(self, category: str) -> list[int]:
        """The seats of a category, without the places of areas."""
        wanted = self.category_number.get(category)
        return [seat for seat in range(self.seat_count) if self.category_of[seat] == wanted]
