"""A trouble that comes and goes fills no log, and none that lasts is kept quiet."""

import pytest

from event_seating.clock import SystemClock
from event_seating.telemetry.complaints import LOG_AGAIN_AFTER_S, Complaint

TEN_MINUTES_S = 600


class Clock(SystemClock):
    """Stands still until it is moved."""

    now_s = 1_000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def complaint(clock: Clock) -> Complaint:
    return Complaint(clock)


def test_a_trouble_is_said_once_and_so_is_its_end(complaint: Complaint) -> None:
    assert [complaint.should_log("full") for _ in range(3)] == [True, False, False]
    assert [complaint.should_log_end() for _ in range(3)] == [True, False, False]


def test_what_turns_into_another_trouble_is_said_but_not_at_once(
    complaint: Complaint, clock: Clock
) -> None:
    assert complaint.should_log("full")
    assert not complaint.should_log("away")
    clock.now_s += LOG_AGAIN_AFTER_S
    assert complaint.should_log("away")


def test_ten_minutes_of_coming_and_going_are_a_few_lines(
    complaint: Complaint, clock: Clock
) -> None:
    lines = 0
    for _ in range(TEN_MINUTES_S):
        lines += complaint.should_log("full")
        lines += complaint.should_log_end()
        clock.now_s += 1
    assert lines == 2 * TEN_MINUTES_S / LOG_AGAIN_AFTER_S


def test_one_that_comes_again_soon_and_lasts_is_said_in_the_end(
    complaint: Complaint, clock: Clock
) -> None:
    assert complaint.should_log("full")
    assert complaint.should_log_end()
    assert not complaint.should_log("full")
    assert not complaint.should_log_end(), "nobody was told that it began again"
    clock.now_s += LOG_AGAIN_AFTER_S
    assert complaint.should_log("full")
