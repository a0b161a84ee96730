"""What becomes of a job whose handler ended in one of the four ways."""

import pytest

from event_seating.jobs import ends
from event_seating.jobs.ends import (
    Dead,
    Defer,
    Done,
    DoneElsewhere,
    JobAttempt,
    JobEnd,
    Retry,
    decided,
)

FIRST = JobAttempt(number=1, most=3, begun=1)
LAST = JobAttempt(number=3, most=3, begun=3)
OFTEN_DEFERRED = JobAttempt(number=1, most=3, begun=3 + ends.DEFERRALS_MAX)


@pytest.mark.parametrize("attempt", [FIRST, LAST, OFTEN_DEFERRED])
@pytest.mark.parametrize("end", [Done(7), DoneElsewhere(), Dead("no such event")])
def test_what_is_done_or_dead_stays_so_in_every_attempt(end: JobEnd, attempt: JobAttempt) -> None:
    assert decided(end, attempt) is end


def test_what_failed_is_tried_again_until_the_last_attempt() -> None:
    end = Retry("the mail server is down")
    assert decided(end, FIRST) is end
    given_up = decided(end, LAST)
    assert isinstance(given_up, Dead)
    assert given_up.why == "the mail server is down"


@pytest.mark.parametrize("attempt", [FIRST, LAST])
def test_what_is_deferred_comes_again_even_after_the_last_attempt(attempt: JobAttempt) -> None:
    end = Defer("the database is away")
    assert decided(end, attempt) is end


def test_what_is_deferred_every_time_is_a_failure_in_the_end() -> None:
    end = Defer("the database is away")
    just_before = OFTEN_DEFERRED._replace(begun=OFTEN_DEFERRED.begun - 1)
    assert decided(end, just_before) is end
    assert isinstance(decided(end, OFTEN_DEFERRED), Retry)
    assert isinstance(decided(end, OFTEN_DEFERRED._replace(number=3)), Dead)


def test_each_end_is_counted_as_it_always_was() -> None:
    counted = [end.outcome for end in (Done, DoneElsewhere, Retry, Defer, Dead)]
    assert counted == ["done", "done", "again", "postponed", "failed"]
