"""Bytes and JSON as text of short lines, in which a change can be seen."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
BYTES_A_LINE = 32
CHARS_A_LINE = 100


def in_lines(content: bytes) -> list[str]:
    """Bytes as hex."""
    found = [content[at : at + BYTES_A_LINE] for at in range(0, len(content), BYTES_A_LINE)]
    return [each.hex() for each in found]


def of_lines(lines: Sequence[str]) -> bytes:
    """The bytes of `in_lines`."""
    return bytes.fromhex("".join(lines))


def as_json(content: Any) -> str:
    """A record as it stands in its file: what fits into a line is one."""
    return _laid_out(content, 0) + "\n"


def _laid_out(content: Any, depth: int) -> str:
    line = json.dumps(content, ensure_ascii=False)
    if len(line) + depth <= CHARS_A_LINE or not isinstance(content, dict | list):
        return line
    if isinstance(content, list):
        inside, ends = [_laid_out(each, depth + 1) for each in content], "[]"
    else:
        inside = [
            f"{json.dumps(name, ensure_ascii=False)}: {_laid_out(each, depth + 1)}"
            for name, each in content.items()
        ]
        ends = "{}"
    margin = "\n" + " " * (depth + 1)
    return ends[0] + margin + ("," + margin).join(inside) + "\n" + " " * depth + ends[1]


def recorded(name: str) -> Any:
    """What is in a record of JSON."""
    return json.loads((DATA / name).read_text(encoding="utf-8"))
