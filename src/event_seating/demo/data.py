"""Demo data for an empty database, in development only.

Users are written before anything is served. The arena and its event are made through the services,
as a client would make them, which takes a moment, so that happens after the start.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import func, select

from event_seating.clock import MS_PER_S, Clock
from event_seating.db.database import Database
from event_seating.db.tables import users
from event_seating.events.model import Event, NewEvent
from event_seating.events.service import EventService
from event_seating.events.store import EventFilter
from event_seating.users import store
from event_seating.users.model import User
from event_seating.venues.arenas import arena
from event_seating.venues.service import VenueService

VENUE_ID: Final = "demo-arena"

SEATS: Final = 15_000
"""An arena of a usual size, so that nobody tries the service with a toy."""

STANDING: Final = 2_000
"""Places on its floor."""

ZONE: Final = "Europe/Berlin"

WEEKS_AHEAD: Final = 6
"""Long enough that the event is still on sale when somebody looks at it."""

CURTAIN: Final = time(20)

ACTOR: Final = "demo"
"""The actor in the event's log."""

TICKET_TYPES: Final = {
    "adult": {"label": "Adult"},
    "reduced": {"label": "Reduced"},
    "press": {"label": "Press", "access": "staff"},
}

PRICES: Final = {
    "1": {"adult": "145.00", "reduced": "116.00", "press": "0.00"},
    "2": {"adult": "95.00", "reduced": "76.00", "press": "0.00"},
    "3": {"adult": "62.50", "reduced": "50.00", "press": "0.00"},
    "4": {"adult": "38.00", "reduced": "30.40", "press": "0.00"},
}
"""Prices of the arena's categories: the full price, a fifth less, and nothing for the press."""

_NAMES: Final = ("John Doe", "Amara Okafor", "Kenji Sato", "Lucia Moreno", "Freya Lindqvist")
"""Except for the first, names that are in no example, so that Jane Smith can be created."""


def demo_users() -> list[User]:
    """Users 1 to 5, one created on each of the first five days of 2023."""
    return [
        User(
            id=str(number),
            name=name,
            email=f"{name.split()[0].lower()}@example.com",
            created_at_ms=int(datetime(2023, 1, number, tzinfo=UTC).timestamp()) * MS_PER_S,
        )
        for number, name in enumerate(_NAMES, 1)
    ]


async def add_demo_users(database: Database) -> bool:
    """Write the demo users if there are no users at all; whether that was done."""
    async with database.write() as connection:
        if (await connection.execute(select(func.count()).select_from(users))).scalar_one():
            return False
        for user in demo_users():
            await store.insert(connection, user)
    return True


async def add_demo_event(venues: VenueService, events: EventService, clock: Clock) -> Event | None:
    """Make an arena and an event in it, unless there is any event or any other venue.

    It may be interrupted at any moment and called again; returns the event if it was made.
    """
    if await events.page(EventFilter(), (-1, ""), 1):
        return None
    if any(venue.newest.venue_id != VENUE_ID for venue in await venues.page("", 2)):
        return None
    await venues.replace(VENUE_ID, _arena(), dry_run=False)
    starts_at = demo_start(datetime.fromtimestamp(clock.now_ms() / MS_PER_S, UTC))
    asked = NewEvent(
        VENUE_ID,
        "Opening Night",
        starts_at.isoformat(),
        ZONE,
        prices=PRICES,
        ticket_types=TICKET_TYPES,
        default_ticket_type="adult",
    )
    return (await events.create(asked, ACTOR)).event


def demo_start(now: datetime) -> datetime:
    """Some weeks after `now`, in the evening, in the arena's time zone."""
    day = now.astimezone(ZoneInfo(ZONE)).date() + timedelta(weeks=WEEKS_AHEAD)
    return datetime.combine(day, CURTAIN, ZoneInfo(ZONE))


async def _arena() -> AsyncIterator[bytes]:
    yield await asyncio.to_thread(lambda: msgspec.json.encode(arena(SEATS, standing=STANDING)))
