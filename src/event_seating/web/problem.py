"""How an error looks to a client: one body for all of them, made in this one place.

`{"error": "a sentence", "code": "snake_case", "requestId": "…"}` and fields that help. No stack
trace, no statement and no driver's message is ever in it.
"""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from http import HTTPStatus
from typing import Any, Final, Literal

import msgspec
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema
from starlette.exceptions import HTTPException

from event_seating.errors import (
    InvalidRequest,
    MalformedJson,
    MethodNotAllowed,
    NotFound,
    ServiceError,
)
from event_seating.http_server.asgi import Header

FIELDS_MAX: Final = 20
"""Enough to correct a form; a body of a megabyte could have thousands of faults."""

MESSAGE_CHARS_MAX: Final = 300
"""A message may quote what was sent, but not all of it."""


Handler = Callable[[Request, Exception], Coroutine[Any, Any, Response]]
"""Of FastAPI: makes the answer for an error."""


Absent = SkipJsonSchema[None]
"""The type of a field that is left out rather than null."""


class Fault(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


class SeatFault(BaseModel):
    """Why one seat cannot be had."""

    seat: str
    code: Literal[
        "available", "blocked", "booked", "cooling_down", "held", "not_on_sale", "unknown"
    ] = Field(description="`available`: it is free, although it was to be given back or unblocked.")


class AreaFault(BaseModel):
    """Why places of an area cannot be had."""

    area: str
    code: Literal["cooling_down", "not_on_sale", "sold_out", "unknown"]
    left: int = Field(description="How many places are free there.")


class PresentLine(BaseModel):
    """A line of what would be booked now: a seat, or a number of places of an area."""

    seat: str | Absent = None
    area: str | Absent = None
    quantity: int | Absent = None
    label: str
    category: str
    ticketType: str  # noqa: N815
    price: str


class Problem(BaseModel):
    """The body of every error; which of its optional fields are there depends on the code."""

    error: str = Field(description="A sentence for people; it may change.")
    code: str
    requestId: str = Field(description="The request's id in the log.")  # noqa: N815 (camelCase)
    fields: list[Fault] | Absent = Field(None, description="What is wrong with which field.")
    retryAfter: int | Absent = Field(None, description="Seconds.")  # noqa: N815
    limit: int | Absent = Field(None, description="The limit that was reached.")
    heldBy: Literal["buyer", "address", "network"] | Absent = Field(  # noqa: N815
        None, description="Who holds as much as `limit`."
    )
    faults: int | Absent = Field(None, description="How many faults a seat map has in all.")
    id: str | Absent = Field(None, description="The venue that exists already.")
    seats: list[SeatFault] | Absent = Field(None, description="The seats that cannot be had.")
    areas: list[AreaFault] | Absent = Field(None, description="The areas with too few places.")
    suggestion: list[str] | Absent = Field(None, description="Seats that would do.")
    booking: str | Absent = Field(None, description="What the hold became.")
    booked: bool | Absent = Field(None, description="Whether the hold became a booking.")
    version: int | Absent = Field(None, description="The newest version.")
    ticketTypes: list[str] | Absent = Field(  # noqa: N815
        None, description="The ticket types that the caller may name."
    )
    archivedUntil: int | Absent = Field(  # noqa: N815
        None, description="The last version that is not in the log any more."
    )
    lines: list[PresentLine] | Absent = Field(None, description="What would be booked now.")
    total: str | Absent = Field(None, description="What it would cost now.")
    currency: str | Absent = None
    revision: int | Absent = Field(None, description="The revision that the hold has now.")


CODES: Final = "x-codes"
"""Beside the description of an error's status: the codes that the route answers with it."""

DIVIDER: Final = " · "
"""Between the sentences of such a description."""

_PROBLEM: Final = {"schema": {"$ref": "#/components/schemas/Problem"}}


def schemas() -> dict[str, Any]:
    """What `documented` refers to, for the document's components.

    Codes are those of all classes of errors, which the modules of the routes have imported by then.
    """
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    for field in schema["properties"].values():
        field.pop("default", None)  # it is left out, and never null
    defined = schema.pop("$defs")
    defined["ErrorCode"] = {
        "title": "ErrorCode",
        "description": "What went wrong, for programs; a code never changes.",
        "type": "string",
        "enum": sorted({error.code for error in ServiceError.every()}),
    }
    schema["properties"]["code"] = {"$ref": "#/components/schemas/ErrorCode"}
    return {**defined, "Problem": schema}


def documented(*errors: type[ServiceError]) -> dict[int | str, dict[str, Any]]:
    """The part of a route's OpenAPI description that says what it refuses, each once.

    By reference: FastAPI would make a model field of each, which takes most of a start.
    """
    by_status: dict[int | str, list[type[ServiceError]]] = {}
    for error in dict.fromkeys(errors):
        by_status.setdefault(error.status, []).append(error)
    return {
        status: {
            "content": {"application/json": _PROBLEM},
            "description": DIVIDER.join(f"`{each.code}`: {each.sentence}" for each in found),
            CODES: [each.code for each in found],
        }
        for status, found in by_status.items()
    }


def encode(error: ServiceError, request_id: str) -> bytes:
    """The body for `error`."""
    return msgspec.json.encode(
        {"error": str(error), "code": error.code, "requestId": request_id, **error.details}
    )


def raw_headers(error: ServiceError) -> tuple[Header, ...]:
    """The headers of the answer for `error`, where no framework makes them."""
    return (
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        *((name.lower().encode(), value.encode()) for name, value in error.headers.items()),
    )


def response(error: ServiceError, request_id: str) -> Response:
    """The answer for `error`."""
    return Response(
        encode(error, request_id),
        status_code=error.status,
        headers={"cache-control": "no-store", **error.headers},
        media_type="application/json",
    )


async def on_service_error(request: Request, error: Exception) -> Response:
    """FastAPI's handler of our own errors."""
    assert isinstance(error, ServiceError)
    return response(error, request_id_of(request))


async def on_invalid_request(request: Request, error: Exception) -> Response:
    """FastAPI's handler of bodies and parameters that do not fit."""
    assert isinstance(error, RequestValidationError)
    return response(_from_validation(error.errors()), request_id_of(request))


async def on_client_gone(request: Request, error: Exception) -> Response:
    """FastAPI's handler of a client that disconnected before its body was complete.

    That is no crash. Nobody reads the answer; its status is for the log and the metrics.
    """
    del error
    return response(InvalidRequest("The body ended before it was whole."), request_id_of(request))


def on_http_exception(methods_at: Callable[[str], Iterable[str]]) -> Handler:
    """FastAPI's handler of what Starlette itself refuses: unknown paths and methods, bad bodies.

    `methods_at` gives the methods that a path takes: the framework's router names only those of the
    first route, and several routes may have the path.
    """

    async def handle(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if isinstance(error.__cause__, ServiceError):
            # The edge refused the body while FastAPI was reading it.
            return response(error.__cause__, request_id_of(request))
        return response(_from_http(request, error, methods_at), request_id_of(request))

    return handle


def _from_http(
    request: Request, error: HTTPException, methods_at: Callable[[str], Iterable[str]]
) -> ServiceError:
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return NotFound()
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = sorted(methods_at(request.scope["path"]))
            return MethodNotAllowed(headers={"Allow": ", ".join(allowed)})
        case HTTPStatus.BAD_REQUEST:
            return MalformedJson()
        case _:
            return InvalidRequest(str(error.detail))


async def on_crash(request: Request, error: Exception) -> Response:
    """FastAPI's handler of everything else; the edge has it logged."""
    del error
    return response(ServiceError(), request_id_of(request))


def request_id_of(request: Request) -> str:
    """The id that the edge gave the request."""
    return str(request.scope.get("request_id", ""))


def _from_validation(faults: Sequence[Any]) -> ServiceError:
    if any(fault["type"] == "json_invalid" for fault in faults):
        return MalformedJson()
    return InvalidRequest.naming(
        [(_path(fault["loc"]), _message(fault)) for fault in faults[:FIELDS_MAX]]
    )


def _path(location: Sequence[str | int]) -> str:
    """`("body", "seats", 2)` as `seats[2]`; `body` alone when nothing is below it."""
    path = ""
    for part in location[1:]:
        path += f"[{part}]" if isinstance(part, int) else f"{'.' if path else ''}{part}"
    # A field's name is the client's text: it is cut, and has no lone surrogates.
    readable = path.encode("utf-8", "replace").decode()
    return readable[:MESSAGE_CHARS_MAX] or str(location[0])


def _message(fault: Any) -> str:
    if fault["type"] == "extra_forbidden":
        return "is not a field of this request"
    if fault["type"] == "missing":
        return "is missing"
    message = str(fault["msg"]).removeprefix("Value error, ")
    return message.encode("utf-8", "replace").decode()[:MESSAGE_CHARS_MAX]
