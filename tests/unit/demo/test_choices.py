import random
from collections import Counter
from typing import Any

from event_seating.demo.traffic import choices
from event_seating.demo.traffic.choices import Hall, HoldEnding, Sight

SEED = 4
MANY = 4_000


def seat(name: str, col: int, tier: str = "1") -> dict[str, Any]:
    return {"id": name, "col": col, "x": 0, "y": 0, "priceTier": tier}


def hall(rows: int = 10, wide: int = 8) -> Hall:
    ids = [f"{row}-{number}" for row in range(rows) for number in range(wide)]
    return Hall(ids, [range(row * wide, (row + 1) * wide) for row in range(rows)], ["1", "2"])


def wishes(of: Hall, sight: Sight, size: int) -> list[dict[str, Any]]:
    chance = random.Random(SEED)
    return [choices.wish(chance, of, sight, size) for _ in range(MANY)]


def test_a_row_is_divided_where_its_columns_jump() -> None:
    rows = [
        {"index": 0, "seats": [seat("a", 1), seat("b", 2), seat("c", 5), seat("d", 6, "2")]},
        {"index": 1, "seats": []},
        {"index": 2, "seats": [seat("e", 9)]},
    ]
    made = choices.hall_of({"sections": [{"id": "S", "rows": rows}]})
    assert made == Hall(["a", "b", "c", "d", "e"], [range(2), range(2, 4), range(4, 5)], ["1", "2"])


def test_a_map_of_areas_alone_is_a_hall_without_seats() -> None:
    empty = choices.hall_of({"areas": [{"id": "floor"}]})
    assert empty == Hall([], [], [])
    for wish in wishes(empty, Sight("", {"floor": 5}), 2):
        assert wish in ({"areas": {"floor": 2}}, {"best": {"quantity": 2}})


def test_most_take_the_best_some_pick_neighbours_and_some_stand() -> None:
    made = wishes(hall(), Sight("a" * 80, {"floor": 100}), 2)
    kinds = Counter(next(iter(wish)) for wish in made)
    assert kinds["best"] > kinds["seats"] > kinds["areas"] > MANY / 10


def test_the_same_seed_gives_the_same_crowd() -> None:
    sight = Sight("a" * 80, {"floor": 100})
    assert wishes(hall(), sight, 3) == wishes(hall(), sight, 3)


def test_seats_are_picked_side_by_side_and_free() -> None:
    seats = "".join(random.Random(SEED).choice("aaahbx") for _ in range(80))
    picked = [wish["seats"] for wish in wishes(hall(), Sight(seats, {}), 3) if "seats" in wish]
    numbers = {seat_id: number for number, seat_id in enumerate(hall().ids)}
    assert picked
    for ids in picked:
        first = numbers[ids[0]]
        assert [numbers[seat_id] for seat_id in ids] == [first, first + 1, first + 2]
        assert len({seat_id.partition("-")[0] for seat_id in ids}) == 1
        assert seats[first : first + 3] == "aaa"


def test_the_end_of_a_row_and_the_start_of_the_next_are_no_neighbours() -> None:
    seats = "bbbbbbaa" + "aabbbbbb"
    assert not any("seats" in wish for wish in wishes(hall(rows=2), Sight(seats, {}), 3))


def test_who_finds_no_neighbours_and_no_place_takes_the_best() -> None:
    assert {next(iter(wish)) for wish in wishes(hall(), Sight("ab" * 40, {"floor": 1}), 2)} == {
        "best"
    }


def test_a_party_is_never_larger_than_it_may_be() -> None:
    chance = random.Random(SEED)
    for most in range(1, 9):
        sizes = {choices.party(chance, most) for _ in range(500)}
        assert sizes == set(range(1, min(most, 6) + 1))


def test_most_holds_are_booked_and_each_other_ending_comes_too() -> None:
    chance = random.Random(SEED)
    endings = Counter(choices.ending(chance) for _ in range(MANY))
    assert set(endings) == set(HoldEnding)
    assert endings[HoldEnding.book] > MANY * 0.75
