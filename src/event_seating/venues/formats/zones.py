"""The seating-plan format of the leading open-source ticketing system, recognised by its `zones`.

Owns the names of its fields, and reads it into a `VenueMap`:

    {name, size: {width, height}, categories: [{name, color, label}],
     zones: [{name, position, rows: [{row_number, position, seats: [{seat_guid, seat_number,
              position, category}]}], areas: [{shape, position, ...}]}]}

A zone becomes a section, a seat's position is the sum of the three positions, and a zone's areas,
which are drawn and not sold, become shapes. A category is identified by its name and has no price;
the event gives it one. Oddities of real plans are corrected with a warning: seats that share a
`seat_guid` (see `seat_guids`), seats without a category, categories called by a UUID. This format
is never written: answers are always in the first. Unknown fields are kept; one whose name means
something in the first format comes back as `plan_<name>`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from event_seating.venues.formats import sections
from event_seating.venues.formats.builder import MapBuilder, SeatNames
from event_seating.venues.formats.category_names import (
    LABEL_MISSING,
    NO_CATEGORY,
    is_uuid,
    stand_in,
)
from event_seating.venues.formats.checks import (
    Fields,
    MapFaults,
    id_fault,
    number_fault,
    size_fault,
    text_fault,
    whole,
    wrong_kind,
)
from event_seating.venues.formats.columns import SeatColumns
from event_seating.venues.formats.document import Elements
from event_seating.venues.formats.seat_guids import SeatGuids
from event_seating.venues.formats.shapes import encode_shapes, focal_point
from event_seating.venues.model import (
    SHAPES_MAX,
    Category,
    Section,
    VenueMap,
)

NAMES: Final = SeatNames(
    "seat_guid", "seat_number", "position.x", "position.y", "category", "categories"
)

TOP: Final = frozenset({"name", "size", "categories", "zones"})
SIZE: Final = frozenset({"width", "height"})
CATEGORY: Final = frozenset({"name", "label"})
ZONE: Final = frozenset({"name", "position", "rows", "areas"})
ROW: Final = frozenset({"row_number", "position", "seats"})
SEAT: Final = frozenset({"seat_guid", "seat_number", "position", "category"})
SHAPE: Final = frozenset({"shape", "position"})
NAMELESS: Final = (None, "")
"""The values for a category without a name."""

PLACE: Final = frozenset({"x", "y", "width", "height", "type", "label", "radius", "points"})


def read_zones(document: Mapping[str, Any], faults: MapFaults) -> VenueMap:
    """The map in a document of this format; raises `InvalidMap`, or what decoding raises.

    Adds faults and warnings to `faults`.
    """
    top = Fields(document, "", faults)
    builder = MapBuilder(NAMES, faults)
    name = top.shown_text("name")
    size = top.object("size")
    width, height = size.number("width", None, size_fault), size.number("height", None, size_fault)
    zones = document.get("zones")
    listed = zones if isinstance(zones, list | Elements) else ()
    plan = _Plan(builder, SeatGuids(listed, faults.warnings))
    plan.read_categories(top)
    shapes: list[Fields] = []
    for number, zone in enumerate(top.objects("zones")):
        plan.read_zone(zone, number)
        shapes += [_shape(zone, area) for area in zone.objects("areas", needed=False)]
    if len(shapes) > SHAPES_MAX:
        top.fault("zones", f"has {len(shapes):,} areas; at most {SHAPES_MAX:,} are taken")
    return builder.finish(
        "zones",
        venue_id=None,
        name=name,
        width=width,
        height=height,
        shapes=encode_shapes(shapes),
        focal_point=focal_point(shapes) or (width / 2, height / 2),
        map_extra=size.unknown(SIZE),
        extra=top.unknown(TOP, sections.TOP),
    )


class _Plan:
    """One plan while it is read: its categories, the used ids, and the growing map."""

    def __init__(self, builder: MapBuilder, guids: SeatGuids) -> None:
        self._builder = builder
        self._guids = guids
        self._section_ids: set[str] = set()
        self._categories: set[str] = set()
        self._no_category_extra = b""

    def read_categories(self, top: Fields) -> None:
        """The categories; one without a name is for the seats without a category."""
        listed = top.value.get("categories")
        self._builder.check_categories = isinstance(listed, list)
        categories = list(top.objects("categories"))
        labels = {str(category.value.get("name")) for category in categories}
        for number, category in enumerate(categories, 1):
            extra = category.unknown(CATEGORY, sections.TIER)
            if category.value.get("name") in NAMELESS:
                self._no_category_extra = self._no_category_extra or extra
                continue
            key = category.id("name")
            label = category.shown_text("label", key)
            if is_uuid(label):
                label = stand_in(number, labels)
                category.faults.warnings.add("label_missing", category.at("name"), LABEL_MISSING)
            labels.add(label)
            self._categories.add(key)
            self._builder.add_category(Category(key, label, None, extra), category.at("name"))

    def read_zone(self, zone: Fields, number: int) -> None:
        """A zone as a section; one with areas alone has no section: the caller reads its areas."""
        if zone.value.get("rows") in (None, []):
            if not zone.value.get("areas"):
                said = "the zone has neither rows nor areas; it is left out"
                zone.faults.warnings.add("left_out", zone.path, said)
            return
        section_id = self._section_id(zone, number)
        x, y = _position(zone)
        label = zone.value.get("name") or section_id
        if fault := text_fault(label):
            zone.fault("name", fault)
        label = zone.without_hidden("name", str(label))
        extra = zone.unknown(ZONE, sections.SECTION)
        section = Section(section_id, label, x, y, 1.0, range(0), extra)
        self._builder.add_section(section, zone.at("name"))
        for row_number, row in enumerate(zone.objects("rows")):
            self._read_row(row, row_number)

    def _section_id(self, zone: Fields, number: int) -> str:
        """The first valid and unused name: plans may give two zones the same name, or none."""
        taken = self._section_ids
        candidates = [zone.value.get(name) for name in ("zone_id", "name", "uuid")]
        for candidate in (*candidates, f"zone-{number + 1}", f"zone-{number + 1}-{len(taken)}"):
            if id_fault(candidate) is None and candidate not in taken:
                taken.add(str(candidate))
                return str(candidate)
            if isinstance(candidate, str) and candidate in taken:
                said = "another zone has this id already; this one goes by its next name"
                zone.faults.warnings.add("id_changed", zone.path, said)
        return f"zone-{number + 1}"

    def _read_row(self, row: Fields, number: int) -> None:
        index = row.printed_number("row_number", str(number + 1))
        offset = _position(row)
        seats, places = sections.seats_of(row)
        if not seats:
            return
        positions = []
        for place, seat in zip(places, seats, strict=True):
            position = seat.get("position")
            if not isinstance(position, dict):
                row.fault(f"seats[{place}].position", wrong_kind(position, "an object"))
                position = {"x": 0, "y": 0}
            positions.append(position)
        guids = [seat.get("seat_guid") for seat in seats]
        ids = [
            self._guids.of(seat, f"{row.path}.seats[{place}].seat_guid")
            for place, seat in zip(places, seats, strict=True)
        ]
        if ids != guids:
            seats = list(map(_with_guid, seats, ids))
        extras = None
        if set().union(*seats) - SEAT:
            extras = sections.seat_extras(seats, places, row, SEAT, sections.SEAT)
        columns = SeatColumns(
            path=row.path,
            places=places,
            ids=ids,
            labels=[_label(seat.get("seat_number")) for seat in seats],
            xs=[position.get("x") for position in positions],
            ys=[position.get("y") for position in positions],
            categories=self._categories_of(seats, places, row),
            extras=extras,
            offset=offset,
        )
        self._builder.add_row(index, columns, row.unknown(ROW, sections.ROW))

    def _categories_of(
        self, seats: list[dict[str, Any]], places: Sequence[int], row: Fields
    ) -> list[Any]:
        categories = [seat.get("category") for seat in seats]
        for at, (place, category) in enumerate(zip(places, categories, strict=True)):
            if category in NAMELESS:
                categories[at] = self._no_category()
                said = f'the seat has no category; it is in "{NO_CATEGORY}", which needs a price'
                row.faults.warnings.add("no_category", f"{row.path}.seats[{place}].category", said)
        return categories

    def _no_category(self) -> str:
        """The category of seats without one; added to the map when the first seat needs it."""
        if NO_CATEGORY not in self._categories:
            self._categories.add(NO_CATEGORY)
            added = Category(NO_CATEGORY, NO_CATEGORY, None, self._no_category_extra)
            self._builder.add_category(added, "categories")
        return NO_CATEGORY


def _with_guid(seat: dict[str, Any], seat_id: Any) -> dict[str, Any]:
    """The seat with the `seat_guid` that it had, if its id is another."""
    guid = seat.get("seat_guid")
    return seat if seat_id == guid or not guid else {**seat, "plan_seat_guid": guid}


def _position(place: Fields) -> tuple[float, float]:
    """The `position` of a zone, a row or a shape; (0, 0), that of its parent, without one."""
    position = place.object("position", needed=False)
    return position.number("x", 0.0), position.number("y", 0.0)


def _label(seat_number: object) -> object:
    """The printed number of a seat; some plans have it as a number."""
    seat_number = whole(seat_number)
    return str(seat_number) if type(seat_number) is int else seat_number


def _shape(zone: Fields, area: Fields) -> Fields:
    """A zone's area as a shape of the first format, with its other fields."""
    x, y = _position(area)
    origin = zone.object("position", needed=False).value
    x, y = x + _number(origin.get("x")), y + _number(origin.get("y"))
    shape: dict[str, Any] = {"type": area.text("shape", "rectangle"), "x": x, "y": y}
    text = area.value.get("text")
    if isinstance(text, dict) and isinstance(text.get("text"), str) and text["text"].strip():
        shape["label"] = text["text"].strip()
    rectangle, circle, polygon, ellipse = (
        area.value.get(name) for name in ("rectangle", "circle", "polygon", "ellipse")
    )
    if isinstance(rectangle, dict):
        shape["width"] = _number(rectangle.get("width"))
        shape["height"] = _number(rectangle.get("height"))
    if isinstance(circle, dict):
        shape["radius"] = _number(circle.get("radius"))
    if isinstance(ellipse, dict) and isinstance(radius := ellipse.get("radius"), dict):
        # The first format has the upper left corner of the box around it.
        across, down = _number(radius.get("x")), _number(radius.get("y"))
        shape |= {"x": x - across, "y": y - down, "width": 2 * across, "height": 2 * down}
    if isinstance(polygon, dict) and isinstance(polygon.get("points"), list):
        shape["points"] = [
            {"x": x + _number(point.get("x")), "y": y + _number(point.get("y"))}
            for point in polygon["points"]
            if isinstance(point, dict)
        ]
    rest = {
        n if n not in PLACE else f"plan_{n}": v for n, v in area.value.items() if n not in SHAPE
    }
    return Fields(shape | rest, area.path, area.faults)


def _number(value: object) -> float:
    return 0.0 if number_fault(value) else float(value)  # type: ignore[arg-type]
