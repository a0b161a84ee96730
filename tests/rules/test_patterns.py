"""Regular expressions that mean what they seem to: two traps of Python's, looked for in each."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "event_seating"
TAKES_A_PATTERN = {"compile", "match", "search", "fullmatch", "findall", "finditer", "sub", "split"}


def calls(text: str) -> Iterator[tuple[int, str, str]]:
    """Each call of `re`: its line, the literal parts of its pattern, and its flags as written."""
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "re"
            and node.func.attr in TAKES_A_PATTERN
            and node.args
        ):
            pattern = "".join(literals(node.args[0]))
            flags = " ".join(ast.unparse(more) for more in [*node.args[1:], *node.keywords])
            yield node.lineno, pattern, flags


def literals(pattern: ast.expr) -> Iterator[str]:
    """What stands there as it is; not what a call makes."""
    match pattern:
        case ast.Constant(str() as text):
            yield text
        case ast.Constant(bytes() as encoded):
            yield encoded.decode("latin-1")
        case ast.JoinedStr(parts):
            for part in parts:
                yield from literals(part)
        case ast.BinOp(left, _, right):
            yield from literals(left)
            yield from literals(right)


def faults(text: str) -> list[str]:
    """What is wrong with the patterns in a module."""
    found = []
    for line, pattern, flags in calls(text):
        outside_of_sets = re.sub(r"\\.|\[(?:\\.|[^\]\\])+\]", "", pattern)
        if "$" in outside_of_sets and "MULTILINE" not in flags:
            found.append(f"{line}: `$` also matches before a line feed at the end; write `\\Z`")
        if "IGNORECASE" in flags and "ASCII" not in flags:
            found.append(f"{line}: without ASCII, IGNORECASE takes a long s for an s")
    return found


def test_no_pattern_has_a_trap() -> None:
    for module in sorted(SOURCE.rglob("*.py")):
        text = module.read_text()
        assert "re." not in text or not faults(text), module


@pytest.mark.parametrize(
    ("text", "trapped"),
    [
        (r"re.compile(r'/metrics$')", True),
        (r"re.compile(r'/(?:$|health(?:/|$))')", True),
        (r"re.compile(rf'/users/({ID})$')", True),
        (r"re.compile(r'/metrics\Z')", False),
        (r"re.compile(r'[$]\$')", False),
        (r"re.compile(r'^a$', re.MULTILINE)", False),
        (r"re.compile(r'https?', re.IGNORECASE)", True),
        (r"re.compile(rb'https?', re.IGNORECASE | re.ASCII)", False),
        (r"re.fullmatch(r'a', text)", False),
    ],
)
def test_a_trap_that_is_set_is_found(text: str, trapped: bool) -> None:
    assert bool(faults(text)) is trapped
