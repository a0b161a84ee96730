"""Turns the ids of seats and areas that a client names into the numbers that the rules use.

A seat that the map does not have is not an invalid request: it is refused like one that is taken,
so that the client gets one list of what is wrong. It gets a number below zero, which the rules
refuse as unknown, and its id is kept for the answer. An area or category that does not exist makes
the request invalid.
"""

from collections.abc import Iterable, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Final

from event_seating.booking.api.request_bodies import (
    SEATS_MAX,
    Areas,
    BestBody,
    BlockBody,
    SelectionBody,
)
from event_seating.booking.core.commands import AreaQuantity, Best, Choice, Part
from event_seating.booking.core.records import Configuration
from event_seating.booking.core.seat_index import SeatIndex
from event_seating.errors import invalid
from event_seating.values import money

Unknown = dict[str, int]
"""Ids of seats that the map does not have, each with a number below zero."""

NOTHING_UNKNOWN: Final[Mapping[str, int]] = MappingProxyType({})


def choice(
    index: SeatIndex,
    seats: Iterable[str],
    areas: Areas,
    ticket_types: Mapping[str, str],
    unknown: Unknown,
    under: str = "",
) -> Choice:
    """Seats and places to take; raises `InvalidRequest`. Adds to `unknown`.

    `under` is what stands before the names of the fields, such as `add.`.
    """
    numbers = _seats(index, seats, unknown)
    types = _types(index, ticket_types, numbers, unknown)
    try:
        return Choice(numbers, _areas(index, areas, under), types)
    except ValueError as error:
        raise invalid(f"{under}seats", str(error)) from None


def part(index: SeatIndex, selection: SelectionBody, unknown: Unknown, under: str = "") -> Part:
    """Seats and places to give back; raises `InvalidRequest`. Adds to `unknown`.

    `under` is what stands before the names of the fields, such as `remove.`.
    """
    try:
        return Part(_seats(index, selection.seats, unknown), _areas(index, selection.areas, under))
    except ValueError as error:
        raise invalid(f"{under}seats", str(error)) from None


def seats_to_take(
    index: SeatIndex,
    field: str,
    body: SelectionBody | None,
    ticket_types: Mapping[str, str],
    unknown: Unknown,
) -> Choice | None:
    """The seats that a change takes; `field` names them in the body.

    Raises `InvalidRequest`. Adds to `unknown`.
    """
    if body is None:
        return None
    return choice(index, body.seats, body.areas, ticket_types, unknown, under=f"{field}.")


def seats_to_return(
    index: SeatIndex, field: str, body: SelectionBody | None, unknown: Unknown
) -> Part | None:
    """The seats that a change gives back; `field`, `unknown` and errors as above."""
    return None if body is None else part(index, body, unknown, under=f"{field}.")


def expected_total(text: str | None, currency: str) -> int | None:
    """The expected total of a booking in minor units; raises `InvalidRequest`."""
    if text is None:
        return None
    try:
        return money.parse(text, currency, money.TOTAL_MAX)
    except ValueError as error:
        raise invalid("expectedTotal", str(error)) from None


def best(index: SeatIndex, body: BestBody, sale: Configuration) -> Best:
    """The best block to look for; raises `InvalidRequest`."""
    max_price = None
    if body.max_price is not None:
        try:
            max_price = money.parse(body.max_price, sale.currency)
        except ValueError as error:
            raise invalid("best.maxPrice", str(error)) from None
    ticket_types: tuple[tuple[str, int], ...]
    if isinstance(body.quantity, int):
        quantity = body.quantity
        ticket_types = ((body.ticket_type, quantity),) if body.ticket_type else ()
    else:
        quantity, ticket_types = sum(body.quantity.values()), tuple(body.quantity.items())
        if body.ticket_type is not None:
            raise invalid("best.ticketType", "is for a quantity that is a number")
        if not 1 <= quantity <= SEATS_MAX:
            raise invalid("best.quantity", f"must be 1 to {SEATS_MAX} in all")
    return Best(
        quantity=quantity,
        categories=_numbers("best.categories", body.categories, index.category_number),
        sections=_numbers("best.sections", body.sections, index.section_number),
        max_price=max_price,
        accessible=body.accessible,
        ticket_types=ticket_types,
    )


def block(index: SeatIndex, body: BlockBody, unknown: Unknown) -> Part:
    """The seats and places that a block names; raises `InvalidRequest`. Adds to `unknown`."""
    if not (body.seats or body.rows or body.sections or body.categories or body.areas):
        raise invalid("seats", "name at least one seat, row, section, category or area")
    _numbers("sections", body.sections, index.section_number)
    _numbers("categories", body.categories, index.category_number)
    rows = []
    for place, row in enumerate(body.rows):
        in_row = index.row(row.section, str(row.index))
        if not in_row:
            raise invalid(f"rows[{place}]", "the map has no such row")
        rows.append(in_row)
    seats = chain(
        _seats(index, body.seats, unknown),
        *rows,
        *(index.section(section) for section in body.sections),
        *(index.category(category) for category in body.categories),
    )
    return Part(tuple(dict.fromkeys(seats)), _areas(index, dict(body.areas)))


def _seats(index: SeatIndex, seats: Iterable[str], unknown: Unknown) -> tuple[int, ...]:
    known = index.number
    return tuple(
        [known[seat] if seat in known else _number(index, seat, unknown) for seat in seats]
    )


def _number(index: SeatIndex, seat: str, unknown: Unknown) -> int:
    number = index.number.get(seat)
    return unknown.setdefault(seat, -1 - len(unknown)) if number is None else number


def _areas(index: SeatIndex, areas: Areas, under: str = "") -> tuple[AreaQuantity, ...]:
    found = []
    for area, quantity in areas.items():
        number = index.area_number.get(area)
        if number is None:
            raise invalid(f"{under}areas.{area}", "the map has no such area")
        by_type = quantity if isinstance(quantity, dict) else {None: quantity}
        found += [AreaQuantity(number, count, kind) for kind, count in by_type.items()]
    return tuple(found)


def _types(
    index: SeatIndex,
    ticket_types: Mapping[str, str],
    numbers: Iterable[int],
    unknown: Unknown,
) -> dict[int, str]:
    chosen = frozenset(numbers) if ticket_types else frozenset()
    types = {}
    for seat, kind in ticket_types.items():
        if seat not in index.number and seat not in unknown:
            raise invalid(f"ticketTypes.{seat}", "the map has no such seat")
        number = _number(index, seat, unknown)
        if number not in chosen:
            raise invalid(f"ticketTypes.{seat}", "is not one of the seats that are chosen")
        types[number] = kind
    return types


def _numbers(field: str, names: Iterable[str], number: Mapping[str, int]) -> tuple[int, ...]:
    for place, name in enumerate(names):
        if name not in number:
            raise invalid(f"{field}[{place}]", "the map has none of this name")
    return tuple(number[name] for name in names)
