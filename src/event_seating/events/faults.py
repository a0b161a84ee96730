"""What is wrong with a request about an event: fields, each with what is wrong with it.

Faults are collected, so that whoever asked can mend all of them at once. Pure.
"""

import unicodedata
from typing import Final

from event_seating.errors import InvalidRequest, ServiceError

FAULTS_MAX: Final = 20
"""Enough to mend a request with."""

SHOWN_CHARS_MAX: Final = 64
"""How much of a name that was sent is repeated in a message."""

Fault = tuple[str, str]
"""A field, and what is wrong with it."""


def invalid(faults: list[Fault]) -> ServiceError:
    """The error that names them."""
    return InvalidRequest.naming(faults[:FAULTS_MAX])


def shown(name: str) -> str:
    """A name that was sent, as a field or a message repeats it."""
    return name[:SHOWN_CHARS_MAX]


def line_of_text(field: str, text: str, chars_max: int, faults: list[Fault]) -> str:
    """A text that stands in one line, trimmed."""
    line = text.strip()
    if not line:
        faults.append((field, "must not be empty"))
    elif len(line) > chars_max:
        faults.append((field, f"must have at most {chars_max} characters"))
    elif any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in line):
        faults.append((field, "must not contain control characters"))
    return line
