import pytest

from event_seating.errors import ServiceError
from event_seating.venues.errors import InvalidMap, MapFault
from event_seating.venues.formats import parse_map
from event_seating.venues.model import MapSummary, is_venue_id, slug
from tests.support.seat_maps import area, encode, seat, seat_map


def row_map(seats, **fields):
    sections = [{"id": "A", "rows": [{"index": "C", "seats": seats}]}]
    return parse_map(encode(seat_map(sections=sections, **fields)))


def test_a_seat_is_found_by_its_id_and_tells_its_row_and_section():
    venue_map = parse_map(encode(seat_map()))
    number = venue_map.seat_ids.index("A-1-03")
    assert venue_map.row_of(number).index == "1"
    assert venue_map.describe(number) == "Stalls, row 1, seat 3"


def test_a_seat_that_does_not_exist_is_an_index_error_on_both_sides():
    venue_map = parse_map(encode(seat_map()))
    for number in (-1, 4):
        with pytest.raises(IndexError):
            venue_map.row_of(number)


def test_a_seat_is_described_by_its_printed_label_rather_than_its_column():
    assert row_map([seat(1, label="101"), seat(2)]).describe(0) == "A, row C, seat 101"


def test_the_summary_counts_seats_in_rows_and_places_count_people():
    venue_map = parse_map(encode(seat_map(areas=[area(capacity=300)])))
    assert venue_map.summary == MapSummary(seats=4, areas=1, categories=1)
    assert venue_map.places == 304


def test_the_columns_of_a_map_cannot_be_changed():
    venue_map = parse_map(encode(seat_map()))
    for column in (venue_map.x, venue_map.cols, venue_map.seat_ids, venue_map.category):
        with pytest.raises(TypeError):
            column[0] = 1


def test_an_invalid_map_is_told_as_a_400_with_every_fault():
    error = InvalidMap([MapFault("sections[0].id", "is missing")], 7)
    assert isinstance(error, ServiceError)
    assert (error.status, error.code, error.total) == (400, "invalid_map", 7)
    assert error.details["fields"] == [{"field": "sections[0].id", "message": "is missing"}]
    assert str(error.faults[0]) == "sections[0].id: is missing"


@pytest.mark.parametrize("text", ["a", "Club-1.b_c~d", "x" * 64, "...", ".a"])
def test_an_id_is_what_a_path_carries_as_it_is(text):
    assert is_venue_id(text)


@pytest.mark.parametrize("text", ["", "a/b", "a b", "x" * 65, "a\n", "é", ".", ".."])
def test_what_a_path_would_change_is_no_id(text):
    assert not is_venue_id(text)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("Théâtre Royal", "theatre-royal"),
        (" --The O2!-- ", "the-o2"),
        ("国家大剧院", ""),
        ("a" * 39 + " b", "a" * 39),
        ("ﬁne №5", "fine-no5"),
    ],
)
def test_a_slug_is_an_id_or_nothing(name, made):
    assert slug(name) == made
    assert not made or is_venue_id(made)
