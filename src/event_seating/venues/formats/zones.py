"""The seating-plan format of the leading open-source ticketing system, told apart by its `zones`.

Owns the names of its fields and the way from it into a `VenueMap`:

    {name, size: {width, height}, categories: [{name, color}],
     zones: [{name, position, rows: [{row_number, position, seats: [{seat_guid, seat_number,
              position, category}]}], areas: [{shape, position, ...}]}]}

A zone becomes a section, a seat's place is the sum of the three positions, and a zone's areas are
drawn and not sold, so they become shapes. A category is known by its name and has no price; the
event gives it one. It never writes this format: the answer is always in the first. Fields that it
does not know are kept; one whose name means something in the first format comes back as
`plan_<name>`.
"""

from collections.abc import Mapping
from typing import Any

from event_seating.venues.formats import sections
from event_seating.venues.formats.builder import MapBuilder, SeatNames
from event_seating.venues.formats.checks import (
    Faults,
    Fields,
    id_fault,
    number_fault,
    size_fault,
    text_fault,
    wrong_kind,
)
from event_seating.venues.formats.columns import SeatColumns
from event_seating.venues.formats.shapes import encode_shapes, focal_point
from event_seating.venues.model import (
    ID_CHARS_MAX,
    SHAPES_MAX,
    Category,
    Section,
    VenueMap,
)

NAMES = SeatNames("seat_guid", "seat_number", "position.x", "position.y", "category", "categories")

TOP = frozenset({"name", "size", "categories", "zones"})
SIZE = frozenset({"width", "height"})
CATEGORY = frozenset({"name"})
ZONE = frozenset({"name", "position", "rows", "areas"})
ROW = frozenset({"row_number", "position", "seats"})
SEAT = frozenset({"seat_guid", "seat_number", "position", "category"})
SHAPE = frozenset({"shape", "position"})
PLACE = frozenset({"x", "y", "width", "height", "type", "label", "radius", "points"})


def read_zones(document: Mapping[str, Any]) -> VenueMap:
    """The map in a document of this format; raises `InvalidMap`, or what decoding raises."""
    faults = Faults()
    top = Fields(document, "", faults)
    builder = MapBuilder(NAMES, faults)
    name = top.text("name")
    size = top.object("size")
    width, height = size.number("width", None, size_fault), size.number("height", None, size_fault)
    builder.check_categories = isinstance(document.get("categories"), list)
    for category in top.objects("categories"):
        key = category.text("name", chars_max=ID_CHARS_MAX)
        read = Category(key, key, None, category.unknown(CATEGORY, sections.TIER))
        builder.add_category(read, category.at("name"))
    shapes: list[Fields] = []
    taken: set[str] = set()
    for number, zone in enumerate(top.objects("zones")):
        _read_zone(zone, number, taken, builder)
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


def _read_zone(zone: Fields, number: int, taken: set[str], builder: MapBuilder) -> None:
    if zone.value.get("rows") in (None, []):
        return  # It holds shapes alone; the caller takes those.
    section_id = _section_id(zone, number, taken)
    x, y = _position(zone)
    label = zone.value.get("name") or section_id
    if fault := text_fault(label):
        zone.fault("name", fault)
    extra = zone.unknown(ZONE, sections.SECTION)
    section = Section(section_id, str(label), x, y, 1.0, range(0), extra)
    builder.add_section(section, zone.at("name"))
    for row_number, row in enumerate(zone.objects("rows")):
        _read_row(row, row_number, builder)


def _section_id(zone: Fields, number: int, taken: set[str]) -> str:
    """The first name that fits and is free: plans may give two zones the same, or none."""
    candidates = [zone.value.get(name) for name in ("zone_id", "name", "uuid")]
    for candidate in (*candidates, f"zone-{number + 1}", f"zone-{number + 1}-{len(taken)}"):
        if id_fault(candidate) is None and candidate not in taken:
            taken.add(str(candidate))
            return str(candidate)
    return f"zone-{number + 1}"


def _position(place: Fields) -> tuple[float, float]:
    """The `position` of a zone, a row or a shape; without one it is where its parent is."""
    position = place.object("position", needed=False)
    return position.number("x", 0.0), position.number("y", 0.0)


def _read_row(row: Fields, number: int, builder: MapBuilder) -> None:
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
    extras = None
    if set().union(*seats) - SEAT:
        extras = sections.seat_extras(seats, places, row, SEAT, sections.SEAT)
    columns = SeatColumns(
        path=row.path,
        places=places,
        ids=[seat.get("seat_guid") for seat in seats],
        labels=[_label(seat.get("seat_number")) for seat in seats],
        xs=[position.get("x") for position in positions],
        ys=[position.get("y") for position in positions],
        categories=[seat.get("category") for seat in seats],
        extras=extras,
        offset=offset,
    )
    builder.add_row(index, columns, row.unknown(ROW, sections.ROW))


def _label(seat_number: object) -> object:
    """The printed number of a seat; some plans have it as a number."""
    return str(seat_number) if type(seat_number) is int else seat_number


def _shape(zone: Fields, area: Fields) -> Fields:
    """A zone's area as a shape of the first format; `area` keeps what else it says."""
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
        # The answer's format places it by the corner of the box around it.
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
