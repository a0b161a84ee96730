"""Lines of CSV that no spreadsheet can run: every CSV file for people is written here.

Owns the quoting (RFC 4180) and the one rule that makes a cell harmless. Each text is quoted, each
number is not, a missing value is an empty text. A text that a spreadsheet would take for a formula
gets an apostrophe before its first sign. A formula begins with `=`, `+`, `-` or `@`, in any width,
after any invisible characters; a program that splits lines at `;` or tabs may find one after each
of those, and a program that does not know our quotes may find one after a line break too.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from event_seating.values.visible_text import is_visible

Cell = str | int | Decimal | None
"""Money is a `Decimal`, so that a spreadsheet can add it up."""

_SIGNS: Final = frozenset("=+-@\u2212")
_ORDINARY_FORMS: Final = "NFKC"
"""Maps `＝`, `﹢`, `⁻` and their like to the sign itself."""  # noqa: RUF001

_CONTROLS: Final = ("\t", "\r", "\n")
_DIVIDERS: Final = frozenset({";", *_CONTROLS})
_ASCII_FORMULA: Final = re.compile(
    r'(?:\A|[;\t\r\n])[\x00-\x20\x7f"]*[=+\-@]|\A[\x00-\x20\x7f]*[\t\r\n]'
)


def encode(rows: Iterable[Iterable[Cell]]) -> bytes:
    """Rows as lines of a CSV file, in UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _harmless(cell: Cell) -> Cell:
    """The cell in its harmless form."""
    if isinstance(cell, str):
        return defused(cell)
    assert cell is None or isinstance(cell, int | Decimal), "a number of a spreadsheet is exact"
    return cell


def defused(text: str) -> str:
    """The text with an apostrophe wherever a spreadsheet would find a formula."""
    if text.isascii() and not _ASCII_FORMULA.search(text):
        return text  # Nearly every cell ends here; checking each letter costs ten times as much.
    starts = [0, *(at for at, char in enumerate(text, 1) if _plain(char) in _DIVIDERS)]
    pieces = [text[at:end] for at, end in zip(starts, [*starts[1:], None], strict=True)]
    if pieces[0].endswith(_CONTROLS) and not any(map(is_visible, pieces[0])):
        # It begins with a tab or a line break, which some programs strip before they look again.
        pieces[0] = f"'{pieces[0]}"
    return "".join(f"'{piece}" if _begins_formula(piece) else piece for piece in pieces)


def _begins_formula(piece: str) -> bool:
    """Whether a spreadsheet would run a cell with this text."""
    first = next((char for char in piece if char != '"' and is_visible(char)), "")
    return _plain(first) in _SIGNS


def _plain(char: str) -> str:
    """The first character in its ordinary form."""
    return unicodedata.normalize(_ORDINARY_FORMS, char)[:1]
