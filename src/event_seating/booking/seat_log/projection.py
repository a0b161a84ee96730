"""The rows beside the log that follow from a batch: bookings, their lines, booked seats, the event.

Collects them entry by entry while the batch is decided, and has the net effect: seats that are
booked and cancelled in one batch leave only the cancelled booking. Pure; writes nothing itself.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from msgspec import Struct, structs

from event_seating.booking.core.log_entries import (
    Booked,
    Cancelled,
    Configured,
    Entry,
    Exchanged,
    Expired,
    Operation,
    Released,
)
from event_seating.booking.core.records import Booking, Configuration, Groups, seats_of, total
from event_seating.booking.core.seat_state import Batch
from event_seating.booking.seating import ids
from event_seating.jobs.model import NewJob

CONFIRMED: Final = "confirmed"
CANCELLED: Final = "cancelled"

FOLLOWED: Final = frozenset({Configured, Booked, Cancelled, Exchanged, Released, Expired})
"""The operations that have rows beside the log."""

Row = dict[str, Any]


class Buyer(Struct, frozen=True, gc=False, rename="camel"):
    """What a booking has of its buyer; none of it is in the log.

    Each field is a column of `bookings` and, in camel case, a field of a booking as it is answered.
    """

    user_id: str | None = None
    order_ref: str | None = None
    metadata: str | None = None
    """JSON."""


@dataclass(slots=True)
class Projection:
    """The rows to write beside a batch, and those to remove first."""

    event_id: str
    currency: str
    new_bookings: dict[str, Row] = field(default_factory=dict)
    changed_bookings: dict[str, Row] = field(default_factory=dict)
    lines: dict[tuple[str, int], Row] = field(default_factory=dict)
    removed_lines: dict[tuple[str, int], Row] = field(default_factory=dict)
    sold: dict[int, Row] = field(default_factory=dict)
    freed: dict[int, Row] = field(default_factory=dict)
    event_columns: Row = field(default_factory=dict)
    """The columns of the event's own row that change with its configuration."""
    configuration: Configuration | None = None
    """How the event sells after the batch, if the batch says so."""
    ended: list[bytes] = field(default_factory=list)
    """Holds that were released or ran out: the answers that show them are cut down."""
    jobs: list[NewJob] = field(default_factory=list)
    """The jobs that are written with the batch."""

    def add(self, batch: Batch, entry: Entry, buyer: Buyer) -> None:
        """Add the rows of an entry; call it right after the entry was decided in `batch`."""
        for operation in entry.operations:
            # Most are holds, which have no rows: one look-up tells.
            if type(operation) in FOLLOWED:
                self._follow(batch, operation, buyer)

    def _follow(self, batch: Batch, operation: Operation, buyer: Buyer) -> None:
        match operation:
            case Configured():
                self.configuration = operation.configuration
            case Booked():
                self._book(batch, operation, buyer)
            case Released() | Expired():
                self.ended.append(operation.hold)
            case Cancelled():
                self._cancel(batch, operation)
            case Exchanged():
                booking = self._name(operation.booking)
                self._free(operation.released)
                self._remove_lines(booking, operation.released)
                self._sell(booking, operation.taken)
                self._change(batch, operation.booking, CONFIRMED)
            case _:
                raise TypeError(f"no projection for {type(operation).__name__}")

    def _book(self, batch: Batch, operation: Booked, buyer: Buyer) -> None:
        key, hold = operation.booking, operation.hold
        booked = batch.booking(key)
        assert isinstance(booked, Booking), "a booking was decided and is not there"
        booking = self._name(key)
        self.new_bookings[booking] = {
            "event_id": self.event_id,
            "id": booking,
            **structs.asdict(buyer),
            "hold_id": None if hold is None else self._name(hold),
            "status": CONFIRMED,
            "total": total(booked.groups),
            "currency": self.currency,
            "version": batch.version,
            "created_at_ms": batch.at_ms,
            "updated_at_ms": batch.at_ms,
        }
        self._sell(booking, booked.groups)

    def _cancel(self, batch: Batch, operation: Cancelled) -> None:
        self._free(operation.seats)
        left = batch.booking(operation.booking)
        if isinstance(left, Booking):
            self._remove_lines(self._name(operation.booking), operation.seats)
            self._change(batch, operation.booking, CONFIRMED)
        else:
            # A booking that is cancelled whole stays readable, with the lines that it had.
            self._change(batch, operation.booking, CANCELLED)

    def _change(self, batch: Batch, key: bytes, status: str) -> None:
        booking = self._name(key)
        row = self.new_bookings.get(booking)
        if row is None:
            row = self.changed_bookings.setdefault(
                booking, {"b_event_id": self.event_id, "b_id": booking}
            )
        row |= {"status": status, "version": batch.version, "updated_at_ms": batch.at_ms}
        current = batch.booking(key)
        if isinstance(current, Booking):
            row["total"] = total(current.groups)

    def _sell(self, booking: str, groups: Groups) -> None:
        for group in groups:
            for seat in group.seats:
                self.lines[booking, seat] = {
                    "event_id": self.event_id,
                    "booking_id": booking,
                    "seat": seat,
                    "ticket_type": group.type_name,
                    "price": group.price,
                }
        for seat in seats_of(groups):
            self.sold[seat] = {"event_id": self.event_id, "seat": seat, "booking_id": booking}

    def _free(self, seats: tuple[int, ...]) -> None:
        for seat in seats:
            self.sold.pop(seat, None)
            self.freed[seat] = {"b_event_id": self.event_id, "b_seat": seat}

    def _remove_lines(self, booking: str, seats: tuple[int, ...]) -> None:
        for seat in seats:
            self.lines.pop((booking, seat), None)
            self.removed_lines[booking, seat] = {
                "b_event_id": self.event_id,
                "b_booking_id": booking,
                "b_seat": seat,
            }

    def _name(self, key: bytes) -> str:
        return ids.to_text(self.event_id, key)
