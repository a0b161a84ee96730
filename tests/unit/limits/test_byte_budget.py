"""A budget of bytes an hour for each client, against a window that forgets nothing."""

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from event_seating.limits.byte_budget import ByteBudget


class Clock:
    def __init__(self) -> None:
        self.s = 1_000.0

    def __call__(self) -> float:
        return self.s


def test_who_has_spent_it_waits_and_others_do_not() -> None:
    clock = Clock()
    budget = ByteBudget(100, 60, clock)
    assert budget.wait_s("a") == 0
    budget.charge("a", 99)
    assert budget.wait_s("a") == 0, "something is left"
    budget.charge("a", 99)
    assert budget.wait_s("a") > 0
    assert budget.wait_s("b") == 0


def test_the_wait_that_is_named_is_enough_and_not_much_too_long() -> None:
    for charged in (100, 150, 1_000):
        for began in (0.0, 1.0, 30.0, 59.0):
            clock = Clock()
            clock.s += began
            budget = ByteBudget(100, 60, clock)
            budget.charge("a", charged)
            wait_s = budget.wait_s("a")
            assert 0 < wait_s <= 120
            clock.s += wait_s - 2
            assert budget.wait_s("a") > 0, (charged, began)
            clock.s += 2
            assert budget.wait_s("a") == 0, (charged, began)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 60)), max_size=60))
def test_in_no_window_is_more_than_twice_the_budget_let_through(
    calls: list[tuple[int, int]],
) -> None:
    clock = Clock()
    budget, seen = ByteBudget(100, 60, clock), deque[tuple[float, int]]()
    for pause_s, size in calls:
        clock.s += pause_s
        if budget.wait_s("a") == 0:
            budget.charge("a", size)
            seen.append((clock.s, size))
        while seen and seen[0][0] <= clock.s - 60:
            seen.popleft()
        # The last one may be larger than what was left.
        assert sum(size for _, size in seen) <= 2 * 100 + 60


def test_it_remembers_no_more_clients_than_it_may_and_forgets_who_was_idle() -> None:
    clock = Clock()
    budget = ByteBudget(100, 60, clock, clients_max=50)
    for client in range(1_000):
        budget.charge(client, 100)
    assert len(budget) == 50
    assert budget.wait_s(999) > 0
    clock.s += 60
    budget.charge("another", 1)
    assert len(budget) <= 2 * 50
    clock.s += 180
    assert budget.wait_s(999) == 0
    assert len(budget) == 0


@pytest.mark.parametrize("wrong", [(0, 60, 1), (1, 0, 1), (1, 60, 0)])
def test_a_budget_of_nothing_is_a_mistake(wrong: tuple[int, float, int]) -> None:
    with pytest.raises(ValueError, match="a budget has bytes"):
        ByteBudget(wrong[0], wrong[1], Clock(), clients_max=wrong[2])
