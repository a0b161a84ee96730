"""Commands on their way through the writer, and a batch of them that is decided.

A submission waits for its batch, is decided in it, and is answered once the batch is written, or
once it is certain that nothing of it is. Owns how a batch is decided: each command against the
state and what was granted before it, a repeated call with its first answer. Writes nothing.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct, structs

from event_seating.booking.core import log_entries, results
from event_seating.booking.core.commands import Command, ReleaseHold
from event_seating.booking.core.log_entries import Entry
from event_seating.booking.core.refusals import Refusal, RefusalCode
from event_seating.booking.core.results import Result
from event_seating.booking.core.seat_state import Batch
from event_seating.booking.seat_log.ports import (
    ENDED_KEPT_MS,
    GONE,
    BatchRow,
    IdempotencyKey,
    StoredAnswer,
)
from event_seating.booking.seat_log.projection import Buyer, Projection
from event_seating.errors import IdempotencyKeyInUse, IdempotencyKeyReused
from event_seating.jobs.model import NewJob


class Owner(NamedTuple):
    """Who made a call, as hashes under the event's secret; either of them proves it again."""

    buyer: bytes
    address: bytes


def no_jobs(_entry: Entry) -> Sequence[NewJob]:
    """Nothing follows from most commands but what the log's own listeners make of them."""
    return ()


def no_answer(_result: Result) -> tuple[int, bytes]:
    """For calls whose answer is not made from a result."""
    return 200, b""


class IdempotentCall(Struct, frozen=True, gc=False):
    """What makes a call the same call again."""

    key: IdempotencyKey
    request_hash: bytes
    owner: Owner | None = None
    """None where the command proves who asks, by a key or by the token of a hold."""
    written_before: IdempotencyKey | None = None
    """The key as the release before wrote it, not hashed."""
    earlier_answer: Callable[[Any], tuple[int, bytes]] = no_answer
    """Status and body as the release before reads them, made of the result and stored beside it.

    To be removed in the next release: no other reads them.
    """


class EarlierAnswer(Struct, frozen=True, gc=False):
    """What the release before stored of a call: its answer, and no result."""

    status: int
    body: bytes


class Granted(Struct, frozen=True, gc=False):
    """A command that was granted, or was before, under the same key."""

    version: int
    """One that has what was granted."""
    result: Result | EarlierAnswer
    replayed: bool = False
    entry: Entry | None = None
    """What was written for it; none for a call that was made before."""
    stored_bytes: int = 0
    """What is stored of a call with a key, so that it may be repeated."""


KeyTaken = IdempotencyKeyReused | IdempotencyKeyInUse
"""Why a key is of no use to its caller."""

Decision = Granted | Refusal | KeyTaken


class Submission(Struct, eq=False):
    """A command on its way through the writer."""

    command: Command
    buyer: Buyer = Buyer()
    once: IdempotentCall | None = None
    dry_run: bool = False
    """Tell what would happen, and let nothing happen."""
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
    known: Mapping[IdempotencyKey, StoredAnswer]
    """What came of calls that were made before."""
    row: BatchRow | None = None
    """What is to be written; none when nothing was granted."""
    outcomes: list[tuple[Submission, Decision]] = field(default_factory=list)
    answers: dict[IdempotencyKey, StoredAnswer] = field(default_factory=dict)

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
            self.row = BatchRow(batch.version, batch_id, log_entries.FORMAT, encoded, batch.at_ms)

    def _outcome(self, submission: Submission) -> Decision:
        """What to tell the caller, once the batch is there for ever."""
        once, batch = submission.once, self.batch
        if once is not None:
            if once.key in self.answers:
                return self._again(once, self.answers[once.key], batch.version)
            before = self._answered_before(once)
            if before is not None:
                return self._again(once, before, batch.version - 1)
        if submission.dry_run:
            entry = batch.preview(submission.command)
        else:
            entry = batch.decide(submission.command)
        if isinstance(entry, Refusal):
            return entry
        if submission.dry_run:
            return Granted(batch.version, results.of_preview(entry, batch))
        result = results.of(submission.command, entry, batch)
        self.projection.add(batch, entry, submission.buyer)
        if submission.occasion:
            self.projection.occasion.update(submission.occasion)
        self.projection.jobs += submission.jobs(entry)
        if once is None:
            return Granted(batch.version, result, entry=entry)
        stored = self.answers[once.key] = _stored(submission.command, once, result)
        stored_bytes = len(stored.answer) + len(stored.result or b"")
        return Granted(batch.version, result, entry=entry, stored_bytes=stored_bytes)

    def _answered_before(self, once: IdempotentCall) -> StoredAnswer | None:
        """The answer of an earlier batch, while it is kept."""
        found = self.known.get(once.key)
        if found is None and once.written_before is not None:
            found = self.known.get(once.written_before)
        if found is None or found.until_ms is None or self.batch.at_ms < found.until_ms:
            return found
        return None

    def _again(self, once: IdempotentCall, before: StoredAnswer, version: int) -> Decision:
        """What the caller of a repeated call is told."""
        if not _made_by(once.owner, before):
            return IdempotencyKeyInUse()
        if before.request_hash != once.request_hash:
            return IdempotencyKeyReused()
        if before.hold is not None:
            shown = self.batch.hold(before.hold)
            if isinstance(shown, Refusal) and (before.status == GONE or shown.code in _ENDED):
                return structs.replace(shown, hold=before.hold)
        return Granted(version, _first_result(before), replayed=True)


NOBODY: Final = Buyer()

_ENDED: Final = frozenset({RefusalCode.hold_expired, RefusalCode.hold_released})


def _made_by(owner: Owner | None, before: StoredAnswer) -> bool:
    """Whether this caller made the first call; an answer without an owner is proved otherwise."""
    if before.address is None:
        return True
    return owner is not None and (owner.address == before.address or owner.buyer == before.buyer)


def _stored(command: Command, once: IdempotentCall, result: Result) -> StoredAnswer:
    """The result as it is kept: what shows a hold is tied to it, a release ends with it."""
    buyer, address = once.owner or (None, None)
    status, body = once.earlier_answer(result)
    return StoredAnswer(
        once.request_hash,
        status,
        body,
        result.at_ms,
        buyer,
        address,
        hold=command.hold if isinstance(command, results.SHOW_HOLD) else None,
        until_ms=result.at_ms + ENDED_KEPT_MS if isinstance(command, ReleaseHold) else None,
        result=results.encode(result),
        result_format=results.FORMAT,
    )


def _first_result(stored: StoredAnswer) -> Result | EarlierAnswer:
    """What came of the first call.

    The release before writes over a row, or shrinks it, and leaves a result in it that is of
    another call, or of a hold that is gone: then the answer holds.
    """
    result = None
    if stored.result is not None and stored.status != GONE:
        result = results.decode(stored.result_format, stored.result)
    if result is None or result.at_ms != stored.at_ms:
        return EarlierAnswer(stored.status, stored.answer)
    return result


def keys_of(submissions: Sequence[Submission]) -> list[str]:
    """The keys of those that came with one, in every form in which they may be stored."""
    onces = [submission.once for submission in submissions if submission.once]
    before = [once.written_before for once in onces if once.written_before]
    return [each.key for each in (*(once.key for once in onces), *before)]


def fail(submissions: Sequence[Submission], error: Exception) -> None:
    """Answer those that are not answered yet with an error."""
    for submission in submissions:
        if not submission.outcome.done():
            submission.outcome.set_exception(error)
            submission.outcome.exception()  # counts as seen: its caller may have left
