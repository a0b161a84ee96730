"""Turns a selection into seats with prices, or into a refusal.

Owns what every way of taking seats has to find out: whether they exist and are free, what they
cost, which places of an area, which block is best, and whether an orphan would be left. It only
reads: the seats are not taken before an entry says so.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import Final

from event_seating.booking.core.best_available import BestFinder, SeatFilter
from event_seating.booking.core.commands import AreaQuantity, Best, Choice, Part
from event_seating.booking.core.cool_down import NONE_HIDDEN, Hidden
from event_seating.booking.core.ledger import Ledger
from event_seating.booking.core.orphans import block_starts, clean_starts, nearest_start, orphans
from event_seating.booking.core.records import AVAILABLE, BLOCKED, BOOKED, HELD, Groups, LineGroup
from event_seating.booking.core.refusals import (
    AreaCode,
    AreaProblem,
    Refusal,
    RefusalCode,
    SeatCode,
    SeatProblem,
)
from event_seating.booking.core.ticket_types import Tariff

SEAT_CODES: Final = {
    AVAILABLE: SeatCode.available,
    HELD: SeatCode.held,
    BOOKED: SeatCode.booked,
    BLOCKED: SeatCode.blocked,
}

NO_TYPE: Final = ""
"""Stands for the default ticket type when an event has none; no ticket type has this name."""

COOLING: Final[frozenset[SeatCode | AreaCode]] = frozenset(
    {SeatCode.cooling_down, AreaCode.cooling_down}
)
"""The reasons that pass by themselves with time."""

Lines = dict[tuple[str, int], list[int]]
"""Seats by their ticket type and price."""


def problem_of(ledger: Ledger, seat: int) -> SeatProblem:
    """A seat with its present status as the reason why it cannot be had."""
    if not 0 <= seat < ledger.index.seat_count:
        return SeatProblem(seat, SeatCode.unknown)
    return SeatProblem(seat, SEAT_CODES[ledger.arrays.status[seat]])


def choose(
    ledger: Ledger,
    choice: Choice,
    tariff: Tariff,
    *,
    freed: Collection[int] = (),
    statuses: tuple[int, ...] = (AVAILABLE,),
    hidden: Hidden = NONE_HIDDEN,
) -> Groups | Refusal:
    """The chosen seats and places with their prices in the caller's tariff.

    Seats must have one of the `statuses`, or be among the `freed` ones, which the same command
    gives back. The `hidden` ones must not be taken yet.
    """
    if tariff.default is None and not choice.names_all_types:
        return _type_refusal(RefusalCode.ticket_type_missing, tariff)
    lines: Lines = {}
    seats = _add_seats(ledger, choice, tariff, freed, statuses, lines, hidden)
    areas: list[AreaProblem] = []
    if choice.areas:
        areas = _add_places(ledger, choice.areas, tariff, freed, statuses, lines, hidden)
    if not seats and not areas:
        return _groups(lines)
    codes = {*(problem.code for problem in seats), *(problem.code for problem in areas)}
    if codes <= COOLING:
        return cooling_down(hidden, tuple(seats), tuple(areas))
    sold_out = not seats and all(problem.code is AreaCode.sold_out for problem in areas)
    code = RefusalCode.sold_out if sold_out else RefusalCode.seats_unavailable
    return Refusal(code, seats=tuple(seats), areas=tuple(areas))


def cooling_down(
    hidden: Hidden, seats: tuple[SeatProblem, ...] = (), areas: tuple[AreaProblem, ...] = ()
) -> Refusal:
    """The refusal when seats only have to cool down; `retry_after_ms` is when all of them have."""
    # Nobody chooses the places of an area, so for areas the longest time of all counts.
    left_ms = list(hidden.values()) if areas or not seats else []
    left_ms += [hidden[problem.seat] for problem in seats]
    return Refusal(RefusalCode.cooling_down, seats=seats, areas=areas, retry_after_ms=max(left_ms))


def choose_best(
    ledger: Ledger,
    finder: BestFinder,
    best: Best,
    tariff: Tariff,
    *,
    avoid_orphans: bool,
    hidden: Hidden = NONE_HIDDEN,
) -> Groups | Refusal:
    """The best block with its prices; one that leaves an orphan only when there is no other.

    The `hidden` seats are left out.
    """
    ticket_types = best.ticket_types
    if not ticket_types:
        if tariff.default is None:
            return _type_refusal(RefusalCode.ticket_type_missing, tariff)
        ticket_types = ((tariff.default, best.quantity),)
    prices = tariff.prices
    if not all(name in prices for name, _ in ticket_types):
        # Otherwise the answer would be that nothing is free.
        return _type_refusal(RefusalCode.unknown_ticket_type, tariff)
    wanted = _filter(best, [prices[name] for name, _ in ticket_types])
    start = _best_start(finder, wanted, best.quantity, avoid_orphans, hidden)
    if start is None and hidden and finder.find(wanted, best.quantity) is not None:
        return cooling_down(hidden)
    if start is None:
        left = finder.available(wanted)
        if best.accessible and not finder.available(wanted, accessible_only=True):
            left = 0
        enough = left >= best.quantity
        return Refusal(RefusalCode.no_block if enough else RefusalCode.sold_out)
    lines: Lines = {}
    names = chain.from_iterable(repeat(name, many) for name, many in ticket_types)
    for seat, name in enumerate(names, start):
        price = prices[name][ledger.index.category_of[seat]]
        if price is not None:  # the filter lets only priced seats through
            lines.setdefault((name, price), []).append(seat)
    return _groups(lines)


def _best_start(
    finder: BestFinder, wanted: SeatFilter, quantity: int, avoid_orphans: bool, hidden: Hidden
) -> int | None:
    start = None
    if avoid_orphans:
        start = finder.find(wanted, quantity, clean=True, hidden=hidden)
    return finder.find(wanted, quantity, hidden=hidden) if start is None else start


def orphan_refusal(
    ledger: Ledger,
    seats: Sequence[int],
    own: Sequence[int] = (),
    *,
    hidden: Hidden = NONE_HIDDEN,
) -> Refusal | None:
    """The refusal of a selection that leaves an orphan, when another one would not.

    `seats` is all that the buyer would have, `own` what the hold already has. The alternative is a
    block of as many neighbours in the same run, of the same categories; `suggestion` is the whole
    selection with such a block in each run where an orphan would be left.
    """
    index, arrays, masks = ledger.index, ledger.arrays, ledger.arrays.masks
    better: dict[int, range] = {}
    for run in sorted({index.run_of[seat] for seat in seats if seat < index.seat_count}):
        chosen, mine = arrays.bits(run, seats), arrays.bits(run, own)
        free = masks[run] | mine
        if chosen != mine and orphans(free, chosen):
            not_yet = arrays.bits(run, tuple(hidden)) if hidden else 0
            block = _better_block(ledger, run, free, chosen, not_yet)
            if block is not None:
                better[run] = block
    if not better:
        return None
    kept = (seat for seat in seats if seat < index.seat_count and index.run_of[seat] not in better)
    blocks = (seat for block in better.values() for seat in block)
    return Refusal(RefusalCode.orphan_seat, suggestion=(*kept, *blocks))


def part_of(
    ledger: Ledger, groups: Groups, part: Part, code: RefusalCode
) -> tuple[int, ...] | Refusal:
    """The seats of a hold or booking that `part` gives back; in areas the highest places.

    Refused with `code` when some are not in `groups`.
    """
    ticket_types = {seat: group.type_name for group in groups for seat in group.seats}
    limit = ledger.index.seat_count
    given = [seat for seat in part.seats if seat in ticket_types and seat < limit]
    had = set(given)
    problems = [problem_of(ledger, seat) for seat in part.seats if seat not in had]
    short: list[AreaProblem] = []
    for wanted in part.areas:
        places = _places_of(ledger, wanted, ticket_types)
        if len(places) < wanted.quantity:
            short.append(AreaProblem(wanted.area, AreaCode.sold_out, len(places)))
        for place in places[-wanted.quantity :]:
            del ticket_types[place]
            given.append(place)
    if problems or short:
        return Refusal(code, seats=tuple(problems), areas=tuple(short))
    return tuple(given)


def with_status(ledger: Ledger, part: Part, status: int) -> list[int]:
    """The seats that have this status, and up to as many places as are named."""
    statuses, count = ledger.arrays.status, ledger.index.seat_count
    found = [seat for seat in part.seats if 0 <= seat < count and statuses[seat] == status]
    asked: dict[int, int] = {}
    for wanted in part.areas:
        asked[wanted.area] = asked.get(wanted.area, 0) + wanted.quantity
    for area, quantity in asked.items():
        if 0 <= area < len(ledger.index.areas):
            found += ledger.arrays.lowest(area, quantity, status)
    return found


def _type_refusal(code: RefusalCode, tariff: Tariff) -> Refusal:
    """The refusal of a ticket type, or of naming none; it says which ones the caller may name."""
    return Refusal(code, ticket_types=tuple(sorted(tariff.prices)))


def _groups(lines: Lines) -> Groups:
    return tuple(
        LineGroup(tuple(seats), price, ticket_type) for (ticket_type, price), seats in lines.items()
    )


def _add_seats(
    ledger: Ledger,
    choice: Choice,
    tariff: Tariff,
    freed: Collection[int],
    statuses: tuple[int, ...],
    lines: Lines,
    hidden: Hidden,
) -> list[SeatProblem]:
    """Add the seats picked by hand to `lines`; returns those that are not available."""
    status, limit = ledger.arrays.status, ledger.index.seat_count
    ticket_types, category_of = choice.ticket_types, ledger.index.category_of
    by_type, default = tariff.prices, tariff.default or NO_TYPE
    ticket_type, prices = default, by_type.get(default)
    problems: list[SeatProblem] = []
    hides = bool(hidden)
    for seat in choice.seats:
        if not 0 <= seat < limit or (status[seat] not in statuses and seat not in freed):
            problems.append(problem_of(ledger, seat))
            continue
        if hides and seat in hidden:
            problems.append(SeatProblem(seat, SeatCode.cooling_down))
            continue
        if ticket_types:
            ticket_type = ticket_types.get(seat, default)
            prices = by_type.get(ticket_type)
        price = prices[category_of[seat]] if prices else None
        if price is None:
            problems.append(SeatProblem(seat, SeatCode.not_on_sale))
        else:
            lines.setdefault((ticket_type, price), []).append(seat)
    return problems


def _add_places(
    ledger: Ledger,
    areas: Iterable[AreaQuantity],
    tariff: Tariff,
    freed: Collection[int],
    statuses: tuple[int, ...],
    lines: Lines,
    hidden: Hidden,
) -> list[AreaProblem]:
    """Add places of areas to `lines`, the lowest first; returns the areas that have too few."""
    problems: list[AreaProblem] = []
    asked: dict[int, list[AreaQuantity]] = {}
    for wanted in areas:
        asked.setdefault(wanted.area, []).append(wanted)
    for number, parts in asked.items():
        if not 0 <= number < len(ledger.index.areas):
            problems.append(AreaProblem(number, AreaCode.unknown, 0))
            continue
        category = ledger.index.areas[number].category
        quantity = sum(part.quantity for part in parts)
        places = _free_places(ledger, number, quantity, freed, statuses, hidden)
        if len(places) < quantity:
            later = _free_places(ledger, number, quantity, freed, statuses) if hidden else places
            code = AreaCode.cooling_down if len(later) == quantity else AreaCode.sold_out
            problems.append(AreaProblem(number, code, len(places)))
            continue
        at = 0
        for part in parts:
            ticket_type = part.ticket_type or tariff.default or NO_TYPE
            prices = tariff.prices.get(ticket_type)
            price = prices[category] if prices else None
            if price is None:
                problems.append(AreaProblem(number, AreaCode.not_on_sale, quantity))
                break
            lines.setdefault((ticket_type, price), []).extend(places[at : at + part.quantity])
            at += part.quantity
    return problems


def _free_places(
    ledger: Ledger,
    area: int,
    quantity: int,
    freed: Collection[int],
    statuses: tuple[int, ...],
    hidden: Hidden = NONE_HIDDEN,
) -> list[int]:
    """The lowest places with the first of the statuses, then the next; freed ones count as free."""
    place = ledger.index.areas[area]
    places: list[int] = []
    for status in statuses:
        found = ledger.arrays.lowest(area, quantity + len(hidden), status)
        if hidden:
            found = [seat for seat in found if seat not in hidden]
        if status == statuses[0]:
            last = place.first + place.capacity
            found = sorted([*found, *(seat for seat in freed if place.first <= seat < last)])
        places += found
    return places[:quantity]


def _places_of(ledger: Ledger, wanted: AreaQuantity, ticket_types: Mapping[int, str]) -> list[int]:
    """The places of an area among these seats, of the wanted ticket type if one is named."""
    if not 0 <= wanted.area < len(ledger.index.areas):
        return []
    area = ledger.index.areas[wanted.area]
    return sorted(
        seat
        for seat, ticket_type in ticket_types.items()
        if area.first <= seat < area.first + area.capacity
        and wanted.ticket_type in {None, ticket_type}
    )


def _filter(best: Best, prices: Iterable[Sequence[int | None]]) -> SeatFilter:
    """The filter of a command: the categories that it names, with a price up to its maximum.

    `prices` has a list by category for each ticket type.
    """
    categories = frozenset(
        category
        for category, by_type in enumerate(zip(*prices, strict=False))
        if (not best.categories or category in best.categories)
        and all(
            price is not None and (best.max_price is None or price <= best.max_price)
            for price in by_type
        )
    )
    sections = frozenset(best.sections) if best.sections else None
    return SeatFilter(categories, sections, best.accessible)


def _better_block(ledger: Ledger, run: int, free: int, chosen: int, not_yet: int) -> range | None:
    """A block of as many seats in the same run that leaves no orphan, the nearest to `chosen`.

    Seats of the mask `not_yet` still cool down for this buyer.
    """
    facts = ledger.index.runs[run]
    may = 0
    for _, seats in facts.categories:
        if seats & chosen:
            may |= seats
    reserved = facts.accessible | facts.companion
    if not chosen & reserved:
        may &= ~reserved
    may &= ~not_yet
    quantity = chosen.bit_count()
    starts = clean_starts(block_starts(free & may, quantity), free, quantity)
    if not starts:
        return None
    start = facts.first + nearest_start(starts, (chosen & -chosen).bit_length() - 1)
    return range(start, start + quantity)
