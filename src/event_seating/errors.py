"""Every error that a client can be answered with, and the ones that stop the start.

One class per error: a status, a code that programs read and a sentence that people read. They are
turned into answers in one place, `web/problem.py`. A refusal that is part of the rules of seating
is a value and not an exception. Nothing here knows HTTP beyond the number of the status.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar


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


class MalformedJson(ServiceError):
    """The body is not JSON."""

    status = 400
    code = "malformed_json"
    sentence = "The body is not valid JSON."


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


class MethodNotAllowed(ServiceError):
    """The path exists, the method does not."""

    status = 405
    code = "method_not_allowed"
    sentence = "This address does not take this method; `Allow` names those it takes."


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


class RequestTimeout(ServiceError):
    """The body did not come, or stopped coming."""

    status = 408
    code = "request_timeout"
    sentence = "The rest of the body did not come in time."


class BodyTooLarge(ServiceError):
    """The body is longer than the route allows."""

    status = 413
    code = "body_too_large"
    sentence = "The body is too large."


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
