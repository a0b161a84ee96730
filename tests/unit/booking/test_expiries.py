"""Which hold runs out first, whatever became of the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_seating.booking.core import expiries as expiries_module
from event_seating.booking.core.expiries import SPARE, Expiries
from event_seating.booking.core.records import Hold

steps = st.lists(st.tuples(st.integers(0, 4), st.none() | st.integers(0, 6)), max_size=40)
"""A hold by its number, and when it runs out from then on; `None`: it is no longer there."""


@given(steps, st.booleans(), st.sampled_from([-SPARE, 0, SPARE]))
def test_the_first_is_the_one_with_the_earliest_end_of_those_that_are_there(
    drawn: list[tuple[int, int | None]], looks: bool, spare: int
) -> None:
    """Also when it begins again at every chance."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(expiries_module, "SPARE", spare)
        follow(drawn, looks=looks)


def follow(drawn: list[tuple[int, int | None]], *, looks: bool) -> None:
    holds: dict[bytes, Hold] = {}
    expiries = Expiries(holds)
    for number, expires_ms in drawn:
        key = bytes([number])
        if expires_ms is None:
            holds.pop(key, None)
        else:
            holds[key] = Hold(key, (), 0, expires_ms)
            expiries.note(holds[key])
        if looks:
            check(expiries, holds)
    check(expiries, holds)


def check(expiries: Expiries, holds: dict[bytes, Hold]) -> None:
    first = expiries.first()
    assert (first is None) == (not holds)
    if first is not None:
        assert first is holds[first.id]
        assert first.expires_ms == min(hold.expires_ms for hold in holds.values())


def test_those_that_went_do_not_fill_the_memory_and_those_that_stay_are_kept() -> None:
    holds = {bytes([n]): Hold(bytes([n]), (), 0, 10_000 + n) for n in range(3)}
    expiries = Expiries(holds)
    for hold in holds.values():
        expiries.note(hold)
    for moment in range(3 * SPARE):
        gone = Hold(b"gone", (), 0, moment)
        holds[gone.id] = gone
        expiries.note(gone)
        del holds[gone.id]
        assert len(expiries) <= 2 * (len(holds) + 1) + SPARE
    check(expiries, holds)
    holds.pop(bytes([0]))
    check(expiries, holds)
