"""What the rules may say no with.

A refusal is a value that a decision returns, not an exception. It has a code of its own, and what
helps the person who gets it: which seats and why, a choice that would do, the limit that was met.
It knows no status of HTTP and no sentence.
"""

from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from event_seating.booking.core.records import Groups


class RefusalCode(StrEnum):
    """Why a command was refused."""

    seats_unavailable = "seats_unavailable"
    """Some of the seats cannot be had; `seats` says which and why, `areas` what is left there."""
    sold_out = "sold_out"
    """Fewer are free than were asked for, in the filter or in an area."""
    no_block = "no_block"
    """Enough are free, but not next to each other."""
    orphan_seat = "orphan_seat"
    """A single free seat would be left over; `suggestion` is a choice that would do."""
    too_many_seats = "too_many_seats"
    """More than `limit` seats in one hold."""
    too_many_held = "too_many_held"
    """More than `limit` seats held at once by one buyer, address or network: `held_by`."""
    cooling_down = "cooling_down"
    """The same buyer or address held them for long; others come first for `retry_after_ms`."""
    ticket_type_missing = "ticket_type_missing"
    """No ticket type is named and the event has no default; `ticket_types` are those to name."""
    unknown_ticket_type = "unknown_ticket_type"
    """The best seats of a type that the caller cannot have; `ticket_types` as above."""
    not_on_sale = "not_on_sale"
    """The event does not sell at this time."""
    event_cancelled = "event_cancelled"
    """The event is cancelled, for ever."""
    configuration_changed = "configuration_changed"
    """The event no longer sells by the configuration that was to be replaced."""
    hold_not_found = "hold_not_found"
    """No hold has this id, or it ended too long ago to be known."""
    hold_expired = "hold_expired"
    """The hold ran out."""
    hold_released = "hold_released"
    """The hold was given back."""
    hold_ended = "hold_ended"
    """The hold ended so long ago that nothing but its token says that it was."""
    hold_booked = "hold_booked"
    """The hold was booked, as `booking`."""
    nothing_gained = "nothing_gained"
    """The hold already lasts as long as it may."""
    hold_frozen = "hold_frozen"
    """The hold is frozen while it is paid, and the caller may not change that."""
    hold_not_frozen = "hold_not_frozen"
    """There is no freeze to end."""
    freeze_used = "freeze_used"
    """The buyer froze this hold before, as often as a buyer may."""
    total_changed = "total_changed"
    """What is to be booked is not what was expected; `present` is what it is now."""
    expectation_missing = "expectation_missing"
    """The hold was changed or frozen since it was made, and the booking expects nothing of it."""
    not_in_hold = "not_in_hold"
    """Seats that the hold does not have."""
    booking_not_found = "booking_not_found"
    """No booking has this id, or it was cancelled too long ago to be known."""
    already_cancelled = "already_cancelled"
    """The booking was cancelled before."""
    not_in_booking = "not_in_booking"
    """Seats that the booking does not have."""
    nothing_left = "nothing_left"
    """The change would leave a hold or booking without a seat: release or cancel it instead."""


class SeatCode(StrEnum):
    """Why one seat cannot be had."""

    held = "held"
    booked = "booked"
    blocked = "blocked"
    unknown = "unknown"
    not_on_sale = "not_on_sale"
    """There is no price for its category and the ticket type, or none for this caller."""
    cooling_down = "cooling_down"
    """It is free, but the same buyer or address held it for long until a moment ago."""
    available = "available"
    """It was asked for from among the blocked ones, or was to be given back, and is free."""


class SeatProblem(NamedTuple):
    """A seat, by number, and why it cannot be had."""

    seat: int
    code: SeatCode


class AreaCode(StrEnum):
    """Why places of an area cannot be had."""

    sold_out = "sold_out"
    unknown = "unknown"
    cooling_down = "cooling_down"
    """Enough are free, but the same buyer or address held them for long until a moment ago."""
    not_on_sale = "not_on_sale"
    """There is no price for its category and the ticket type, or none for this caller."""


class AreaProblem(NamedTuple):
    """An area, by number, why its places cannot be had, and how many are left."""

    area: int
    code: AreaCode
    left: int


class Present(Struct, frozen=True, gc=False):
    """What would be booked at this moment; seats that are in no hold have no `revision`."""

    groups: Groups
    currency: str
    revision: int | None = None


class Refusal(Struct, frozen=True, gc=False):
    """A no, and what helps to get a yes."""

    code: RefusalCode
    seats: tuple[SeatProblem, ...] = ()
    areas: tuple[AreaProblem, ...] = ()
    suggestion: tuple[int, ...] = ()
    limit: int | None = None
    booking: bytes | None = None
    hold: bytes | None = None
    """The hold that this is about, when the command does not name it."""
    ticket_types: tuple[str, ...] = ()
    present: Present | None = None
    held_by: str | None = None
    retry_after_ms: int | None = None
