"""The repository as a reader finds it: its files and its pages."""

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]


def files() -> Iterator[Path]:
    """Every file that belongs to the repository: all but what `.gitignore` leaves out."""
    lines = (ROOT / ".gitignore").read_text().split()
    ignored = [line.strip("/") for line in lines]
    return _below(ROOT, [*ignored, ".git"])


def pages() -> list[Path]:
    """Every page of the documentation."""
    top = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "tests/README.md"]
    return [*(ROOT / name for name in top), *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(path: Path) -> str:
    """Its path from the root, as people write it."""
    return path.relative_to(ROOT).as_posix()


def make_targets() -> set[str]:
    """What the Makefile offers to people."""
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def _below(directory: Path, ignored: list[str]) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        if any(fnmatch(path.name, name) or fnmatch(name_of(path), name) for name in ignored):
            continue
        if path.is_dir():
            yield from _below(path, ignored)
        elif path.is_file():
            yield path
