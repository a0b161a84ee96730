"""Seats that move, and what follows from them: owners, counts, masks, and the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.booking.houses import row_of

from event_seating.booking import arrays as arrays_module
from event_seating.booking.arrays import Before, InvariantError, SeatArrays
from event_seating.booking.index import AreaPlan, SeatIndex
from event_seating.booking.records import AVAILABLE, BLOCKED, BOOKED, HELD

INDEX = SeatIndex(
    [row_of(5), row_of(3, name="2", y=1.0), row_of(1, name="3", y=2.0)],
    [AreaPlan("floor", 4, "1"), AreaPlan("bar", 1, "1")],
)

State = tuple[int, bytes | None]

states = st.sampled_from(
    [(AVAILABLE, None), (BLOCKED, None), (HELD, b"a"), (HELD, b"b"), (BOOKED, b"c")]
)
moves = st.tuples(
    st.lists(st.integers(0, INDEX.size), min_size=1, max_size=5), states, states
).filter(lambda move: move[1] != move[2])


def move(arrays: SeatArrays, seats: list[int], was: State, to: State, before: Before) -> None:
    arrays.move(seats, was[0], to[0], was[1], to[1], before)


def fits(arrays: SeatArrays, seats: list[int], was: State) -> bool:
    return len(set(seats)) == len(seats) and all(
        seat < INDEX.size and (arrays.status[seat], arrays.owner[seat]) == was for seat in seats
    )


def masks_of(arrays: SeatArrays) -> list[int]:
    """By looking at every seat."""
    return [
        sum((arrays.status[run.first + at] == AVAILABLE) << at for at in range(run.length))
        for run in INDEX.runs
    ]


def lowest_of(arrays: SeatArrays) -> list[list[int]]:
    return [
        [
            place
            for place in range(area.first, area.first + area.capacity)
            if arrays.status[place] == AVAILABLE
        ]
        for area in INDEX.areas
    ]


def seats_of(arrays: SeatArrays) -> tuple[bytes, list[bytes | None]]:
    return bytes(arrays.status), list(arrays.owner)


@given(st.lists(st.tuples(moves, st.booleans(), st.booleans()), max_size=15))
def test_what_fits_moves_and_what_does_not_is_told_and_can_be_put_back(
    drawn: list[tuple[tuple[list[int], State, State], bool, bool]],
) -> None:
    """A seat that is not there, is named twice or is another's, also after some have moved."""
    arrays = SeatArrays(INDEX)
    known = list(arrays.masks)
    read = (0, 0)
    for (seats, was, to), looks, keeps in drawn:
        start, before = seats_of(arrays), Before()
        fitting = fits(arrays, seats, was)
        try:
            move(arrays, seats, was, to, before)
        except InvariantError:
            assert not fitting
        else:
            assert fitting
            assert {(arrays.status[seat], arrays.owner[seat]) for seat in seats} == {to}
        if looks:
            known, read = look(arrays, known, read)
        if not (keeps and fitting):
            arrays.put_back(before)
            assert seats_of(arrays) == start
    look(arrays, known, read)


def look(
    arrays: SeatArrays, known: list[int], read: tuple[int, int]
) -> tuple[list[int], tuple[int, int]]:
    """Compare all that follows from the seats; `known` are the masks of the last look.

    `read` is how far the logs of runs were read then. Both are returned as of now.
    """
    masks = masks_of(arrays)
    touched, freed = set(arrays.touched.runs[read[0] :]), set(arrays.freed.runs[read[1] :])
    assert arrays.masks == masks
    runs = range(len(masks))
    assert touched == {run for run in runs if masks[run] != known[run]}
    assert freed == {run for run in runs if masks[run] & ~known[run]}
    assert [arrays.lowest(area, INDEX.size) for area in (0, 1)] == lowest_of(arrays)
    counts = [0] * len(arrays.counts)
    for seat, status in enumerate(arrays.status):
        counts[INDEX.cell_of[seat] + status] += 1
    assert arrays.counts == counts
    return masks, (len(arrays.touched.runs), len(arrays.freed.runs))


@pytest.mark.parametrize(
    ("seats", "was", "told"),
    [
        ([0, 1, 0], (AVAILABLE, None), "seat 0 is taken twice"),
        ([0, 4], (HELD, b"mine"), "seat 4 belongs to another"),
        ([0, 3], (BLOCKED, None), "seat 0 was not blocked"),
        ([0, INDEX.size], (AVAILABLE, None), "no such seat"),
    ],
)
def test_it_is_told_what_is_wrong_with_a_seat(seats: list[int], was: State, told: str) -> None:
    arrays = SeatArrays(INDEX)
    move(arrays, [4], (AVAILABLE, None), (HELD, b"theirs"), {})
    if was[0] == HELD:
        move(arrays, [0], (AVAILABLE, None), was, {})
    with pytest.raises(InvariantError, match=told):
        move(arrays, seats, was, (BOOKED, b"booking"), {})


def test_a_log_of_runs_forgets_its_beginning_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arrays_module, "RUN_LOG_MAX", 2)
    arrays = SeatArrays(INDEX)
    for run in INDEX.runs:
        move(arrays, [run.first], (AVAILABLE, None), (BLOCKED, None), {})
    assert (arrays.touched.epoch, arrays.touched.runs) == (1, [])
    assert (arrays.freed.epoch, arrays.freed.runs) == (0, [])
