"""Seats that move, and what follows from them: owners, counts, masks, and the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.seat_states import row_of

from event_seating.booking.core import seat_arrays as arrays_module
from event_seating.booking.core.records import AVAILABLE, BLOCKED, BOOKED, HELD
from event_seating.booking.core.seat_arrays import Before, InvariantError, SeatArrays
from event_seating.booking.core.seat_index import STATUSES, AreaPlan, SeatIndex

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


EACH = ["masks", "touched", "freed", "lowest", "counts"]
looks = st.none() | st.permutations(EACH)


@given(
    st.lists(st.tuples(moves, looks, st.booleans()), max_size=15),
    st.sampled_from([0, 3, arrays_module.BEHIND_MAX]),
)
def test_what_fits_moves_and_what_does_not_is_told_and_can_be_put_back(
    drawn: list[tuple[tuple[list[int], State, State], list[str] | None, bool]], behind: int
) -> None:
    """A seat that is not there, is named twice or is another's, also after some have moved.

    What follows from the seats is looked at seldom, and each time something else of it first.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays_module, "BEHIND_MAX", behind)
        move_and_look(drawn, behind)


def move_and_look(
    drawn: list[tuple[tuple[list[int], State, State], list[str] | None, bool]], behind: int
) -> None:
    arrays = SeatArrays(INDEX)
    known, read = list(arrays.masks), (0, 0)
    for (seats, was, to), order, keeps in drawn:
        start, before = seats_of(arrays), Before()
        fitting = fits(arrays, seats, was)
        try:
            move(arrays, seats, was, to, before)
        except InvariantError:
            assert not fitting
        else:
            assert fitting
            assert {(arrays.status[seat], arrays.owner[seat]) for seat in seats} == {to}
            assert len(arrays._moved) <= behind
        if order:
            known, read = look(arrays, order, known, read, exactly=behind > len(drawn) * 10)
        if not (keeps and fitting):
            arrays.restore(before)
            assert seats_of(arrays) == start
    look(arrays, EACH, known, read, exactly=behind > len(drawn) * 10)


def look(
    arrays: SeatArrays, order: list[str], known: list[int], read: tuple[int, int], *, exactly: bool
) -> tuple[list[int], tuple[int, int]]:
    """Compare all that follows from the seats; `known` are the masks of the last look.

    `read` is how far the logs of runs were read then. Both are returned as of now. A run that
    changed and changed back is in the logs only if somebody looked in between; not `exactly`, the
    arrays did so by themselves.
    """
    masks, runs = masks_of(arrays), range(len(INDEX.runs))
    counts = [0] * (len(INDEX.cells) * STATUSES)
    for seat, status in enumerate(arrays.status):
        counts[INDEX.cell_of[seat] + status] += 1
    changed = {run for run in runs if masks[run] != known[run]}
    freed = {run for run in runs if masks[run] & ~known[run]}
    for what in order:
        match what:
            case "masks":
                assert arrays.masks == masks
            case "counts":
                assert arrays.counts == counts
            case "lowest":
                found = [arrays.lowest(area, INDEX.size) for area in (0, 1)]
                assert found == lowest_of(arrays)
            case "touched":
                logged = set(arrays.touched.runs[read[0] :])
                assert logged == changed if exactly else logged >= changed
            case "freed":
                logged = set(arrays.freed.runs[read[1] :])
                assert logged == freed if exactly else logged >= freed
    return masks, (len(arrays.touched.runs), len(arrays.freed.runs))


def test_the_lowest_place_is_known_though_nobody_looked_at_anything_else() -> None:
    arrays, free, held = SeatArrays(INDEX), (AVAILABLE, None), (HELD, b"a")
    first = INDEX.areas[0].first
    move(arrays, [first], free, held, {})
    assert arrays.lowest(0, 1) == [first + 1]
    move(arrays, [first], held, free, {})
    assert arrays.lowest(0, 1) == [first]


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
