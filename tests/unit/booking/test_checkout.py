"""The rules of a checkout: frozen holds, revisions, and that what was paid is what is booked."""

import pytest
from tests.support.seat_states import NOW, event, finish, granted, one_row, pick, refused

from event_seating.booking.core.commands import (
    BookHold,
    BookSeats,
    ChangeHold,
    Choice,
    Command,
    ExtendHold,
    FreezeHold,
    Part,
    PlaceHold,
    ReleaseHold,
    ThawHold,
)
from event_seating.booking.core.freezes import BOX_OFFICE_HOLD_TOTAL_MAX_MS
from event_seating.booking.core.log_entries import Entry, Frozen, Thawed
from event_seating.booking.core.records import Freeze, Hold, total
from event_seating.booking.core.seat_state import SeatStates

MINUTE = 60_000
TTL_MS = 10 * MINUTE
CHECKOUT_MS = 15 * MINUTE
TOTAL_MS = 30 * MINUTE

HOLD = b"1"
STAFF = {"box_office": True}


def holding(**rules: object) -> SeatStates:
    """An event in which a buyer holds seat 0."""
    states = event(**rules)
    granted(states, pick(HOLD, 0))
    return states


def now(states: SeatStates, now_ms: int = NOW) -> Hold:
    found = states.hold(HOLD, now_ms)
    assert isinstance(found, Hold), found
    return found


# What was paid is what is booked


def test_what_a_buyer_adds_after_the_shop_read_the_total_is_not_booked_at_it() -> None:
    states = holding()
    read = total(now(states).groups)
    granted(states, ChangeHold(HOLD, Choice((1, 2, 3, 4))))
    refusal = refused(states, BookHold(HOLD, b"b", expected_total=read), "total_changed")
    assert refusal.current is not None
    assert (total(refusal.current.groups), refusal.current.currency) == (22_500, "EUR")
    assert refusal.current.revision == 2
    granted(states, BookHold(HOLD, b"b", expected_total=22_500))


def test_within_one_batch_too_a_booking_sees_the_change_before_it() -> None:
    states = holding()
    batch = states.begin(NOW)
    assert isinstance(batch.decide(ChangeHold(HOLD, Choice((1,)))), Entry)
    outcome = batch.decide(BookHold(HOLD, b"b", expected_total=4500, expected_revision=1))
    assert getattr(outcome, "code", None) == "total_changed"
    finish(states, batch)


@pytest.mark.parametrize(
    ("expected", "code"),
    [
        ({}, "expectation_missing"),
        ({"expected_total": 4500}, "total_changed"),
        ({"expected_revision": 1}, "total_changed"),
        ({"expected_revision": 3}, "total_changed"),
        ({"expected_total": 9000, "expected_revision": 1}, "total_changed"),
        ({"expected_total": 4500, "expected_revision": 2}, "total_changed"),
        ({"expected_total": 9000}, None),
        ({"expected_revision": 2}, None),
        ({"expected_total": 9000, "expected_revision": 2}, None),
    ],
)
def test_a_changed_hold_is_booked_only_as_it_was_expected(
    expected: dict[str, int], code: str | None
) -> None:
    states = holding()
    granted(states, ChangeHold(HOLD, Choice((1,))))
    request = BookHold(HOLD, b"b", **expected)
    if code is None:
        granted(states, request)
    else:
        refused(states, request, code)


def test_a_hold_that_never_changed_needs_no_expectation_and_checks_one_that_is_there() -> None:
    states = holding()
    refused(states, BookHold(HOLD, b"b", expected_total=4499), "total_changed")
    refused(states, BookHold(HOLD, b"b", expected_revision=2), "total_changed")
    granted(states, BookHold(HOLD, b"b"))


def test_an_exchange_of_seats_at_the_same_price_is_seen_by_its_revision() -> None:
    states = holding()
    granted(states, ChangeHold(HOLD, Choice((5,)), Part((0,))))
    refused(states, BookHold(HOLD, b"b", expected_revision=1), "total_changed")
    granted(states, BookHold(HOLD, b"b", expected_total=4500))


def test_an_extension_is_no_change() -> None:
    states = holding()
    granted(states, ExtendHold(HOLD), NOW + MINUTE)
    assert now(states).revision == 1
    granted(states, BookHold(HOLD, b"b"), NOW + MINUTE)


def test_a_late_booking_is_held_to_what_was_expected_as_well() -> None:
    states = holding()
    granted(states, ChangeHold(HOLD, Choice((1,))))
    late = NOW + TTL_MS + 1
    refused(states, BookHold(HOLD, b"b"), "expectation_missing", late)
    refused(states, BookHold(HOLD, b"b", expected_total=4500), "total_changed", late)
    granted(states, BookHold(HOLD, b"b", expected_total=9000), late)


def test_seats_that_are_booked_straight_may_be_expected_to_cost_something() -> None:
    states = event()
    refusal = refused(states, BookSeats(b"b", Choice((0, 1)), expected_total=4500), "total_changed")
    assert refusal.current is not None
    assert (total(refusal.current.groups), refusal.current.revision) == (9000, None)
    granted(states, BookSeats(b"b", Choice((0, 1)), expected_total=9000))


# What a freeze keeps


@pytest.mark.parametrize("begun_by_staff", [False, True])
@pytest.mark.parametrize(
    "request_",
    [
        ChangeHold(HOLD, Choice((1,))),
        ChangeHold(HOLD, None, Part((0,))),
        ExtendHold(HOLD),
        ReleaseHold(HOLD),
        FreezeHold(HOLD),
    ],
    ids=lambda request: type(request).__name__,
)
def test_a_buyer_changes_nothing_of_a_frozen_hold(request_: Command, begun_by_staff: bool) -> None:
    states = holding()
    granted(states, FreezeHold(HOLD, begun_by_staff))
    before = now(states)
    refused(states, request_, "hold_frozen", NOW + MINUTE)
    assert now(states) == before


def test_the_box_office_changes_a_frozen_hold_and_what_was_read_before_is_over() -> None:
    states = holding()
    granted(states, FreezeHold(HOLD))
    granted(states, ChangeHold(HOLD, Choice((1,)), **STAFF))
    assert (now(states).revision, now(states).freeze) == (3, Freeze(False, NOW + TTL_MS))
    refused(states, BookHold(HOLD, b"b", expected_revision=2), "total_changed")
    granted(states, ExtendHold(HOLD, **STAFF), NOW + 20 * MINUTE)
    granted(states, ReleaseHold(HOLD, **STAFF), NOW + 20 * MINUTE)


def test_a_frozen_hold_is_booked_as_it_was_frozen() -> None:
    states = holding()
    granted(states, FreezeHold(HOLD))
    refused(states, BookHold(HOLD, b"b"), "expectation_missing")
    granted(states, BookHold(HOLD, b"b", expected_revision=2))


def test_each_change_freeze_and_thaw_raises_the_revision() -> None:
    states = holding()
    seen = [now(states).revision]
    for request in (
        ChangeHold(HOLD, Choice((1,))),
        FreezeHold(HOLD),
        ThawHold(HOLD),
        ChangeHold(HOLD, None, Part((1,))),
    ):
        granted(states, request)
        seen.append(now(states).revision)
    assert seen == [1, 2, 3, 4, 5]


# Who may begin and end one


def test_a_buyer_ends_the_freeze_that_the_buyer_began() -> None:
    states = holding()
    granted(states, FreezeHold(HOLD))
    granted(states, ThawHold(HOLD))
    assert now(states).freeze is None
    granted(states, ChangeHold(HOLD, Choice((1,))))


def test_a_buyer_has_one_freeze_a_hold() -> None:
    states = holding()
    granted(states, FreezeHold(HOLD))
    granted(states, ThawHold(HOLD))
    refused(states, FreezeHold(HOLD), "freeze_used")
    granted(states, FreezeHold(HOLD, **STAFF))


def test_a_freeze_of_the_box_office_is_ended_by_the_box_office_alone() -> None:
    states = holding()
    granted(states, FreezeHold(HOLD, **STAFF))
    refused(states, ThawHold(HOLD), "hold_frozen")
    granted(states, ThawHold(HOLD, **STAFF))
    granted(states, FreezeHold(HOLD))  # the buyer's one is not used


def test_the_shop_takes_over_the_freeze_that_the_page_began() -> None:
    states = holding()
    granted(states, FreezeHold(HOLD))
    granted(states, FreezeHold(HOLD, **STAFF), NOW + MINUTE)
    assert now(states).revision == 3
    refused(states, ThawHold(HOLD), "hold_frozen", NOW + MINUTE)
    # What is left after a thaw is counted from the hold, not from the first freeze.
    granted(states, ThawHold(HOLD, **STAFF), NOW + MINUTE)
    assert now(states).expires_ms == NOW + TTL_MS


def test_a_shop_that_asks_again_keeps_the_revision_that_it_was_told() -> None:
    states = holding()
    granted(states, FreezeHold(HOLD, **STAFF))
    granted(states, FreezeHold(HOLD, **STAFF), NOW + MINUTE)
    assert now(states).revision == 2
    granted(states, BookHold(HOLD, b"b", expected_revision=2), NOW + MINUTE)


def test_there_is_nothing_to_end_without_a_freeze() -> None:
    refused(holding(), ThawHold(HOLD), "hold_not_frozen")
    refused(holding(), ThawHold(HOLD, **STAFF), "hold_not_frozen")


@pytest.mark.parametrize("kind", [FreezeHold, ThawHold])
def test_a_hold_that_ended_is_neither_frozen_nor_thawed(
    kind: type[FreezeHold | ThawHold],
) -> None:
    states = holding()
    refused(states, kind(b"never"), "hold_not_found")
    refused(states, kind(HOLD), "hold_expired", NOW + TTL_MS)
    states = holding()
    granted(states, ReleaseHold(HOLD))
    refused(states, kind(HOLD), "hold_released")


# How long it lasts


def test_a_freeze_adds_the_time_of_a_checkout() -> None:
    states = holding(checkout_ttl_ms=5 * MINUTE)
    entry = granted(states, FreezeHold(HOLD), NOW + MINUTE)
    assert entry.operations == (Frozen(HOLD, 14 * MINUTE, False),)
    assert now(states).expires_ms == NOW + TTL_MS + 5 * MINUTE
    assert now(states, NOW + 15 * MINUTE - 1).freeze == Freeze(False, NOW + TTL_MS)
    refused(states, ThawHold(HOLD), "hold_expired", NOW + 15 * MINUTE)


def test_a_frozen_hold_that_ran_out_is_free() -> None:
    states = holding()
    granted(states, FreezeHold(HOLD))
    end = NOW + TTL_MS + CHECKOUT_MS
    refused(states, pick(b"2", 0, buyer=b"other"), "seats_unavailable", end - 1)
    granted(states, pick(b"2", 0, buyer=b"other"), end)


def test_the_longest_time_of_a_hold_bounds_a_buyers_freeze_and_extension() -> None:
    states = holding(hold_total_max_ms=20 * MINUTE)
    granted(states, FreezeHold(HOLD), NOW + MINUTE)
    assert now(states).expires_ms == NOW + 20 * MINUTE
    states = holding(hold_total_max_ms=12 * MINUTE)
    granted(states, ExtendHold(HOLD), NOW + 5 * MINUTE)
    assert now(states).expires_ms == NOW + 12 * MINUTE
    refused(states, ExtendHold(HOLD), "nothing_gained", NOW + 6 * MINUTE)


def test_a_freeze_never_shortens_what_the_box_office_gave() -> None:
    states = holding()
    for minutes in (9, 18, 27, 36):
        granted(states, ExtendHold(HOLD, **STAFF), NOW + minutes * MINUTE)
    granted(states, FreezeHold(HOLD), NOW + 37 * MINUTE)
    assert now(states).expires_ms == NOW + 46 * MINUTE


def test_the_box_office_freezes_for_a_day_at_the_most() -> None:
    states = holding()
    at = NOW
    for _ in range(200):
        granted(states, FreezeHold(HOLD, **STAFF), at)
        at += 9 * MINUTE
        if at >= NOW + BOX_OFFICE_HOLD_TOTAL_MAX_MS:
            break
    assert states.ledger.next_expiry_ms() == NOW + BOX_OFFICE_HOLD_TOTAL_MAX_MS


@pytest.mark.parametrize(
    ("thawed_after", "ends_after"),
    [
        (5 * MINUTE, TTL_MS),  # what was left
        (TTL_MS - 30_000, TTL_MS + 30_000),  # a minute at the least
        (20 * MINUTE, 21 * MINUTE),
        (TTL_MS + CHECKOUT_MS - 20_000, TTL_MS + CHECKOUT_MS),  # and never longer than frozen
    ],
)
def test_after_a_thaw_the_hold_has_what_was_left_and_a_minute_at_the_least(
    thawed_after: int, ends_after: int
) -> None:
    states = holding()
    granted(states, FreezeHold(HOLD))
    entry = granted(states, ThawHold(HOLD), NOW + thawed_after)
    assert entry.operations == (Thawed(HOLD, ends_after - thawed_after),)
    assert now(states).expires_ms == NOW + ends_after
    assert states.ledger.next_expiry_ms() == NOW + ends_after


# Caps, the log, images


def test_frozen_seats_count_for_their_buyer() -> None:
    states = event(one_row(10), max_held_seats_per_buyer=2)
    granted(states, pick(HOLD, 0, 1))
    granted(states, FreezeHold(HOLD))
    refused(states, pick(b"2", 3), "too_many_held")
    granted(states, ReleaseHold(HOLD, **STAFF))
    granted(states, pick(b"2", 3))


def test_a_freeze_that_is_thrown_away_leaves_nothing() -> None:
    states = holding()
    before = now(states)
    batch = states.begin(NOW)
    assert isinstance(batch.decide(FreezeHold(HOLD)), Entry)
    batch.discard()
    assert now(states) == before
    states.check()


def test_an_image_has_the_freeze() -> None:
    states = holding()
    granted(states, FreezeHold(HOLD))
    granted(states, PlaceHold(b"2", Choice((4,)), b"other"))
    loaded = SeatStates.load(states.index, states.dump())
    loaded.check()
    assert loaded.hold(HOLD, NOW) == now(states)
    refused(loaded, ReleaseHold(HOLD), "hold_frozen")
    granted(loaded, ThawHold(HOLD))
    refused(loaded, FreezeHold(HOLD), "freeze_used")
