import contextlib
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from event_seating.venues.errors import InvalidMap
from event_seating.venues.formats import ReadMap, encode_map, parse_map, read_map
from tests.support.seat_maps import area, encode, plan, seat_map

quickly = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=70),
    st.sampled_from(["1", "A", "A-1-01", "FLOOR", "held", "stage", "", "\x00"]),
    st.sampled_from([1.0, "z0-1", "uuid-1", "Not available", "No category", "\u200b", "a\u202e"]),
    st.uuids().map(str),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def places_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [path] if path else []
    for key, child in inner:
        deeper = isinstance(child, dict | list)
        found += places_in(child, (*path, key)) if deeper else [(*path, key)]
    return found


def full_map() -> dict[str, Any]:
    return seat_map(areas=[area()], shapes=[{"id": "stage", "x": 1, "y": 2, "points": []}])


def full_plan() -> dict[str, Any]:
    shape = {"shape": "circle", "position": {"x": 1, "y": 1}, "circle": {"radius": 3}}
    value = plan()
    value["zones"][0]["areas"] = [shape | {"text": {"text": "Stage"}, "polygon": {"points": [{}]}}]
    return value


@st.composite
def spoilt_maps(draw: st.DrawFn) -> dict[str, Any]:
    """A right map of either format in which a few values are replaced, or removed."""
    value = draw(st.sampled_from([full_map, full_plan]))()
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(places_in(value)))
        holder: Any = value
        with contextlib.suppress(KeyError, IndexError, TypeError):
            for key in path:
                holder = holder[key]
            if draw(st.booleans()):
                holder[last] = draw(values)
            elif isinstance(holder, dict):
                del holder[last]
    return value


def read(body: bytes) -> ReadMap | InvalidMap:
    try:
        return read_map(body)
    except InvalidMap as invalid:
        return invalid


def is_map_or_invalid(body: bytes) -> None:
    outcome = read(body)
    if isinstance(outcome, InvalidMap):
        assert outcome.faults
        encode([outcome.details, str(outcome)])
        return
    assert len(encode([outcome.warnings, outcome.warnings_left_out])) < 50_000
    once = encode_map(outcome.venue_map)
    again = parse_map(once)
    assert encode_map(again) == once
    assert again.seat_ids == outcome.venue_map.seat_ids


@quickly
@given(st.binary(max_size=200))
@example(b'{"zones": [{"rows": 1}], "categories": [{"name": "\\ud800"}]}')
def test_any_bytes_are_a_map_or_an_invalid_map(body: bytes) -> None:
    is_map_or_invalid(body)


@quickly
@given(spoilt_maps())
def test_a_map_with_any_values_in_it_is_a_map_or_an_invalid_map(value: dict[str, Any]) -> None:
    is_map_or_invalid(encode(value))


TOKENS = [b"NaN", b"1e999", rb'"\ud800"', b"-Infinity", b"1e-99999999999999999999", b"\xff", b"{"]


@quickly
@given(st.sampled_from([full_map, full_plan]), st.data())
def test_a_map_with_any_tokens_in_it_is_a_map_or_an_invalid_map(
    make: Any, data: st.DataObject
) -> None:
    value = make()
    *path, last = data.draw(st.sampled_from(places_in(value)))
    holder: Any = value
    for key in path:
        holder = holder[key]
    holder[last] = "PUT HERE"
    is_map_or_invalid(encode(value).replace(b'"PUT HERE"', data.draw(st.sampled_from(TOKENS))))
