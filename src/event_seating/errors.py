"""Every error that a client can be answered with, and the ones that stop the start.

One class per error: a status, a code that programs read and a sentence that people read. They are
turned into answers in one place, `web/problem.py`. A refusal that is part of the rules of seating
is a value and not an exception. Nothing here knows HTTP beyond the number of the status.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self


class StartupError(Exception):
    """The process cannot start; the message is the one line that says why."""


class ServiceError(Exception):
    """Something went wrong that the client is told about.

    `details` are further fields of the answer's body, `headers` of its head.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    sentence: ClassVar[str] = "Something went wrong on our side; it has been logged."

    def __init__(
        self,
        sentence: str | None = None,
        *,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(sentence or self.sentence)
        self.details = dict(details or {})
        self.headers = dict(headers or {})

    @classmethod
    def until(cls, wait_s: int) -> Self:
        """The error that says in how many seconds there is room again."""
        return cls(details={"retryAfter": wait_s}, headers={"Retry-After": str(wait_s)})

    @classmethod
    def every(cls) -> Iterator[type["ServiceError"]]:
        """This class and all below it; the docs and the OpenAPI document list their codes."""
        yield cls
        for child in cls.__subclasses__():
            yield from child.every()


class InvalidRequest(ServiceError):
    """The request does not have the form that the route asks for."""

    status = 400
    code = "invalid_request"
    sentence = "The request is not valid; `fields` says where."

    @classmethod
    def naming(cls, faults: Sequence[tuple[str, str]]) -> "InvalidRequest":
        """The error that names these fields, each with what is wrong with it."""
        (field, message), more = faults[0], len(faults) - 1
        return cls(
            f"{field}: {message}" + (f" (and {more} more)" if more else ""),
            details={"fields": [{"field": field, "message": text} for field, text in faults]},
        )


class MalformedJson(ServiceError):
    """The body is not JSON."""

    status = 400
    code = "malformed_json"
    sentence = "The body is not valid JSON."


@dataclass(frozen=True, slots=True)
class MapFault:
    """One thing that is wrong with a map: where (`sections[3].rows[0].seats[12].id`), and what.

    The path is empty when the fault is one of the map as a whole.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidMap(ServiceError):
    """The seat map cannot be taken; `faults` are the first of them, `total` counts them all."""

    status = 400
    code = "invalid_map"
    sentence = "The seat map is not valid; `fields` names each fault."

    def __init__(self, faults: Sequence[MapFault], total: int | None = None) -> None:
        self.faults = tuple(faults)
        self.total = len(self.faults) if total is None else total
        fields = [
            {"field": fault.path or "body", "message": fault.message} for fault in self.faults
        ]
        super().__init__(details={"fields": fields, "faults": self.total})


class Unauthorized(ServiceError):
    """No key where one is needed, or one that nobody knows."""

    status = 401
    code = "unauthorized"
    sentence = "This needs a valid API key, sent as `Authorization: Bearer …`."


class Forbidden(ServiceError):
    """The key is known, its role is not enough."""

    status = 403
    code = "forbidden"
    sentence = "This key's role may not do that."


class ForeignOrigin(ServiceError):
    """A page of another origin opens a WebSocket."""

    status = 403
    code = "foreign_origin"
    sentence = "Pages of this origin may not connect; `CORS_ORIGINS` names those that may."


class NotFound(ServiceError):
    """There is no such path."""

    status = 404
    code = "not_found"
    sentence = "There is nothing at this address."


class UserNotFound(ServiceError):
    """No user has this id."""

    status = 404
    code = "user_not_found"
    sentence = "No user has this id."


class VenueNotFound(ServiceError):
    """No venue has this id."""

    status = 404
    code = "venue_not_found"
    sentence = "No venue has this id."


class VenueVersionNotFound(ServiceError):
    """The venue exists, this version of its map does not."""

    status = 404
    code = "venue_version_not_found"
    sentence = "This venue's seat map has no such version."


class JobNotFound(ServiceError):
    """There is no such job, or it was done or given up long ago."""

    status = 404
    code = "job_not_found"
    sentence = "No job has this id; one that is done is known for a day."


class FileNotFound(ServiceError):
    """There is no such file, or not any more."""

    status = 404
    code = "file_not_found"
    sentence = "No file has this id, or it is gone."


class WebhookNotFound(ServiceError):
    """No webhook has this id."""

    status = 404
    code = "webhook_not_found"
    sentence = "No webhook has this id."


class DeliveryNotFound(ServiceError):
    """The webhook has no such delivery, or had it long ago."""

    status = 404
    code = "delivery_not_found"
    sentence = "This webhook has no delivery with this id."


class MethodNotAllowed(ServiceError):
    """The path exists, the method does not."""

    status = 405
    code = "method_not_allowed"
    sentence = "This address does not take this method; `Allow` names those it takes."


class BodyTooSlow(ServiceError):
    """The body did not arrive in time."""

    status = 408
    code = "body_too_slow"
    sentence = "The body did not arrive in time; send it again."


class UserIdExists(ServiceError):
    """A user with this id exists already."""

    status = 409
    code = "user_id_exists"
    sentence = "A user with this id exists already."


class EmailExists(ServiceError):
    """A user with this e-mail address exists already."""

    status = 409
    code = "email_exists"
    sentence = "A user with this e-mail address exists already."


class VenueExists(ServiceError):
    """A venue with this id exists already; `id` names it."""

    status = 409
    code = "venue_exists"
    sentence = "A venue with this id exists already; `PUT /venues/{id}` gives it a new seat map."

    def __init__(self, venue_id: str) -> None:
        super().__init__(details={"id": venue_id})


class TooManyWebhooks(ServiceError):
    """There are as many webhooks as there may be."""

    status = 409
    code = "too_many_webhooks"
    sentence = "There are as many webhooks as there may be; delete one first."


class WebhookPaused(ServiceError):
    """A message is to be sent again to a webhook that is paused."""

    status = 409
    code = "webhook_paused"
    sentence = "This webhook is paused; resume it first."


class JobNotFailed(ServiceError):
    """A job that waits, runs or is done is not tried again."""

    status = 409
    code = "job_not_failed"
    sentence = "Only a job that failed for good can be tried again."


class BodyTooLarge(ServiceError):
    """The body is longer than the route allows."""

    status = 413
    code = "body_too_large"
    sentence = "The body is too large."


class AddressTooLong(ServiceError):
    """The path and the query are longer than any of ours."""

    status = 414
    code = "address_too_long"
    sentence = "The address is too long; path and query may have `limit` bytes."


class HeadTooLarge(ServiceError):
    """The headers are longer than any request of ours needs."""

    status = 431
    code = "head_too_large"
    sentence = "The headers are too long; together they may have `limit` bytes."


class UnsupportedMediaType(ServiceError):
    """The body is of a type that the route does not take."""

    status = 415
    code = "unsupported_media_type"
    sentence = "The body must be sent as `Content-Type: application/json`."


class MisdirectedRequest(ServiceError):
    """The `Host` of a development server is not a local one (this stops DNS rebinding)."""

    status = 421
    code = "misdirected_request"
    sentence = "A development server answers to local names only."


class RateLimited(ServiceError):
    """Too many requests in one of the windows."""

    status = 429
    code = "rate_limited"
    sentence = "Too many requests; try again when `retryAfter` seconds have passed."


class TooManyWrongKeys(RateLimited):
    """This address sent more wrong keys than its limit of those allows."""

    code = "too_many_wrong_keys"
    sentence = (
        "Too many requests with a wrong API key came from this address. A request with a right "
        "key is answered at once, one with a wrong key when `retryAfter` seconds have passed."
    )


class LogBudgetSpent(ServiceError):
    """Callers without a key, at one address, have had the log written as much as they may."""

    status = 429
    code = "log_budget_spent"
    sentence = (
        "Seats were held from this address too often within the last hour; try again when "
        "`retryAfter` seconds have passed, or ask the operator for a key."
    )


class Draining(ServiceError):
    """The process is about to stop."""

    status = 503
    code = "draining"
    sentence = "This instance is stopping; ask again."


class DatabaseUnavailable(ServiceError):
    """The database cannot be reached, or takes too long."""

    status = 503
    code = "database_unavailable"
    sentence = "The database cannot be reached at the moment; nothing was lost, try again."


class RedisUnavailable(ServiceError):
    """Redis or Valkey cannot be reached, or takes too long."""

    status = 503
    code = "redis_unavailable"
    sentence = "Redis cannot be reached at the moment; seats are sold, jobs wait, try again."


class EventUnavailable(ServiceError):
    """An event that this instance cannot serve at the moment."""

    status = 503
    code = "event_unavailable"
    sentence = "This event cannot be served here at the moment; try again."


class TooBusy(ServiceError):
    """More requests wait for one event than can be answered in time."""

    status = 503
    code = "too_busy"
    sentence = "Too many requests wait for this event; try again in a moment."


class WatchersFull(ServiceError):
    """As many watch as this instance can serve, or as many events as its memory holds."""

    status = 503
    code = "watchers_full"
    sentence = "Too many watch here at the moment; try again in a moment."


class TooManyWatchers(ServiceError):
    """One address watches as often as an address may."""

    status = 429
    code = "too_many_watchers"
    sentence = "Too many live connections from this address; close one of them first."


class IdempotencyKeyReused(ServiceError):
    """The same key came with another request."""

    status = 422
    code = "idempotency_key_reused"
    sentence = "This Idempotency-Key was used for another request; take a new one."


class IdempotencyKeyInUse(ServiceError):
    """Somebody else made a call with the same key: their answer is not for this caller."""

    status = 409
    code = "idempotency_key_in_use"
    sentence = "Another caller has used this Idempotency-Key here; take a new one."


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
    """The choice strands a single free seat, and another would not."""

    status = 422
    code = "orphan_seat"
    sentence = "This would leave a single seat between taken ones; `suggestion` would not."


class TooManySeats(Refused):
    """A hold of more seats than the event allows."""

    status = 422
    code = "too_many_seats"
    sentence = "More seats than one hold may have; `limit` says how many."


class TooManyHeld(Refused):
    """More seats held at once than a buyer may."""

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
    """Others change how an event sells faster than this change could be put on top."""

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
    """The hold is being paid, and who asks may not change it meanwhile."""

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
    """The buyer froze the hold before, and ended it."""

    status = 409
    code = "freeze_used"
    sentence = (
        "A buyer may freeze a hold only once; the shop may freeze it again with its box-office key."
    )


class TotalChanged(Refused):
    """What is to be booked is not what was expected, or paid."""

    status = 409
    code = "total_changed"
    sentence = (
        "What would be booked is not what you expected; `lines`, `total` and `revision` say what "
        "it is now. Nothing was booked."
    )


class ExpectationMissing(Refused):
    """The hold was changed or frozen, and nothing says what the booking is to be."""

    status = 400
    code = "expectation_missing"
    sentence = (
        "This hold was changed or frozen after it was made: say what was paid in `expectedTotal`, "
        "or what was read in `expectedRevision`."
    )


class NotInHold(Refused):
    """A change gives back what the hold does not have."""

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
    """A cancellation or change gives back what the booking does not have."""

    status = 409
    code = "not_in_booking"
    sentence = "The booking does not have these seats; `seats` names them."


class NothingLeft(Refused):
    """The change would leave a hold or booking without a seat."""

    status = 409
    code = "nothing_left"
    sentence = "Nothing would be left; release the hold or cancel the booking instead."


class PriceMissing(ServiceError):
    """A new event has seats in a category that neither the request nor the map gives a price."""

    status = 400
    code = "price_missing"
    sentence = "Every category with seats needs a price; `fields` names those without."


class UnknownVenue(ServiceError):
    """A new event names a venue that does not exist."""

    status = 400
    code = "unknown_venue"
    sentence = "No venue has the id that `venueId` names; create the venue first."


class EventNotFound(ServiceError):
    """No event has this id."""

    status = 404
    code = "event_not_found"
    sentence = "No event has this id."


class LogArchived(ServiceError):
    """The beginning of an event's log has left the database."""

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
