"""The rules: what is granted, what is refused and why.

One function for each request, to be read from top to bottom. Each looks at the ledger as it is at
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
    Configure,
    ExchangeSeats,
    ExtendHold,
    FreezeHold,
    PlaceHold,
    ReleaseHold,
    ReleaseHolds,
    Request,
    ThawHold,
    UnblockSeats,
    WindUp,
)
from event_seating.booking.core.cool_down import NONE_HIDDEN, Hidden
from event_seating.booking.core.freezes import (
    another_total,
    extended,
    frozen,
    kept_still,
    thawed,
    unexpected,
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
from event_seating.booking.core.rules import Rules
from event_seating.booking.core.seat_selection import (
    choose,
    choose_best,
    orphan_refusal,
    part_of,
    problem_of,
    with_status,
)

_ONCE_CANCELLED: Final = frozenset({ReleaseHold, ReleaseHolds, CancelBooking, WindUp})
"""What may still be asked of an event that is cancelled: whatever gives seats back."""

_CANCELLED: Final = Refusal(RefusalCode.event_cancelled)
_NOT_ON_SALE: Final = Refusal(RefusalCode.not_on_sale)
_NOTHING_LEFT: Final = Refusal(RefusalCode.nothing_left)
_NOTHING_TO_WIND_UP: Final = Refusal(RefusalCode.booking_not_found)
_NO_HOLD: Final = Refusal(RefusalCode.hold_not_found)
_CONFIGURATION_CHANGED: Final = Refusal(RefusalCode.configuration_changed)

NOT_FOR_SALE: Final = "not for sale in the seat map"
"""Why the seats that an event's first configuration brings are blocked."""

Operations = tuple[Operation, ...]
"""What one request does when it is more than one thing."""


class RuleBook(Rules):
    """The rules of one event, over its ledger."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self._finder = BestFinder(ledger.arrays)

    def decide(self, request: Request, now_ms: int) -> Entry | Refusal:
        """The entry that does what is asked, or why not.

        An event begins with `Configure`; anything else before it is a `ValueError`.
        """
        configuration = self._ledger.configuration
        if configuration is None:
            if not isinstance(request, Configure):
                raise ValueError("the first request of an event configures it")
        elif configuration.status == SaleStatus.cancelled and type(request) not in _ONCE_CANCELLED:
            return self._when_cancelled(request, now_ms)
        outcome = self._RULES[type(request)](self, request, now_ms)
        if isinstance(outcome, Refusal):
            return outcome
        operations = outcome if isinstance(outcome, tuple) else (outcome,)
        return Entry(request.actor, operations)

    def _when_cancelled(self, request: Request, now_ms: int) -> Refusal:
        """A shop that lost its answer learns that it has booked, before it learns the rest."""
        if isinstance(request, BookHold):
            found = self.live_hold(request.hold, now_ms)
            if isinstance(found, Refusal) and found.code is RefusalCode.hold_booked:
                return found
        return _CANCELLED

    # Holds

    def _place(self, request: PlaceHold, now_ms: int) -> Held | Refusal:
        if not self._selling(now_ms):
            return _NOT_ON_SALE
        rules = self._configuration.rules
        count = request.choice.count
        refusal = too_many(
            self._ledger, rules, request, count, count, box_office=request.box_office
        )
        if refusal is not None:
            return refusal
        groups = self._chosen(request, now_ms)
        if isinstance(groups, Refusal):
            return groups
        return Held(
            request.hold,
            groups,
            rules.hold_ttl_ms,
            request.buyer,
            False,
            request.address,
            request.network,
        )

    def _chosen(self, request: PlaceHold, now_ms: int) -> Groups | Refusal:
        """The seats of a hold; a choice that strands a seat is refused if another would not."""
        ledger, choice = self._ledger, request.choice
        orphans_allowed = self._configuration.rules.allow_orphans
        tariff = ledger.staff_tariff if request.box_office else ledger.public_tariff
        hidden = NONE_HIDDEN
        if ledger.cool_down.kept_from:
            hidden = ledger.cool_down.hidden_from(request, request.known_since_ms, now_ms)
        if isinstance(choice, Best):
            avoid = not orphans_allowed
            return choose_best(
                ledger, self._finder, choice, tariff, avoid_orphans=avoid, hidden=hidden
            )
        groups = choose(ledger, choice, tariff, hidden=hidden)
        if orphans_allowed or request.box_office or isinstance(groups, Refusal):
            return groups
        return orphan_refusal(ledger, seats_of(groups), hidden=hidden) or groups

    def _change(self, request: ChangeHold, now_ms: int) -> Amended | Refusal:
        hold = self._changeable(request, now_ms)
        if isinstance(hold, Refusal):
            return hold
        removed = self._given_back(hold.groups, request.remove, RefusalCode.not_in_hold)
        if isinstance(removed, Refusal):
            return removed
        left = seat_count(hold.groups) - len(removed)
        refusal = self._may_add(hold, request, left, now_ms)
        if refusal is not None:
            return refusal
        # An older cookie helps its own buyer alone, whoever may have the hold's token.
        since_ms = request.known_since_ms if request.buyer == hold.buyer else None
        hidden = self._ledger.cool_down.hidden_from(hold, since_ms, now_ms)
        added = self._added(request.add, removed, request.box_office, hidden)
        if isinstance(added, Refusal):
            return added
        amended = Amended(hold.id, removed, added)
        return self._orphaned(hold, amended, request.box_office, hidden) or amended

    def _may_add(self, hold: Hold, request: ChangeHold, left: int, now_ms: int) -> Refusal | None:
        """The refusal of adding to what is `left` of a hold, whatever the seats are."""
        add = request.add
        if add is None:
            return None if left else _NOTHING_LEFT
        if not self._selling(now_ms):
            return _NOT_ON_SALE
        in_hold = left + add.count
        more = in_hold - seat_count(hold.groups)
        rules, box_office = self._configuration.rules, request.box_office
        return too_many(self._ledger, rules, hold, in_hold, more, box_office=box_office)

    def _orphaned(
        self, hold: Hold, amended: Amended, box_office: bool, hidden: Hidden
    ) -> Refusal | None:
        """The refusal of a change after which a single seat would be left over."""
        if box_office or self._configuration.rules.allow_orphans:
            return None
        own = seats_of(hold.groups)
        kept = set(own).difference(amended.removed)
        seats = [seat for seat in own if seat in kept]
        after = (*seats, *seats_of(amended.added))
        return orphan_refusal(self._ledger, after, own, hidden=hidden)

    def _extend(self, request: ExtendHold, now_ms: int) -> Extended | Refusal:
        hold = self.live_hold(request.hold, now_ms)
        if isinstance(hold, Refusal):
            return hold
        return extended(hold, request, self._configuration.rules, now_ms)

    def _release(self, request: ReleaseHold, now_ms: int) -> Released | Refusal:
        hold = self._changeable(request, now_ms)
        return hold if isinstance(hold, Refusal) else Released(hold.id, seats_of(hold.groups))

    def _freeze(self, request: FreezeHold, now_ms: int) -> Frozen | Refusal:
        hold = self.live_hold(request.hold, now_ms)
        if isinstance(hold, Refusal):
            return hold
        return frozen(hold, request, self._configuration.rules, now_ms)

    def _thaw(self, request: ThawHold, now_ms: int) -> Thawed | Refusal:
        hold = self.live_hold(request.hold, now_ms)
        return hold if isinstance(hold, Refusal) else thawed(hold, request, now_ms)

    def _changeable(self, request: ChangeHold | ReleaseHold, now_ms: int) -> Hold | Refusal:
        """The hold that is to be changed or given back, unless it is frozen for this caller.

        Of a cancelled event everything is given back, whoever pays for it.
        """
        hold = self.live_hold(request.hold, now_ms)
        if isinstance(hold, Refusal) or self._configuration.status == SaleStatus.cancelled:
            return hold
        return kept_still(hold, request.box_office) or hold

    def _release_all(self, request: ReleaseHolds, _now_ms: int) -> Operations | Refusal:
        ledger, holder = self._ledger, request.holder
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
            for hold in islice(held, request.most)
        )
        return released or _NO_HOLD

    # Bookings

    def _book(self, request: BookHold, now_ms: int) -> Booked | Refusal:
        hold = self.live_hold(request.hold, now_ms)
        if isinstance(hold, Hold):
            refusal = self._unexpected(hold, request)
            return refusal or Booked(request.booking, seats_of(hold.groups), hold.id)
        late = self._ledger.late.get(request.hold)
        if late is None or now_ms >= late.expires_ms + self._ledger.grace_ms:
            return hold
        status = self._ledger.arrays.status
        if any(status[seat] != AVAILABLE for seat in seats_of(late.groups)):
            return hold
        refusal = self._unexpected(late, request)
        return refusal or Booked(request.booking, (), late.id, named(late.groups))

    def _unexpected(self, hold: Hold, request: BookHold) -> Refusal | None:
        return unexpected(hold, request, self._configuration.currency)

    def _book_seats(self, request: BookSeats, _now_ms: int) -> Booked | Refusal:
        statuses = (AVAILABLE,) * request.from_available + (BLOCKED,) * request.from_blocked
        ledger = self._ledger
        groups = choose(ledger, request.choice, ledger.staff_tariff, statuses=statuses)
        if isinstance(groups, Refusal):
            return groups
        currency = self._configuration.currency
        refusal = another_total(groups, request.expected_total, currency)
        return refusal or Booked(request.booking, (), None, groups)

    def _cancel(self, request: CancelBooking, now_ms: int) -> Cancelled | Refusal:
        booking = self.live_booking(request.booking, now_ms)
        if isinstance(booking, Refusal):
            return booking
        if request.part is None:
            return Cancelled(booking.id, seats_of(booking.groups))
        seats = part_of(self._ledger, booking.groups, request.part, RefusalCode.not_in_booking)
        return seats if isinstance(seats, Refusal) else Cancelled(booking.id, seats)

    def _wind_up(self, request: WindUp, _now_ms: int) -> Operations | Refusal:
        ledger = self._ledger
        if self._configuration.status != SaleStatus.cancelled:
            return _NOTHING_TO_WIND_UP
        holds = islice(ledger.holds.values(), request.most)
        released = tuple(Released(hold.id, seats_of(hold.groups)) for hold in holds)
        if released:
            return released
        bookings = islice(ledger.bookings.values(), request.most)
        return (
            tuple(
                Cancelled(booking.id, seats_of(booking.groups), CancelReason.event_cancelled)
                for booking in bookings
            )
            or _NOTHING_TO_WIND_UP
        )

    def _exchange(self, request: ExchangeSeats, now_ms: int) -> Exchanged | Refusal:
        booking = self.live_booking(request.booking, now_ms)
        if isinstance(booking, Refusal):
            return booking
        released = self._given_back(booking.groups, request.release, RefusalCode.not_in_booking)
        if isinstance(released, Refusal):
            return released
        taken = self._added(request.take, released, request.box_office)
        if isinstance(taken, Refusal):
            return taken
        if not taken and len(released) == seat_count(booking.groups):
            return _NOTHING_LEFT
        back = sum(
            group.price * len(set(group.seats).intersection(released)) for group in booking.groups
        )
        return Exchanged(booking.id, released, taken, total(taken) - back)

    # Seats and the event

    def _block(self, request: BlockSeats, _now_ms: int) -> Blocked | Refusal:
        seats = with_status(self._ledger, request.part, AVAILABLE)
        return Blocked(to_ranges(seats), request.reason) if seats else self._none_of(request)

    def _unblock(self, request: UnblockSeats, _now_ms: int) -> Unblocked | Refusal:
        seats = with_status(self._ledger, request.part, BLOCKED)
        return Unblocked(to_ranges(seats), request.reason) if seats else self._none_of(request)

    def _none_of(self, request: BlockSeats | UnblockSeats) -> Refusal:
        problems = tuple(problem_of(self._ledger, seat) for seat in request.part.seats)
        return Refusal(RefusalCode.seats_unavailable, seats=problems)

    def _configure(self, request: Configure, _now_ms: int) -> Operations | Refusal:
        if request.replaces is not None and request.replaces != self._ledger.configuration:
            return _CONFIGURATION_CHANGED
        configured = Configured(request.configuration)
        if request.blocked is None:
            return (configured,)
        seats = with_status(self._ledger, request.blocked, AVAILABLE)
        return (configured, Blocked(to_ranges(seats), NOT_FOR_SALE)) if seats else (configured,)

    # In the class, since an own table of bound rules would hold the rule book that holds it: the
    # seats of an event that is given up would stay until the collector looks at what is old.
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
