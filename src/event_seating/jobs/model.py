"""What a job is when somebody asks for it: its queue, its name, its payload.

Pure: the id is made by `jobs.ids`, and the time is that of the row. A job is a row of the outbox
from the transaction that caused it to the one that has its effect; the queue in between only
decides when it runs.
"""

import re
from enum import StrEnum
from typing import Any, Final, NamedTuple

DATABASE_OPERATIONS: Final = "database-operations"
"""The queue of jobs that read and write the database."""

NOTIFICATIONS: Final = "notifications"
"""The queue of mails and webhooks: a slow mail server must not delay the other queue."""

QUEUES: Final = (DATABASE_OPERATIONS, NOTIFICATIONS)

URGENT: Final = 1
USUAL: Final = 10
BULK: Final = 100
"""Priorities: the smaller number runs first."""

_JOB_ID: Final = re.compile(r"job-[0-9a-f]{32}\Z|purge-[0-9TZ-]{1,24}\Z")


class JobState(StrEnum):
    """The state of a job."""

    waiting = "waiting"
    active = "active"
    delayed = "delayed"
    """It waits for its next attempt."""
    completed = "completed"
    failed = "failed"
    unknown = "unknown"
    """Redis does not have it; the relay puts it in again."""


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
