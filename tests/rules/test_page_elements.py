"""The elements of the pages: a module finds each that it names, and each has the tag that it names.

`byId` in `ui/dom.js` takes an id for an element that is there, and a tag for an element of that
kind. No type checker sees the HTML, so it is compared here.
"""

import re
from collections import defaultdict

from tests.rules.test_page_rooms import ENTRIES, PAGE

from event_seating.web.seat_page import page_source

PAGES = {f"{entry}/index.html": page_source(f"{entry}/index.html") for entry in ENTRIES}

MODULES = {path.relative_to(PAGE).as_posix(): path.read_text() for path in PAGE.rglob("*.js")}

_BY_ID = re.compile(r'\bbyId\("([^"]+)"(?:, "(\w+)")?\)')

NAMED = {(module, *found) for module, text in MODULES.items() for found in _BY_ID.findall(text)}
"""Each element that a module names: the module, the id and the tag, which may be none."""


def tags() -> dict[str, set[str]]:
    """The ids of the pages, each with the tags of its elements."""
    found = defaultdict(set)
    for page in PAGES.values():
        for tag, attributes in re.findall(r"<(\w+)\b([^>]*)>", page):
            if named := re.search(r'\bid="([^"]+)"', attributes):
                found[named[1]].add(tag)
    return found


def test_a_page_has_each_element_that_a_module_names_and_of_that_tag() -> None:
    there = tags()
    assert len(NAMED) > 150
    assert len([tag for _, _, tag in NAMED if tag]) > 30
    assert [each for each in NAMED if each[1] not in there] == []
    assert [each for each in NAMED if each[2] and there[each[1]] != {each[2]}] == []


def test_a_tag_stands_beside_an_id_that_can_be_compared() -> None:
    calls = {module: re.findall(r"\bbyId\([^)\"]+,.*", text) for module, text in MODULES.items()}
    assert {module for module, found in calls.items() if found} == {"ui/dom.js"}  # its definition


def test_each_part_of_a_page_is_in_one() -> None:
    parts = {path.relative_to(PAGE).as_posix(): path.read_text() for path in PAGE.rglob("*.html")}
    used = set(re.findall(r"\{\{([^{}]+\.html)\}\}", "".join(parts.values())))
    assert used == parts.keys() - PAGES.keys()
    assert [text for text in PAGES.values() if ".html" in text] == []


def test_no_id_is_twice_in_a_page() -> None:
    for page in PAGES.values():
        ids = re.findall(r'\bid="([^"]+)"', page)
        assert sorted(ids) == sorted(set(ids))
