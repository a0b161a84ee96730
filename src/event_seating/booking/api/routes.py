"""The routes that change who has which seat: holds, bookings, changes and blocks.

Every sale uses the hot ones, so they take only texts from the path and headers, for which FastAPI
is not needed.
"""

from typing import Annotated, Final

from fastapi import Header, Query, Request, Response

from event_seating.booking.api import examples
from event_seating.booking.api.answer_schemas import (
    BlocksBody,
    BookingBody,
    ChangedBookingBody,
    DryRunBody,
    HeldBody,
)
from event_seating.booking.api.answers import Answer
from event_seating.booking.api.buyer_cookie import Buyers
from event_seating.booking.api.caller import Caller
from event_seating.booking.api.request_bodies import (
    PATTERNS,
    BlockBody,
    BookBody,
    CancelBody,
    ChangeBookingBody,
    ChangeHoldBody,
    HoldBody,
)
from event_seating.booking.api.service import BookingService
from event_seating.booking.errors import (
    AlreadyCancelled,
    BookingNotFound,
    CoolingDown,
    EventCancelled,
    EventUnavailable,
    ExpectationMissing,
    FreezeUsed,
    HoldBooked,
    HoldEnded,
    HoldExpired,
    HoldFrozen,
    HoldNotFound,
    HoldNotFrozen,
    HoldReleased,
    LogBudgetSpent,
    NoBlock,
    NothingGained,
    NothingLeft,
    NotInBooking,
    NotInHold,
    NotOnSale,
    OrphanSeat,
    SeatsUnavailable,
    SoldOut,
    TicketTypeMissing,
    TooManyHeld,
    TooManySeats,
    TotalChanged,
    UnknownTicketType,
    UnknownUser,
)
from event_seating.errors import (
    DatabaseUnavailable,
    EventNotFound,
    IdempotencyKeyInUse,
    InvalidRequest,
    ServiceError,
    TooBusy,
)
from event_seating.web.cache_control import PRIVATE, private_json
from event_seating.web.endpoints import Budget
from event_seating.web.idempotency import REPLAYED
from event_seating.web.json_body import JsonBody
from event_seating.web.parameters import Key
from event_seating.web.roles import Role
from event_seating.web.routes import Routes

CURRENT: Final = "current"
"""In place of a token in the path: the token is in `Seat-Hold-Token`, which proxies do not log."""

_HOLD: Final = JsonBody(HoldBody, PATTERNS, examples.HOLD)
_CHANGE_HOLD: Final = JsonBody(ChangeHoldBody, PATTERNS, examples.CHANGE_HOLD)
_BOOK: Final = JsonBody(BookBody, PATTERNS, examples.BOOK)
_CANCEL: Final = JsonBody(CancelBody, PATTERNS, examples.CANCEL, required=False)
_CHANGE: Final = JsonBody(ChangeBookingBody, PATTERNS, examples.CHANGE_BOOKING)
_BLOCK: Final = JsonBody(BlockBody, PATTERNS, examples.BLOCK)

Refusals = tuple[type[ServiceError], ...]

_READS: Final[Refusals] = (EventUnavailable, DatabaseUnavailable)
WRITES: Final[Refusals] = (
    *_READS,
    TooBusy,
    EventCancelled,
    IdempotencyKeyInUse,
    InvalidRequest,
)
_ENDED_HOLD: Final[Refusals] = (HoldExpired, HoldReleased, HoldBooked, HoldEnded)
_NO_HOLD: Final[Refusals] = (HoldNotFound, *_ENDED_HOLD)
_NO_BOOKING: Final[Refusals] = (BookingNotFound, AlreadyCancelled)
_NO_SEATS: Final[Refusals] = (SeatsUnavailable, SoldOut, TicketTypeMissing)
_NO_HOLDING: Final[Refusals] = (
    *_NO_SEATS,
    NotOnSale,
    OrphanSeat,
    TooManySeats,
    TooManyHeld,
    CoolingDown,
)

# Its length is checked when `ids` parses it.
Token = Annotated[str | None, Header(alias="Seat-Hold-Token", json_schema_extra={"maxLength": 200})]


def router(bookings: BookingService, buyers: Buyers) -> Routes:
    routes = Routes()
    for part in (_placing, _reading, _changing, _checkout, _booking, _cancelling, _blocking):
        routes.include(part(bookings, buyers))
    return routes


def _placing(bookings: BookingService, buyers: Buyers) -> Routes:
    routes = Routes(tags=["holds"])

    @routes.post(
        "/events/{id}/holds",
        access=Role.anyone,
        budget=Budget.seating,
        body=_HOLD,
        hot=True,
        idempotent=True,
        refuses=(
            EventNotFound,
            *_NO_HOLDING,
            NoBlock,
            *_ENDED_HOLD,  # of the first such call
            UnknownTicketType,
            LogBudgetSpent,
            *WRITES,
        ),
        operation_id="placeHold",
        summary="Hold seats",
        status_code=201,
        response_model=HeldBody,
    )
    async def place_hold(request: Request, id: str, key: Key = None) -> Response:  # noqa: A002
        """All or nothing; the answer's `holdToken` is needed for everything that follows."""
        caller = caller_of(request, buyers, key)
        placed = await bookings.place_hold(id, await _HOLD.of(request), caller)
        answer = _answer(placed.answer)
        if caller.cookie is None and not caller.box_office:
            cookie = buyers.new(placed.hold_id, placed.at_ms)
            answer.headers["set-cookie"] = buyers.set_cookie(cookie)
        return answer

    return routes


def _reading(bookings: BookingService, buyers: Buyers) -> Routes:
    routes = Routes(tags=["holds"])

    @routes.get(
        "/holds/{token}",
        access=Role.anyone,
        budget=Budget.seating,
        refuses=(*_NO_HOLD, *_READS),
        operation_id="readHold",
        summary="Read a hold",
        response_model=HeldBody,
    )
    async def read_hold(token: str, header: Token = None) -> Response:
        """`/holds/current` takes the token from `Seat-Hold-Token`."""
        return _json(await bookings.read_hold(_token(token, header)), 200)

    @routes.delete(
        "/holds/{token}",
        access=Role.anyone,
        budget=Budget.seating,
        hot=True,
        idempotent=True,
        refuses=(*_NO_HOLD, HoldFrozen, *WRITES),
        operation_id="releaseHold",
        summary="Give a hold back",
        status_code=204,
    )
    async def release_hold(
        request: Request, token: str, header: Token = None, key: Key = None
    ) -> Response:
        """Its seats are free at once."""
        caller = caller_of(request, buyers, key)
        return _answer(await bookings.release_hold(_token(token, header), caller))

    return routes


def _changing(bookings: BookingService, buyers: Buyers) -> Routes:
    routes = Routes(tags=["holds"])

    @routes.patch(
        "/holds/{token}",
        access=Role.anyone,
        budget=Budget.seating,
        body=_CHANGE_HOLD,
        hot=True,
        idempotent=True,
        refuses=(
            *_NO_HOLD,
            *_NO_HOLDING,
            HoldFrozen,
            LogBudgetSpent,
            NotInHold,
            NothingLeft,
            *WRITES,
        ),
        operation_id="changeHold",
        summary="Add and remove seats of a hold",
        response_model=HeldBody,
    )
    async def change_hold(
        request: Request, token: str, header: Token = None, key: Key = None
    ) -> Response:
        """All or nothing; when it ends stays as it was."""
        caller, body = caller_of(request, buyers, key), await _CHANGE_HOLD.of(request)
        return _answer(await bookings.change_hold(_token(token, header), body, caller))

    @routes.post(
        "/holds/{token}/extend",
        access=Role.anyone,
        budget=Budget.seating,
        idempotent=True,
        refuses=(*_NO_HOLD, HoldFrozen, LogBudgetSpent, NothingGained, *WRITES),
        operation_id="extendHold",
        summary="Let a hold last longer",
        response_model=HeldBody,
    )
    async def extend_hold(
        request: Request, token: str, header: Token = None, key: Key = None
    ) -> Response:
        """To now and its time to live, `holdTotalMax` in all; 24 hours for the box office."""
        caller = caller_of(request, buyers, key)
        return _answer(await bookings.extend_hold(_token(token, header), caller))

    return routes


def _checkout(bookings: BookingService, buyers: Buyers) -> Routes:
    routes = Routes(tags=["holds"])

    @routes.post(
        "/holds/{token}/checkout",
        access=Role.anyone,
        budget=Budget.seating,
        idempotent=True,
        refuses=(*_NO_HOLD, HoldFrozen, FreezeUsed, *WRITES),
        operation_id="freezeHold",
        summary="Freeze a hold while it is paid",
        response_model=HeldBody,
    )
    async def freeze_hold(
        request: Request, token: str, header: Token = None, key: Key = None
    ) -> Response:
        """Its buyer changes nothing until it is booked or thawed; the answer is what to pay."""
        caller = caller_of(request, buyers, key)
        return _answer(await bookings.freeze_hold(_token(token, header), caller))

    @routes.delete(
        "/holds/{token}/checkout",
        access=Role.anyone,
        budget=Budget.seating,
        idempotent=True,
        refuses=(*_NO_HOLD, HoldFrozen, HoldNotFrozen, *WRITES),
        operation_id="thawHold",
        summary="Let a frozen hold be changed again",
        response_model=HeldBody,
    )
    async def thaw_hold(
        request: Request, token: str, header: Token = None, key: Key = None
    ) -> Response:
        """A freeze that a box-office key began ends with such a key alone."""
        caller = caller_of(request, buyers, key)
        return _answer(await bookings.thaw_hold(_token(token, header), caller))

    return routes


def _booking(bookings: BookingService, buyers: Buyers) -> Routes:
    routes = Routes(tags=["bookings"])

    @routes.post(
        "/bookings",
        access=Role.box_office,
        budget=Budget.seating,
        body=_BOOK,
        hot=True,
        idempotent=True,
        refuses=(
            EventNotFound,
            UnknownUser,
            ExpectationMissing,
            TotalChanged,
            *_NO_HOLD,
            *_NO_SEATS,
            *WRITES,
        ),
        operation_id="book",
        summary="Book a hold, or seats straight",
        status_code=201,
        response_model=BookingBody,
    )
    async def book(request: Request, key: Key = None) -> Response:
        """A booking that comes a little late is taken while nobody else took the seats."""
        caller = caller_of(request, buyers, key)
        return _answer(await bookings.book(await _BOOK.of(request), caller))

    @routes.get(
        "/bookings/{id}",
        access=Role.box_office,
        budget=Budget.seating,
        refuses=(BookingNotFound, *_READS),
        operation_id="readBooking",
        summary="Read a booking",
        response_model=BookingBody,
    )
    async def read_booking(id: str) -> Response:  # noqa: A002
        """A cancelled booking stays readable."""
        return _json(await bookings.read_booking(id), 200)

    return routes


def _cancelling(bookings: BookingService, buyers: Buyers) -> Routes:
    routes = Routes(tags=["bookings"])

    @routes.post(
        "/bookings/{id}/cancel",
        access=Role.box_office,
        budget=Budget.seating,
        body=_CANCEL,
        idempotent=True,
        refuses=(*_NO_BOOKING, NotInBooking, *WRITES),
        operation_id="cancelBooking",
        summary="Cancel a booking, or a part of it",
        response_model=BookingBody,
    )
    async def cancel_booking(
        request: Request,
        id: str,  # noqa: A002
        key: Key = None,
    ) -> Response:
        """Its seats are free again; without seats in the body all of it."""
        caller = caller_of(request, buyers, key)
        body = await _CANCEL.of(request) if await request.body() else CancelBody()
        return _answer(await bookings.cancel(id, body, caller))

    @routes.post(
        "/bookings/{id}/changes",
        access=Role.box_office,
        budget=Budget.seating,
        body=_CHANGE,
        idempotent=True,
        refuses=(*_NO_BOOKING, NotInBooking, NothingLeft, *_NO_SEATS, *WRITES),
        operation_id="changeBooking",
        summary="Exchange seats of a booking in one step",
        response_model=ChangedBookingBody | DryRunBody,
    )
    async def change_booking(
        request: Request,
        id: str,  # noqa: A002
        dry_run: Annotated[bool, Query(alias="dryRun")] = False,
        key: Key = None,
    ) -> Response:
        """With the price difference; `?dryRun=true` only tells it."""
        caller, body = caller_of(request, buyers, key), await _CHANGE.of(request)
        return _answer(await bookings.change_booking(id, body, caller, dry_run=dry_run))

    return routes


def _blocking(bookings: BookingService, buyers: Buyers) -> Routes:
    routes = Routes(tags=["blocks"])

    @routes.post(
        "/events/{id}/blocks",
        access=Role.box_office,
        budget=Budget.seating,
        body=_BLOCK,
        idempotent=True,
        refuses=(EventNotFound, *WRITES),
        operation_id="blockSeats",
        summary="Withdraw seats from sale",
        response_model=BlocksBody,
    )
    async def block(request: Request, id: str, key: Key = None) -> Response:  # noqa: A002
        """Those that are free; the others are named in `rejected`."""
        caller, body = caller_of(request, buyers, key), await _BLOCK.of(request)
        return _answer(await bookings.block(id, body, caller, release=False))

    @routes.post(
        "/events/{id}/blocks/release",
        access=Role.box_office,
        budget=Budget.seating,
        body=_BLOCK,
        idempotent=True,
        refuses=(EventNotFound, *WRITES),
        operation_id="releaseBlock",
        summary="Give blocked seats back to the sale",
        response_model=BlocksBody,
    )
    async def release_block(request: Request, id: str, key: Key = None) -> Response:  # noqa: A002
        """Those that are blocked; the others are named in `rejected`."""
        caller, body = caller_of(request, buyers, key), await _BLOCK.of(request)
        return _answer(await bookings.block(id, body, caller, release=True))

    return routes


def caller_of(request: Request, buyers: Buyers, key: str | None) -> Caller:
    """Who makes this request."""
    value = request.scope["buyer_cookie"]
    cookie = buyers.known(value) if value else None
    return Caller(
        principal=request.scope["principal"],
        address=request.scope["client_address"],
        cookie=cookie and cookie.name,
        key=key,
        route=f"{request.method} {request.scope['route'].path}",
        known_since_ms=cookie and cookie.born_ms,
    )


def _token(token: str, header: str | None) -> str:
    return header or "" if token == CURRENT else token


def _answer(answer: Answer) -> Response:
    response = _json(answer.body, answer.status)
    if answer.replayed:
        response.headers.update(REPLAYED)
    return response


def _json(encoded: bytes, status: int) -> Response:
    if status == 204:  # noqa: PLR2004
        return Response(status_code=204, headers={"cache-control": PRIVATE})
    return private_json(encoded, status)
