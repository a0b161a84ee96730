"""The rules: what is granted, what is refused and why.

One function for each request, to be read from top to bottom. Each looks at the ledger as it is at
one moment, with everything that has run out by then already expired, and returns the entry that
would do what was asked, or a refusal. None changes anything; the time is an argument.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any, ClassVar

from event_seating.booking.best import BestFinder
from event_seating.booking.choices import (
    choose,
    choose_best,
    orphan_refusal,
    part_of,
    problem_of,
    with_status,
)
from event_seating.booking.entries import (
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
from event_seating.booking.freezes import (
    another_total,
    extended,
    frozen,
    kept_still,
    thawed,
    unexpected,
)
from event_seating.booking.ledger import GONE_MS, Ledger
from event_seating.booking.records import (
    AVAILABLE,
    BLOCKED,
    Booking,
    CancelReason,
    Configuration,
    Ending,
    Gone,
    Groups,
    Hold,
    SaleStatus,
    named,
    seat_count,
    seats_of,
    total,
)
from event_seating.booking.refusals import Refusal, RefusalCode
from event_seating.booking.requests import (
    Best,
    BlockSeats,
    BookHold,
    BookSeats,
    CancelBooking,
    ChangeHold,
    Choice,
    Configure,
    ExchangeSeats,
    ExtendHold,
    FreezeHold,
    Part,
    PlaceHold,
    ReleaseHold,
    Request,
    ThawHold,
    UnblockSeats,
    WindUp,
)

ADDRESS_FACTOR = 10
"""One address may hold so many times what one buyer may: thousands share a carrier's address."""

_ENDINGS = {
    Ending.expired: RefusalCode.hold_expired,
    Ending.released: RefusalCode.hold_released,
    Ending.booked: RefusalCode.hold_booked,
    Ending.cancelled: RefusalCode.hold_not_found,
}

_ONCE_CANCELLED = frozenset({ReleaseHold, CancelBooking, WindUp})
"""What may still be asked of an event that is cancelled: whatever gives seats back."""

_CANCELLED = Refusal(RefusalCode.event_cancelled)
_NOT_ON_SALE = Refusal(RefusalCode.not_on_sale)
_NOTHING_LEFT = Refusal(RefusalCode.nothing_left)
_NOTHING_TO_WIND_UP = Refusal(RefusalCode.booking_not_found)
_CONFIGURATION_CHANGED = Refusal(RefusalCode.configuration_changed)

NOT_FOR_SALE = "not for sale in the seat map"
"""Why the seats that an event's first configuration brings are blocked."""

Operations = tuple[Operation, ...]
"""What one request does when it is more than one thing."""


def hold_or_ending(
    hold: Hold | None, became: bytes | None, gone: Gone | None, now_ms: int
) -> Hold | Refusal:
    """A hold, or how it ended, from what is known under its id."""
    if hold is not None:
        return hold if now_ms < hold.expires_ms else Refusal(RefusalCode.hold_expired)
    if became is not None:
        return Refusal(RefusalCode.hold_booked, booking=became)
    if gone is None or now_ms >= gone.at_ms + GONE_MS:
        return Refusal(RefusalCode.hold_not_found)
    return Refusal(_ENDINGS[gone.ending], booking=gone.booking)


def booking_or_ending(booking: Booking | None, gone: Gone | None, now_ms: int) -> Booking | Refusal:
    """A booking, or that it was cancelled, from what is known under its id."""
    if booking is not None:
        return booking
    if gone is None or gone.ending is not Ending.cancelled or now_ms >= gone.at_ms + GONE_MS:
        return Refusal(RefusalCode.booking_not_found)
    return Refusal(RefusalCode.already_cancelled)


class RuleBook:
    """The rules of one event, over its ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
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
            return _CANCELLED
        outcome = self._RULES[type(request)](self, request, now_ms)
        if isinstance(outcome, Refusal):
            return outcome
        operations = outcome if isinstance(outcome, tuple) else (outcome,)
        return Entry(request.actor, operations)

    # Holds

    def _place(self, request: PlaceHold, now_ms: int) -> Held | Refusal:
        if not self._selling(now_ms):
            return _NOT_ON_SALE
        rules = self._configuration.rules
        count = request.choice.count
        refusal = self._too_many(request.buyer, request.by_address, count, count)
        if refusal is not None:
            return refusal
        groups = self._chosen(request)
        if isinstance(groups, Refusal):
            return groups
        return Held(request.hold, groups, rules.hold_ttl_ms, request.buyer, request.by_address)

    def _chosen(self, request: PlaceHold) -> Groups | Refusal:
        """The seats of a hold; a choice that strands a seat is refused if another would not."""
        ledger, choice = self._ledger, request.choice
        orphans_allowed = self._configuration.rules.allow_orphans
        tariff = ledger.staff_tariff if request.box_office else ledger.public_tariff
        if isinstance(choice, Best):
            return choose_best(
                ledger, self._finder, choice, tariff, avoid_orphans=not orphans_allowed
            )
        groups = choose(ledger, choice, tariff)
        if orphans_allowed or request.box_office or isinstance(groups, Refusal):
            return groups
        return orphan_refusal(ledger, seats_of(groups)) or groups

    def _change(self, request: ChangeHold, now_ms: int) -> Amended | Refusal:
        hold = self._changeable(request, now_ms)
        if isinstance(hold, Refusal):
            return hold
        removed = self._given_back(hold.groups, request.remove, RefusalCode.not_in_hold)
        if isinstance(removed, Refusal):
            return removed
        left = seat_count(hold.groups) - len(removed)
        refusal = self._may_add(hold, request.add, left, now_ms)
        if refusal is not None:
            return refusal
        added = self._added(request.add, removed, request.box_office)
        if isinstance(added, Refusal):
            return added
        amended = Amended(hold.id, removed, added)
        return self._orphaned(hold, amended, request.box_office) or amended

    def _may_add(self, hold: Hold, add: Choice | None, left: int, now_ms: int) -> Refusal | None:
        """The refusal of adding to what is `left` of a hold, whatever the seats are."""
        if add is None:
            return None if left else _NOTHING_LEFT
        if not self._selling(now_ms):
            return _NOT_ON_SALE
        in_hold = left + add.count
        more = in_hold - seat_count(hold.groups)
        return self._too_many(hold.buyer, hold.by_address, in_hold, more)

    def _orphaned(self, hold: Hold, amended: Amended, box_office: bool) -> Refusal | None:
        """The refusal of a change after which a single seat would be left over."""
        if box_office or self._configuration.rules.allow_orphans:
            return None
        own = seats_of(hold.groups)
        kept = set(own).difference(amended.removed)
        seats = [seat for seat in own if seat in kept]
        return orphan_refusal(self._ledger, (*seats, *seats_of(amended.added)), own)

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

    # What several rules ask

    def _given_back(
        self, groups: Groups, part: Part | None, code: RefusalCode
    ) -> tuple[int, ...] | Refusal:
        """The seats that a change gives back; refused with `code` when it has not all of them."""
        return () if part is None else part_of(self._ledger, groups, part, code)

    def _added(
        self, choice: Choice | None, freed: tuple[int, ...], box_office: bool
    ) -> Groups | Refusal:
        """The seats that a change takes; those that it gives back are free."""
        if choice is None:
            return ()
        ledger = self._ledger
        tariff = ledger.staff_tariff if box_office else ledger.public_tariff
        return choose(ledger, choice, tariff, freed=frozenset(freed))

    def live_hold(self, key: bytes, now_ms: int) -> Hold | Refusal:
        """The hold with this id, or how it ended."""
        ledger = self._ledger
        hold = ledger.holds.get(key)
        if hold is not None:  # as a rule, and then two more look-ups would be for nothing
            return hold_or_ending(hold, None, None, now_ms)
        return hold_or_ending(None, ledger.from_hold.get(key), ledger.gone.get(key), now_ms)

    def live_booking(self, key: bytes, now_ms: int) -> Booking | Refusal:
        """The booking with this id, or that it was cancelled."""
        return booking_or_ending(self._ledger.bookings.get(key), self._ledger.gone.get(key), now_ms)

    @property
    def _configuration(self) -> Configuration:
        configuration = self._ledger.configuration
        if configuration is None:
            raise ValueError("the event is not configured")
        return configuration

    def _selling(self, now_ms: int) -> bool:
        """Whether new seats may be held at this time."""
        sale = self._configuration
        return (
            sale.status == SaleStatus.on_sale
            and (sale.sales_start_ms is None or now_ms >= sale.sales_start_ms)
            and (sale.sales_end_ms is None or now_ms < sale.sales_end_ms)
        )

    def _too_many(
        self, buyer: bytes | None, by_address: bool, in_hold: int, more: int
    ) -> Refusal | None:
        """The refusal of a hold of `in_hold` seats that gives a buyer `more` than before."""
        if buyer is None or more <= 0:
            return None
        rules = self._configuration.rules
        if in_hold > rules.max_seats_per_hold:
            return Refusal(RefusalCode.too_many_seats, limit=rules.max_seats_per_hold)
        limit = rules.max_held_seats_per_buyer * (ADDRESS_FACTOR if by_address else 1)
        if self._ledger.held_by.get(buyer, 0) + more > limit:
            return Refusal(RefusalCode.too_many_held, limit=limit)
        return None

    # In the class, since an own table of bound rules would hold the rule book that holds it: the
    # seats of an event that is given up would stay until the collector looks at what is old.
    _RULES: ClassVar[dict[type, Callable[[Any, Any, int], Operation | Operations | Refusal]]] = {
        PlaceHold: _place,
        ChangeHold: _change,
        ExtendHold: _extend,
        ReleaseHold: _release,
        FreezeHold: _freeze,
        ThawHold: _thaw,
        BookHold: _book,
        BookSeats: _book_seats,
        CancelBooking: _cancel,
        WindUp: _wind_up,
        ExchangeSeats: _exchange,
        BlockSeats: _block,
        UnblockSeats: _unblock,
        Configure: _configure,
    }
