"""The formats that seat maps come in, and the one that they are answered in.

    venue_map = parse_map(body)      # a VenueMap, or InvalidMap with the path of every fault
    answer = encode_map(venue_map)   # the first format, always

Owns the choice between the formats: a plan that has `zones` and no `sections` is of the second.
Needs tens of milliseconds for a large map, so a server calls it in a thread.
"""

from collections.abc import Mapping
from typing import Any

from event_seating.errors import InvalidMap, MapFault
from event_seating.venues.formats.document import UNREADABLE, open_document, open_leniently
from event_seating.venues.formats.sections import encode_map, read_sections
from event_seating.venues.formats.zones import read_zones
from event_seating.venues.model import VenueMap

__all__ = ["encode_map", "parse_map"]


def parse_map(body: bytes | bytearray) -> VenueMap:
    """The map in a JSON body of either format; raises `InvalidMap` that names every fault."""
    try:
        return _read(open_document(body))
    except UNREADABLE as error:
        raise _diagnosed(body, error) from None


def _read(document: Mapping[str, Any]) -> VenueMap:
    if "zones" in document and "sections" not in document:
        return read_zones(document)
    return read_sections(document)


def _diagnosed(body: bytes | bytearray, error: Exception) -> InvalidMap:
    """What is wrong with a body that the strict decoder refused, by path if that can be."""
    try:
        document = open_leniently(body)
        if not isinstance(document, dict):
            return InvalidMap([MapFault("", "must be a JSON object")])
        _read(document)
    except InvalidMap as invalid:
        return invalid
    except RecursionError:
        return InvalidMap([MapFault("", "is nested too deeply")])
    except ValueError as reason:
        return InvalidMap([MapFault("", f"is not valid JSON: {reason}")])
    return InvalidMap([MapFault("", f"is not valid JSON: {error}")])
