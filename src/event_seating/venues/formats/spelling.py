"""Which known field somebody meant who wrote another one.

Owns the measure of likeness. Fields that are not known are kept and have no effect, so a slip of
the keyboard would pass in silence: `acessible` is a seat that nobody finds who needs it.
"""

from functools import lru_cache
from typing import Final

SLIPS: Final = ((3, 0), (6, 1))
"""Up to so many letters a name may differ from a known one by so many slips."""

SLIPS_MAX: Final = 2
"""By how many a longer one may."""

NAMES_REMEMBERED: Final = 4_096
"""Names of fields that were compared; a map repeats a few of them a hundred thousand times."""

NAME_CHARS_MAX: Final = 40
"""Longer names are no slips: the longest known one has 11 letters."""


@lru_cache(NAMES_REMEMBERED)
def meant(name: str, known: frozenset[str]) -> str | None:
    """The known name that this one is nearly, if there is one."""
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
    """`price_tier`, `Price-Tier` and `priceTier` are one name."""
    return "".join(filter(str.isalnum, name.casefold()))


def _distance(one: str, other: str) -> int:
    """Letters to insert, leave out, replace or swap with their neighbour to get the other text."""
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
