"""The two formats of seat maps, and the one in which they are answered.

    read = read_map(body)                 # a ReadMap, or InvalidMap with the path of every fault
    answer = encode_map(read.venue_map)   # the first format, always

Owns the choice between the formats: a plan with `zones` and without `sections` has the second one.
Files of other kinds are refused by name. Reading a large map takes tens of milliseconds, so a
server does it in a thread.
"""

import codecs
from collections.abc import Mapping
from typing import Any, NamedTuple

from event_seating.venues.errors import InvalidMap, MapFault
from event_seating.venues.formats.checks import MapFaults
from event_seating.venues.formats.document import UNREADABLE, open_document, open_leniently
from event_seating.venues.formats.recognition import (
    SAVE,
    kind_of_body,
    kind_of_document,
    kind_of_value,
)
from event_seating.venues.formats.sections import encode_map, read_sections
from event_seating.venues.formats.zones import read_zones
from event_seating.venues.model import MapWarning, VenueMap

__all__ = ["ReadMap", "encode_map", "parse_map", "read_map"]


class ReadMap(NamedTuple):
    """An accepted map, and warnings for its author."""

    venue_map: VenueMap
    warnings: tuple[MapWarning, ...]
    warnings_left_out: int


def read_map(body: bytes | bytearray) -> ReadMap:
    """The map in a JSON body of either format; `InvalidMap` names every fault."""
    if body.startswith(codecs.BOM_UTF8):  # noqa: FURB188 - it would copy 32 MB that have none
        body = body[len(codecs.BOM_UTF8) :]
    faults = MapFaults()
    try:
        venue_map = _read(open_document(body), faults)
    except UNREADABLE as error:
        raise _diagnosed(body, error) from None
    return ReadMap(venue_map, faults.warnings.listed(), faults.warnings.left_out)


def parse_map(body: bytes | bytearray) -> VenueMap:
    """Only the map in a body, for one that was accepted before."""
    return read_map(body).venue_map


def _read(document: Mapping[str, Any], faults: MapFaults) -> VenueMap:
    if unknown := kind_of_document(document):
        raise InvalidMap([MapFault("", unknown)])
    if "zones" in document and "sections" not in document:
        return read_zones(document, faults)
    return read_sections(document, faults)


def _diagnosed(body: bytes | bytearray, error: Exception) -> InvalidMap:
    """The faults of a body that the strict decoder refused, with their paths if possible."""
    if kind := kind_of_body(body):
        return InvalidMap([MapFault("", kind)])
    try:
        document = open_leniently(body)
        if not isinstance(document, dict):
            return InvalidMap([MapFault("", kind_of_value(document))])
        _read(document, MapFaults())
    except InvalidMap as invalid:
        return invalid
    except (RecursionError, ValueError) as reason:
        return InvalidMap([MapFault("", _unreadable(reason))])
    return InvalidMap([MapFault("", _unreadable(error))])


def _unreadable(reason: Exception) -> str:
    if isinstance(reason, RecursionError):
        return "is nested too deeply"
    if isinstance(reason, UnicodeDecodeError):
        return f"is not UTF-8 from byte {reason.start + 1:,} on; {SAVE}"
    return f"is not valid JSON: {reason}"
