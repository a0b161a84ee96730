"""Makes the index of an event's seats from the seat map of its venue.

The map knows labels and positions, the index knows neighbours, categories and distances. Seats keep
the numbers that they have in the map, areas come after them. It knows nothing of what is sold. The
largest map takes a good part of a second: call it in a thread, which gives way to the event loop
after every row and run.
"""

from collections.abc import Iterator

from event_seating.booking.core.seat_index import AreaPlan, RowPlan, SeatIndex, SeatPlan
from event_seating.venues.model import Row, VenueMap
from event_seating.venues.throttling import Throttle


def seat_index(venue_map: VenueMap) -> SeatIndex:
    """The index of this map; sections are named by their id, rows by their printed index."""
    keys = [category.key for category in venue_map.categories]
    areas = (AreaPlan(area.id, area.capacity, keys[area.category]) for area in venue_map.areas)
    give_way = Throttle()
    rows = _rows(venue_map, keys, give_way)
    return SeatIndex(rows, areas, venue_map.focal_point, give_way=give_way)


def _rows(venue_map: VenueMap, keys: list[str], give_way: Throttle) -> Iterator[RowPlan]:
    for row in venue_map.rows:
        give_way()
        section = venue_map.sections[row.section].id
        yield RowPlan(section, row.index, list(_seats(venue_map, row, keys)))


def _seats(venue_map: VenueMap, row: Row, keys: list[str]) -> Iterator[SeatPlan]:
    x, y, cols = venue_map.x, venue_map.y, venue_map.cols
    for seat in row.seats:
        yield SeatPlan(
            venue_map.seat_ids[seat],
            x[seat],
            y[seat],
            keys[venue_map.category[seat]],
            cols[seat],
            bool(venue_map.accessible[seat]),
            bool(venue_map.companion[seat]),
        )
