"""Entries as bytes: what goes in comes out, and nothing else is taken."""

import os
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_seating.booking.core.log_entries import (
    FORMAT,
    Blocked,
    Booked,
    BrokenEntriesError,
    Entry,
    Expired,
    Held,
    UnknownFormatError,
    changes,
    decode,
    encode,
    from_ranges,
    pairs,
    to_ranges,
)
from event_seating.booking.core.records import AVAILABLE, BLOCKED, BOOKED, HELD, LineGroup

HELD_ENTRY = Entry("key", (Expired(b"old", (4, 5)), Held(b"new", (LineGroup((4,), 100),), 60_000)))


def test_entries_come_back_as_they_were_written() -> None:
    assert decode(FORMAT, encode([HELD_ENTRY])) == [HELD_ENTRY]


def test_an_unknown_format_is_an_error_that_names_it() -> None:
    with pytest.raises(UnknownFormatError, match="format 99"):
        decode(99, encode([HELD_ENTRY]))


@given(st.binary(max_size=40))
def test_rubbish_is_refused_as_such(row: bytes) -> None:
    try:
        decode(FORMAT, row)
    except BrokenEntriesError:
        return
    assert row == b"\x90"  # an empty row is the only short one


@pytest.mark.parametrize(
    "row",
    [
        [[None, []]],
        [[None, [[99, b"x"]]]],
        [[None, [[5, b"", [1]]]]],
        [[None, [[5, b"hold", [-1]]]]],
        [[None, [[5, b"x" * 65, [1]]]]],
        [[None, [[2, b"hold", [[[1], -5, None]], 1, None, False]]]],
    ],
)
def test_what_no_release_wrote_is_refused(row: list[object]) -> None:
    with pytest.raises(BrokenEntriesError):
        decode(FORMAT, msgspec.msgpack.encode(row))


def test_a_truncated_row_is_refused_at_every_length() -> None:
    row = encode([HELD_ENTRY])
    for length in range(len(row)):
        with pytest.raises(BrokenEntriesError):
            decode(FORMAT, row[:length])


def test_changes_are_told_from_the_entries_alone_and_the_last_one_counts() -> None:
    booked = Entry(None, (Booked(b"booking", (4,), b"new"), Blocked((7, 2))))
    assert changes([HELD_ENTRY]) == {4: HELD, 5: AVAILABLE}
    assert changes([HELD_ENTRY, booked]) == {4: BOOKED, 5: AVAILABLE, 7: BLOCKED, 8: BLOCKED}


@given(st.sets(st.integers(0, 50)), st.integers(0, 60))
def test_ranges_name_the_same_seats(seats: set[int], least: int) -> None:
    assert from_ranges(to_ranges(seats)) == sorted(seats)
    assert from_ranges(to_ranges(seats), least) == sorted(seat for seat in seats if seat >= least)


@given(st.sets(st.integers(0, 50)))
def test_between_two_ranges_there_is_a_gap(seats: set[int]) -> None:
    ranges = list(pairs(to_ranges(seats)))
    assert all(count > 0 for _, count in ranges)
    assert all(first + count < later for (first, count), (later, _) in pairwise(ranges))


def test_a_booking_of_two_seats_takes_about_a_hundred_bytes_of_log() -> None:
    hold, booking, buyer = os.urandom(16), os.urandom(16), os.urandom(12)
    held = Held(hold, (LineGroup((31_000, 31_001), 4500),), 600_000, buyer)
    booked = Booked(booking, (31_000, 31_001), hold)
    assert len(encode([Entry(None, (held,)), Entry(None, (booked,))])) < 110
