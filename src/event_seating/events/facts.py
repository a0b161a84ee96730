"""What the booking rooms need to know about an event: its map, its secrets, and its summary.

It is passed to them as callables, since they are below events. An event that is not complete yet
exists only for the call that is making it, because its log needs the bookable event before it can
contain how the event sells.
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
            basics = await store.basics(connection, event_id)
        if basics is None or not (basics.made or event_id in self._being_made):
            raise EventNotFound
        # An archived event has no secret any more, and takes no holds.
        return Facts(
            basics.venue_id, basics.venue_version, basics.epoch, basics.buyer_secret or b""
        )

    async def summary(self, event_id: str) -> EventNotice:
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
        """Let this event have facts in this block before it is complete; no other call has its id.

        Repetitions of the same call may make it at the same time: the longest block counts.
        """
        self._being_made[event_id] += 1
        try:
            yield
        finally:
            self._being_made[event_id] -= 1
            if not self._being_made[event_id]:
                del self._being_made[event_id]
