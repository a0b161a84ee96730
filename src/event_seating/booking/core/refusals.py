"""Refusals: why the rules do not grant a command.

A refusal is a value that a decision returns, not an exception. It has a code, and what helps the
caller: which seats and why, a selection that would be granted, the limit that was reached. It knows
no HTTP status and no sentence.
"""

from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from event_seating.booking.core.records import Groups


class RefusalCode(StrEnum):
    """Why a command was refused."""

    seats_unavailable = "seats_unavailable"
    """Some of the seats are not available: `seats` has which and why, `areas` what is left."""
    sold_out = "sold_out"
    """Fewer are free than were asked for, in the filter or in an area."""
    no_block = "no_block"
    """Enough are free, but not next to each other."""
    orphan_seat = "orphan_seat"
    """A single free seat would be left; `suggestion` is a selection that would leave none."""
    too_many_seats = "too_many_seats"
    """More than `limit` seats in one hold."""
    too_many_held = "too_many_held"
    """More than `limit` seats held at once by one buyer, address or network: `held_by`."""
    cooling_down = "cooling_down"
    """The same buyer or address held them for long; others come first for `retry_after_ms`."""
    ticket_type_missing = "ticket_type_missing"
    """No ticket type is named and the event has no default; `ticket_types` are those to name."""
    unknown_ticket_type = "unknown_ticket_type"
    """The best seats with a type that the caller may not use; `ticket_types` as above."""
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
    """The hold ended so long ago that only its token proves that it existed."""
    hold_booked = "hold_booked"
    """The hold was booked, as `booking`."""
    nothing_gained = "nothing_gained"
    """The hold already lasts as long as it may."""
    hold_frozen = "hold_frozen"
    """The hold is frozen while it is paid for, and the caller may not change it."""
    hold_not_frozen = "hold_not_frozen"
    """There is no freeze to end."""
    freeze_used = "freeze_used"
    """The buyer froze this hold before, as often as a buyer may."""
    total_changed = "total_changed"
    """The hold or its total is not what was expected; `current` is what it is now."""
    expectation_missing = "expectation_missing"
    """The hold was changed or frozen, and the command names neither a total nor a revision."""
    not_in_hold = "not_in_hold"
    """The hold does not have some of the seats."""
    booking_not_found = "booking_not_found"
    """No booking has this id, or it was cancelled too long ago to be known."""
    already_cancelled = "already_cancelled"
    """The booking was cancelled before."""
    not_in_booking = "not_in_booking"
    """The booking does not have some of the seats."""
    nothing_left = "nothing_left"
    """The change would leave a hold or booking without a seat: release or cancel it instead."""


class SeatCode(StrEnum):
    """Why one seat is not available."""

    held = "held"
    booked = "booked"
    blocked = "blocked"
    unknown = "unknown"
    not_on_sale = "not_on_sale"
    """There is no price for its category and the ticket type, or none for this caller."""
    cooling_down = "cooling_down"
    """It is free, but the same buyer or address held it for long until a moment ago."""
    available = "available"
    """It is free, although the command asked for a blocked seat, or gives it back."""


class SeatProblem(NamedTuple):
    """A seat, by number, and why it is not available."""

    seat: int
    code: SeatCode


class AreaCode(StrEnum):
    """Why places of an area are not available."""

    sold_out = "sold_out"
    unknown = "unknown"
    cooling_down = "cooling_down"
    """Enough are free, but the same buyer or address held them for long until a moment ago."""
    not_on_sale = "not_on_sale"
    """There is no price for its category and the ticket type, or none for this caller."""


class AreaProblem(NamedTuple):
    """An area, by number, why its places are not available, and how many are left."""

    area: int
    code: AreaCode
    left: int


class CurrentLines(Struct, frozen=True, gc=False):
    """What would be booked now; `revision` is `None` for seats that are booked without a hold."""

    groups: Groups
    currency: str
    revision: int | None = None


class Refusal(Struct, frozen=True, gc=False):
    """Why a command is not granted, and what helps the caller."""

    code: RefusalCode
    seats: tuple[SeatProblem, ...] = ()
    areas: tuple[AreaProblem, ...] = ()
    suggestion: tuple[int, ...] = ()
    limit: int | None = None
    booking: bytes | None = None
    hold: bytes | None = None
    """The hold in question, when the command does not name it."""
    ticket_types: tuple[str, ...] = ()
    current: CurrentLines | None = None
    held_by: str | None = None
    retry_after_ms: int | None = None
