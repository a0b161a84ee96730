"""Bookings for a spreadsheet or another program: CSV, a line for each thing that was booked.

Owns the columns and the quoting (RFC 4180), and the reading of an event's bookings page by page, so
that an export of any length takes the memory of one page. A text that a spreadsheet would take for
a formula begins with an apostrophe, since some of it comes from whoever booked.
"""

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from event_seating.booking import answers, list_store
from event_seating.booking.house import House
from event_seating.booking.list_store import BookingFilter, ListedBooking
from event_seating.db.database import Database

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

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


PAGE_BOOKINGS: Final = 100
"""Bookings read and encoded at once: a few milliseconds and some 100 kB."""

Encode = Callable[[dict[str, Any]], bytes]
"""A booking, as the API answers it, for an export."""

LineMore = Callable[[Mapping[str, Any]], Sequence[object]]
"""What stands in further columns of a line."""


def header(*more: str) -> bytes:
    """The names of the columns, and of further ones."""
    return _lines([(*COLUMNS, *more)])


def booking(answer: Mapping[str, Any], more: LineMore = lambda _line: ()) -> bytes:
    """The lines of a booking as the API answers it; `price` is that of one seat or place."""
    return _lines(
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
            line["price"],
            answer["currency"],
            answer["version"],
            answer["createdAt"],
            answer["updatedAt"],
            *more(line),
        ]
        for line in answer["lines"]
    )


async def pieces(
    database: Database, house: House, wanted: BookingFilter, opening: bytes, encode: Encode
) -> AsyncIterator[bytes]:
    """An event's bookings in the order of their ids, a page a piece; `opening` comes first."""
    after: tuple[str] | None = None
    while True:
        async with database.read() as connection:
            found = await list_store.by_id(connection, house.event_id, wanted, after, PAGE_BOOKINGS)
        yield opening + b"".join(encode(described(each, house)) for each in found)
        if len(found) < PAGE_BOOKINGS:
            return
        opening, after = b"", (found[-1].id,)


def described(listed: ListedBooking, house: House) -> dict[str, Any]:
    """A booking of a list as the API answers it."""
    return answers.booking(house, booking_id=listed.id, **listed.row._asdict())


def _lines(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _harmless(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS):
        return f"'{cell}"
    return cell
