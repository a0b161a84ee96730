"""What a job is: as it is asked for, and as it runs.

Pure. A job is a row of the outbox from the transaction that caused it to the one that has its
effect; the queue in between only decides when it runs. So it may run more than once, and its
handler must do its work in one transaction with `finish`, or be harmless when repeated.
"""

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

DATABASE_OPERATIONS: Final = "database-operations"
"""The queue of what reads and writes the database."""

NOTIFICATIONS: Final = "notifications"
"""The queue of mail and webhooks: a slow mail server must not hold up the other."""

QUEUES: Final = (DATABASE_OPERATIONS, NOTIFICATIONS)

JOB_ID_BYTES: Final = 16
"""Of which `_RANDOM_BYTES`, 80 bits, are random, so that an id cannot be guessed."""

_RANDOM_BYTES: Final = 10

NS_PER_MS: Final = 1_000_000

URGENT: Final = 1
USUAL: Final = 10
BULK: Final = 100
"""Priorities: the smaller number runs first."""

WAITING: Final = "waiting"
ACTIVE: Final = "active"
DELAYED: Final = "delayed"
COMPLETED: Final = "completed"
FAILED: Final = "failed"
"""What a job can be; `delayed` waits for its next attempt."""

_JOB_ID: Final = re.compile(r"job-[0-9a-f]{32}\Z|purge-[0-9TZ-]{1,24}\Z")


def new_job_id() -> str:
    """An id for a new job; a mail's Message-ID and a webhook's delivery carry it too.

    It begins with the time, which decides nothing: new rows come to lie side by side in an index,
    so that a transaction with many of them writes few of its pages.
    """
    return f"job-{time.time_ns() // NS_PER_MS:012x}{token_hex(_RANDOM_BYTES)}"


def is_job_id(text: str) -> bool:
    """Whether this can be the id of a job of ours at all."""
    return _JOB_ID.match(text) is not None


class NewJob(NamedTuple):
    """A job that somebody asks for."""

    id: str
    queue: str
    name: str
    payload: dict[str, Any]
    """What JSON can say."""
    event_id: str = ""
    """The event whose transaction asks for it, if one does."""
    priority: int = USUAL
    trace: str | None = None
    """The context that asks for it, as `telemetry.context` writes it."""


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
