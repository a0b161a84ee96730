"""An event together with what selling it needs: its numbered seats, their names, and its secrets.

The room of events hands it in, since `booking` is below that room.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from event_seating.booking.core.log_entries import from_ranges, pairs
from event_seating.booking.core.records import Groups, LineGroup
from event_seating.booking.core.seat_index import SeatIndex
from event_seating.values import money


@dataclass(frozen=True, slots=True)
class BookableEvent:
    """One event: its numbered seats, what people call them, and its secrets."""

    event_id: str
    epoch: str
    """Renewed when the event is restored from a backup: versions of another epoch mean nothing."""
    buyer_secret: bytes
    index: SeatIndex
    label: Callable[[int], str]
    """What people call a seat, by its number: `Lower A, row 3, seat 12`."""
    area_labels: Sequence[str]
    category_labels: Mapping[str, str] = field(default_factory=dict)
    """What people call a category, by its key; a missing one is called by its key."""

    def lines(self, groups: Groups, currency: str) -> list[dict[str, Any]]:
        """The lines of a hold or booking as the API answers them."""
        return [line for group in groups for line in self._lines(group, currency)]

    def seat_ids(self, seats: Iterable[int]) -> list[str]:
        """The ids of the seats among these numbers."""
        ids, count = self.index.ids, self.index.seat_count
        return [ids[seat] for seat in seats if seat < count]

    def area_quantities(self, seats: Iterable[int]) -> dict[str, int]:
        """How many of these numbers are places of each area."""
        areas = self.index.areas
        return {areas[area].id: many for area, many in self.index.places_by_area(seats).items()}

    def in_ranges(self, ranges: Sequence[int]) -> tuple[list[str], dict[str, int]]:
        """`seat_ids` and `area_quantities` of the numbers in `ranges`, by range."""
        ids = self.index.ids
        found: list[str] = []
        for first, count in pairs(ranges):
            found += ids[first : first + count]
        return found, self.area_quantities(from_ranges(ranges, self.index.seat_count))

    def _lines(self, group: LineGroup, currency: str) -> Iterator[dict[str, Any]]:
        index = self.index
        common = {
            "ticketType": group.type_name,
            "price": money.to_text(group.price, currency),
        }
        for seat in group.seats:
            if seat < index.seat_count:
                yield {
                    "seat": index.ids[seat],
                    "label": self.label(seat),
                    "category": index.categories[index.category_of[seat]],
                    **common,
                }
        for area, places in index.places_by_area(group.seats).items():
            found = index.areas[area]
            yield {
                "area": found.id,
                "quantity": places,
                "label": self.area_labels[area],
                "category": index.categories[found.category],
                **common,
            }


BookableEventOf = Callable[[str], Awaitable[BookableEvent]]
"""The bookable event with this id; raises `EventNotFound`."""
