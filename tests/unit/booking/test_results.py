"""Results as bytes: what is read is what was written, and what cannot be read says so."""

import pytest

from event_seating.booking.core import results
from event_seating.booking.core.records import LineGroup
from event_seating.booking.core.refusals import SeatCode, SeatProblem
from event_seating.booking.core.results import (
    BlockResult,
    BookingResult,
    BrokenResultError,
    DoneResult,
    HoldResult,
    PreviewResult,
    ReleaseResult,
    Result,
)

AT_MS = 1_700_000_000_000
GROUPS = (LineGroup((1, 2), 4500, "standard"), LineGroup((70_000,), 0))

EACH: list[Result] = [
    HoldResult(2, AT_MS, b"h" * 16, GROUPS, AT_MS + 1, 3, True),
    HoldResult(2, AT_MS, b"h" * 16, GROUPS, AT_MS + 1, 1),
    BookingResult(3, AT_MS, b"b" * 16, GROUPS, True, -100),
    BlockResult(4, AT_MS, (1, 2, 9, 1), (SeatProblem(-1, SeatCode.unknown),)),
    ReleaseResult(5, AT_MS, 2, (1, 2, 3)),
    DoneResult(6, AT_MS),
    PreviewResult(7, AT_MS, 4500),
]


@pytest.mark.parametrize("result", EACH, ids=lambda each: type(each).__name__)
def test_what_is_read_is_what_was_written(result: Result) -> None:
    assert results.decode(results.FORMAT, results.encode(result)) == result


def test_a_form_that_is_not_known_gives_none() -> None:
    for form in (None, 0, results.FORMAT + 1):
        assert results.decode(form, results.encode(EACH[0])) is None


@pytest.mark.parametrize("broken", [b"", b"\xc1", b"\x93\x63\x01\x01", b"\x91\x05"])
def test_bytes_that_are_no_result_say_so(broken: bytes) -> None:
    with pytest.raises(BrokenResultError):
        results.decode(results.FORMAT, broken)


def test_the_result_of_a_hold_of_two_seats_is_small() -> None:
    assert len(results.encode(EACH[1])) < 80
