"""Makes the error that answers a refusal: its status, its sentence, and what helps the caller.

The rules know neither HTTP statuses nor sentences; the classes of `booking.errors` have both.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from event_seating.booking.core.caps import ADDRESS, NETWORK
from event_seating.booking.core.records import total
from event_seating.booking.core.refusals import CurrentLines, Refusal, RefusalCode, SeatProblem
from event_seating.booking.errors import Refused
from event_seating.booking.seating import ids
from event_seating.booking.seating.bookable_event import BookableEvent
from event_seating.clock import MS_PER_S
from event_seating.values import money

OTHERS_HOLD: Final = (
    "Too many seats are held from your internet address at the moment, perhaps by others who share "
    "it; try again in a few minutes."
)
"""Instead of the sentence for a buyer's own seats."""

ERRORS: Final[dict[RefusalCode, type[Refused]]] = {
    RefusalCode(error.code): error for error in Refused.__subclasses__()
}
"""The error of each code; a test checks that none is missing."""


_NOT_BOOKED: Final = frozenset(
    {RefusalCode.hold_expired, RefusalCode.hold_released, RefusalCode.hold_ended}
)
"""The codes that tell a shop to refund: nothing was booked."""


def error_of(refusal: Refusal, bookable: BookableEvent, unknown: Mapping[str, int]) -> Refused:
    """The error that a client gets; `unknown` has ids that are not in the map, by their numbers."""
    details: dict[str, Any] = {}
    if refusal.seats:
        details["seats"] = problems(refusal.seats, bookable, unknown)
    if refusal.areas:
        details["areas"] = [
            {"area": bookable.index.areas[each.area].id, "code": each.code, "left": each.left}
            for each in refusal.areas
        ]
    if refusal.suggestion:
        details["suggestion"] = bookable.seat_ids(refusal.suggestion)
    if refusal.limit is not None:
        details["limit"] = refusal.limit
    if refusal.held_by is not None:
        details["heldBy"] = refusal.held_by
    if refusal.booking is not None:
        details["booking"] = ids.to_text(bookable.event_id, refusal.booking)
    if refusal.code in _NOT_BOOKED:
        details["booked"] = False
    if refusal.ticket_types:
        details["ticketTypes"] = list(refusal.ticket_types)
    if refusal.current is not None:
        details |= _present(refusal.current, bookable)
    sentence = OTHERS_HOLD if refusal.held_by in {ADDRESS, NETWORK} else None
    return _waiting(ERRORS[refusal.code](sentence, details=details), refusal.retry_after_ms)


def _present(found: CurrentLines, bookable: BookableEvent) -> dict[str, Any]:
    """What would be booked now."""
    answer = {
        "lines": bookable.lines(found.groups, found.currency),
        "total": money.to_text(total(found.groups), found.currency),
        "currency": found.currency,
    }
    return answer if found.revision is None else answer | {"revision": found.revision}


def _waiting(error: Refused, left_ms: int | None) -> Refused:
    """The error with the time to wait, if there is one."""
    if left_ms is not None:
        error.details["retryAfter"] = seconds = -(-left_ms // MS_PER_S)
        error.headers["Retry-After"] = str(seconds)
    return error


def problems(
    found: Iterable[SeatProblem], bookable: BookableEvent, unknown: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Seats that are not available, and why; `unknown` as in `error_of`."""
    known, others = bookable.index.ids, {number: seat for seat, number in unknown.items()}
    return [
        {"seat": known[seat] if seat >= 0 else others[seat], "code": code} for seat, code in found
    ]
