from itertools import count

import pytest
from tests.support.seat_maps import area, encode, plan, seat, seat_map

from event_seating.booking.seating.numbering import seat_index
from event_seating.venues import throttling
from event_seating.venues.arenas import arena
from event_seating.venues.formats import parse_map


@pytest.mark.parametrize("document", [arena(2_000, standing=300), plan(), seat_map()])
def test_seats_have_the_numbers_of_the_map_and_places_come_after(document) -> None:
    venue_map = parse_map(encode(document))
    index = seat_index(venue_map)
    assert index.number == {seat: number for number, seat in enumerate(venue_map.seat_ids)}
    assert index.ids == venue_map.seat_ids
    assert index.seat_count == len(venue_map.seat_ids)
    assert index.size == venue_map.places
    assert [place.first for place in index.areas] == [index.seat_count] * len(venue_map.areas)


def test_seats_have_their_categories_sections_and_marks() -> None:
    tiers = {"1": {"label": "Economy"}, "9": {"label": "Best"}}
    first = [seat(1), seat(2, accessible=True), seat(3, priceTier=9, companion=True)]
    second = [seat(4, priceTier=9)]
    sections = [
        {"id": "B", "rows": [{"index": "AA", "seats": first}]},
        {"id": "A", "rows": [{"index": 1, "seats": second}]},
    ]
    document = seat_map(priceTiers=tiers, sections=sections, areas=[area(priceTier=9, capacity=3)])
    index = seat_index(parse_map(encode(document)))
    assert index.row("B", "AA") == [0, 1, 2]
    assert index.section("A") == [3]
    assert index.category("9") == [2, 3]
    assert index.category("1") == [0, 1]
    assert (index.runs[0].accessible, index.runs[0].companion) == (0b010, 0b100)
    (floor,) = index.areas
    assert (floor.id, floor.first, floor.capacity) == ("FLOOR", 4, 3)
    assert index.categories[floor.category] == "9"


def test_an_aisle_of_the_map_splits_a_row() -> None:
    seats = [seat(1), seat(2), seat(4), seat(5)]
    document = seat_map(sections=[{"id": "A", "rows": [{"index": 1, "seats": seats}]}])
    runs = [(run.first, run.length) for run in seat_index(parse_map(encode(document))).runs]
    assert runs == [(0, 2), (2, 2)]


def test_distances_are_to_the_stage_and_count_the_sections_shift() -> None:
    stage = {"type": "stage", "x": 1000, "y": 0, "width": 0, "height": 0}
    near = {"id": "N", "transform": {"x": 900}, "rows": [{"index": 1, "seats": [seat(1, x=0)]}]}
    far = {"id": "F", "rows": [{"index": 1, "seats": [seat(2, x=0)]}]}
    document = seat_map(sections=[far, near], shapes=[stage])
    index = seat_index(parse_map(encode(document)))
    assert [index.sections[index.runs[run].section] for run in index.runs_by_distance] == ["N", "F"]


def test_a_map_becomes_an_index_in_parts_that_leave_the_interpreter_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two looks at the whole body; each row when it is read, looked at for what is odd, numbered
    and measured; each section when it is moved in either direction."""
    pauses: list[float] = []
    seconds = count(step=throttling.EVERY_S)
    monkeypatch.setattr(throttling, "perf_counter", lambda: next(seconds))
    monkeypatch.setattr(throttling, "sleep", pauses.append)
    rows = [{"index": row, "seats": [seat(10 * row + place) for place in range(5)]}
            for row in range(1, 8)]  # fmt: skip
    moved = {"id": "A", "transform": {"x": 7, "y": 7}, "rows": rows}
    index = seat_index(parse_map(encode(seat_map(sections=[moved]))))
    assert len(index.runs) == 7
    assert len(pauses) == 2 + 4 * 7 + 2
