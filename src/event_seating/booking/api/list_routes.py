"""The lists of bookings: of an event for the box office, of a user, and as an export."""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from fastapi import Query, Request, Response

from event_seating.booking.api.answer_schemas import BookingsBody
from event_seating.booking.api.service import UserExists
from event_seating.booking.errors import EventUnavailable, SeatNotFound
from event_seating.booking.reads import exports, lists, rendering, seat_map_status
from event_seating.booking.reads.lists import BookingFilter
from event_seating.booking.seat_log.registry import SeatLogs
from event_seating.booking.seating.bookable_event import BookableEvent, BookableEventOf
from event_seating.db.database import Database
from event_seating.errors import (
    DatabaseUnavailable,
    EventNotFound,
    InvalidRequest,
    ServiceError,
    invalid,
)
from event_seating.users import model as users_model
from event_seating.users.errors import UserNotFound
from event_seating.values import rfc3339
from event_seating.web.cache_control import PRIVATE, private_json
from event_seating.web.endpoints import Budget
from event_seating.web.media_types import CSV, JSON, NDJSON, preferred
from event_seating.web.pages import decode_cursor, encode_cursor, page
from event_seating.web.parameters import Cursor, Limit
from event_seating.web.roles import Role
from event_seating.web.routes import Routes
from event_seating.web.schemas import DATE_TIME, TEXT, lines
from event_seating.web.streams import streamed

TEXT_CHARS_MAX: Final = 200
"""Of a filter: as long as an order's reference may be."""

_READS: Final[tuple[type[ServiceError], ...]] = (
    InvalidRequest,
    EventUnavailable,
    DatabaseUnavailable,
)

EXPORTS: Final = {"content": {CSV: TEXT, NDJSON: lines("BookingBody")}}


UpdatedSince = Annotated[
    str | None,
    Query(
        alias="updatedSince",
        description="Only bookings that changed then or later.",
        json_schema_extra=DATE_TIME,
    ),
]

# PostgreSQL takes no text with a NUL.
Text = Annotated[str | None, Query(max_length=TEXT_CHARS_MAX, pattern=r"^[^\x00]*$")]


def router(
    logs: SeatLogs, bookable_of: BookableEventOf, database: Database, user_exists: UserExists
) -> Routes:
    routes = Routes(tags=["bookings"])
    _add_of_event(routes, logs, bookable_of, database)
    _add_of_user(routes, bookable_of, database, user_exists)
    return routes


def _add_of_event(
    routes: Routes, logs: SeatLogs, bookable_of: BookableEventOf, database: Database
) -> None:
    @routes.get(
        "/events/{id}/bookings",
        access=Role.box_office,
        budget=Budget.seating,
        refuses=(EventNotFound, SeatNotFound, *_READS),
        operation_id="listBookings",
        summary="List an event's bookings",
        response_model=BookingsBody,
        responses={200: EXPORTS},
    )
    async def list_bookings(
        request: Request,
        id: str,  # noqa: A002
        seat: Text = None,
        order_ref: Annotated[Text, Query(alias="orderRef")] = None,
        user_id: Annotated[Text, Query(alias="userId")] = None,
        status: Literal["confirmed", "cancelled"] | None = None,
        updated_since: UpdatedSince = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Response:
        """In the order of their last change.

        With `Accept: text/csv` or `application/x-ndjson` all of them at once.
        """
        _, bookable = await seat_map_status.load_event(logs, bookable_of, id)
        since_ms = _milliseconds("updatedSince", updated_since)
        wanted = BookingFilter(_number(bookable, seat), order_ref, user_id, status, since_ms)
        form = preferred(request.headers.get("accept"), (JSON, CSV, NDJSON))
        if form != JSON:
            return await _exported(form, database, bookable, wanted)
        after = None if cursor is None else decode_cursor(cursor, tuple[int, str])
        async with database.read() as connection:
            found = await lists.by_update(connection, id, wanted, after, limit + 1)
        items, last = page(found, limit)
        following = None if last is None else encode_cursor(last.row.updated_at_ms, last.id)
        return _listed((exports.described(each, bookable) for each in items), following)


def _add_of_user(
    routes: Routes, bookable_of: BookableEventOf, database: Database, user_exists: UserExists
) -> None:
    @routes.get(
        "/users/{id}/bookings",
        access=Role.box_office,
        refuses=(UserNotFound, *_READS),
        operation_id="listUserBookings",
        summary="List a user's bookings",
        response_model=BookingsBody,
    )
    async def list_user_bookings(
        id: str,  # noqa: A002
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Response:
        """In all events, the oldest first."""
        if not (users_model.is_user_id(id) and await user_exists(id)):
            raise UserNotFound
        after = None if cursor is None else decode_cursor(cursor, tuple[int, str, str])
        async with database.read() as connection:
            found = await lists.of_user(connection, id, after, limit + 1)
        items, last = page(found, limit)
        following = (
            None if last is None else encode_cursor(last.row.created_at_ms, last.event_id, last.id)
        )
        bookable_events = {
            event: await bookable_of(event) for event in {each.event_id for each in items}
        }
        return _listed(
            (exports.described(each, bookable_events[each.event_id]) for each in items), following
        )


async def _exported(
    form: str, database: Database, bookable: BookableEvent, wanted: BookingFilter
) -> Response:
    headers = {"cache-control": PRIVATE}
    if form == CSV:
        headers["content-disposition"] = f'attachment; filename="bookings-{bookable.event_id}.csv"'
    opening, encode = (exports.header(), exports.booking) if form == CSV else (b"", _ndjson)
    pieces = exports.pieces(database, bookable, wanted, opening, encode)
    return await streamed(pieces, form, headers)


def _ndjson(answer: dict[str, Any]) -> bytes:
    return rendering.encode(answer) + b"\n"


def _listed(items: Iterable[dict[str, Any]], following: str | None) -> Response:
    body = rendering.encode({"items": list(items), "nextCursor": following})
    return private_json(body)


def _number(bookable: BookableEvent, seat: str | None) -> int | None:
    if seat is None:
        return None
    number = bookable.index.number.get(seat)
    if number is None:
        # A mistyped seat must not look like one that nobody booked.
        raise SeatNotFound
    return number


def _milliseconds(field: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return rfc3339.parse(text)
    except ValueError as error:
        raise invalid(field, str(error)) from None
