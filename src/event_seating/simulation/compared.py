"""Compares the tables beside the log of a simulated event with what the referee saw in the log."""

from typing import TYPE_CHECKING

from event_seating.booking.seat_log.projection import CONFIRMED
from event_seating.booking.seating import ids
from event_seating.simulation.database import Tables
from event_seating.simulation.seen import must

if TYPE_CHECKING:
    from event_seating.simulation.referee import Referee


def compare_all(referee: "Referee", tables: Tables) -> None:
    """Compare every row beside the log with the log; raises `Broken`."""
    for key in referee.bookings:
        compare(referee, key, tables)
    must(len(tables.bookings) == len(referee.bookings), "there are bookings of nobody")
    lines = sum(len(booking.lines) for booking in referee.bookings.values())
    must(len(tables.lines) == lines, "there are lines of nobody")
    sold = {
        seat: ids.to_text(referee.event_id, owner)
        for seat, owner in referee.owners.items()
        if owner in referee.bookings
    }
    must(tables.booked_seats == sold, "the booked seats are others than the log says")
    versions = [row.version for row in tables.rows]
    must(versions == list(range(1, referee.version + 1)), "the log has a gap")


def compare(referee: "Referee", key: bytes, tables: Tables) -> None:
    """Compare one booking, with its lines and seats; raises `Broken`."""
    booking, name = referee.bookings[key], ids.to_text(referee.event_id, key)
    row = tables.bookings.get(name)
    must(row is not None, f"booking {key.hex()} has no row")
    expected = {
        "status": booking.status,
        "total": sum(price for _, price in booking.lines.values()),
        "version": booking.version,
        "created_at_ms": booking.created_ms,
        "updated_at_ms": booking.updated_ms,
    }
    assert row is not None
    found = {field: row[field] for field in expected}
    must(found == expected, f"booking {key.hex()} is {found}, the log says {expected}")
    for seat, (ticket_type, price) in booking.lines.items():
        line = tables.lines.get((name, seat), {})
        same = (line.get("ticket_type"), line.get("price")) == (ticket_type, price)
        must(same, f"booking {key.hex()} has another line for seat {seat}")
        if booking.status == CONFIRMED:
            must(tables.booked_seats.get(seat) == name, f"seat {seat} is booked by another")
