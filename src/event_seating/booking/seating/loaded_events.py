"""Bookable events in memory: each version of a map is numbered once and shared by its events.

Bounded: the least recently used ones are removed, and made again when they are needed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from event_seating.booking.core.seat_index import SeatIndex
from event_seating.booking.seating.bookable_event import BookableEvent
from event_seating.booking.seating.numbering import seat_index
from event_seating.cache.single_flight import SingleFlight
from event_seating.venues.model import VenueMap
from event_seating.venues.service import VenueService

MAPS_MAX: Final = 16
"""Maps with their index: at 50,000 seats each about 20 MB."""

BOOKABLE_EVENTS_MAX: Final = 1_000
"""Events in memory; a few hundred bytes each."""


class Facts(NamedTuple):
    """What the room of events says of an event."""

    venue_id: str
    venue_version: int
    epoch: str
    buyer_secret: bytes


FactsOf = Callable[[str], Awaitable[Facts]]
"""An event's facts by its id; raises `EventNotFound`."""


class EventNotice(NamedTuple):
    """What a mail to a buyer says of an event."""

    name: str
    venue: str
    starts_at_ms: int
    time_zone: str
    """IANA."""
    cancelled: bool
    ticket_labels: Mapping[str, str]
    """What people call the ticket types that the event describes."""


EventNoticeOf = Callable[[str], Awaitable[EventNotice]]
"""An event by its id, as it is now; raises `EventNotFound`."""


_Place = tuple[VenueMap, SeatIndex]


class LoadedEvents:
    """`BookableEventOf` and the indexes, by the event's id."""

    def __init__(self, venues: VenueService, facts_of: FactsOf) -> None:
        self._venues = venues
        self._facts_of = facts_of
        # Both in the order of their last use: the first is removed first.
        self._bookable_events: dict[str, tuple[str, BookableEvent]] = {}
        self._places: dict[str, _Place] = {}
        self._numbering: SingleFlight[_Place] = SingleFlight(self._keep_place)

    async def get(self, event_id: str) -> BookableEvent:
        """The bookable event with this id; raises `EventNotFound`."""
        if event_id in self._bookable_events:
            key, bookable = self._bookable_events.pop(event_id)
        else:
            key, bookable = await self._made(event_id)
        self._bookable_events[event_id] = key, bookable
        while len(self._bookable_events) > BOOKABLE_EVENTS_MAX:
            del self._bookable_events[next(iter(self._bookable_events))]
        place = self._places.pop(key, None)
        if place is not None:
            self._places[key] = place
        return bookable

    async def index(self, event_id: str) -> SeatIndex:
        """The event's numbered seats; raises `EventNotFound`."""
        return (await self.get(event_id)).index

    async def aclose(self) -> None:
        """Cancel the numbering that is under way."""
        await self._numbering.aclose()

    async def _made(self, event_id: str) -> tuple[str, BookableEvent]:
        """The key of an event's map, and the event, loaded."""
        facts = await self._facts_of(event_id)
        venue_id, version = facts.venue_id, facts.venue_version
        key = f"{venue_id}@{version}"
        place = self._places.get(key)
        if place is None:
            place, _ = await self._numbering.load(key, lambda: self._number(venue_id, version))
        venue_map, index = place
        bookable = BookableEvent(
            event_id,
            facts.epoch,
            facts.buyer_secret,
            index,
            venue_map.describe,
            [area.label for area in venue_map.areas],
            {category.key: category.label for category in venue_map.categories},
        )
        return key, bookable

    async def _number(self, venue_id: str, version: int) -> _Place:
        venue_map = await self._venues.seat_plan(venue_id, version)
        return venue_map, await asyncio.to_thread(seat_index, venue_map)

    def _keep_place(self, key: str, place: _Place) -> None:
        self._places[key] = place
        while len(self._places) > MAPS_MAX:
            removed = next(iter(self._places))
            del self._places[removed]
            # A bookable event would keep its map in memory.
            self._bookable_events = {
                event: found
                for event, found in self._bookable_events.items()
                if found[0] != removed
            }
