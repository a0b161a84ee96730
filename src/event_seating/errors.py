"""What every error is, and those that belong to no single noun; each noun has its own `errors.py`.

One class per error: a status, a code that programs read and a sentence that people read. They are
turned into answers in one place, `web/problem.py`. A refusal that is part of the rules of seating
is a value and not an exception. Nothing here knows HTTP beyond the number of the status.
"""

from collections.abc import Iterator, Mapping, Sequence
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


def invalid(field: str, message: str) -> InvalidRequest:
    """The error that names one field."""
    return InvalidRequest.naming([(field, message)])


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


class RedisUnavailable(ServiceError):
    """Redis or Valkey cannot be reached, or takes too long."""

    status = 503
    code = "redis_unavailable"
    sentence = "Redis cannot be reached at the moment; seats are sold, jobs wait, try again."


class TooBusy(ServiceError):
    """More requests wait for one event than can be answered in time."""

    status = 503
    code = "too_busy"
    sentence = "Too many requests wait for this event; try again in a moment."


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


class EventNotFound(ServiceError):
    """No event has this id."""

    status = 404
    code = "event_not_found"
    sentence = "No event has this id."
