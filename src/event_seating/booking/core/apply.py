"""What each operation of an entry does to the ledger.

The same functions run for what was just decided here and for the rows of other processes, so that
the log alone gives the same state everywhere. An operation that does not fit the state (a seat that
is taken, a hold that does not exist) raises `InvariantError`: the log and the state disagree, and
nothing may be decided any more. Nothing here judges whether a command should be granted.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from msgspec.structs import replace

from event_seating.booking.core.ledger import Ledger
from event_seating.booking.core.log_entries import (
    Amended,
    Blocked,
    Booked,
    Cancelled,
    Configured,
    Entry,
    Exchanged,
    Expired,
    Extended,
    Frozen,
    Held,
    Released,
    Thawed,
    Unblocked,
    from_ranges,
)
from event_seating.booking.core.records import (
    AVAILABLE,
    BLOCKED,
    BOOKED,
    HELD,
    Booking,
    EndCause,
    Freeze,
    Groups,
    Hold,
    Tombstone,
    seat_count,
    seats_of,
    without,
)
from event_seating.booking.core.seat_arrays import InvariantError

_RELEASED: Final = EndCause.released
"""Kept in a global, since looking up an enum member takes as long as moving a seat."""


def perform(ledger: Ledger, entries: Iterable[Entry], at_ms: int) -> None:
    """Apply the entries at this time; raises `InvariantError` when an operation does not fit."""
    for entry in entries:
        for operation in entry.operations:
            # The two most frequent operations are called directly, which takes half the time of a
            # call through the table.
            if isinstance(operation, Held):
                _hold(ledger, operation, at_ms)
            elif isinstance(operation, Released):
                _release(ledger, operation, at_ms)
            else:
                _PERFORM[type(operation)](ledger, operation, at_ms)


def _configure(ledger: Ledger, operation: Configured, _at_ms: int) -> None:
    """Sell by another configuration."""
    ledger.set_configuration(operation.configuration)


def _hold(ledger: Ledger, operation: Held, at_ms: int) -> None:
    """Begin a hold."""
    key = operation.hold
    if key in ledger.holds or key in ledger.booking_of_hold or key in ledger.tombstones:
        raise InvariantError("a hold begins twice")
    groups, expires_ms = operation.groups, at_ms + operation.lasts_ms
    seats = seats_of(groups)
    ledger.arrays.move(seats, AVAILABLE, HELD, None, key, ledger.undo.seats)
    hold = Hold(
        key,
        groups,
        at_ms,
        expires_ms,
        operation.buyer,
        operation.by_address,
        operation.address,
        operation.network,
    )
    rests = ledger.cool_down.recent
    if rests and not rests.keys().isdisjoint(seats):
        stretches = ledger.cool_down.resume(hold, seats, at_ms)
        if stretches:
            hold = replace(hold, stretches=stretches)
    ledger.put_hold(hold, len(seats))


def _amend(ledger: Ledger, operation: Amended, at_ms: int) -> None:
    """Change the seats of a hold."""
    hold, added = _hold_of(ledger, operation.hold), seats_of(operation.added)
    groups = _exchanged(ledger, hold, operation.removed, operation.added)
    stretches = ledger.cool_down.changed(hold, operation.removed, added, at_ms)
    changed = replace(hold, groups=groups, revision=hold.revision + 1, stretches=stretches)
    _replace(ledger, hold, changed)


def _extend(ledger: Ledger, operation: Extended, at_ms: int) -> None:
    """Move the end of a hold."""
    hold = _hold_of(ledger, operation.hold)
    _replace(ledger, hold, replace(hold, expires_ms=at_ms + operation.lasts_ms))


def _freeze(ledger: Ledger, operation: Frozen, at_ms: int) -> None:
    """Freeze a hold, or let the box office take over the buyer's freeze."""
    hold, by_staff = _hold_of(ledger, operation.hold), operation.by_staff
    freeze = hold.freeze
    if freeze is not None and not by_staff:
        raise InvariantError("a buyer freezes a hold that is frozen")
    continues = freeze is not None and freeze.by_staff
    changed = replace(
        hold,
        expires_ms=at_ms + operation.lasts_ms,
        revision=hold.revision + (not continues),
        freeze=Freeze(by_staff, hold.expires_ms if freeze is None else freeze.expires_ms),
        freezes=hold.freezes + (not by_staff),
    )
    _replace(ledger, hold, changed)


def _thaw(ledger: Ledger, operation: Thawed, at_ms: int) -> None:
    """Let a frozen hold be changed again."""
    hold = _hold_of(ledger, operation.hold)
    if hold.freeze is None:
        raise InvariantError("a hold thaws that is not frozen")
    expires_ms, revision = at_ms + operation.lasts_ms, hold.revision + 1
    _replace(ledger, hold, replace(hold, expires_ms=expires_ms, revision=revision, freeze=None))


def _release(ledger: Ledger, operation: Released, at_ms: int) -> None:
    """End a hold that was given back."""
    seats = operation.seats
    hold = _end(ledger, operation.hold, seats)
    ledger.cool_down.note(hold, seats, at_ms, operation.taken_away)
    ledger.note_end(operation.hold, _RELEASED, at_ms)


def _expire(ledger: Ledger, operation: Expired, at_ms: int) -> None:
    """End a hold that ran out; until its grace is over it can still be booked."""
    hold = _end(ledger, operation.hold, operation.seats)
    ledger.cool_down.note(hold, operation.seats, at_ms)
    ledger.note_end(hold.id, EndCause.expired, at_ms)
    if at_ms < hold.expires_ms + ledger.grace_ms:
        ledger.put_late(hold.id, hold)


def _book(ledger: Ledger, operation: Booked, at_ms: int) -> None:
    """Begin a booking, from a hold or without one."""
    key, from_hold = operation.booking, operation.hold
    if key in ledger.bookings or key in ledger.tombstones:
        raise InvariantError("a booking begins twice")
    if operation.groups:
        groups = operation.groups
        if from_hold is not None:
            ledger.put_tombstone(from_hold, None)
            ledger.put_late(from_hold, None)
        seats = seats_of(groups)
        free = seats if from_hold is not None else _take_blocked(ledger, seats, key)
        _take(ledger, free, BOOKED, key)
    else:
        if from_hold is None:
            raise InvariantError("a booking has neither a hold nor lines")
        groups = _end(ledger, from_hold, operation.seats, BOOKED, key).groups
    if from_hold is not None:
        ledger.put_booking_of_hold(from_hold, key)
    ledger.put_booking(key, Booking(key, groups, at_ms, from_hold))


def _cancel(ledger: Ledger, operation: Cancelled, at_ms: int) -> None:
    """Give seats of a booking back; a booking that has none left is cancelled."""
    booking = _booking_of(ledger, operation.booking)
    groups = _exchanged(ledger, booking, operation.seats)
    if groups:
        ledger.put_booking(booking.id, _with(booking, groups))
        return
    ledger.put_booking(booking.id, None)
    ledger.note_end(booking.id, EndCause.cancelled, at_ms)
    if booking.hold is not None:
        ledger.put_booking_of_hold(booking.hold, None)
        ledger.put_tombstone(booking.hold, Tombstone(EndCause.booked, at_ms, booking.id))


def _exchange(ledger: Ledger, operation: Exchanged, _at_ms: int) -> None:
    """Change the seats of a booking."""
    booking = _booking_of(ledger, operation.booking)
    groups = _exchanged(ledger, booking, operation.released, operation.taken)
    if not groups:
        raise InvariantError("an exchange leaves a booking without a seat")
    ledger.put_booking(booking.id, _with(booking, groups))


def _block(ledger: Ledger, operation: Blocked, _at_ms: int) -> None:
    """Withdraw seats from sale."""
    _take(ledger, from_ranges(operation.ranges), BLOCKED, None)


def _unblock(ledger: Ledger, operation: Unblocked, _at_ms: int) -> None:
    """Give blocked seats back to the sale."""
    seats = from_ranges(operation.ranges)
    ledger.arrays.move(seats, BLOCKED, AVAILABLE, None, None, ledger.undo.seats)


def _take(ledger: Ledger, seats: Sequence[int], to: int, owner: bytes | None) -> None:
    """Give seats to an owner; they must be free."""
    ledger.arrays.move(seats, AVAILABLE, to, None, owner, ledger.undo.seats)


def _take_blocked(ledger: Ledger, seats: Sequence[int], owner: bytes) -> Sequence[int]:
    """Sell the blocked ones among the seats; returns the others."""
    status = ledger.arrays.status
    blocked = [seat for seat in seats if seat < len(status) and status[seat] == BLOCKED]
    if not blocked:
        return seats
    ledger.arrays.move(blocked, BLOCKED, BOOKED, None, owner, ledger.undo.seats)
    sold = frozenset(blocked)
    return [seat for seat in seats if seat not in sold]


def _end(
    ledger: Ledger,
    key: bytes,
    seats: Sequence[int],
    to: int = AVAILABLE,
    owner: bytes | None = None,
) -> Hold:
    """Remove a hold and give its seats the status `to` and their new owner."""
    hold, count = _hold_of(ledger, key), len(seats)
    if count != seat_count(hold.groups):
        raise InvariantError("not all seats of a hold end with it")
    ledger.arrays.move(seats, HELD, to, key, owner, ledger.undo.seats)
    ledger.end_hold(hold, count)
    return hold


def _exchanged(
    ledger: Ledger,
    record: Hold | Booking,
    removed: Sequence[int],
    added: Groups = (),
) -> Groups:
    """Free some seats of a hold or booking and give it others; returns its groups after that."""
    owner, groups = record.id, record.groups
    status = HELD if isinstance(record, Hold) else BOOKED
    if removed:
        ledger.arrays.move(removed, status, AVAILABLE, owner, None, ledger.undo.seats)
        groups = without(groups, removed)
    if added:
        _take(ledger, seats_of(added), status, owner)
    return groups + added


def _replace(ledger: Ledger, hold: Hold, changed: Hold) -> None:
    """Replace a hold by its changed version."""
    ledger.end_hold(hold, seat_count(hold.groups))
    ledger.put_hold(changed, seat_count(changed.groups))


def _hold_of(ledger: Ledger, key: bytes) -> Hold:
    hold = ledger.holds.get(key)
    if hold is None:
        raise InvariantError("the log names a hold that is not there")
    return hold


def _booking_of(ledger: Ledger, key: bytes) -> Booking:
    booking = ledger.bookings.get(key)
    if booking is None:
        raise InvariantError("the log names a booking that is not there")
    return booking


def _with(booking: Booking, groups: Groups) -> Booking:
    return Booking(booking.id, groups, booking.booked_ms, booking.hold)


_PERFORM: Final[dict[type, Callable[[Ledger, Any, int], None]]] = {
    Configured: _configure,
    Held: _hold,
    Amended: _amend,
    Extended: _extend,
    Released: _release,
    Expired: _expire,
    Booked: _book,
    Cancelled: _cancel,
    Exchanged: _exchange,
    Blocked: _block,
    Unblocked: _unblock,
    Frozen: _freeze,
    Thawed: _thaw,
}
