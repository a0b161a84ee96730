"""Finds seats with the same printed name, since two equal tickets send two people to one place.

A map may repeat names and be right (two floors without names), so this is a warning and not a
fault. It knows a finished map, and nothing of paths.
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from event_seating.venues.model import Row, VenueMap
from event_seating.venues.throttling import Throttle


class Repeated(NamedTuple):
    """The repeated printed names of a section: one of them, and how many there are."""

    seat: int
    """The second seat with that name."""
    name: str
    times: int
    names: int

    def said(self) -> str:
        """The warning in words."""
        others = self.names - 1
        more = f", and {others:,} more printed names of this section repeat" if others else ""
        return (
            f'the printed name "{self.name}" occurs {self.times:,} times{more};'
            " buyers cannot tell such seats apart"
        )


def repeated(venue_map: VenueMap) -> Iterator[Repeated]:
    """One for each section with repeated printed names, in map order."""
    rows: dict[tuple[str, str], list[Row]] = {}
    for row in venue_map.rows:
        rows.setdefault((venue_map.sections[row.section].label, row.index), []).append(row)
    by_section: dict[int, tuple[int, int, int]] = {}
    give_way = Throttle()
    for alike in rows.values():
        give_way()
        second, times, names = _repeated_in(venue_map, alike)
        if names:
            section = venue_map.row_of(second).section
            first = by_section.get(section, (second, times, 0))
            by_section[section] = (*first[:2], first[2] + names)
    for second, times, names in by_section.values():
        yield Repeated(second, venue_map.describe(second), times, names)


def _repeated_in(venue_map: VenueMap, rows: list[Row]) -> tuple[int, int, int]:
    """A seat with a repeated name, how often it occurs, and how many names repeat."""
    labels, cols = venue_map.seat_labels, venue_map.cols
    seats = [seat for row in rows for seat in row.seats]
    printed = [labels[seat] or str(cols[seat]) for seat in seats]
    if len(set(printed)) == len(printed):
        return 0, 0, 0
    counts = Counter(printed)
    seen: set[str] = set()
    for seat, name in zip(seats, printed, strict=True):
        if name in seen:
            return seat, counts[name], sum(count > 1 for count in counts.values())
        seen.add(name)
    raise AssertionError("a name that is counted twice stands twice")
