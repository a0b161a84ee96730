"""Bookings for a spreadsheet or another program: CSV with one line for each line of a booking.

Owns the columns, and the reading of an event's bookings page by page, so that an export of any
length takes the memory of one page. `csv_lines` quotes the texts and makes those of buyers harmless
to spreadsheets. A price is a number.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from event_seating.booking.reads import lists, rendering
from event_seating.booking.reads.lists import BookingFilter, ListedBooking
from event_seating.booking.seating.bookable_event import BookableEvent
from event_seating.db.database import Database
from event_seating.values import csv_lines

COLUMNS: Final = (
    "bookingId",
    "status",
    "orderRef",
    "userId",
    "seat",
    "area",
    "quantity",
    "label",
    "category",
    "ticketType",
    "price",
    "currency",
    "version",
    "createdAt",
    "updatedAt",
)

PAGE_BOOKINGS: Final = 100
"""Bookings read and encoded at once: a few milliseconds and some 100 kB."""

Encode = Callable[[dict[str, Any]], bytes]
"""Encodes a booking, as the API answers it, for an export."""

LineMore = Callable[[Mapping[str, Any]], Sequence[csv_lines.Cell]]
"""Makes the cells of further columns of a line."""


def header(*more: str) -> bytes:
    """The line with the names of the columns, and of further ones."""
    return csv_lines.encode([(*COLUMNS, *more)])


def booking(answer: Mapping[str, Any], more: LineMore = lambda _line: ()) -> bytes:
    """The lines of a booking as the API answers it; `price` is that of one seat or place."""
    return csv_lines.encode(
        [
            answer["id"],
            answer["status"],
            answer["orderRef"],
            answer["userId"],
            line.get("seat"),
            line.get("area"),
            line.get("quantity", 1),
            line["label"],
            line["category"],
            line["ticketType"],
            Decimal(line["price"]),
            answer["currency"],
            answer["version"],
            answer["createdAt"],
            answer["updatedAt"],
            *more(line),
        ]
        for line in answer["lines"]
    )


async def pieces(
    database: Database,
    bookable: BookableEvent,
    wanted: BookingFilter,
    opening: bytes,
    encode: Encode,
) -> AsyncIterator[bytes]:
    """An event's bookings in the order of their ids, a page a piece; `opening` comes first."""
    after: tuple[str] | None = None
    while True:
        async with database.read() as connection:
            found = await lists.by_id(connection, bookable.event_id, wanted, after, PAGE_BOOKINGS)
        yield opening + b"".join(encode(described(each, bookable)) for each in found)
        if len(found) < PAGE_BOOKINGS:
            return
        opening, after = b"", (found[-1].id,)


def described(listed: ListedBooking, bookable: BookableEvent) -> dict[str, Any]:
    """A booking of a list as the API answers it."""
    return rendering.booking(bookable, booking_id=listed.id, **listed.row._asdict())
