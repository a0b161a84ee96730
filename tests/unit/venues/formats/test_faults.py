import pytest

from event_seating.venues.errors import InvalidMap
from event_seating.venues.formats import parse_map
from event_seating.venues.formats.checks import FAULTS_MAX
from event_seating.venues.model import (
    AREA_CAPACITY_MAX,
    AREAS_MAX,
    CATEGORIES_MAX,
    SEATS_MAX,
    SHAPES_MAX,
)
from tests.support.seat_maps import area, encode, seat, seat_map

ROW = "sections[0].rows[0]"
NOTHING = "sections: has no rows with seats, and there are no areas"
UNKNOWN_STATUS = (
    '"gone" is not a status; known are available, blocked, booked, held, occupied, reserved, sold'
)


def invalid(body):
    with pytest.raises(InvalidMap) as caught:
        parse_map(body)
    return caught.value


def faults_of(value):
    return [str(fault) for fault in invalid(encode(value)).faults]


def with_seats(*seats):
    return seat_map(sections=[{"id": "A", "rows": [{"index": 1, "seats": list(seats)}]}])


def with_one(**fields):
    return with_seats(seat(1), seat(2, **fields))


# Ids


def test_a_seat_id_that_stands_twice_in_a_row_names_both_places():
    assert faults_of(with_seats(seat(1), seat(2), seat(3, id="A-1-01"))) == [
        f'{ROW}.seats[2].id: "A-1-01" stands twice (first at {ROW}.seats[0].id)'
    ]


def test_a_seat_id_that_stands_twice_across_sections_names_both_places():
    rows = [{"index": 1, "seats": [seat(1), seat(2)]}]
    value = seat_map(sections=[{"id": "A", "rows": rows}, {"id": "B", "rows": rows}])
    assert faults_of(value) == [
        f'sections[1].rows[0].seats[{n}].id: "A-1-0{n + 1}" stands twice '
        f"(first at {ROW}.seats[{n}].id)"
        for n in range(2)
    ]


def test_the_first_place_is_right_although_some_seats_before_it_are_no_objects():
    assert faults_of(with_seats(7, seat(1), "x", seat(1))) == [
        f"{ROW}.seats[0]: must be an object, not a number",
        f"{ROW}.seats[2]: must be an object, not a text",
        f'{ROW}.seats[3].id: "A-1-01" stands twice (first at {ROW}.seats[1].id)',
    ]


def test_an_area_must_not_have_the_id_of_a_seat_or_of_another_area():
    value = seat_map(areas=[area(id="A-1-02"), area(), area()])
    assert faults_of(value) == [
        f'areas[0].id: "A-1-02" stands twice (first at {ROW}.seats[1].id)',
        'areas[2].id: "FLOOR" stands twice (first at areas[1].id)',
    ]


def test_a_section_id_stands_once():
    section = {"id": "A", "rows": [{"seats": [seat(1)]}]}
    other = {"id": "A", "rows": [{"seats": [seat(2)]}]}
    assert faults_of(seat_map(sections=[section, other])) == [
        'sections[1].id: "A" stands twice (first at sections[0].id)'
    ]


@pytest.mark.parametrize(
    ("seat_id", "fault"),
    [
        (None, "is missing"),
        ("", "is empty"),
        (" ", "is empty"),
        (12, "must be a text, not a number"),
        (["A"], "must be a text, not a list"),
        ("x" * 129, "has 129 characters; at most 128 are taken"),
        ("A\n1", "has a control character or half a surrogate pair at character 2"),
        ("A\x00", "has a control character or half a surrogate pair at character 2"),
        ("\x9f", "has a control character or half a surrogate pair at character 1"),
    ],
)
def test_an_id_that_does_not_do_is_named(seat_id, fault):
    assert faults_of(with_one(id=seat_id)) == [f"{ROW}.seats[1].id: {fault}"]


def test_half_a_surrogate_pair_is_named_wherever_it_stands():
    body = encode(seat_map(note="NOTE")).replace(b"A-1-02", rb"A\ud800")
    fault = "has a control character or half a surrogate pair at character 2"
    assert [str(f) for f in invalid(body).faults] == [f"{ROW}.seats[1].id: {fault}"]
    body = encode(seat_map(note="NOTE")).replace(b'"NOTE"', rb'{"deep": "\udc00"}')
    assert "surrogate" in invalid(body).faults[0].message


# What there must be


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"sections": []}, NOTHING),
        ({"sections": None}, "sections: is missing"),
        ({"sections": {}}, "sections: must be a list, not an object"),
        ({"sections": [{"id": "A", "rows": []}]}, NOTHING),
        ({"sections": [{"id": "A"}]}, "sections[0].rows: is missing"),
        ({"sections": [{"id": "A", "rows": [{"seats": []}]}]}, NOTHING),
        ({"sections": [{"id": "A", "rows": [{}]}]}, f"{ROW}.seats: is missing"),
        ({"sections": [{"id": "A", "rows": [5]}]}, f"{ROW}: must be an object, not a number"),
        ({"sections": [None]}, "sections[0]: is missing"),
        ({"name": ""}, "name: is empty"),
        ({"name": "\t"}, "name: is empty"),
        ({"name": "a\tb"}, "name: has a control character or half a surrogate pair at character 2"),
        ({"name": "x" * 201}, "name: has 201 characters; at most 200 are taken"),
        ({"venueId": " "}, "venueId: is empty"),
        ({"map": None}, "map: is missing"),
        ({"map": {"width": 0, "height": 5}}, "map.width: must be more than 0"),
        ({"map": {"width": 5, "height": "5"}}, "map.height: must be a number, not a text"),
        ({"priceTiers": None}, "priceTiers: is missing"),
        ({"priceTiers": []}, "priceTiers: must be an object, not a list"),
        ({"shapes": [1]}, "shapes[0]: must be an object, not a number"),
        ({"shapes": [{"x": "1"}]}, "shapes[0].x: must be a number, not a text"),
        ({"areas": {}}, "areas: must be a list, not an object"),
    ],
)
def test_a_part_that_lacks_or_is_of_the_wrong_kind_is_named(fields, fault):
    assert faults_of(seat_map(**fields)) == [fault]


@pytest.mark.parametrize(
    ("transform", "fault"),
    [
        ({"scale": 0}, ".scale: must be more than 0"),
        ({"scale": -1}, ".scale: is -1; it must lie between 0 and 1,000"),
        ({"scale": 1001}, ".scale: is 1001; it must lie between 0 and 1,000"),
        ({"x": "3"}, ".x: must be a number, not a text"),
        ({"y": True}, ".y: must be a number, not true or false"),
        (3, ": must be an object, not a number"),
    ],
)
def test_a_transform_that_cannot_be_applied_is_named(transform, fault):
    value = seat_map()
    value["sections"][0]["transform"] = transform
    assert faults_of(value) == [f"sections[0].transform{fault}"]


# Places


@pytest.mark.parametrize(
    ("token", "fault"),
    [
        ("NaN", "is NaN, not a number"),
        ("Infinity", "is infinite"),
        ("-Infinity", "is infinite"),
        ("1e999", "is infinite"),
        ("-1e999", "is infinite"),
        ("1000000.5", "is 1000000.5; it must lie between -1,000,000 and 1,000,000"),
        ("null", "is missing"),
        ('"7"', "must be a number, not a text"),
        ("true", "must be a number, not true or false"),
    ],
)
@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_place_that_is_none_is_named(token, fault, axis):
    body = encode(with_one(**{axis: "PLACE"})).replace(b'"PLACE"', token.encode())
    assert [str(f) for f in invalid(body).faults] == [f"{ROW}.seats[1].{axis}: {fault}"]


def test_a_not_a_number_in_a_field_that_is_not_known_is_refused_too():
    body = encode(seat_map(note="NOTE")).replace(b'"NOTE"', b"NaN")
    assert "not valid JSON" in invalid(body).faults[0].message


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("col", 1.5, "is not whole"),
        ("col", "1", "must be a whole number, not a text"),
        ("col", 2**40, f"is {2**40}; it must lie between -1,000,000 and 1,000,000"),
        ("accessible", 1, "must be true or false, not a number"),
        ("companion", "A-1-01", "must be true or false, not a text"),
        ("label", 12, "must be a text, not a number"),
        ("label", "a\x7f", "has a control character or half a surrogate pair at character 2"),
        ("status", 0, "must be a text, not a number"),
        ("status", "gone", UNKNOWN_STATUS),
        ("priceTier", 2, "2 is not one of the priceTiers"),
        ("priceTier", "VIP", '"VIP" is not one of the priceTiers'),
        ("priceTier", None, "is missing"),
        ("priceTier", True, "must be one of the priceTiers, not true or false"),
        ("priceTier", [1], "must be one of the priceTiers, not a list"),
    ],
)  # fmt: skip
def test_a_field_of_a_seat_that_does_not_do_is_named(field, value, fault):
    assert faults_of(with_one(**{field: value})) == [f"{ROW}.seats[1].{field}: {fault}"]


# Prices


@pytest.mark.parametrize(
    ("price", "fault"),
    [
        ("-1", "is negative: -1"),
        ("-0.01", "is negative: -0.01"),
        ("1000000.01", "is absurd, more than 1,000,000: 1000000.01"),
        ("1e300", "is absurd, more than 1,000,000: 1E+300"),
        (
            "33.300000000000004",
            "has more than 4 decimals, which no currency has: 33.300000000000004",
        ),
        ("1e-300", "has more than 4 decimals, which no currency has: 1E-300"),
        ("NaN", "is not a finite number: nan"),
        ("1e999", "is not a finite number: inf"),
        ('"cheap"', 'is not a price: "cheap"'),
        ('"NaN"', 'is not a finite number: "NaN"'),
        ("true", "must be a number, not true or false"),
        ("[1]", "must be a number, not a list"),
    ],
)
def test_a_price_that_does_not_do_is_named(price, fault):
    body = encode(seat_map()).replace(b'"price":45', b'"price":' + price.encode())
    assert [str(f) for f in invalid(body).faults] == [f'priceTiers["1"].price: {fault}']


def test_a_missing_list_of_tiers_is_one_fault_and_not_one_a_seat():
    value = seat_map()
    del value["priceTiers"]
    assert faults_of(value) == ["priceTiers: is missing"]


def test_a_tier_that_is_no_object_is_one_fault_and_not_one_a_seat():
    assert faults_of(seat_map(priceTiers={"1": 45})) == [
        'priceTiers["1"]: must be an object, not a number'
    ]


def test_a_tier_key_and_label_are_texts_that_do():
    value = seat_map(priceTiers={"1": {"label": ""}, "\n": {}})
    assert [fault.partition(": ")[0] for fault in faults_of(value)] == [
        'priceTiers["1"].label', 'priceTiers["\\n"]', 'priceTiers["\\n"].label'
    ][:2]  # fmt: skip


# Areas and limits


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"capacity": 0}, f"capacity: is 0; it must lie between 1 and {AREA_CAPACITY_MAX:,}"),
        ({"capacity": 100_001}, "capacity: is 100001; it must lie between 1 and 100,000"),
        ({"capacity": 2.5}, "capacity: is not whole"),
        ({"capacity": None}, "capacity: is missing"),
        ({"priceTier": 9}, "priceTier: 9 is not one of the priceTiers"),
        ({"width": 0}, "width: must be more than 0"),
        ({"x": None}, "x: is missing"),
        ({"id": "\x07"}, "id: has a control character or half a surrogate pair at character 1"),
    ],
)
def test_a_field_of_an_area_that_does_not_do_is_named(fields, fault):
    assert faults_of(seat_map(areas=[area(**fields)])) == [f"areas[0].{fault}"]


def test_more_places_than_an_event_holds_are_refused():
    areas = [area(id=f"F{n}", capacity=100_000) for n in range(2)]
    assert faults_of(seat_map(areas=areas)) == [
        "areas: make 200,004 places with the seats; at most 200,000 are taken"
    ]


def test_more_areas_or_shapes_than_fit_are_refused():
    areas = [area(id=f"F{n}", capacity=1) for n in range(AREAS_MAX + 1)]
    assert faults_of(seat_map(areas=areas)) == ["areas: has 1,001 areas; at most 1,000 are taken"]
    shapes = [{}] * (SHAPES_MAX + 1)
    assert faults_of(seat_map(shapes=shapes)) == [
        "shapes: has 10,001 shapes; at most 10,000 are taken"
    ]


def test_more_categories_than_fit_are_refused():
    tiers = {str(n): {} for n in range(CATEGORIES_MAX + 2)}
    assert faults_of(seat_map(priceTiers=tiers)) == [
        'priceTiers["250"]: is one category too many; at most 250 fit'
    ]


@pytest.mark.parametrize("count", [SEATS_MAX + 1, 200_000])
def test_more_seats_than_fit_are_refused(count):
    rows = [
        {"seats": [seat(n, x=n % 5_000) for n in range(start, min(start + 5_000, count))]}
        for start in range(0, count, 5_000)
    ]
    assert faults_of(seat_map(sections=[{"id": "A", "rows": rows}])) == [
        f"sections: has {count:,} seats; at most 100,000 are taken"
    ]


# All at once


def test_every_fault_is_named_at_once():
    value = seat_map(name=" ", areas=[area(capacity=-1)], priceTiers={"1": {"price": -3}})
    value["sections"][0]["rows"][0]["seats"] = [
        seat(1, id=""), seat(2, x=None, priceTier=8), seat(3, status="?", col="a"), seat(3),
    ]  # fmt: skip
    assert {fault.partition(": ")[0] for fault in faults_of(value)} == {
        "name",
        'priceTiers["1"].price',
        f"{ROW}.seats[0].id",
        f"{ROW}.seats[1].x",
        f"{ROW}.seats[1].priceTier",
        f"{ROW}.seats[2].status",
        f"{ROW}.seats[2].col",
        f"{ROW}.seats[3].id",
        "areas[0].capacity",
    }


def test_faults_are_named_up_to_a_limit_and_counted_beyond_it():
    error = invalid(encode(with_seats(*[seat(n, x=None, y="") for n in range(5_000)])))
    assert len(error.faults) == FAULTS_MAX
    assert error.total == 10_000
    assert error.details["faults"] == 10_000


def test_a_fault_repeats_no_more_than_a_little_of_what_was_sent():
    (fault,) = faults_of(with_one(status="é" * 100_000))
    assert len(fault) < 300


# What is no map at all


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is empty"),
        (b'{"name": "x",\n "map": }', "line 2 column 9"),
        (b'{"name": "x"} extra', "line 1 column 15"),
        (b'{"name": "\xff"}', "not UTF-8 from byte 11 on"),
        (b"[1]", "must be a JSON object"),
        (b'"sections"', "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'{"sections": ' + b"[" * 200_000, "nested too deeply"),
        (b'{"n": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}", "nested too deeply"),
        (b'{"name": ' + b"9" * 6_000 + b"}", "not valid JSON"),
    ],
)
def test_a_body_that_is_no_map_says_where_or_why(body, said):
    (fault,) = invalid(body).faults
    assert said in str(fault)


def test_a_fault_of_json_in_one_section_is_found_as_well():
    body = encode(seat_map()).replace(b'"col":3', b'"col":')
    assert "line 1 column" in str(invalid(body).faults[0])
