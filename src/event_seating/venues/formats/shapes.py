"""Shapes: what is drawn on a map and not sold, the stage above all.

Owns the checks of the `shapes` list and the search for the focal point in it. A shape is an object
of any fields; those that say where it is are `x` and `y`, with `width` and `height` (then `x` and
`y` are its upper left corner) or without (then they are its middle), or `points: [{x, y}]`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from event_seating.venues.formats.checks import Fields, number_fault
from event_seating.venues.model import SHAPES_MAX

STAGE: Final = "stage"
"""What the shape is called that people come to look at."""

NAMING: Final = ("id", "name", "label", "type", "text")
"""The fields that may call it so."""


def read_shapes(top: Fields) -> list[Fields]:
    """The shapes of a map, with what is wrong with them noted."""
    shapes = list(top.objects("shapes", needed=False))
    if len(shapes) > SHAPES_MAX:
        top.fault("shapes", f"has {len(shapes):,} shapes; at most {SHAPES_MAX:,} are taken")
    for shape in shapes:
        for name in ("x", "y", "width", "height"):
            if name in shape.value and (fault := number_fault(shape.value[name])):
                shape.fault(name, fault)
        if not _is_place(shape.value) and not _has_points(shape.value):
            said = "the shape does not say where it is (`x` and `y`, or `points`); it is not drawn"
            top.faults.warnings.add("not_drawn", shape.path, said)
    return shapes


def encode_shapes(shapes: Iterable[Fields]) -> bytes:
    """The shapes as a JSON list, empty when there are none."""
    encoded = [shape.unknown(frozenset()) or b"{}" for shape in shapes]
    return b"[" + b",".join(encoded) + b"]" if encoded else b""


def focal_point(shapes: Iterable[Fields]) -> tuple[float, float] | None:
    """The middle of the first shape that is called stage and says where it is."""
    for shape in shapes:
        names = (shape.value.get(name) for name in NAMING)
        called = any(isinstance(name, str) and name.strip().lower() == STAGE for name in names)
        if called and (middle := _middle(shape.value)):
            return middle
    return None


def _middle(shape: Mapping[str, Any]) -> tuple[float, float] | None:
    points = shape.get("points")
    if isinstance(points, list) and points and all(map(_is_place, points)):
        count = len(points)
        return sum(p["x"] for p in points) / count, sum(p["y"] for p in points) / count
    if not _is_place(shape):
        return None
    width, height = shape.get("width", 0), shape.get("height", 0)
    if number_fault(width) or number_fault(height):
        return None
    return shape["x"] + width / 2, shape["y"] + height / 2


def _has_points(shape: Mapping[str, Any]) -> bool:
    points = shape.get("points")
    return isinstance(points, list) and any(map(_is_place, points))


def _is_place(value: object) -> bool:
    return isinstance(value, Mapping) and not (
        number_fault(value.get("x")) or number_fault(value.get("y"))
    )
