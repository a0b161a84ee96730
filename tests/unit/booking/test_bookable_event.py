"""What a bookable event says of its seats and places."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support.seat_states import row_of

from event_seating.booking.core.log_entries import to_ranges
from event_seating.booking.core.seat_index import AreaPlan, SeatIndex
from event_seating.booking.seating.bookable_event import BookableEvent

AREAS = [AreaPlan("floor", 4, "1"), AreaPlan("bar", 1, "1"), AreaPlan("pit", 3, "2")]
INDEX = SeatIndex([row_of(4), row_of(3, name="2")], AREAS)
BOOKABLE = BookableEvent("event", "epoch", b"secret", INDEX, str, ["Floor", "Bar", "Pit"])


@given(st.sets(st.integers(0, INDEX.size - 1)))
def test_ranges_name_the_seats_and_places_that_their_numbers_name(numbers: set[int]) -> None:
    """A range may begin at a seat and end at a place, or go through several areas."""
    in_order = sorted(numbers)
    seats, areas = BOOKABLE.in_ranges(to_ranges(numbers))
    assert (seats, areas) == (BOOKABLE.seat_ids(in_order), BOOKABLE.area_quantities(in_order))
    assert len(seats) + sum(areas.values()) == len(numbers)
