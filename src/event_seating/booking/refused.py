"""How a refusal of the rules is answered: its status, its sentence, and what helps.

The rules know neither numbers of HTTP nor sentences; this is where they meet the errors that do.
"""

from typing import Any, Final

from event_seating.booking import ids
from event_seating.booking.house import House
from event_seating.booking.refusals import Refusal, RefusalCode, SeatCode, SeatProblem
from event_seating.errors import Refused

ERRORS: Final[dict[RefusalCode, type[Refused]]] = {
    RefusalCode(error.code): error for error in Refused.__subclasses__()
}
"""The error of each code; a test sees to it that none is missing."""


def error_of(refusal: Refusal, house: House, unknown: tuple[str, ...] = ()) -> Refused:
    """The error that a client gets; `unknown` are ids that the map does not have."""
    details: dict[str, Any] = {}
    seats = [_problem(problem, house) for problem in refusal.seats]
    seats += [{"seat": seat, "code": SeatCode.unknown} for seat in unknown]
    if seats:
        details["seats"] = seats
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
    return ERRORS[refusal.code](details=details)


def _problem(problem: SeatProblem, house: House) -> dict[str, Any]:
    known = problem.seat < len(house.index.ids)
    return {
        "seat": house.index.ids[problem.seat] if known else str(problem.seat),
        "code": problem.code,
    }
