"""The JSON Schema of the first seat-map format, held against the maps that are taken and given."""

from typing import Any

import jsonschema_rs
import msgspec
import pytest

from event_seating.venues.arenas import arena
from event_seating.venues.errors import InvalidMap
from event_seating.venues.formats import encode_map, parse_map, schema, sections
from tests.support.seat_maps import area, plan, seat, seat_map
from tests.support.seating import seat_map as hall

VALIDATOR = jsonschema_rs.Draft202012Validator(schema.standalone())

STAGE = {"type": "stage", "x": 0, "y": 0, "points": [{"x": 1, "y": 2}]}
FULL = seat_map(
    areas=[area()],
    shapes=[STAGE],
    sections=[
        {
            "id": "A",
            "transform": {"x": 5, "y": -5, "scale": 2.5},
            "rows": [
                {"index": "AA", "seats": [seat(1, label="1a", accessible=True), seat(2)]},
                {"seats": [seat(3, companion=True, status="sold", colour="red")]},
            ],
        }
    ],
)


def valid(value: Any) -> bool:
    return VALIDATOR.is_valid(value)


def given_back(value: Any) -> Any:
    return msgspec.json.decode(encode_map(parse_map(msgspec.json.encode(value))))


def test_it_is_a_schema() -> None:
    jsonschema_rs.meta.validate(schema.standalone())


def test_its_example_is_a_map() -> None:
    assert valid(schema.EXAMPLE)
    assert parse_map(msgspec.json.encode(schema.EXAMPLE)).summary.seats == 4


@pytest.mark.parametrize("made", [seat_map(), FULL, hall(), plan(), schema.EXAMPLE], ids=str)
def test_a_map_that_is_given_back_fits(made: dict[str, Any]) -> None:
    assert valid(given_back(made))


@pytest.mark.parametrize(("seats", "standing"), [(500, 0), (15_000, 2_000)])
def test_an_arena_fits(seats: int, standing: int) -> None:
    made = arena(seats, standing=standing)
    assert valid(made)
    assert valid(given_back(made))


def test_it_names_the_fields_that_the_format_knows() -> None:
    schemas = schema.definitions("")
    for name, known in (
        ("SeatMap", sections.TOP), ("SeatMapSize", sections.MAP), ("SeatMapTier", sections.TIER),
        ("SeatMapSection", sections.SECTION), ("SeatMapTransform", sections.TRANSFORM),
        ("SeatMapRow", sections.ROW), ("SeatMapSeat", sections.SEAT),
        ("SeatMapArea", sections.AREA),
    ):  # fmt: skip
        assert schemas[name]["properties"].keys() == known, name


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a\nb"),
        ("map", {"width": 0, "height": 1}),
        ("map", {"width": 10}),
        ("priceTiers", []),
        ("priceTiers", {"1": {"price": -1}}),
        ("sections", [{"id": "A", "rows": []}]),
        ("sections", [{"id": "A", "rows": [{"seats": []}]}]),
        ("sections", [{"id": "A", "rows": [{"seats": [seat(1, x="1")]}]}]),
        ("sections", [{"id": "A", "rows": [{"seats": [seat(1, status="gone")]}]}]),
        ("sections", [{"id": "A", "rows": [{"seats": [seat(1, accessible="yes")]}]}]),
        ("sections", [{"id": "A", "rows": [{"seats": [{"id": "1"}]}]}]),
        ("areas", [area(capacity=0)]),
        ("areas", [area(capacity=100_001)]),
        ("areas", [area(x=1_000_001)]),
        ("shapes", ["stage"]),
    ],
)
def test_what_it_refuses_is_refused_by_the_import(field: str, value: Any) -> None:
    wrong = seat_map(**{field: value})
    assert not valid(wrong)
    with pytest.raises(InvalidMap):
        given_back(wrong)
