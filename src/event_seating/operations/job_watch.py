"""The numbers of jobs for the metrics, read every few seconds, so that a scrape costs nothing.

While the database or Redis is unavailable, their numbers are left out rather than repeated.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from redis.asyncio import Redis

from event_seating.clock import MS_PER_S, Clock
from event_seating.db.database import Database
from event_seating.errors import DatabaseUnavailable, RedisUnavailable
from event_seating.jobs import tally
from event_seating.jobs.tally import DurationCounts, OutcomeCount, Tallied
from event_seating.operations.jobs import JobReader, oldest_created_at_ms

READ_JOBS_EVERY_S: Final = 5.0
"""A scrape every 15 s sees numbers that are fresh enough."""

_NOTHING: Final = Tallied([], [])


class JobWatch:
    """The numbers of the last reading; `redis` is None in a process without one."""

    def __init__(
        self, database: Database, jobs: JobReader, redis: Redis | None, clock: Clock
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._redis = redis
        self._clock = clock
        self._known = False
        self._oldest_ms: int | None = None
        self._tallied = _NOTHING
        self.states: Mapping[tuple[str, str], int] = {}
        """How many jobs of a queue are in a state."""

    @property
    def oldest_s(self) -> float | None:
        """Age of the oldest job that is not done; None if it is not known."""
        if not self._known:
            return None
        if self._oldest_ms is None:
            return 0.0
        return max(0.0, (self._clock.now_ms() - self._oldest_ms) / MS_PER_S)

    @property
    def attempts(self) -> Sequence[OutcomeCount]:
        """What became of attempts at jobs, in all processes."""
        return self._tallied.attempts

    @property
    def durations(self) -> Sequence[DurationCounts]:
        """How long they took."""
        return self._tallied.durations

    async def run(self) -> None:
        """Read regularly until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(READ_JOBS_EVERY_S)

    async def look(self) -> None:
        try:
            async with self._database.read() as connection:
                self._oldest_ms = await oldest_created_at_ms(connection)
            self._known = True
        except DatabaseUnavailable:
            self._known = False
        counts = await self._jobs.counts() or {}
        self.states = {
            (queue, state): number
            for queue, found in counts.items()
            for state, number in found._asdict().items()
        }
        try:
            self._tallied = await tally.read(self._redis) if self._redis else _NOTHING
        except RedisUnavailable:
            self._tallied = _NOTHING
