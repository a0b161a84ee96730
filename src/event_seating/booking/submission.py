"""Requests on their way through the writer, and a batch of them that is decided.

A submission waits for its batch, is decided in it, and is answered once the batch is written, or
once it is certain that nothing of it is. Owns how a batch is decided: each request against the
state and what was granted before it, a repeated call with its first answer. Writes nothing.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from event_seating.booking import entries
from event_seating.booking.entries import Entry
from event_seating.booking.model import Batch
from event_seating.booking.projection import Buyer, Projection
from event_seating.booking.refusals import Refusal
from event_seating.booking.requests import Request
from event_seating.booking.store import Claim, LogRow, StoredAnswer
from event_seating.errors import IdempotencyKeyReused
from event_seating.jobs.model import NewJob


def no_jobs(_entry: Entry) -> Sequence[NewJob]:
    """Nothing follows from most requests but what the log's own listeners make of them."""
    return ()


class Once(Struct, frozen=True, gc=False):
    """What makes a call the same call again."""

    claim: Claim
    request_hash: bytes


class Granted(Struct, frozen=True, gc=False):
    """A request that was granted, or was before, under the same claim."""

    status: int
    body: bytes
    """JSON, as `Submission.answer` made it."""
    version: int
    replayed: bool = False


Outcome = Granted | Refusal | IdempotencyKeyReused


class Submission(Struct, eq=False):
    """A request on its way through the writer."""

    request: Request
    answer: Callable[[Batch, Entry], tuple[int, bytes]]
    """Status and body for a grant, asked right after it was decided."""
    buyer: Buyer = Buyer()
    once: Once | None = None
    dry_run: bool = False
    """Answer what would happen, and let nothing happen."""
    occasion: Mapping[str, str | int] | None = None
    """What a `Configure` changes of the event's own row: its name and dates, by column."""
    jobs: Callable[[Entry], Sequence[NewJob]] = no_jobs
    """What has to be done once it is granted; written in the same transaction."""
    outcome: asyncio.Future[Granted | Refusal] = msgspec.field(default_factory=asyncio.Future)


@dataclass(slots=True)
class Decided:
    """A batch that is decided and not yet written."""

    batch: Batch
    projection: Projection
    known: Mapping[Claim, StoredAnswer]
    """The first answers of calls that were made before."""
    row: LogRow | None = None
    """What is to be written; none when nothing was granted."""
    outcomes: list[tuple[Submission, Granted | Refusal | IdempotencyKeyReused]] = field(
        default_factory=list
    )
    answers: dict[Claim, StoredAnswer] = field(default_factory=dict)

    def add(self, submission: Submission) -> None:
        """Decide one more."""
        self.outcomes.append((submission, self._outcome(submission)))

    def close(self, batch_id: bytes) -> None:
        """No more come: make the row, if anything was granted."""
        batch = self.batch
        if batch.entries:
            encoded = entries.encode(batch.entries)
            self.row = LogRow(batch.version, batch_id, entries.FORMAT, encoded, batch.at_ms)

    def _outcome(self, submission: Submission) -> Outcome:
        """What to answer, once the batch is there for ever."""
        once, batch = submission.once, self.batch
        if once is not None:
            if once.claim in self.answers:
                return _again(once, self.answers[once.claim], batch.version)
            if once.claim in self.known:
                return _again(once, self.known[once.claim], batch.version - 1)
        if submission.dry_run:
            entry = batch.preview(submission.request)
        else:
            entry = batch.decide(submission.request)
        if isinstance(entry, Refusal):
            return entry
        status, body = submission.answer(batch, entry)
        if not submission.dry_run:
            self.projection.add(batch, entry, submission.buyer)
            self.projection.jobs += submission.jobs(entry)
            if submission.occasion:
                self.projection.occasion.update(submission.occasion)
            if once is not None:
                self.answers[once.claim] = StoredAnswer(
                    once.request_hash, status, body, batch.at_ms
                )
        return Granted(status, body, batch.version)


def _again(once: Once, before: StoredAnswer, version: int) -> Granted | IdempotencyKeyReused:
    if before.request_hash != once.request_hash:
        return IdempotencyKeyReused()
    return Granted(before.status, before.answer, version, replayed=True)


def keys_of(submissions: Sequence[Submission]) -> list[str]:
    """The keys of those that came with one."""
    return [submission.once.claim.key for submission in submissions if submission.once]


def fail(submissions: Sequence[Submission], error: Exception) -> None:
    """Answer those that are not answered yet with an error."""
    for submission in submissions:
        if not submission.outcome.done():
            submission.outcome.set_exception(error)
            submission.outcome.exception()  # counts as seen: its caller may have left
