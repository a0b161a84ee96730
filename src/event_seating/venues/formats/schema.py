"""The first seat-map format as a JSON Schema, for editors, other programs and our own document.

Owns the schema of each field that `sections` knows. Other fields are kept and given back, so every
object may have more of them. A schema cannot express what depends on two places at once (an id that
occurs twice, a category that the map does not have); the import reports those faults.
"""

from typing import Any, Final

from event_seating.venues.formats.columns import BLOCKING
from event_seating.venues.model import (
    AREA_CAPACITY_MAX,
    AREAS_MAX,
    CATEGORIES_MAX,
    ID_CHARS_MAX,
    PLACE_MAX,
    PRICE_DECIMALS_MAX,
    PRICE_MAX,
    SCALE_MAX,
    SHAPES_MAX,
    TEXT_CHARS_MAX,
    VENUE_ID_CHARS_MAX,
)

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_PRINTABLE: Final = r"^[^\u0000-\u001f\u007f-\u009f]*$"
"""No control characters; in JSON Schema, unlike Python, `$` matches only the very end."""

EXAMPLE: Final[Schema] = {
    "venueId": "club",
    "name": "Club",
    "map": {"width": 400, "height": 300},
    "priceTiers": {"1": {"price": 45, "label": "Stalls"}},
    "sections": [
        {
            "id": "A",
            "label": "Stalls",
            "rows": [
                {
                    "index": 1,
                    "seats": [
                        {"id": "A1", "x": 10, "y": 50, "priceTier": 1, "accessible": True},
                        {"id": "A2", "x": 20, "y": 50, "priceTier": 1},
                        {"id": "A3", "x": 30, "y": 50, "priceTier": 1},
                        {"id": "A4", "x": 40, "y": 50, "priceTier": 1},
                    ],
                }
            ],
        }
    ],
    "areas": [
        {
            "id": "FLOOR",
            "label": "Floor",
            "capacity": 100,
            "priceTier": 1,
            "x": 100,
            "y": 100,
            "width": 80,
            "height": 40,
        }
    ],
    "shapes": [{"type": "stage", "x": 0, "y": 0, "width": 100, "height": 30}],
}


def standalone() -> Schema:
    """The schema as a document of its own."""
    schemas = definitions("#/$defs/")
    whole = schemas.pop("SeatMap")
    something = {"anyOf": [{"required": ["sections"]}, {"required": ["areas"]}]}
    return {"$schema": DIALECT, **whole, **something, "$defs": schemas}


def definitions(ref: str) -> dict[str, Schema]:
    """All schemas by name; `ref` is put before a name where one schema refers to another."""
    return {
        "SeatMap": _seat_map(ref),
        "SeatMapSize": _object(
            "The size of a map, in map units, whatever they are.",
            {"width": _size(), "height": _size()},
            ("width", "height"),
        ),
        "SeatMapTier": _tier(),
        "SeatMapSection": _section(ref),
        "SeatMapTransform": _transform(),
        "SeatMapRow": _row(ref),
        "SeatMapSeat": _seat(),
        "SeatMapArea": _area(),
        "SeatMapShape": _shape(),
    }


def _seat_map(ref: str) -> Schema:
    return _object(
        "A seat map: what a venue has to sell, and where each place is.",
        {
            "venueId": {
                "type": "string",
                "pattern": rf"^(?!\.{{1,2}}$)[A-Za-z0-9._~-]{{1,{VENUE_ID_CHARS_MAX}}}$",
                "description": "Left out: one is made from the name.",
            },
            "name": _text("What the venue is called."),
            "map": {"$ref": f"{ref}SeatMapSize"},
            "priceTiers": {
                "type": "object",
                "description": "The price categories, each by the key that seats and areas name.",
                "additionalProperties": {"$ref": f"{ref}SeatMapTier"},
                "maxProperties": CATEGORIES_MAX,
            },
            "sections": {"type": "array", "items": {"$ref": f"{ref}SeatMapSection"}},
            "areas": {
                "type": "array",
                "items": {"$ref": f"{ref}SeatMapArea"},
                "maxItems": AREAS_MAX,
            },
            "shapes": {
                "type": "array",
                "items": {"$ref": f"{ref}SeatMapShape"},
                "maxItems": SHAPES_MAX,
            },
        },
        ("name", "map", "priceTiers"),
        examples=[EXAMPLE],
    )


def _tier() -> Schema:
    price = {
        "type": ["number", "string"],
        "minimum": 0,
        "maximum": int(PRICE_MAX),
        "pattern": rf"^[0-9]+(\.[0-9]{{1,{PRICE_DECIMALS_MAX}}})?$",
        "description": "In major units: 45 is 45.00. Left out: each event says it.",
    }
    return _object("A price category.", {"price": price, "label": _text("Else its key.")})


def _transform() -> Schema:
    place = {
        "x": _place("Where the section's own origin is on the map."),
        "y": _place(),
        "scale": {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": SCALE_MAX,
            "description": "By how much the places of its seats are multiplied.",
        },
    }
    return _object("Moves and enlarges a section.", place)


def _section(ref: str) -> Schema:
    rows = {"type": "array", "items": {"$ref": f"{ref}SeatMapRow"}, "minItems": 1}
    return _object(
        "A block of rows.",
        {
            "id": _text("Of no other section.", ID_CHARS_MAX),
            "label": _text("Else its id."),
            "transform": {"$ref": f"{ref}SeatMapTransform"},
            "rows": rows,
        },
        ("id", "rows"),
    )


def _row(ref: str) -> Schema:
    return _object(
        "Seats side by side, in their order from left to right.",
        {
            "index": {
                "type": ["integer", "string"],
                "maxLength": ID_CHARS_MAX,
                "pattern": _PRINTABLE,
                "description": "What is printed: 1, AA. Else its place in the section.",
            },
            "seats": {"type": "array", "items": {"$ref": f"{ref}SeatMapSeat"}, "minItems": 1},
        },
        ("seats",),
    )


def _seat() -> Schema:
    return _object(
        "A seat.",
        {
            "id": _text("Of no other seat and no area of the map.", ID_CHARS_MAX),
            "label": _text("Its printed name; else its column."),
            "col": {
                "type": "integer",
                "minimum": -PLACE_MAX,
                "maximum": PLACE_MAX,
                "description": "Its place in the row; a jump is an aisle. Else one after the last.",
            },
            "x": _place("Before the section's transform."),
            "y": _place(),
            "priceTier": _category(),
            "status": {
                "type": "string",
                "enum": sorted(BLOCKING),
                "description": "All but `available` begin as blocked; given back as `blocked`.",
            },
            "accessible": {"type": "boolean", "description": "For a wheelchair, say."},
            "companion": {"type": "boolean", "description": "Beside an accessible one."},
        },
        ("id", "x", "y", "priceTier"),
    )


def _area() -> Schema:
    return _object(
        "Room for people without seats.",
        {
            "id": _text("Of no other area and no seat of the map.", ID_CHARS_MAX),
            "label": _text("Else its id."),
            "capacity": {"type": "integer", "minimum": 1, "maximum": AREA_CAPACITY_MAX},
            "priceTier": _category(),
            "x": _place("Its upper left corner."),
            "y": _place(),
            "width": _size(),
            "height": _size(),
        },
        ("id", "capacity", "priceTier", "x", "y", "width", "height"),
    )


def _shape() -> Schema:
    return _object(
        "What is drawn and not sold. The first one that is called `stage`, by any of its names, is "
        "what people come to look at: seats are the better the nearer they are.",
        {
            "x": _place("Its upper left corner; its middle when it has no size."),
            "y": _place(),
            "width": _place(),
            "height": _place(),
        },
    )


def _object(
    description: str, properties: Schema, required: tuple[str, ...] = (), **more: Any
) -> Schema:
    needed = {"required": list(required)} if required else {}
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        **needed,
        "additionalProperties": True,
        **more,
    }


def _text(description: str, chars_max: int = TEXT_CHARS_MAX) -> Schema:
    return {
        "type": "string",
        "minLength": 1,
        "maxLength": chars_max,
        "pattern": _PRINTABLE,
        "description": description,
    }


def _category() -> Schema:
    return {"type": ["integer", "string"], "description": "The key of one of the `priceTiers`."}


def _place(description: str = "") -> Schema:
    said = {"description": description} if description else {}
    return {"type": "number", "minimum": -PLACE_MAX, "maximum": PLACE_MAX, **said}


def _size() -> Schema:
    return {"type": "number", "exclusiveMinimum": 0, "maximum": PLACE_MAX}
