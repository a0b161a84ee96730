"""Who may have which price: decided in every way of taking seats."""

import pytest
from msgspec.structs import replace
from tests.support.seat_states import configure, event, granted, lines_of, one_row, pick, refused

from event_seating.booking.core.commands import (
    AreaQuantity,
    Best,
    BookHold,
    BookSeats,
    ChangeHold,
    Choice,
    Configure,
    ExchangeSeats,
    Part,
    PlaceHold,
)
from event_seating.booking.core.log_entries import (
    Amended,
    Booked,
    Entry,
    Exchanged,
    Held,
    Operation,
    decode,
    encode,
)
from event_seating.booking.core.records import (
    Access,
    Groups,
    Hold,
    LineGroup,
    SaleRules,
    SaleStatus,
    TicketType,
)
from event_seating.booking.core.refusals import Refusal
from event_seating.booking.core.seat_state import SeatStates

PRICES = {"1": {"adult": 4500, "child": 2000, "press": 0}, "2": {"adult": 9000}}
TYPES = {
    "adult": TicketType("Adult"),
    "child": TicketType("Child"),
    "press": TicketType("Press", Access.staff),
}
NOBODY_KNOWS = "never-heard-of"


def sale(**more: object) -> SeatStates:
    """A row of ten and five places, for adults unless a type is named; press is for staff."""
    states = event(one_row(10, places=5))
    described = {"ticket_types": TYPES, "default_ticket_type": "adult", "prices": PRICES}
    configure(states, **(described | more))
    return states


def types_of(groups: Groups) -> dict[int, str | None]:
    return {seat: group.ticket_type for group in groups for seat in group.seats}


def last(states: SeatStates, request: object) -> Operation:
    return granted(states, request).operations[-1]  # type: ignore[arg-type]


# Whom a type of staff is refused to


@pytest.mark.parametrize("hidden", ["press", NOBODY_KNOWS])
def test_a_buyer_who_picks_seats_is_refused_a_type_of_staff_as_one_that_is_not_there(
    hidden: str,
) -> None:
    states = sale()
    choice = Choice((1, 2), ticket_types={1: hidden})
    refusal = refused(states, PlaceHold(b"1", choice, b"buyer"), "seats_unavailable")
    assert refusal.seats == ((1, "not_on_sale"),)
    assert refusal.ticket_types == ()


@pytest.mark.parametrize("hidden", ["press", NOBODY_KNOWS])
def test_a_buyer_who_takes_places_is_refused_it_too(hidden: str) -> None:
    states = sale()
    choice = Choice(areas=(AreaQuantity(0, 2, hidden),))
    refusal = refused(states, PlaceHold(b"1", choice, b"buyer"), "seats_unavailable")
    assert [(area.code, area.left) for area in refusal.areas] == [("not_on_sale", 2)]


@pytest.mark.parametrize("hidden", ["press", NOBODY_KNOWS])
def test_a_buyer_who_takes_the_best_is_told_of_the_public_types_alone(hidden: str) -> None:
    states = sale()
    wanted = Best(2, ticket_types=((hidden, 1), ("adult", 1)))
    refusal = refused(states, PlaceHold(b"1", wanted, b"buyer"), "unknown_ticket_type")
    assert refusal.ticket_types == ("adult", "child")


@pytest.mark.parametrize("hidden", ["press", NOBODY_KNOWS])
def test_a_buyer_who_changes_a_hold_is_refused_it(hidden: str) -> None:
    states = sale()
    granted(states, pick(b"1", 1))
    add = Choice((1,), ticket_types={1: hidden})
    change = ChangeHold(b"1", add, Part((1,)))
    assert refused(states, change, "seats_unavailable").seats == ((1, "not_on_sale"),)


@pytest.mark.parametrize("hidden", ["press", NOBODY_KNOWS])
def test_an_exchange_without_the_box_office_is_refused_it(hidden: str) -> None:
    states = sale()
    granted(states, BookSeats(b"b", Choice((1,))))
    take = Choice((2,), ticket_types={2: hidden})
    exchange = ExchangeSeats(b"b", Part((1,)), take)
    assert refused(states, exchange, "seats_unavailable").seats == ((2, "not_on_sale"),)


def test_a_type_that_becomes_staffs_is_refused_to_what_comes_later_in_the_same_batch() -> None:
    states = sale(ticket_types=None)
    assert states.configuration is not None
    batch = states.begin(states.at_ms)
    wanted = Choice((1,), ticket_types={1: "press"})
    assert isinstance(batch.preview(PlaceHold(b"1", wanted, b"buyer")), Entry)
    batch.decide(Configure(replace(states.configuration, ticket_types=TYPES)))
    assert isinstance(batch.decide(PlaceHold(b"1", wanted, b"buyer")), Refusal)
    batch.discard()
    assert isinstance(states.begin(states.at_ms).decide(PlaceHold(b"1", wanted, b"buyer")), Entry)


# Who gets it


def test_the_box_office_gets_it_in_every_way() -> None:
    states = sale()
    place = PlaceHold(b"1", Choice((1,), ticket_types={1: "press"}), None, box_office=True)
    held = last(states, place)
    assert isinstance(held, Held)
    assert types_of(held.groups) == {1: "press"}
    best = PlaceHold(b"2", Best(1, ticket_types=(("press", 1),)), None, box_office=True)
    assert isinstance(last(states, best), Held)
    add = Choice(areas=(AreaQuantity(0, 1, "press"),))
    amended = last(states, ChangeHold(b"1", add, box_office=True))
    assert isinstance(amended, Amended)
    booked = last(states, BookSeats(b"b", Choice((5,), ticket_types={5: "press"})))
    assert isinstance(booked, Booked)
    take = Choice((6,), ticket_types={6: "press"})
    exchanged = last(states, ExchangeSeats(b"b", Part((5,)), take, box_office=True))
    assert isinstance(exchanged, Exchanged)
    assert types_of(exchanged.taken) == {6: "press"}


def test_a_hold_keeps_a_type_of_staff_when_its_buyer_changes_other_seats() -> None:
    states = sale()
    choice = Choice((1, 2), ticket_types={1: "press"})
    granted(states, PlaceHold(b"1", choice, b"buyer", box_office=True))
    granted(states, ChangeHold(b"1", Choice((3,)), Part((2,))))
    hold = states.hold(b"1", states.at_ms)
    assert isinstance(hold, Hold)
    assert types_of(hold.groups) == {1: "press", 3: "adult"}
    booked = last(states, BookHold(b"1", b"b", expected_total=4500))
    assert isinstance(booked, Booked)


# What names no type


def test_what_names_no_type_takes_the_default_and_writes_its_name() -> None:
    states = sale()
    held = last(states, PlaceHold(b"1", Choice((1,), (AreaQuantity(0, 1),)), b"buyer"))
    assert isinstance(held, Held)
    assert set(types_of(held.groups).values()) == {"adult"}
    best = last(states, PlaceHold(b"2", Best(2), b"buyer"))
    assert isinstance(best, Held)
    assert set(types_of(best.groups).values()) == {"adult"}


def test_the_best_with_types_none_of_which_is_standard() -> None:
    states = sale(default_ticket_type=None)
    family = Best(3, ticket_types=(("adult", 1), ("child", 2)))
    held = last(states, PlaceHold(b"1", family, b"buyer"))
    assert isinstance(held, Held)
    assert sorted(types_of(held.groups).values(), key=str) == ["adult", "child", "child"]


@pytest.mark.parametrize("box_office", [False, True])
@pytest.mark.parametrize(
    "choice",
    [
        Choice((1,)),
        Choice((1, 2), ticket_types={1: "adult"}),
        Choice((1,), (AreaQuantity(0, 1),), {1: "adult"}),
        Best(2),
    ],
)
def test_with_several_public_types_and_no_default_one_has_to_be_named(
    choice: Choice | Best, box_office: bool
) -> None:
    states = sale(default_ticket_type=None)
    place = PlaceHold(b"1", choice, b"buyer", box_office=box_office)
    refusal = refused(states, place, "ticket_type_missing")
    assert refusal.ticket_types == ("adult", "child") + ("press",) * box_office


def test_the_only_public_type_is_the_default() -> None:
    described = {**TYPES, "child": TicketType("Child", Access.staff)}
    states = sale(ticket_types=described, default_ticket_type=None)
    held = last(states, pick(b"1", 1))
    assert isinstance(held, Held)
    assert types_of(held.groups) == {1: "adult"}


@pytest.mark.parametrize(
    ("prices", "default"),
    [
        ({"1": {"standard": 1, "child": 1}}, "standard"),
        ({"1": {"box": 1}}, "box"),
        ({"1": {"box": 1, "child": 1}}, None),
    ],
)
def test_an_event_that_describes_no_types_has_standard_or_its_only_one(
    prices: dict[str, dict[str, int]], default: str | None
) -> None:
    states = event()
    configure(states, prices=prices)
    if default is None:
        refused(states, pick(b"1", 1), "ticket_type_missing")
        return
    held = last(states, pick(b"1", 1))
    assert isinstance(held, Held)
    assert types_of(held.groups) == {1: default}


def test_standard_means_nothing_by_itself_where_types_are_described() -> None:
    described = {"standard": TicketType("Adult"), "child": TicketType("Child")}
    states = event()
    configure(states, ticket_types=described)
    refused(states, pick(b"1", 1), "ticket_type_missing")


def test_a_default_without_a_price_in_a_category_is_not_on_sale_there() -> None:
    states = sale(default_ticket_type="adult", prices={"1": {"child": 2000}, "2": {"adult": 1}})
    assert refused(states, pick(b"1", 1), "seats_unavailable").seats == ((1, "not_on_sale"),)


# What stays


def test_an_old_hold_whose_line_names_no_type_is_standard_and_booked_late_by_that_name() -> None:
    states = event(hold_ttl_ms=1_000)
    old = Held(b"old", (LineGroup((1,), 4500),), 1_000, b"buyer")
    states.apply(states.version + 1, states.at_ms, [Entry(None, (old,))])
    assert [line.ticket_type for line in lines_of(states, old.groups)] == ["standard"]
    given = Part((1,))
    granted(states, ChangeHold(b"old", Choice((2,)), given))
    late = granted(
        states, BookHold(b"old", b"b", expected_revision=2), states.at_ms + 1_500
    ).operations[-1]
    assert isinstance(late, Booked)
    assert types_of(late.groups) == {2: "standard"}


def test_a_price_and_a_type_are_those_of_the_hold_whatever_becomes_of_the_types() -> None:
    states = sale()
    granted(states, PlaceHold(b"1", Choice((1,), ticket_types={1: "child"}), b"buyer"))
    configure(states, prices={"1": {"adult": 1}}, ticket_types={"adult": TicketType("A")})
    booked = last(states, BookHold(b"1", b"b"))
    assert isinstance(booked, Booked)
    assert [(line.ticket_type, line.price) for line in lines_of(states, _booked(states))] == [
        ("child", 2000)
    ]


def _booked(states: SeatStates) -> Groups:
    return states.ledger.bookings[b"b"].groups


def test_types_are_in_the_log_and_in_the_image() -> None:
    states = sale(status=SaleStatus.on_sale, rules=SaleRules(max_seats_per_hold=3))
    loaded = SeatStates.load(states.index, states.dump())
    assert loaded.configuration == states.configuration
    refused(
        loaded, PlaceHold(b"1", Choice((1,), ticket_types={1: "press"}), b"b"), "seats_unavailable"
    )
    entry = granted(states, pick(b"1", 1))
    assert decode(2, encode([entry])) == [entry]
