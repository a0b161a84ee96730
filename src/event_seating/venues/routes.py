"""The routes of venues and their seat maps."""

import re
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Annotated, Any, Final

import msgspec
from fastapi import Query, Request, Response
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from event_seating.errors import DatabaseUnavailable, InvalidRequest
from event_seating.venues.errors import InvalidMap, VenueExists, VenueNotFound, VenueVersionNotFound
from event_seating.venues.formats import schema
from event_seating.venues.formats.map_warnings import WARNINGS_MAX
from event_seating.venues.service import ReadyMap, VenueService, Written
from event_seating.web import schemas
from event_seating.web.body import LargeBody
from event_seating.web.cache_control import IMMUTABLE
from event_seating.web.endpoints import Budget
from event_seating.web.idempotency import REPLAYED, call_of
from event_seating.web.pages import LIMIT_DEFAULT, decode_cursor, encode_cursor, page
from event_seating.web.parameters import Cursor, Key, Limit
from event_seating.web.representation import has_current, prefers_gzip
from event_seating.web.roles import Role
from event_seating.web.routes import Routes
from event_seating.web.schemas import DATE_TIME

REVALIDATE: Final = "public, max-age=0, must-revalidate"
"""A new map may come at any moment; asking again with the `ETag` costs a few bytes."""

VERSION_PATTERN: Final = re.compile(r"[1-9][0-9]{0,8}\Z")
"""The number of a version, with at most nine digits."""

_SEAT_MAP: Final = {"$ref": f"{schemas.REF}SeatMap"}

_SEATING_PLAN: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A seating plan of the leading open-source ticketing system.",
    "properties": {
        "name": {"type": "string"},
        "zones": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
    },
    "required": ["name", "zones"],
    "additionalProperties": True,
}

_TAKES_A_MAP: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"anyOf": [_SEAT_MAP, {"$ref": f"{schemas.REF}SeatingPlan"}]},
                "examples": schemas.examples({"A club": schema.EXAMPLE}),
            }
        },
    },
    schemas.SCHEMAS: {**schema.definitions(schemas.REF), "SeatingPlan": _SEATING_PLAN},
}

MAP_BYTES_MAX: Final = 32 * 1024 * 1024
"""Three times a map of 100,000 seats, so that its seats may have fields that we do not know."""

_MAP: Final = LargeBody(MAP_BYTES_MAX, _TAKES_A_MAP, refuses=(InvalidMap, InvalidRequest))

_ANSWERS_A_MAP: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The seat map, with `sections` whatever format it came in.",
        "content": {"application/json": {"schema": _SEAT_MAP}},
    },
    304: {"description": "The client has it: its `If-None-Match` names the present `ETag`."},
}

SCHEMA: Final = msgspec.json.encode(schema.standalone())

SCHEMA_TAG: Final = f'"{sha256(SCHEMA).hexdigest()[:32]}"'

SCHEMA_AGE_S: Final = 3600
"""How long the schema is cached: as long as the files of a release."""

DryRun = Annotated[bool, Query(alias="dryRun", description="Only check the map, write nothing.")]


class MapVersionBody(BaseModel):
    """A version of a venue's map, as the API answers it."""

    id: str
    version: int
    name: str
    seats: int = Field(description="Seats in rows.")
    areas: int
    categories: int


class MapWarningBody(BaseModel):
    """Something odd in a map that was taken."""

    path: str = Field(description="Where in the body it is; the first place, if there are several.")
    code: str
    message: str


class WrittenMapBody(MapVersionBody):
    """A version of a venue's map, as the API answers whoever sent it."""

    warnings: list[MapWarningBody] = Field(
        max_length=WARNINGS_MAX, description="What its author should know; the map is taken."
    )
    moreWarnings: int = Field(  # noqa: N815 (the API's names are camelCase)
        description="How many more there are than are listed."
    )


class VenueBody(MapVersionBody):
    """A venue in a list; what it says of the map is of the newest version."""

    createdAt: str = Field(  # noqa: N815 (the API's names are camelCase)
        json_schema_extra=DATE_TIME
    )


class VenuesBody(BaseModel):
    """A page of venues."""

    items: list[VenueBody]
    nextCursor: str | None  # noqa: N815


def router(venues: VenueService) -> Routes:
    routes = Routes(tags=["venues"])
    _add_writing(routes, venues)
    _add_reading(routes, venues)
    _add_schema(routes)
    return routes


def _add_writing(routes: Routes, venues: VenueService) -> None:
    @routes.post(
        "/venues",
        access=Role.admin,
        body=_MAP,
        idempotent=True,
        refuses=(VenueExists, DatabaseUnavailable),
        operation_id="createVenue",
        summary="Create a venue from a seat map",
        status_code=201,
        response_model=WrittenMapBody,
        responses={200: {"model": WrittenMapBody, "description": "A dry run: the map is valid."}},
    )
    async def create_venue(request: Request, dry_run: DryRun = False, key: Key = None) -> Response:
        """Its id is the map's `venueId`, else one made from the name."""
        call = None if dry_run else call_of(request, key)
        created = await venues.create(_body(request), dry_run=dry_run, call=call)
        answer = _summary(created, 200 if dry_run else 201)
        answer.headers.update(REPLAYED if created.replayed else {})
        return answer

    @routes.put(
        "/venues/{id}",
        access=Role.admin,
        body=_MAP,
        refuses=(VenueNotFound, DatabaseUnavailable),
        operation_id="putVenue",
        summary="Give a venue a new version of its seat map",
        response_model=WrittenMapBody,
        responses={201: {"model": WrittenMapBody, "description": "There was no such venue."}},
    )
    async def put_venue(request: Request, id: str, dry_run: DryRun = False) -> Response:  # noqa: A002
        """Events keep the version that they have; the same map again makes no new version."""
        written = await venues.replace(id, _body(request), dry_run=dry_run)
        return _summary(written, 201 if written.created and not dry_run else 200)


def _add_reading(routes: Routes, venues: VenueService) -> None:
    @routes.get(
        "/venues",
        access=Role.anyone,
        refuses=(InvalidRequest, DatabaseUnavailable),
        operation_id="listVenues",
        summary="List venues",
        response_model=VenuesBody,
    )
    async def list_venues(limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> Response:
        """In the order of their ids."""
        (after,) = decode_cursor(cursor, tuple[str]) if cursor is not None else ("",)
        items, last = page(await venues.page(after, limit + 1), limit)
        answer = {
            "items": [venue.fields() for venue in items],
            "nextCursor": encode_cursor(last.newest.venue_id) if last else None,
        }
        return Response(
            msgspec.json.encode(answer),
            headers={"cache-control": "no-cache"},
            media_type="application/json",
        )

    @routes.get(
        "/venues/{id}",
        access=Role.anyone,
        budget=Budget.unlimited,
        refuses=(VenueNotFound, DatabaseUnavailable),
        operation_id="readVenue",
        summary="Read a venue's newest seat map",
        response_class=Response,
        responses=_ANSWERS_A_MAP,
    )
    async def read_venue(request: Request, id: str) -> Response:  # noqa: A002
        """`Content-Location` names its version."""
        return _map(request, await venues.newest_map(id, gzipped=_gzip(request)), REVALIDATE)

    @routes.get(
        "/venues/{id}/versions/{version}",
        access=Role.anyone,
        budget=Budget.unlimited,
        refuses=(VenueNotFound, VenueVersionNotFound, DatabaseUnavailable),
        operation_id="readVenueVersion",
        summary="Read one version of a venue's seat map",
        response_class=Response,
        responses=_ANSWERS_A_MAP,
    )
    async def read_version(request: Request, id: str, version: str) -> Response:  # noqa: A002
        """The one that an event has, for example; it never changes."""
        if not VERSION_PATTERN.match(version):
            raise VenueVersionNotFound
        found = await venues.map(id, int(version), gzipped=_gzip(request))
        return _map(request, found, IMMUTABLE)


def _add_schema(routes: Routes) -> None:
    @routes.get(
        "/schemas/seat-map.json",
        access=Role.anyone,
        budget=Budget.unlimited,
        include_in_schema=False,
    )
    async def read_schema(request: Request) -> Response:
        headers = {"etag": SCHEMA_TAG, "cache-control": f"public, max-age={SCHEMA_AGE_S}"}
        known = request.headers.getlist("if-none-match")
        if has_current(",".join(known) if known else None, SCHEMA_TAG):
            return Response(status_code=304, headers=headers)
        return Response(SCHEMA, headers=headers, media_type="application/schema+json")


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        raise InvalidRequest("The body ended before it was whole.") from None


def _gzip(request: Request) -> bool:
    return prefers_gzip(",".join(request.headers.getlist("accept-encoding")))


def _summary(written: Written, status: int) -> Response:
    version = written.version
    headers = {"location": f"/venues/{version.venue_id}"} if status == 201 else {}  # noqa: PLR2004
    answer = version.fields() | {
        "warnings": written.warnings,
        "moreWarnings": written.warnings_left_out,
    }
    return Response(msgspec.json.encode(answer), status, headers, media_type="application/json")


def _map(request: Request, ready: ReadyMap, cache_control: str) -> Response:
    version = ready.version
    # The plain and the compressed map are two representations: each has its own strong tag.
    etag = f'"{version.etag}{"-gzip" if ready.gzipped else ""}"'
    headers = {
        "etag": etag,
        "vary": "accept-encoding",
        "cache-control": cache_control,
        "content-location": f"/venues/{version.venue_id}/versions/{version.version}",
    }
    known = request.headers.getlist("if-none-match")
    if has_current(",".join(known) if known else None, etag):
        return Response(status_code=304, headers=headers)
    if ready.gzipped:
        headers["content-encoding"] = "gzip"
    return Response(ready.encoded, headers=headers, media_type="application/json")
