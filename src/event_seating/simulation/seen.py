"""Holds and bookings as the referee saw them in the log, and how it says what is wrong."""

from collections.abc import Iterable
from dataclasses import dataclass

from event_seating.booking.core.records import Groups
from event_seating.booking.seat_log.projection import CONFIRMED

Lines = dict[int, tuple[str, int]]
"""Ticket type and price, by seat."""


class Broken(Exception):
    """What must be true is not."""


@dataclass(slots=True)
class HoldSeen:
    """A hold as the log tells it."""

    lines: Lines
    created_ms: int
    expires_ms: int
    holders: tuple[bytes, ...] = ()
    """Buyer, address and network, as far as the log names them."""
    ended: str | None = None
    revision: int = 1
    frozen_by: str | None = None
    thawed_ms: int = 0
    """When it would end without the freeze."""
    buyer_freezes: int = 0

    @property
    def total(self) -> int:
        """What it costs."""
        return sum(price for _, price in self.lines.values())


@dataclass(slots=True)
class BookingSeen:
    """A booking as the log tells it; `lines` of a cancelled one are the last that it had."""

    lines: Lines
    created_ms: int
    version: int
    updated_ms: int
    status: str = CONFIRMED
    paid: tuple[int, int | None] = (0, None)
    """What it cost when it was booked, and the revision of its hold."""


def must(holds: bool, what: str) -> None:
    """Raise `Broken` with this sentence unless it `holds`."""
    if not holds:
        raise Broken(what)


def lines_of(groups: Groups) -> Lines:
    """The lines of groups, which name each seat once."""
    lines: Lines = {}
    for group in groups:
        for seat in group.seats:
            must(seat not in lines, f"seat {seat} is taken twice at once")
            lines[seat] = (group.type_name, group.price)
    return lines


def without(lines: Lines, seats: Iterable[int]) -> Lines:
    """The lines but for those of these seats."""
    gone = set(seats)
    return {seat: line for seat, line in lines.items() if seat not in gone}
