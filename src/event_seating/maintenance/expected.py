"""What the tables derived from an event's log must contain, and how to read what they do."""

from dataclasses import dataclass
from typing import Any

import msgspec

from event_seating.booking.core.records import Configuration, Groups, total

Lines = dict[int, tuple[str, int]]
"""Ticket type and price, by seat."""


@dataclass(slots=True)
class Expected:
    """What the row of a booking must contain; `groups` determine its lines and its total."""

    currency: str
    created_ms: int
    version: int | None
    updated_ms: int | None
    """Both None for a booking that was last changed before the checked rows."""
    hold_id: str | None = None
    groups: Groups = ()

    def columns(self, status: str) -> dict[str, Any]:
        """Its columns, as far as they are known."""
        found = {
            "status": status,
            "total": total(self.groups),
            "currency": self.currency,
            "version": self.version,
            "created_at_ms": self.created_ms,
            "updated_at_ms": self.updated_ms,
        }
        return {column: value for column, value in found.items() if value is not None}

    def lines(self) -> Lines:
        """Ticket type and price of each seat."""
        return {
            seat: (group.type_name, group.price) for group in self.groups for seat in group.seats
        }


def line(found: tuple[str, int] | None) -> str:
    """A line as text for people."""
    return f"{found[0]} at {found[1]}" if found is not None else "missing"


def configuration(text: str) -> Configuration | None:
    """The configuration in an event's row; None if it cannot be read."""
    try:
        return msgspec.json.decode(text, type=Configuration)
    except msgspec.MsgspecError:
        return None


def json_object(answer: bytes) -> dict[str, Any]:
    """The body of an answer; empty if it has none."""
    try:
        said = msgspec.json.decode(answer)
    except msgspec.MsgspecError:
        return {}
    return said if isinstance(said, dict) else {}
