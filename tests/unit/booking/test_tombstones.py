"""A queue of ids that keeps a time once for all that share it."""

from hypothesis import given
from hypothesis import strategies as st

from event_seating.booking.core.tombstones import IdsByTime

steps = st.lists(st.integers(0, 3) | st.lists(st.binary(max_size=2), max_size=4), max_size=30)
"""Ids to add, or by how much time goes on; 0 takes one out."""


@given(steps)
def test_it_is_a_queue_of_pairs(drawn: list[int | list[bytes]]) -> None:
    queue, plain, now_ms = IdsByTime(), list[tuple[int, bytes]](), 0
    for step in drawn:
        if isinstance(step, list):
            queue.add(now_ms, step)
            plain += [(now_ms, key) for key in step]
        elif step:
            now_ms += step
        elif plain:
            assert queue.pop() == plain.pop(0)
        assert list(queue) == plain
        assert len(queue) == len(plain)
        assert queue.first_ms == (plain[0][0] if plain else None)
