"""A job on its way through a handler, and what a handler is.

A job may run more than once. So its handler must do its work in one transaction with `finish`, or
be harmless when repeated.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.jobs.ends import Dead

Finish = Callable[[AsyncConnection, Any], Awaitable[None]]
ReportProgress = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Job:
    """A job on its way through a handler."""

    id: str
    event_id: str
    name: str
    payload: dict[str, Any]
    attempt: int
    """1 for the first."""
    last_attempt: bool
    finish: Finish
    """Take the job out of the outbox, with its result, in the transaction of its effect.

    Raises `DoneElsewhere` if it is no longer there; let that end the transaction.
    """
    report: ReportProgress
    """Report how far the job is; shown with the job."""


Handler = Callable[[Job], Awaitable[Any]]
"""Does a job of one name; what it returns is the result, unless it finished the job itself.

Raises `Dead` if no attempt can succeed, `Retry` if the next one may, and `Defer` or
`DatabaseUnavailable` if this was none. Any other exception is a `Retry` whose stack is logged.
"""


_Payload = TypeVar("_Payload")


def payload_of(job: Job, kind: type[_Payload]) -> _Payload:
    """The payload of a job as its handler's type; raises `Dead` if it does not fit."""
    try:
        return msgspec.convert(job.payload, kind)
    except msgspec.ValidationError as error:
        raise Dead(f"The payload is not one of {job.name}: {error}") from None
