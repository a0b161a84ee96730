"""The account routes of the API."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from event_seating.errors import (
    DatabaseUnavailable,
    EmailExists,
    Forbidden,
    InvalidRequest,
    MalformedJson,
    RateLimited,
    Unauthorized,
    UserIdExists,
    UserNotFound,
)
from event_seating.users import model
from event_seating.users.service import UserService
from event_seating.web.asgi import Header
from event_seating.web.problem import documented

PRIVATE = "private, no-store"
"""Answers about people are nobody else's, and no proxy's or browser's to keep."""

HEADERS: tuple[Header, ...] = (
    (b"content-type", b"application/json"),
    (b"cache-control", PRIVATE.encode()),
)
"""What the edge sends with a cached user: the same as the route does."""

_CALLER_ERRORS = (Unauthorized, Forbidden, RateLimited, DatabaseUnavailable)


class NewUser(BaseModel):
    """What `POST /users` takes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: Annotated[
        str,
        AfterValidator(model.checked_id),
        Field(json_schema_extra={"pattern": model.USER_ID_PATTERN}, examples=["123"]),
    ]
    name: Annotated[
        str,
        AfterValidator(model.checked_name),
        Field(
            json_schema_extra={"minLength": 1, "maxLength": model.NAME_CHARS_MAX},
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
        json_schema_extra={"format": "date-time"}
    )


def router(users: UserService) -> APIRouter:
    """The routes, on this service."""
    routes = APIRouter(tags=["users"])

    @routes.get(
        "/users/{id}",
        operation_id="readUser",
        summary="Read a user",
        response_model=UserBody,
        responses=documented(UserNotFound, *_CALLER_ERRORS),
    )
    async def read_user(id: str) -> Response:  # noqa: A002 (the API's name for it)
        """Answered from the cache when it can be; many who ask at once share one read."""
        if not model.is_user_id(id):
            raise UserNotFound
        return _json(await users.read(id), 200)

    @routes.post(
        "/users",
        operation_id="createUser",
        summary="Create a user",
        status_code=201,
        response_model=UserBody,
        responses=documented(
            InvalidRequest, MalformedJson, UserIdExists, EmailExists, *_CALLER_ERRORS
        ),
    )
    async def create_user(new: NewUser) -> Response:
        """The name is trimmed, the e-mail address trimmed and put in lower case."""
        answer = _json(await users.create(new.id, new.name, new.email), 201)
        answer.headers["location"] = f"/users/{new.id}"
        return answer

    return routes


def _json(encoded: bytes, status: int) -> Response:
    return Response(
        encoded, status, headers={"cache-control": PRIVATE}, media_type="application/json"
    )
