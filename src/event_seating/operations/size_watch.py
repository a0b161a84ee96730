"""The size of the database for the metrics, read now and then, so that a scrape costs nothing.

While the database is unavailable, the number is left out rather than repeated.
"""

import asyncio
from typing import Final

from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable

MEASURE_SIZE_EVERY_S: Final = 60.0
"""A disk fills more slowly than this, and PostgreSQL has to look at each of its files."""


class SizeWatch:
    """The number of the last reading."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.database_bytes: int | None = None
        """None when it is not known."""

    async def run(self) -> None:
        """Read regularly until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(MEASURE_SIZE_EVERY_S)

    async def look(self) -> None:
        try:
            self.database_bytes = await self._database.size_bytes()
        except DatabaseUnavailable:
            self.database_bytes = None
