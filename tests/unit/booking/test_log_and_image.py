"""Batches, rows of other processes, images: what is kept, what is not, what is refused."""

import pytest
from tests.support.seat_states import NOW, do, event, granted, one_row, pick, refused

from event_seating.booking.core.commands import (
    BlockSeats,
    BookHold,
    CancelBooking,
    Choice,
    ExtendHold,
    Part,
    PlaceHold,
    ReleaseHold,
)
from event_seating.booking.core.ledger import TOMBSTONE_TTL_MS, TOMBSTONES_MAX
from event_seating.booking.core.log_entries import Blocked, Booked, Entry, Held, Released
from event_seating.booking.core.records import EndCause, LineGroup
from event_seating.booking.core.seat_arrays import InvariantError
from event_seating.booking.core.seat_state import SeatStates
from event_seating.booking.core.state_codec import BrokenSnapshotError

MINUTE = 60_000


def test_a_request_sees_what_its_batch_granted_and_readers_do_not() -> None:
    states = event()
    batch = states.begin(NOW)
    batch.decide(pick(b"1", 0, 1))
    second = batch.decide(pick(b"2", 1, 2))
    assert [problem.code for problem in second.seats] == ["held"]  # type: ignore[union-attr]
    assert states.characters() == b"a" * 10
    assert states.counts()["held"] == 0
    assert states.hold(b"1", NOW).code == "hold_not_found"  # type: ignore[union-attr]
    assert states.commit(batch) == {0: 1, 1: 1}
    assert states.characters() == b"hhaaaaaaaa"


def test_a_batch_that_is_thrown_away_leaves_nothing() -> None:
    states = event()
    granted(states, pick(b"1", 0))
    before = states.dump()
    batch = states.begin(NOW + 10 * MINUTE)
    batch.decide(pick(b"2", 0, 1))
    batch.decide(BookHold(b"2", b"booking"))
    batch.discard()
    states.check()
    assert states.dump() == before
    granted(states, pick(b"2", 1, 2))


def test_only_one_batch_is_open_and_a_closed_one_decides_nothing() -> None:
    states = event()
    batch = states.begin(NOW)
    with pytest.raises(InvariantError):
        states.begin(NOW)
    with pytest.raises(InvariantError):
        states.apply(states.version + 1, NOW, [])
    batch.discard()
    with pytest.raises(InvariantError):
        batch.decide(pick(b"1", 0))
    with pytest.raises(InvariantError):
        states.commit(batch)


def test_time_never_runs_backwards() -> None:
    states = event()
    assert states.begin(NOW - MINUTE).at_ms == NOW
    states.batch.discard()  # type: ignore[union-attr]
    with pytest.raises(InvariantError, match="backwards"):
        states.apply(states.version + 1, NOW - 1, [])


def test_a_row_that_does_not_follow_is_refused() -> None:
    with pytest.raises(InvariantError, match="does not follow"):
        event().apply(3, NOW, [])


@pytest.mark.parametrize(
    "operation",
    [
        Held(b"2", (LineGroup((0,), 1),), 1),
        Held(b"1", (LineGroup((5,), 1),), 1),
        Held(b"2", (LineGroup((99,), 1),), 1),
        Released(b"1", (2,)),
        Released(b"1", (0,)),
        Released(b"none", (0,)),
        Booked(b"b", (0, 2), b"1"),
        Booked(b"b", (), None),
        Booked(b"b", (), None, (LineGroup((1,), 1),)),
    ],
)
def test_a_row_that_does_not_fit_is_refused_and_leaves_nothing(operation: object) -> None:
    states = event()
    granted(states, pick(b"1", 0, 1))
    before = states.dump()
    good = Held(b"good", (LineGroup((7,), 1),), 1)
    with pytest.raises(InvariantError):
        states.apply(3, NOW, [Entry(None, (good, operation))])  # type: ignore[arg-type]
    assert states.dump() == before
    states.check()


def test_a_row_of_nonsense_leaves_nothing_either() -> None:
    states = event()
    before = states.dump()
    good = Held(b"good", (LineGroup((7,), 1),), 1)
    with pytest.raises(ValueError, match="zip"):
        states.apply(2, NOW, [Entry(None, (good, Blocked((1, 2, 3))))])
    assert states.dump() == before
    states.check()


def test_an_image_comes_back_as_it_was_and_in_small_steps() -> None:
    states = event(one_row(10, places=5))
    granted(states, PlaceHold(b"1", Choice((0, 1)), b"buyer"))
    granted(states, PlaceHold(b"2", Choice((2, 3)), b"buyer"))
    granted(states, BookHold(b"1", b"booking"))
    granted(states, ReleaseHold(b"2"))
    granted(states, BlockSeats(Part((7, 8))))
    steps = SeatStates.load_in_steps(states.index, states.dump())
    paused = 0
    while True:
        try:
            next(steps)
            paused += 1
        except StopIteration as done:
            loaded = done.value
            break
    loaded.check()
    assert paused > 3
    assert loaded.dump() == states.dump()
    assert loaded.characters() == b"bbaaaaaxxa"
    refused(loaded, ReleaseHold(b"2"), "hold_released")


def test_an_image_taken_while_a_batch_is_open_has_what_was_committed() -> None:
    states = event()
    before = states.dump()
    batch = states.begin(NOW)
    batch.decide(pick(b"1", 0))
    assert states.dump() == before
    batch.discard()


def test_rubbish_half_an_image_and_one_of_another_map_are_refused() -> None:
    dumped = event().dump()
    for image in (b"", b"rubbish", dumped[:-1], dumped + dumped, b"\0\0\0\1\xc1"):
        with pytest.raises(BrokenSnapshotError):
            SeatStates.load(one_row(), image)
    with pytest.raises(BrokenSnapshotError):
        SeatStates.load(one_row(11), dumped)


def test_an_image_in_which_any_one_bit_is_another_is_refused() -> None:
    states = event()
    granted(states, PlaceHold(b"1", Choice((0, 1)), b"buyer"))
    dumped = states.dump()
    for at in range(len(dumped)):
        damaged = bytearray(dumped)
        damaged[at] ^= 1 << at % 8
        with pytest.raises(BrokenSnapshotError):
            SeatStates.load(one_row(), bytes(damaged))


def test_an_image_that_lacks_a_piece_or_has_one_elsewhere_is_refused() -> None:
    states = event()
    granted(states, PlaceHold(b"1", Choice((0, 1)), b"buyer"))
    granted(states, PlaceHold(b"2", Choice((2, 3)), b"buyer"))
    granted(states, BookHold(b"1", b"booking"))
    pieces = list(states.freeze().pieces())
    assert len(pieces) == 5
    SeatStates.load(one_row(), b"".join(pieces)).check()
    for number in range(len(pieces)):
        rest = pieces[:number] + pieces[number + 1 :]
        for others in (rest, [*rest, pieces[number]], pieces[:number], [*pieces, pieces[number]]):
            if others != pieces:
                with pytest.raises(BrokenSnapshotError):
                    SeatStates.load(one_row(), b"".join(others))


def test_an_ended_hold_is_known_for_a_day_and_then_forgotten() -> None:
    states = event()
    granted(states, pick(b"1", 0))
    granted(states, ReleaseHold(b"1"))
    refused(states, ReleaseHold(b"1"), "hold_released", NOW + TOMBSTONE_TTL_MS - 1)
    refused(states, ReleaseHold(b"1"), "hold_not_found", NOW + TOMBSTONE_TTL_MS)
    granted(states, pick(b"2", 0), NOW + TOMBSTONE_TTL_MS)
    assert not states.ledger.tombstones


def test_each_of_what_ends_in_one_row_says_how_it_ended() -> None:
    states = event()
    for seat, hold in enumerate((b"1", b"2", b"3")):
        granted(states, pick(hold, seat))
    granted(states, BookHold(b"1", b"one"))
    granted(states, BookHold(b"2", b"two"))
    granted(states, pick(b"4", 4), NOW + 1)
    assert states.configuration is not None
    batch = states.begin(NOW + states.configuration.rules.hold_ttl_ms)
    for request in (ReleaseHold(b"4"), CancelBooking(b"one"), CancelBooking(b"two")):
        assert isinstance(batch.decide(request), Entry)
    states.commit(batch)
    states.check()
    assert {key: (gone.ending, gone.booking) for key, gone in states.ledger.tombstones.items()} == {
        b"1": (EndCause.booked, b"one"),
        b"2": (EndCause.booked, b"two"),
        b"3": (EndCause.expired, None),
        b"4": (EndCause.released, None),
        b"one": (EndCause.cancelled, None),
        b"two": (EndCause.cancelled, None),
    }


def test_a_hold_that_ended_twice_is_known_for_a_day_after_the_second_time() -> None:
    states = event()
    granted(states, pick(b"1", 0))
    assert states.configuration is not None
    ran_out = NOW + states.configuration.rules.hold_ttl_ms
    do(states, ReleaseHold(b"unknown"), ran_out)
    granted(states, BookHold(b"1", b"late"), ran_out + 1)
    granted(states, CancelBooking(b"late"), ran_out + MINUTE)
    refused(states, ReleaseHold(b"1"), "hold_booked", ran_out + TOMBSTONE_TTL_MS)
    granted(states, pick(b"2", 0), ran_out + TOMBSTONE_TTL_MS)
    assert states.ledger.tombstones.keys() == {b"1", b"late"}
    granted(states, pick(b"3", 1), ran_out + MINUTE + TOMBSTONE_TTL_MS)
    assert not states.ledger.tombstones.keys() & {b"1", b"late"}


def test_the_memory_of_ended_holds_is_bounded() -> None:
    states = event()
    batch = states.begin(NOW)
    for number in range(TOMBSTONES_MAX + 10):
        hold = b"%d" % number
        batch.decide(pick(hold, 0))
        batch.decide(ReleaseHold(hold))
    states.commit(batch)
    states.check()
    assert len(states.ledger.tombstones) == TOMBSTONES_MAX
    refused(states, ReleaseHold(b"9"), "hold_not_found")
    refused(states, ReleaseHold(b"10"), "hold_released")


def test_extending_again_and_again_does_not_fill_the_memory() -> None:
    states = event()
    granted(states, pick(b"1", 0))
    batch = states.begin(NOW)
    batch.discard()
    for second in range(1, 5_000):
        do_without_check(states, ExtendHold(b"1", box_office=True), NOW + second)
    assert len(states.ledger._expiries) < 2_000
    states.check()


def do_without_check(states: SeatStates, request: ExtendHold, now_ms: int) -> None:
    batch = states.begin(now_ms)
    batch.decide(request)
    states.commit(batch)


def test_a_sweep_in_portions_expires_everything_that_is_due() -> None:
    states = event(max_held_seats_per_buyer=10)
    for number in range(5):
        do(states, pick(b"%d" % number, number))
    later = NOW + 10 * MINUTE
    rows = 0
    while states.is_due(later):
        states.commit(states.sweep(later, 2))
        rows += 1
    assert rows == 3
    assert states.characters() == b"a" * 10
    states.check()
