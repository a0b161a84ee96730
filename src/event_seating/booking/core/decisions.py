"""The rules: what is granted, what is refused and why.

One function for each command, to be read from top to bottom. Each looks at the ledger as it is at
one moment, with everything that has run out by then already expired, and returns the entry that
would do what was asked, or a refusal. None changes anything; the time is an argument.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any, ClassVar, Final

from event_seating.booking.core.best_available import BestFinder
from event_seating.booking.core.caps import too_many
from event_seating.booking.core.commands import (
    Best,
    BlockSeats,
    BookHold,
    BookSeats,
    CancelBooking,
    ChangeHold,
    Command,
    Configure,
    ExchangeSeats,
    ExtendHold,
    FreezeHold,
    PlaceHold,
    ReleaseHold,
    ReleaseHolds,
    ThawHold,
    UnblockSeats,
    WindUp,
)
from event_seating.booking.core.cool_down import NONE_HIDDEN, Hidden
from event_seating.booking.core.freezes import (
    extended,
    frozen,
    refuse_another_total,
    refuse_if_frozen,
    refuse_if_unexpected,
    thawed,
)
from event_seating.booking.core.ledger import Ledger
from event_seating.booking.core.log_entries import (
    Amended,
    Blocked,
    Booked,
    Cancelled,
    Configured,
    Entry,
    Exchanged,
    Extended,
    Frozen,
    Held,
    Operation,
    Released,
    Thawed,
    Unblocked,
    to_ranges,
)
from event_seating.booking.core.records import (
    AVAILABLE,
    BLOCKED,
    CancelReason,
    Groups,
    Hold,
    SaleStatus,
    named,
    seat_count,
    seats_of,
    total,
)
from event_seating.booking.core.refusals import Refusal, RefusalCode
from event_seating.booking.core.rules import LedgerQueries
from event_seating.booking.core.seat_selection import (
    choose,
    choose_best,
    orphan_refusal,
    part_of,
    problem_of,
    with_status,
)

_ALLOWED_WHEN_CANCELLED: Final = frozenset({ReleaseHold, ReleaseHolds, CancelBooking, WindUp})
"""The commands that a cancelled event still accepts: those that give seats back."""

_CANCELLED: Final = Refusal(RefusalCode.event_cancelled)
_NOT_ON_SALE: Final = Refusal(RefusalCode.not_on_sale)
_NOTHING_LEFT: Final = Refusal(RefusalCode.nothing_left)
_NOTHING_TO_WIND_UP: Final = Refusal(RefusalCode.booking_not_found)
_NO_HOLD: Final = Refusal(RefusalCode.hold_not_found)
_CONFIGURATION_CHANGED: Final = Refusal(RefusalCode.configuration_changed)

NOT_FOR_SALE: Final = "not for sale in the seat map"
"""The reason in the log for the seats that are blocked with an event's first configuration."""

Operations = tuple[Operation, ...]
"""The operations of a command that does more than one thing."""


class RuleBook(LedgerQueries):
    """The rules of one event, over its ledger."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self._finder = BestFinder(ledger.arrays)

    def decide(self, command: Command, now_ms: int) -> Entry | Refusal:
        """The entry that does what is asked, or why not.

        An event begins with `Configure`; anything else before it is a `ValueError`.
        """
        configuration = self._ledger.configuration
        if configuration is None:
            if not isinstance(command, Configure):
                raise ValueError("the first command of an event configures it")
        elif (
            configuration.status == SaleStatus.cancelled
            and type(command) not in _ALLOWED_WHEN_CANCELLED
        ):
            return self._when_cancelled(command, now_ms)
        outcome = self._RULES[type(command)](self, command, now_ms)
        if isinstance(outcome, Refusal):
            return outcome
        operations = outcome if isinstance(outcome, tuple) else (outcome,)
        return Entry(command.actor, operations)

    def _when_cancelled(self, command: Command, now_ms: int) -> Refusal:
        """The event is cancelled; but a shop that lost its answer still learns that it booked."""
        if isinstance(command, BookHold):
            found = self.live_hold(command.hold, now_ms)
            if isinstance(found, Refusal) and found.code is RefusalCode.hold_booked:
                return found
        return _CANCELLED

    # Holds

    def _place(self, command: PlaceHold, now_ms: int) -> Held | Refusal:
        if not self._selling(now_ms):
            return _NOT_ON_SALE
        rules = self._configuration.rules
        count = command.choice.count
        refusal = too_many(
            self._ledger, rules, command, count, count, box_office=command.box_office
        )
        if refusal is not None:
            return refusal
        groups = self._chosen(command, now_ms)
        if isinstance(groups, Refusal):
            return groups
        return Held(
            command.hold,
            groups,
            rules.hold_ttl_ms,
            command.buyer,
            False,
            command.address,
            command.network,
        )

    def _chosen(self, command: PlaceHold, now_ms: int) -> Groups | Refusal:
        """The seats of a hold; refused if it leaves an orphan and another selection would not."""
        ledger, choice = self._ledger, command.choice
        orphans_allowed = self._configuration.rules.allow_orphans
        tariff = ledger.staff_tariff if command.box_office else ledger.public_tariff
        hidden = NONE_HIDDEN
        if ledger.cool_down.refused_to:
            hidden = ledger.cool_down.hidden_from(command, command.known_since_ms, now_ms)
        if isinstance(choice, Best):
            avoid = not orphans_allowed
            return choose_best(
                ledger, self._finder, choice, tariff, avoid_orphans=avoid, hidden=hidden
            )
        groups = choose(ledger, choice, tariff, hidden=hidden)
        if orphans_allowed or command.box_office or isinstance(groups, Refusal):
            return groups
        return orphan_refusal(ledger, seats_of(groups), hidden=hidden) or groups

    def _change(self, command: ChangeHold, now_ms: int) -> Amended | Refusal:
        hold = self._changeable(command, now_ms)
        if isinstance(hold, Refusal):
            return hold
        removed = self._given_back(hold.groups, command.remove, RefusalCode.not_in_hold)
        if isinstance(removed, Refusal):
            return removed
        left = seat_count(hold.groups) - len(removed)
        refusal = self._may_add(hold, command, left, now_ms)
        if refusal is not None:
            return refusal
        # An older cookie helps its own buyer alone, whoever may have the hold's token.
        since_ms = command.known_since_ms if command.buyer == hold.buyer else None
        hidden = self._ledger.cool_down.hidden_from(hold, since_ms, now_ms)
        added = self._added(command.add, removed, command.box_office, hidden)
        if isinstance(added, Refusal):
            return added
        amended = Amended(hold.id, removed, added)
        return self._orphaned(hold, amended, command.box_office, hidden) or amended

    def _may_add(self, hold: Hold, command: ChangeHold, left: int, now_ms: int) -> Refusal | None:
        """The refusal of a change that leaves `left` seats and adds others, whichever they are."""
        add = command.add
        if add is None:
            return None if left else _NOTHING_LEFT
        if not self._selling(now_ms):
            return _NOT_ON_SALE
        in_hold = left + add.count
        more = in_hold - seat_count(hold.groups)
        rules, box_office = self._configuration.rules, command.box_office
        return too_many(self._ledger, rules, hold, in_hold, more, box_office=box_office)

    def _orphaned(
        self, hold: Hold, amended: Amended, box_office: bool, hidden: Hidden
    ) -> Refusal | None:
        """The refusal of a change that would leave an orphan."""
        if box_office or self._configuration.rules.allow_orphans:
            return None
        own = seats_of(hold.groups)
        kept = set(own).difference(amended.removed)
        seats = [seat for seat in own if seat in kept]
        after = (*seats, *seats_of(amended.added))
        return orphan_refusal(self._ledger, after, own, hidden=hidden)

    def _extend(self, command: ExtendHold, now_ms: int) -> Extended | Refusal:
        hold = self.live_hold(command.hold, now_ms)
        if isinstance(hold, Refusal):
            return hold
        return extended(hold, command, self._configuration.rules, now_ms)

    def _release(self, command: ReleaseHold, now_ms: int) -> Released | Refusal:
        hold = self._changeable(command, now_ms)
        return hold if isinstance(hold, Refusal) else Released(hold.id, seats_of(hold.groups))

    def _freeze(self, command: FreezeHold, now_ms: int) -> Frozen | Refusal:
        hold = self.live_hold(command.hold, now_ms)
        if isinstance(hold, Refusal):
            return hold
        return frozen(hold, command, self._configuration.rules, now_ms)

    def _thaw(self, command: ThawHold, now_ms: int) -> Thawed | Refusal:
        hold = self.live_hold(command.hold, now_ms)
        return hold if isinstance(hold, Refusal) else thawed(hold, command, now_ms)

    def _changeable(self, command: ChangeHold | ReleaseHold, now_ms: int) -> Hold | Refusal:
        """The hold that is to be changed or given back, unless it is frozen for this caller.

        When the event is cancelled, even a frozen hold is given back.
        """
        hold = self.live_hold(command.hold, now_ms)
        if isinstance(hold, Refusal) or self._configuration.status == SaleStatus.cancelled:
            return hold
        return refuse_if_frozen(hold, command.box_office) or hold

    def _release_all(self, command: ReleaseHolds, _now_ms: int) -> Operations | Refusal:
        ledger, holder = self._ledger, command.holder
        if holder not in ledger.held_by:
            return _NO_HOLD
        held = (
            hold
            for hold in ledger.holds.values()
            if holder in (hold.buyer, hold.address, hold.network)
            and not (hold.freeze is not None and hold.freeze.by_staff)
        )
        released = tuple(
            Released(hold.id, seats_of(hold.groups), taken_away=True)
            for hold in islice(held, command.most)
        )
        return released or _NO_HOLD

    # Bookings

    def _book(self, command: BookHold, now_ms: int) -> Booked | Refusal:
        hold = self.live_hold(command.hold, now_ms)
        if isinstance(hold, Hold):
            refusal = self._unexpected(hold, command)
            return refusal or Booked(command.booking, seats_of(hold.groups), hold.id)
        late = self._ledger.late.get(command.hold)
        if late is None or now_ms >= late.expires_ms + self._ledger.grace_ms:
            return hold
        status = self._ledger.arrays.status
        if any(status[seat] != AVAILABLE for seat in seats_of(late.groups)):
            return hold
        refusal = self._unexpected(late, command)
        return refusal or Booked(command.booking, (), late.id, named(late.groups))

    def _unexpected(self, hold: Hold, command: BookHold) -> Refusal | None:
        return refuse_if_unexpected(hold, command, self._configuration.currency)

    def _book_seats(self, command: BookSeats, _now_ms: int) -> Booked | Refusal:
        statuses = (AVAILABLE,) * command.from_available + (BLOCKED,) * command.from_blocked
        ledger = self._ledger
        groups = choose(ledger, command.choice, ledger.staff_tariff, statuses=statuses)
        if isinstance(groups, Refusal):
            return groups
        currency = self._configuration.currency
        refusal = refuse_another_total(groups, command.expected_total, currency)
        return refusal or Booked(command.booking, (), None, groups)

    def _cancel(self, command: CancelBooking, now_ms: int) -> Cancelled | Refusal:
        booking = self.live_booking(command.booking, now_ms)
        if isinstance(booking, Refusal):
            return booking
        if command.part is None:
            return Cancelled(booking.id, seats_of(booking.groups))
        seats = part_of(self._ledger, booking.groups, command.part, RefusalCode.not_in_booking)
        return seats if isinstance(seats, Refusal) else Cancelled(booking.id, seats)

    def _wind_up(self, command: WindUp, _now_ms: int) -> Operations | Refusal:
        ledger = self._ledger
        if self._configuration.status != SaleStatus.cancelled:
            return _NOTHING_TO_WIND_UP
        holds = islice(ledger.holds.values(), command.most)
        released = tuple(Released(hold.id, seats_of(hold.groups)) for hold in holds)
        if released:
            return released
        bookings = islice(ledger.bookings.values(), command.most)
        return (
            tuple(
                Cancelled(booking.id, seats_of(booking.groups), CancelReason.event_cancelled)
                for booking in bookings
            )
            or _NOTHING_TO_WIND_UP
        )

    def _exchange(self, command: ExchangeSeats, now_ms: int) -> Exchanged | Refusal:
        booking = self.live_booking(command.booking, now_ms)
        if isinstance(booking, Refusal):
            return booking
        released = self._given_back(booking.groups, command.release, RefusalCode.not_in_booking)
        if isinstance(released, Refusal):
            return released
        taken = self._added(command.take, released, command.box_office)
        if isinstance(taken, Refusal):
            return taken
        if not taken and len(released) == seat_count(booking.groups):
            return _NOTHING_LEFT
        refund = sum(
            group.price * len(set(group.seats).intersection(released)) for group in booking.groups
        )
        return Exchanged(booking.id, released, taken, total(taken) - refund)

    # Seats and the event

    def _block(self, command: BlockSeats, _now_ms: int) -> Blocked | Refusal:
        seats = with_status(self._ledger, command.part, AVAILABLE)
        return Blocked(to_ranges(seats), command.reason) if seats else self._refuse_all(command)

    def _unblock(self, command: UnblockSeats, _now_ms: int) -> Unblocked | Refusal:
        seats = with_status(self._ledger, command.part, BLOCKED)
        return Unblocked(to_ranges(seats), command.reason) if seats else self._refuse_all(command)

    def _refuse_all(self, command: BlockSeats | UnblockSeats) -> Refusal:
        problems = tuple(problem_of(self._ledger, seat) for seat in command.part.seats)
        return Refusal(RefusalCode.seats_unavailable, seats=problems)

    def _configure(self, command: Configure, _now_ms: int) -> Operations | Refusal:
        if command.replaces is not None and command.replaces != self._ledger.configuration:
            return _CONFIGURATION_CHANGED
        configured = Configured(command.configuration)
        if command.blocked is None:
            return (configured,)
        seats = with_status(self._ledger, command.blocked, AVAILABLE)
        return (configured, Blocked(to_ranges(seats), NOT_FOR_SALE)) if seats else (configured,)

    # In the class: a table of bound methods in the instance would be a reference cycle, and the
    # memory of an evicted event would wait for the garbage collector's oldest generation.
    _RULES: ClassVar[dict[type, Callable[[Any, Any, int], Operation | Operations | Refusal]]] = {
        PlaceHold: _place,
        ChangeHold: _change,
        ExtendHold: _extend,
        ReleaseHold: _release,
        FreezeHold: _freeze,
        ThawHold: _thaw,
        ReleaseHolds: _release_all,
        BookHold: _book,
        BookSeats: _book_seats,
        CancelBooking: _cancel,
        WindUp: _wind_up,
        ExchangeSeats: _exchange,
        BlockSeats: _block,
        UnblockSeats: _unblock,
        Configure: _configure,
    }
