"""A job on its way through a handler, and what a handler is.

A job may run more than once. So its handler must do its work in one transaction with `finish`, or
be harmless when repeated.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection


class JobFailed(Exception):
    """The job cannot succeed, however often it is tried; the text says why, to an operator."""


class JobNotYet(Exception):
    """It could not be done this time, and nothing here is at fault; the text says why.

    Tried again like after any other exception, but without a stack in the log: a mail server that
    is down all evening would write thousands.
    """


class JobDone(Exception):
    """Somebody else had the job's effect meanwhile: whatever this attempt did is to be undone."""


Finish = Callable[[AsyncConnection, Any], Awaitable[None]]
Report = Callable[[dict[str, Any]], Awaitable[None]]


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

    Raises `JobDone` when it is not there any more; let it end the transaction.
    """
    report: Report
    """Tell how far it is; shown with the job."""


Handler = Callable[[Job], Awaitable[Any]]
"""Does a job of one name; what it returns is the result, unless it finished the job itself.

Raises `JobFailed` when trying again would not help, and `JobNotYet` when it may; any other
exception is tried again too, and logged with its stack.
"""


_Payload = TypeVar("_Payload")


def payload_of(job: Job, kind: type[_Payload]) -> _Payload:
    """What is stored with a job, as its handler takes it; raises `JobFailed` if it is not that."""
    try:
        return msgspec.convert(job.payload, kind)
    except msgspec.ValidationError as error:
        raise JobFailed(f"The payload is not one of {job.name}: {error}") from None
