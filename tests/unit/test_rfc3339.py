"""Times as text."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_seating.values import rfc3339


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2027-06-01T20:00:00Z", "2027-06-01T20:00:00Z"),
        ("2027-06-01t20:00:00z", "2027-06-01T20:00:00Z"),
        ("2027-06-01 20:00:00+02:00", "2027-06-01T18:00:00Z"),
        ("2027-06-01T20:00:00.5-05:30", "2027-06-02T01:30:00.500Z"),
        ("2027-06-01T20:00:00.123999999Z", "2027-06-01T20:00:00.123Z"),
        ("1970-01-01T00:00:00-00:00", "1970-01-01T00:00:00Z"),
        ("9998-12-31T23:59:59-23:59", "9999-01-01T23:58:59Z"),
    ],
)
def test_a_time_with_a_zone_is_one_moment(text: str, moment: str) -> None:
    assert rfc3339.to_text(rfc3339.parse(text)) == moment


@pytest.mark.parametrize("text", ["2027-06-01T20:00:00", "2027-06-01T20:00:00.123"])
def test_a_time_without_a_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="has no time zone; end it with Z or an offset"):
        rfc3339.parse(text)


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2027-06-01", "2027-06-01T20:00Z", "20270601T200000Z",
             "2027-06-01T20:00:00Z\n", "٢٠٢٧-06-01T20:00:00Z", "2027-06-01T20:00:00+0200"],
)  # fmt: skip
def test_what_is_not_written_as_rfc_3339_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as 2027-06-01T20:00:00"):
        rfc3339.parse(text)


@pytest.mark.parametrize(
    "text", ["2027-02-29T20:00:00Z", "2027-06-01T25:00:00Z", "2027-13-01T20:00:00Z",
             "2027-06-01T20:00:60Z", "2027-06-01T20:00:00+25:00", "0000-01-01T00:00:00Z"],
)  # fmt: skip
def test_a_time_that_no_clock_shows_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time that exists"):
        rfc3339.parse(text)


@pytest.mark.parametrize(
    "text", ["1969-12-31T23:59:59Z", "1970-01-01T00:00:00+01:00", "9999-12-31T23:59:59-23:59"]
)
def test_a_time_that_cannot_be_counted_or_written_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be in the years 1970 to 9998"):
        rfc3339.parse(text)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

moments = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)).map(  # noqa: DTZ001
    lambda naive: (naive.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
)


@given(moments)
def test_what_is_written_is_read_back(ms: int) -> None:
    assert (datetime.fromisoformat(rfc3339.to_text(ms)) - EPOCH) // timedelta(milliseconds=1) == ms


@given(moments)
def test_milliseconds_are_left_out_when_they_are_zero(ms: int) -> None:
    assert ("." in rfc3339.to_text(ms)) == (ms % 1000 != 0)
    assert rfc3339.to_text(ms).endswith("Z")


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "1970-01-01T00:00:00Z"), (1, "1970-01-01T00:00:00.001Z"),
     (-1, "1969-12-31T23:59:59.999Z"), (1_702_049_445_120, "2023-12-08T15:30:45.120Z")],
)  # fmt: skip
def test_the_form_is_always_the_same(ms: int, text: str) -> None:
    assert rfc3339.to_text(ms) == text
