"""Requests on their way through the writer, and a batch of them that is decided.

A submission waits for its batch, is decided in it, and is answered once the batch is written, or
once it is certain that nothing of it is. Owns how a batch is decided: each request against the
state and what was granted before it, a repeated call with its first answer. Writes nothing.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct, structs

from event_seating.booking.core import log_entries
from event_seating.booking.core.commands import (
    ChangeHold,
    ExtendHold,
    FreezeHold,
    PlaceHold,
    ReleaseHold,
    Request,
    ThawHold,
)
from event_seating.booking.core.log_entries import Entry
from event_seating.booking.core.refusals import Refusal, RefusalCode
from event_seating.booking.core.seat_state import Batch
from event_seating.booking.seat_log.ports import ENDED_KEPT_MS, GONE, Claim, LogRow, StoredAnswer
from event_seating.booking.seat_log.projection import Buyer, Projection
from event_seating.errors import IdempotencyKeyInUse, IdempotencyKeyReused
from event_seating.jobs.model import NewJob


class Owner(NamedTuple):
    """Who made a call, as hashes under the event's secret; either of them proves it again."""

    buyer: bytes
    address: bytes


def no_jobs(_entry: Entry) -> Sequence[NewJob]:
    """Nothing follows from most requests but what the log's own listeners make of them."""
    return ()


class Once(Struct, frozen=True, gc=False):
    """What makes a call the same call again."""

    claim: Claim
    request_hash: bytes
    owner: Owner | None = None
    """None where the request proves who asks, by a key or by the token of a hold."""
    written_before: Claim | None = None
    """The claim as the release before wrote it, with the key itself."""


class Granted(Struct, frozen=True, gc=False):
    """A request that was granted, or was before, under the same claim."""

    status: int
    body: bytes
    """JSON, as `Submission.answer` made it."""
    version: int
    replayed: bool = False
    entry: Entry | None = None
    """What was written for it; none for a call that was made before."""


KeyTaken = IdempotencyKeyReused | IdempotencyKeyInUse
"""Why a key is of no use to its caller."""

Outcome = Granted | Refusal | KeyTaken


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
    outcomes: list[tuple[Submission, Outcome]] = field(default_factory=list)
    answers: dict[Claim, StoredAnswer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Holds that ran out by now: their end stands in the batch before anything is decided.
        for entry in self.batch.entries:
            self.projection.add(self.batch, entry, NOBODY)

    def add(self, submission: Submission) -> None:
        """Decide one more."""
        self.outcomes.append((submission, self._outcome(submission)))

    def close(self, batch_id: bytes) -> None:
        """No more come: make the row, if anything was granted."""
        batch = self.batch
        if batch.entries:
            encoded = log_entries.encode(batch.entries)
            self.row = LogRow(batch.version, batch_id, log_entries.FORMAT, encoded, batch.at_ms)

    def _outcome(self, submission: Submission) -> Outcome:
        """What to answer, once the batch is there for ever."""
        once, batch = submission.once, self.batch
        if once is not None:
            if once.claim in self.answers:
                return self._again(once, self.answers[once.claim], batch.version)
            before = self._answered_before(once)
            if before is not None:
                return self._again(once, before, batch.version - 1)
        if submission.dry_run:
            entry = batch.preview(submission.request)
        else:
            entry = batch.decide(submission.request)
        if isinstance(entry, Refusal):
            return entry
        status, body = submission.answer(batch, entry)
        if submission.dry_run:
            return Granted(status, body, batch.version)
        self.projection.add(batch, entry, submission.buyer)
        if submission.occasion:
            self.projection.occasion.update(submission.occasion)
        self.projection.jobs += submission.jobs(entry)
        if once is not None:
            self.answers[once.claim] = _stored(submission.request, once, status, body, batch.at_ms)
        return Granted(status, body, batch.version, entry=entry)

    def _answered_before(self, once: Once) -> StoredAnswer | None:
        """The answer of an earlier batch, while it is kept."""
        found = self.known.get(once.claim)
        if found is None and once.written_before is not None:
            found = self.known.get(once.written_before)
        if found is None or found.until_ms is None or self.batch.at_ms < found.until_ms:
            return found
        return None

    def _again(self, once: Once, before: StoredAnswer, version: int) -> Outcome:
        """What a repeated call is answered."""
        if not _made_by(once.owner, before):
            return IdempotencyKeyInUse()
        if before.request_hash != once.request_hash:
            return IdempotencyKeyReused()
        if before.hold is not None:
            shown = self.batch.hold(before.hold)
            if isinstance(shown, Refusal) and (before.status == GONE or shown.code in _ENDED):
                return structs.replace(shown, hold=before.hold)
        return Granted(before.status, before.answer, version, replayed=True)


NOBODY: Final = Buyer()

_ENDED: Final = frozenset({RefusalCode.hold_expired, RefusalCode.hold_released})


_SHOWS_HOLD: Final = (PlaceHold, ChangeHold, ExtendHold, FreezeHold, ThawHold)
"""The requests whose answer is the hold as it is then."""


def _made_by(owner: Owner | None, before: StoredAnswer) -> bool:
    """Whether this caller made the first call; an answer without an owner is proved otherwise."""
    if before.address is None:
        return True
    return owner is not None and (owner.address == before.address or owner.buyer == before.buyer)


def _stored(request: Request, once: Once, status: int, body: bytes, at_ms: int) -> StoredAnswer:
    """The answer as it is kept: what shows a hold is tied to it, a release ends with it."""
    buyer, address = once.owner or (None, None)
    hold = request.hold if isinstance(request, _SHOWS_HOLD) else None
    until_ms = at_ms + ENDED_KEPT_MS if isinstance(request, ReleaseHold) else None
    return StoredAnswer(once.request_hash, status, body, at_ms, buyer, address, hold, until_ms)


def keys_of(submissions: Sequence[Submission]) -> list[str]:
    """The keys of those that came with one, in every form in which they may be stored."""
    onces = [submission.once for submission in submissions if submission.once]
    before = [once.written_before for once in onces if once.written_before]
    return [claim.key for claim in (*(once.claim for once in onces), *before)]


def fail(submissions: Sequence[Submission], error: Exception) -> None:
    """Answer those that are not answered yet with an error."""
    for submission in submissions:
        if not submission.outcome.done():
            submission.outcome.set_exception(error)
            submission.outcome.exception()  # counts as seen: its caller may have left
