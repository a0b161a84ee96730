"""The list of what vulture shall not call dead holds nothing that it would not."""

import tomllib
from fnmatch import fnmatchcase

import pytest
from tests.support.repository import ROOT
from vulture import Vulture
from vulture.core import Item

CONFIGURED = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["vulture"]


@pytest.fixture(scope="module")
def unused() -> list[Item]:
    """What it calls dead without the list."""
    found = Vulture()
    found.scavenge([ROOT / path for path in CONFIGURED["paths"]])
    return list(found.get_unused_code(min_confidence=CONFIGURED["min_confidence"]))


def test_each_name_on_the_list_is_one_that_nothing_uses(unused: list[Item]) -> None:
    names = {item.name for item in unused}
    needless = [
        pattern
        for pattern in CONFIGURED["ignore_names"]
        if not any(fnmatchcase(name, pattern) for name in names)
    ]
    assert needless == []


def test_each_decorator_on_the_list_is_on_a_function_that_nothing_uses(unused: list[Item]) -> None:
    first_lines = {item.filename.read_text().splitlines()[item.first_lineno - 1] for item in unused}
    decorators = {line.strip().partition("(")[0] for line in first_lines}
    needless = [
        pattern
        for pattern in CONFIGURED["ignore_decorators"]
        if not any(fnmatchcase(decorator, pattern) for decorator in decorators)
    ]
    assert needless == []
