import msgspec
import pytest

from event_seating.venues.errors import InvalidMap
from event_seating.venues.formats import encode_map, parse_map
from tests.support.seat_maps import encode, plan


def faults_of(value):
    with pytest.raises(InvalidMap) as caught:
        parse_map(encode(value))
    return [str(fault) for fault in caught.value.faults]


def test_a_place_is_the_sum_of_zone_row_and_seat():
    venue_map = parse_map(encode(plan()))
    assert (venue_map.x[3], venue_map.y[3]) == (100 + 5 + 10, 20 + 300 + 1)


def test_categories_are_known_by_name_and_have_no_price():
    venue_map = parse_map(encode(plan()))
    assert [(c.key, c.price) for c in venue_map.categories] == [("Stalls", None), ("Balcony", None)]
    assert venue_map.category == bytes([0, 0, 0, 1, 1, 1])


def test_seats_keep_their_printed_numbers_and_rows_their_letters():
    venue_map = parse_map(encode(plan()))
    assert venue_map.describe(4) == "Ground floor, row AA, seat 2"


def test_zones_of_one_name_become_sections_of_their_own():
    assert [s.id for s in parse_map(encode(plan())).sections] == ["Ground floor", "uuid-1"]


def test_zones_without_any_name_become_sections_too():
    value = plan()
    for zone in value["zones"]:
        del zone["uuid"]
        zone["name"] = ""
    assert [s.id for s in parse_map(encode(value)).sections] == ["zone-1", "zone-2"]


def test_a_zone_of_shapes_alone_is_drawn_and_is_no_section():
    value = plan()
    shape = {"shape": "text", "position": {"x": 1, "y": 2}, "text": {"text": "Bar"}}
    value["zones"].append({"name": "Foyer", "position": {"x": 9, "y": 9}, "areas": [shape]})
    venue_map = parse_map(encode(value))
    assert len(venue_map.sections) == 2
    assert msgspec.json.decode(venue_map.shapes)[0]["label"] == "Bar"


def test_the_answer_is_in_the_first_format_and_reads_as_the_same_map():
    once = encode_map(parse_map(encode(plan())))
    value = msgspec.json.decode(once)
    assert "zones" not in value
    assert value["sections"][1]["rows"][0]["seats"][0]["priceTier"] == "Balcony"
    again = parse_map(once)
    assert encode_map(again) == once
    assert (again.x[3], again.y[3]) == (115, 321)


def test_fields_that_are_not_known_are_kept_and_those_that_would_clash_are_renamed():
    value = plan(publisher="us", sections_note=1)
    value["zones"][0]["rows"][0]["seats"][0] |= {"radius": 3, "status": "odd"}
    answer = msgspec.json.decode(encode_map(parse_map(encode(value))))
    seat = answer["sections"][0]["rows"][0]["seats"][0]
    assert (seat["radius"], seat["plan_status"], seat["status"]) == (3, "odd", "available")
    assert (answer["publisher"], answer["sections"][0]["uuid"]) == ("us", "uuid-0")
    assert answer["priceTiers"]["Stalls"]["color"] == "red"


def test_areas_are_drawn_and_not_sold_and_the_stage_is_the_focal_point():
    value = plan()
    value["zones"][1]["areas"] = [
        {"shape": "circle", "position": {"x": 1, "y": 2}, "circle": {"radius": 9}, "color": "#eee"},
        {
            "shape": "rectangle",
            "position": {"x": 50, "y": 0},
            "rectangle": {"width": 200, "height": 60},
            "text": {"text": "Stage"},
        },
        {
            "shape": "ellipse",
            "position": {"x": 0, "y": 0},
            "ellipse": {"radius": {"x": 10, "y": 5}},
        },
        {"shape": "polygon", "polygon": {"points": [{"x": 1, "y": 1}, {"x": 2, "y": 2}]}},
    ]
    venue_map = parse_map(encode(value))
    assert venue_map.summary.areas == 0
    assert venue_map.focal_point == (100 + 50 + 100, 20 + 30)
    circle, _, ellipse, polygon = msgspec.json.decode(venue_map.shapes)
    assert (circle["x"], circle["y"], circle["radius"], circle["color"]) == (101, 22, 9, "#eee")
    assert (ellipse["x"], ellipse["width"]) == (90, 20)
    assert polygon["points"] == [{"x": 101, "y": 21}, {"x": 102, "y": 22}]


def test_faults_are_named_in_the_words_of_the_plan():
    value = plan()
    seats = value["zones"][0]["rows"][0]["seats"]
    seats[0]["category"] = "Loge"
    seats[1]["position"] = {"x": 1e9, "y": 0}
    del seats[2]["position"]
    value["zones"][1]["rows"][0]["seats"][2]["seat_guid"] = 7
    row = "zones[0].rows[0]"
    assert sorted(faults_of(value)) == [
        f'{row}.seats[0].category: "Loge" is not one of the categories',
        f"{row}.seats[1].position.x: is 1000000000.0; it must lie between -1,000,000 and 1,000,000",
        f"{row}.seats[2].position: is missing",
        "zones[1].rows[0].seats[2].seat_guid: must be a text, not a number",
    ]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"zones": []}, "zones"),
        ({"zones": 7}, "zones"),
        ({"zones": [7]}, "zones[0]"),
        ({"size": None}, "size"),
        ({"size": {"width": 0, "height": 1}}, "size.width"),
        ({"categories": {}}, "categories"),
        ({"name": " "}, "name"),
    ],
)
def test_a_plan_that_lacks_a_part_is_refused_with_its_path(fields, path):
    assert path in [fault.partition(": ")[0] for fault in faults_of(plan(**fields))]


def test_a_category_that_stands_twice_is_refused():
    value = plan()
    value["categories"].append({"name": "Stalls"})
    assert faults_of(value) == ['categories[2].name: "Stalls" stands twice']


def test_a_map_with_sections_is_of_the_first_format_whatever_zones_it_has():
    assert faults_of(plan(sections=[]))[0].startswith("map: ")
