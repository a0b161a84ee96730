"""Builds a `VenueMap` from the rows that a format's reader passes in.

Owns the rules for every map, whatever its format: unique ids, existing categories, numeric
positions, bounded sizes. A row comes as columns, and a column is first checked as a whole: only if
it has a fault are its values checked one by one, to name the faults. So a hundred thousand seats
cost a few loops in C. It knows no format's field names; the reader passes them in for the paths.
"""

from bisect import bisect_right
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from event_seating.values.visible_text import without_hidden
from event_seating.venues.errors import InvalidMap
from event_seating.venues.formats.category_names import means_not_for_sale
from event_seating.venues.formats.checks import (
    HIDDEN,
    HIDDEN_IN_ID,
    HIDDEN_REMOVED,
    FaultOf,
    MapFaults,
    id_fault,
    number_fault,
    shown,
    wrong_kind,
)
from event_seating.venues.formats.columns import (
    MapColumns,
    SeatColumns,
    are_cols,
    are_flags,
    are_places,
    are_statuses,
    col_fault,
    flag_fault,
    label_fault,
    placed,
    read_only,
    status_fault,
    texts_are_plain,
)
from event_seating.venues.formats.printed_names import repeated
from event_seating.venues.model import (
    AREAS_MAX,
    CATEGORIES_MAX,
    PLACES_MAX,
    SEATS_MAX,
    Area,
    Category,
    Row,
    Section,
    VenueMap,
)
from event_seating.venues.throttling import Throttle


@dataclass(frozen=True, slots=True)
class SeatNames:
    """A format's names for the fields of a seat; used in paths and messages only."""

    id: str
    label: str
    x: str
    y: str
    category: str
    categories: str


class MapBuilder:
    """Takes categories, then sections with their rows, then areas; `finish` returns the map."""

    def __init__(self, names: SeatNames, faults: MapFaults) -> None:
        self.faults = faults
        self.check_categories = True
        """False if the list of categories itself is unusable: then one fault is enough."""
        self._names = names
        self._categories: list[Category] = []
        self._category_of: dict[Hashable, int] = {}
        self._sections: list[Section] = []
        self._section_at: dict[str, str] = {}
        self._section_path = ""
        self._rows: list[Row] = []
        self._areas: list[Area] = []
        self._columns = MapColumns()
        self._seats = 0
        self._numbers: dict[str, int] = {}
        self._row_starts: list[int] = []
        self._row_places: list[tuple[str, Sequence[int]]] = []
        self._area_at: dict[str, str] = {}
        self._area_labels: set[str] = set()
        self._give_way = Throttle()

    # Categories

    def add_category(self, category: Category, path: str) -> None:
        """Add a category; if its key is a whole number, a seat may also name it by the number."""
        if len(self._categories) >= CATEGORIES_MAX:
            if len(self._categories) == CATEGORIES_MAX and self.check_categories:
                self.faults.add(path, f"is one category too many; at most {CATEGORIES_MAX} fit")
                self.check_categories = False
            return
        if category.key and category.key in self._category_of:
            self.faults.add(path, f"{shown(category.key)} stands twice")
            return
        number = len(self._categories)
        named = (category.key, category.label)
        closed = category.price is None and any(map(means_not_for_sale, named))
        self._categories.append(replace(category, for_sale=not closed))
        self._category_of[category.key] = number
        if category.key.isascii() and category.key.isdecimal():
            plain = int(category.key)
            if str(plain) == category.key:
                self._category_of[plain] = number

    def category(self, value: object, path: str) -> int:
        """The index of a named category; 0 and a fault if there is none."""
        fault = self._category_fault(value)
        if fault and self.check_categories:
            self.faults.add(path, fault)
        return 0 if fault else self._category_of[value]

    def _category_fault(self, value: object) -> str | None:
        if type(value) not in (int, str):
            return wrong_kind(value, f"one of the {self._names.categories}")
        if value not in self._category_of:
            return f"{shown(value)} is not one of the {self._names.categories}"
        return None

    # Sections and rows

    def add_section(self, section: Section, path: str) -> None:
        """Add a section for the following rows; `path` is that of its id."""
        first = self._section_at.setdefault(section.id, path)
        if section.id and first != path:
            self.faults.add(path, f"{shown(section.id)} stands twice (first at {first})")
        self._close_section()
        self._section_path = path
        start = len(self._rows)
        self._sections.append(replace(section, rows=range(start, start)))

    def _close_section(self) -> None:
        if self._sections:
            last = self._sections[-1]
            self._sections[-1] = replace(last, rows=range(last.rows.start, len(self._rows)))
            if len(self._rows) == last.rows.start and not self.faults.total:
                self._sections.pop()
                said = "the section has no seats; it is left out"
                self.faults.warnings.add("left_out", self._section_path, said)

    def add_row(self, index: str, seats: SeatColumns, extra: bytes) -> None:
        """Add a row to the last section."""
        self._give_way()
        self._remove_hidden(seats)
        before = self.faults.total
        count = len(seats.ids)
        right = self._take_ids(seats) & self._are_right(seats)  # both, so that every fault is named
        self._row_starts.append(self._seats)
        self._row_places.append((seats.path, seats.places))
        numbers = range(self._seats, self._seats + count)
        self._seats += count
        if right and self.faults.total == before == 0:
            self._rows.append(Row(len(self._sections) - 1, index, numbers, extra))
            categories = [self._category_of[value] for value in seats.categories]
            self._columns.append(seats, numbers, categories)

    def _remove_hidden(self, seats: SeatColumns) -> None:
        """Remove invisible marks from labels; ids keep them, since other places refer to them."""
        warn = self.faults.warnings.add
        if not texts_are_plain(seats.ids):
            for place, seat_id in zip(seats.places, seats.ids, strict=True):
                if isinstance(seat_id, str) and without_hidden(seat_id) != seat_id:
                    warn(HIDDEN, f"{seats.path}.seats[{place}].{self._names.id}", HIDDEN_IN_ID)
        if seats.labels is not None and not texts_are_plain(seats.labels):
            seen = [
                without_hidden(each) if isinstance(each, str) else each for each in seats.labels
            ]
            for place, label, before in zip(seats.places, seen, seats.labels, strict=True):
                if label != before:
                    path = f"{seats.path}.seats[{place}].{self._names.label}"
                    warn(HIDDEN, path, HIDDEN_REMOVED)
            seats.labels = seen

    def _take_ids(self, seats: SeatColumns) -> bool:
        ids = seats.ids
        right = self._check(seats, self._names.id, ids, texts_are_plain(ids), id_fault)
        if right and len(set(ids)) == len(ids) and self._numbers.keys().isdisjoint(ids):
            self._numbers.update(zip(ids, range(self._seats, self._seats + len(ids)), strict=True))
            return True
        return self._name_repeated(seats) and right

    def _name_repeated(self, seats: SeatColumns) -> bool:
        own: dict[str, int] = {}
        none = True
        for number, seat_id in enumerate(seats.ids):
            if not isinstance(seat_id, str):
                continue
            if seat_id in own:
                first = f"{seats.path}.seats[{seats.places[own[seat_id]]}].{self._names.id}"
            elif seat_id in self._numbers:
                first = self._id_path(self._numbers[seat_id])
            else:
                own[seat_id] = number
                continue
            none = False
            path = f"{seats.path}.seats[{seats.places[number]}].{self._names.id}"
            self.faults.add(path, f"{shown(seat_id)} stands twice (first at {first})")
        self._numbers.update((seat_id, self._seats + number) for seat_id, number in own.items())
        return none

    def _id_path(self, number: int) -> str:
        return f"{self._seat_path(number)}.{self._names.id}"

    def _seat_path(self, number: int) -> str:
        row = bisect_right(self._row_starts, number) - 1
        path, places = self._row_places[row]
        return f"{path}.seats[{places[number - self._row_starts[row]]}]"

    def _are_right(self, seats: SeatColumns) -> bool:
        names, check = self._names, self._check
        right = [
            check(seats, names.x, seats.xs, are_places(seats.xs), number_fault),
            check(seats, names.y, seats.ys, are_places(seats.ys), number_fault),
        ]
        if self.check_categories:
            known = self._are_categories(seats.categories)
            fault_of = self._category_fault
            right.append(check(seats, names.category, seats.categories, known, fault_of))
        if seats.cols is not None:
            right.append(check(seats, "col", seats.cols, are_cols(seats.cols), col_fault))
        if seats.labels is not None:
            plain = texts_are_plain(seats.labels)
            right.append(check(seats, names.label, seats.labels, plain, label_fault))
        if seats.statuses is not None:
            known = are_statuses(seats.statuses)
            right.append(check(seats, "status", seats.statuses, known, status_fault))
        for name, flags in (("accessible", seats.accessible), ("companion", seats.companion)):
            if flags is not None:
                right.append(check(seats, name, flags, are_flags(flags), flag_fault))
        return all(right)

    def _are_categories(self, values: Sequence[Any]) -> bool:
        return set(map(type, values)) <= {int, str} and self._category_of.keys() >= set(values)

    def _check(
        self, seats: SeatColumns, name: str, values: Sequence[Any], right: bool, fault_of: FaultOf
    ) -> bool:
        """Whether a column has no fault; unless it is known to be right, each value is checked."""
        if right:
            return True
        before = self.faults.total
        for place, value in zip(seats.places, values, strict=True):
            if fault := fault_of(value):
                self.faults.add(f"{seats.path}.seats[{place}].{name}", fault)
        return self.faults.total == before

    # Areas

    def add_area(self, area: Area, path: str) -> None:
        """Add an area; `path` is that of its id."""
        first = self._area_at.setdefault(area.id, path)
        if area.id in self._numbers:
            first = self._id_path(self._numbers[area.id])
        if area.id and first != path:
            self.faults.add(path, f"{shown(area.id)} stands twice (first at {first})")
        if area.label in self._area_labels:
            said = f"{shown(area.label)} occurs more than once; buyers cannot tell such areas apart"
            self.faults.warnings.add("repeated_label", path.removesuffix(".id") + ".label", said)
        self._area_labels.add(area.label)
        self._areas.append(area)

    # The whole

    def finish(self, seats_path: str, **rest: Any) -> VenueMap:
        """The map, with its other fields by name; `InvalidMap` names every fault."""
        self._close_section()
        self._check_totals(seats_path)
        if self.faults.total:
            raise InvalidMap(self.faults.named, self.faults.total)
        columns = self._columns
        self._close_categories()
        venue_map = VenueMap(
            categories=tuple(self._categories),
            sections=tuple(self._sections),
            rows=tuple(self._rows),
            areas=tuple(self._areas),
            seat_ids=tuple(columns.ids),
            seat_labels=tuple(columns.labels),
            cols=read_only(columns.cols),
            x=read_only(placed(columns.x, self._moves("x"))),
            y=read_only(placed(columns.y, self._moves("y"))),
            own_x=read_only(columns.x),
            own_y=read_only(columns.y),
            category=bytes(columns.category),
            accessible=bytes(columns.accessible),
            companion=bytes(columns.companion),
            blocked=bytes(columns.blocked),
            seat_extras=MappingProxyType(columns.extras),
            **rest,
        )
        for found in repeated(venue_map):
            self.faults.warnings.add("repeated_label", self._seat_path(found.seat), found.said())
        return venue_map

    def _close_categories(self) -> None:
        """Block the seats of each category whose name says that it is not for sale."""
        columns = self._columns
        for number, category in enumerate(self._categories):
            if category.for_sale or number not in columns.category:
                continue
            for seat, of_seat in enumerate(columns.category):
                if of_seat == number:
                    columns.blocked[seat] = True
            said = (
                f"{columns.category.count(number):,} seats are in {shown(category.label)}, which"
                " has no price and by its name is not for sale; they begin as blocked"
            )
            first = self._seat_path(columns.category.index(number))
            self.faults.warnings.add("not_for_sale", f"{first}.{self._names.category}", said)

    def _moves(self, axis: Literal["x", "y"]) -> Iterator[tuple[range, float, float]]:
        """Every section's seats, and the transform of their positions."""
        for section in self._sections:
            self._give_way()
            if section.rows:
                first, last = self._rows[section.rows[0]], self._rows[section.rows[-1]]
                origin = section.x if axis == "x" else section.y
                yield range(first.seats.start, last.seats.stop), origin, section.scale

    def _check_totals(self, seats_path: str) -> None:
        areas = len(self._areas)
        places = self._seats + sum(area.capacity for area in self._areas)
        if not self._seats and not areas and not self.faults.total:
            self.faults.add(seats_path, "has no rows with seats, and there are no areas")
        if self._seats > SEATS_MAX:
            message = f"has {self._seats:,} seats; at most {SEATS_MAX:,} are taken"
            self.faults.add(seats_path, message)
        if areas > AREAS_MAX:
            self.faults.add("areas", f"has {areas:,} areas; at most {AREAS_MAX:,} are taken")
        if self._seats <= SEATS_MAX and places > PLACES_MAX:
            message = f"make {places:,} places with the seats; at most {PLACES_MAX:,} are taken"
            self.faults.add("areas", message)
