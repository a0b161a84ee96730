"""How a refusal of the rules is answered: its status, its sentence, and what helps.

The rules know neither numbers of HTTP nor sentences; this is where they meet the errors that do.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from event_seating import money
from event_seating.booking import ids
from event_seating.booking.house import House
from event_seating.booking.records import total
from event_seating.booking.refusals import Refusal, RefusalCode, SeatProblem
from event_seating.errors import Refused

ERRORS: Final[dict[RefusalCode, type[Refused]]] = {
    RefusalCode(error.code): error for error in Refused.__subclasses__()
}
"""The error of each code; a test sees to it that none is missing."""


_NOT_BOOKED: Final = frozenset(
    {RefusalCode.hold_expired, RefusalCode.hold_released, RefusalCode.hold_ended}
)
"""What tells a shop that took money to give it back."""


def error_of(refusal: Refusal, house: House, unknown: Mapping[str, int]) -> Refused:
    """The error that a client gets; `unknown` has what the map does not, with its numbers."""
    details: dict[str, Any] = {}
    if refusal.seats:
        details["seats"] = problems(refusal.seats, house, unknown)
    if refusal.areas:
        details["areas"] = [
            {"area": house.index.areas[each.area].id, "code": each.code, "left": each.left}
            for each in refusal.areas
        ]
    if refusal.suggestion:
        details["suggestion"] = house.seat_ids(refusal.suggestion)
    if refusal.limit is not None:
        details["limit"] = refusal.limit
    if refusal.booking is not None:
        details["booking"] = ids.to_text(house.event_id, refusal.booking)
    if refusal.code in _NOT_BOOKED:
        details["booked"] = False
    if refusal.ticket_types:
        details["ticketTypes"] = list(refusal.ticket_types)
    present = refusal.present
    if present is not None:
        details["lines"] = house.lines(present.groups, present.currency)
        details["total"] = money.to_text(total(present.groups), present.currency)
        details["currency"] = present.currency
        if present.revision is not None:
            details["revision"] = present.revision
    return ERRORS[refusal.code](details=details)


def problems(
    found: Iterable[SeatProblem], house: House, unknown: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Seats that cannot be had, and why; `unknown` as above."""
    known, others = house.index.ids, {number: seat for seat, number in unknown.items()}
    return [
        {"seat": known[seat] if seat >= 0 else others[seat], "code": code} for seat, code in found
    ]
