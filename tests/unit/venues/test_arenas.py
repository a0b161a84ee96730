import math
from collections import defaultdict
from itertools import product

import pytest

from event_seating.booking.seating.numbering import seat_index
from event_seating.venues.arenas import (
    ARENA_SEATS_MAX,
    ARENA_SEATS_MIN,
    ROW_PITCH,
    SEAT_PITCH,
    arena,
)
from event_seating.venues.formats import encode_map, parse_map
from tests.support.seat_maps import encode

SIZES = [(500, 0, 0), (1_000, 300, 1), (1_001, 0, 2), (4_321, 0, 3), (15_000, 2_500, 0)]


def parsed(seats, standing, seed):
    return parse_map(encode(arena(seats, standing=standing, seed=seed)))


def closest(venue_map):
    """The least distance between two seats, and between two of different sections."""
    cells = defaultdict(list)
    size = 2 * ROW_PITCH
    for row in venue_map.rows:
        for n in row.seats:
            x, y = venue_map.x[n], venue_map.y[n]
            cells[int(x // size), int(y // size)].append((x, y, n, row.section))
    any_two = two_sections = math.inf
    for (cx, cy), here in cells.items():
        around = [
            s for dx, dy in product((-1, 0, 1), repeat=2) for s in cells.get((cx + dx, cy + dy), ())
        ]
        for x, y, n, section in here:
            for other_x, other_y, other, other_section in around:
                if other > n:
                    gap = math.hypot(x - other_x, y - other_y)
                    any_two = min(any_two, gap)
                    if section != other_section:
                        two_sections = min(two_sections, gap)
    return any_two, two_sections


@pytest.mark.parametrize(("seats", "standing", "seed"), SIZES)
def test_an_arena_has_exactly_the_seats_that_it_is_asked_for(seats, standing, seed):
    venue_map = parsed(seats, standing, seed)
    assert len(venue_map.seat_ids) == len(set(venue_map.seat_ids)) == seats
    assert venue_map.places == seats + standing


@pytest.mark.parametrize(("seats", "standing", "seed"), SIZES)
def test_seats_stand_apart_and_sections_further(seats, standing, seed):
    any_two, two_sections = closest(parsed(seats, standing, seed))
    assert any_two > 0.97 * SEAT_PITCH
    assert two_sections > 1.3 * SEAT_PITCH


@pytest.mark.parametrize(("seats", "standing", "seed"), SIZES)
def test_everything_lies_on_the_map(seats, standing, seed):
    value = arena(seats, standing=standing, seed=seed)
    venue_map = parse_map(encode(value))
    assert min(venue_map.x) > SEAT_PITCH
    assert min(venue_map.y) > SEAT_PITCH
    assert max(venue_map.x) < venue_map.width - SEAT_PITCH
    assert max(venue_map.y) < venue_map.height - SEAT_PITCH
    for box in [*value["shapes"], *value.get("areas", [])]:
        assert 0 < box["x"] < box["x"] + box["width"] < venue_map.width
        assert 0 < box["y"] < box["y"] + box["height"] < venue_map.height


def test_no_seat_stands_on_the_floor():
    value = arena(15_000, standing=2_500)
    venue_map = parse_map(encode(value))
    for box in (*value["shapes"][1:], *value["areas"]):
        inside = [
            n
            for n in range(15_000)
            if box["x"] <= venue_map.x[n] <= box["x"] + box["width"]
            and box["y"] <= venue_map.y[n] <= box["y"] + box["height"]
        ]
        assert not inside


def test_an_arena_with_a_standing_floor_looks_at_its_stage():
    venue_map = parsed(15_000, 2_500, 0)
    assert venue_map.areas[0].label == "Standing floor"
    assert venue_map.focal_point[0] < venue_map.areas[0].x
    assert math.isclose(venue_map.focal_point[1], venue_map.height / 2, abs_tol=1)


def test_an_arena_has_all_price_tiers_and_pairs_of_accessible_and_companion_seats():
    venue_map = parsed(15_000, 2_500, 0)
    assert set(venue_map.category) == {0, 1, 2, 3}
    pairs = [n for n in range(15_000) if venue_map.accessible[n]]
    assert len(pairs) > 10
    assert all(venue_map.companion[n + 1] for n in pairs)
    assert sum(venue_map.companion) == len(pairs)


def test_wide_sections_have_an_aisle_and_rows_are_curved_around_corners():
    venue_map = parsed(15_000, 0, 0)
    index = seat_index(venue_map)
    runs = [range(run.first, run.first + run.length) for run in index.runs]
    assert len(venue_map.rows) < len(runs) <= 2 * len(venue_map.rows)
    assert any(len({round(venue_map.y[n]) for n in run}) > 5 for run in runs)


def test_ids_read_as_section_row_and_seat():
    assert parsed(1_000, 0, 0).seat_ids[0] == "LOWER_A-1-01"


def test_the_same_arguments_give_the_same_arena_and_another_seed_another():
    assert arena(2_000, seed=1) == arena(2_000, seed=1)
    assert arena(2_000, seed=1) != arena(2_000, seed=2)


@pytest.mark.parametrize("seats", [20_000, pytest.param(ARENA_SEATS_MAX, marks=pytest.mark.long)])
def test_a_large_arena_is_read_and_given_back(seats):
    body = encode(arena(seats, name="Stadium"))
    venue_map = parse_map(body)
    assert venue_map.summary.seats == seats
    assert parse_map(encode_map(venue_map)).seat_ids == venue_map.seat_ids


@pytest.mark.parametrize("seats", [0, ARENA_SEATS_MIN - 1, ARENA_SEATS_MAX + 1])
def test_an_arena_of_another_size_is_refused(seats):
    with pytest.raises(ValueError, match="seats"):
        arena(seats)


@pytest.mark.parametrize("standing", [-1, 1_000_000])
def test_more_people_than_the_floor_holds_are_refused(standing):
    with pytest.raises(ValueError, match="floor"):
        arena(1_000, standing=standing)
