"""The rules of bookings and blocks, one sentence each."""

import pytest
from tests.support.seat_states import NOW, event, granted, one_row, pick, refused

from event_seating.booking.core import results
from event_seating.booking.core.commands import (
    AreaQuantity,
    BlockSeats,
    BookHold,
    BookSeats,
    CancelBooking,
    Choice,
    Command,
    ExchangeSeats,
    ExtendHold,
    Part,
    ReleaseHold,
    UnblockSeats,
)
from event_seating.booking.core.log_entries import Booked, Entry, Exchanged
from event_seating.booking.core.records import Groups, seats_of, total
from event_seating.booking.core.refusals import Refusal, SeatProblem
from event_seating.booking.core.results import BookingResult
from event_seating.booking.core.seat_state import SeatStates
from event_seating.booking.reads import rendering
from event_seating.booking.reads.bookings import BookingRow, groups_of
from event_seating.booking.seat_log.projection import Buyer

MINUTE = 60_000
EXPIRY = NOW + 10 * MINUTE


def booked(*seats: int) -> SeatStates:
    states = event(one_row(10, places=3))
    granted(states, pick(b"hold", *seats))
    granted(states, BookHold(b"hold", b"booking"))
    return states


def lines(*seats: int) -> Groups:
    return groups_of((seat, "standard", 4500) for seat in seats)


def test_a_booked_hold_answers_with_its_booking() -> None:
    states = booked(0, 1)
    assert states.characters() == b"bbaaaaaaaa"
    for request in (BookHold(b"hold", b"2"), ReleaseHold(b"hold"), ExtendHold(b"hold")):
        assert refused(states, request, "hold_booked", NOW + 90_000_000).booking == b"booking"
    assert states.booking_of(0) == b"booking"
    assert states.booking_of(2) is None


def test_a_late_booking_is_accepted_within_the_grace_while_the_seats_are_free() -> None:
    states = event()
    granted(states, pick(b"1", 0, 1))
    refused(states, ExtendHold(b"1"), "hold_expired", EXPIRY)
    assert states.characters() == b"a" * 10
    entry = granted(states, BookHold(b"1", b"booking"), EXPIRY + 59_999)
    assert isinstance(entry.operations[0], Booked)
    assert total(states.booking(b"booking").groups) == 9000  # type: ignore[union-attr]
    refused(states, BookHold(b"1", b"2"), "hold_booked", EXPIRY + 60_000)


def test_a_late_booking_is_refused_after_the_grace() -> None:
    states = event()
    granted(states, pick(b"1", 0))
    refused(states, BookHold(b"1", b"booking"), "hold_expired", EXPIRY + 60_000)


def test_the_grace_is_counted_from_the_expiry_and_not_from_the_sweep() -> None:
    states = event()
    granted(states, pick(b"1", 0))
    granted(states, pick(b"2", 5), EXPIRY + 30_000)
    refused(states, BookHold(b"1", b"booking"), "hold_expired", EXPIRY + 60_000)


def test_a_late_booking_is_refused_when_one_of_its_seats_was_taken() -> None:
    states = event()
    granted(states, pick(b"1", 0, 1))
    granted(states, pick(b"2", 1, buyer=b"other"), EXPIRY)
    refused(states, BookHold(b"1", b"booking"), "hold_expired", EXPIRY)
    granted(states, ReleaseHold(b"2"), EXPIRY)
    granted(states, BookHold(b"1", b"booking"), EXPIRY)


def test_staff_book_straight_from_available_from_blocked_or_from_both() -> None:
    states = event(one_row(10, places=3))
    granted(states, BlockSeats(Part((0, 1), (AreaQuantity(0, 1),))))
    granted(states, pick(b"1", 2))
    refusal = refused(states, BookSeats(b"b", Choice((0, 2, 3))), "seats_unavailable")
    assert refusal.seats == (SeatProblem(0, "blocked"), SeatProblem(2, "held"))
    only_blocked = BookSeats(b"b", Choice((0, 3)), from_available=False, from_blocked=True)
    assert refused(states, only_blocked, "seats_unavailable").seats == (
        SeatProblem(3, "available"),
    )
    granted(
        states,
        BookSeats(b"b", Choice((0, 3), (AreaQuantity(0, 3),)), from_blocked=True),
    )
    assert bytes(states.ledger.published) == b"bxhbaaaaaabbb"


def test_a_booking_is_cancelled_whole_and_its_seats_are_free_again() -> None:
    states = booked(0, 1)
    granted(states, CancelBooking(b"booking"))
    assert states.characters() == b"a" * 10
    refused(states, CancelBooking(b"booking"), "already_cancelled")
    refused(states, CancelBooking(b"never"), "booking_not_found")
    assert refused(states, BookHold(b"hold", b"2"), "hold_booked").booking == b"booking"
    refused(states, CancelBooking(b"booking"), "booking_not_found", NOW + 24 * 60 * MINUTE)


def test_a_booking_is_cancelled_in_part_and_the_last_part_ends_it() -> None:
    states = booked(0, 1, 2)
    granted(states, CancelBooking(b"booking", Part((1,))))
    assert states.characters() == b"babaaaaaaa"
    refusal = refused(states, CancelBooking(b"booking", Part((0, 1))), "not_in_booking")
    assert refusal.seats == (SeatProblem(1, "available"),)
    granted(states, CancelBooking(b"booking", Part((0, 2))))
    refused(states, CancelBooking(b"booking"), "already_cancelled")


def test_a_booking_that_changes_before_its_batch_cancels_it_is_told_as_it_then_was() -> None:
    """Both were asked while the database had it with its first seats; no refund may be of those."""
    states = booked(0, 1, 2)
    before = BookingRow(Buyer(None, "R-1"), "confirmed", "EUR", 3, NOW, NOW, lines(0, 1, 2))
    batch = states.begin(NOW)

    def after(request: Command) -> BookingRow:
        entry = batch.decide(request)
        assert isinstance(entry, Entry)
        result = results.of(request, entry, batch)
        assert isinstance(result, BookingResult)
        return rendering.after(before, result)

    exchanged = after(ExchangeSeats(b"booking", Part((1,)), Choice((5,), (), {5: "child"})))
    assert (exchanged.status, seats_of(exchanged.groups)) == ("confirmed", (0, 2, 5))
    after(CancelBooking(b"booking", Part((2,))))
    cancelled = after(CancelBooking(b"booking"))
    assert (cancelled.status, cancelled.version) == ("cancelled", batch.version)
    assert (seats_of(cancelled.groups), total(cancelled.groups)) == ((0, 5), 4500 + 2000)


def test_an_exchange_gives_and_takes_in_one_step_with_the_difference_in_price() -> None:
    states = booked(0, 1)
    request = ExchangeSeats(b"booking", Part((0,)), Choice((5,), (), {5: "child"}))
    exchanged = granted(states, request).operations[0]
    assert isinstance(exchanged, Exchanged)
    assert exchanged.difference == 2000 - 4500
    assert states.characters() == b"abaaabaaaa"
    assert total(states.booking(b"booking").groups) == 6500  # type: ignore[union-attr]


def test_an_exchange_that_cannot_be_had_changes_nothing() -> None:
    states = booked(0, 1)
    granted(states, pick(b"1", 5))
    refused(states, ExchangeSeats(b"booking", Part((0,)), Choice((5,))), "seats_unavailable")
    refused(states, ExchangeSeats(b"booking", Part((3,)), Choice((6,))), "not_in_booking")
    refused(states, ExchangeSeats(b"booking", Part((0, 1))), "nothing_left")
    refused(states, ExchangeSeats(b"never", Part((0,))), "booking_not_found")
    assert states.characters() == b"bbaaahaaaa"


def test_an_exchange_may_take_what_it_gives() -> None:
    states = booked(0, 1)
    take = Choice((0, 1), (), {0: "child"})
    granted(states, ExchangeSeats(b"booking", Part((0, 1)), take))
    assert total(states.booking(b"booking").groups) == 6500  # type: ignore[union-attr]


def test_a_dry_run_grants_nothing() -> None:
    states = booked(0)
    batch = states.begin(NOW)
    request = ExchangeSeats(b"booking", Part((0,)), Choice((1,)))
    assert not isinstance(batch.preview(request), Refusal)
    assert batch.entries == []
    batch.discard()
    assert states.characters() == b"b" + b"a" * 9


def test_blocking_takes_the_free_seats_and_says_which_it_left() -> None:
    states = booked(0)
    granted(states, pick(b"1", 1))
    batch = states.begin(NOW)
    part = Part((0, 1, 2, 99), (AreaQuantity(0, 5),))
    entry = batch.decide(BlockSeats(part, "cameras"))
    assert batch.rejected(part, entry) == (
        SeatProblem(0, "booked"),
        SeatProblem(1, "held"),
        SeatProblem(99, "unknown"),
    )
    states.commit(batch)
    assert bytes(states.ledger.published) == b"bhxaaaaaaaxxx"
    assert refused(states, BlockSeats(Part((0, 2))), "seats_unavailable").seats == (
        SeatProblem(0, "booked"),
        SeatProblem(2, "blocked"),
    )
    granted(states, UnblockSeats(Part((0, 2), (AreaQuantity(0, 1),))))
    assert bytes(states.ledger.published) == b"bhaaaaaaaaaxx"


def test_an_event_begins_with_its_configuration() -> None:
    states = SeatStates.new(one_row())
    batch = states.begin(NOW)
    with pytest.raises(ValueError, match="configures"):
        batch.decide(pick(b"1", 0))
