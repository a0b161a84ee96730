"""What an event keeps: its configuration, its holds and its bookings.

Records are frozen and are replaced, never changed, so that they can be handed to a reader, written
into a snapshot or kept in the undo log. Seats are numbers of the index, money is whole
minor units (cents), times are milliseconds since 1970. Nothing here names a person: a buyer is an
HMAC that the caller made, ids are random bytes that the caller drew.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct

AVAILABLE: Final = 0
HELD: Final = 1
BOOKED: Final = 2
BLOCKED: Final = 3
"""The statuses as the arrays hold them."""

STATUS_NAMES: Final = ("available", "held", "booked", "blocked")
STATUS_CHARS: Final = b"ahbx"

STANDARD: Final = "standard"
"""The ticket type of a line without one. Only logs of format 1 have such lines; apart from that it
is a name like any other."""

ID_BYTES_MAX: Final = 64
"""Twice the longest text of 128 random bits; ids fill most of the log."""

HOLD_TOTAL_MAX_MS: Final = 30 * 60_000
"""How long a hold may last in all, extensions and a checkout included, unless an event's rules say
otherwise; also the longest time to live of a new hold."""

HOLD_TOTAL_LONGEST_MS: Final = 60 * 60_000
"""The most that an event's rules may allow: an hour is long for seats that others want."""

CHECKOUT_TTL_MS: Final = 15 * 60_000
"""How long a hold stays frozen for its buyer to pay, unless an event's rules say otherwise: card
payments with a confirmation on a telephone take up to 10 minutes."""

BUYER_FREEZES_MAX: Final = 1
"""How often a buyer may freeze a hold: once, or each freeze would be another extension."""

Id = Annotated[bytes, Meta(min_length=1, max_length=ID_BYTES_MAX)]
Seat = Annotated[int, Meta(ge=0)]
Minor = Annotated[int, Meta(ge=0)]
Ms = Annotated[int, Meta(ge=0)]


class SaleStatus(StrEnum):
    """Whether an event sells; `cancelled` is for ever."""

    on_sale = "on_sale"
    paused = "paused"
    closed = "closed"
    cancelled = "cancelled"


class SaleRules(Struct, frozen=True, gc=False):
    """What an event lets its buyers do."""

    allow_orphans: bool = True
    max_seats_per_hold: Annotated[int, Meta(ge=1)] = 8
    max_held_seats_per_buyer: Annotated[int, Meta(ge=1)] = 40
    max_held_seats_per_address: Annotated[int, Meta(ge=1)] = 400
    hold_ttl_ms: Annotated[int, Meta(ge=1, le=HOLD_TOTAL_MAX_MS)] = 600_000
    hold_total_max_ms: Annotated[int, Meta(ge=1, le=HOLD_TOTAL_LONGEST_MS)] = HOLD_TOTAL_MAX_MS
    checkout_ttl_ms: Annotated[int, Meta(ge=1, le=HOLD_TOTAL_LONGEST_MS)] = CHECKOUT_TTL_MS


class Access(StrEnum):
    """Who may take a ticket type: anybody, or only the box office."""

    public = "public"
    staff = "staff"


class TicketType(Struct, frozen=True, gc=False):
    """What a ticket type is called, and who may take it."""

    label: str
    access: Access = Access.public


class Configuration(Struct, frozen=True, gc=False):
    """How an event sells. `prices` are by category, then by ticket type.

    Sales run from `sales_start_ms` up to, not including, `sales_end_ms`. Without `ticket_types`
    every type that has a price is public. `default_ticket_type` is the type of a command that names
    none; the module `ticket_types` says what holds when it is `None`.
    """

    currency: str
    prices: dict[str, dict[str, Minor]]
    status: SaleStatus = SaleStatus.on_sale
    sales_start_ms: Ms | None = None
    sales_end_ms: Ms | None = None
    rules: SaleRules = SaleRules()
    ticket_types: dict[str, TicketType] | None = None
    default_ticket_type: str | None = None


class CancelReason(StrEnum):
    """Why a booking was cancelled, as the log has it: a code, never a text that somebody wrote."""

    event_cancelled = "event_cancelled"


class LineGroup(Struct, frozen=True, gc=False, array_like=True):
    """Seats with the same ticket type and the same price, frozen at the hold.

    New groups always name their type; `None` comes from logs of format 1 and means `STANDARD`.
    """

    seats: tuple[Seat, ...]
    price: Minor
    ticket_type: str | None = None

    @property
    def type_name(self) -> str:
        """The ticket type by its name."""
        return self.ticket_type or STANDARD


Groups = tuple[LineGroup, ...]


class Freeze(Struct, frozen=True, gc=False, array_like=True):
    """A hold is frozen while its buyer pays; `expires_ms` is its end without the freeze."""

    by_staff: bool
    expires_ms: Ms


class Stretch(Struct, frozen=True, gc=False, array_like=True):
    """Seats of a hold that count as held since another time than the beginning of the hold.

    A later time: a change added them. An earlier one: the same buyer or address held them shortly
    before, and the times add up; `handed_on` if a buyer with an older cookie took them over from
    another buyer at the same address.
    """

    seats: tuple[Seat, ...]
    since_ms: Ms
    handed_on: bool = False


class Hold(Struct, frozen=True, gc=False, array_like=True):
    """Seats kept for a buyer until `expires_ms`.

    `address` and `network` are HMACs of where an anonymous buyer calls from: the address (IPv6: its
    /64), and with IPv6 the /56 around it. `by_address` comes from logs of format 1, in which the
    buyer could be an address instead. `revision` is raised by every change, freeze and thaw;
    `freezes` counts the freezes that the buyer began.
    """

    id: Id
    groups: Groups
    created_ms: Ms
    expires_ms: Ms
    buyer: bytes | None = None
    by_address: bool = False
    address: bytes | None = None
    network: bytes | None = None
    revision: int = 1
    freeze: Freeze | None = None
    freezes: int = 0
    stretches: tuple[Stretch, ...] = ()


class Booking(Struct, frozen=True, gc=False, array_like=True):
    """Seats that are sold; `hold` is the hold that they were booked from, if any.

    A booking that is cancelled whole is no longer kept here.
    """

    id: Id
    groups: Groups
    booked_ms: Ms
    hold: Id | None = None


class EndCause(StrEnum):
    """How a hold ended; `cancelled` is how a booking ends."""

    expired = "e"
    released = "r"
    booked = "b"
    cancelled = "c"


class Tombstone(Struct, frozen=True, gc=False, array_like=True):
    """An id that ended `at_ms`; `booking` is the booking that a booked hold became."""

    ending: EndCause
    at_ms: Ms
    booking: Id | None = None


class RecentHold(Struct, frozen=True, gc=False, array_like=True):
    """Who held seats, for how many ms in all, and until when that is remembered."""

    held_ms: Ms
    until_ms: Ms
    buyer: bytes
    address: bytes | None = None
    network: bytes | None = None
    handed_on: bool = False


def named(groups: Groups) -> Groups:
    """The groups with the type of each by its name, as new operations write them."""
    return tuple(LineGroup(group.seats, group.price, group.type_name) for group in groups)


def seats_of(groups: Groups) -> tuple[int, ...]:
    """All seats of the groups, in their order."""
    if len(groups) == 1:
        return groups[0].seats
    return tuple(seat for group in groups for seat in group.seats)


def seat_count(groups: Groups) -> int:
    """How many seats the groups have."""
    if len(groups) == 1:
        return len(groups[0].seats)
    return sum(len(group.seats) for group in groups)


def total(groups: Groups) -> int:
    """What the groups cost together, in minor units."""
    return sum(group.price * len(group.seats) for group in groups)


def without(groups: Groups, seats: Iterable[int]) -> Groups:
    """The groups without these seats; groups left empty are dropped."""
    gone = frozenset(seats)
    kept = (
        LineGroup(
            tuple(seat for seat in group.seats if seat not in gone), group.price, group.ticket_type
        )
        for group in groups
    )
    return tuple(group for group in kept if group.seats)
