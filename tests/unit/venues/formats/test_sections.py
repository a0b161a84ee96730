from decimal import Decimal

import msgspec
import pytest

from event_seating.venues.formats import encode_map, parse_map
from tests.support.seat_maps import area, encode, seat, seat_map


def parsed(**fields):
    return parse_map(encode(seat_map(**fields)))


def with_seats(*seats, **section):
    return [{"id": "A", "rows": [{"index": 1, "seats": list(seats)}]} | section]


def answered(value):
    return msgspec.json.decode(encode_map(parse_map(encode(value))))


def test_a_map_is_answered_as_it_came():
    assert answered(seat_map(areas=[area()])) == seat_map(areas=[area()])


def test_seats_rows_and_sections_keep_their_order():
    sections = [
        {"id": name, "rows": [{"index": r, "seats": [seat(1, id=f"{name}{r}")]} for r in (2, 1)]}
        for name in ("B", "A")
    ]
    venue_map = parsed(sections=sections)
    assert venue_map.seat_ids == ("B2", "B1", "A2", "A1")
    assert [section.rows for section in venue_map.sections] == [range(2), range(2, 4)]


@pytest.mark.parametrize("status", ["held", "reserved", "sold", "occupied", "blocked", "booked"])
def test_a_seat_that_was_taken_elsewhere_is_blocked(status):
    venue_map = parsed(sections=with_seats(seat(1, status=status), seat(2)))
    assert venue_map.blocked == b"\1\0"


def test_a_seat_without_a_status_is_for_sale():
    bare = {key: value for key, value in seat(1).items() if key != "status"}
    assert parsed(sections=with_seats(bare)).blocked == b"\0"


def test_the_transform_of_a_section_moves_and_enlarges_its_seats():
    sections = with_seats(seat(1, x=3, y=4), transform={"x": 100, "y": 200.5, "scale": 2})
    venue_map = parsed(sections=sections)
    assert (venue_map.x[0], venue_map.y[0]) == (106, 208.5)
    assert (venue_map.own_x[0], venue_map.own_y[0]) == (3, 4)
    assert answered(seat_map(sections=sections))["sections"][0]["rows"][0]["seats"][0]["x"] == 3


@pytest.mark.parametrize(
    ("written", "price"),
    [
        ("45", "45"),
        ("45.10", "45.10"),
        ("0", "0"),
        ("1000000", "1000000"),
        ("0.0001", "0.0001"),
        ('"19.99"', "19.99"),
        ("12345.6789", "12345.6789"),
    ],
)
def test_a_price_keeps_every_digit(written, price):
    body = encode(seat_map()).replace(b'"price":45', b'"price":' + written.encode())
    venue_map = parse_map(body)
    assert str(venue_map.categories[0].price) == price
    assert f'"price":{price}'.encode() in encode_map(venue_map)


def test_a_tier_may_have_no_price_and_no_label():
    category = parsed(priceTiers={"1": {}}).categories[0]
    assert (category.key, category.label, category.price) == ("1", "1", None)


def test_a_tier_is_named_by_number_or_by_text():
    tiers = {"1": {"price": 10, "label": "A"}, "vip": {"price": 20, "label": "B"}}
    seats = (seat(1, priceTier=1), seat(2, priceTier="1"), seat(3, priceTier="vip"))
    venue_map = parsed(priceTiers=tiers, sections=with_seats(*seats))
    assert venue_map.category == bytes([0, 0, 1])
    assert venue_map.categories[1].price == Decimal(20)


def test_accessible_companion_and_label_are_taken_over_and_given_back():
    first, second = seat(1, accessible=True, label="W1"), seat(2, companion=True)
    venue_map = parsed(sections=with_seats(first, second))
    assert (venue_map.accessible, venue_map.companion) == (b"\1\0", b"\0\1")
    assert venue_map.seat_labels == ("W1", None)
    assert answered(seat_map(sections=with_seats(first, second)))["sections"][0]["rows"][0][
        "seats"
    ] == [first, second]


def test_a_seat_without_a_column_follows_the_one_before_it():
    seats = [{key: value for key, value in seat(n).items() if key != "col"} for n in range(1, 4)]
    seats[1]["col"] = 7
    assert list(parsed(sections=with_seats(*seats)).cols) == [1, 7, 8]


def test_fields_that_are_not_known_are_given_back_wherever_they_stand():
    value = seat_map(
        formatVersion=3,
        zones=[{"this": "is not a plan"}],
        author={"name": "Ada", "tools": [1, 2.5, None]},
        map={"width": 400, "height": 300, "unit": "cm"},
        priceTiers={"1": {"price": 45, "label": "Economy", "fee": 1e25}},
        areas=[area(polygon=[[0, 1], [2, 3]])],
        shapes=[{"type": "text", "text": "Bar", "x": 3, "y": 4, "font": {"size": 12}}],
    )
    value["sections"][0]["door"] = "north"
    value["sections"][0]["transform"]["rotation"] = 12.5
    value["sections"][0]["rows"][0]["step"] = True
    value["sections"][0]["rows"][0]["seats"][2]["view"] = "a pillar"
    assert answered(value) == value


def test_the_answer_is_a_fixed_point():
    value = seat_map(areas=[area()], note="kept")
    value["sections"][0]["rows"][0]["seats"][0] |= {"x": 1.1, "status": "sold", "row": "7"}
    once = encode_map(parse_map(encode(value)))
    assert encode_map(parse_map(once)) == once


def test_rows_and_columns_need_not_be_numbered():
    venue_map = parsed(sections=[{"id": "A", "rows": [{"seats": [seat(1)]}]}])
    assert venue_map.rows[0].index == "1"
    assert venue_map.sections[0].label == "A"


def test_a_map_of_areas_alone_is_a_map():
    value = seat_map(areas=[area()])
    del value["sections"]
    assert parse_map(encode(value)).places == 300


def test_the_stage_is_the_focal_point():
    stage = {"type": "rectangle", "label": " Stage ", "x": 10, "y": 20, "width": 100, "height": 40}
    assert parsed(shapes=[{"label": "Bar", "x": 0, "y": 0}, stage]).focal_point == (60, 40)


def test_a_stage_of_points_has_its_middle_as_focal_point():
    points = [{"x": 0, "y": 0}, {"x": 30, "y": 0}, {"x": 0, "y": 60}]
    assert parsed(shapes=[{"id": "stage", "points": points}]).focal_point == (10, 20)


def test_without_a_stage_the_middle_of_the_map_is_the_focal_point():
    assert parsed().focal_point == (200, 150)


def test_texts_of_any_script_are_taken():
    name = "Königsloge 貴賓席 😀 of\u00a0ours"
    assert parsed(sections=with_seats(seat(1, id=name))).seat_ids == (name,)
