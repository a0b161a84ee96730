"""Which block is picked, and what is said when there is none."""

from tests.support.seat_states import NOW, configure, do, event, granted, one_row, refused, row_of

from event_seating.booking.core.commands import (
    Best,
    BlockSeats,
    Part,
    PlaceHold,
    ReleaseHold,
    UnblockSeats,
)
from event_seating.booking.core.log_entries import Entry, Held
from event_seating.booking.core.records import SaleRules, seats_of
from event_seating.booking.core.refusals import Refusal
from event_seating.booking.core.seat_index import RowPlan, SeatIndex, SeatPlan
from event_seating.booking.core.seat_state import SeatStates


def best(states: SeatStates, hold: bytes, quantity: int, **filters: object) -> tuple[int, ...]:
    request = PlaceHold(hold, Best(quantity, **filters), b"buyer")  # type: ignore[arg-type]
    held = granted(states, request).operations[-1]
    assert isinstance(held, Held)
    return seats_of(held.groups)


def block(states: SeatStates, *seats: int) -> None:
    granted(states, BlockSeats(Part(seats)))


def two_rows() -> SeatIndex:
    """Row 1 of six cheap seats, behind it row 2 of six dear ones; the stage is before them."""
    return SeatIndex(
        [row_of(6), row_of(6, section="B", name="2", y=1.0, category="2")], focal=(2.5, -1.0)
    )


def test_the_block_nearest_the_focal_point_is_picked_and_the_next_after_it() -> None:
    states = event(two_rows())
    assert best(states, b"1", 2) == (2, 3)
    assert best(states, b"2", 2) == (8, 9)
    assert best(states, b"3", 2) == (0, 1)


def test_a_block_lies_within_one_run() -> None:
    columns = (1, 2, 3, 5, 6, 7)
    seats = [SeatPlan(f"{col}", float(col), 0.0, "1", col) for col in columns]
    states = event(SeatIndex([RowPlan("A", "1", seats)], focal=(4.0, 0.0)))
    assert best(states, b"1", 3) == (0, 1, 2)
    assert refused(states, PlaceHold(b"2", Best(4), b"b"), "sold_out")


def test_each_seat_of_a_block_gets_its_ticket_type() -> None:
    states = event(two_rows())
    family = Best(3, ticket_types=(("standard", 1), ("child", 2)))
    held = granted(states, PlaceHold(b"1", family, b"buyer")).operations[-1]
    assert isinstance(held, Held)
    assert [(group.seats, group.ticket_type) for group in held.groups] == [
        ((1,), "standard"),
        ((2, 3), "child"),
    ]
    everyone = (("standard", 1), ("student", 1))
    refused(states, PlaceHold(b"2", Best(2, ticket_types=everyone), b"b"), "unknown_ticket_type")


def test_filters_keep_to_categories_sections_and_the_highest_price() -> None:
    states = event(two_rows())
    assert best(states, b"1", 2, categories=(1,)) == (8, 9)
    assert best(states, b"2", 2, sections=(1,)) == (6, 7)
    assert best(states, b"3", 2, max_price=4500) == (2, 3)
    assert best(states, b"4", 2, ticket_types=(("child", 2),)) == (0, 1)
    refused(states, PlaceHold(b"5", Best(1, max_price=1), b"other"), "sold_out")


def test_too_few_free_is_sold_out_and_enough_but_apart_is_no_block() -> None:
    states = event(one_row(6))
    block(states, 1, 3)
    refused(states, PlaceHold(b"1", Best(3), b"b"), "no_block")
    refused(states, PlaceHold(b"1", Best(4), b"b"), "no_block")
    refused(states, PlaceHold(b"1", Best(5), b"b"), "sold_out")
    assert best(states, b"2", 2) == (4, 5)


def test_a_block_is_found_again_when_its_seats_become_free() -> None:
    states = event(one_row(4))
    best(states, b"1", 4)
    refused(states, PlaceHold(b"2", Best(2), b"other"), "sold_out")
    granted(states, ReleaseHold(b"1"))
    block(states, 0, 3)
    assert best(states, b"3", 2) == (1, 2)


def test_a_block_that_becomes_free_in_a_batch_is_found_by_who_comes_next_in_it() -> None:
    """Nobody looked at the seats in between, neither a check nor another search."""
    states = event(one_row(4))
    best(states, b"1", 4)
    refused(states, PlaceHold(b"2", Best(2), b"other"), "sold_out")
    batch = states.begin(NOW)
    assert isinstance(batch.decide(ReleaseHold(b"1")), Entry)
    assert isinstance(batch.decide(PlaceHold(b"3", Best(2), b"other")), Entry)
    batch.discard()
    assert isinstance(states.begin(NOW).decide(PlaceHold(b"4", Best(2), b"other")), Refusal)


def test_a_batch_that_is_thrown_away_leaves_the_search_as_it_was() -> None:
    states = event(one_row(4))
    batch = states.begin(0)
    for hold in (b"1", b"2"):
        batch.decide(PlaceHold(hold, Best(2), b"b"))
    batch.discard()
    assert best(states, b"3", 2) == (0, 1)


def test_accessible_seats_and_those_of_companions_are_for_those_who_ask() -> None:
    seats = [
        SeatPlan(str(x), float(x), 0.0, "1", x, accessible=x == 1, companion=x == 2)
        for x in range(6)
    ]
    index = SeatIndex([RowPlan("A", "1", seats)], focal=(0.0, 0.0))
    states = event(index)
    assert best(states, b"1", 2) == (3, 4)
    assert best(states, b"2", 2, accessible=True) == (0, 1)
    refused(states, PlaceHold(b"3", Best(1, accessible=True), b"b"), "sold_out")


def test_a_block_without_an_orphan_is_preferred_and_one_with_it_is_better_than_none() -> None:
    states = event(one_row(5), allow_orphans=False)
    block(states, 0)
    # 1 to 4 are free; from the front 1-3 would leave seat 4 alone
    assert best(states, b"1", 2) == (1, 2)
    granted(states, ReleaseHold(b"1"))
    assert best(states, b"2", 3) == (1, 2, 3)


def test_a_block_that_becomes_clean_because_its_neighbour_is_taken_is_found() -> None:
    index = SeatIndex([row_of(3), row_of(6, name="2", y=1.0)], focal=(0.0, -1.0))
    states = event(index, allow_orphans=False)
    assert best(states, b"1", 2) == (3, 4)
    granted(states, ReleaseHold(b"1"))
    block(states, 2)
    assert best(states, b"2", 2) == (0, 1)


def test_the_search_forgets_nothing_it_needs_over_many_changes() -> None:
    states = event(one_row(9), max_held_seats_per_buyer=1_000)
    for turn in range(3_000):
        block(states, turn % 9)
        free = [seat for seat in range(9) if seat != turn % 9]
        pairs = [seat for seat in free if seat + 1 in free]
        batch = states.begin(0)
        entry = batch.decide(PlaceHold(b"h", Best(2), b"b"))
        assert entry.operations[0].groups[0].seats[0] == pairs[0]  # type: ignore[union-attr]
        batch.discard()
        do(states, UnblockSeats(Part((turn % 9,))))


def test_a_category_without_a_price_is_not_picked() -> None:
    states = event(two_rows())
    configure(states, prices={"2": {"standard": 1}}, rules=SaleRules())
    assert best(states, b"1", 2) == (8, 9)
