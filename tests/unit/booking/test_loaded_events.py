"""Which maps stay in memory, and that events share them."""

import pytest
from tests.support.seat_maps import encode, seat_map

from event_seating.booking.seating.loaded_events import MAPS_MAX, Facts, LoadedEvents
from event_seating.venues.formats import parse_map
from event_seating.venues.model import VenueMap

pytestmark = pytest.mark.anyio


class Venues:
    """One map for every venue; notes which were asked for."""

    def __init__(self) -> None:
        self.map = parse_map(encode(seat_map()))
        self.asked: list[str] = []

    async def seat_plan(self, venue_id: str, version: int) -> VenueMap:
        self.asked.append(f"{venue_id}@{version}")
        return self.map


async def facts_of(event_id: str) -> Facts:
    """The event `a-2` is in the first version of the venue `a`."""
    return Facts(event_id.partition("-")[0], 1, "epoch", b"secret")


async def test_events_in_one_version_of_a_map_share_its_numbers() -> None:
    venues = Venues()
    loaded = LoadedEvents(venues, facts_of)
    first, second = await loaded.get("a-1"), await loaded.get("a-2")
    assert first.index is second.index
    assert await loaded.get("a-1") is first
    assert venues.asked == ["a@1"]


async def test_the_map_that_was_not_used_for_longest_makes_room() -> None:
    venues = Venues()
    loaded = LoadedEvents(venues, facts_of)
    kept = await loaded.get("v0-1")
    for number in range(1, MAPS_MAX):
        await loaded.get(f"v{number}-1")
    assert await loaded.get("v0-1") is kept
    await loaded.get("another-1")
    venues.asked.clear()
    assert await loaded.get("v0-1") is kept
    assert (await loaded.get("v0-2")).index is kept.index
    assert venues.asked == [], "it was in use all the time"
    await loaded.get("v1-1")
    assert venues.asked == ["v1@1"], "this one made room"
