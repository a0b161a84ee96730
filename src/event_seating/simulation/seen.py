"""Holds and bookings as the referee saw them in the log, and its failed checks."""

from collections.abc import Iterable
from dataclasses import dataclass

from event_seating.booking.core.records import Groups
from event_seating.booking.seat_log.projection import CONFIRMED

Lines = dict[int, tuple[str, int]]
"""Ticket type and price, by seat."""


class Broken(Exception):
    """A check failed."""


@dataclass(slots=True)
class HoldSeen:
    """A hold by the log."""

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
    """A booking by the log; `lines` of a cancelled one are those that it had."""

    lines: Lines
    created_ms: int
    version: int
    updated_ms: int
    status: str = CONFIRMED
    paid: tuple[int, int | None] = (0, None)
    """What it cost when it was booked, and the revision of its hold."""


def must(condition: bool, otherwise: str) -> None:
    """Raise `Broken` with the sentence `otherwise` unless the condition holds."""
    if not condition:
        raise Broken(otherwise)


def lines_of(groups: Groups) -> Lines:
    """The lines of groups; raises `Broken` when a seat is named twice."""
    lines: Lines = {}
    for group in groups:
        for seat in group.seats:
            must(seat not in lines, f"seat {seat} is taken twice at once")
            lines[seat] = (group.type_name, group.price)
    return lines


def without(lines: Lines, seats: Iterable[int]) -> Lines:
    """The lines without those of these seats."""
    gone = set(seats)
    return {seat: line for seat, line in lines.items() if seat not in gone}
