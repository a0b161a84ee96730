"""The first seat-map format: sections of rows of seats. All maps are answered in this format.

Owns the names of its fields, and both reads it into a `VenueMap` and writes it:

    {venueId, name, map: {width, height}, priceTiers: {"1": {price, label}},
     sections: [{id, label, transform: {x, y, scale},
                 rows: [{index, seats: [{id, col, x, y, priceTier, status,
                                         label, accessible, companion}]}]}],
     areas: [{id, label, capacity, priceTier, x, y, width, height}], shapes: [...]}

A price is in major units. Fields that are not named here, `formatVersion` among them, are kept and
given back. The rules that hold for every format are in `builder`.
"""

from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

import msgspec

from event_seating.venues.formats.builder import MapBuilder, SeatNames
from event_seating.venues.formats.category_names import LABEL_MISSING, is_uuid, stand_in
from event_seating.venues.formats.checks import (
    Fields,
    MapFaults,
    number_fault,
    price_of,
    shown,
    size_fault,
    text_fault,
    unknown_of,
    whole,
    wrong_kind,
)
from event_seating.venues.formats.columns import SeatColumns, whole_numbers
from event_seating.venues.formats.shapes import encode_shapes, focal_point, read_shapes
from event_seating.venues.formats.spelling import meant
from event_seating.venues.model import (
    AREA_CAPACITY_MAX,
    ID_CHARS_MAX,
    SCALE_MAX,
    VENUE_ID_CHARS_MAX,
    Area,
    Category,
    Row,
    Section,
    VenueMap,
)

NAMES: Final = SeatNames("id", "label", "x", "y", "priceTier", "priceTiers")

TOP: Final = frozenset({"venueId", "name", "map", "priceTiers", "sections", "areas", "shapes"})
MAP: Final = frozenset({"width", "height"})
TIER: Final = frozenset({"price", "label"})
SECTION: Final = frozenset({"id", "label", "transform", "rows"})
TRANSFORM: Final = frozenset({"x", "y", "scale"})
ROW: Final = frozenset({"index", "seats"})
SEAT: Final = frozenset(
    {"id", "label", "col", "x", "y", "priceTier", "status", "accessible", "companion"}
)
AREA: Final = frozenset({"id", "label", "capacity", "priceTier", "x", "y", "width", "height"})


def read_sections(document: Mapping[str, Any], faults: MapFaults) -> VenueMap:
    """The map in a document of this format; raises `InvalidMap`, or what decoding raises.

    Adds faults and warnings to `faults`.
    """
    top = Fields(document, "", faults)
    builder = MapBuilder(NAMES, faults)
    # Tools leave the field empty as long as the venue has no id.
    unnamed = document.get("venueId") == ""
    venue_id = None if unnamed else top.optional_text("venueId", VENUE_ID_CHARS_MAX)
    name = top.shown_text("name")
    size = top.object("map")
    width, height = size.number("width", None, size_fault), size.number("height", None, size_fault)
    _read_tiers(top, builder)
    for section in top.objects("sections", needed="areas" not in document):
        _read_section(section, builder)
    for area in top.objects("areas", needed=False):
        _read_area(area, builder)
    shapes = read_shapes(top)
    return builder.finish(
        "sections",
        venue_id=venue_id,
        name=name,
        width=width,
        height=height,
        shapes=encode_shapes(shapes),
        focal_point=focal_point(shapes) or (width / 2, height / 2),
        map_extra=size.unknown(MAP),
        extra=top.unknown(TOP),
    )


def _read_tiers(top: Fields, builder: MapBuilder) -> None:
    tiers = top.object("priceTiers")
    builder.check_categories = isinstance(top.value.get("priceTiers"), dict)
    given = (tier.get("label") for tier in tiers.value.values() if isinstance(tier, dict))
    labels = {label for label in given if isinstance(label, str)}
    for number, (key, value) in enumerate(tiers.value.items(), 1):
        path = f"priceTiers[{shown(key)}]"
        if fault := text_fault(key, ID_CHARS_MAX):
            top.faults.add(path, f"the key {fault}")
        if not isinstance(value, dict):
            top.faults.add(path, wrong_kind(value, "an object"))
            value = {}  # noqa: PLW2901 - the key is still a category
        tier = Fields(value, path, top.faults)
        price = value.get("price")
        exact = None if price is None else price_of(price)
        if isinstance(exact, str):
            tier.fault("price", exact)
            exact = None
        label = tier.shown_text("label", key)
        if is_uuid(label):
            label = stand_in(number, labels)
            tier.faults.warnings.add("label_missing", tier.at("label"), LABEL_MISSING)
        labels.add(label)
        builder.add_category(Category(key, label, exact, tier.unknown(TIER)), path)


def _read_section(section: Fields, builder: MapBuilder) -> None:
    section_id = section.id("id")
    transform = section.object("transform", needed=False)
    read = Section(
        section_id,
        section.shown_text("label", section_id or "?"),
        transform.number("x", 0.0),
        transform.number("y", 0.0),
        transform.number("scale", 1.0, _scale_fault),
        range(0),
        section.unknown(SECTION),
        transform.unknown(TRANSFORM),
    )
    if transform.value.get("rotation") not in (None, 0):
        said = "a section's rotation is kept and not applied; turn the places of its seats"
        section.faults.warnings.add("not_applied", transform.at("rotation"), said)
    builder.add_section(read, section.at("id"))
    for number, row in enumerate(section.objects("rows")):
        _read_row(row, number, builder)


def _scale_fault(value: object) -> str | None:
    fault = number_fault(value, 0, SCALE_MAX)
    return "must be more than 0" if fault is None and value == 0 else fault


def _read_row(row: Fields, number: int, builder: MapBuilder) -> None:
    index = row.printed_number("index", str(number + 1))
    seats, places = seats_of(row)
    if not seats:
        return
    names: set[str] = set().union(*seats)
    column = _columns(seats, tuple(names & SEAT)).get
    nothing = (None,) * len(seats)
    columns = SeatColumns(
        path=row.path,
        places=places,
        ids=column("id", nothing),
        xs=column("x", nothing),
        ys=column("y", nothing),
        categories=whole_numbers(column("priceTier", nothing)),
        cols=whole_numbers(cols) if (cols := column("col")) else None,
        labels=column("label"),
        statuses=column("status"),
        accessible=column("accessible"),
        companion=column("companion"),
        extras=seat_extras(seats, places, row, SEAT) if names - SEAT else None,
    )
    builder.add_row(index, columns, row.unknown(ROW))


def _columns(seats: list[dict[str, Any]], names: tuple[str, ...]) -> dict[str, Sequence[Any]]:
    """The values of each of these fields; None for a seat without the field."""
    try:
        # Nearly always every seat has the same fields, and then this is twice as fast.
        values = zip(*map(itemgetter(*names), seats), strict=True) if len(names) > 1 else ()
        return dict(zip(names, values, strict=True))
    except (KeyError, ValueError):
        return {name: [seat.get(name) for seat in seats] for name in names}


def seats_of(row: Fields) -> tuple[list[dict[str, Any]], Sequence[int]]:
    """The seats of a row that are objects, and their indices in its list; others are faults."""
    seats = row.elements("seats")
    if row.value.get("seats") == []:
        row.faults.warnings.add("left_out", row.path, "the row has no seats; it is left out")
    if set(map(type, seats)) <= {dict}:
        return list(seats), range(len(seats))
    found = [(place, seat) for place, seat in enumerate(seats) if isinstance(seat, dict)]
    for place, seat in enumerate(seats):
        if not isinstance(seat, dict):
            row.fault(f"seats[{place}]", wrong_kind(seat, "an object"))
    return [seat for _, seat in found], [place for place, _ in found]


def seat_extras(
    seats: list[dict[str, Any]],
    places: Sequence[int],
    row: Fields,
    known: frozenset[str],
    taken: frozenset[str] = frozenset(),
) -> list[bytes]:
    """The unknown fields of each seat."""
    # Checked once for the row: a hundred thousand seats have the same few fields.
    names = set().union(*seats) - known
    are_odd = any(name in taken or meant(name, known) for name in names)
    return [
        unknown_of(seat, known, taken, f"{row.path}.seats[{place}]", row.faults, warn=are_odd)
        for place, seat in zip(places, seats, strict=True)
    ]


def _read_area(area: Fields, builder: MapBuilder) -> None:
    area_id = area.id("id")
    read = Area(
        area_id,
        area.shown_text("label", area_id or "?"),
        area.integer("capacity", 1, AREA_CAPACITY_MAX),
        builder.category(whole(area.value.get("priceTier")), area.at("priceTier")),
        area.number("x"),
        area.number("y"),
        area.number("width", None, size_fault),
        area.number("height", None, size_fault),
        area.unknown(AREA),
    )
    builder.add_area(read, area.at("id"))


def encode_map(venue_map: VenueMap) -> bytes:
    """The map in this format, with the unknown fields that it came with.

    The same map gives the same bytes, and reading them gives the same map.
    """
    answer: dict[str, Any] = {}
    if venue_map.venue_id is not None:
        answer["venueId"] = venue_map.venue_id
    size = {"width": plain(venue_map.width), "height": plain(venue_map.height)}
    answer["name"] = venue_map.name
    answer["map"] = size | _fields(venue_map.map_extra)
    answer["priceTiers"] = {tier.key: _tier(tier) for tier in venue_map.categories}
    answer["sections"] = [
        msgspec.Raw(_encode(_section(venue_map, section))) for section in venue_map.sections
    ]
    if venue_map.areas:
        answer["areas"] = [_area(venue_map, area) for area in venue_map.areas]
    if venue_map.shapes:
        answer["shapes"] = msgspec.Raw(venue_map.shapes)
    return _encode(answer | _fields(venue_map.extra))


_encode = msgspec.json.Encoder(decimal_format="number").encode


def _fields(extra: bytes) -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(extra, type=dict[str, msgspec.Raw]) if extra else {}


def plain(number: float) -> float:
    """A number as people write it: 650, not 650.0."""
    return int(number) if number.is_integer() else number


def _printed(text: str) -> str | int:
    """A key or an index; as a number if it is a whole number, as maps have it."""
    whole = text.isascii() and text.isdecimal() and len(text) <= len(str(2**53)) - 1
    return int(text) if whole and str(int(text)) == text else text


def _tier(tier: Category) -> dict[str, Any]:
    price = {} if tier.price is None else {"price": tier.price}
    return price | {"label": tier.label} | _fields(tier.extra)


def _section(venue_map: VenueMap, section: Section) -> dict[str, Any]:
    place = {"x": plain(section.x), "y": plain(section.y), "scale": plain(section.scale)}
    rows = (venue_map.rows[number] for number in section.rows)
    return {
        "id": section.id,
        "label": section.label,
        "transform": place | _fields(section.transform_extra),
        "rows": [_row(venue_map, row) for row in rows],
    } | _fields(section.extra)


def _row(venue_map: VenueMap, row: Row) -> dict[str, Any]:
    seats = list(_seats(venue_map, row.seats))
    return {"index": _printed(row.index), "seats": seats} | _fields(row.extra)


def _seats(venue_map: VenueMap, numbers: range) -> Iterator[dict[str, Any]]:
    tiers = [_printed(tier.key) for tier in venue_map.categories]
    labels, extras = venue_map.seat_labels, venue_map.seat_extras
    for number in numbers:
        seat = {
            "id": venue_map.seat_ids[number],
            "col": venue_map.cols[number],
            "x": plain(venue_map.own_x[number]),
            "y": plain(venue_map.own_y[number]),
            "priceTier": tiers[venue_map.category[number]],
            "status": "blocked" if venue_map.blocked[number] else "available",
        }
        if labels[number]:
            seat["label"] = labels[number]
        if venue_map.accessible[number]:
            seat["accessible"] = True
        if venue_map.companion[number]:
            seat["companion"] = True
        if number in extras:
            seat.update(_fields(extras[number]))
        yield seat


def _area(venue_map: VenueMap, area: Area) -> dict[str, Any]:
    return {
        "id": area.id,
        "label": area.label,
        "capacity": area.capacity,
        "priceTier": _printed(venue_map.categories[area.category].key),
        "x": plain(area.x),
        "y": plain(area.y),
        "width": plain(area.width),
        "height": plain(area.height),
    } | _fields(area.extra)
