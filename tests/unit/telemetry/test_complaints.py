"""A trouble that comes and goes fills no log, and none that lasts is kept quiet."""

import pytest

from event_seating.clock import SystemClock
from event_seating.telemetry.complaints import SAY_AGAIN_AFTER_S, Complaint

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
    assert [complaint.is_to_be_said("full") for _ in range(3)] == [True, False, False]
    assert [complaint.is_over() for _ in range(3)] == [True, False, False]


def test_what_turns_into_another_trouble_is_said_but_not_at_once(
    complaint: Complaint, clock: Clock
) -> None:
    assert complaint.is_to_be_said("full")
    assert not complaint.is_to_be_said("away")
    clock.now_s += SAY_AGAIN_AFTER_S
    assert complaint.is_to_be_said("away")


def test_ten_minutes_of_coming_and_going_are_a_few_lines(
    complaint: Complaint, clock: Clock
) -> None:
    lines = 0
    for _ in range(TEN_MINUTES_S):
        lines += complaint.is_to_be_said("full")
        lines += complaint.is_over()
        clock.now_s += 1
    assert lines == 2 * TEN_MINUTES_S / SAY_AGAIN_AFTER_S


def test_one_that_comes_again_soon_and_lasts_is_said_in_the_end(
    complaint: Complaint, clock: Clock
) -> None:
    assert complaint.is_to_be_said("full")
    assert complaint.is_over()
    assert not complaint.is_to_be_said("full")
    assert not complaint.is_over(), "nobody was told that it began again"
    clock.now_s += SAY_AGAIN_AFTER_S
    assert complaint.is_to_be_said("full")
