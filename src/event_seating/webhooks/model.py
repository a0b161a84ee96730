"""What a webhook and a delivery are, and which values their fields may have.

Pure, except that ids are random. A webhook names the types that it subscribes to, `*` for all; a
delivery is one message to one webhook, from the transaction that wrote it to its end. Its id is
also that of its first job and of the message, so that a receiver tells a repetition from news.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import StrEnum
from hashlib import sha256
from secrets import token_hex
from typing import Final

import msgspec

from event_seating.jobs.ids import JOB_ID_BYTES

WEBHOOKS_MAX: Final = 50
"""Each costs a row and a job for each message; a shop has a handful of receivers."""

DESCRIPTION_CHARS_MAX: Final = 200

ROTATION_MS: Final = 24 * 3_600_000
"""How long an old secret signs as well: a day to bring the new one to the receiver."""

EVERYTHING: Final = "*"
"""In place of types: all of them, those of later releases too."""

TEST: Final = "test"
"""The type of a message without content, to see whether it arrives."""

_WEBHOOK_ID: Final = re.compile(r"wh-[0-9a-f]{32}\Z")
_DELIVERY_ID: Final = re.compile(r"job-[0-9a-f]{32}\Z")


class Status(StrEnum):
    """The state of a delivery."""

    pending = "pending"
    delivered = "delivered"
    failed = "failed"


class Webhook(msgspec.Struct, frozen=True):
    """A receiver and the types that it subscribes to."""

    id: str
    url: str
    types: tuple[str, ...]
    description: str | None
    secret: str
    previous_secret: str | None
    previous_until_ms: int | None
    paused: bool
    created_at_ms: int
    updated_at_ms: int

    def subscribes_to(self, type_: str) -> bool:
        """Whether messages of this type are sent to it."""
        return not self.paused and (EVERYTHING in self.types or type_ in self.types)

    def keys(self, now_ms: int) -> tuple[str, ...]:
        """The secrets that sign now, the newest first."""
        if self.previous_secret and (self.previous_until_ms or 0) > now_ms:
            return self.secret, self.previous_secret
        return (self.secret,)

    def rotated(self, secret: str, now_ms: int) -> "Webhook":
        """The webhook with a new secret; the present one also signs for a while."""
        return msgspec.structs.replace(
            self,
            secret=secret,
            previous_secret=self.secret,
            previous_until_ms=now_ms + ROTATION_MS,
            updated_at_ms=now_ms,
        )


class Delivery(msgspec.Struct, frozen=True):
    """One message to one webhook."""

    id: str
    webhook_id: str
    job_id: str
    """The job that sends it: the first one has the delivery's own id, a redelivery another."""
    type: str
    event_id: str
    """Empty for a test."""
    version: int
    """The version of the event that the message reports; 0 for a test."""
    payload: str
    status: Status
    attempts: int
    response_status: int | None
    error: str | None
    created_at_ms: int
    finished_at_ms: int | None


class News(msgspec.Struct, frozen=True):
    """A message that is not yet addressed to a webhook; `payload` is JSON."""

    type: str
    payload: str


def new_webhook_id() -> str:
    return f"wh-{token_hex(16)}"


def is_webhook_id(text: str) -> bool:
    """Whether this can be the id of a webhook at all."""
    return _WEBHOOK_ID.match(text) is not None


def is_delivery_id(text: str) -> bool:
    """Whether this can be the id of a delivery at all."""
    return _DELIVERY_ID.match(text) is not None


def delivery_id(cause: str, webhook_id: str, number: int) -> str:
    """The id of the message with this number that a job causes to a webhook.

    The same each time, so that a job that is done twice cannot tell a receiver twice; as hard to
    guess as the id of the job.
    """
    named = f"{cause} {webhook_id} {number}".encode()
    return f"job-{sha256(named).digest()[:JOB_ID_BYTES].hex()}"


def checked_types(types: Sequence[str], known: Iterable[str]) -> tuple[str, ...]:
    """The types without doubles, in order; a `ValueError` says which there are."""
    unknown = sorted({*types} - {*known, EVERYTHING})
    if not types or unknown:
        wrong = f"{unknown[0][:40]} is not one" if unknown else "must not be empty"
        raise ValueError(f"{wrong}; there are {', '.join(sorted(known))}, and * for all")
    return (EVERYTHING,) if EVERYTHING in types else tuple(sorted({*types}))


def checked_description(text: str) -> str:
    """The text without surrounding space; a `ValueError` says what is wrong."""
    description = text.strip()
    if len(description) > DESCRIPTION_CHARS_MAX:
        raise ValueError(f"must have at most {DESCRIPTION_CHARS_MAX} characters")
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in description):
        raise ValueError("must not contain control characters")
    return description


def message(type_: str, at: str, content: dict[str, object]) -> str:
    """A message in the form that the Standard Webhooks specification proposes."""
    return msgspec.json.encode({"type": type_, "timestamp": at, "data": content}).decode()
