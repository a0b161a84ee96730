"""Bookings for a spreadsheet or another program: CSV, a line for each thing that was booked.

Owns the columns and the quoting (RFC 4180). A text that a spreadsheet would take for a formula
begins with an apostrophe, since some of it comes from whoever booked.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any, Final

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


def header() -> bytes:
    """The names of the columns."""
    return _lines([COLUMNS])


def booking(answer: Mapping[str, Any]) -> bytes:
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
        ]
        for line in answer["lines"]
    )


def _lines(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _harmless(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS):
        return f"'{cell}"
    return cell
