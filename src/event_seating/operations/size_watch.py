"""How large the database is, for the metrics: looked up now and then, so that asking costs nothing.

While the database is away the number is left out rather than repeated.
"""

import asyncio
from typing import Final

from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable

MEASURE_SIZE_EVERY_S: Final = 60.0
"""A full disk announces itself for longer; PostgreSQL looks at each of its files for it."""


class SizeWatch:
    """The last look."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.database_bytes: int | None = None
        """None when it is not known."""

    async def run(self) -> None:
        """Look for ever; cancel it to end."""
        while True:
            await self.look()
            await asyncio.sleep(MEASURE_SIZE_EVERY_S)

    async def look(self) -> None:
        try:
            self.database_bytes = await self._database.size_bytes()
        except DatabaseUnavailable:
            self.database_bytes = None
