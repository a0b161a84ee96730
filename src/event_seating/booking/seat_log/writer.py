"""The writer of an event's log: one for each event and process, and the only way to a seat.

It takes the waiting commands, decides each against the state and what this batch already granted,
and appends **one** row with the next version, in one transaction with everything that follows from
it. Only after the commit does it apply the entries, answer the callers and notify the listeners. If
another process took the version first, the append fails: the batch is discarded, the missing rows
are read, and everything is decided again. This compare-and-swap is all that safety needs: no lease,
no leader, no lock on seats.

Only fairness needs locks: a writer that lost a race or read a row of another process acquires the
locks before it reads and decides, until it has written `CALM_BATCHES` rows without meeting another.

An unknown outcome (the connection broke during the commit) is never guessed: see `in_doubt`.

One bad command does not fail its batch: when an append fails for another reason, each command runs
alone once, and only the bad one gets the error.

The rules are in `core`; the writer knows neither them, nor HTTP, nor SQL.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, nullcontext
from functools import partial
from typing import Final, Protocol

from event_seating.booking.core.log_entries import BrokenEntriesError, Entry, UnknownFormatError
from event_seating.booking.core.refusals import Refusal
from event_seating.booking.core.seat_arrays import InvariantError
from event_seating.booking.core.seat_state import Batch, SeatStates
from event_seating.booking.errors import EventUnavailable
from event_seating.booking.seat_log import in_doubt, tail
from event_seating.booking.seat_log.counters import SeatLogTally
from event_seating.booking.seat_log.in_doubt import LostRace
from event_seating.booking.seat_log.ports import (
    Announce,
    BatchRow,
    IdempotencyKey,
    LogStore,
    LogTransaction,
    StoredAnswer,
    announce_nothing,
)
from event_seating.booking.seat_log.projection import Projection
from event_seating.booking.seat_log.submission import Decided, Granted, Submission, fail, keys_of
from event_seating.booking.seating import ids
from event_seating.cache.single_flight import SingleFlight
from event_seating.clock import Clock
from event_seating.db.retention import ANSWERS_KEPT_MS
from event_seating.errors import DatabaseUnavailable, ServiceError, TooBusy
from event_seating.telemetry.logs import get_logger

BATCH_MAX: Final = 512
"""Commands a row: deciding them takes about 5 ms, which is also what a commit to disk takes."""

QUEUE_MAX: Final = 20_000
"""Commands that may wait for one event: as many as one log can take in some seconds."""

CALM_BATCHES: Final = 50
"""Own rows in succession, after which the process counts as the only one that writes the event."""

RACES_MAX: Final = 100
"""Races that a batch may lose before it fails; with the locks it never comes close."""

UNREADABLE: Final = (InvariantError, UnknownFormatError, BrokenEntriesError)
"""The log and the state of this process disagree: it must not decide any more."""

_log = get_logger("seat log")


class RowListener(Protocol):
    """Called with each row that was committed."""

    def __call__(self, log: "SeatLog", changes: dict[int, int], entries: Sequence[Entry]) -> None:
        """The row `log.states.version` was applied; `changes` is the new status by seat."""
        ...


class SeatLog:
    """The log of one event in this process, and the state that follows from it."""

    def __init__(
        self,
        event_id: str,
        states: SeatStates,
        store: LogStore,
        clock: Clock,
        *,
        listeners: Sequence[RowListener] = (),
        new_id: Callable[[], bytes] = ids.new_key,
        set_clock: Callable[[], Awaitable[None]] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        tally: SeatLogTally | None = None,
        announce: Announce = announce_nothing,
    ) -> None:
        self.event_id = event_id
        self.states = states
        self.broken: str | None = None
        """Why this log no longer decides, if it does not; the event has to be loaded again."""
        self._store = store
        self._clock = clock
        self._listeners = listeners
        self._new_id = new_id
        self._set_clock = set_clock
        self._sleep = sleep
        self._tally = tally or SeatLogTally()
        self._announce = announce
        self._waiting: deque[Submission] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self._calm = CALM_BATCHES
        self._behind = False
        self._catching_up = SingleFlight[None](lambda _key, _nothing: None)
        self.conflicts = 0

    # For callers

    async def submit(self, submission: Submission) -> Granted | Refusal:
        """Have the command decided, and wait until that is committed.

        Raises `EventUnavailable`, `TooBusy`, `IdempotencyKeyReused`, `IdempotencyKeyInUse`, and
        `DatabaseUnavailable` when nobody knows whether it was granted (the same call again, with
        its key, will tell).
        """
        if self.broken is not None:
            raise EventUnavailable
        if len(self._waiting) >= QUEUE_MAX:
            raise TooBusy
        self._waiting.append(submission)
        self._wake()
        # A caller who leaves does not withdraw the command; its outcome is dropped.
        return await submission.outcome

    async def sweep(self) -> None:
        """Expire the holds that are due, unless a waiting command will do so."""
        if not self._waiting and self.broken is None and self.states.is_due(self._clock.now_ms()):
            async with self._writing:
                await self._settle([])

    async def catch_up(self) -> None:
        """Read the rows of other processes.

        Afterwards the state has every row that was committed before the call. All callers that
        come before a read begins share it, so the writer waits for one read at a time. Raises
        `EventUnavailable` when the rows cannot be applied, and `DatabaseUnavailable`.
        """
        await self._catching_up.load(self.event_id, self._catch_up)

    async def _catch_up(self) -> None:
        async with self._writing:
            # The read begins here: a later caller may know of a row that this read misses.
            self._catching_up.invalidate(self.event_id)
            try:
                await self._read_tail()
            except UNREADABLE as error:
                self._break(error)
                raise EventUnavailable from error

    @property
    def busy(self) -> bool:
        """Whether commands wait or are being written."""
        return bool(self._waiting) or self._writing.locked()

    async def drained(self) -> None:
        """Wait until no command waits or is being written."""
        while self._writer is not None and not self._writer.done():
            await asyncio.wait([self._writer])

    # The writer

    def _wake(self) -> None:
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name=f"seat log {self.event_id}")

    async def _write(self) -> None:
        # One step of the loop: commands that arrive together become one batch.
        await asyncio.sleep(0)
        while self._waiting:
            async with self._writing:
                await self._settle(self._next(BATCH_MAX))

    def _next(self, most: int) -> list[Submission]:
        """At most `most` of the waiting commands, the oldest first."""
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), most))]

    async def _settle(self, submissions: list[Submission], most: int = BATCH_MAX) -> None:
        """Answer every one of them, whatever happens.

        While the writer waits for the lock, newly arrived commands join, up to `most` in all.
        """
        if self.broken is not None:
            fail(submissions, EventUnavailable())
            return
        try:
            await self._settle_together(submissions, most)
        except (DatabaseUnavailable, EventUnavailable) as error:
            self._behind = True
            fail(submissions, error)
        except UNREADABLE as error:
            self._break(error)
            fail(submissions, EventUnavailable())
        except Exception as error:  # noqa: BLE001 (one of them caused it: find out which)
            await self._settle_alone(submissions, error)
        except BaseException:
            # Cancelled, maybe during a commit: no caller is left waiting for ever.
            self._behind = True
            fail(submissions, DatabaseUnavailable())
            raise

    async def _settle_alone(self, submissions: list[Submission], error: Exception) -> None:
        if len(submissions) <= 1:
            _log.error("a command could not be written", exc_info=error)
            fail(submissions, error)
            return
        for submission in submissions:
            if not submission.outcome.done():
                await self._settle([submission], most=1)

    async def _settle_together(self, submissions: list[Submission], most: int) -> None:
        for _ in range(RACES_MAX):
            try:
                await self._attempt(submissions, most)
            except LostRace:
                self.conflicts += 1
                self._tally.conflicts += 1
                self._calm = 0
                before = self.states.version
                await self._read_tail()
                if self.states.version == before:
                    await self._wait_for_the_clock()
            else:
                return
        raise EventUnavailable

    async def _wait_for_the_clock(self) -> None:
        """After an append that was refused for its time: this clock is ahead of the database's."""
        if self._set_clock is not None:
            await self._set_clock()
        await self._sleep(in_doubt.LOOK_FOR_ROW_EVERY_S)

    async def _attempt(self, submissions: list[Submission], most: int) -> None:
        """Decide them and write what was granted; raises `LostRace` when another process was first.

        A writer that competes with others waits for the lock and decides while it holds it; one
        that is alone decides first, and holds the lock only to write its row.
        """
        if self._behind:
            await self._read_tail()
        queued = self._calm < CALM_BATCHES
        decided: Decided | None = None
        # The batch is opened in the transaction and closed after it, once its outcome is known.
        with ExitStack() as open_batch:
            try:
                async with self._queued() if queued else nullcontext() as transaction:
                    if transaction is not None:
                        await tail.read_under_lock(self.states, transaction, self._foreign_row)
                        submissions += self._next(most - len(submissions))
                    known = await self._known(submissions, transaction)
                    batch = open_batch.enter_context(self.states.begin(self._clock.now_ms()))
                    decided = self._decide(batch, submissions, known)
                    await self._write_row(decided, transaction)
            except DatabaseUnavailable:
                if decided is None:
                    raise
                await self._resolve(decided)
            if decided.row is None and decided.outcomes and not queued:
                await self._check_current()
            self._finish(decided)

    def _queued(self) -> AbstractAsyncContextManager[LogTransaction]:
        return self._store.transaction(self.event_id, queued=True)

    async def _known(
        self, submissions: list[Submission], transaction: LogTransaction | None
    ) -> dict[IdempotencyKey, StoredAnswer]:
        """The stored answers of those calls that were made before."""
        keys = keys_of(submissions)
        if not keys:
            return {}
        if transaction is None:
            return await self._store.answers(self.event_id, keys, self._since())
        known = await transaction.answers(keys, self._since())
        if known:
            # So that the version in the answer has what was granted before.
            await tail.read(self.states, transaction.rows_after, self._foreign_row)
        return known

    async def _check_current(self) -> None:
        """Check that a refusal was decided on the newest row, as an append does for a grant."""
        if await self._store.rows_after(self.event_id, self.states.version, 1):
            raise LostRace

    async def _write_row(self, decided: Decided, transaction: LogTransaction | None) -> None:
        """Append the row, if there is one, in this transaction or in one of its own."""
        if decided.row is None:
            return
        if transaction is not None:
            await self._append(transaction, decided, decided.row)
            return
        async with self._store.transaction(self.event_id, queued=False) as own:
            await self._append(own, decided, decided.row)

    async def _append(self, transaction: LogTransaction, decided: Decided, row: BatchRow) -> None:
        if not await transaction.append(row, decided.projection, decided.answers):
            raise LostRace

    async def _resolve(self, decided: Decided) -> None:
        if decided.row is not None:
            await in_doubt.resolve(
                self.event_id, decided.row, decided, self._store, self._clock, self._sleep
            )

    def _decide(
        self, batch: Batch, submissions: list[Submission], known: dict[IdempotencyKey, StoredAnswer]
    ) -> Decided:
        configuration = self.states.configuration
        currency = configuration.currency if configuration else ""
        decided = Decided(batch, Projection(self.event_id, currency), known)
        for submission in submissions:
            decided.add(submission)
        decided.close(self._new_id())
        if decided.row is not None:
            decided.projection.jobs += self._announce(batch, decided.projection)
        return decided

    def _finish(self, decided: Decided) -> None:
        """The row is committed, or there is none: apply, answer, notify."""
        batch = decided.batch
        if decided.row is not None:
            self._calm += 1
            changes = self.states.commit(batch)
            self._tally.batch_sizes[len(batch.entries)] += 1
            self._tally.log_bytes += len(decided.row.entries)
            self._notify(changes, batch.entries)
        self._tally.answered(decided.outcomes)
        for submission, outcome in decided.outcomes:
            if isinstance(outcome, ServiceError):
                fail([submission], outcome)
            elif not submission.outcome.done():
                submission.outcome.set_result(outcome)

    # The rows of others

    async def _read_tail(self) -> None:
        await tail.read(
            self.states, partial(self._store.rows_after, self.event_id), self._foreign_row
        )
        self._behind = False

    def _foreign_row(self, changes: dict[int, int], entries: Sequence[Entry]) -> None:
        """A row of another process was applied."""
        self._calm = 0
        self._notify(changes, entries)

    def _notify(self, changes: dict[int, int], entries: Sequence[Entry]) -> None:
        for listener in self._listeners:
            try:
                listener(self, changes, entries)
            except Exception as error:  # noqa: BLE001 (the row is committed all the same)
                _log.error("a listener failed", eventId=self.event_id, exc_info=error)

    def _break(self, error: Exception) -> None:
        self.broken = str(error)
        _log.critical(
            "the log and the state of an event disagree; it is taken out of service here",
            eventId=self.event_id,
            version=self.states.version,
            exc_info=error,
        )
        while self._waiting:
            fail([self._waiting.popleft()], EventUnavailable())

    def _since(self) -> int:
        return self._clock.now_ms() - ANSWERS_KEPT_MS
