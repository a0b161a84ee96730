"""What the booking side asks of an event: where it is, its secrets, and what buyers are told.

Handed to it as callables, since it stands below events. An event that is not made yet exists for
nobody but the one who is making it, whose log needs its bookable event before it can say how it
sells.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from event_seating.booking.core.records import SaleStatus
from event_seating.booking.seating.ids import is_event_id
from event_seating.booking.seating.loaded_events import EventNotice, Facts
from event_seating.db.database import Database
from event_seating.errors import EventNotFound
from event_seating.events import store


class EventFacts:
    """The facts of every event, by its id."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._being_made: Counter[str] = Counter()

    async def of(self, event_id: str) -> Facts:
        """The facts of an event; raises `EventNotFound`."""
        if not is_event_id(event_id):
            raise EventNotFound
        async with self._database.read() as connection:
            place = await store.place(connection, event_id)
        if place is None or not (place.made or event_id in self._being_made):
            raise EventNotFound
        # An archived event has no secret left, and takes no holds.
        return Facts(place.venue_id, place.venue_version, place.epoch, place.buyer_secret or b"")

    async def told(self, event_id: str) -> EventNotice:
        """What a buyer is told of an event, as it is now; raises `EventNotFound`."""
        if not is_event_id(event_id):
            raise EventNotFound
        async with self._database.read() as connection:
            event = await store.by_id(connection, event_id)
        if event is None:
            raise EventNotFound
        sale = event.configuration
        return EventNotice(
            event.name,
            event.venue_name,
            event.starts_at_ms,
            event.time_zone,
            cancelled=sale.status == SaleStatus.cancelled,
            ticket_labels={name: each.label for name, each in (sale.ticket_types or {}).items()},
        )

    @contextmanager
    def making(self, event_id: str) -> Iterator[None]:
        """Let this event have facts before it is made, in this block; only we have its id.

        Calls that are the same one may make it at the same time: it lasts as long as the longest.
        """
        self._being_made[event_id] += 1
        try:
            yield
        finally:
            self._being_made[event_id] -= 1
            if not self._being_made[event_id]:
                del self._being_made[event_id]
