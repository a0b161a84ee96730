"""The routes that show an event's seats: their status, one seat, and the log."""

import re
from contextlib import aclosing
from typing import Annotated, Any, Final, Literal

from fastapi import Query, Request, Response

from event_seating.booking.api.answer_schemas import SeatBody, SnapshotBody
from event_seating.booking.api.log_schemas import LogBody
from event_seating.booking.errors import (
    EventUnavailable,
    LogArchived,
    SeatNotFound,
    VersionNotReached,
)
from event_seating.booking.reads import audit_trail, history, rendering, seat_map_status
from event_seating.booking.reads.seat_map_status import SeatMapStatus
from event_seating.booking.seat_log.registry import SeatLogs
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating import ids
from event_seating.booking.seating.bookable_event import BookableEvent, BookableEventOf
from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable, EventNotFound, InvalidRequest, ServiceError
from event_seating.values import rfc3339
from event_seating.web.cache_control import PRIVATE
from event_seating.web.endpoints import Budget, ReadyRead
from event_seating.web.media_types import JSON, NDJSON, preferred
from event_seating.web.pages import INTEGER_MAX, decode_cursor, encode_cursor
from event_seating.web.parameters import Cursor, Limit
from event_seating.web.roles import Role
from event_seating.web.routes import Routes
from event_seating.web.schemas import lines
from event_seating.web.streams import streamed

EVENT_ID: Final = re.compile(rf"[a-z0-9]{{{ids.EVENT_ID_CHARS}}}")
"""The ids for which the edge answers by itself; no event has any other."""

FRESH: Final = {"cache-control": "no-store"}
"""One seat is not worth an `ETag`, and what the box office sees must not be cached for others."""

ENTRIES_A_PAGE: Final = 2_000
"""Entries of the log in one page; with up to 512 in a row, a page of rows could have 100,000."""

_READS: Final[tuple[type[ServiceError], ...]] = (
    EventNotFound,
    EventUnavailable,
    DatabaseUnavailable,
)

LINES_OF_THE_LOG: Final = {"content": {NDJSON: lines("LogRow")}}

EPOCH_CHARS_MAX: Final = 64
"""Four times the length of ours."""

Version = Annotated[int, Query(ge=0, le=INTEGER_MAX)]

Epoch = Annotated[
    str | None,
    Query(
        max_length=EPOCH_CHARS_MAX,
        description="The epoch that `version` is of; in another one it is passed over.",
    ),
]


def router(
    seat_map: SeatMapStatus, logs: SeatLogs, bookable_of: BookableEventOf, database: Database
) -> Routes:
    routes = Routes(tags=["seats"])
    _add_seats(routes, seat_map, logs, bookable_of, database)
    _add_log(routes, logs, bookable_of, database)
    return routes


def _add_seats(
    routes: Routes,
    seat_map: SeatMapStatus,
    logs: SeatLogs,
    bookable_of: BookableEventOf,
    database: Database,
) -> None:
    @routes.get(
        "/events/{id}/seats",
        access=Role.anyone,
        budget=Budget.unlimited,
        ready=ReadyRead(EVENT_ID, seat_map.ready),
        refuses=(InvalidRequest, VersionNotReached, *_READS),
        operation_id="readSeats",
        summary="Read every seat of an event",
        response_model=SnapshotBody,
        responses={
            304: {"description": "Nothing has moved: `If-None-Match` names the present `ETag`."}
        },
    )
    async def read_seats(
        request: Request,
        id: str,  # noqa: A002
        format: Literal["full", "compact"] = "full",  # noqa: A002
        version: Annotated[int, Query(ge=0, le=INTEGER_MAX, description="At least this one.")] = 0,
        epoch: Epoch = None,
    ) -> Response:
        """Never older than the last write that this instance answered."""
        headers = request.headers
        ready = await seat_map.read(
            id,
            format,
            version,
            headers.get("accept-encoding", ""),
            headers.get("if-none-match"),
            epoch,
        )
        decoded = {name.decode(): value.decode() for name, value in ready.headers}
        return Response(ready.body, ready.status, headers=decoded)

    @routes.get(
        "/events/{id}/seats/{seat:path}",  # an id may have a slash
        access=Role.anyone,
        budget=Budget.seating,
        refuses=(SeatNotFound, *_READS),
        operation_id="readSeat",
        summary="Read one seat",
        response_model=SeatBody,
    )
    async def read_seat(request: Request, id: str, seat: str) -> Response:  # noqa: A002
        """The box office also sees every ticket type, who has it, and what happened to it."""
        log, bookable = await seat_map_status.load_event(logs, bookable_of, id)
        number = bookable.index.number.get(seat)
        if number is None:
            raise SeatNotFound
        staff = request.scope["principal"].role >= Role.box_office
        answer = _seat(log, bookable, number, staff=staff)
        if staff:
            answer |= _owner(log, bookable, number)
            found = await history.of_seat(database, bookable, number, answer["version"])
            answer |= {"history": found.moves, "historySince": found.since}
        return Response(rendering.encode(answer), headers=FRESH, media_type=JSON)


def _add_log(
    routes: Routes, logs: SeatLogs, bookable_of: BookableEventOf, database: Database
) -> None:
    @routes.get(
        "/events/{id}/log",
        access=Role.box_office,
        refuses=(InvalidRequest, LogArchived, *_READS),
        operation_id="readLog",
        summary="Read an event's log",
        response_model=LogBody,
        responses={200: LINES_OF_THE_LOG},
    )
    async def read_log(
        request: Request,
        id: str,  # noqa: A002
        since: Version = 0,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Response:
        """The audit trail after the version `since`.

        With `Accept: application/x-ndjson` all of it, one row of the log a line.
        """
        log, bookable = await seat_map_status.load_event(logs, bookable_of, id)
        currency = _currency(log)
        if preferred(request.headers.get("accept"), (JSON, NDJSON)) == NDJSON:
            lines = (
                rendering.encode(audit_trail.described(row, bookable, currency)) + b"\n"
                async for row in history.rows_after(database, id, since)
            )
            return await streamed(lines, NDJSON, {"cache-control": PRIVATE})
        if cursor is not None:
            (since,) = decode_cursor(cursor, tuple[int])
        page = await _log_page(database, bookable, currency, since, limit)
        headers = {"cache-control": PRIVATE}
        return Response(rendering.encode(page), headers=headers, media_type=JSON)


async def _log_page(
    database: Database, bookable: BookableEvent, currency: str, since: int, limit: int
) -> dict[str, Any]:
    items: list[dict[str, Any]] = []
    room = ENTRIES_A_PAGE
    next_cursor = None
    async with aclosing(history.rows_after(database, bookable.event_id, since)) as rows:
        async for row in rows:
            room -= len(row.entries)
            if items and (len(items) == limit or room < 0):
                next_cursor = encode_cursor(items[-1]["version"])
                break
            items.append(audit_trail.described(row, bookable, currency))
    return {"items": items, "nextCursor": next_cursor}


def _seat(log: SeatLog, bookable: BookableEvent, number: int, *, staff: bool) -> dict[str, Any]:
    states, index = log.states, bookable.index
    configuration = states.configuration
    assert configuration is not None, "an event that is found is configured"
    category = index.categories[index.category_of[number]]
    section = index.sections[index.runs[index.run_of[number]].section]
    return {
        "seat": index.ids[number],
        "label": bookable.label(number),
        "section": section,
        "row": _row(bookable, section, number),
        "category": category,
        "status": states.status(number),
        "prices": audit_trail.prices(configuration, staff=staff).get(category, {}),
        "currency": configuration.currency,
        "version": states.version,
    }


def _row(bookable: BookableEvent, section: str, number: int) -> str | None:
    for (of, name), ranges in bookable.index.rows.items():
        if of == section and any(number in seats for seats in ranges):
            return name
    return None


def _owner(log: SeatLog, bookable: BookableEvent, number: int) -> dict[str, str | None]:
    booking, hold = log.states.booking_of(number), log.states.hold_of(number)
    return {
        "bookingId": None if booking is None else ids.to_text(bookable.event_id, booking),
        "holdId": None if hold is None else ids.to_text(bookable.event_id, hold.id),
        "holdExpiresAt": None if hold is None else rfc3339.to_text(hold.expires_ms),
        "holdFrozenBy": None if hold is None else rendering.frozen_by(hold),
    }


def _currency(log: SeatLog) -> str:
    assert log.states.configuration is not None, "an event that is found is configured"
    return log.states.configuration.currency
