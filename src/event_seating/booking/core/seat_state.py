"""`SeatStates`: the seats of one event, and who has them.

The one entry point to the rules. A writer opens a `Batch` at a time, decides commands in it (each
sees what the batch granted before it), writes the entries to the log, and then commits the batch or
discards it. The rows of other processes come in through `apply`. Readers see only what was
committed. Everything here is pure: no I/O, no clock, no randomness, no logging; the same entries
in the same order give the same state everywhere.

Time: a batch has one time, which is never before that of the last row. Holds that have run out by
then are expired when the batch opens, as its first entry: so their seats are free for its commands,
and the log says that they expired before it says who took them.
"""

from collections.abc import Generator, Iterable
from types import TracebackType
from typing import Final, Self

from event_seating.booking.core import invariants, state_codec
from event_seating.booking.core.apply import perform
from event_seating.booking.core.commands import CancelBooking, Command, Part, WindUp
from event_seating.booking.core.decisions import RuleBook
from event_seating.booking.core.ledger import Ledger
from event_seating.booking.core.log_entries import Cancelled, Entry, Expired, changes
from event_seating.booking.core.records import (
    AVAILABLE,
    BOOKED,
    HELD,
    STATUS_CHARS,
    STATUS_NAMES,
    Booking,
    Configuration,
    Groups,
    Hold,
    seats_of,
)
from event_seating.booking.core.refusals import Refusal, SeatProblem
from event_seating.booking.core.rules import booking_or_ending, hold_or_ending
from event_seating.booking.core.seat_arrays import InvariantError
from event_seating.booking.core.seat_index import STATUSES, SeatIndex
from event_seating.booking.core.seat_selection import problem_of

BOOKING_GRACE_MS: Final = 60_000
"""A payment that was confirmed while the hold ran out still gets its seats, if they are free."""

StatusCounts = dict[str, int]
"""Seats by the name of their status."""


class Batch:
    """Commands decided one after the other, at one time, before any of it is final.

    `entries` are to be written as the row `version` of the log, with the time `at_ms`. At the end
    of its `with` block a batch that was not committed is discarded.
    """

    def __init__(self, states: "SeatStates", at_ms: int, version: int) -> None:
        self.at_ms = at_ms
        self.version = version
        self.entries: list[Entry] = []
        self._states = states
        self._cancelled: dict[bytes, Groups] = {}
        """The seats that bookings had when this batch cancelled them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()

    def decide(self, command: Command) -> Entry | Refusal:
        """Grant or refuse; what is granted counts for the commands after it.

        An `InvariantError` means that the batch has to be discarded and the state loaded again.
        """
        states = self._open()
        outcome = states.rules.decide(command, self.at_ms)
        if isinstance(outcome, Entry):
            if isinstance(command, CancelBooking | WindUp):
                self._note_cancelled(outcome)
            perform(states.ledger, (outcome,), self.at_ms)
            self.entries.append(outcome)
        return outcome

    def _note_cancelled(self, entry: Entry) -> None:
        bookings = self._open().ledger.bookings
        for operation in entry.operations:
            if isinstance(operation, Cancelled):
                self._cancelled[operation.booking] = bookings[operation.booking].groups

    def preview(self, command: Command) -> Entry | Refusal:
        """What `decide` would return now; grants nothing (for a dry run)."""
        return self._open().rules.decide(command, self.at_ms)

    def hold(self, key: bytes) -> Hold | Refusal:
        """A hold as it is in this batch."""
        return self._open().rules.live_hold(key, self.at_ms)

    def booking(self, key: bytes) -> Booking | Refusal:
        """A booking as it is in this batch."""
        return self._open().rules.live_booking(key, self.at_ms)

    def groups_of(self, key: bytes) -> Groups:
        """The seats of a booking, or those that it had when this batch cancelled it."""
        booking = self.booking(key)
        return booking.groups if isinstance(booking, Booking) else self._cancelled[key]

    def rejected(self, part: Part, entry: Entry | Refusal) -> tuple[SeatProblem, ...]:
        """The seats that a block or unblock left as they are, and why; call it after `decide`."""
        if isinstance(entry, Refusal):
            return entry.seats
        ledger, moved = self._open().ledger, changes([entry])
        return tuple(problem_of(ledger, seat) for seat in part.seats if seat not in moved)

    @property
    def seat_count(self) -> int:
        """How many seats the event has, without places of areas."""
        return self._states.index.seat_count

    def unsold(self) -> int:
        """How many seats and places are available or held in this batch."""
        counts = self._open().ledger.arrays.counts
        return sum(counts[AVAILABLE::STATUSES]) + sum(counts[HELD::STATUSES])

    def discard(self) -> None:
        """Undo all that was granted; does nothing after a commit or a first call."""
        if self._states.batch is self:
            self._states.ledger.roll_back()
            self._states.batch = None

    def expire(self, most: int | None) -> None:
        """Expire at most `most` holds that have run out, the earliest first."""
        ledger = self._open().ledger
        expired: list[Expired] = []
        while most is None or len(expired) < most:
            hold = ledger.first_due(self.at_ms)
            if hold is None:
                break
            operation = Expired(hold.id, seats_of(hold.groups))
            perform(ledger, (Entry(None, (operation,)),), self.at_ms)
            expired.append(operation)
        if expired:
            self.entries.append(Entry(None, tuple(expired)))

    def _open(self) -> "SeatStates":
        if self._states.batch is not self:
            raise InvariantError("the batch is no longer open")
        return self._states


class SeatStates:
    """The state machine of one event.

    `version` is that of the last row that was applied (0: none), `at_ms` its time. `ledger` and
    `rules` are for `Batch` alone.
    """

    def __init__(self, ledger: Ledger, *, version: int = 0, at_ms: int = 0) -> None:
        self.index = ledger.index
        self.ledger = ledger
        self.rules = RuleBook(ledger)
        self.version = version
        self.at_ms = at_ms
        self.batch: Batch | None = None

    @classmethod
    def new(cls, index: SeatIndex, *, grace_ms: int = BOOKING_GRACE_MS) -> Self:
        """An event without history; its first command is `Configure`."""
        return cls(Ledger(index, grace_ms))

    # Writing

    def begin(self, now_ms: int) -> Batch:
        """Open a batch at this time, or at the log's last time if that is later.

        Holds that have run out by then are expired in it. One batch is open at a time.
        """
        batch = self._begin(now_ms)
        batch.expire(None)
        return batch

    def sweep(self, now_ms: int, most: int) -> Batch:
        """Open a batch that only expires holds, at most `most`; commit it without deciding.

        For an event that is loaded after a pause: called until `is_due` is false, it spreads the
        work (about 5 µs for a hold) over several rows. Without entries nothing was due.
        """
        batch = self._begin(now_ms)
        batch.expire(most)
        return batch

    def _begin(self, now_ms: int) -> Batch:
        if self.batch is not None:
            raise InvariantError("another batch is open")
        self.batch = Batch(self, max(now_ms, self.at_ms), self.version + 1)
        return self.batch

    def commit(self, batch: Batch) -> dict[int, int]:
        """Make a batch final after its row is in the log; returns the new status by seat.

        A batch without entries has no row: discard it instead.
        """
        if self.batch is not batch:
            raise InvariantError("the batch is no longer open")
        if not batch.entries:
            raise InvariantError("a batch without entries has no place in the log")
        changed = self._commit(batch.version, batch.at_ms)
        self.batch = None
        return changed

    def apply(self, version: int, at_ms: int, entries: Iterable[Entry]) -> dict[int, int]:
        """Apply the next row of the log; returns the new status by seat.

        Raises `InvariantError` when the row is not the next, its time runs backwards, it does not
        fit, or a batch is open (discard it first: its version is taken). Then nothing is changed.
        """
        if self.batch is not None:
            raise InvariantError("a batch is open")
        if version != self.version + 1:
            raise InvariantError(f"row {version} does not follow row {self.version}")
        if at_ms < self.at_ms:
            raise InvariantError("the time of the log runs backwards")
        try:
            perform(self.ledger, entries, at_ms)
            return self._commit(version, at_ms)
        except Exception:
            self.ledger.roll_back()
            raise

    def _commit(self, version: int, at_ms: int) -> dict[int, int]:
        changed = self.ledger.commit(at_ms)
        self.version, self.at_ms = version, at_ms
        return changed

    def is_due(self, now_ms: int) -> bool:
        """Whether a hold has run out that the log does not yet show as expired."""
        expires_ms = self.ledger.next_expiry_ms()
        return expires_ms is not None and expires_ms <= now_ms

    # Reading what was committed

    @property
    def configuration(self) -> Configuration | None:
        """How the event sells; `None` before the first row."""
        return self.ledger.undo.configuration

    def characters(self) -> bytes:
        """One status character (`ahbx`) a seat in the map's order, without places of areas."""
        return bytes(memoryview(self.ledger.published)[: self.index.seat_count])

    def status(self, seat: int) -> str:
        """The name of a seat's status."""
        return STATUS_NAMES[STATUS_CHARS.index(self.ledger.published[seat])]

    def counts(self) -> StatusCounts:
        """All seats and places by status."""
        counts = self.ledger.committed_counts()
        return {name: sum(counts[at::STATUSES]) for at, name in enumerate(STATUS_NAMES)}

    def most_held(self) -> int:
        """The most seats that one buyer, address or network holds."""
        return max(self.ledger.held_by.values(), default=0)

    def area_counts(self, area: int) -> StatusCounts:
        """The places of an area by status; they are a cell of their own."""
        counts = self.ledger.committed_counts()
        first = self.index.cell_of[self.index.areas[area].first]
        return dict(zip(STATUS_NAMES, counts[first : first + STATUSES], strict=True))

    def hold(self, key: bytes, now_ms: int) -> Hold | Refusal:
        """A hold, or how it ended, at this time."""
        ledger, undo = self.ledger, self.ledger.undo
        return hold_or_ending(
            ledger.committed(ledger.holds, undo.holds, key),
            ledger.committed(ledger.booking_of_hold, undo.booking_of_hold, key),
            ledger.committed(ledger.tombstones, undo.tombstones, key),
            max(now_ms, self.at_ms),
        )

    def booking(self, key: bytes) -> Booking | Refusal:
        """A confirmed booking, or that it was cancelled."""
        ledger, undo = self.ledger, self.ledger.undo
        return booking_or_ending(
            ledger.committed(ledger.bookings, undo.bookings, key),
            ledger.committed(ledger.tombstones, undo.tombstones, key),
            self.at_ms,
        )

    def booking_of(self, seat: int) -> bytes | None:
        """The id of the booking that has a seat."""
        return self._owner(seat, BOOKED)

    def hold_of(self, seat: int) -> Hold | None:
        """The hold that has a seat, as the log shows it."""
        key = self._owner(seat, HELD)
        ledger = self.ledger
        return None if key is None else ledger.committed(ledger.holds, ledger.undo.holds, key)

    def _owner(self, seat: int, status: int) -> bytes | None:
        """The id of the hold or booking that has a seat, if the seat has this status."""
        undo, arrays = self.ledger.undo, self.ledger.arrays
        committed, owner = undo.seats.get(seat, (arrays.status[seat], arrays.owner[seat]))
        return owner if committed == status else None

    # State snapshots and checks

    def freeze(self) -> state_codec.StateSnapshot:
        """The committed state, to be encoded piece by piece while the event goes on selling."""
        return state_codec.StateSnapshot(self.ledger, self.version, self.at_ms)

    def dump(self) -> bytes:
        """The committed state, as bytes for `load`."""
        return b"".join(self.freeze().pieces())

    @classmethod
    def load(cls, index: SeatIndex, dumped: bytes, *, grace_ms: int = BOOKING_GRACE_MS) -> Self:
        """The state that was dumped; raises `BrokenSnapshotError` if it is not one of this map."""
        steps = cls.load_in_steps(index, dumped, grace_ms=grace_ms)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                states: Self = done.value
                return states

    @classmethod
    def load_in_steps(
        cls, index: SeatIndex, dumped: bytes, *, grace_ms: int = BOOKING_GRACE_MS
    ) -> Generator[None, None, Self]:
        """As `load`, pausing every few milliseconds; the generator returns the state."""
        ledger, head = yield from state_codec.read(index, dumped, grace_ms)
        return cls(ledger, version=head.version, at_ms=head.at_ms)

    def check(self) -> None:
        """Recount everything; raises `InvariantError` when something disagrees."""
        invariants.check(self.ledger)
