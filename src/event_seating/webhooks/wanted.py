"""Which types any webhook wants to hear, at hand for the writer of seats.

The writer asks with each batch and must not wait, so the answer is in memory. It is read anew when
a webhook changes here, when another process signals that one has, and every few seconds besides,
since a signal may be lost. When the database cannot tell, what was known last stays.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable
from event_seating.webhooks import store
from event_seating.webhooks.model import Webhook

REFRESH_EVERY_S: Final = 5.0
"""How late another process's webhook is noticed at the worst."""


class Wanted:
    """The types that are wanted."""

    def __init__(self, database: Database, news_types: frozenset[str]) -> None:
        self._database = database
        self._news_types = news_types
        self._types: frozenset[str] = frozenset()

    def __call__(self) -> frozenset[str]:
        """Those of all webhooks that are not paused."""
        return self._types

    async def refresh(self) -> None:
        """Read them anew; what is known stays when the database cannot tell."""
        try:
            async with self._database.read() as connection:
                webhooks = await store.all_webhooks(connection)
        except DatabaseUnavailable:
            return
        self._types = self._of(webhooks)

    async def run(self) -> None:
        """Refresh, for as long as the process lives."""
        while True:
            await asyncio.sleep(REFRESH_EVERY_S)
            await self.refresh()

    def _of(self, webhooks: Iterable[Webhook]) -> frozenset[str]:
        webhooks = list(webhooks)
        return frozenset(
            type_ for type_ in self._news_types if any(each.wants(type_) for each in webhooks)
        )
