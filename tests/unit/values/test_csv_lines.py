"""Lines of CSV that no spreadsheet runs."""

import csv
import io
import unicodedata
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import event_seating
from event_seating.values import csv_lines

SIGNS = "=+-@"
UNSEEN = " \u00a0\u3000\u200b\u200e\u202e\u2060\ufeff\u00ad\t\r\n\x00\u3164"
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)
hostile = st.text(alphabet=SIGNS + UNSEEN + "＝＋－＠﹢⁻a1;；,\"'", max_size=12)  # noqa: RUF001


def read(encoded: bytes, delimiter: str = ",") -> list[list[str]]:
    text = io.StringIO(encoded.decode(), newline="")
    return list(csv.reader(text, delimiter=delimiter))


def is_run(cell: str) -> bool:
    """Whether a careless spreadsheet takes this cell for a formula."""
    seen = cell.lstrip(UNSEEN + '"')
    return unicodedata.normalize("NFKC", seen[:1])[:1] in {*SIGNS}


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "﹢", "\u2212"])  # noqa: RUF001
@pytest.mark.parametrize(
    "before", ["", *UNSEEN, " \u200b\ufeff", "a;", "a; \u00a0", "a\t", "x\n", '"']
)
def test_a_formula_gets_an_apostrophe(before: str, sign: str) -> None:
    text = f"{before}{sign}1+1"
    assert csv_lines.defused(text) != text
    assert csv_lines.defused(text).replace("'", "") == text


@pytest.mark.parametrize("text", ["\tx", "\rx", "\nx", " \tx"])
def test_a_text_that_begins_with_a_tab_or_a_break_gets_one_too(text: str) -> None:
    assert csv_lines.defused(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["", "a", "1=1", "two\r\nlines", "a-b;c", 'say "hi"', "ü🎟", "a,=1", "O'Brien"]
)
def test_every_other_text_stays_as_it_is(text: str) -> None:
    assert csv_lines.defused(text) == text


@given(st.lists(st.lists(hostile | texts, min_size=2, max_size=4), min_size=1, max_size=3))
@example([["x", 'b;"=1"']])
@example([["x", "\t=1"]])
def test_no_cell_is_run_wherever_a_program_divides_the_lines(rows: list[list[str]]) -> None:
    encoded = csv_lines.encode(rows)
    cells = [cell for row in read(encoded) for cell in row]
    assert not any(map(is_run, cells))
    for divider in ";\t":
        # As a program reads them that knows another divider and no quotes in the middle of a cell.
        assert not any(map(is_run, encoded.decode().split(divider)[1:]))
    for row in read(encoded, ";"):
        assert not any(map(is_run, row))


@given(st.lists(st.lists(texts, min_size=2, max_size=4), min_size=1, max_size=3))
def test_what_was_written_is_read_but_for_apostrophes(rows: list[list[str]]) -> None:
    again = read(csv_lines.encode(rows))
    assert [[cell.replace("'", "") for cell in row] for row in again] == [
        [cell.replace("'", "") for cell in row] for row in rows
    ]


def test_texts_are_quoted_and_numbers_are_not() -> None:
    encoded = csv_lines.encode([["7", 7, Decimal("-45.00"), None, 'a"b']])
    assert encoded == b'"7",7,-45.00,"","a""b"\r\n'


def test_no_other_module_writes_csv() -> None:
    package = Path(event_seating.__file__).parent
    modules = (path for path in package.rglob("*.py") if "csv.writer" in path.read_text())
    assert [path.relative_to(package).as_posix() for path in modules] == ["values/csv_lines.py"]
