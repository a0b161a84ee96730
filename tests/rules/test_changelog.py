"""CHANGELOG.md has its usual form, and its newest version is that of the package."""

import re
import tomllib
from datetime import date
from itertools import pairwise

from tests.support.repository import ROOT

SECTIONS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
RELEASE = re.compile(r"## \[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)")

LINES = (ROOT / "CHANGELOG.md").read_text().splitlines()
HEADINGS = [line for line in LINES if line.startswith("## ")]
RELEASES = [found for line in HEADINGS if (found := RELEASE.fullmatch(line))]


def version_of(release: re.Match[str]) -> tuple[int, ...]:
    return tuple(map(int, release.groups()[:3]))


def test_what_is_not_released_comes_first_and_releases_follow() -> None:
    assert ["## [Unreleased]", *(release[0] for release in RELEASES)] == HEADINGS


def test_the_newest_release_is_the_version_of_the_package() -> None:
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert ".".join(map(str, version_of(RELEASES[0]))) == package


def test_releases_are_in_order_with_their_dates() -> None:
    assert all(version_of(newer) > version_of(older) for newer, older in pairwise(RELEASES))
    dates = [date.fromisoformat(release[4]) for release in RELEASES]
    assert dates == sorted(dates, reverse=True)


def test_each_release_lists_its_changes_by_their_kind_in_one_order() -> None:
    kinds: list[str] = []
    for line in LINES:
        if line.startswith("## "):
            kinds = []
        elif line.startswith("### "):
            kinds.append(line.removeprefix("### "))
            assert kinds == [kind for kind in SECTIONS if kind in kinds]
        elif line.strip() and kinds:
            assert line.startswith("- "), line
