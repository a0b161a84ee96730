"""Seats that were held for long cool down for whoever held them."""

import pytest
from tests.support.seat_states import (
    NOW,
    do,
    event,
    finish,
    granted,
    one_row,
    pick,
    refused,
    row_of,
)

from event_seating.booking.core import cool_down
from event_seating.booking.core.commands import (
    AreaQuantity,
    Best,
    BookHold,
    CancelBooking,
    ChangeHold,
    Choice,
    ExtendHold,
    FreezeHold,
    Part,
    PlaceHold,
    ReleaseHold,
    ReleaseHolds,
)
from event_seating.booking.core.cool_down import COOL_DOWN_MS, LONG_MS, SEATS_MAX, CoolDown
from event_seating.booking.core.log_entries import decode, encode
from event_seating.booking.core.records import Hold, LineGroup
from event_seating.booking.core.refusals import AreaProblem, Refusal, SeatProblem
from event_seating.booking.core.seat_index import SeatIndex
from event_seating.booking.core.seat_state import SeatStates
from event_seating.booking.core.state_codec import BrokenSnapshotError

MINUTE, SECOND = 60_000, 1_000
HOME = {"address": b"home"}


def held_for(states: SeatStates, minutes: float, *seats: int, **who: object) -> int:
    """Seats that were held so long and given back; returns when."""
    granted(states, pick(b"first", *seats, **who))  # type: ignore[arg-type]
    at = NOW
    while at + 9 * MINUTE < NOW + minutes * MINUTE:
        at += 9 * MINUTE
        granted(states, ExtendHold(b"first"), at)
    at = NOW + int(minutes * MINUTE)
    granted(states, ReleaseHold(b"first"), at)
    return at


def test_a_buyer_who_held_a_seat_for_long_has_to_wait_and_others_have_not() -> None:
    states = event()
    at = held_for(states, 20, 0, 1)
    refusal = refused(states, pick(b"2", 0, 1, 2), "cooling_down", at + SECOND)
    assert refusal.seats == (SeatProblem(0, "cooling_down"), SeatProblem(1, "cooling_down"))
    assert refusal.retry_after_ms == COOL_DOWN_MS - SECOND
    refused(states, pick(b"2", 0), "cooling_down", at + COOL_DOWN_MS - 1)
    granted(states, pick(b"3", 2), at)
    granted(states, pick(b"4", 0, buyer=b"other"), at + SECOND)
    granted(states, pick(b"5", 1), at + COOL_DOWN_MS)


def test_a_hold_that_ran_out_cools_down_since_its_end_and_not_since_it_was_swept() -> None:
    states = event()
    granted(states, pick(b"1", 0))
    refused(states, pick(b"2", 0), "cooling_down", NOW + LONG_MS + 119 * SECOND)
    states = event()
    granted(states, pick(b"1", 0))  # nobody asks for two minutes, and no sweeper runs
    granted(states, pick(b"2", 0), NOW + LONG_MS + COOL_DOWN_MS)


def test_picking_again_soon_after_the_first_pick_meets_nothing() -> None:
    states = event()
    for number in range(8):
        hold, at = b"%d" % number, NOW + number * MINUTE
        granted(states, pick(hold, 0, 1), at)
        granted(states, ChangeHold(hold, remove=Part((1,))), at + 10 * SECOND)
        granted(states, ChangeHold(hold, Choice((1,))), at + 20 * SECOND)
        granted(states, ReleaseHold(hold), at + 30 * SECOND)


def test_time_adds_up_through_releases_and_fresh_cookies_of_an_address() -> None:
    states, at = event(), NOW
    for number in range(3):
        cookie = b"cookie %d" % number
        granted(states, pick(b"%d" % number, 0, buyer=cookie, **HOME), at)
        at += 4 * MINUTE
        granted(states, ReleaseHold(b"%d" % number), at)
        at += 60 * SECOND  # a gap does not count, and does not help
    refused(states, pick(b"x", 0, buyer=b"cookie x", **HOME), "cooling_down", at)
    granted(states, pick(b"x", 0, buyer=b"cookie x", **HOME), at + 60 * SECOND)


def test_time_does_not_add_up_through_two_minutes_in_which_the_seat_was_free() -> None:
    states, at = event(), NOW
    for number in range(5):
        granted(states, pick(b"%d" % number, 0), at)
        granted(states, ReleaseHold(b"%d" % number), at + 9 * MINUTE)
        at += 9 * MINUTE + COOL_DOWN_MS


def test_a_seat_that_was_added_later_counts_since_then() -> None:
    states = event()
    granted(states, pick(b"1", 0))
    granted(states, ExtendHold(b"1"), NOW + 9 * MINUTE)
    granted(states, ChangeHold(b"1", Choice((1,))), NOW + 9 * MINUTE)
    granted(states, ReleaseHold(b"1"), NOW + 12 * MINUTE)
    refused(states, pick(b"2", 0), "cooling_down", NOW + 12 * MINUTE)
    granted(states, pick(b"2", 1), NOW + 12 * MINUTE)


def test_a_change_that_adds_what_cools_down_is_refused_and_one_that_swaps_types_is_not() -> None:
    states = event()
    at = held_for(states, 12, 0)
    granted(states, pick(b"2", 5), at)
    refused(states, ChangeHold(b"2", Choice((0,))), "cooling_down", at)
    other = event()
    granted(other, pick(b"1", 0, 1))
    granted(other, ExtendHold(b"1"), NOW + 9 * MINUTE)
    swap = ChangeHold(b"1", Choice((0,), (), {0: "child"}), Part((0,)))
    granted(other, swap, NOW + 15 * MINUTE)
    granted(other, ReleaseHold(b"1"), NOW + 15 * MINUTE)
    refused(other, pick(b"2", 0), "cooling_down", NOW + 15 * MINUTE)


def test_an_older_cookie_of_the_same_address_is_let_in_once() -> None:
    states = event()
    at = held_for(states, 20, 0, **HOME)
    before, after = NOW - 1, NOW + MINUTE
    for stranger in (None, after, NOW):
        wish = pick(b"2", 0, buyer=b"other", known_since_ms=stranger, **HOME)
        refused(states, wish, "cooling_down", at)
    refused(states, pick(b"2", 0, known_since_ms=before, **HOME), "cooling_down", at)
    granted(states, pick(b"2", 0, buyer=b"other", known_since_ms=before, **HOME), at)
    granted(states, ReleaseHold(b"2"), at + SECOND)
    third = pick(b"3", 0, buyer=b"third", known_since_ms=0, **HOME)
    refused(states, third, "cooling_down", at + SECOND)
    granted(states, pick(b"3", 0, buyer=b"third", address=b"elsewhere"), at + SECOND)


def test_another_64_of_the_same_56_has_to_wait_as_well() -> None:
    states = event()
    at = held_for(states, 20, 0, address=b"64", network=b"56")
    wish = pick(b"2", 0, buyer=b"other", address=b"another 64", network=b"56")
    refused(states, wish, "cooling_down", at)


def test_an_older_cookie_helps_a_change_of_its_own_buyer_alone() -> None:
    states = event()
    at = held_for(states, 20, 0, **HOME)
    granted(states, pick(b"2", 5, buyer=b"other", **HOME), at)
    add = Choice((0,))
    thief = ChangeHold(b"2", add, buyer=b"third", known_since_ms=0)
    refused(states, thief, "cooling_down", at)
    granted(states, ChangeHold(b"2", add, buyer=b"other", known_since_ms=0), at)


def test_who_takes_a_cooling_seat_for_a_moment_does_not_end_that() -> None:
    states = event()
    at = held_for(states, 20, 0)
    granted(states, pick(b"2", 0, buyer=b"friend", address=b"elsewhere"), at)
    granted(states, ReleaseHold(b"2"), at + SECOND)
    refused(states, pick(b"3", 0), "cooling_down", at + SECOND)


def test_the_box_office_that_names_no_buyer_never_waits_and_makes_nobody_wait() -> None:
    states = event()
    at = held_for(states, 20, 0)
    granted(states, pick(b"2", 0, buyer=None, box_office=True), at)
    granted(states, ReleaseHold(b"2"), at + 30 * MINUTE - SECOND - 20 * MINUTE)
    granted(states, pick(b"3", 0), at + 30 * MINUTE - 20 * MINUTE)


def test_a_booking_ends_it() -> None:
    states = event()
    granted(states, pick(b"1", 0))
    granted(states, ExtendHold(b"1"), NOW + 9 * MINUTE)
    granted(states, BookHold(b"1", b"booking"), NOW + 15 * MINUTE)
    granted(states, CancelBooking(b"booking"), NOW + 15 * MINUTE)
    granted(states, pick(b"2", 0), NOW + 15 * MINUTE)


def test_what_the_box_office_takes_away_cools_down_at_once() -> None:
    states = event()
    granted(states, pick(b"1", 0, **HOME))
    granted(states, pick(b"2", 1, buyer=b"other", **HOME))
    granted(states, pick(b"3", 2, buyer=b"third", address=b"elsewhere"))
    entry = granted(states, ReleaseHolds(b"home", 100, "desk"))
    assert entry.actor == "desk"
    assert [operation.hold for operation in entry.operations] == [b"1", b"2"]  # type: ignore[union-attr]
    refused(states, pick(b"4", 0, buyer=b"fresh", **HOME), "cooling_down")
    refused(states, ReleaseHolds(b"home", 100), "hold_not_found")
    assert states.characters()[:3] == b"aah"


def test_the_box_office_leaves_a_hold_that_is_being_paid_for() -> None:
    states = event()
    granted(states, pick(b"1", 0, **HOME))
    granted(states, pick(b"2", 1, **HOME))
    granted(states, FreezeHold(b"1", box_office=True))
    granted(states, FreezeHold(b"2"))  # which anybody may do, to keep seats
    assert len(granted(states, ReleaseHolds(b"home", 9)).operations) == 1
    assert states.characters()[:2] == b"ha"
    refused(states, ReleaseHolds(b"home", 9), "hold_not_found")


def test_the_box_office_takes_so_many_holds_at_once() -> None:
    states = event()
    for seat in range(5):
        granted(states, pick(b"%d" % seat, seat))
    assert len(granted(states, ReleaseHolds(b"buyer", 2)).operations) == 2
    assert states.counts()["held"] == 3


# Where nobody names a seat


def test_best_available_leaves_out_what_cools_down_for_this_buyer() -> None:
    index = SeatIndex([row_of(4), row_of(4, name="2", y=5.0)], focal=(0.0, -1.0))
    states = event(index)
    at = held_for(states, 20, 0, 1)
    mine = granted(states, PlaceHold(b"2", Best(2), b"buyer"), at).operations[-1]
    assert mine.groups[0].seats == (2, 3)  # type: ignore[union-attr]
    theirs = granted(states, PlaceHold(b"3", Best(2), b"other"), at).operations[-1]
    assert theirs.groups[0].seats == (0, 1)  # type: ignore[union-attr]
    far = granted(states, PlaceHold(b"4", Best(4), b"buyer"), at).operations[-1]
    assert far.groups[0].seats == (4, 5, 6, 7)  # type: ignore[union-attr]


def test_best_available_says_that_only_time_is_missing() -> None:
    states = event(one_row(4))
    at = held_for(states, 20, 1, 2)
    refusal = refused(states, PlaceHold(b"2", Best(2), b"buyer"), "cooling_down", at)
    assert refusal.retry_after_ms == COOL_DOWN_MS
    refused(states, PlaceHold(b"2", Best(5), b"buyer"), "sold_out", at)
    granted(states, PlaceHold(b"2", Best(2), b"buyer"), at + COOL_DOWN_MS)


def test_an_area_gives_other_places_and_says_when_only_time_is_missing() -> None:
    states = event(one_row(2, places=6))
    granted(states, PlaceHold(b"1", Choice((), (AreaQuantity(0, 4),)), b"buyer"))
    granted(states, ExtendHold(b"1"), NOW + 9 * MINUTE)
    at = NOW + 15 * MINUTE
    granted(states, ReleaseHold(b"1"), at)
    three = Choice((), (AreaQuantity(0, 3),))
    refusal = refused(states, PlaceHold(b"2", three, b"buyer"), "cooling_down", at)
    assert refusal.areas == (AreaProblem(0, "cooling_down", 2),)
    two = granted(
        states, PlaceHold(b"2", Choice((), (AreaQuantity(0, 2),)), b"buyer"), at
    ).operations[-1]
    assert two.groups[0].seats == (6, 7)  # type: ignore[union-attr]
    granted(states, PlaceHold(b"3", three, b"other"), at)


def test_a_suggestion_never_names_a_seat_that_cools_down() -> None:
    states = event(one_row(7), allow_orphans=False)
    at = held_for(states, 20, 3)
    refusal = refused(states, pick(b"2", 4, 5), "orphan_seat", at)
    assert refusal.suggestion == (5, 6)


# Kept, taken back, stored


def test_what_is_taken_back_never_happened() -> None:
    states = event()
    at = held_for(states, 20, 0, 1)
    before = dict(states.ledger.cool_down.recent)
    batch = states.begin(at)
    batch.decide(pick(b"2", 0, buyer=b"other"))
    batch.decide(ReleaseHold(b"2"))
    batch.decide(pick(b"3", 3))
    batch.decide(ReleaseHolds(b"buyer", 9))
    assert states.ledger.cool_down.committed() == before
    batch.discard()
    states.check()
    assert states.ledger.cool_down.recent == before
    assert isinstance(do(states, pick(b"4", 0), at), Refusal)
    granted(states, pick(b"5", 3), at)


def test_an_image_has_what_cools_down_and_since_when_seats_are_held() -> None:
    states = event()
    at = held_for(states, 6, 0, 1, **HOME)
    granted(states, pick(b"2", 0, buyer=b"other", **HOME), at)
    loaded = SeatStates.load(states.index, states.dump())
    loaded.check()
    assert loaded.ledger.cool_down.recent == states.ledger.cool_down.recent
    for each in (states, loaded):
        granted(each, ReleaseHold(b"2"), at + 5 * MINUTE)
        wish = pick(b"3", 0, buyer=b"third", **HOME)
        refused(each, wish, "cooling_down", at + 5 * MINUTE)


def test_the_log_alone_says_what_cools_down() -> None:
    states = event()
    rows: list[tuple[int, bytes]] = []
    for request, minutes in (
        (pick(b"1", 0, 1, **HOME), 0),
        (ExtendHold(b"1"), 9),
        (ChangeHold(b"1", Choice((2,)), Part((1,))), 10),
        (ReleaseHold(b"1"), 12),
        (pick(b"2", 2, buyer=b"other", **HOME), 13),
    ):
        batch = states.begin(NOW + minutes * MINUTE)
        batch.decide(request)
        rows.append((batch.at_ms, encode(batch.entries)))
        finish(states, batch)
    again = event(one_row(10))
    for version, (at_ms, row) in enumerate(rows, 2):
        again.apply(version, at_ms, decode(2, row))
    assert again.ledger.cool_down.recent == states.ledger.cool_down.recent
    assert again.ledger.holds == states.ledger.holds


def hold_of(seats: range, number: int) -> Hold:
    group = LineGroup(tuple(seats), 100)
    return Hold(b"%d" % number, (group,), NOW, NOW + number, b"buyer %d" % number)


def test_no_more_than_so_many_seats_are_remembered() -> None:
    """Those that are free longest go first, in each process alike."""
    found, portion = CoolDown(), 500
    for number in range(1, SEATS_MAX // portion + 3):
        first = number * portion
        seats = range(first, first + portion)
        found.note(hold_of(seats, number), tuple(seats), NOW + number)
        found.commit(NOW + number)
    found.check()
    assert len(found.recent) == SEATS_MAX
    assert min(found.recent) == 3 * portion
    found.commit(NOW + COOL_DOWN_MS + 10)
    assert min(found.recent) == 11 * portion
    found.commit(NOW + COOL_DOWN_MS + LONG_MS)
    assert not found.recent


def test_seats_that_come_and_go_leave_nothing_behind() -> None:
    found = CoolDown()
    for number in range(1, 5_000):
        hold = hold_of(range(2), number)
        found.note(hold, (0, 1), NOW + number)
        found.resume(hold, (0, 1), NOW + number)
        found.commit(NOW + number)
    found.check()
    assert found._noted <= 2 * len(found.recent) + cool_down.SPARE


@pytest.mark.parametrize("seat", [-1, 10, 10_000])
def test_an_image_that_names_a_seat_which_is_not_there_is_refused(seat: int) -> None:
    states = event()
    held_for(states, 20, 0)
    rests = states.ledger.cool_down.recent
    rests[seat] = rests[0]
    with pytest.raises(BrokenSnapshotError):
        SeatStates.load(states.index, states.dump())
