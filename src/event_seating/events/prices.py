"""An event's prices, by category and ticket type, and its ticket types.

Pure: it turns a request into prices and types or their faults. Owns that the two agree: if an event
describes its ticket types, each price belongs to one of them, and the default type is public and
has a price.
"""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, UnsetType

from event_seating.booking.core.records import STANDARD, Access, Configuration, TicketType
from event_seating.booking.core.ticket_types import (
    TICKET_TYPES_MAX,
    default_type,
    hidden_types,
    priced_types,
)
from event_seating.errors import InvalidRequest
from event_seating.events.errors import PriceMissing
from event_seating.events.faults import FAULTS_MAX, Fault, line_of_text, shown
from event_seating.values import money
from event_seating.venues.model import CATEGORIES_MAX
from event_seating.web import schemas
from event_seating.web.json_body import JsonBody

DESCRIBED_TYPES_MAX: Final = 50
"""Most ticket types of an event, whose categories need not have the same ones: some 5 kB in every
answer about the event, and in the log whenever its sale changes."""

ASKED_TYPES_MAX: Final = 1_000
"""With more of them the request is refused without checking each one."""

LABEL_CHARS_MAX: Final = 100
"""What fits on a line of a basket or a mail."""

_TICKET_TYPE: Final = re.compile(r"[A-Za-z0-9_-]{1,32}\Z")
"""It is in every line of a hold, and in the log."""

_NAME_RULE: Final = "a ticket type has 1 to 32 letters, digits or any of _ -"

Prices = Annotated[dict[str, dict[str, str]], Meta(max_length=CATEGORIES_MAX)]
"""Decimal text by category and ticket type."""

MinorPrices = dict[str, dict[str, int]]
"""Minor units by category and ticket type."""


class AskedTicketType(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ticket type in a request."""

    label: str
    access: Access = Access.public


_TYPE: Final = JsonBody(AskedTicketType)

# Each type is decoded separately, so that a fault names its type.
AskedTypes = Annotated[
    dict[str, Annotated[Any, Meta(extra_json_schema={"$ref": f"{schemas.REF}AskedTicketType"})]],
    Meta(max_length=ASKED_TYPES_MAX),
]
"""`ticketTypes` in a request."""

AskedDefault = str | None | UnsetType
"""`defaultTicketType` in a request; `None` means that there is no default."""


class Tiers(msgspec.Struct, frozen=True):
    """The price categories of a map: their prices, if the map has any, and which are in use."""

    prices: Mapping[str, Decimal | None]
    """In major units, by the category's key, in the map's order."""
    used: Collection[str]
    """The keys of categories that have a seat or an area."""


def described_types(asked: AskedTypes | None, faults: list[Fault]) -> dict[str, TicketType] | None:
    """The requested ticket types; `None` if none are described."""
    if asked is None:
        return None
    if not 1 <= len(asked) <= DESCRIBED_TYPES_MAX:
        message = f"must have 1 to {DESCRIBED_TYPES_MAX} ticket types, or be null: all are public"
        faults.append(("ticketTypes", message))
        return None
    types = {}
    for name, body in asked.items():
        field = f"ticketTypes.{shown(name)}"
        if not _TICKET_TYPE.match(name):
            faults.append((field, _NAME_RULE))
            continue
        try:
            each = _TYPE.convert(body)
        except InvalidRequest as error:
            for fault in error.details["fields"]:
                inner = fault["field"]
                where = field if inner == "body" else f"{field}.{inner}"
                faults.append((where, fault["message"]))
            continue
        label = line_of_text(f"{field}.label", each.label, LABEL_CHARS_MAX, faults)
        types[name] = TicketType(label, each.access)
    return types


def map_prices(
    tiers: Tiers,
    asked: Collection[str],
    ticket_type: str | None,
    currency: str,
    faults: list[Fault],
) -> MinorPrices:
    """The map's own prices, except for categories whose prices are in the request.

    `ticket_type` is the type that has the map's prices, if there is one.
    """
    prices = {}
    for category, amount in tiers.prices.items():
        if amount is None or category in asked:
            continue
        field = f"prices.{category}"
        if ticket_type is None:
            message = "say what each ticket type costs: the seat map has one price, and none of"
            faults.append((field, f"{message} several types is the default"))
            continue
        try:
            prices[category] = {ticket_type: money.to_minor(amount, currency)}
        except ValueError as error:
            faults.append((field, f"the seat map's price, {amount}, {error}"))
    return prices


def type_of_map_prices(types: Mapping[str, TicketType] | None, default: AskedDefault) -> str | None:
    """The ticket type that gets the map's own prices when an event is made."""
    if isinstance(default, str):
        return default
    if types is None:
        return STANDARD
    public = [name for name, each in types.items() if each.access is Access.public]
    return public[0] if len(public) == 1 else None


def asked_prices(asked: Prices, tiers: Tiers, currency: str, faults: list[Fault]) -> MinorPrices:
    """The requested prices."""
    prices: MinorPrices = {}
    for category, by_type in asked.items():
        field = f"prices.{shown(category)}"
        if category not in tiers.prices:
            faults.append((field, "is not a category of this venue's seat map"))
        elif not 1 <= len(by_type) <= TICKET_TYPES_MAX:
            faults.append((field, f"must have 1 to {TICKET_TYPES_MAX} ticket types"))
        else:
            prices[category] = _by_ticket_type(field, by_type, currency, faults)
    return prices


def check_types(sale: Configuration, asked: Prices, faults: list[Fault]) -> None:
    """Add faults where prices, ticket types and the default contradict each other.

    `asked` are the prices of this request: a fault of theirs is named there; a contradiction
    between the types and the event's existing prices is named at the types.
    """
    types = sale.ticket_types
    if types is not None:
        known = ", ".join(types)
        missing: dict[str, str] = {}
        for category, by_type in sale.prices.items():
            for name in by_type:
                if name in types:
                    continue
                if name in asked.get(category, ()):
                    field = f"prices.{shown(category)}.{name}"
                    faults.append((field, f"is none of the event's ticketTypes ({known})"))
                else:
                    missing.setdefault(name, category)
        faults += [
            (f"ticketTypes.{name}", f"is missing; category {shown(category)} has a price for it")
            for name, category in missing.items()
        ]
    _check_default(sale, faults)


def _check_default(sale: Configuration, faults: list[Fault]) -> None:
    default, types = sale.default_ticket_type, sale.ticket_types
    if default is None:
        return
    message = ""
    if types is not None and default not in types:
        message = f"is none of the event's ticketTypes ({', '.join(types)})"
    elif default in hidden_types(sale):
        message = "is for staff; the default has to be public"
    elif default not in priced_types(sale):
        message = "has no price in any category"
    if message:
        faults.append(("defaultTicketType", f"{shown(default)} {message}; name another, or null"))


def warnings(sale: Configuration) -> list[dict[str, str]]:
    """Warnings about what may not have been intended: `field` and `message` of each."""
    found: list[Fault] = []
    if sale.ticket_types is None:
        message = "not given: anybody may take every ticket type that has a price"
        found.append(("ticketTypes", message))
    priced = priced_types(sale)
    found += [
        (f"ticketTypes.{name}", "has no price in any category")
        for name in sale.ticket_types or ()
        if name not in priced
    ]
    if not priced - hidden_types(sale):
        found.append(("ticketTypes", "none is public and has a price: buyers can take no seat"))
    elif default_type(sale) is None:
        message = "there is none: requests that name no ticket type are refused"
        found.append(("defaultTicketType", message))
    return [{"field": field, "message": message} for field, message in found[:FAULTS_MAX]]


def check_that_all_have_a_price(sale: Configuration, tiers: Tiers) -> None:
    """Raise `PriceMissing`, naming the categories in use that have no price."""
    missing = [
        (f"prices.{category}", "has no price, neither here nor in the seat map")
        for category in tiers.prices
        if category in tiers.used and category not in sale.prices
    ]
    if missing:
        raise PriceMissing(details=InvalidRequest.naming(missing[:FAULTS_MAX]).details)


def _by_ticket_type(
    field: str, by_type: Mapping[str, str], currency: str, faults: list[Fault]
) -> dict[str, int]:
    prices = {}
    for ticket_type, text in by_type.items():
        name = f"{field}.{shown(ticket_type)}"
        if not _TICKET_TYPE.match(ticket_type):
            faults.append((name, _NAME_RULE))
            continue
        try:
            prices[ticket_type] = money.parse(text, currency)
        except ValueError as error:
            faults.append((name, str(error)))
    return prices
