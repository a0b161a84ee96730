"""Builds every part of a serving process, once and in order, and takes it down in reverse.

The one place that knows which part needs which. What would point upward is passed in here as a
callable. Nothing else in the package constructs a long-lived object.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from event_seating.cache.lru import LruCache
from event_seating.clock import MS_PER_S, Clock, SystemClock
from event_seating.config import Settings
from event_seating.db.database import Database
from event_seating.limits.limiter import Limiter
from event_seating.operations.health import Health
from event_seating.telemetry.logs import Logs
from event_seating.telemetry.metrics import Metrics, watch_event_loop
from event_seating.users.service import ABSENT_TTL_S, UserService
from event_seating.venues.service import VenueService
from event_seating.version import VERSION
from event_seating.web.security import Doorkeeper

PURGE_EVERY_S: Final = 1.0
"""How often what has expired is removed."""

PURGE_MOST: Final = 1000
"""Entries a round and cache; takes less than a millisecond."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a serving process is made of."""

    settings: Settings
    clock: Clock
    logs: Logs
    metrics: Metrics
    database: Database
    user_cache: LruCache
    users: UserService
    venues: VenueService
    limiter: Limiter | None
    doorkeeper: Doorkeeper
    health: Health


@asynccontextmanager
async def running(settings: Settings, logs: Logs) -> AsyncIterator[Parts]:
    """Every part, until the block ends.

    `logs` are made by whoever starts the process, since it wants to write lines before and after.
    """
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        metrics = Metrics(version=VERSION)
        database = Database(
            settings.database,
            pool_size=settings.database_pool_size,
            read_latency_s=settings.db_latency_ms / MS_PER_S,
            observe_read=metrics.database_read_duration.observe,
        )
        stack.push_async_callback(database.close)

        user_cache = LruCache(settings.cache_capacity, settings.cache_ttl, clock.monotonic)
        absent = LruCache(
            settings.cache_capacity, min(ABSENT_TTL_S, settings.cache_ttl), clock.monotonic
        )
        users = UserService(database, user_cache, absent, clock)
        stack.push_async_callback(users.aclose)

        venues = VenueService(database, clock)
        stack.push_async_callback(venues.aclose)

        limiter = Limiter(settings.rate_limits, clock.monotonic) if settings.rate_limits else None
        metrics.attach_cache(lambda: user_cache.stats, lambda: users.coalesced)
        metrics.attach_logs(lambda: logs.dropped)
        if limiter is not None:
            metrics.attach_limiter(limiter.__len__)
        await stack.enter_async_context(_background(watch_event_loop(metrics, clock)))
        await stack.enter_async_context(_background(_purge((user_cache, absent), limiter)))

        key = settings.admin_api_key
        yield Parts(
            settings=settings,
            clock=clock,
            logs=logs,
            metrics=metrics,
            database=database,
            user_cache=user_cache,
            users=users,
            venues=venues,
            limiter=limiter,
            doorkeeper=Doorkeeper(
                key.get_secret_value() if key else None, open_house=not settings.production
            ),
            health=Health({"database": database.ping}),
        )


async def _purge(caches: Sequence[LruCache], limiter: Limiter | None) -> None:
    while True:
        await asyncio.sleep(PURGE_EVERY_S)
        for cache in caches:
            cache.purge(PURGE_MOST)
        if limiter is not None:
            limiter.forget_idle(PURGE_MOST)


@asynccontextmanager
async def _background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """`work` beside the block; ended with it."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
