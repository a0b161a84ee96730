"""What a test can hold of how the repository is kept."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.repository import ROOT, files, name_of

LINES_OF_A_FILE_MAX = 500
LINES_OF_A_FUNCTION_MAX = 80
"""400 and 60 are the advice: what is a little longer is cut where its subject changes, or not."""

BYTES_OF_A_TEXT_MAX = 2_000_000
"""What is longer is no text that somebody wrote."""

# Each has a class of one letter in it, so that this file is none of those that it looks for.
A_MACHINE = re.compile(r"(?<![\w.}-])/(?:h[o]me|r[o]ot|U[s]ers|w[o]rk)/\w")
AN_INDEX = re.compile(r"py[p]i\.org|pythonh[o]sted\.org|registry\.n[p]mjs")
LEFT_OUT = re.compile(r"\bs[k]ip(?:if|_test)?\(|importors[k]ip|\bx[f]ail\b")

SOURCES = sorted((ROOT / "src").rglob("*.py"))
TEXTS = [
    path
    for path in files()
    if path.stat().st_size < BYTES_OF_A_TEXT_MAX and b"\0" not in path.read_bytes()
]


def found(pattern: re.Pattern[str], path: Path) -> list[str]:
    """The lines that match."""
    return [line for line in path.read_text().splitlines() if pattern.search(line)]


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    assert {name_of(path): lines for path in TEXTS if (lines := found(A_MACHINE, path))} == {}


def test_no_file_names_the_host_of_a_package_index() -> None:
    assert {name_of(path): lines for path in TEXTS if (lines := found(AN_INDEX, path))} == {}


def test_no_test_is_left_out() -> None:
    tests = (path for path in TEXTS if name_of(path).startswith("tests/") and path.suffix == ".py")
    assert {name_of(path): lines for path in tests if (lines := found(LEFT_OUT, path))} == {}


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (A_MACHINE, "see /ho" + "me/anna/notes"),
        (AN_INDEX, "https://py" + "pi.org/simple"),
        (LEFT_OUT, "@pytest.mark.sk" + "ipif(True)"),
        (LEFT_OUT, "pytest.sk" + "ip('later')"),
        (LEFT_OUT, "@pytest.mark.x" + "fail"),
    ],
)
def test_what_is_looked_for_would_be_found(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)


def test_no_file_of_the_package_is_longer_than_a_room() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert {name: n for name, n in lengths.items() if n > LINES_OF_A_FILE_MAX} == {}


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function and how many lines it has, its docstring included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{name_of(path)}:{node.name}", node.end_lineno - node.lineno + 1


def test_no_function_of_the_package_is_two() -> None:
    lengths = dict(pair for path in SOURCES for pair in functions(path))
    assert {name: n for name, n in lengths.items() if n > LINES_OF_A_FUNCTION_MAX} == {}


def test_each_module_says_what_it_owns() -> None:
    assert [name_of(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))
            ] == []  # fmt: skip


def test_there_is_no_room_for_what_was_not_understood() -> None:
    names = {path.stem for path in (ROOT / "src").rglob("*")}
    assert not names & {"utils", "util", "helpers", "common", "misc"}
