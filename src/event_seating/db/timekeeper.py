"""Keeps a clock set to the database's time, which all processes share.

Owns when and how the database is asked for the time. While it is unavailable the clock runs on with
this machine's own, which drifts by less than a millisecond until the next attempt.
"""

import asyncio
from contextlib import suppress
from typing import Final

from event_seating.clock import DatabaseClock
from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable

SET_EVERY_S: Final = 10.0
"""A cheap clock drifts by less than a millisecond in this time."""


class Timekeeper:
    """Sets one clock."""

    def __init__(self, clock: DatabaseClock, database: Database) -> None:
        self._clock = clock
        self._database = database

    async def set(self) -> None:
        """Read the database's time and set the clock; raises `DatabaseUnavailable`."""
        asked = self._clock.monotonic()
        now_ms = await self._database.now_ms()
        self._clock.set(now_ms, asked, self._clock.monotonic())

    async def keep(self) -> None:
        """Set the clock regularly, for as long as the process lives."""
        while True:
            await asyncio.sleep(SET_EVERY_S)
            with suppress(DatabaseUnavailable):
                await self.set()
