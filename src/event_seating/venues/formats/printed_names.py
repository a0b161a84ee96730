"""Seats that print alike: two tickets that say the same send two people to one place.

Owns the search for them. A plan may repeat them and be right (two floors that nobody named), so
they are a warning and no fault. Knows a finished map, and nothing of paths.
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from event_seating.venues.model import Row, VenueMap
from event_seating.venues.pace import Pace


class Repeated(NamedTuple):
    """Printed names of one section that stand more than once: one of them, how many there are."""

    seat: int
    """The second seat of that name."""
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
    """One for each section whose seats do not all print differently, in map order."""
    rows: dict[tuple[str, str], list[Row]] = {}
    for row in venue_map.rows:
        rows.setdefault((venue_map.sections[row.section].label, row.index), []).append(row)
    by_section: dict[int, tuple[int, int, int]] = {}
    give_way = Pace()
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
    """A seat whose name stood before, how often it stands, and how many names repeat."""
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
