"""The one way to write a time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_seating.clock import SystemClock, rfc3339

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

moments = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)).map(  # noqa: DTZ001
    lambda naive: (naive.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
)


@given(moments)
def test_what_is_written_is_read_back(ms: int) -> None:
    assert (datetime.fromisoformat(rfc3339(ms)) - EPOCH) // timedelta(milliseconds=1) == ms


@given(moments)
def test_milliseconds_are_left_out_when_they_are_zero(ms: int) -> None:
    assert ("." in rfc3339(ms)) == (ms % 1000 != 0)
    assert rfc3339(ms).endswith("Z")


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "1970-01-01T00:00:00Z"), (1, "1970-01-01T00:00:00.001Z"),
     (-1, "1969-12-31T23:59:59.999Z"), (1_702_049_445_120, "2023-12-08T15:30:45.120Z")],
)  # fmt: skip
def test_the_form_is_always_the_same(ms: int, text: str) -> None:
    assert rfc3339(ms) == text


def test_the_clock_of_the_machine_does_not_run_backwards() -> None:
    clock = SystemClock()
    times = [clock.monotonic() for _ in range(100)]
    assert times == sorted(times)
    assert abs(clock.now_ms() - datetime.now(UTC).timestamp() * 1000) < 60_000
