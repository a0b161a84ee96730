"""docs/glossary.md: each term once, in order, and what it names in the code exists."""

import ast
import re
from pathlib import Path

import pytest
from tests.support import markdown
from tests.support.repository import ROOT

PAGE = ROOT / "docs/glossary.md"
ROWS = markdown.rows(PAGE.read_text(), "term")
PACKAGE = ROOT / "src/event_seating"


def exists(name: str) -> bool:
    """Whether a dotted name, relative to the package, is a module, or a class of one."""
    path = PACKAGE.joinpath(*name.split("."))
    if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
        return True
    module, last = path.parent.with_suffix(".py"), path.name
    return module.is_file() and last in {
        node.name for node in ast.parse(module.read_text()).body if isinstance(node, ast.ClassDef)
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip("*"))
def test_what_a_term_names_in_the_code_exists(row: list[str]) -> None:
    named = re.findall(r"`([\w.]+)`", row[2])
    assert named
    assert [name for name in named if not exists(name)] == []


def test_each_term_stands_once_and_in_order() -> None:
    terms = [row[0].strip("*") for row in ROWS]
    assert len(terms) >= 40
    assert terms == sorted(set(terms))


def test_a_term_has_one_or_two_sentences() -> None:
    assert [row[0] for row in ROWS if not 1 <= len(re.findall(r"[.](?: |$)", row[1])) <= 2] == []


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("README.md", "docs/glossary.md"),
        ("CONTRIBUTING.md", "docs/glossary.md"),
        ("docs/architecture.md", "glossary.md"),
    ],
)
def test_it_is_linked(page: str, link: str) -> None:
    assert link in markdown.links(Path(ROOT / page).read_text())


def test_a_name_that_is_not_there_would_be_found() -> None:
    assert exists("live.feed.Feed")
    assert not exists("live.feed.Fed")
    assert not exists("live.fed")
