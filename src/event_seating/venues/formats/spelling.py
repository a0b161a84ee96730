"""Finds the known field that a misspelt one was probably meant to be.

Owns the measure of similarity. Unknown fields are kept and have no effect, so a misspelling would
not be noticed: nobody who needs it would find a seat that is `acessible`.
"""

from functools import lru_cache
from typing import Final

SLIPS: Final = ((3, 0), (6, 1))
"""For known names of up to so many letters: how many misspelt letters are allowed."""

SLIPS_MAX: Final = 2
"""How many are allowed for longer names."""

NAMES_REMEMBERED: Final = 4_096
"""Compared names that are remembered; a map may repeat the same name a hundred thousand times."""

NAME_CHARS_MAX: Final = 40
"""Longer names are not misspellings: the longest known one has 11 letters."""


@lru_cache(NAMES_REMEMBERED)
def meant(name: str, known: frozenset[str]) -> str | None:
    """The known name that is similar to this one, if there is one."""
    if len(name) > NAME_CHARS_MAX:
        return None
    plain = _plain(name)
    nearest = min(known, key=lambda each: (_distance(plain, _plain(each)), each), default="")
    likeness = _distance(plain, _plain(nearest))
    if plain == _plain(nearest) + "s" or likeness <= _slips(len(nearest)):
        return nearest
    return None


def _slips(letters: int) -> int:
    return next((slips for most, slips in SLIPS if letters <= most), SLIPS_MAX)


def _plain(name: str) -> str:
    """The letters and digits alone: `price_tier`, `Price-Tier` and `priceTier` are one name."""
    return "".join(filter(str.isalnum, name.casefold()))


def _distance(one: str, other: str) -> int:
    """How many letters to insert, remove, replace or swap to get from one text to the other."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, wanted in enumerate(other, 1):
            best = min(line[-1] + 1, above[column] + 1, above[column - 1] + (letter != wanted))
            swapped = row > 1 and column > 1 and letter == other[column - 2]
            if swapped and one[row - 2] == wanted:
                best = min(best, before[column - 2] + 1)
            line.append(best)
        before, above = above, line
    return above[-1]
