"""What a client sees of its limits, at the edges of the windows and at the bounds of memory."""

import time
import tracemalloc

import pytest

from event_seating.limits.counters import PARTS, Counters
from event_seating.limits.limiter import (
    CHECKED_PER_NEW_CLIENT,
    CLIENTS_MAX,
    TIMES_MAX_BYTES,
    Limiter,
)
from event_seating.settings.parsers import Window, parse_windows

DEFAULT_WINDOWS = parse_windows("5/10s,10/60s")


class Stopwatch:
    """A monotonic clock that moves only when told; eighths of a second are exact in binary."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def limiter(clock: Stopwatch) -> Limiter:
    return Limiter(DEFAULT_WINDOWS, clock)


def admitted(limiter: Limiter, client: object, times: int) -> list[bool]:
    return [limiter.check(client).admitted for _ in range(times)]


def test_the_sixth_request_within_ten_seconds_is_refused(limiter: Limiter) -> None:
    assert admitted(limiter, 1, 7) == [True] * 5 + [False] * 2


def test_the_eleventh_request_within_a_minute_is_refused(
    limiter: Limiter, clock: Stopwatch
) -> None:
    assert all(admitted(limiter, 1, 5))
    clock.now += 10
    assert all(admitted(limiter, 1, 5))
    clock.now += 10
    assert admitted(limiter, 1, 1) == [False]


def test_a_time_leaves_the_window_when_it_is_exactly_as_old_as_the_window(
    limiter: Limiter, clock: Stopwatch
) -> None:
    admitted(limiter, 1, 5)
    clock.now += 9.875
    assert admitted(limiter, 1, 1) == [False]
    clock.now += 0.125
    assert admitted(limiter, 1, 1) == [True]


def test_no_span_of_ten_seconds_holds_more_than_five_even_across_a_boundary(
    limiter: Limiter, clock: Stopwatch
) -> None:
    clock.now = 1_009.0  # late in what a fixed window would start at 1,000
    assert all(admitted(limiter, 1, 5))
    clock.now = 1_011.0
    assert admitted(limiter, 1, 1) == [False]


def test_a_refused_request_is_charged_to_no_window(limiter: Limiter, clock: Stopwatch) -> None:
    admitted(limiter, 1, 5)
    assert not any(admitted(limiter, 1, 100))
    clock.now += 10
    assert limiter.check(1).header == b'"burst";r=4;t=10, "sustained";r=4;t=50'


def test_clients_do_not_share_a_budget(limiter: Limiter) -> None:
    admitted(limiter, 1, 6)
    assert admitted(limiter, 2, 1) == admitted(limiter, "key:1", 1) == [True]


def test_the_policy_names_each_window_with_its_quota_and_length(limiter: Limiter) -> None:
    assert limiter.policy_header == b'"burst";q=5;w=10, "sustained";q=10;w=60'


@pytest.mark.parametrize(
    ("windows", "policy"),
    [
        ("7/3s", b'"default";q=7;w=3'),
        ("10/60s,5/10s", b'"burst";q=5;w=10, "sustained";q=10;w=60'),
        (
            "1/1s,2/2s,3/3s,4/4s",
            b'"burst";q=1;w=1, "window-2";q=2;w=2, "window-3";q=3;w=3, "sustained";q=4;w=4',
        ),
    ],
)
def test_windows_are_named_from_the_shortest_to_the_longest(windows: str, policy: bytes) -> None:
    assert Limiter(parse_windows(windows), Stopwatch()).policy_header == policy


def test_the_first_answer_says_what_is_left_after_it(limiter: Limiter) -> None:
    assert limiter.check(1) == (
        True,
        limiter.policy_header,
        b'"burst";r=4;t=10, "sustained";r=9;t=60',
        0,
    )


def test_t_counts_down_to_the_moment_the_earliest_request_leaves_the_window(
    limiter: Limiter, clock: Stopwatch
) -> None:
    limiter.check(1)
    clock.now += 2.5
    assert limiter.check(1).header == b'"burst";r=3;t=8, "sustained";r=8;t=58'


def test_a_window_that_is_untouched_promises_its_quota_for_its_whole_length(
    clock: Stopwatch,
) -> None:
    limiter = Limiter(parse_windows("1/2s,1/60s"), clock)
    limiter.check(1)
    clock.now += 2
    verdict = limiter.check(1)
    assert verdict.header == b'"burst";r=1;t=2, "sustained";r=0;t=58'
    assert verdict.retry_after_s == 58


def test_retry_after_is_the_longest_wait_of_the_windows_that_refuse(
    limiter: Limiter, clock: Stopwatch
) -> None:
    admitted(limiter, 1, 5)
    assert limiter.check(1).retry_after_s == 10  # the sustained window has room
    clock.now += 10
    admitted(limiter, 1, 5)
    clock.now += 0.125
    assert limiter.check(1) == (
        False,
        limiter.policy_header,
        b'"burst";r=0;t=10, "sustained";r=0;t=50',
        50,
    )
    clock.now += 49.75
    assert limiter.check(1).retry_after_s == 1  # an eighth of a second, rounded up


def test_the_shorter_window_may_be_the_one_that_refuses_for_longer(clock: Stopwatch) -> None:
    limiter = Limiter(parse_windows("5/10s,6/12s"), clock)
    limiter.check(1)
    clock.now += 10
    admitted(limiter, 1, 5)
    clock.now += 1
    assert limiter.check(1) == (
        False,
        limiter.policy_header,
        b'"burst";r=0;t=9, "sustained";r=0;t=1',
        9,
    )


def test_a_limit_of_a_million_is_counted_in_no_time(clock: Stopwatch) -> None:
    limiter = Limiter((Window(1_000_000, 86_400),), clock)
    assert limiter.check(1).header == b'"default";r=999999;t=86400'
    # The first came 1,000 s after a part began, and counts as made at its end.
    assert limiter.check(1).header == b'"default";r=999998;t=%d' % (
        86_400 + 86_400 // PARTS - 1_000
    )


def test_the_longest_window_may_have_the_lower_limit(clock: Stopwatch) -> None:
    limiter = Limiter(parse_windows("50/1s,3/60s"), clock)
    assert admitted(limiter, 1, 5) == [True] * 3 + [False] * 2


def test_idle_clients_are_forgotten_with_each_newcomer(clock: Stopwatch) -> None:
    limiter = Limiter(DEFAULT_WINDOWS, clock)
    for client in range(100):
        limiter.check(client)
    clock.now += 60
    for newcomer in range(100, 100 + 100 // CHECKED_PER_NEW_CLIENT + 1):
        limiter.check(newcomer)
    assert len(limiter) <= 100 // CHECKED_PER_NEW_CLIENT + 1


def test_forgetting_looks_at_no_more_slots_than_it_is_told(
    limiter: Limiter, clock: Stopwatch
) -> None:
    for client in range(100):
        limiter.check(client)
    assert limiter.forget_idle(1_000) == 0
    clock.now += 59.875
    assert limiter.forget_idle(1_000) == 0
    clock.now += 0.125
    assert [limiter.forget_idle(60), limiter.forget_idle(60), len(limiter)] == [60, 40, 0]


def test_a_client_that_was_forgotten_begins_anew_in_a_slot_used_before(
    limiter: Limiter, clock: Stopwatch
) -> None:
    admitted(limiter, 1, 5)
    clock.now += 60
    assert limiter.forget_idle(10) == 1
    assert admitted(limiter, 2, 6) == [True] * 5 + [False]


def test_at_the_bound_the_stalest_of_those_looked_at_makes_room(clock: Stopwatch) -> None:
    limiter = Limiter(DEFAULT_WINDOWS, clock, max_clients=CHECKED_PER_NEW_CLIENT)
    for client in range(CHECKED_PER_NEW_CLIENT):
        clock.now += 0.125
        admitted(limiter, client, 5)
    clock.now += 0.125
    assert admitted(limiter, "newcomer", 6) == [True] * 5 + [False]
    assert len(limiter) == CHECKED_PER_NEW_CLIENT
    assert admitted(limiter, 1, 1) == [False]  # remembered
    assert admitted(limiter, 0, 1) == [True]  # the stalest: forgotten


SEATING_WINDOWS = parse_windows("600/10s,2000/60s")
"""Those of an address that takes seats, at the default settings."""


@pytest.mark.parametrize(
    ("windows", "exact"),
    [("5/10s,10/60s", True), ("80/60s", True), ("60/10s,200/60s", False), ("1000/1s", False)],
)
def test_times_are_kept_where_those_of_every_client_fit(windows: str, exact: bool) -> None:
    assert Limiter(parse_windows(windows), Stopwatch()).exact is exact


def test_a_hundred_thousand_clients_fit_into_the_bound_whatever_the_windows_are() -> None:
    windows = parse_windows("1000000/1s,1000000/60s,1000000/3600s,1000000/86400s")
    assert Counters.bytes_each(windows) * CLIENTS_MAX <= TIMES_MAX_BYTES


def test_a_bot_among_8000_busy_addresses_gets_its_budget_and_no_more(clock: Stopwatch) -> None:
    limiter = Limiter(SEATING_WINDOWS, clock)
    bot, busy, seconds = "bot", 8_000, 120
    accepted: list[float] = []
    for second in range(seconds):
        for address in range(second % 15, busy, 15):  # each asks every 15 seconds
            assert limiter.check(address).admitted
        for _ in range(50):
            clock.now += 1 / 64
            accepted += [clock.now] * sum(admitted(limiter, bot, 2))
        clock.now += 14 / 64
    for limit, window_s in ((600, 10), (2_000, 60)):
        ahead = 0
        for at, time_s in enumerate(accepted):
            while accepted[ahead] <= time_s - window_s:
                ahead += 1
            assert at - ahead + 1 <= limit
    # A part of each window is what it may get less than its budget.
    assert 2 * 2_000 * PARTS / (PARTS + 1) <= len(accepted) <= 2 * 2_000
    assert limiter.forgotten == 0


def test_whoever_makes_room_with_something_charged_is_counted(clock: Stopwatch) -> None:
    limiter = Limiter(DEFAULT_WINDOWS, clock, max_clients=2)
    for client in range(3):
        limiter.check(client)
    assert limiter.forgotten == 1
    clock.now += 60
    limiter.check(3)
    assert limiter.forgotten == 1  # the others were idle


@pytest.mark.parametrize("arguments", [((), 1), (DEFAULT_WINDOWS, 0)])
def test_a_limiter_without_windows_or_room_is_refused(
    arguments: tuple[tuple[Window, ...], int],
) -> None:
    windows, max_clients = arguments
    with pytest.raises(ValueError, match="at least one window"):
        Limiter(windows, Stopwatch(), max_clients=max_clients)


@pytest.mark.parametrize(("windows", "bytes_max"), [(DEFAULT_WINDOWS, 200), (SEATING_WINDOWS, 300)])
def test_a_client_costs_at_most_some_hundred_bytes_even_where_clients_come_and_go(
    windows: tuple[Window, ...], bytes_max: int
) -> None:
    clients = 4_000
    tracemalloc.start()
    try:
        limiter = Limiter(windows, time.monotonic, max_clients=clients)
        for number in range(3 * clients):
            limiter.check((1 << 40) + number)  # made here, so that the key is counted
        used_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(limiter) == clients
    assert used_bytes / clients <= bytes_max
