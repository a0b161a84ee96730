"""The account routes of the API."""

from typing import Annotated, Any, Final

import msgspec
from fastapi import Header, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from event_seating.cache.lru import LruCache
from event_seating.errors import (
    DatabaseUnavailable,
    InvalidRequest,
    MalformedJson,
    invalid,
)
from event_seating.http_server.asgi import Header as RawHeader
from event_seating.operations.job_routes import JobBody, accepted
from event_seating.users import model
from event_seating.users.errors import EmailExists, UserIdExists, UserNotFound
from event_seating.users.import_file import CSV, NDJSON
from event_seating.users.job_requests import UserJobRequests
from event_seating.users.service import UserService
from event_seating.values.visible_text import NAME_CHARS_MAX, checked_name
from event_seating.web.body import LargeBody
from event_seating.web.cache_control import PRIVATE, private_json
from event_seating.web.endpoints import cached
from event_seating.web.idempotency import REPLAYED, call_of
from event_seating.web.parameters import Key
from event_seating.web.roles import Role
from event_seating.web.routes import Routes
from event_seating.web.schemas import DATE_TIME, TEXT, examples

HEADERS: Final[tuple[RawHeader, ...]] = (
    (b"content-type", b"application/json"),
    (b"cache-control", PRIVATE.encode()),
)
"""What the edge sends with a cached user: the same as the route does."""

RESPOND_ASYNC: Final = "respond-async"

PREFERENCES_MAX: Final = 20
"""More preferences than exist."""

Prefer = Annotated[
    str | None, Header(description="`respond-async`: answer 202 at once, with a job.")
]

_A_USER: Final = {"id": "123", "name": "Jane Smith", "email": "jane.smith@example.com"}

_SHOWS_A_USER: Final[dict[str, Any]] = {
    "requestBody": {"content": {"application/json": {"examples": examples({"A user": _A_USER})}}}
}

_IN_CSV: Final = "id,name,email\n201,Ann Lee,ann.lee@example.com\n"
_IN_NDJSON: Final = '{"id":"202","name":"Tom Ray","email":"tom.ray@example.com"}\n'

FILE_BYTES_MAX: Final = 32 * 1024 * 1024
"""Three times 100,000 users with long names."""

_TAKES_A_FILE: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            CSV: {**TEXT, "examples": examples({"A user": _IN_CSV})},
            NDJSON: {**TEXT, "examples": examples({"A user": _IN_NDJSON})},
        },
    }
}


_FILE: Final = LargeBody(
    FILE_BYTES_MAX,
    _TAKES_A_FILE,
    refuses=(InvalidRequest,),
    media_types=frozenset({CSV.encode(), NDJSON.encode()}),
)

FIELDS_LOOKED_AT_MAX: Final = 100
"""Each unknown field of a body is a fault. Of a larger body no field is looked at: thousands of
faults would be found for an answer that names a few."""


class NewUser(BaseModel):
    """What `POST /users` takes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _of_a_few_fields(cls, given: Any) -> Any:
        if isinstance(given, dict) and len(given) > FIELDS_LOOKED_AT_MAX:
            raise ValueError("has too many fields")
        return given

    id: Annotated[
        str,
        AfterValidator(model.checked_id),
        Field(json_schema_extra={"pattern": model.USER_ID_PATTERN}, examples=["123"]),
    ]
    name: Annotated[
        str,
        AfterValidator(checked_name),
        Field(
            json_schema_extra={"minLength": 1, "maxLength": NAME_CHARS_MAX},
            examples=["Jane Smith"],
        ),
    ]
    email: Annotated[
        str,
        AfterValidator(model.checked_email),
        Field(
            json_schema_extra={"format": "email", "maxLength": model.EMAIL_CHARS_MAX},
            examples=["jane@example.com"],
        ),
    ]


class UserBody(BaseModel):
    """A user, as the API answers it."""

    id: str
    name: str
    email: str
    createdAt: str = Field(  # noqa: N815 (the API's names are camelCase)
        json_schema_extra=DATE_TIME
    )


def router(users: UserService, cache: LruCache, job_requests: UserJobRequests) -> Routes:
    routes = Routes(tags=["users"])
    _add_reading(routes, users, cache)
    _add_creating(routes, users, job_requests)
    _add_import(routes, job_requests)
    return routes


def _add_reading(routes: Routes, users: UserService, cache: LruCache) -> None:
    @routes.get(
        "/users/{id}",
        access=Role.box_office,
        ready=cached(cache, model.USER_ID, HEADERS),
        refuses=(UserNotFound, DatabaseUnavailable),
        operation_id="readUser",
        summary="Read a user",
        response_model=UserBody,
    )
    async def read_user(id: str) -> Response:  # noqa: A002 (the API's name for it)
        """Answered from the cache if possible; concurrent callers share one read."""
        if not model.is_user_id(id):
            raise UserNotFound
        return private_json(await users.read(id), 200)


def _add_creating(routes: Routes, users: UserService, job_requests: UserJobRequests) -> None:
    @routes.post(
        "/users",
        access=Role.box_office,
        idempotent=True,
        refuses=(InvalidRequest, MalformedJson, UserIdExists, EmailExists, DatabaseUnavailable),
        operation_id="createUser",
        summary="Create a user",
        status_code=201,
        response_model=UserBody,
        openapi_extra=_SHOWS_A_USER,
        responses={
            202: {"model": JobBody, "description": "`Prefer: respond-async`: a job creates it."}
        },
    )
    async def create_user(
        request: Request, new: NewUser, prefer: Prefer = None, key: Key = None
    ) -> Response:
        """The name is trimmed, and the e-mail address trimmed and put in lower case.

        With `Prefer: respond-async` the user is created a moment later, by a job.
        """
        later = _prefers_async(prefer)
        asked = (new.id, new.name, new.email, later)
        call = call_of(request, key, msgspec.json.encode(asked))
        if later:
            requested = await job_requests.create(new.id, new.name, new.email, call)
            answer = accepted(*requested)
            answer.headers["preference-applied"] = RESPOND_ASYNC
            return answer
        encoded, replayed = await users.create(new.id, new.name, new.email, call)
        answer = private_json(encoded, 201)
        answer.headers["location"] = f"/users/{new.id}"
        answer.headers.update(REPLAYED if replayed else {})
        return answer


def _add_import(routes: Routes, job_requests: UserJobRequests) -> None:
    @routes.post(
        "/users/import",
        access=Role.admin,
        body=_FILE,
        refuses=(DatabaseUnavailable,),
        operation_id="importUsers",
        summary="Create the users of a file",
        status_code=202,
        response_model=JobBody,
    )
    async def import_users(request: Request) -> Response:
        """CSV whose first line names the columns id, name and email, or a JSON object a line.

        A job creates them; its result says how many, and where the refused lines are.
        """
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in {CSV, NDJSON}:
            # The edge refuses every other media type, so the request has no body.
            raise invalid("body", "is empty")
        return accepted(await job_requests.import_file(request.stream(), media_type))


def _prefers_async(prefer: str | None) -> bool:
    """RFC 7240: preferences in a list, each perhaps with parameters."""
    parts = (prefer or "").lower().split(",")[:PREFERENCES_MAX]
    return any(part.partition(";")[0].strip() == RESPOND_ASYNC for part in parts)
