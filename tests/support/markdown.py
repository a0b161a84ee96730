"""What a test needs to know of a page: its blocks of code, tables, headings and links."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block of code."""

    language: str
    text: str


def blocks(page: str) -> list[Block]:
    """The fenced blocks, in order."""
    return [Block(match[1], match[2]) for match in _FENCE.finditer(page)]


def prose(page: str) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", page)


def code(page: str) -> list[str]:
    """All that stands as code: the blocks, the indented lines, and what is in backticks."""
    rest = prose(page)
    indented = re.findall(r"^    (.+)$", rest, re.MULTILINE)
    return [*(block.text for block in blocks(page)), *indented, *re.findall(r"`([^`\n]+)`", rest)]


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the table whose first heading is `heading`, without the headings."""
    lines = prose(page).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    return list(_cells(lines[start + 2 :]))


def _cells(lines: list[str]) -> Iterator[list[str]]:
    for line in lines:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split("|")]


def links(page: str) -> list[str]:
    """Where its links lead, those in code left out."""
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(page)))


def headings(page: str) -> list[str]:
    """Its headings, in order."""
    return re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)


def anchors(page: str) -> set[str]:
    """The names by which links reach its headings."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings(page))
    return {name.replace(" ", "-") for name in plain}
