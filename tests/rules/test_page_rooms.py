"""The rooms of the pages: a module imports only from its own room and those before it."""

import posixpath
import re
from pathlib import Path

from tests.support.repository import ROOT

PAGE = ROOT / "src/event_seating/page"

ROOMS = ("ui", "net", "map", "sale", "choosing")
"""In this order; `map` knows nothing of selling."""

ENTRIES = ("buyer", "office")
"""A folder for each page; none imports from another's."""

_FILES_OF = re.compile(r"^\| ((?:`[a-z-]+` )+)\|", re.MULTILINE)
"""The modules in a row of the table about them."""

_IMPORTED = re.compile(r'"(\.{1,2}/[^"]+\.js)"')


def may_import(room: str, other: str) -> bool:
    if room in ENTRIES:
        return other == room or other in ROOMS
    return other in ROOMS[: ROOMS.index(room) + 1]


def imports(module: Path) -> list[str]:
    """What it imports, by their paths in the pages."""
    folder = module.relative_to(PAGE).parent.as_posix()
    found = _IMPORTED.findall(module.read_text())
    return [posixpath.normpath(posixpath.join(folder, each)) for each in found]


def test_modules_import_only_from_their_room_and_those_before_it() -> None:
    modules = sorted(PAGE.rglob("*.js"))
    wrong = [
        f"{module.relative_to(PAGE)} imports {other}"
        for module in modules
        for other in imports(module)
        if not may_import(module.relative_to(PAGE).parts[0], other.partition("/")[0])
    ]
    assert len(modules) > 70
    assert wrong == []


def test_every_module_is_there_that_is_imported() -> None:
    for module in PAGE.rglob("*.js"):
        assert [each for each in imports(module) if not (PAGE / each).is_file()] == [], module


def test_an_import_of_a_later_room_would_be_found() -> None:
    assert not may_import("ui", "sale")
    assert not may_import("choosing", "buyer")
    assert not may_import("buyer", "office")
    assert may_import("office", "choosing")


def test_the_documentation_names_each_module_and_no_other() -> None:
    pages = [ROOT / "docs/page.md", ROOT / "docs/box-office.md"]
    named = {
        name
        for page in pages
        for files in _FILES_OF.findall(page.read_text("utf-8"))
        for name in re.findall(r"`([^`]+)`", files)
    }
    assert named == {module.stem for module in PAGE.rglob("*.js")}
