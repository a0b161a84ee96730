"""The counts against a list of times for each slot, each moved to the end of its part."""

from fractions import Fraction
from math import ceil

from hypothesis import given, settings
from hypothesis import strategies as st

from event_seating.limits.counters import PARTS, Counters
from event_seating.settings.parsers import Window

SLOTS = 3
WINDOWS = st.lists(
    st.builds(Window, st.integers(1, 60), st.integers(1, 20)), min_size=1, max_size=3
).map(lambda windows: sorted(windows, key=lambda window: window.seconds))
PAUSES = st.sampled_from([0, 0, 1 / 8, 1 / 8, 1, 7, 20, 100_000])
ACTIONS = st.lists(
    st.tuples(
        st.integers(0, SLOTS - 1), PAUSES, st.integers(0, 3), st.sampled_from([False] * 9 + [True])
    ),
    max_size=60,
)


def counts_as(at: float, window: Window) -> Fraction:
    part = Fraction(window.seconds, PARTS)
    return (Fraction(at) // part + 1) * part


@settings(max_examples=300, deadline=None, database=None)
@given(WINDOWS, ACTIONS)
def test_every_window_has_the_requests_that_a_list_has(
    windows: list[Window], actions: list[tuple[int, float, int, bool]]
) -> None:
    counters, now = Counters(windows), 0.0
    times: list[list[float]] = [[] for _ in range(SLOTS)]
    for slot in range(SLOTS):
        counters.reset(slot)
    for slot, pause_s, requests, is_new in actions:
        now += pause_s
        if is_new:
            counters.reset(slot)
            times[slot] = []
        for _ in range(requests + 1):
            expected: list[int] = []
            for window in windows:
                ends = [counts_as(at, window) for at in times[slot]]
                inside = [end for end in ends if end > now - window.seconds]
                expected.append(window.limit - len(inside) - 1)
                expected.append(
                    ceil(inside[0] + window.seconds - now) if inside else window.seconds
                )
            admitted = -1 not in expected
            assert counters.charge(slot, now) == (admitted, tuple(expected))
            if admitted:
                times[slot].append(now)
                assert counters.newest(slot) == float(counts_as(now, windows[-1]))
