"""What the name of a category reveals.

Owns two rules for maps from other programs: a category called "not available" is not for sale, and
one that is called by another system's UUID has no name that a buyer could read.
"""

import re
from collections.abc import Collection
from typing import Final

_UUID: Final = re.compile(
    r"\{?[0-9a-f]{8}(-?)(?:[0-9a-f]{4}\1){3}[0-9a-f]{12}\}?", re.IGNORECASE | re.ASCII
)

NOT_FOR_SALE: Final = frozenset(
    {
        "blocked", "disabled", "notavailable", "notforsale", "unavailable",
        "gesperrt", "nichtverfügbar", "nichtverfuegbar", "nichtverkäuflich",
        "indisponible", "nondisponible", "bloqué", "bloqueado", "nodisponible", "indisponível",
        "nondisponibile", "bloccato", "nietbeschikbaar", "geblokkeerd",
    }
)  # fmt: skip
"""Names without spaces and signs, in lower case: English, German and the Romance languages."""

NO_CATEGORY: Final = "No category"
"""What the category of seats without one is called; it needs a price like every other."""


LABEL_MISSING: Final = (
    "the category is called by an identifier of another system; buyers read a number instead until"
    " it has a `label`"
)


def means_not_for_sale(name: str) -> bool:
    """Whether the seats of a category with this name are not for sale."""
    return "".join(filter(str.isalpha, name.casefold())) in NOT_FOR_SALE


def is_uuid(name: str) -> bool:
    """Whether a name is an identifier of another system."""
    return _UUID.fullmatch(name.strip()) is not None


def stand_in(number: int, taken: Collection[str]) -> str:
    """The label of the category with this number (from 1) until it gets one."""
    label = f"Category {number}"
    while label in taken:
        number += 1
        label = f"Category {number}"
    return label
