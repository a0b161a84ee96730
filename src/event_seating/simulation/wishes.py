"""The commands of simulated clients: every kind, for the same few seats.

They are mixed so that every refusal occurs.

All clients share the ids of holds and bookings, live and ended. A wish makes a new command each
time it is called, with new ids, as the service does when a call is repeated.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from event_seating.booking.core.commands import (
    AreaQuantity,
    Best,
    BlockSeats,
    BookHold,
    BookSeats,
    CancelBooking,
    ChangeHold,
    Choice,
    Command,
    Configure,
    ExchangeSeats,
    ExtendHold,
    FreezeHold,
    Part,
    PlaceHold,
    ReleaseHold,
    ReleaseHolds,
    ThawHold,
    UnblockSeats,
    WindUp,
)
from event_seating.booking.core.records import (
    Access,
    Configuration,
    SaleRules,
    SaleStatus,
    TicketType,
)
from event_seating.booking.core.seat_index import SeatIndex
from event_seating.simulation.chance import Chance
from event_seating.simulation.referee import Referee
from event_seating.simulation.seen import HoldSeen

Wish = Callable[[], Command]

KNOWN_MAX: Final = 12
"""Ids that the clients share: few, so that many use the same."""

BUYERS: Final = (b"anna", b"ben", b"carla", b"dario")

ADDRESSES: Final = (b"home", b"office", b"phone", b"school")

NETWORK: Final = b"town"
IN_NETWORK: Final = frozenset({b"phone", b"school"})
"""The addresses in the one network, as with IPv6."""

PRICES: Final = {
    "1": {"standard": 4500, "child": 2000, "press": 0},
    "2": {"standard": 9000, "press": 0},
    "floor": {"standard": 3000},
}

TICKET_TYPES: Final = {
    "standard": TicketType("Standard"),
    "child": TicketType("Child"),
    "press": TicketType("Press", Access.staff),
}

DESK: Final = "desk"
"""The actor in the log for the box office."""

UNKNOWN_SEAT: Final = 9_999


class Wishes:
    """Makes the commands of all clients of a run."""

    def __init__(self, index: SeatIndex, referee: Referee, chance: Chance) -> None:
        self.holds: deque[bytes] = deque(maxlen=KNOWN_MAX)
        self.bookings: deque[bytes] = deque(maxlen=KNOWN_MAX)
        self.rules = SaleRules(
            allow_orphans=chance.happens(0.6),
            max_seats_per_hold=4,
            max_held_seats_per_buyer=chance.one_of((8, 40)),
            max_held_seats_per_address=chance.one_of((10, 400)),
            hold_ttl_ms=chance.one_of((300, 1_500, 6_000)),
            hold_total_max_ms=chance.one_of((8_000, 200_000)),
            checkout_ttl_ms=chance.one_of((400, 5_000, 90_000)),
        )
        self._referee = referee
        self._chance = chance
        self._seats = range(index.seat_count)
        self._weights = [weight for weight, _ in self._KINDS]
        self._kinds = [kind for _, kind in self._KINDS]

    def first(self) -> Command:
        """The first command of an event."""
        return Configure(self._sale())

    def next(self) -> Wish:
        """A random wish."""
        return self._chance.weighted(self._kinds, self._weights)(self)

    # Holds

    def _place(self) -> Wish:
        chance = self._chance
        buyer = chance.one_of(BUYERS)
        choice: Choice | Best
        kind = chance.below(10)
        if kind < 6:  # noqa: PLR2004 (six in ten pick by hand)
            choice = self._choice()
        elif kind < 8:  # noqa: PLR2004
            choice = Choice(areas=(AreaQuantity(chance.below(2), 1 + chance.below(4)),))
        else:
            quantity, named = 1 + chance.below(4), self._ticket_type()
            ticket_types = ((named, quantity),) if named is not None else ()
            choice = Best(quantity, (chance.below(2),), ticket_types=ticket_types)
        box_office = chance.happens(0.1)
        address = chance.one_of(ADDRESSES)
        known_since_ms = chance.below(2) or None
        return lambda: PlaceHold(
            chance.key(),
            choice,
            buyer,
            box_office,
            _actor(box_office),
            address,
            NETWORK if address in IN_NETWORK else None,
            known_since_ms,
        )

    def _choice(self, most: int = 4, typed: float = 0.25) -> Choice:
        chance = self._chance
        first, count = chance.below(len(self._seats)), 1 + chance.below(most)
        seats = [first + n for n in range(count) if first + n < len(self._seats)]
        if chance.happens(0.01):
            seats.append(UNKNOWN_SEAT)
        if chance.happens(0.05):
            seats = chance.some(self._seats, 6)
        kind = self._ticket_type(typed)
        ticket_types = {seats[0]: kind} if kind is not None else {}
        return Choice(tuple(seats), ticket_types=ticket_types)

    def _ticket_type(self, typed: float = 0.25) -> str | None:
        """A ticket type, sometimes one of staff; `None` in most cases."""
        chance = self._chance
        if not chance.happens(typed):
            return None
        return "press" if chance.happens(0.4) else "child"

    def _change(self) -> Wish:
        key = self._hold()
        if self._referee.live and self._chance.happens(0.5):
            # Few of the shared ids are of live holds.
            key = self._chance.one_of(tuple(self._referee.live))
        seen = self._referee.holds.get(key)
        own = tuple(seen.lines) if seen is not None else (0,)
        add = self._choice(2, typed=0.6) if self._chance.happens(0.6) else None
        remove = Part(self._few(own)) if add is None or self._chance.happens(0.5) else None
        office = self._office()
        return lambda: ChangeHold(key, add, remove, *office)

    def _extend(self) -> Wish:
        key, office = self._hold(), self._office()
        return lambda: ExtendHold(key, *office)

    def _release(self) -> Wish:
        key, office = self._hold(), self._office()
        return lambda: ReleaseHold(key, *office)

    def _freeze(self) -> Wish:
        # Mostly holds that were frozen before, to test who may freeze again.
        key, office = self._live(lambda hold: hold.buyer_freezes > 0), self._office()
        return lambda: FreezeHold(key, *office)

    def _thaw(self) -> Wish:
        key, office = self._live(lambda hold: hold.frozen_by is not None), self._office()
        return lambda: ThawHold(key, *office)

    def _office(self) -> tuple[bool, str | None]:
        """Whether the box office asks, and its actor in the log."""
        return (True, DESK) if self._chance.happens(0.25) else (False, None)

    def _release_all(self) -> Wish:
        holder = self._chance.one_of((*BUYERS, *ADDRESSES, NETWORK))
        return lambda: ReleaseHolds(holder, 3, "desk")

    # Bookings

    def _book(self) -> Wish:
        """A booking that mostly expects the total or revision that the shop read just before."""
        chance, key = self._chance, self._hold()
        seen = self._referee.holds.get(key)
        total = revision = None
        if seen is not None and chance.happens(0.8):
            revision = seen.revision if chance.happens(0.6) else None
            total = seen.total if revision is None or chance.happens(0.5) else None
        return lambda: BookHold(key, chance.key(), None, total, revision)

    def _book_seats(self) -> Wish:
        choice, blocked = self._choice(), self._chance.happens(0.5)
        return lambda: BookSeats(self._chance.key(), choice, from_blocked=blocked, actor=DESK)

    def _cancel(self) -> Wish:
        key = self._booking()
        seen = self._referee.bookings.get(key)
        if seen is None or self._chance.happens(0.6):
            return lambda: CancelBooking(key)
        part = Part(self._few(tuple(seen.lines)))
        return lambda: CancelBooking(key, part)

    def _exchange(self) -> Wish:
        key = self._booking()
        seen = self._referee.bookings.get(key)
        own = tuple(seen.lines) if seen is not None else (0,)
        take = self._choice(2, typed=0.6) if self._chance.happens(0.8) else None
        box_office = self._chance.happens(0.5)
        part, actor = Part(self._few(own)), _actor(box_office)
        return lambda: ExchangeSeats(key, part, take, box_office, actor)

    # The box office

    def _block(self) -> Wish:
        part = Part(tuple(self._chance.some(self._seats, 2)))
        return lambda: BlockSeats(part, "needed")

    def _unblock(self) -> Wish:
        part = Part(tuple(self._chance.some(self._seats, 8)))
        return lambda: UnblockSeats(part)

    def _configure(self) -> Wish:
        status = SaleStatus.paused if self._chance.happens(0.15) else SaleStatus.on_sale
        sale = self._sale(status, has_default=not self._chance.happens(0.1))
        seen = self._referee.configured
        replaces = seen[0] if seen is not None and self._chance.happens(0.5) else None
        if self._chance.happens(0.1):
            replaces = self._sale(SaleStatus.closed)
        blocked = Part(self._few(self._seats)) if self._chance.happens(0.1) else None
        return lambda: Configure(sale, replaces=replaces, blocked=blocked)

    def end(self) -> Command:
        """Cancel the event."""
        return Configure(self._sale(SaleStatus.cancelled))

    def _sale(
        self, status: SaleStatus = SaleStatus.on_sale, *, has_default: bool = True
    ) -> Configuration:
        return Configuration(
            "EUR",
            PRICES,
            status,
            rules=self.rules,
            ticket_types=TICKET_TYPES,
            default_ticket_type="standard" if has_default else None,
        )

    def wind_up(self) -> Command:
        """Wind up some holds or bookings; refused unless the event is cancelled."""
        return WindUp(3)

    def _wind_up(self) -> Wish:
        return self.wind_up

    # Shared ids

    def _hold(self) -> bytes:
        return self._known(self.holds)

    def _live(self, such: Callable[[HoldSeen], bool]) -> bytes:
        """A live hold that fulfils `such`, if one of the shared ids is of one; otherwise any."""
        if self._chance.happens(0.7):
            for key in reversed(self.holds):
                hold = self._referee.live.get(key)
                if hold is not None and such(hold):
                    return key
        return self._hold()

    def _booking(self) -> bytes:
        return self._known(self.bookings)

    def _known(self, known: deque[bytes]) -> bytes:
        if not known or self._chance.happens(0.02):
            return self._chance.key()
        # The newest are used most.
        back = min(self._chance.below(len(known)) for _ in range(3))
        return known[-1 - back]

    def _few(self, own: Sequence[int]) -> tuple[int, ...]:
        chance = self._chance
        if chance.happens(0.1):
            return (chance.one_of(self._seats),)
        return tuple(chance.some(own, 1 + chance.below(len(own))))

    _KINDS: Final = (
        (30, _place),
        (8, _change),
        (4, _extend),
        (4, _release),
        (8, _freeze),
        (7, _thaw),
        (1, _release_all),
        (24, _book),
        (4, _book_seats),
        (12, _cancel),
        (5, _exchange),
        (2, _block),
        (4, _unblock),
        (2, _configure),
        (2, _wind_up),
    )


def _actor(box_office: bool) -> str | None:
    return DESK if box_office else None
