"""The types of message that any webhook subscribes to, in memory for the writer of seats.

The writer asks with each batch and must not wait, so the answer is in memory. It is read again when
a webhook changes here, when another process signals that one has, and every few seconds besides,
since a signal may be lost. While the database is unavailable, the last known types stay.
"""

import asyncio
from contextlib import suppress
from typing import Final

from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable
from event_seating.webhooks import store
from event_seating.webhooks.model import Webhook

REFRESH_EVERY_S: Final = 5.0
"""How late another process's webhook is noticed at the worst."""


class SubscribedTypes:
    """The types that webhooks subscribe to."""

    def __init__(self, database: Database, news_types: frozenset[str]) -> None:
        self._database = database
        self._news_types = news_types
        self._types: frozenset[str] = frozenset()
        self._outdated = asyncio.Event()
        self._begun = 0
        self._applied = 0

    def __call__(self) -> frozenset[str]:
        """Those of all webhooks that are not paused."""
        return self._types

    def refresh_soon(self) -> None:
        """Something may have changed elsewhere."""
        self._outdated.set()

    async def refresh(self) -> None:
        """Read them again; the known ones stay if the database is unavailable."""
        self._begun = mine = self._begun + 1
        try:
            webhooks = await self._webhooks()
        except DatabaseUnavailable:
            return
        # A read that began earlier and ends later may be older.
        if mine > self._applied:
            self._applied, self._types = mine, self._of(webhooks)

    async def run(self) -> None:
        """Refresh when it is due, for as long as the process lives."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_EVERY_S):
                    await self._outdated.wait()
            self._outdated.clear()
            await self.refresh()

    async def _webhooks(self) -> list[Webhook]:
        async with self._database.read() as connection:
            return await store.all_webhooks(connection)

    def _of(self, webhooks: list[Webhook]) -> frozenset[str]:
        return frozenset(
            type_
            for type_ in self._news_types
            if any(each.subscribes_to(type_) for each in webhooks)
        )
