"""The rings against a list of times for each slot: long idle, slots used again, rings that wrap."""

from math import ceil, inf, log2
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from event_seating.limits import ring
from event_seating.limits.ring import NUMBER_MAX, STEPS_MAX, Rings
from event_seating.settings.parsers import Window

SLOTS = 3
WINDOWS = st.lists(
    st.builds(Window, st.integers(1, 40), st.integers(1, 20)), min_size=1, max_size=3
)
PAUSES = st.sampled_from([0, 0, 0, 1 / 8, 1 / 8, 1, 7, 20, 100_000])
ACTIONS = st.lists(
    st.tuples(
        st.integers(0, SLOTS - 1), PAUSES, st.integers(1, 45), st.sampled_from([False] * 9 + [True])
    ),
    max_size=60,
)


def filled(windows: list[Window]) -> Rings:
    rings = Rings(windows)
    for slot in range(SLOTS):
        rings.reset(slot)
    return rings


@settings(max_examples=300, deadline=None, database=None)
@given(WINDOWS, ACTIONS, st.sampled_from([ring.NUMBER_MAX, 90]))
def test_every_window_has_the_times_that_a_list_has(
    windows: list[Window], actions: list[tuple[int, float, int, bool]], number_max: int
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(ring, "NUMBER_MAX", number_max)
        compare_with_a_list(windows, actions)


def compare_with_a_list(windows: list[Window], actions: list[tuple[int, float, int, bool]]) -> None:
    rings, now = filled(windows), 1_000.0
    times: list[list[float]] = [[] for _ in range(SLOTS)]
    for slot, pause_s, requests, is_new in actions:
        now += pause_s
        if is_new:
            rings.reset(slot)
            times[slot] = []
        for _ in range(requests):
            expected: list[int] = []
            for window in windows:
                inside = [at for at in times[slot] if at + window.seconds > now]
                expected.append(window.limit - len(inside) - 1)
                expected.append(
                    ceil(inside[0] + window.seconds - now) if inside else window.seconds
                )
            admitted = -1 not in expected
            assert rings.newest(slot) == (times[slot][-1] if times[slot] else -inf)
            assert rings.charge(slot, now) == (admitted, tuple(expected))
            if admitted:
                times[slot].append(now)


def test_a_slot_that_is_used_again_has_nothing_of_the_client_before() -> None:
    rings = filled([Window(5, 10)])
    for _ in range(6):
        rings.charge(1, 100.0)
    rings.reset(1)
    assert rings.newest(1) == -inf
    assert rings.charge(1, 100.0) == (True, (4, 10))


def test_numbers_begin_over_before_they_are_too_high() -> None:
    rings = filled([Window(3, 10), Window(2, 5)])
    rings._made[1] = NUMBER_MAX - 2
    rings.reset(1)
    answers = [rings.charge(1, now) for now in (100.0, 101.0, 105.0, 106.0, 110.0)]
    assert [room for _, (*_, room, _) in answers] == [1, 0, 0, 0, 1]
    assert [room for _, (room, *_) in answers] == [2, 1, 0, -1, 0]
    assert rings._made[1] < 10


class CountedTimes(list[float]):
    """Times that count how often one is read."""

    reads = 0

    def __getitem__(self, at: Any) -> Any:
        CountedTimes.reads += 1
        return super().__getitem__(at)


@pytest.mark.parametrize("have_left", [0, 1, STEPS_MAX, 500, 1_000])
def test_a_check_reads_few_times_however_many_have_left_its_windows(have_left: int) -> None:
    limit = 1_000
    windows = [Window(limit, 10), Window(limit, 60)]
    rings = filled(windows)
    for number in range(limit):
        rings.charge(0, number / 1_024)
    rings._times = CountedTimes(rings._times)  # type: ignore[assignment]
    now, each = 60 + (have_left - 1) / 1_024, STEPS_MAX + ceil(log2(limit)) + 1
    for most in (len(windows) * each, len(windows)):
        CountedTimes.reads = 0
        _, (_, _, room, _) = rings.charge(0, now)
        assert CountedTimes.reads <= most
    assert room == max(have_left - 2, -1)
