"""The rules of holds, one sentence each."""

import pytest
from tests.support.seat_states import (
    NOW,
    configure,
    event,
    granted,
    lines_of,
    one_row,
    pick,
    refused,
)

from event_seating.booking.core.commands import (
    AreaQuantity,
    Best,
    BlockSeats,
    BookHold,
    BookSeats,
    CancelBooking,
    ChangeHold,
    Choice,
    Configure,
    ExtendHold,
    Part,
    PlaceHold,
    ReleaseHold,
)
from event_seating.booking.core.freezes import BOX_OFFICE_HOLD_TOTAL_MAX_MS
from event_seating.booking.core.log_entries import Expired, Held
from event_seating.booking.core.records import SaleRules, SaleStatus, total
from event_seating.booking.core.refusals import AreaProblem, SeatProblem
from event_seating.booking.core.seat_index import RowPlan, SeatIndex, SeatPlan

MINUTE = 60_000
TTL_MS = 10 * MINUTE


def test_a_hold_takes_all_its_seats_or_none() -> None:
    states = event(one_row(10, places=2))
    granted(states, pick(b"1", 1))
    granted(states, BookSeats(b"booking", Choice((2,))))
    granted(states, BlockSeats(Part((3,))))
    wish = Choice((0, 1, 2, 3, 10, -1), (AreaQuantity(0, 3), AreaQuantity(1, 1)))
    refusal = refused(states, PlaceHold(b"2", wish, None, box_office=True), "seats_unavailable")
    assert refusal.seats == (
        SeatProblem(1, "held"),
        SeatProblem(2, "booked"),
        SeatProblem(3, "blocked"),
        SeatProblem(10, "unknown"),
        SeatProblem(-1, "unknown"),
    )
    assert refusal.areas == (AreaProblem(0, "sold_out", 2), AreaProblem(1, "unknown", 0))
    assert states.characters() == b"ahbxaaaaaa"


def test_a_hidden_place_of_an_area_cannot_be_picked_by_number() -> None:
    refusal = refused(event(one_row(4, places=2)), pick(b"1", 4), "seats_unavailable")
    assert refusal.seats == (SeatProblem(4, "unknown"),)


def test_a_hold_that_expired_is_free_without_a_sweeper() -> None:
    states = event()
    granted(states, pick(b"1", 0, 1))
    refused(states, pick(b"2", 1), "seats_unavailable", NOW + TTL_MS - 1)
    batch = states.begin(NOW + TTL_MS)
    batch.decide(pick(b"2", 1, buyer=b"other"))
    first, second = batch.entries
    assert first.operations == (Expired(b"1", (0, 1)),)
    assert isinstance(second.operations[0], Held)
    states.commit(batch)
    assert states.characters() == b"ahaaaaaaaa"
    refused(states, ReleaseHold(b"1"), "hold_expired", NOW + TTL_MS)


def test_readers_see_an_expiry_with_its_entry_and_a_token_at_once() -> None:
    states = event()
    granted(states, pick(b"1", 0))
    assert states.characters()[:1] == b"h"
    assert states.hold(b"1", NOW + TTL_MS).code == "hold_expired"  # type: ignore[union-attr]
    assert states.is_due(NOW + TTL_MS)
    assert not states.is_due(NOW + TTL_MS - 1)
    assert states.ledger.next_expiry_ms() == NOW + TTL_MS


def test_prices_are_frozen_at_the_hold() -> None:
    states = event()
    granted(states, PlaceHold(b"1", Choice((0, 1), (), {1: "child"}), b"buyer"))
    configure(states, prices={"1": {"standard": 1}})
    hold = states.hold(b"1", NOW)
    assert total(hold.groups) == 4500 + 2000  # type: ignore[union-attr]
    assert [line[2:] for line in lines_of(states, hold.groups)] == [  # type: ignore[union-attr]
        ("standard", 4500),
        ("child", 2000),
    ]
    granted(states, BookHold(b"1", b"booking"))
    assert total(states.booking(b"booking").groups) == 6500  # type: ignore[union-attr]


def test_a_seat_without_a_price_for_the_ticket_type_is_not_on_sale() -> None:
    request = PlaceHold(b"1", Choice((0, 1), (), {1: "senior"}), b"buyer")
    refusal = refused(event(), request, "seats_unavailable")
    assert refusal.seats == (SeatProblem(1, "not_on_sale"),)


def test_an_area_gives_its_lowest_places_and_counts_them() -> None:
    states = event(one_row(2, places=5))
    wish = Choice((0,), (AreaQuantity(0, 1), AreaQuantity(0, 2, "child")))
    held = granted(states, PlaceHold(b"1", wish, b"buyer")).operations[0]
    assert [(group.seats, group.ticket_type) for group in held.groups] == [  # type: ignore[union-attr]
        ((0, 2), "standard"),
        ((3, 4), "child"),
    ]
    assert states.area_counts(0) == {"available": 2, "held": 3, "booked": 0, "blocked": 0}
    assert states.counts() == {"available": 3, "held": 4, "booked": 0, "blocked": 0}
    refusal = refused(
        states, PlaceHold(b"2", Choice((), (AreaQuantity(0, 3),)), b"other"), "sold_out"
    )
    assert refusal.areas == (AreaProblem(0, "sold_out", 2),)
    granted(states, ChangeHold(b"1", remove=Part((), (AreaQuantity(0, 1, "standard"),))))
    granted(states, PlaceHold(b"2", Choice((), (AreaQuantity(0, 2),)), b"other"))
    assert bytes(states.ledger.published) == b"hahhhha"


@pytest.mark.parametrize("status", [SaleStatus.paused, SaleStatus.closed])
def test_a_paused_or_closed_event_refuses_new_holds_and_books_existing_ones(
    status: SaleStatus,
) -> None:
    states = event()
    granted(states, pick(b"1", 0))
    configure(states, status=status)
    refused(states, pick(b"2", 5), "not_on_sale")
    refused(states, PlaceHold(b"2", Best(2), b"b"), "not_on_sale")
    refused(states, ChangeHold(b"1", Choice((1,))), "not_on_sale")
    granted(states, BookHold(b"1", b"booking"))


def test_holds_are_taken_from_the_start_of_sales_until_before_their_end() -> None:
    states = event()
    configure(states, sales_start_ms=NOW + 10, sales_end_ms=NOW + 20)
    refused(states, pick(b"1", 0), "not_on_sale", NOW + 9)
    granted(states, pick(b"1", 0), NOW + 10)
    granted(states, pick(b"2", 1), NOW + 19)
    refused(states, pick(b"3", 2), "not_on_sale", NOW + 20)


def test_a_cancelled_event_takes_nothing_more_for_ever() -> None:
    states = event()
    granted(states, pick(b"1", 0))
    granted(states, BookSeats(b"booking", Choice((1,))))
    configure(states, status=SaleStatus.cancelled)
    configuration = states.configuration
    assert configuration is not None
    for request in (
        pick(b"2", 5),
        BookHold(b"1", b"b"),
        BlockSeats(Part((7,))),
        Configure(configuration),
    ):
        refused(states, request, "event_cancelled")
    assert not hasattr(states.booking(b"booking"), "code")
    granted(states, ReleaseHold(b"1"))
    granted(states, CancelBooking(b"booking"))


def test_a_hold_has_at_most_so_many_seats() -> None:
    states = event(max_seats_per_hold=3)
    assert refused(states, pick(b"1", 0, 1, 2, 3), "too_many_seats").limit == 3
    refused(states, PlaceHold(b"1", Best(4), b"b"), "too_many_seats")
    granted(states, pick(b"1", 0, 1, 2))
    refused(states, ChangeHold(b"1", Choice((3,))), "too_many_seats")
    granted(states, ChangeHold(b"1", Choice((3,)), Part((0,))))


def test_a_buyer_holds_at_most_so_many_seats_at_once() -> None:
    states = event(max_held_seats_per_buyer=3)
    granted(states, pick(b"1", 0, 1))
    assert refused(states, pick(b"2", 2, 3), "too_many_held").limit == 3
    granted(states, pick(b"2", 2))
    refused(states, ChangeHold(b"2", Choice((3,))), "too_many_held")
    granted(states, pick(b"3", 4, buyer=b"other"))
    granted(states, BookHold(b"1", b"booking"))
    granted(states, pick(b"4", 5, 6))
    refused(states, pick(b"5", 7), "too_many_held")
    granted(states, pick(b"5", 7, 8), NOW + TTL_MS)


def test_a_box_office_that_names_no_buyer_is_not_capped_and_one_that_does_is() -> None:
    states = event(max_seats_per_hold=2, max_held_seats_per_buyer=2)
    granted(states, pick(b"1", 0, 1, 2, buyer=None, box_office=True))
    refused(states, pick(b"2", 3, 4, 5, box_office=True), "too_many_seats")


def test_only_a_box_office_may_name_no_buyer() -> None:
    with pytest.raises(ValueError, match="box office"):
        PlaceHold(b"1", Choice((0,)), None)


def test_extending_goes_to_now_and_the_time_to_live_within_half_an_hour() -> None:
    states = event()
    granted(states, pick(b"1", 0))
    refused(states, ExtendHold(b"1"), "nothing_gained")
    granted(states, ExtendHold(b"1"), NOW + 9 * MINUTE)
    assert states.hold(b"1", NOW).expires_ms == NOW + 19 * MINUTE  # type: ignore[union-attr]
    granted(states, ExtendHold(b"1"), NOW + 18 * MINUTE)
    granted(states, ExtendHold(b"1"), NOW + 25 * MINUTE)
    assert states.ledger.next_expiry_ms() == NOW + 30 * MINUTE
    refused(states, ExtendHold(b"1"), "nothing_gained", NOW + 29 * MINUTE)
    granted(states, ExtendHold(b"1", box_office=True), NOW + 29 * MINUTE)
    assert states.ledger.next_expiry_ms() == NOW + 39 * MINUTE
    refused(states, ExtendHold(b"1"), "hold_expired", NOW + 39 * MINUTE)


def test_the_box_office_extends_to_a_day_and_no_further() -> None:
    states = event()
    granted(states, pick(b"1", 0))
    now = NOW
    while now < NOW + BOX_OFFICE_HOLD_TOTAL_MAX_MS - TTL_MS:
        now += 9 * MINUTE
        granted(states, ExtendHold(b"1", box_office=True), now)
    assert states.ledger.next_expiry_ms() == NOW + BOX_OFFICE_HOLD_TOTAL_MAX_MS
    refused(states, ExtendHold(b"1", box_office=True), "nothing_gained", now)


def test_a_change_adds_and_removes_in_one_step_and_leaves_the_expiry() -> None:
    states = event()
    granted(states, pick(b"1", 0, 1))
    granted(states, pick(b"2", 5, buyer=b"other"))
    refused(states, ChangeHold(b"1", Choice((5,)), Part((0,))), "seats_unavailable")
    assert states.characters() == b"hhaaahaaaa"
    granted(states, ChangeHold(b"1", Choice((2,)), Part((0,))), NOW + MINUTE)
    assert states.characters() == b"ahhaahaaaa"
    assert states.hold(b"1", NOW).expires_ms == NOW + TTL_MS  # type: ignore[union-attr]


def test_a_change_may_give_a_held_seat_another_ticket_type() -> None:
    states = event()
    granted(states, pick(b"1", 0, 1))
    granted(states, ChangeHold(b"1", Choice((1,), (), {1: "child"}), Part((1,))))
    assert [line.ticket_type for line in lines_of(states, states.hold(b"1", NOW).groups)] == [  # type: ignore[union-attr]
        "standard",
        "child",
    ]


def test_a_change_removes_only_seats_of_the_hold_and_not_the_last_one() -> None:
    states = event()
    granted(states, pick(b"1", 0, 1))
    granted(states, pick(b"2", 5, buyer=b"other"))
    refusal = refused(states, ChangeHold(b"1", remove=Part((1, 5, 7))), "not_in_hold")
    assert refusal.seats == (SeatProblem(5, "held"), SeatProblem(7, "available"))
    refused(states, ChangeHold(b"1", remove=Part((0, 1))), "nothing_left")


def test_a_released_hold_frees_its_seats_and_is_known_as_released() -> None:
    states = event()
    granted(states, pick(b"1", 0, 1))
    granted(states, ReleaseHold(b"1"))
    assert states.characters() == b"a" * 10
    for request in (ReleaseHold(b"1"), ExtendHold(b"1"), BookHold(b"1", b"booking")):
        refused(states, request, "hold_released")
    refused(states, ReleaseHold(b"never"), "hold_not_found")


def test_a_token_opens_its_own_seats_only() -> None:
    states = event()
    granted(states, pick(b"1", 0))
    granted(states, pick(b"2", 1, buyer=b"other"))
    granted(states, ReleaseHold(b"1"))
    granted(states, pick(b"3", 0, buyer=b"other"))
    refused(states, BookHold(b"1", b"booking"), "hold_released")
    assert states.characters()[:2] == b"hh"


# Orphans


def test_a_choice_that_strands_a_single_seat_is_refused_with_one_that_would_do() -> None:
    states = event(allow_orphans=False)
    granted(states, pick(b"1", 0, 1))
    refusal = refused(states, pick(b"2", 3, 4, buyer=b"other"), "orphan_seat")
    assert refusal.suggestion == (2, 3)
    granted(states, pick(b"2", *refusal.suggestion, buyer=b"other"))


def test_the_end_of_a_row_and_an_aisle_count_as_taken() -> None:
    columns = (1, 2, 3, 4, 6, 7, 8)
    seats = [SeatPlan(f"{col}", float(col), 0.0, "1", col) for col in columns]
    states = event(SeatIndex([RowPlan("A", "1", seats)]), allow_orphans=False)
    assert refused(states, pick(b"1", 1, 2), "orphan_seat").suggestion == (0, 1)
    refused(states, pick(b"1", 5), "orphan_seat")
    granted(states, pick(b"1", 4))


def test_an_orphan_is_allowed_when_the_run_has_no_other_choice() -> None:
    states = event(one_row(3), allow_orphans=False)
    granted(states, pick(b"1", 0, 1))
    assert states.characters() == b"hha"


def test_a_seat_that_was_alone_before_is_nobodys_fault() -> None:
    states = event(one_row(6), allow_orphans=False)
    granted(states, BlockSeats(Part((1,))))
    granted(states, pick(b"1", 2, 3))


def test_the_suggestion_is_of_the_same_category() -> None:
    seats = [SeatPlan(f"{x}", float(x), 0.0, "2" if x > 3 else "1", x) for x in range(6)]
    states = event(SeatIndex([RowPlan("A", "1", seats)]), allow_orphans=False)
    assert refused(states, pick(b"1", 4), "orphan_seat").suggestion == (5,)


def test_the_suggestion_keeps_what_was_right() -> None:
    rows = [
        RowPlan("A", name, [SeatPlan(f"{name}{x}", float(x), 0, "1", x) for x in range(5)])
        for name in "12"
    ]
    states = event(SeatIndex(rows), allow_orphans=False)
    refusal = refused(states, pick(b"1", 0, 1, 6, 7), "orphan_seat")
    assert refusal.suggestion == (0, 1, 5, 6)


def test_a_change_of_a_hold_may_not_strand_a_seat_either() -> None:
    states = event(allow_orphans=False)
    granted(states, pick(b"1", 0, 1, 2))
    refused(states, ChangeHold(b"1", remove=Part((0,))), "orphan_seat")
    refused(states, ChangeHold(b"1", remove=Part((1,))), "orphan_seat")
    granted(states, ChangeHold(b"1", remove=Part((2,))))


def test_the_box_office_and_an_event_that_allows_orphans_are_not_refused() -> None:
    states = event(allow_orphans=False)
    granted(states, pick(b"1", 1, 2, box_office=True))
    allowing = event(allow_orphans=True)
    granted(allowing, pick(b"1", 1, 2))
    assert SaleRules().allow_orphans


def test_requests_check_their_own_form() -> None:
    for bad in (
        lambda: Choice(()),
        lambda: Choice((1, 1)),
        lambda: Choice((1,), (), {2: "child"}),
        lambda: AreaQuantity(0, 0),
        lambda: Best(0),
        lambda: Part(()),
        lambda: Part((1, 1)),
        lambda: ChangeHold(b"1"),
        lambda: BookSeats(b"b", Choice((1,)), from_available=False),
        lambda: PlaceHold(b"", Choice((1,)), b"b"),
        lambda: BookHold(b"1", b"x" * 65),
        lambda: BlockSeats(Part((1,)), "x" * 201),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            bad()
