"""The comments of the pages' modules: each module says what it owns, each function what it does.

The type checker holds the types in the comments; the sentences beside them are held here.
"""

import re
from pathlib import Path

import pytest
from tests.rules.test_page_rooms import PAGE

MODULES = sorted(PAGE.rglob("*.js"))

_EXPORTED = re.compile(
    r"(?P<comment>/\*\*(?:(?!\*/).)*?\*/\n)?^export (?:async )?function (?P<name>\w+)",
    re.DOTALL | re.MULTILINE,
)


def sentence(comment: str) -> str:
    """What a comment says before its first tag."""
    text = re.sub(r"(?m)^\s*\*? ?", "", comment.strip().removeprefix("/**").removesuffix("*/"))
    return text.partition("@")[0].strip()


def undocumented(text: str) -> list[str]:
    """The exported functions whose comment says nothing, or that have none."""
    found = _EXPORTED.finditer(text)
    return [each["name"] for each in found if not sentence(each["comment"] or "")]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(PAGE).as_posix())
def test_a_module_says_what_it_owns_and_each_function_what_it_does(module: Path) -> None:
    text = module.read_text()
    assert text.startswith("// Owns ")
    assert undocumented(text) == []


def test_a_function_without_a_sentence_would_be_found() -> None:
    text = (
        "/** Adds. */\nexport function a() {}\n\n/** @param {number} n */\nexport function b(n) {}"
    )
    assert undocumented(text + "\n\nexport async function c() {}") == ["b", "c"]
