"""Errors of seats, holds and bookings, the lowest module of the noun.

`Refused` is above every refusal of the rules. The rules themselves return refusals as values
(`core/commands.py`); `reads/refusal_answers.py` turns one into the class here that has its code.
"""

from event_seating.errors import ServiceError


class EventUnavailable(ServiceError):
    """An event that this instance cannot serve at the moment."""

    status = 503
    code = "event_unavailable"
    sentence = "This event cannot be served here at the moment; try again."


class LogBudgetSpent(ServiceError):
    """The callers without a key at one address have used up their budget of log bytes."""

    status = 429
    code = "log_budget_spent"
    sentence = (
        "Seats were held from this address too often within the last hour; try again when "
        "`retryAfter` seconds have passed, or ask the operator for a key."
    )


class Refused(ServiceError):
    """The rules of seating said no; each refusal is a class below this one."""

    status = 409
    code = "refused"
    sentence = "The rules of this event do not allow that."


class SeatsUnavailable(Refused):
    """Seats that were asked for are held, booked, blocked, unknown or not on sale."""

    status = 409
    code = "seats_unavailable"
    sentence = "Some of these seats cannot be had; `seats` says why."


class SoldOut(Refused):
    """Fewer seats are free than were asked for."""

    status = 409
    code = "sold_out"
    sentence = "Not that many seats are free there."


class NoBlock(Refused):
    """No run of free seats is long enough."""

    status = 409
    code = "no_block"
    sentence = "Enough seats are free, but not next to each other."


class OrphanSeat(Refused):
    """The selection leaves a single free seat, and another one would not."""

    status = 422
    code = "orphan_seat"
    sentence = "This would leave a single seat between taken ones; `suggestion` would not."


class TooManySeats(Refused):
    """The hold would have more seats than the event allows."""

    status = 422
    code = "too_many_seats"
    sentence = "More seats than one hold may have; `limit` says how many."


class TooManyHeld(Refused):
    """The buyer would hold more seats at once than is allowed."""

    status = 422
    code = "too_many_held"
    sentence = "You hold too many seats already; book or release some first."


class CoolingDown(Refused):
    """The same buyer or address held the seats for long until a moment ago."""

    status = 409
    code = "cooling_down"
    sentence = (
        "You held these seats for a long time; others come first now. Take other seats, or try "
        "again when `retryAfter` seconds have passed."
    )


class TicketTypeMissing(Refused):
    """No ticket type is named, and the event has no default one."""

    status = 400
    code = "ticket_type_missing"
    sentence = "Name a ticket type; this event has no default one. `ticketTypes` lists them."


class UnknownTicketType(Refused):
    """The best seats are asked for with a ticket type that has no price for this caller."""

    status = 400
    code = "unknown_ticket_type"
    sentence = (
        "No seat of this event has a price for this ticket type; `ticketTypes` lists those that "
        "have one."
    )


class NotOnSale(Refused):
    """The event is paused or closed, or its sale has not begun or is over."""

    status = 409
    code = "not_on_sale"
    sentence = "This event does not sell at the moment."


class EventCancelled(Refused):
    """The event is cancelled, for ever."""

    status = 409
    code = "event_cancelled"
    sentence = "This event is cancelled."


class ConfigurationChanged(Refused):
    """Others changed the configuration at the same time, again at every attempt."""

    status = 409
    code = "configuration_changed"
    sentence = "Others changed how this event sells at the same time; look at it and try again."


class HoldNotFound(Refused):
    """The token is malformed, or not one that this server signed."""

    status = 404
    code = "hold_not_found"
    sentence = "No hold has this token."


class HoldExpired(Refused):
    """The hold ran out."""

    status = 410
    code = "hold_expired"
    sentence = "This hold has run out; its seats are free again."


class HoldReleased(Refused):
    """The hold was given back."""

    status = 410
    code = "hold_released"
    sentence = "This hold was given back."


class HoldEnded(Refused):
    """The hold ended so long ago that its end is not remembered; it was not booked."""

    status = 410
    code = "hold_ended"
    sentence = "This hold ended long ago without a booking; its seats are free again."


class HoldBooked(Refused):
    """The hold became a booking."""

    status = 409
    code = "hold_booked"
    sentence = "This hold is booked already; `booking` is the booking's id."


class NothingGained(Refused):
    """The hold cannot be extended any further."""

    status = 409
    code = "nothing_gained"
    sentence = "This hold lasts as long as it may."


class HoldFrozen(Refused):
    """The hold is being paid for, and this caller may not change it meanwhile."""

    status = 409
    code = "hold_frozen"
    sentence = (
        "This hold is frozen while it is being paid for. DELETE /holds/{token}/checkout ends the "
        "freeze: without a key if the buyer froze it, with a box-office key if the shop did."
    )


class HoldNotFrozen(Refused):
    """There is no freeze to end."""

    status = 409
    code = "hold_not_frozen"
    sentence = "This hold is not frozen."


class FreezeUsed(Refused):
    """The buyer has already frozen the hold once and ended the freeze."""

    status = 409
    code = "freeze_used"
    sentence = (
        "A buyer may freeze a hold only once; the shop may freeze it again with its box-office key."
    )


class TotalChanged(Refused):
    """The seats or their total are not what the caller expected or paid for."""

    status = 409
    code = "total_changed"
    sentence = (
        "What would be booked is not what you expected; `lines`, `total` and `revision` say what "
        "it is now. Nothing was booked."
    )


class ExpectationMissing(Refused):
    """The hold was changed or frozen, and the caller names neither a total nor a revision."""

    status = 400
    code = "expectation_missing"
    sentence = (
        "This hold was changed or frozen after it was made: say what was paid in `expectedTotal`, "
        "or what was read in `expectedRevision`."
    )


class NotInHold(Refused):
    """The change gives back seats that the hold does not have."""

    status = 409
    code = "not_in_hold"
    sentence = "The hold does not have these seats; `seats` names them."


class BookingNotFound(Refused):
    """No booking has this id."""

    status = 404
    code = "booking_not_found"
    sentence = "No booking has this id."


class AlreadyCancelled(Refused):
    """The booking was cancelled before."""

    status = 409
    code = "already_cancelled"
    sentence = "This booking was cancelled before."


class NotInBooking(Refused):
    """The cancellation or change gives back seats that the booking does not have."""

    status = 409
    code = "not_in_booking"
    sentence = "The booking does not have these seats; `seats` names them."


class NothingLeft(Refused):
    """The change would leave a hold or booking without a seat."""

    status = 409
    code = "nothing_left"
    sentence = "Nothing would be left; release the hold or cancel the booking instead."


class LogArchived(ServiceError):
    """The beginning of the event's log was moved to an archive."""

    status = 410
    code = "log_archived"
    sentence = (
        "The log up to version `archivedUntil` is in an archive and no longer here; "
        "ask for what follows it with `since`."
    )


class SeatNotFound(ServiceError):
    """The event's map has no such seat."""

    status = 404
    code = "seat_not_found"
    sentence = "This event has no such seat."


class UnknownUser(ServiceError):
    """A booking names a user that does not exist."""

    status = 400
    code = "unknown_user"
    sentence = "No user has the id that `userId` names; create the user first, or leave it out."


class VersionNotReached(ServiceError):
    """A read asked for a version that the event's log does not have."""

    status = 400
    code = "version_not_reached"
    sentence = "This event has no such version yet; `version` is its newest. Leave it out."
