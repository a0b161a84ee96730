"""Shapes: things that are drawn on a map and not sold, such as the stage.

Owns the checks of the `shapes` list and the search for the focal point in it. A shape is an object
with any fields. Its position is `x` and `y`, the upper left corner if it has `width` and `height`
and otherwise the middle, or `points: [{x, y}]`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from event_seating.venues.formats.checks import Fields, number_fault
from event_seating.venues.model import SHAPES_MAX

STAGE: Final = "stage"
"""The name of the shape that is the focal point."""

NAMING: Final = ("id", "name", "label", "type", "text")
"""The fields that may have that name."""


def read_shapes(top: Fields) -> list[Fields]:
    """The shapes of a map; adds their faults and warnings to those of `top`."""
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
    """The middle of the first shape that is called stage and has a position."""
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
