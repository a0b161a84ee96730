"""Recognises bodies that are not seat maps, so that an error can name what they are.

Owns the marks of other programs' files. The sender learns what the file seems to be, what was
expected, and what to do. It reads no format: everything named here is refused.
"""

import codecs
from collections.abc import Mapping
from typing import Any, Final

from event_seating.venues.formats.checks import KINDS, shown

SECTIONS_FIELDS: Final = ("sections", "areas", "priceTiers", "map")
"""A document with any of these fields is meant to be in the first format."""

LOOKED_FOR: Final = (
    "looked for `sections` or `areas` with `map` and `priceTiers` (a seat map),"
    " and for `zones` with `size` and `categories` (a seating plan)"
)

SEATS_IO_FIELDS: Final = ("subChart", "subChartFloors")

SAVE: Final = "save it as UTF-8"
"""What to do about any other encoding."""

FIELDS_NAMED_MAX: Final = 8
"""Fields of an unknown document that are named."""

HEAD_BYTES: Final = 1_024
"""How much of a body is needed to see its kind."""

_BINARY: Final = (
    (b"PK\x03\x04", "a ZIP archive, such as an XLSX or ODS spreadsheet"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x1f\x8b", "a gzip archive; send it unpacked"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word document"),
)


def kind_of_body(body: bytes | bytearray) -> str | None:
    """The fault of a body that is not JSON, if its kind is recognised."""
    if not body.strip():
        return "is empty; send the seat map as JSON"
    head = bytes(body[:HEAD_BYTES])
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in head[:4]:
        return f"is UTF-16 or UTF-32 text; {SAVE}"
    for start, kind in _BINARY:
        if head.startswith(start):
            return f"is {kind}; only JSON is taken here"
    text = head.lstrip()
    if text.startswith(b"<"):
        kind = "an SVG drawing" if b"<svg" in text.lower() else "XML or HTML"
        return f"is {kind}; only JSON is taken here"
    line = text.partition(b"\n")[0]
    if text[:1] not in b"{[\"'" and (b"," in line or b";" in line or b"\t" in line):
        return "looks like CSV; only JSON is taken here"
    return None


def kind_of_document(document: Mapping[str, Any]) -> str | None:
    """The fault of a JSON object that has neither format; None if it has one."""
    if "sections" in document:
        return None
    categories = document.get("categories")
    seats_io = [name for name in SEATS_IO_FIELDS if name in document]
    if seats_io or (isinstance(categories, dict) and isinstance(categories.get("list"), list)):
        mark = f"`{seats_io[0]}`" if seats_io else "`categories.list`"
        return (
            f"is a chart of seats.io (it has {mark}), a format that cannot be read yet;"
            f" {LOOKED_FOR}"
        )
    if "zones" in document or any(name in document for name in SECTIONS_FIELDS):
        return None
    return f"is of no format that is known: {LOOKED_FOR}; {_found(document)}"


def kind_of_value(value: object) -> str:
    """The fault of a JSON value that is not an object."""
    return f"must be a JSON object, not {KINDS.get(type(value), 'something else')}"


def _found(document: Mapping[str, Any]) -> str:
    if document.get("type") == "FeatureCollection":
        return "found GeoJSON"
    if not document:
        return "found an empty object"
    names = [shown(name).strip('"') for name in list(document)[:FIELDS_NAMED_MAX]]
    more = len(document) - len(names)
    listed = ", ".join(f"`{name}`" for name in names)
    return f"found {listed}{f' and {more:,} more' if more else ''}"
