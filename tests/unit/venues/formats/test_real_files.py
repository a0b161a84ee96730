"""What real files have that a strict reader would refuse, and what is said about it."""

import codecs
import json
import uuid
from typing import Any

import msgspec
import pytest

from event_seating.venues.errors import InvalidMap
from event_seating.venues.formats import encode_map, parse_map, read_map
from event_seating.venues.formats.map_warnings import WARNINGS_MAX
from event_seating.venues.model import MapWarning, VenueMap
from tests.support import seat_maps
from tests.support.seat_maps import area, encode, seat, seat_map

SEAT_1 = "zones[0].rows[0].seats[0]"


def plan(**fields: Any) -> dict[str, Any]:
    """A plan about which there is nothing to say."""
    value = seat_maps.plan(**fields)
    value["zones"][1]["name"] = "Balcony"
    return value


def taken(value: Any) -> tuple[VenueMap, list[tuple[str, str]]]:
    """The map, and the code and path of each warning; read again it is the same map."""
    read = read_map(encode(value))
    once = encode_map(read.venue_map)
    assert encode_map(parse_map(once)) == once
    return read.venue_map, [(warning.code, warning.path) for warning in read.warnings]


def warnings_of(value: Any) -> list[MapWarning]:
    return list(read_map(encode(value)).warnings)


def faults_of(body: bytes) -> list[str]:
    with pytest.raises(InvalidMap) as caught:
        parse_map(body)
    return [str(fault) for fault in caught.value.faults]


def seats_of(value: dict[str, Any], zone: int = 0) -> list[dict[str, Any]]:
    seats: list[dict[str, Any]] = value["zones"][zone]["rows"][0]["seats"]
    return seats


def with_seats(*seats: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"id": "A", "label": "Stalls", "rows": [{"index": 1, "seats": list(seats)}]}]


class TestRepeatedGuids:
    def test_each_seat_of_a_repeated_guid_takes_its_uuid(self) -> None:
        value = plan()
        for zone in (0, 1):
            for number, each in enumerate(seats_of(value, zone)):
                each |= {"seat_guid": f"G-{number}", "uuid": f"u-{zone}-{number}"}
        seats_of(value)[2]["seat_guid"] = "own"
        venue_map, warnings = taken(value)
        assert venue_map.seat_ids == ("u-0-0", "u-0-1", "own", "u-1-0", "u-1-1", "G-2")
        assert warnings == [("id_changed", f"{SEAT_1}.seat_guid")]
        assert "(4 times, first here)" in warnings_of(value)[0].message

    def test_the_id_of_a_seat_does_not_hang_on_the_order_of_the_plan(self) -> None:
        value = plan()
        for zone in (0, 1):
            for number, each in enumerate(seats_of(value, zone)):
                each |= {"seat_guid": "same", "uuid": f"u-{zone}-{number}"}
        ids = set(taken(value)[0].seat_ids)
        value["zones"].reverse()
        assert set(taken(value)[0].seat_ids) == ids

    def test_without_a_uuid_it_gets_a_number_that_no_other_seat_has(self) -> None:
        value = plan()
        for zone, guids in enumerate((["A", "A", "A-2"], ["A", "B", "B"])):
            for each, guid in zip(seats_of(value, zone), guids, strict=True):
                each["seat_guid"] = guid
        venue_map, warnings = taken(value)
        assert venue_map.seat_ids == ("A", "A-3", "A-2", "A-4", "B", "B-2")
        assert warnings == [("id_changed", "zones[0].rows[0].seats[1].seat_guid")]

    def test_a_uuid_that_is_another_seats_id_is_not_taken(self) -> None:
        value = plan()
        for each, (guid, own) in zip(
            seats_of(value), (("A", "B"), ("A", "C"), ("B", "D")), strict=True
        ):
            each |= {"seat_guid": guid, "uuid": own}
        for each in seats_of(value, 1):
            each |= {"uuid": "C"}
        assert taken(value)[0].seat_ids[:3] == ("A", "C", "B")

    def test_a_seat_without_a_guid_takes_its_uuid(self) -> None:
        value = plan()
        seats_of(value)[0] |= {"seat_guid": "", "uuid": "u"}
        del seats_of(value)[1]["seat_guid"]
        seats_of(value)[1]["uuid"] = "v"
        venue_map, warnings = taken(value)
        assert venue_map.seat_ids[:2] == ("u", "v")
        assert [code for code, _ in warnings] == ["id_changed"]

    def test_a_seat_with_neither_is_a_fault(self) -> None:
        value = plan()
        del seats_of(value)[1]["seat_guid"]
        assert faults_of(encode(value)) == ["zones[0].rows[0].seats[1].seat_guid: is missing"]

    def test_what_the_plan_had_as_guid_is_kept(self) -> None:
        value = plan()
        for number, each in enumerate(seats_of(value)):
            each |= {"seat_guid": "G", "uuid": f"u-{number}"}
        answer = msgspec.json.decode(encode_map(taken(value)[0]))
        first = answer["sections"][0]["rows"][0]["seats"][0]
        assert (first["id"], first["uuid"], first["plan_seat_guid"]) == ("u-0", "u-0", "G")

    def test_an_id_that_gets_a_number_stays_short_enough(self) -> None:
        value = plan()
        for each in seats_of(value):
            each["seat_guid"] = "x" * 128
        ids = taken(value)[0].seat_ids[:3]
        assert len(set(ids)) == 3
        assert max(map(len, ids)) == 128


class TestCategories:
    @pytest.mark.parametrize("category", ["", None])
    def test_seats_without_a_category_are_in_one_that_needs_a_price(self, category: Any) -> None:
        value = plan()
        seats_of(value)[0]["category"] = category
        del seats_of(value)[1]["category"]
        venue_map, warnings = taken(value)
        added = venue_map.categories[2]
        assert (added.key, added.price, added.for_sale) == ("No category", None, True)
        assert venue_map.category == bytes([2, 2, 0, 1, 1, 1])
        assert warnings == [("no_category", f"{SEAT_1}.category")]

    def test_a_category_without_a_name_is_theirs_and_keeps_its_colour(self) -> None:
        value = plan()
        value["categories"].append({"name": "", "color": "#abc"})
        assert len(taken(value)[0].categories) == 2
        seats_of(value)[0]["category"] = ""
        answer = msgspec.json.decode(encode_map(taken(value)[0]))
        assert answer["priceTiers"]["No category"] == {"label": "No category", "color": "#abc"}

    @pytest.mark.parametrize(
        "name", ["Not available", "UNAVAILABLE", "not-for-sale", "Nicht verfügbar", "Bloqué"]
    )
    def test_seats_of_a_category_that_is_not_for_sale_begin_as_blocked(self, name: str) -> None:
        value = plan()
        value["categories"][1]["name"] = name
        for each in seats_of(value, 1):
            each["category"] = name
        venue_map, warnings = taken(value)
        assert venue_map.blocked == b"\0\0\0\1\1\1"
        assert [category.for_sale for category in venue_map.categories] == [True, False]
        assert warnings == [("not_for_sale", "zones[1].rows[0].seats[0].category")]

    def test_so_they_do_in_the_first_format_unless_there_is_a_price(self) -> None:
        tiers: dict[str, Any] = {"1": {"price": 45}, "2": {"label": "Not available"}}
        value = seat_map(priceTiers=tiers, sections=with_seats(seat(1), seat(2, priceTier=2)))
        assert taken(value)[0].blocked == b"\0\1"
        tiers["2"]["price"] = 10
        venue_map, warnings = taken(value)
        assert (venue_map.blocked, warnings) == (b"\0\0", [])

    def test_a_category_called_by_a_uuid_is_shown_by_its_number(self) -> None:
        names = [str(uuid.UUID(int=number)) for number in range(2)]
        value = plan(categories=[{"name": name} for name in names])
        for zone in (0, 1):
            for each in seats_of(value, zone):
                each["category"] = names[zone]
        venue_map, warnings = taken(value)
        assert [(c.key, c.label) for c in venue_map.categories] == [
            (names[0], "Category 1"),
            (names[1], "Category 2"),
        ]
        assert warnings == [("label_missing", "categories[0].name")]

    def test_a_label_that_is_given_is_shown(self) -> None:
        name = str(uuid.uuid4())
        value = seat_map(
            priceTiers={"1": {"label": "Category 2"}, name: {}, uuid.uuid4().hex: {"label": "Box"}}
        )
        labels = [category.label for category in taken(value)[0].categories]
        assert labels == ["Category 2", "Category 3", "Box"]
        value = plan()
        value["categories"][0]["label"] = "Parquet"
        assert taken(value)[0].categories[0].label == "Parquet"


class TestFormsOfValues:
    @pytest.mark.parametrize("make", [seat_map, plan])
    def test_a_byte_order_mark_is_no_part_of_the_map(self, make: Any) -> None:
        assert parse_map(codecs.BOM_UTF8 + encode(make())).name == make()["name"]

    def test_floats_that_are_whole_are_whole_numbers(self) -> None:
        sections = with_seats(seat(1, col=1.0, priceTier=1.0), seat(2, col=2.0))
        sections[0]["rows"][0]["index"] = 4.0
        value = seat_map(sections=sections, areas=[area(capacity=300.0, priceTier=1.0)])
        body = json.dumps(value).encode()
        assert b"300.0" in body
        venue_map = parse_map(body)
        assert (venue_map.rows[0].index, list(venue_map.cols)) == ("4", [1, 2])
        assert venue_map.places == 302

    def test_numbers_of_rows_and_seats_in_a_plan_may_be_floats(self) -> None:
        value = plan()
        value["zones"][0]["rows"][0]["row_number"] = 3.0
        seats_of(value)[0]["seat_number"] = 7.0
        assert parse_map(json.dumps(value).encode()).describe(0) == "Ground floor, row 3, seat 7"

    def test_rows_and_sections_without_seats_are_left_out(self) -> None:
        value = seat_map()
        value["sections"][0]["rows"].append({"index": 2, "seats": []})
        value["sections"].insert(0, {"id": "B", "rows": []})
        value["sections"].append({"id": "C", "rows": [{"index": 1, "seats": []}]})
        venue_map, warnings = taken(value)
        assert ([s.id for s in venue_map.sections], len(venue_map.rows)) == (["A"], 1)
        assert venue_map.row_of(0).section == 0
        assert sorted(warnings) == [
            ("left_out", "sections[0].id"),
            ("left_out", "sections[1].rows[1]"),
        ]
        value = plan()
        value["zones"][0]["rows"].insert(0, {"row_number": "A", "seats": []})
        value["zones"].append({"name": "Nothing"})
        venue_map, warnings = taken(value)
        assert [row.index for row in venue_map.rows] == ["AA", "AA"]
        assert warnings == [("left_out", "zones[0].rows[0]"), ("left_out", "zones[2]")]

    def test_ids_have_up_to_128_characters(self) -> None:
        long = "x" * 128
        value = seat_map(priceTiers={long: {}}, areas=[area(id="y" * 128, priceTier=long)])
        value["sections"] = with_seats(seat(1, id=long, priceTier=long))
        value["sections"][0]["id"] = long
        assert taken(value)[0].seat_ids == (long,)

    def test_marks_that_nobody_sees_leave_names_and_stay_in_ids(self) -> None:
        value = seat_map(name="\u202eClub", areas=[area(label="Fl\u200boor")])
        value["sections"] = with_seats(seat(1, id="A\u200e", label="1\ufeff"), seat(2))
        value["sections"][0]["label"] = "\u2067Stalls\u2069"
        venue_map, warnings = taken(value)
        assert (venue_map.name, venue_map.areas[0].label) == ("Club", "Floor")
        assert venue_map.describe(0) == "Stalls, row 1, seat 1"
        assert venue_map.seat_ids[0] == "A\u200e"
        assert {code for code, _ in warnings} == {"hidden_characters"}
        assert "name: is empty" in faults_of(encode(seat_map(name="\u200b\u202e")))


class TestWhatIsSaid:
    @pytest.mark.parametrize(
        ("field", "known"),
        [
            ("acessible", "accessible"),
            ("Accessible", "accessible"),
            ("companions", "companion"),
            ("lable", "label"),
        ],
    )
    def test_a_misspelt_field_is_named_with_the_one_that_is_meant(
        self, field: str, known: str
    ) -> None:
        value = seat_map(sections=with_seats(seat(1), *(seat(n, **{field: "x"}) for n in (2, 3))))
        (warning,) = warnings_of(value)
        assert warning.path == f"sections[0].rows[0].seats[1].{field}"
        assert warning.code == "misspelt_field"
        assert f"is `{known}` meant?" in warning.message
        assert "(2 times, first here)" in warning.message

    @pytest.mark.parametrize(
        ("spoil", "path"),
        [
            (lambda value: value.update(area=[]), "area"),
            (lambda value: value.update(venue_id="x"), "venue_id"),
            (lambda value: value["map"].update(widht=1), "map.widht"),
            (
                lambda value: value["priceTiers"].update({"2": {"prize": 1}}),
                'priceTiers["2"].prize',
            ),
            (lambda value: value["sections"][0].update(tranform=1), "sections[0].tranform"),
            (lambda value: value["sections"][0]["rows"][0].update(idnex=1), ""),
        ],
    )
    def test_it_is_named_wherever_it_stands(self, spoil: Any, path: str) -> None:
        value = seat_map()
        del value["venueId"], value["sections"][0]["transform"]
        value["map"] = {"width": 1, "height": 1}
        spoil(value)
        found = [warning.path for warning in warnings_of(value)]
        # The row has an `index`, so another field beside it is meant to be another one.
        assert found == ([path] if path and path != "map.widht" else [])

    def test_fields_that_are_like_none_pass_in_silence(self) -> None:
        value = seat_map(note="x", author="x", formatVersion=1, zones=[], color="x", rotation=1)
        value["sections"] = with_seats(seat(1, uuid="x", radius=3, row="7", view="a pillar"))
        assert warnings_of(value) == []

    def test_a_field_of_the_first_format_has_no_effect_in_a_plan(self) -> None:
        value = plan(venueId="x")
        seats_of(value)[0]["accessible"] = True
        assert taken(value)[1] == [
            ("field_without_effect", f"{SEAT_1}.accessible"),
            ("field_without_effect", "venueId"),
        ]

    def test_seats_that_print_alike_are_one_warning_a_section(self) -> None:
        value = seat_maps.plan()
        for each in seats_of(value, 1):
            each["seat_number"] = "1"
        (first,) = [warning for warning in warnings_of(value) if warning.code == "repeated_label"]
        assert first.path == "zones[1].rows[0].seats[0]"
        assert '"Ground floor, row AA, seat 1" occurs 4 times;' in first.message

    def test_areas_that_print_alike_are_one_too(self) -> None:
        value = seat_map(areas=[area(id="F1"), area(id="F2")])
        assert taken(value)[1] == [("repeated_label", "areas[1].label")]

    def test_a_shape_without_a_place_and_a_turned_section_are_not_drawn_so(self) -> None:
        value = seat_map(shapes=[{"type": "text", "text": "Bar"}, {"points": [{"x": 1, "y": 2}]}])
        value["sections"][0]["transform"]["rotation"] = 30
        assert taken(value)[1] == [
            ("not_applied", "sections[0].transform.rotation"),
            ("not_drawn", "shapes[0]"),
        ]

    def test_warnings_are_listed_up_to_a_limit_and_counted_beyond_it(self) -> None:
        sections = [
            {"id": f"S{n}", "rows": [{"seats": [seat(1, id=f"{n}-{m}") for m in (1, 2)]}]}
            for n in range(WARNINGS_MAX + 7)
        ]
        read = read_map(encode(seat_map(sections=sections)))
        assert (len(read.warnings), read.warnings_left_out) == (WARNINGS_MAX, 7)


class TestOtherFormats:
    @pytest.mark.parametrize(
        "document",
        [
            {"name": "x", "subChart": {"rows": []}, "categories": {"list": []}},
            {"zones": {"list": []}, "subChartFloors": [], "categories": {"list": []}},
            {"zones": [], "categories": {"list": [], "maxCategoryKey": 1}},
        ],
    )
    def test_a_chart_of_seats_io_is_named_and_no_plan(self, document: dict[str, Any]) -> None:
        (fault,) = faults_of(encode(document))
        assert "is a chart of seats.io" in fault
        assert "cannot be read yet" in fault

    @pytest.mark.parametrize(
        ("document", "found"),
        [
            ({}, "found an empty object"),
            ({"name": "x", "blocks": []}, "found `name`, `blocks`"),
            ({str(n): n for n in range(50)}, "`7` and 42 more"),
            ({"type": "FeatureCollection", "features": []}, "found GeoJSON"),
        ],
    )
    def test_an_unknown_format_says_what_was_looked_for_and_found(
        self, document: dict[str, Any], found: str
    ) -> None:
        (fault,) = faults_of(encode(document))
        assert "is of no format that is known: looked for `sections`" in fault
        assert found in fault
        assert len(fault) < 600

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            (b"res:A1,,res:B1+\n,res:A2,res:B2\n", "looks like CSV"),
            (b"<?xml version='1.0'?><svg/>", "an SVG drawing"),
            (b"<html>", "XML or HTML"),
            (b"PK\x03\x04rest", "a ZIP archive"),
            (b"%PDF-1.7", "a PDF document"),
            ('{"name": 1}'.encode("utf-16"), "save it as UTF-8"),
            ('{"name": 1}'.encode("utf-16-le"), "save it as UTF-8"),
            (codecs.BOM_UTF8 + b"a;b\n1;2\n", "looks like CSV"),
            (b"[{}]", "must be a JSON object, not a list"),
            (b" \r\n", "is empty"),
            (
                '{"name": "Théâtre"}'.encode("latin-1"),
                "is not UTF-8 from byte 13 on; save it as UTF-8",
            ),
        ],
    )
    def test_what_is_no_json_object_is_named(self, body: bytes, kind: str) -> None:
        (fault,) = faults_of(body)
        assert kind in fault
