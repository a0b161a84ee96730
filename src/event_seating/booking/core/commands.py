"""The commands: every change of an event's seats that can be requested.

Commands are frozen and check themselves when they are made, so that a malformed one is a
`ValueError` for the caller and never joins a batch. Whether they are granted is not decided here.
Seats and areas are numbers of the index; a seat that the index does not have is refused as unknown.
The ids of new holds and bookings come from the caller, since nothing in `core` is random.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from event_seating.booking.core.records import ID_BYTES_MAX, Configuration

REASON_CHARS_MAX: Final = 200
"""One line of text for the readers of the audit trail."""

NO_TICKET_TYPES: Final[Mapping[int, str]] = MappingProxyType({})


class AreaQuantity(Struct, frozen=True, gc=False):
    """A number of places in an area; `ticket_type` `None`: the default (when giving back: any)."""

    area: int
    quantity: int
    ticket_type: str | None = None

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError("a quantity is at least 1")


class Choice(Struct, frozen=True, gc=False):
    """Seats picked by hand, the ticket types of those that name one, and places of areas."""

    seats: tuple[int, ...] = ()
    areas: tuple[AreaQuantity, ...] = ()
    ticket_types: Mapping[int, str] = NO_TICKET_TYPES

    def __post_init__(self) -> None:
        if not self.seats and not self.areas:
            raise ValueError("choose at least one seat")
        if len(set(self.seats)) != len(self.seats):
            raise ValueError("the same seat twice")
        if self.ticket_types and not self.ticket_types.keys() <= set(self.seats):
            raise ValueError("a ticket type for a seat that is not chosen")

    @property
    def count(self) -> int:
        """How many seats and places."""
        count = len(self.seats)
        for area in self.areas:
            count += area.quantity
        return count

    @property
    def names_all_types(self) -> bool:
        """Whether the ticket type of every seat and place is named."""
        return len(self.ticket_types) == len(self.seats) and all(
            area.ticket_type is not None for area in self.areas
        )


class Best(Struct, frozen=True, gc=False):
    """The best `quantity` seats next to each other.

    Only seats of these `categories` and `sections` (numbers; empty: any) that cost at most
    `max_price` minor units. Accessible seats and those of companions only with `accessible`, and
    then at least one accessible seat. `ticket_types` says how many seats are of each type, in the
    order of the seats; empty: all are of the event's default.
    """

    quantity: int
    categories: tuple[int, ...] = ()
    sections: tuple[int, ...] = ()
    max_price: int | None = None
    accessible: bool = False
    ticket_types: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        if self.quantity < 1 or any(quantity < 1 for _, quantity in self.ticket_types):
            raise ValueError("a quantity is at least 1")
        if self.ticket_types and self.quantity != sum(many for _, many in self.ticket_types):
            raise ValueError("the ticket types do not add up to the quantity")

    @property
    def count(self) -> int:
        """How many seats."""
        return self.quantity


class Part(Struct, frozen=True, gc=False):
    """Seats and places of a hold or booking that are given back."""

    seats: tuple[int, ...] = ()
    areas: tuple[AreaQuantity, ...] = ()

    def __post_init__(self) -> None:
        if not self.seats and not self.areas:
            raise ValueError("give back at least one seat")
        if len(set(self.seats)) != len(self.seats):
            raise ValueError("the same seat twice")


class PlaceHold(Struct, frozen=True, gc=False):
    """Hold seats for a buyer, at an `address` in a `network` (IPv6); all three are opaque keys.

    Only the box office may leave the buyer out; then no cap applies. Only it may use the ticket
    types of staff. `known_since_ms` is when the buyer's cookie was made; `None` without a cookie.
    """

    hold: bytes
    choice: Choice | Best
    buyer: bytes | None = None
    box_office: bool = False
    actor: str | None = None
    address: bytes | None = None
    network: bytes | None = None
    known_since_ms: int | None = None

    def __post_init__(self) -> None:
        _check_id(self.hold)
        if self.buyer is None:
            if not self.box_office:
                raise ValueError("only the box office names no buyer")
        else:
            _check_id(self.buyer)
        if self.address is not None:
            _check_id(self.address)
        if self.network is not None:
            _check_id(self.network)


class ChangeHold(Struct, frozen=True, gc=False):
    """Add and remove seats of a hold in one step; its expiry stays.

    `buyer` is the one who asks, known since `known_since_ms`; the seats count for the buyer of the
    hold. Only the box office may add seats with a ticket type of staff; such seats that the hold
    already has stay in it, whoever changes the others.
    """

    hold: bytes
    add: Choice | None = None
    remove: Part | None = None
    box_office: bool = False
    actor: str | None = None
    buyer: bytes | None = None
    known_since_ms: int | None = None

    def __post_init__(self) -> None:
        if self.add is None and self.remove is None:
            raise ValueError("a change adds or removes")


class ExtendHold(Struct, frozen=True, gc=False):
    """Let a hold last its time to live from now on, but not longer than its total allows."""

    hold: bytes
    box_office: bool = False
    actor: str | None = None


class ReleaseHold(Struct, frozen=True, gc=False):
    """Give a hold back."""

    hold: bytes
    box_office: bool = False
    actor: str | None = None


class FreezeHold(Struct, frozen=True, gc=False):
    """Keep a hold from expiring and from being changed while its buyer pays."""

    hold: bytes
    box_office: bool = False
    actor: str | None = None


class ThawHold(Struct, frozen=True, gc=False):
    """End the freeze of a hold."""

    hold: bytes
    box_office: bool = False
    actor: str | None = None


class ReleaseHolds(Struct, frozen=True, gc=False):
    """The box office gives back what one buyer, address or network (`holder`) holds.

    At most `most` of their holds, and none that the box office froze, since those are being paid
    for. The seats cool down, however short the time was for which they were held.
    """

    holder: bytes
    most: int
    actor: str | None = None

    def __post_init__(self) -> None:
        _check_id(self.holder)
        if self.most < 1:
            raise ValueError("release at least one hold")


class BookHold(Struct, frozen=True, gc=False):
    """Book all seats of a hold, if its total and its revision are the expected ones.

    One of the two must be named for a hold that was changed or frozen since it was made.
    """

    hold: bytes
    booking: bytes
    actor: str | None = None
    expected_total: int | None = None
    expected_revision: int | None = None

    def __post_init__(self) -> None:
        _check_id(self.booking)


class BookSeats(Struct, frozen=True, gc=False):
    """The box office books available or blocked seats without a hold, with any ticket type."""

    booking: bytes
    choice: Choice
    from_available: bool = True
    from_blocked: bool = False
    actor: str | None = None
    expected_total: int | None = None

    def __post_init__(self) -> None:
        _check_id(self.booking)
        if not self.from_available and not self.from_blocked:
            raise ValueError("book from available, from blocked, or from both")


class CancelBooking(Struct, frozen=True, gc=False):
    """Cancel a booking, or only a `part` of it; the seats are free again."""

    booking: bytes
    part: Part | None = None
    actor: str | None = None


class WindUp(Struct, frozen=True, gc=False):
    """Release the holds of a cancelled event, then cancel its bookings, at most `most` at a time.

    Refused as `booking_not_found` when nothing is left, and for an event that is not cancelled.
    """

    most: int
    actor: str | None = None

    def __post_init__(self) -> None:
        if self.most < 1:
            raise ValueError("wind up at least one hold or booking")


class ExchangeSeats(Struct, frozen=True, gc=False):
    """Give seats of a booking back and take others, in one step.

    Only the box office may take seats with a ticket type of staff.
    """

    booking: bytes
    release: Part | None = None
    take: Choice | None = None
    box_office: bool = False
    actor: str | None = None

    def __post_init__(self) -> None:
        if self.release is None and self.take is None:
            raise ValueError("an exchange releases or takes")


class BlockSeats(Struct, frozen=True, gc=False):
    """Withdraw the free ones among these seats from sale; the others stay as they are."""

    part: Part
    reason: str = ""
    actor: str | None = None

    def __post_init__(self) -> None:
        _check_reason(self.reason)


class UnblockSeats(Struct, frozen=True, gc=False):
    """Give blocked seats back to the sale; those that are not blocked stay as they are."""

    part: Part
    reason: str = ""
    actor: str | None = None

    def __post_init__(self) -> None:
        _check_reason(self.reason)


class Configure(Struct, frozen=True, gc=False):
    """Sell by this configuration from now on; the first command of every event.

    Refused if the event's configuration is no longer the one that this `replaces` (`None`: any),
    so that two callers who each change one field do not undo each other's change. The free seats
    of `blocked` are withdrawn from sale with it: an event never sells what its map says is not for
    sale.
    """

    configuration: Configuration
    replaces: Configuration | None = None
    blocked: Part | None = None
    actor: str | None = None


Command = (
    PlaceHold
    | ChangeHold
    | ExtendHold
    | ReleaseHold
    | FreezeHold
    | ThawHold
    | ReleaseHolds
    | BookHold
    | BookSeats
    | CancelBooking
    | WindUp
    | ExchangeSeats
    | BlockSeats
    | UnblockSeats
    | Configure
)


def _check_id(text: bytes) -> None:
    if not 1 <= len(text) <= ID_BYTES_MAX:
        raise ValueError(f"an id has 1 to {ID_BYTES_MAX} bytes")


def _check_reason(reason: str) -> None:
    if len(reason) > REASON_CHARS_MAX:
        raise ValueError(f"a reason has at most {REASON_CHARS_MAX} characters")
