"""How seats are numbered, who is whose neighbour, and who is near."""

from collections.abc import Iterator

import pytest
from tests.support.seat_states import one_row, row_of

from event_seating.booking.core.seat_index import AreaPlan, RowPlan, SeatIndex, SeatPlan


def runs(*seats: SeatPlan) -> list[list[int]]:
    index = SeatIndex([RowPlan("A", "1", seats)])
    return [list(range(run.first, run.first + run.length)) for run in index.runs]


def at(x: float, col: int | None = None) -> SeatPlan:
    return SeatPlan(f"{x}", x, 0.0, "1", col)


def test_seats_are_numbered_in_the_order_of_the_map_and_places_of_areas_after_them() -> None:
    index = SeatIndex([row_of(2), row_of(3, name="2")], [AreaPlan("floor", 4, "2")])
    assert index.ids == ("A-1-0", "A-1-1", "A-2-0", "A-2-1", "A-2-2")
    assert index.number["A-2-1"] == 3
    assert (index.seat_count, index.size) == (5, 9)
    assert (index.areas[0].first, index.areas[0].capacity) == (5, 4)
    assert [index.area_of(number) for number in (4, 5, 8)] == [None, 0, 0]


def test_places_are_counted_by_their_area_whatever_their_order() -> None:
    areas = [AreaPlan("a", 3, "1"), AreaPlan("b", 1, "1"), AreaPlan("c", 2, "1")]
    index = SeatIndex([row_of(2)], areas)
    assert [index.area_of(number) for number in range(index.size)] == [None] * 2 + [0] * 3 + [
        1,
        2,
        2,
    ]
    assert index.places_by_area([7, 0, 3, 6, 2, 1, -1]) == {0: 2, 2: 2}
    assert list(index.places_by_area([7, 5, 2])) == [0, 1, 2]
    assert index.places_by_area([0, 1]) == {}


def test_a_number_that_no_place_has_is_of_no_area() -> None:
    for index in (one_row(3, places=2), one_row(3)):
        with pytest.raises(ValueError, match="no seat and no place"):
            index.area_of(index.size)
        with pytest.raises(ValueError, match="no seat and no place"):
            index.places_by_area([index.size])


def test_a_row_is_split_where_col_jumps_in_either_direction() -> None:
    assert runs(at(0, 1), at(1, 2), at(2, 4), at(3, 5)) == [[0, 1], [2, 3]]
    assert runs(at(0, 9), at(1, 8), at(2, 6)) == [[0, 1], [2]]


def test_a_row_is_split_where_the_distance_is_over_one_and_a_half_times_the_median() -> None:
    assert runs(at(0), at(1), at(2), at(3.6), at(4.6)) == [[0, 1, 2], [3, 4]]
    assert runs(at(0), at(1), at(2), at(3.5), at(4.5)) == [[0, 1, 2, 3, 4]]


def test_printed_numbers_make_no_neighbours() -> None:
    seats = [SeatPlan(name, x, 0.0, "1") for name, x in (("1", 0), ("3", 1), ("2", 2))]
    assert runs(*seats) == [[0, 1, 2]]


def test_different_rows_are_never_neighbours() -> None:
    assert len(SeatIndex([row_of(2), row_of(2, name="2")]).runs) == 2


def test_rows_sections_and_categories_name_their_seats() -> None:
    index = SeatIndex([row_of(2), row_of(1, name="2"), row_of(2, section="B", category="2")])
    assert index.row("A", "2") == [2]
    assert index.section("A") == [0, 1, 2]
    assert index.category("2") == [3, 4]
    assert index.row("A", "9") == index.section("Z") == index.category("9") == []


def test_two_seats_with_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="same id"):
        SeatIndex([row_of(2), row_of(2)])
    with pytest.raises(ValueError, match="same id"):
        SeatIndex([row_of(2)], [AreaPlan("floor", 1, "1"), AreaPlan("floor", 1, "1")])


def test_what_is_done_after_the_last_row_gives_way_at_every_run() -> None:
    ended = False
    pauses = 0

    def rows() -> Iterator[RowPlan]:
        nonlocal ended
        yield from (row_of(3, name=f"{number}") for number in range(20))
        ended = True

    def give_way() -> None:
        nonlocal pauses
        pauses += ended

    index = SeatIndex(rows(), give_way=give_way)
    assert pauses >= len(index.runs) == 20


def test_distances_are_measured_from_the_focal_point() -> None:
    index = SeatIndex([row_of(3)], focal=(2.0, 0.0))
    assert list(index.distance_sums) == [0, 1 << 20, (1 << 20) + (1 << 19), (1 << 20) + (1 << 19)]
    assert one_row().runs[0].near < one_row().distance_sums[2] - one_row().distance_sums[1]
