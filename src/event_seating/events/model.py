"""What an event is, and the rules for making and changing it.

Pure: it turns a request into an event's configuration or its faults. Owns the rules of times and
caps (those of prices and ticket types are in `prices`); that a change of one field keeps the
others; and how an event is shown to staff and to everybody else. Knows neither the database nor the
log nor HTTP, and takes the time as an argument.
"""

from collections.abc import Collection
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from event_seating.booking.core.records import (
    HOLD_TOTAL_LONGEST_MS,
    Access,
    Configuration,
    SaleRules,
    SaleStatus,
)
from event_seating.booking.core.ticket_types import default_type
from event_seating.booking.reads import audit_trail
from event_seating.clock import MS_PER_S
from event_seating.events import prices
from event_seating.events.faults import Fault, invalid, line_of_text
from event_seating.events.prices import AskedDefault, AskedTypes, Prices, Tiers
from event_seating.settings.parsers import (
    HELD_SEATS_PER_ADDRESS_MAX,
    HELD_SEATS_PER_BUYER_MAX,
    HOLD_TTL_S_MAX,
    SEATS_PER_HOLD_MAX,
)
from event_seating.values import money, rfc3339
from event_seating.values.visible_text import NAME_CHARS_MAX

HOLD_TOTAL_S_MIN: Final = 300
"""Too short a time to choose, to pay and to correct a mistake would be of no use."""

HOLD_TOTAL_S_MAX: Final = HOLD_TOTAL_LONGEST_MS // MS_PER_S

CHECKOUT_TTL_S_MIN: Final = 60
"""Nobody pays faster."""


class AskedRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """An event's rules in a request; omitted ones stay as they are."""

    allow_orphans: bool | UnsetType = UNSET
    max_seats_per_hold: Annotated[int, Meta(ge=1, le=SEATS_PER_HOLD_MAX)] | UnsetType = UNSET
    max_held_seats_per_buyer: (
        Annotated[int, Meta(ge=1, le=HELD_SEATS_PER_BUYER_MAX)] | UnsetType
    ) = UNSET
    max_held_seats_per_address: (
        Annotated[int, Meta(ge=1, le=HELD_SEATS_PER_ADDRESS_MAX)] | UnsetType
    ) = UNSET
    hold_ttl: Annotated[int, Meta(ge=1, le=HOLD_TTL_S_MAX)] | UnsetType = UNSET
    """Seconds, like the next two."""
    hold_total_max: Annotated[int, Meta(ge=HOLD_TOTAL_S_MIN, le=HOLD_TOTAL_S_MAX)] | UnsetType = (
        UNSET
    )
    checkout_ttl: Annotated[int, Meta(ge=CHECKOUT_TTL_S_MIN, le=HOLD_TOTAL_S_MAX)] | UnsetType = (
        UNSET
    )

    def on(self, rules: SaleRules) -> SaleRules:
        """These rules with what was asked in place of what they had."""
        asked: dict[str, Any] = {
            "allow_orphans": self.allow_orphans,
            "max_seats_per_hold": self.max_seats_per_hold,
            "max_held_seats_per_buyer": self.max_held_seats_per_buyer,
            "max_held_seats_per_address": self.max_held_seats_per_address,
            "hold_ttl_ms": _ms(self.hold_ttl),
            "hold_total_max_ms": _ms(self.hold_total_max),
            "checkout_ttl_ms": _ms(self.checkout_ttl),
        }
        return msgspec.structs.replace(
            rules, **{name: value for name, value in asked.items() if value is not UNSET}
        )


class NewEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The body of `POST /events`."""

    venue_id: str
    name: str
    starts_at: str
    time_zone: str = "UTC"
    currency: str | UnsetType = UNSET
    prices: Prices = {}
    ticket_types: AskedTypes | None = None
    default_ticket_type: AskedDefault = UNSET
    rules: AskedRules = AskedRules()
    sales_start: str | UnsetType = UNSET
    sales_end: str | UnsetType = UNSET


class EventChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The body of `PATCH /events/{id}`; omitted fields stay as they are."""

    name: str | UnsetType = UNSET
    starts_at: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    status: SaleStatus | UnsetType = UNSET
    sales_start: str | UnsetType = UNSET
    sales_end: str | UnsetType = UNSET
    prices: Prices = {}
    ticket_types: AskedTypes | UnsetType | None = UNSET
    """`None`: the types are no longer described, and all are public."""
    default_ticket_type: AskedDefault = UNSET
    rules: AskedRules = AskedRules()
    currency: str | UnsetType = UNSET
    """Always refused: sold seats were paid in the event's currency."""
    venue_id: str | UnsetType = UNSET
    """Always refused: sold seats are those of the event's map."""


class Defaults(msgspec.Struct, frozen=True):
    """How an event sells unless the request says otherwise."""

    currency: str
    rules: SaleRules


class Event(msgspec.Struct, frozen=True):
    """An event as stored. `version` is that of the log entry that configured it."""

    id: str
    venue_id: str
    venue_version: int
    venue_name: str
    name: str
    starts_at_ms: int
    time_zone: str
    epoch: str
    created_at_ms: int
    configuration: Configuration
    version: int

    def fields(self, *, staff: bool) -> dict[str, Any]:
        """Its fields in the API: all of them for `staff`, otherwise only the public ones."""
        sale = self.configuration
        return {
            "id": self.id,
            "venueId": self.venue_id,
            "venueVersion": self.venue_version,
            "venueName": self.venue_name,
            "name": self.name,
            "startsAt": rfc3339.to_text(self.starts_at_ms),
            "timeZone": self.time_zone,
            "currency": sale.currency,
            "status": sale.status,
            "salesStart": _time_or_none(sale.sales_start_ms),
            "salesEnd": _time_or_none(sale.sales_end_ms),
            "prices": audit_trail.prices(sale, staff=staff),
            "ticketTypes": _types(sale, staff=staff),
            "defaultTicketType": default_type(sale),
            "rules": {
                "allowOrphans": sale.rules.allow_orphans,
                "maxSeatsPerHold": sale.rules.max_seats_per_hold,
                "maxHeldSeatsPerBuyer": sale.rules.max_held_seats_per_buyer,
                "maxHeldSeatsPerAddress": sale.rules.max_held_seats_per_address,
                "holdTtl": sale.rules.hold_ttl_ms // MS_PER_S,
                "holdTotalMax": sale.rules.hold_total_max_ms // MS_PER_S,
                "checkoutTtl": sale.rules.checkout_ttl_ms // MS_PER_S,
            },
            "epoch": self.epoch,
            "version": self.version,
            "map": f"/venues/{self.venue_id}/versions/{self.venue_version}",
            "createdAt": rfc3339.to_text(self.created_at_ms),
        }


class EventSchedule(msgspec.Struct, frozen=True):
    """An event's name and time."""

    name: str
    starts_at_ms: int
    time_zone: str


def new_event(
    asked: NewEvent, tiers: Tiers, defaults: Defaults, zones: Collection[str], now_ms: int
) -> tuple[EventSchedule, Configuration]:
    """A new event, on sale from now until it begins unless it says otherwise.

    Raises `InvalidRequest`, naming every fault, and `PriceMissing`, naming every category.
    """
    faults: list[Fault] = []
    schedule = EventSchedule(
        _name(asked.name, faults),
        _time("startsAt", asked.starts_at, faults) or 0,
        _zone(asked.time_zone, zones, faults),
    )
    currency = defaults.currency if asked.currency is UNSET else asked.currency
    if not money.is_currency(currency):
        faults.append(("currency", "must be the ISO 4217 code of a currency, such as EUR"))
        raise invalid(faults)
    start = _time("salesStart", asked.sales_start, faults)
    end = _time("salesEnd", asked.sales_end, faults)
    types = prices.described_types(asked.ticket_types, faults)
    map_type = prices.type_of_map_prices(types, asked.default_ticket_type)
    found = prices.map_prices(tiers, asked.prices, map_type, currency, faults)
    found |= prices.asked_prices(asked.prices, tiers, currency, faults)
    default = asked.default_ticket_type
    configuration = Configuration(
        currency=currency,
        prices={category: found[category] for category in tiers.prices if category in found},
        sales_start_ms=now_ms if start is None else start,
        sales_end_ms=schedule.starts_at_ms if end is None else end,
        rules=asked.rules.on(defaults.rules),
        ticket_types=types,
        default_ticket_type=None if default is UNSET else default,
    )
    if not faults:
        prices.check_types(configuration, asked.prices, faults)
        _check_window(configuration, "startsAt" if end is None else "salesEnd", faults)
        _check_rules(configuration.rules, faults)
    if faults:
        raise invalid(faults)
    prices.check_that_all_have_a_price(configuration, tiers)
    return schedule, configuration


def changed(
    event: Event, change: EventChange, tiers: Tiers, zones: Collection[str]
) -> tuple[EventSchedule, Configuration]:
    """The event after the change; raises `InvalidRequest`, naming every fault.

    If the sale ends when the event begins, it still does so after the event is moved. A category's
    prices are replaced together and those of other categories stay; ticket types are replaced as a
    whole.
    """
    faults: list[Fault] = []
    for field, value in (("currency", change.currency), ("venueId", change.venue_id)):
        if value is not UNSET:
            faults.append((field, "cannot change once the event is made; make another event"))
    before = event.configuration
    name = event.name if change.name is UNSET else _name(change.name, faults)
    starts_at = _time("startsAt", change.starts_at, faults)
    zone = event.time_zone
    if change.time_zone is not UNSET:
        zone = _zone(change.time_zone, zones, faults)
    start, end = (
        _time("salesStart", change.sales_start, faults),
        _time("salesEnd", change.sales_end, faults),
    )
    field = "salesStart" if end is None else "salesEnd"
    if end is None and starts_at is not None and before.sales_end_ms == event.starts_at_ms:
        field, end = "startsAt", starts_at
    after = msgspec.structs.replace(
        before,
        prices=before.prices | prices.asked_prices(change.prices, tiers, before.currency, faults),
        status=before.status if change.status is UNSET else change.status,
        sales_start_ms=before.sales_start_ms if start is None else start,
        sales_end_ms=before.sales_end_ms if end is None else end,
        rules=change.rules.on(before.rules),
        ticket_types=before.ticket_types
        if change.ticket_types is UNSET
        else prices.described_types(change.ticket_types, faults),
        default_ticket_type=before.default_ticket_type
        if change.default_ticket_type is UNSET
        else change.default_ticket_type,
    )
    if not faults:
        prices.check_types(after, change.prices, faults)
        _check_window(after, field, faults)
        _check_rules(after.rules, faults)
    if faults:
        raise invalid(faults)
    starts_at_ms = event.starts_at_ms if starts_at is None else starts_at
    return EventSchedule(name, starts_at_ms, zone), after


def _types(sale: Configuration, *, staff: bool) -> dict[str, dict[str, str]] | None:
    """The ticket types as the API shows them; `None` if the event describes none."""
    if sale.ticket_types is None:
        return None
    return {
        name: {"label": each.label, "access": each.access}
        for name, each in sale.ticket_types.items()
        if staff or each.access is Access.public
    }


def _name(text: str, faults: list[Fault]) -> str:
    return line_of_text("name", text, NAME_CHARS_MAX, faults)


def _time(field: str, text: str | UnsetType, faults: list[Fault]) -> int | None:
    if text is UNSET:
        return None
    try:
        return rfc3339.parse(text)
    except ValueError as error:
        faults.append((field, str(error)))
        return None


def _zone(text: str, zones: Collection[str], faults: list[Fault]) -> str:
    if text not in zones:
        faults.append(("timeZone", "must be the IANA name of a time zone, such as Europe/Berlin"))
    return text


def _check_window(sale: Configuration, field: str, faults: list[Fault]) -> None:
    if sale.sales_start_ms is None or sale.sales_end_ms is None:
        return
    if sale.sales_end_ms <= sale.sales_start_ms:
        start, end = rfc3339.to_text(sale.sales_start_ms), rfc3339.to_text(sale.sales_end_ms)
        faults.append((field, f"the sale would end ({end}) before it begins ({start})"))


def _check_rules(rules: SaleRules, faults: list[Fault]) -> None:
    if rules.hold_ttl_ms > rules.hold_total_max_ms:
        ttl, most = rules.hold_ttl_ms // MS_PER_S, rules.hold_total_max_ms // MS_PER_S
        text = f"must be at least rules.holdTtl, which is {ttl}, and not {most}"
        faults.append(("rules.holdTotalMax", text))


def _ms(seconds: int | UnsetType) -> int | UnsetType:
    return UNSET if seconds is UNSET else seconds * MS_PER_S


def _time_or_none(ms: int | None) -> str | None:
    return None if ms is None else rfc3339.to_text(ms)
