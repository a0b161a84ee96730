"""Commands on their way through the writer, and the batch in which they are decided.

A submission waits for its batch, is decided in it, and is answered once the batch is written, or
once it is certain that it is not. Owns how a batch is decided: each command against the state and
what was granted before it; a repeated call gets its first answer. Writes nothing.
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
    """Who made a call, as hashes with the event's secret; either one proves it again."""

    buyer: bytes
    address: bytes


def no_jobs(_entry: Entry) -> Sequence[NewJob]:
    """No jobs besides those that `Announce` makes: for most commands."""
    return ()


def no_answer(_result: Result) -> tuple[int, bytes]:
    """For calls whose answer is not made from a result."""
    return 200, b""


class IdempotentCall(Struct, frozen=True, gc=False):
    """A call with an idempotency key: what identifies it when it is repeated."""

    key: IdempotencyKey
    request_hash: bytes
    owner: Owner | None = None
    """`None` where an API key or the token of a hold proves who asks."""
    written_before: IdempotencyKey | None = None
    """The key as the release before wrote it: not hashed."""
    earlier_answer: Callable[[Any], tuple[int, bytes]] = no_answer
    """Makes of the result the status and body that the release before reads; stored beside it.

    To be removed in the next release.
    """


class EarlierAnswer(Struct, frozen=True, gc=False):
    """What the release before stored of a call: its answer, and no result."""

    status: int
    body: bytes


class Granted(Struct, frozen=True, gc=False):
    """A command that was granted, now or by an earlier call with the same key."""

    version: int
    """A version of the event that has what was granted."""
    result: Result | EarlierAnswer
    replayed: bool = False
    entry: Entry | None = None
    """The entry that was written for it; `None` for a repeated call and a dry run."""
    stored_bytes: int = 0
    """How many bytes are stored so that the call can be repeated."""


KeyTaken = IdempotencyKeyReused | IdempotencyKeyInUse
"""Why the caller cannot use this key."""

Decision = Granted | Refusal | KeyTaken


class Submission(Struct, eq=False):
    """A command on its way through the writer."""

    command: Command
    buyer: Buyer = Buyer()
    call: IdempotentCall | None = None
    dry_run: bool = False
    """Say what would happen, and do nothing."""
    event_columns: Mapping[str, str | int] | None = None
    """What a `Configure` changes in the event's own row: its name and dates, by column."""
    jobs: Callable[[Entry], Sequence[NewJob]] = no_jobs
    """Makes the jobs that follow once it is granted; they are written in the same transaction."""
    outcome: asyncio.Future[Granted | Refusal] = msgspec.field(default_factory=asyncio.Future)


@dataclass(slots=True)
class Decided:
    """A batch that is decided and not yet written."""

    batch: Batch
    projection: Projection
    known: Mapping[IdempotencyKey, StoredAnswer]
    """The stored answers of earlier calls."""
    row: BatchRow | None = None
    """The row to write; `None` when nothing was granted."""
    outcomes: list[tuple[Submission, Decision]] = field(default_factory=list)
    answers: dict[IdempotencyKey, StoredAnswer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # The batch begins with the expiry of the holds that have run out by now.
        for entry in self.batch.entries:
            self.projection.add(self.batch, entry, NOBODY)

    def add(self, submission: Submission) -> None:
        """Decide one more submission."""
        self.outcomes.append((submission, self._outcome(submission)))

    def close(self, batch_id: bytes) -> None:
        """Make the row, if anything was granted; nothing is added after this."""
        batch = self.batch
        if batch.entries:
            encoded = log_entries.encode(batch.entries)
            self.row = BatchRow(batch.version, batch_id, log_entries.FORMAT, encoded, batch.at_ms)

    def _outcome(self, submission: Submission) -> Decision:
        """What the caller is told once the batch is committed."""
        call, batch = submission.call, self.batch
        if call is not None:
            if call.key in self.answers:
                return self._again(call, self.answers[call.key], batch.version)
            before = self._answered_before(call)
            if before is not None:
                return self._again(call, before, batch.version - 1)
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
        if submission.event_columns:
            self.projection.event_columns.update(submission.event_columns)
        self.projection.jobs += submission.jobs(entry)
        if call is None:
            return Granted(batch.version, result, entry=entry)
        stored = self.answers[call.key] = _stored(submission.command, call, result)
        stored_bytes = len(stored.answer) + len(stored.result or b"")
        return Granted(batch.version, result, entry=entry, stored_bytes=stored_bytes)

    def _answered_before(self, call: IdempotentCall) -> StoredAnswer | None:
        """The answer of an earlier batch, unless its time is over."""
        found = self.known.get(call.key)
        if found is None and call.written_before is not None:
            found = self.known.get(call.written_before)
        if found is None or found.until_ms is None or self.batch.at_ms < found.until_ms:
            return found
        return None

    def _again(self, call: IdempotentCall, before: StoredAnswer, version: int) -> Decision:
        """What the caller of a repeated call is told."""
        if not _made_by(call.owner, before):
            return IdempotencyKeyInUse()
        if before.request_hash != call.request_hash:
            return IdempotencyKeyReused()
        if before.hold is not None:
            shown = self.batch.hold(before.hold)
            if isinstance(shown, Refusal) and (before.status == GONE or shown.code in _ENDED):
                return structs.replace(shown, hold=before.hold)
        return Granted(version, _first_result(before), replayed=True)


NOBODY: Final = Buyer()

_ENDED: Final = frozenset({RefusalCode.hold_expired, RefusalCode.hold_released})


def _made_by(owner: Owner | None, before: StoredAnswer) -> bool:
    """Whether this caller made the first call; without an owner, the command itself proves it."""
    if before.address is None:
        return True
    return owner is not None and (owner.address == before.address or owner.buyer == before.buyer)


def _stored(command: Command, call: IdempotentCall, result: Result) -> StoredAnswer:
    """The result as it is stored; one that shows a hold names it, so that it ends with the hold."""
    buyer, address = call.owner or (None, None)
    status, body = call.earlier_answer(result)
    return StoredAnswer(
        call.request_hash,
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
    """The result of the first call.

    The release before may overwrite a row or cut it down without touching its result, which then
    belongs to another call, or to a hold that has ended: in that case the answer counts.
    """
    result = None
    if stored.result is not None and stored.status != GONE:
        result = results.decode(stored.result_format, stored.result)
    if result is None or result.at_ms != stored.at_ms:
        return EarlierAnswer(stored.status, stored.answer)
    return result


def keys_of(submissions: Sequence[Submission]) -> list[str]:
    """The idempotency keys of these submissions, hashed and as the release before wrote them."""
    calls = [submission.call for submission in submissions if submission.call]
    before = [call.written_before for call in calls if call.written_before]
    return [each.key for each in (*(call.key for call in calls), *before)]


def fail(submissions: Sequence[Submission], error: Exception) -> None:
    """Answer the submissions that are not answered yet with an error."""
    for submission in submissions:
        if not submission.outcome.done():
            submission.outcome.set_exception(error)
            submission.outcome.exception()  # marks it as retrieved: the caller may have left
