"""An event that is cancelled: nothing more is taken, and everything is given back."""

import pytest
from tests.support.seat_states import NOW, configure, do, event, granted, one_row, pick, refused

from event_seating.booking.core.commands import (
    BlockSeats,
    BookHold,
    BookSeats,
    CancelBooking,
    ChangeHold,
    Choice,
    Command,
    ExchangeSeats,
    ExtendHold,
    Part,
    ReleaseHold,
    UnblockSeats,
    WindUp,
)
from event_seating.booking.core.log_entries import Cancelled, Entry, Released
from event_seating.booking.core.records import CancelReason, SaleStatus
from event_seating.booking.core.seat_state import SeatStates


@pytest.fixture
def called_off() -> SeatStates:
    """Two holds, three bookings, a block; then the event is cancelled."""
    states = event(one_row(12))
    for number in range(5):
        granted(states, pick(b"h%d" % number, 2 * number, 2 * number + 1))
    for number in range(3):
        granted(states, BookHold(b"h%d" % number, b"b%d" % number))
    granted(states, BlockSeats(Part((11,))))
    configure(states, status=SaleStatus.cancelled)
    return states


@pytest.mark.parametrize(
    "request_",
    [
        pick(b"new", 10),
        ChangeHold(b"h3", remove=Part((6,))),
        ExtendHold(b"h3"),
        BookHold(b"h3", b"late"),
        BookSeats(b"late", Choice((10,))),
        ExchangeSeats(b"b0", release=Part((0,))),
        BlockSeats(Part((10,))),
        UnblockSeats(Part((11,))),
    ],
    ids=lambda request: type(request).__name__,
)
def test_nothing_more_is_taken_or_changed(called_off: SeatStates, request_: Command) -> None:
    refused(called_off, request_, "event_cancelled")


def test_a_shop_that_lost_its_answer_learns_that_it_has_booked(called_off: SeatStates) -> None:
    assert refused(called_off, BookHold(b"h0", b"again"), "hold_booked").booking == b"b0"


def test_holds_and_bookings_can_be_given_back(called_off: SeatStates) -> None:
    granted(called_off, ReleaseHold(b"h3"))
    granted(called_off, CancelBooking(b"b0", Part((0,))))
    granted(called_off, CancelBooking(b"b0"))
    assert called_off.characters() == b"aabbbbaahhax"


def test_holds_end_first_then_bookings_so_many_in_a_row(called_off: SeatStates) -> None:
    rows = [granted(called_off, WindUp(2)) for _ in range(3)]
    kinds = [[type(operation) for operation in entry.operations] for entry in rows]
    assert kinds == [[Released] * 2, [Cancelled] * 2, [Cancelled]]
    reasons = {
        operation.reason_code
        for entry in rows
        for operation in entry.operations
        if isinstance(operation, Cancelled)
    }
    assert reasons == {CancelReason.event_cancelled}
    assert called_off.characters() == b"a" * 11 + b"x"
    refused(called_off, WindUp(2), "booking_not_found")


def test_what_ran_out_is_expired_and_not_released(called_off: SeatStates) -> None:
    entry = granted(called_off, WindUp(10), NOW + 600_000)
    assert {type(operation) for operation in entry.operations} == {Cancelled}
    assert called_off.characters() == b"a" * 11 + b"x"


def test_an_event_on_sale_is_not_wound_up() -> None:
    states = event()
    granted(states, pick(b"h", 0))
    refused(states, WindUp(1), "booking_not_found")


def test_a_batch_knows_what_each_booking_had_when_it_was_wound_up(called_off: SeatStates) -> None:
    granted(called_off, WindUp(10))
    batch = called_off.begin(NOW)
    assert isinstance(batch.decide(WindUp(10)), Entry)
    assert [batch.groups_of(b"b%d" % number)[0].seats for number in range(3)] == [
        (0, 1),
        (2, 3),
        (4, 5),
    ]
    called_off.commit(batch)


def test_cancelling_nothing_at_a_time_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one"):
        WindUp(0)


def test_an_image_of_a_cancelled_event_comes_back_as_it_was(called_off: SeatStates) -> None:
    loaded = SeatStates.load(called_off.index, called_off.dump())
    assert do(loaded, WindUp(10)) == do(called_off, WindUp(10))
