"""An event's ticket types and prices, as buyers and as the box office see them.

Owns the two tariffs that follow from how an event sells. A type that a caller may not use is not in
the caller's tariff at all, so that it is answered like one that does not exist, wherever prices are
looked up. Also owns which type a command gets that names none. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from event_seating.booking.core.records import STANDARD, Access, Configuration

TICKET_TYPES_MAX: Final = 20
"""The most ticket types of a category, and so in one area or block: more than a price list has."""

Prices = dict[str, dict[str, int]]
"""Minor units by category and ticket type."""


class Tariff(Struct, frozen=True):
    """What seats cost for one kind of caller.

    `prices` has, for each ticket type, a list by the number of the category; `None` where the
    category does not have the type. `default` is the type of a command that names none; `None`: it
    must name one.
    """

    prices: dict[str, list[int | None]]
    default: str | None


NOTHING_SOLD: Final = Tariff({}, None)


def tariffs(sale: Configuration | None, categories: Sequence[str]) -> tuple[Tariff, Tariff]:
    """Everybody's tariff and the box office's; `categories` are those of the map, by number."""
    if sale is None:
        return NOTHING_SOLD, NOTHING_SOLD
    staff = Tariff(_by_type(sale, categories), default_type(sale))
    hidden = hidden_types(sale)
    if not hidden:
        return staff, staff
    public = {name: prices for name, prices in staff.prices.items() if name not in hidden}
    return Tariff(public, staff.default), staff


def hidden_types(sale: Configuration) -> frozenset[str]:
    """The types that only the box office may see.

    When the event describes its types, these are all that it does not describe as public.
    """
    types = sale.ticket_types
    if types is None:
        return frozenset()
    public = {name for name, each in types.items() if each.access is Access.public}
    return priced_types(sale).union(types) - public


def visible_prices(sale: Configuration, *, staff: bool) -> Prices:
    """The prices that a caller may see."""
    hidden = frozenset[str]() if staff else hidden_types(sale)
    if not hidden:
        return sale.prices
    return {
        category: {name: price for name, price in by_type.items() if name not in hidden}
        for category, by_type in sale.prices.items()
    }


def default_type(sale: Configuration) -> str | None:
    """The type of a command that names none; `None` when it must name one.

    The event's default, if it has one; otherwise its only public type that has a price; otherwise,
    if the event does not describe its types, `standard`, if that has a price.
    """
    if sale.default_ticket_type is not None:
        return sale.default_ticket_type
    public = priced_types(sale) - hidden_types(sale)
    if len(public) == 1:
        return next(iter(public))
    return STANDARD if sale.ticket_types is None and STANDARD in public else None


def priced_types(sale: Configuration) -> frozenset[str]:
    """The types that have a price in any category."""
    return frozenset(name for by_type in sale.prices.values() for name in by_type)


def label_of(ticket_type: str, labels: Mapping[str, str]) -> str:
    """What people call a ticket type: its label, or else one made of its name."""
    if ticket_type in labels:
        return labels[ticket_type]
    return ticket_type.replace("_", " ").replace("-", " ").capitalize()


def _by_type(sale: Configuration, categories: Sequence[str]) -> dict[str, list[int | None]]:
    of = [sale.prices.get(category, {}) for category in categories]
    return {name: [prices.get(name) for prices in of] for name in priced_types(sale)}
