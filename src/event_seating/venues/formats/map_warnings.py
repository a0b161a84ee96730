"""Warnings for the author of a map that is accepted.

Owns the list of warnings: equal ones are listed once with a count, and the list is bounded. It
never decides whether a map is accepted; the faults in `checks` do.
"""

from dataclasses import dataclass
from typing import Final

from event_seating.venues.model import MapWarning

WARNINGS_MAX: Final = 50
"""Warnings that are listed; the rest is only counted. More than a person reads at once."""


@dataclass(slots=True)
class _Kind:
    """Equal warnings; `path` is that of the first."""

    path: str
    count: int = 1


class MapWarnings:
    """The warnings about one map, in the order in which they were first found."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str], _Kind] = {}
        self.left_out = 0
        """How many were omitted because the list is full."""

    def add(self, code: str, path: str, message: str) -> None:
        """Add a warning; those with the same code and message are counted together."""
        kind = self._kinds.get((code, message))
        if kind is not None:
            kind.count += 1
        elif len(self._kinds) < WARNINGS_MAX:
            self._kinds[code, message] = _Kind(path)
        else:
            self.left_out += 1

    def listed(self) -> tuple[MapWarning, ...]:
        """At most `WARNINGS_MAX` of them."""
        return tuple(
            MapWarning(kind.path, code, _with_count(message, kind.count))
            for (code, message), kind in self._kinds.items()
        )


def _with_count(message: str, count: int) -> str:
    return message if count == 1 else f"{message} ({count:,} times, first here)"
