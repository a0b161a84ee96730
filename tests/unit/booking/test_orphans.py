"""The bit masks of a row against the same questions asked seat by seat."""

from hypothesis import given
from hypothesis import strategies as st

from event_seating.booking.core.orphans import (
    block_starts,
    clean_starts,
    lone,
    nearest_start,
    orphans,
)

LENGTH = 12
masks = st.integers(0, (1 << LENGTH) - 1)
quantities = st.integers(1, LENGTH)


def bits(mask: int) -> set[int]:
    return {place for place in range(LENGTH + 1) if mask >> place & 1}


def alone(free: set[int]) -> set[int]:
    return {place for place in free if not {place - 1, place + 1} & free}


@given(masks)
def test_a_lone_seat_is_a_free_one_between_taken_ones_or_an_end(free: int) -> None:
    assert bits(lone(free)) == alone(bits(free))


@given(masks, masks)
def test_an_orphan_is_a_lone_seat_that_was_not_lone_before(free: int, chosen: int) -> None:
    chosen &= free
    left = alone(bits(free) - bits(chosen))
    assert bits(orphans(free, chosen)) == left - alone(bits(free))


@given(masks, quantities)
def test_a_block_starts_where_so_many_seats_in_a_row_are_free(free: int, quantity: int) -> None:
    expected = {
        start for start in range(LENGTH) if set(range(start, start + quantity)) <= bits(free)
    }
    assert bits(block_starts(free, quantity)) == expected


@given(masks, quantities)
def test_a_clean_block_makes_no_orphan(free: int, quantity: int) -> None:
    starts = block_starts(free, quantity)
    expected = {
        start for start in bits(starts) if not orphans(free, ((1 << quantity) - 1) << start)
    }
    assert bits(clean_starts(starts, free, quantity)) == expected


@given(masks.filter(bool), st.integers(0, LENGTH - 1))
def test_the_nearest_start_is_the_lower_of_two(starts: int, place: int) -> None:
    assert nearest_start(starts, place) == min(
        bits(starts), key=lambda start: (abs(start - place), start)
    )
