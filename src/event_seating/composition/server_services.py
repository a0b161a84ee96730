"""Builds every part of a serving process, once and in order, and closes them in reverse order.

This is the one place that knows which part needs which. A dependency that would point upward is
passed in here as a callable. Besides this module only `job_services`, for processes that do not
serve, builds long-lived objects.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from time import thread_time
from typing import Any, Final, NamedTuple

from event_seating.booking.api.buyer_cookie import Buyers
from event_seating.booking.api.hold_releases import HoldReleases
from event_seating.booking.api.log_budget import LogBudget
from event_seating.booking.api.service import BookingService
from event_seating.booking.effects.follow_up_jobs import NEWS_TYPES, Announcements
from event_seating.booking.reads.seat_map_status import SeatMapStatus
from event_seating.booking.seat_log.registry import SeatLogs
from event_seating.booking.seat_log.sql_store import SqlLogStore
from event_seating.booking.seating.ids import Tokens
from event_seating.booking.seating.loaded_events import LoadedEvents
from event_seating.cache.invalidation import CacheInvalidation
from event_seating.cache.lru import LruCache
from event_seating.clock import MS_PER_S, Clock, DatabaseClock, SystemClock
from event_seating.db import secrets
from event_seating.db.database import Database
from event_seating.db.timekeeper import Timekeeper
from event_seating.events.facts import EventFacts
from event_seating.events.service import EventService, defaults
from event_seating.jobs.model import QUEUES
from event_seating.jobs.queue import JobQueue
from event_seating.jobs.requests import JobRequests
from event_seating.live.broadcast import Timer
from event_seating.live.hub import LiveHub
from event_seating.live.store import LiveStore
from event_seating.live.watcher_limits import WatcherLimits
from event_seating.mail.mode import sends_mail
from event_seating.operations import job_metrics
from event_seating.operations.health import Health
from event_seating.operations.job_watch import JobWatch
from event_seating.operations.jobs import JobReader
from event_seating.operations.size_watch import SizeWatch
from event_seating.settings.model import Settings
from event_seating.telemetry.logs import Logs
from event_seating.telemetry.metrics import Metrics, watch_event_loop
from event_seating.users.job_requests import UserJobRequests
from event_seating.users.new_users import NewUsers
from event_seating.users.service import ABSENT_TTL_S, UserService
from event_seating.valkey import signals as channels
from event_seating.valkey.client import connect, ended
from event_seating.valkey.signals import Signals
from event_seating.venues.service import VenueService
from event_seating.version import VERSION
from event_seating.web.budgets import Limiters, limiters_of
from event_seating.web.roles import Authenticator
from event_seating.webhooks.service import WebhookService
from event_seating.webhooks.subscribed_types import SubscribedTypes
from event_seating.webhooks.targets import rules_of

PURGE_EVERY_S: Final = 1.0
"""How often expired entries are removed."""

BYTES_PER_MB: Final = 1024 * 1024

PURGE_MOST: Final = 1000
"""Entries per round and cache; takes less than a millisecond."""


@dataclass(frozen=True, slots=True)
class ServerServices:
    """The parts of a serving process."""

    settings: Settings
    clock: Clock
    logs: Logs
    metrics: Metrics
    database: Database
    user_cache: LruCache
    users: UserService
    user_job_requests: UserJobRequests
    jobs: JobReader
    job_requests: JobRequests
    venues: VenueService
    bookable_events: LoadedEvents
    seat_logs: SeatLogs
    seat_views: SeatMapStatus
    bookings: BookingService
    hold_releases: HoldReleases
    events: EventService
    buyers: Buyers
    webhooks: WebhookService
    live: LiveHub
    limits: Limiters
    authenticator: Authenticator
    health: Health
    signals: Signals | None
    """Signals to and from other processes; None if there is no Redis, so that there are none."""


class Accounts(NamedTuple):
    """The users and their caches."""

    users: UserService
    cache: LruCache
    absent: LruCache


class _Seating(NamedTuple):
    """Everything about seats."""

    venues: VenueService
    bookable_events: LoadedEvents
    seat_logs: SeatLogs
    seat_views: SeatMapStatus
    bookings: BookingService
    hold_releases: HoldReleases
    events: EventService
    buyers: Buyers


@asynccontextmanager
async def running(settings: Settings, logs: Logs) -> AsyncIterator[ServerServices]:
    """All parts, running until the block ends.

    The caller makes `logs`, because it writes lines before and after.
    """
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        metrics = Metrics(version=VERSION)
        database = open_database(stack, settings, metrics)
        signals = Signals(settings.redis, clock) if settings.redis else None
        job_requests = JobRequests(database, clock, channels.nudge_of(signals))
        accounts = accounts_of(stack, settings, database, clock, signals, job_requests)
        webhooks, subscribed = await _subscriptions(
            stack, settings, database, clock, signals, job_requests
        )
        seating = await _seating(
            stack,
            settings,
            database,
            clock,
            accounts.users,
            metrics,
            Announcements(
                confirms=sends_mail(settings),
                subscribed_types=subscribed,
                wake_relay=job_requests.wake_relay,
            ),
            job_requests,
        )
        live = _live(stack, settings, database, clock, seating, metrics)
        await stack.enter_async_context(background(live.run()))

        limits = limiters_of(settings, clock.monotonic)
        _measure(metrics, logs, accounts, limits)
        await stack.enter_async_context(background(watch_event_loop(metrics, clock)))
        await stack.enter_async_context(background(_purge(accounts, limits)))
        if signals is not None:
            signals.listen(channels.EVENTS, seating.seat_logs.row_written)
            signals.on_up(seating.seat_logs.rows_missed)
            await begin_signals(stack, signals, metrics)

        sizes = SizeWatch(database)
        metrics.attach_size(lambda: sizes.database_bytes)
        await stack.enter_async_context(background(sizes.run()))
        jobs = await _jobs(stack, settings, database, clock, metrics)

        yield ServerServices(
            settings=settings,
            clock=clock,
            logs=logs,
            metrics=metrics,
            database=database,
            user_cache=accounts.cache,
            users=accounts.users,
            user_job_requests=UserJobRequests(database, clock, job_requests),
            jobs=jobs,
            job_requests=job_requests,
            **seating._asdict(),
            webhooks=webhooks,
            live=live,
            limits=limits,
            authenticator=_authenticator(settings),
            health=Health(
                {"database": database.ping}, helpful={"redis": signals.ping} if signals else None
            ),
            signals=signals,
        )


def open_database(stack: AsyncExitStack, settings: Settings, metrics: Metrics) -> Database:
    """The database, which is closed at the end."""
    database = Database(
        settings.database,
        pool_size=settings.database_pool_size,
        read_latency_s=settings.db_latency_ms / MS_PER_S,
        observe_read=metrics.database_read_duration.observe,
    )
    stack.push_async_callback(database.close)
    metrics.attach_database(lambda: database.wal_bytes)
    return database


def accounts_of(
    stack: AsyncExitStack,
    settings: Settings,
    database: Database,
    clock: Clock,
    signals: Signals | None,
    job_requests: JobRequests,
) -> Accounts:
    """The users and their caches, which signals of other processes invalidate."""
    cache = LruCache(settings.cache_capacity, settings.cache_ttl, clock.monotonic)
    absent = LruCache(
        settings.cache_capacity, min(ABSENT_TTL_S, settings.cache_ttl), clock.monotonic
    )
    users = UserService(
        database,
        cache,
        absent,
        clock,
        _invalidation(signals),
        NewUsers(job_requests, welcomes=sends_mail(settings)),
    )
    stack.push_async_callback(users.aclose)
    return Accounts(users, cache, absent)


def _invalidation(signals: Signals | None) -> CacheInvalidation:
    invalidation = CacheInvalidation(signals.publish if signals else None)
    if signals is not None:
        signals.listen(channels.USERS, invalidation.on_changed)
        signals.listen(channels.CACHE, invalidation.on_cleared)
        signals.on_down(invalidation.on_down)
        signals.on_up(invalidation.on_up)
    return invalidation


async def begin_signals(stack: AsyncExitStack, signals: Signals, metrics: Metrics) -> None:
    """Connect, once every listener exists; the connection is closed before any of them."""
    metrics.attach_redis(lambda: signals)
    stack.push_async_callback(signals.aclose)
    await signals.start()


async def _seating(
    stack: AsyncExitStack,
    settings: Settings,
    database: Database,
    clock: Clock,
    users: UserService,
    metrics: Metrics,
    announcements: Announcements,
    job_requests: JobRequests,
) -> _Seating:
    venues = VenueService(database, clock)
    stack.push_async_callback(venues.aclose)

    seat_clock = DatabaseClock(clock)
    timekeeper = Timekeeper(seat_clock, database)
    await timekeeper.set()
    event_facts = EventFacts(database)
    bookable_events = LoadedEvents(venues, event_facts.of)
    stack.push_async_callback(bookable_events.aclose)
    seat_logs = SeatLogs(
        SqlLogStore(database),
        seat_clock,
        bookable_events.index,
        grace_ms=settings.booking_grace_ms,
        memory_bytes=settings.seat_memory_mb * BYTES_PER_MB,
        set_clock=timekeeper.set,
        announce=announcements,
    )
    stack.push_async_callback(seat_logs.aclose)
    metrics.attach_seats(
        seat_logs.tally,
        lambda: len(seat_logs.loaded()),
        lambda: (seat_clock.now_ms() - clock.now_ms()) / MS_PER_S,
    )
    metrics.attach_holdings(seat_logs)
    seat_views = SeatMapStatus(seat_logs, bookable_events.get, clock.monotonic)
    seat_logs.listen(seat_views)
    seat_logs.listen(lambda _log, _changes, _entries: announcements.written())
    stack.push_async_callback(seat_views.aclose)
    secret = await _secret(settings, database)
    buyers = Buyers(secret, secure=settings.production)
    budget = LogBudget(settings.log_mb_per_address * BYTES_PER_MB, clock.monotonic)
    metrics.attach_log_budget(lambda: budget.refused)
    bookings = BookingService(
        seat_logs,
        bookable_events.get,
        Tokens(secret),
        database,
        users.exists,
        seat_clock,
        buyers,
        budget,
    )
    events = EventService(
        database,
        seat_clock,
        venues,
        event_facts,
        seat_logs.get,
        defaults(settings),
        job_requests,
    )
    stack.push_async_callback(events.aclose)
    await stack.enter_async_context(background(seat_logs.run()))
    await stack.enter_async_context(background(timekeeper.keep()))
    releases = HoldReleases(seat_logs, bookable_events.get, Tokens(secret), seat_clock)
    return _Seating(
        venues, bookable_events, seat_logs, seat_views, bookings, releases, events, buyers
    )


async def _subscriptions(
    stack: AsyncExitStack,
    settings: Settings,
    database: Database,
    clock: Clock,
    signals: Signals | None,
    job_requests: JobRequests,
) -> tuple[WebhookService, SubscribedTypes]:
    """The webhooks, and the types that they subscribe to, read before the first seat is sold."""
    subscribed = SubscribedTypes(database, NEWS_TYPES)
    if signals is not None:
        signals.listen(channels.WEBHOOKS, lambda _message: subscribed.refresh_soon())
        signals.on_up(subscribed.refresh_soon)
    await subscribed.refresh()
    await stack.enter_async_context(background(subscribed.run()))

    async def changed() -> None:
        await subscribed.refresh()
        if signals is not None:
            signals.publish(channels.WEBHOOKS)

    rules = rules_of(settings)
    return WebhookService(database, clock, NEWS_TYPES, rules, changed, job_requests), subscribed


def _live(
    stack: AsyncExitStack,
    settings: Settings,
    database: Database,
    clock: Clock,
    seating: _Seating,
    metrics: Metrics,
) -> LiveHub:
    loop = asyncio.get_running_loop()
    watcher_limits = WatcherLimits(
        settings.live_connections_max, settings.live_connections_per_address
    )
    live = LiveHub(
        seating.seat_logs,
        seating.bookable_events.get,
        seating.events.read,
        LiveStore(database),
        Timer(clock.monotonic, thread_time, loop.call_soon, loop.call_later),
        watcher_limits,
    )
    seating.seat_logs.listen(live)
    stack.push_async_callback(live.aclose)
    metrics.attach_live(
        live.tally,
        lambda: watcher_limits.watching,
        lambda: live.watched,
        lambda: watcher_limits.refused,
    )
    return live


async def _jobs(
    stack: AsyncExitStack,
    settings: Settings,
    database: Database,
    clock: Clock,
    metrics: Metrics,
) -> JobReader:
    """The reader of jobs, and the regular reading for the metrics."""
    queues = {name: JobQueue(name, settings.redis) for name in QUEUES if settings.redis}
    for queue in queues.values():
        stack.push_async_callback(queue.close)
    redis = connect(settings.redis) if settings.redis else None
    if redis is not None:
        stack.push_async_callback(redis.aclose)
    jobs = JobReader(database, queues, clock)
    watch = JobWatch(database, jobs, redis, clock)
    metrics.attach(lambda: job_metrics.families(watch))
    watching = asyncio.create_task(watch.run())
    stack.push_async_callback(ended, [watching])
    return jobs


def _measure(metrics: Metrics, logs: Logs, accounts: Accounts, limits: Limiters) -> None:
    metrics.attach_cache(lambda: accounts.cache.stats, lambda: accounts.users.coalesced)
    metrics.attach_logs(lambda: logs.dropped)
    metrics.attach_limiters(limits.by_name)


def _authenticator(settings: Settings) -> Authenticator:
    key = settings.admin_api_key
    return Authenticator(
        key.get_secret_value() if key else None, open_mode=settings.open_without_key
    )


async def _secret(settings: Settings, database: Database) -> bytes:
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    return await secrets.secret(database, "server")


async def _purge(accounts: Accounts, limits: Limiters) -> None:
    while True:
        await asyncio.sleep(PURGE_EVERY_S)
        for cache in (accounts.cache, accounts.absent):
            cache.purge(PURGE_MOST)
        for limiter in limits.by_name.values():
            limiter.forget_idle(PURGE_MOST)


@asynccontextmanager
async def background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` in the background until the block ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
