"""The routes of events."""

from typing import Annotated, Any, Final

import msgspec
from fastapi import Query, Request, Response
from pydantic import BaseModel, Field

from event_seating.booking.api.request_bodies import PATTERNS, CancelEventBody
from event_seating.booking.core.records import Access, SaleStatus
from event_seating.booking.errors import ConfigurationChanged, EventCancelled, EventUnavailable
from event_seating.errors import (
    DatabaseUnavailable,
    EventNotFound,
    InvalidRequest,
    ServiceError,
    TooBusy,
    invalid,
)
from event_seating.events.errors import PriceMissing, UnknownVenue
from event_seating.events.model import Event, EventChange, NewEvent
from event_seating.events.prices import AskedTicketType, warnings
from event_seating.events.service import EventService
from event_seating.events.store import EventFilter
from event_seating.operations.job_routes import JobBody, accepted
from event_seating.values import rfc3339
from event_seating.venues.model import is_venue_id
from event_seating.web.cache_control import PRIVATE
from event_seating.web.endpoints import Budget
from event_seating.web.idempotency import REPLAYED, call_of
from event_seating.web.json_body import JsonBody
from event_seating.web.pages import LIMIT_DEFAULT, decode_cursor, encode_cursor, page
from event_seating.web.parameters import Cursor, Key, Limit
from event_seating.web.roles import Role
from event_seating.web.routes import Routes
from event_seating.web.schemas import DATE_TIME

_WRITE_ERRORS: Final[tuple[type[ServiceError], ...]] = (
    EventUnavailable,
    TooBusy,
    DatabaseUnavailable,
)

_NEW: Final = JsonBody(
    NewEvent,
    examples={
        "With ticket types, one for staff alone": {
            "venueId": "club",
            "name": "Opening Night",
            "startsAt": "2030-05-04T19:00:00Z",
            "timeZone": "Europe/Berlin",
            "prices": {"1": {"adult": "45.00", "child": "20.00", "press": "0.00"}},
            "ticketTypes": {
                "adult": {"label": "Adult"},
                "child": {"label": "Under 12"},
                "press": {"label": "Press", "access": "staff"},
            },
            "defaultTicketType": "adult",
        }
    },
    parts=(AskedTicketType,),
)
_CHANGE: Final = JsonBody(
    EventChange,
    parts=(AskedTicketType,),
    examples={
        "A pause": {"status": "paused"},
        "Smaller holds, that last five minutes": {"rules": {"maxSeatsPerHold": 4, "holdTtl": 300}},
    },
)
_CANCELLATION: Final = JsonBody(
    CancelEventBody,
    PATTERNS,
    examples={"With a mail to each buyer": {"notify": True, "reason": "The singer is ill."}},
)

VenueId = Annotated[str | None, Query(alias="venueId", description="Only events at this venue.")]
From = Annotated[
    str | None, Query(alias="from", description="Only events that begin then or later.")
]
To = Annotated[str | None, Query(description="Only events that begin before that.")]


class RulesBody(BaseModel):
    """What an event lets its buyers do."""

    allowOrphans: bool  # noqa: N815 (the API's names are camelCase)
    maxSeatsPerHold: int  # noqa: N815
    maxHeldSeatsPerBuyer: int  # noqa: N815
    maxHeldSeatsPerAddress: int  # noqa: N815
    holdTtl: int = Field(description="Seconds that a hold lasts.")  # noqa: N815
    holdTotalMax: int = Field(  # noqa: N815
        description="Seconds that a hold lasts at the most, extended and frozen."
    )
    checkoutTtl: int = Field(  # noqa: N815
        description="Seconds that a freeze adds while a hold is paid."
    )


class TicketTypeBody(BaseModel):
    """What a ticket type is called, and who may take it."""

    label: str
    access: Access


class EventBody(BaseModel):
    """An event, as the API answers it."""

    id: str
    venueId: str  # noqa: N815
    venueVersion: int = Field(  # noqa: N815
        description="The version of the venue's seat map that the event has, for ever."
    )
    venueName: str  # noqa: N815
    name: str
    startsAt: str = Field(json_schema_extra=DATE_TIME)  # noqa: N815
    timeZone: str = Field(description="IANA name; in which people read the times.")  # noqa: N815
    currency: str
    status: SaleStatus
    salesStart: str | None = Field(json_schema_extra=DATE_TIME)  # noqa: N815
    salesEnd: str | None = Field(json_schema_extra=DATE_TIME)  # noqa: N815
    prices: dict[str, dict[str, str]] = Field(
        description="By category and ticket type, in major units as decimal text; callers below "
        "box-office see those of public types."
    )
    ticketTypes: dict[str, TicketTypeBody] | None = Field(  # noqa: N815
        description="By name; callers below box-office see the public ones. Null: the event does "
        "not describe them, and all that have a price are public."
    )
    defaultTicketType: str | None = Field(  # noqa: N815
        description="What a request takes that names no ticket type; null: it has to name one."
    )
    rules: RulesBody
    epoch: str = Field(description="Versions of another epoch mean nothing.")
    version: int = Field(
        description="The version of the event's seats since which it sells like this; "
        "`GET /events/{id}/seats?version=` shows them no older."
    )
    map: str = Field(description="Where the seat map is.")
    createdAt: str = Field(json_schema_extra=DATE_TIME)  # noqa: N815


class WarningBody(BaseModel):
    """Something that may not have been meant."""

    field: str = Field(description="The path of what it is about.")
    message: str


class WrittenEventBody(EventBody):
    """An event that was made or changed."""

    warnings: list[WarningBody]


class EventsBody(BaseModel):
    """A page of events."""

    items: list[EventBody]
    nextCursor: str | None  # noqa: N815


def router(events: EventService) -> Routes:
    routes = Routes(tags=["events"])
    _add_writing(routes, events)
    _add_cancelling(routes, events)
    _add_reading(routes, events)
    return routes


def _add_writing(routes: Routes, events: EventService) -> None:
    @routes.post(
        "/events",
        access=Role.admin,
        budget=Budget.seating,
        body=_NEW,
        idempotent=True,
        refuses=(UnknownVenue, PriceMissing, *_WRITE_ERRORS),
        operation_id="createEvent",
        summary="Create an event",
        status_code=201,
        response_model=WrittenEventBody,
    )
    async def create_event(request: Request, key: Key = None) -> Response:
        """In the newest version of its venue's seat map, on sale from now until it begins.

        Prices that are not given are the seat map's.
        """
        new = await _NEW.of(request)
        call = call_of(request, key, msgspec.json.encode(new, order="deterministic"))
        event, replayed = await events.create(new, _actor(request), call)
        headers = {"location": f"/events/{event.id}", **(REPLAYED if replayed else {})}
        return _written(event, 201, headers)

    @routes.patch(
        "/events/{id}",
        access=Role.admin,
        budget=Budget.seating,
        body=_CHANGE,
        refuses=(EventNotFound, EventCancelled, ConfigurationChanged, *_WRITE_ERRORS),
        operation_id="changeEvent",
        summary="Change an event",
        response_model=WrittenEventBody,
    )
    async def change_event(request: Request, id: str) -> Response:  # noqa: A002
        """What is left out stays. `cancelled` is for ever, and ends holds and bookings by a job."""
        change = await _CHANGE.of(request)
        return _written(await events.change(id, change, _actor(request)))


def _add_cancelling(routes: Routes, events: EventService) -> None:
    @routes.post(
        "/events/{id}/cancel",
        access=Role.admin,
        body=_CANCELLATION,
        refuses=(EventNotFound, ConfigurationChanged, *_WRITE_ERRORS),
        operation_id="cancelEvent",
        summary="Cancel an event",
        status_code=202,
        response_model=JobBody,
    )
    async def cancel_event(request: Request, id: str) -> Response:  # noqa: A002
        """For ever: nothing more is held or booked from here on.

        The job ends its holds and cancels its bookings, with a mail to each buyer if `notify` says
        so. Of an event that is cancelled already it does what is left.
        """
        asked = await _CANCELLATION.of(request)
        job = await events.cancel(
            id, notify=asked.notify, reason=asked.reason, actor=_actor(request)
        )
        return accepted(job)


def _add_reading(routes: Routes, events: EventService) -> None:
    @routes.get(
        "/events",
        access=Role.anyone,
        budget=Budget.seating,
        refuses=(InvalidRequest, DatabaseUnavailable),
        operation_id="listEvents",
        summary="List events",
        response_model=EventsBody,
    )
    async def list_events(
        request: Request,
        venue_id: VenueId = None,
        begins_from: From = None,
        to: To = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> Response:
        """By when they begin, then by id."""
        after = decode_cursor(cursor, tuple[int, str]) if cursor is not None else (-1, "")
        wanted = EventFilter(venue_id, _time("from", begins_from), _time("to", to))
        found: list[Event] = []
        if venue_id is None or is_venue_id(venue_id):
            found.extend(await events.page(wanted, after, limit + 1))
        items, last = page(found, limit)
        following = encode_cursor(last.starts_at_ms, last.id) if last else None
        staff = _is_staff(request)
        shown = [event.fields(staff=staff) for event in items]
        return _json({"items": shown, "nextCursor": following}, staff=staff)

    @routes.get(
        "/events/{id}",
        access=Role.anyone,
        budget=Budget.seating,
        refuses=(EventNotFound, DatabaseUnavailable),
        operation_id="readEvent",
        summary="Read an event",
        response_model=EventBody,
    )
    async def read_event(request: Request, id: str) -> Response:  # noqa: A002
        """How it sells is as of the log's last word on that."""
        staff = _is_staff(request)
        return _json((await events.read(id)).fields(staff=staff), staff=staff)


def _is_staff(request: Request) -> bool:
    """Whether the caller may see what is not public."""
    return bool(request.scope["principal"].role >= Role.box_office)


def _written(event: Event, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    content = event.fields(staff=True) | {"warnings": warnings(event.configuration)}
    return _json(content, status, headers, staff=True)


def _actor(request: Request) -> str:
    return str(request.scope["principal"].name)


def _time(field: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return rfc3339.parse(text)
    except ValueError as error:
        raise invalid(field, str(error)) from None


def _json(
    content: Any, status: int = 200, headers: dict[str, str] | None = None, *, staff: bool
) -> Response:
    # What staff sees must not be kept for anybody else.
    kept = PRIVATE if staff else "no-cache"
    return Response(
        msgspec.json.encode(content),
        status,
        {"cache-control": kept, "vary": "authorization", **(headers or {})},
        media_type="application/json",
    )
