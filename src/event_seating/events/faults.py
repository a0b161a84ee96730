"""The faults of a request about an event: fields, each with what is wrong with it.

Faults are collected, so that the caller can correct all of them at once. Pure.
"""

from typing import Final

from event_seating.errors import InvalidRequest, ServiceError
from event_seating.values.visible_text import checked_name

FAULTS_MAX: Final = 20
"""Enough to correct a request with."""

SHOWN_CHARS_MAX: Final = 64
"""How much of a sent name is repeated in a message."""

Fault = tuple[str, str]
"""A field and its fault."""


def invalid(faults: list[Fault]) -> ServiceError:
    """The error that names them."""
    return InvalidRequest.naming(faults[:FAULTS_MAX])


def shown(name: str) -> str:
    """A sent name as it is repeated in a field or message."""
    return name[:SHOWN_CHARS_MAX]


def line_of_text(field: str, text: str, chars_max: int, faults: list[Fault]) -> str:
    """A text on one line, without invisible marks and surrounding space."""
    try:
        return checked_name(text, chars_max)
    except ValueError as error:
        faults.append((field, str(error)))
        return ""
