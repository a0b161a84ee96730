"""The elements of the pages: what the modules' types say of them is what the pages have.

`byId` in `ui/dom.js` takes an id that a page has for an element that is there, and for one of the
kind that its table says. No type checker sees the HTML, so it is compared here.
"""

import re
from collections import defaultdict

from tests.rules.test_page_rooms import ENTRIES, PAGE

from event_seating.web.seat_page import page_source

PAGES = {f"{entry}/index.html": page_source(f"{entry}/index.html") for entry in ENTRIES}

MODULES = {path.relative_to(PAGE).as_posix(): path.read_text() for path in PAGE.rglob("*.js")}

CLASSES = {
    "button": "HTMLButtonElement",
    "canvas": "HTMLCanvasElement",
    "details": "HTMLDetailsElement",
    "dialog": "HTMLDialogElement",
    "form": "HTMLFormElement",
    "input": "HTMLInputElement",
    "output": "HTMLOutputElement",
    "select": "HTMLSelectElement",
    "textarea": "HTMLTextAreaElement",
}
"""Tags whose elements have more than any element has."""

MADE_HERE = {"find-more"}
"""Elements that a module makes and takes away, so they may be null."""


def classes_in_the_pages() -> dict[str, set[str]]:
    """The ids of the pages, each with what its elements are."""
    found = defaultdict(set)
    for page in PAGES.values():
        for tag, attributes in re.findall(r"<(\w+)\b([^>]*)>", page):
            if named := re.search(r'\bid="([^"]+)"', attributes):
                found[named[1]].add(CLASSES.get(tag, "HTMLElement"))
    return found


def classes_in_the_table() -> dict[str, set[str]]:
    text = MODULES["ui/dom.js"]
    names = {
        name: re.findall(r'"([^"]+)"', ids)
        for ids, name in re.findall(r"@typedef \{([^{}<]*)\} (\w+Id)$", text, re.MULTILINE)
    }
    return {
        each: {kind}
        for ids, kind in re.findall(r"Record<([^,>]+), (HTML\w+)>", text)
        for each in names.get(ids, re.findall(r'"([^"]+)"', ids))
    }


def test_the_table_of_elements_is_what_the_pages_have() -> None:
    special = {
        each: found for each, found in classes_in_the_pages().items() if found != {"HTMLElement"}
    }
    assert len(special) > 40
    assert classes_in_the_table() == special


def test_a_page_has_each_element_that_a_module_asks_for() -> None:
    there = classes_in_the_pages().keys() | MADE_HERE
    asked = {
        (module, each)
        for module, text in MODULES.items()
        for each in re.findall(r'\bbyId\("([^"]+)"\)', text)
    }
    assert len(asked) > 150
    assert [(module, each) for module, each in asked if each not in there] == []


def test_each_part_of_a_page_is_in_one() -> None:
    parts = {path.relative_to(PAGE).as_posix(): path.read_text() for path in PAGE.rglob("*.html")}
    used = set(re.findall(r"\{\{([^{}]+\.html)\}\}", "".join(parts.values())))
    assert used == parts.keys() - PAGES.keys()
    assert [text for text in PAGES.values() if ".html" in text] == []


def test_no_id_is_twice_in_a_page() -> None:
    for page in PAGES.values():
        ids = re.findall(r'\bid="([^"]+)"', page)
        assert sorted(ids) == sorted(set(ids))
