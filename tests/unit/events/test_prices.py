"""Ticket types of an event and its prices: that they go together, and who sees which."""

from typing import Any

import msgspec
import pytest
from tests.unit.events.test_model import TIERS, changed, event, faults, opened

from event_seating.booking.core.records import Access, TicketType
from event_seating.errors import InvalidRequest
from event_seating.events.errors import PriceMissing
from event_seating.events.prices import DESCRIBED_TYPES_MAX, LABEL_CHARS_MAX, warnings

TYPES = {
    "adult": {"label": " Adult "},
    "child": {"label": "Child under 12", "access": "public"},
    "press": {"label": "Press", "access": "staff"},
}
PRICES = {
    "1": {"adult": "45.00", "child": "20.00", "press": "0.00"},
    "2": {"adult": "30.50"},
}
SALE: dict[str, Any] = {"ticketTypes": TYPES, "defaultTicketType": "adult", "prices": PRICES}


def test_types_are_kept_as_they_were_described() -> None:
    _, sale = opened(**SALE)
    assert sale.ticket_types == {
        "adult": TicketType("Adult"),
        "child": TicketType("Child under 12"),
        "press": TicketType("Press", Access.staff),
    }
    assert sale.default_ticket_type == "adult"
    assert warnings(sale) == []


@pytest.mark.parametrize(
    ("types", "field", "message"),
    [
        ({"adult": {}}, "ticketTypes.adult.label", "is missing"),
        ({"adult": {"label": ""}}, "ticketTypes.adult.label", "must not be empty"),
        ({"adult": {"label": 5}}, "ticketTypes.adult.label", "must be text"),
        ({"adult": {"label": "a\nb"}}, "ticketTypes.adult.label", "control characters"),
        (
            {"adult": {"label": "x" * (LABEL_CHARS_MAX + 1)}},
            "ticketTypes.adult.label",
            "at most 100 characters",
        ),
        ({"adult": "Adult"}, "ticketTypes.adult", "must be an object, not text"),
        ({"adult": None}, "ticketTypes.adult", "must be an object, not null"),
        ({"a b": {"label": "A"}}, "ticketTypes.a b", "a ticket type has 1 to 32"),
        ({"adult": {"label": "A", "quota": 5}}, "ticketTypes.adult.quota", "is not a field"),
        ({"adult": {"label": "A", "access": "code"}}, "ticketTypes.adult.access", "public, staff"),
        ({"adult": {"label": "A", "access": 1}}, "ticketTypes.adult.access", "must be text"),
        ({}, "ticketTypes", "must have 1 to 50 ticket types, or be null"),
    ],
)
@pytest.mark.parametrize("is_new", [True, False])
def test_a_type_that_cannot_be_one_names_the_type_and_its_field(
    is_new: bool, types: Any, field: str, message: str
) -> None:
    with pytest.raises(InvalidRequest) as error:
        opened(**SALE | {"ticketTypes": types}) if is_new else changed(event(), ticketTypes=types)
    assert message in faults(error)[field]


def test_more_types_than_an_event_may_have_are_refused() -> None:
    types = {f"t{number}": {"label": "T"} for number in range(DESCRIBED_TYPES_MAX + 1)}
    with pytest.raises(InvalidRequest) as error:
        opened(ticketTypes=types)
    assert list(faults(error)) == ["ticketTypes"]


def test_a_price_of_a_type_that_is_not_described_names_the_price() -> None:
    with pytest.raises(InvalidRequest) as error:
        opened(**SALE | {"prices": PRICES | {"2": {"adlut": "1.00"}}})
    assert faults(error) == {
        "prices.2.adlut": "is none of the event's ticketTypes (adult, child, press)"
    }


def test_types_that_leave_out_one_with_a_price_name_that_type() -> None:
    types = {name: each for name, each in TYPES.items() if name != "child"}
    with pytest.raises(InvalidRequest) as error:
        changed(event(**SALE), ticketTypes=types)
    assert faults(error) == {"ticketTypes.child": "is missing; category 1 has a price for it"}


def test_types_and_prices_are_replaced_together_in_one_change() -> None:
    renamed = {"full": {"label": "Full"}, "press": {"label": "P", "access": "staff"}}
    prices = {"1": {"full": "45.00", "press": "0.00"}, "2": {"full": "30.50"}}
    _, sale = changed(event(**SALE), ticketTypes=renamed, prices=prices, defaultTicketType="full")
    assert sale.ticket_types is not None
    assert list(sale.ticket_types) == ["full", "press"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"defaultTicketType": "student"}, "student is none of the event's ticketTypes"),
        ({"defaultTicketType": "press"}, "press is for staff"),
        (
            {"ticketTypes": TYPES | {"late": {"label": "L"}}, "defaultTicketType": "late"},
            "late has no price in any category",
        ),
        ({"ticketTypes": None, "defaultTicketType": "late"}, "late has no price in any category"),
    ],
)
def test_a_default_that_nobody_could_take_is_refused(more: dict[str, Any], message: str) -> None:
    for attempt in (lambda: opened(**SALE | more), lambda: changed(event(**SALE), **more)):
        with pytest.raises(InvalidRequest) as error:
            attempt()
        assert message in faults(error)["defaultTicketType"]


def test_a_default_that_becomes_staffs_has_to_be_changed_with_it() -> None:
    types = TYPES | {"adult": {"label": "A", "access": "staff"}}
    with pytest.raises(InvalidRequest) as error:
        changed(event(**SALE), ticketTypes=types)
    assert "adult is for staff" in faults(error)["defaultTicketType"]
    _, sale = changed(event(**SALE), ticketTypes=types, defaultTicketType=None)
    assert sale.default_ticket_type is None


def test_a_change_of_something_else_keeps_types_and_default() -> None:
    before = event(**SALE)
    _, sale = changed(before, rules={"holdTtl": 30})
    assert sale.ticket_types == before.configuration.ticket_types
    assert sale.default_ticket_type == "adult"
    _, sale = changed(before, ticketTypes=None)
    assert (sale.ticket_types, sale.default_ticket_type) == (None, "adult")


# The map's own prices


@pytest.mark.parametrize(
    ("more", "ticket_type"),
    [
        ({}, "standard"),
        ({"defaultTicketType": "full"}, "full"),
        ({"ticketTypes": {"full": {"label": "Full"}}}, "full"),
        ({"ticketTypes": TYPES, "defaultTicketType": "adult"}, "adult"),
    ],
)
def test_the_maps_prices_are_those_of_the_type_that_is_taken_unless_named(
    more: dict[str, Any], ticket_type: str
) -> None:
    _, sale = opened(**more)
    assert sale.prices == {"1": {ticket_type: 4500}, "2": {ticket_type: 3050}}


def test_the_maps_prices_are_of_no_type_when_several_are_public() -> None:
    with pytest.raises(InvalidRequest) as error:
        opened(ticketTypes=TYPES, prices={"1": {"adult": "1.00"}})
    assert list(faults(error)) == ["prices.2"]
    assert "say what each ticket type costs" in faults(error)["prices.2"]


def test_a_category_without_a_price_is_still_named() -> None:
    tiers = msgspec.structs.replace(TIERS, prices={"1": None, "2": None})
    sale = SALE | {"prices": {"1": {"adult": "1.00"}}, "ticketTypes": None}
    with pytest.raises(PriceMissing):
        opened(tiers, **sale)


# What is said of it


def test_without_types_a_warning_says_that_all_are_public() -> None:
    _, sale = opened()
    assert [warning["field"] for warning in warnings(sale)] == ["ticketTypes"]
    assert "anybody may take every ticket type" in warnings(sale)[0]["message"]


def test_warnings_name_types_without_a_price_and_a_default_that_is_missing() -> None:
    types = TYPES | {"student": {"label": "Student"}}
    _, sale = opened(ticketTypes=types, prices=PRICES)
    assert [warning["field"] for warning in warnings(sale)] == [
        "ticketTypes.student",
        "defaultTicketType",
    ]


def test_a_warning_says_that_buyers_can_take_nothing() -> None:
    types = {"press": {"label": "Press", "access": "staff"}}
    prices = {"1": {"press": "0.00"}, "2": {"press": "0.00"}}
    _, sale = opened(ticketTypes=types, prices=prices)
    assert [warning["field"] for warning in warnings(sale)] == ["ticketTypes"]


def test_only_staff_is_shown_what_is_not_public() -> None:
    shown = event(**SALE).fields(staff=False)
    assert shown["prices"] == {
        "1": {"adult": "45.00", "child": "20.00"},
        "2": {"adult": "30.50"},
    }
    assert shown["ticketTypes"] == {
        "adult": {"label": "Adult", "access": "public"},
        "child": {"label": "Child under 12", "access": "public"},
    }
    assert shown["defaultTicketType"] == "adult"
    assert "press" not in msgspec.json.encode(shown).decode().lower()
    seen = event(**SALE).fields(staff=True)
    assert seen["prices"] == PRICES
    assert seen["ticketTypes"]["press"] == {"label": "Press", "access": "staff"}


def test_an_event_without_types_says_so_and_what_is_taken_unless_named() -> None:
    shown = event().fields(staff=False)
    assert (shown["ticketTypes"], shown["defaultTicketType"]) == (None, "standard")
