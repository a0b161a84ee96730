"""Bookings as lines of a spreadsheet."""

import csv
import io
from typing import Any

import pytest

from event_seating.booking.reads import exports


def answer(**changed: Any) -> dict[str, Any]:
    line = {"seat": "A-1", "label": "A 1", "category": "1", "ticketType": "standard"}
    return {
        "id": "b1",
        "status": "confirmed",
        "orderRef": None,
        "userId": None,
        "lines": [{**line, "price": "45.00"}],
        "currency": "EUR",
        "version": 3,
        "createdAt": "2023-01-01T00:00:00Z",
        "updatedAt": "2023-01-01T00:00:00Z",
        **changed,
    }


def read(*pieces: bytes) -> list[dict[str, str]]:
    text = (exports.header() + b"".join(pieces)).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@cmd", "\u00a0=1", "\ufeff=1", "\uff1d1", "a;=1"]
)
def test_a_text_that_a_spreadsheet_would_run_has_an_apostrophe_before_it(text: str) -> None:
    (row,) = read(exports.booking(answer(orderRef=text)))
    assert row["orderRef"] != text
    assert row["orderRef"].replace("'", "") == text


@pytest.mark.parametrize("text", ['say "hi", twice', "two\r\nlines", "1=1", "", "ü🎟"])
def test_every_other_text_comes_back_as_it_was(text: str) -> None:
    (row,) = read(exports.booking(answer(orderRef=text)))
    assert row["orderRef"] == text


def test_texts_are_quoted_and_money_is_a_number() -> None:
    (line,) = exports.booking(answer(orderRef="7")).decode().splitlines()
    assert '"7"' in line
    assert ",45.00," in line
    assert ",3," in line


def test_lines_end_as_the_standard_says() -> None:
    assert exports.header().endswith(b'"updatedAt"\r\n')
    assert exports.booking(answer()).count(b"\r\n") == 1


def test_what_is_not_there_is_empty() -> None:
    (row,) = read(exports.booking(answer()))
    assert (row["area"], row["userId"], row["quantity"]) == ("", "", "1")
