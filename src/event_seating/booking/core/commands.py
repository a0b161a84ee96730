"""What may be asked of an event's seats.

Commands are frozen and check their own form when they are made, so that a bad one is a `ValueError`
in the hands of the caller and never joins a batch. Whether they are granted is not decided here.
Seats and areas are numbers of the index (a seat that it does not have is refused as unknown). The
ids of new holds and bookings come from the caller, who has the randomness.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from event_seating.booking.core.records import ID_BYTES_MAX, Configuration

REASON_CHARS_MAX: Final = 200
"""A line of text for whoever reads the audit trail; the log is no place for essays."""

NO_TICKET_TYPES: Final[Mapping[int, str]] = MappingProxyType({})


class AreaQuantity(Struct, frozen=True, gc=False):
    """So many places of an area; `ticket_type` `None`: the default (when giving back: any)."""

    area: int
    quantity: int
    ticket_type: str | None = None

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError("a quantity is at least 1")


class Choice(Struct, frozen=True, gc=False):
    """Seats picked by hand, with the ticket types of those that name one, and places."""

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

    Only of these `categories` and `sections` (numbers; empty: any), none dearer than `max_price`
    in minor units. Accessible seats and those of companions only when `accessible`, and then at
    least one accessible seat. `ticket_types` says how many are of each type, in the order of the
    seats; empty: all are of the event's default.
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
            raise ValueError("the ticket types are of as many seats as are asked for")

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

    Only the box office may name no buyer; then nothing is capped. Only it gets the ticket types of
    staff. `known_since_ms` is when the cookie that the buyer brought was made; `None` for a buyer
    who came without one.
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

    `buyer` is who asks, known since `known_since_ms`; the seats count on whoever has the hold. Only
    the box office may add seats with a ticket type of staff; such seats that are in the hold stay
    there, whoever changes the others.
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
    """Let a hold last its time to live from now, within the total that it may last."""

    hold: bytes
    box_office: bool = False
    actor: str | None = None


class ReleaseHold(Struct, frozen=True, gc=False):
    """Give a hold back."""

    hold: bytes
    box_office: bool = False
    actor: str | None = None


class FreezeHold(Struct, frozen=True, gc=False):
    """Let a hold stand still while its buyer pays."""

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

    The first `most` holds of theirs, but none that the box office froze, since those are being
    paid for; their seats cool down, however short they were held.
    """

    holder: bytes
    most: int
    actor: str | None = None

    def __post_init__(self) -> None:
        _check_id(self.holder)
        if self.most < 1:
            raise ValueError("release at least one hold")


class BookHold(Struct, frozen=True, gc=False):
    """Book all seats of a hold, if they cost what was expected and the revision is that expected.

    One of the two must be said of a hold that is no longer what it was when it was made.
    """

    hold: bytes
    booking: bytes
    actor: str | None = None
    expected_total: int | None = None
    expected_revision: int | None = None

    def __post_init__(self) -> None:
        _check_id(self.booking)


class BookSeats(Struct, frozen=True, gc=False):
    """The box office books seats straight from the available and/or the blocked ones.

    It may use every ticket type.
    """

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
    """Give back what a cancelled event still holds and has sold: its holds, then its bookings.

    At `most` so many of them; refused as `booking_not_found` when nothing is left, and for an event
    that is not cancelled.
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
    """Withdraw seats from sale: those that are free; the others stay as they are."""

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

    Refused if the event no longer sells by the one that it `replaces` (`None`: whichever), so that
    of two who change one field each neither undoes what the other did. The free seats of `blocked`
    are withdrawn from sale with it: an event never sells what its map says is not for sale.
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
