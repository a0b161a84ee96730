"""What may be an event, and what a change makes of one."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from event_seating.booking.core.records import (
    HOLD_TOTAL_MAX_MS,
    Configuration,
    SaleRules,
    SaleStatus,
)
from event_seating.errors import InvalidRequest, ServiceError
from event_seating.events import model
from event_seating.events.errors import PriceMissing
from event_seating.events.model import Defaults, Event, EventChange, EventSchedule, NewEvent
from event_seating.events.prices import TICKET_TYPES_MAX, Tiers
from event_seating.settings import parsers
from event_seating.values import rfc3339

NOW = rfc3339.parse("2027-01-01T00:00:00Z")
START = rfc3339.parse("2027-06-01T18:00:00Z")
ZONES = {"UTC", "Europe/Berlin"}
TIERS = Tiers({"1": Decimal(45), "2": Decimal("30.5"), "unused": None}, {"1", "2"})
DEFAULTS = Defaults("EUR", SaleRules(max_seats_per_hold=6))

ASKED = {"venueId": "hall", "name": "Concert", "startsAt": "2027-06-01T20:00:00+02:00"}


def opened(tiers: Tiers = TIERS, **more: Any) -> tuple[EventSchedule, Configuration]:
    asked = msgspec.convert(ASKED | more, NewEvent)
    return model.new_event(asked, tiers, DEFAULTS, ZONES, NOW)


def event(**more: Any) -> Event:
    schedule, sale = opened(**more)
    return Event(
        "e" * 12, "hall", 3, "Hall", schedule.name, schedule.starts_at_ms, schedule.time_zone,
        "epoch", NOW, sale, 1,
    )  # fmt: skip


def changed(before: Event, **change: Any) -> tuple[EventSchedule, Configuration]:
    return model.changed(before, msgspec.convert(change, EventChange), TIERS, ZONES)


def faults(error: pytest.ExceptionInfo[ServiceError]) -> dict[str, str]:
    return {fault["field"]: fault["message"] for fault in error.value.details["fields"]}


def test_a_new_event_is_on_sale_from_now_until_it_begins_by_the_maps_prices() -> None:
    schedule, sale = opened()
    assert schedule == EventSchedule("Concert", START, "UTC")
    assert sale == Configuration(
        currency="EUR",
        prices={"1": {"standard": 4500}, "2": {"standard": 3050}},
        status=SaleStatus.on_sale,
        sales_start_ms=NOW,
        sales_end_ms=START,
        rules=DEFAULTS.rules,
    )


def test_a_new_event_may_be_told_everything_otherwise() -> None:
    schedule, sale = opened(
        name="  Opera ",
        timeZone="Europe/Berlin",
        currency="CHF",
        prices={"1": {"adult": "50.5", "child": "0"}},
        rules={"allowOrphans": False, "holdTtl": 90},
        salesStart="2027-02-01T00:00:00Z",
        salesEnd="2027-07-01T00:00:00Z",
    )
    assert schedule == EventSchedule("Opera", START, "Europe/Berlin")
    assert sale.currency == "CHF"
    assert sale.prices == {"1": {"adult": 5050, "child": 0}, "2": {"standard": 3050}}
    assert list(sale.prices) == ["1", "2"], "in the map's order, whichever were asked for"
    assert sale.rules == SaleRules(allow_orphans=False, max_seats_per_hold=6, hold_ttl_ms=90_000)
    assert sale.sales_start_ms == rfc3339.parse("2027-02-01T00:00:00Z")
    assert sale.sales_end_ms == rfc3339.parse("2027-07-01T00:00:00Z")


@pytest.mark.parametrize(
    ("currency", "text", "minor"),
    [("JPY", "5000", 5000), ("KWD", "5.125", 5125), ("EUR", "45", 4500), ("EUR", "0.07", 7)],
)
def test_a_price_is_exact_in_the_decimals_of_its_currency(
    currency: str, text: str, minor: int
) -> None:
    prices = {"1": {"standard": text}, "2": {"standard": text}}
    _, sale = opened(currency=currency, prices=prices)
    assert sale.prices["1"] == {"standard": minor}


@pytest.mark.parametrize(
    ("more", "field", "message"),
    [
        ({"name": " "}, "name", "must not be empty"),
        ({"name": "x" * 201}, "name", "must have at most 200 characters"),
        ({"name": "a\nb"}, "name", "must not contain control characters"),
        ({"name": "\u200b\u202e"}, "name", "must have a character that can be seen"),
        ({"startsAt": "2027-06-01T20:00:00"}, "startsAt", "has no time zone"),
        ({"salesStart": "2027-06-01T20:00:00"}, "salesStart", "has no time zone"),
        ({"salesEnd": "soon"}, "salesEnd", "must be a time of RFC 3339"),
        ({"startsAt": "2026-12-31T23:00:00Z"}, "startsAt", "the sale would end"),
        ({"salesEnd": "2026-12-31T23:00:00Z"}, "salesEnd", "the sale would end"),
        ({"salesStart": "2027-06-01T18:00:00Z"}, "startsAt", "the sale would end"),
        ({"timeZone": "Mars/Olympus"}, "timeZone", "must be the IANA name"),
        ({"currency": "eur"}, "currency", "must be the ISO 4217 code"),
        ({"currency": "ABC"}, "currency", "must be the ISO 4217 code"),
        ({"currency": "XAU"}, "currency", "must be the ISO 4217 code"),
        ({"prices": {"9": {"standard": "1.00"}}}, "prices.9", "is not a category"),
        ({"prices": {"1": {"": "1"}}}, "prices.1.", "a ticket type has 1 to 32 letters"),
        ({"prices": {"1": {"x" * 33: "1"}}}, f"prices.1.{'x' * 33}", "a ticket type has 1 to 32"),
        ({"prices": {"1": {}}}, "prices.1", "must have 1 to 20 ticket types"),
        ({"prices": {"1": {"a": "-1.00"}}}, "prices.1.a", "must be a decimal number as text"),
        ({"prices": {"1": {"a": "1e3"}}}, "prices.1.a", "must be a decimal number as text"),
        ({"prices": {"1": {"a": "NaN"}}}, "prices.1.a", "must be a decimal number as text"),
        ({"prices": {"1": {"a": "1000001"}}}, "prices.1.a", "must be at most 1000000"),
        ({"prices": {"1": {"a": "1.005"}}}, "prices.1.a", "more than the 2 decimals of EUR"),
    ],
)
def test_what_cannot_be_an_event_names_the_field_and_says_why(
    more: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(InvalidRequest) as error:
        opened(**more)
    assert message in faults(error)[field]


def test_marks_that_nobody_sees_are_removed_from_a_name() -> None:
    schedule, _ = opened(name="\u202eOpera\u202c\u200b")
    assert schedule.name == "Opera"


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(InvalidRequest) as error:
        opened(name="", startsAt="x", timeZone="x", prices={"9": {"a": "1"}, "1": {"a": "x"}})
    assert set(faults(error)) == {"name", "startsAt", "timeZone", "prices.9", "prices.1.a"}
    assert str(error.value) == "name: must not be empty (and 4 more)"


def test_more_ticket_types_than_a_category_may_have_are_refused() -> None:
    types = {f"t{number}": "1.00" for number in range(TICKET_TYPES_MAX + 1)}
    with pytest.raises(InvalidRequest) as error:
        opened(prices={"1": types})
    assert "1 to 20 ticket types" in faults(error)["prices.1"]


def test_a_map_price_with_more_decimals_than_the_currency_has_names_its_tier() -> None:
    with pytest.raises(InvalidRequest) as error:
        opened(currency="JPY")
    assert faults(error) == {
        "prices.2": "the seat map's price, 30.5, has more than the 0 decimals of JPY"
    }
    _, sale = opened(currency="JPY", prices={"2": {"standard": "31"}})
    assert sale.prices == {"1": {"standard": 45}, "2": {"standard": 31}}


def test_categories_with_seats_and_without_a_price_are_all_named() -> None:
    with pytest.raises(PriceMissing) as error:
        opened(Tiers({"stalls": None, "balcony": None, "box": None}, {"stalls", "box"}))
    assert set(faults(error)) == {"prices.stalls", "prices.box"}


def test_a_change_keeps_what_it_does_not_name() -> None:
    before = event(rules={"allowOrphans": False})
    schedule, sale = changed(before, rules={"holdTtl": 30})
    assert schedule == EventSchedule(before.name, before.starts_at_ms, before.time_zone)
    assert sale == msgspec.structs.replace(
        before.configuration,
        rules=SaleRules(allow_orphans=False, max_seats_per_hold=6, hold_ttl_ms=30_000),
    )


def test_a_change_of_a_categorys_prices_replaces_them_and_no_others() -> None:
    _, sale = changed(event(), prices={"1": {"adult": "50.00"}})
    assert sale.prices == {"1": {"adult": 5000}, "2": {"standard": 3050}}


def test_a_sale_that_ends_when_the_event_begins_moves_with_it() -> None:
    schedule, sale = changed(event(), startsAt="2027-08-01T18:00:00Z")
    assert sale.sales_end_ms == schedule.starts_at_ms == rfc3339.parse("2027-08-01T18:00:00Z")
    told = event(salesEnd="2027-05-01T00:00:00Z")
    _, sale = changed(told, startsAt="2027-08-01T18:00:00Z")
    assert sale.sales_end_ms == rfc3339.parse("2027-05-01T00:00:00Z")


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"currency": "EUR"}, "currency", "cannot change once the event is made"),
        ({"venueId": "other"}, "venueId", "cannot change once the event is made"),
        ({"salesEnd": "2026-01-01T00:00:00Z"}, "salesEnd", "the sale would end"),
        ({"salesStart": "2028-01-01T00:00:00Z"}, "salesStart", "the sale would end"),
        ({"startsAt": "2026-01-01T00:00:00Z"}, "startsAt", "the sale would end"),
        ({"startsAt": "2027-06-01T20:00:00"}, "startsAt", "has no time zone"),
        ({"name": ""}, "name", "must not be empty"),
        ({"timeZone": "Mars/Olympus"}, "timeZone", "must be the IANA name"),
        ({"prices": {"1": {"a": "1.005"}}}, "prices.1.a", "more than the 2 decimals"),
    ],
)
def test_a_change_that_cannot_be_made_names_the_field_and_says_why(
    change: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(InvalidRequest) as error:
        changed(event(), **change)
    assert message in faults(error)[field]


def test_an_event_is_answered_in_utc_and_major_units() -> None:
    fields = event(timeZone="Europe/Berlin").fields(staff=True)
    assert fields["startsAt"] == fields["salesEnd"] == "2027-06-01T18:00:00Z"
    assert fields["salesStart"] == "2027-01-01T00:00:00Z"
    assert fields["prices"] == {"1": {"standard": "45.00"}, "2": {"standard": "30.50"}}
    assert fields["rules"] == {
        "allowOrphans": True, "maxSeatsPerHold": 6, "maxHeldSeatsPerBuyer": 40,
        "maxHeldSeatsPerAddress": 400, "holdTtl": 600,
        "holdTotalMax": 1800, "checkoutTtl": 900,
    }  # fmt: skip
    assert fields["map"] == "/venues/hall/versions/3"
    assert (fields["status"], fields["version"]) == ("on_sale", 1)


def test_a_hold_may_last_no_longer_than_the_rule_book_lets_it() -> None:
    assert parsers.HOLD_TTL_S_MAX * 1000 == HOLD_TOTAL_MAX_MS
