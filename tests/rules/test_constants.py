"""A constant says that it is one: `Final` on each name in capitals at the top of a module."""

import ast
import re
from collections.abc import Iterator

import pytest
from tests.support.repository import ROOT, name_of

SOURCES = sorted((ROOT / "src").rglob("*.py"))
IN_CAPITALS = re.compile(r"_?[A-Z][A-Z0-9_]*\Z")
TYPE_PARAMETERS = {"TypeVar", "ParamSpec", "TypeVarTuple"}


def without_final(source: str) -> list[str]:
    """The names in capitals that a module gives a value and not `Final`."""
    return [
        target.id
        for node in ast.parse(source).body
        if not _is_final(node) and not _is_type_parameter(node)
        for target in _targets(node)
        if IN_CAPITALS.match(target.id)
    ]


def _targets(node: ast.stmt) -> Iterator[ast.Name]:
    targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        for target in targets:
            yield from (each for each in ast.walk(target) if isinstance(each, ast.Name))


def _is_final(node: ast.stmt) -> bool:
    if not isinstance(node, ast.AnnAssign):
        return False
    annotation = node.annotation
    if isinstance(annotation, ast.Subscript):
        annotation = annotation.value
    return isinstance(annotation, ast.Name) and annotation.id == "Final"


def _is_type_parameter(node: ast.stmt) -> bool:
    value = getattr(node, "value", None)
    called = value.func if isinstance(value, ast.Call) else None
    return isinstance(called, ast.Name) and called.id in TYPE_PARAMETERS


def test_each_constant_is_final() -> None:
    left = {name_of(path): without_final(path.read_text()) for path in SOURCES}
    assert {name: names for name, names in left.items() if names} == {}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("LIMIT = 1", ["LIMIT"]),
        ("_LIMIT: int = 1", ["_LIMIT"]),
        ("FIRST, SECOND = 1, 2", ["FIRST", "SECOND"]),
        ("FIRST = SECOND = 1", ["FIRST", "SECOND"]),
        ("LIMIT: Final = 1\nOTHER: Final[int] = 1", []),
        ("T = TypeVar('T')\nPieces = list[bytes]\n_log = get_logger('x')", []),
        ("def f():\n    LOCAL = 1", []),
    ],
)
def test_what_is_looked_for_would_be_found(source: str, expected: list[str]) -> None:
    assert without_final(source) == expected
