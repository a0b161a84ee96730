"""Builds every part of a process that does not serve: a job process, or that of a command.

A job process has no seats in memory and no cache that anybody reads: its handlers are given the
database, what they need of the nouns, and a way to tell the other processes. Parts that a serving
process has too are built by functions of `server_services`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from event_seating.booking.effects.cancelled_events import CancelledEvents
from event_seating.booking.effects.follow_up_jobs import NEWS_TYPES, Announcements
from event_seating.booking.effects.mails import BookingMails
from event_seating.booking.effects.reports import Reports
from event_seating.booking.effects.webhook_messages import NewsJobs
from event_seating.booking.seat_log.registry import SeatLogs
from event_seating.booking.seat_log.sql_store import SqlLogStore
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating.loaded_events import LoadedEvents
from event_seating.clock import Clock, DatabaseClock, SystemClock
from event_seating.composition.server_services import accounts_of, begin_signals, open_database
from event_seating.db import schema
from event_seating.db.database import Database
from event_seating.db.timekeeper import Timekeeper
from event_seating.errors import StartupError
from event_seating.events.facts import EventFacts
from event_seating.jobs.engine import JobEngine
from event_seating.jobs.handler import Handler
from event_seating.jobs.requests import JobRequests
from event_seating.mail.mailer import mailer_of
from event_seating.mail.mode import sends_mail
from event_seating.mail.sent_journal import FILE_NAME as SENT_JOURNAL
from event_seating.mail.sent_journal import SentJournal
from event_seating.maintenance.verify import LoadIndex
from event_seating.settings.model import Settings
from event_seating.telemetry.logs import get_logger
from event_seating.telemetry.metrics import Metrics
from event_seating.users.jobs import UserJobs
from event_seating.users.new_users import NewUsers
from event_seating.users.service import UserService
from event_seating.users.welcome_mails import WelcomeMails
from event_seating.valkey import signals as channels
from event_seating.valkey.signals import Signals
from event_seating.venues.service import VenueService
from event_seating.version import VERSION
from event_seating.webhooks.jobs import WebhookJobs
from event_seating.webhooks.sender import Sender
from event_seating.webhooks.service import WebhookService
from event_seating.webhooks.subscribed_types import SubscribedTypes
from event_seating.webhooks.targets import rules_of

DRAIN_WITHIN_S: Final = 15.0
"""Time for jobs under way at a stop; most take less than a second, and a mail server gets 10 s."""

_log = get_logger("job services")


@dataclass(frozen=True, slots=True)
class WorkingParts:
    """What a job process is made of."""

    engine: JobEngine

    async def drain(self, *, at_once: bool = False) -> None:
        """Take no more jobs; finish or checkpoint those under way, or hand them back `at_once`."""
        try:
            async with asyncio.timeout(DRAIN_WITHIN_S):
                await self.engine.drain(at_once=at_once)
        except TimeoutError:
            _log.warning("jobs are still under way; the next process does them again")


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[WorkingParts]:
    """Every part of a job process, until the block ends; `drain` before that."""
    if settings.redis is None:
        raise StartupError("REDIS_URL: jobs need a Redis")
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        metrics = Metrics(version=VERSION)
        database = open_database(stack, settings, metrics)
        signals = Signals(settings.redis, clock)
        job_requests = JobRequests(database, clock, channels.nudge_of(signals))
        accounts = accounts_of(stack, settings, database, clock, signals, job_requests)
        handlers = _handlers(
            stack, settings, database, clock, accounts.users, signals, job_requests
        )
        engine = JobEngine(settings.redis, database, handlers, clock, job_requests)
        signals.listen(channels.OUTBOX, lambda _message: engine.nudge(), own=True)
        await begin_signals(stack, signals, metrics)
        engine.start()
        yield WorkingParts(engine)


@asynccontextmanager
async def stored(settings: Settings) -> AsyncIterator[tuple[Database, LoadIndex]]:
    """The database and the loader of seat indexes, for commands beside or without a server.

    Raises `StartupError` if the database cannot be reached or is not up to date.
    """
    async with AsyncExitStack() as stack:
        database = Database(settings.database)
        stack.push_async_callback(database.close)
        found = await schema.current(database)
        if found != schema.newest():
            raise StartupError(
                f"DATABASE_URL: {database.where} is at schema {found or 'none'}, this release"
                f" needs {schema.newest()}"
            )
        bookable_events, _ = _bookable_events(stack, database, SystemClock())
        yield database, bookable_events.index


def _bookable_events(
    stack: AsyncExitStack, database: Database, clock: Clock
) -> tuple[LoadedEvents, EventFacts]:
    venues = VenueService(database, clock)
    stack.push_async_callback(venues.aclose)
    facts = EventFacts(database)
    bookable_events = LoadedEvents(venues, facts.of)
    stack.push_async_callback(bookable_events.aclose)
    return bookable_events, facts


def _logs_of(
    stack: AsyncExitStack,
    settings: Settings,
    database: Database,
    clock: Clock,
    bookable_events: LoadedEvents,
    signals: Signals,
    job_requests: JobRequests,
) -> Callable[[str], Awaitable[SeatLog]]:
    """Loads the present log of an event, to append to it; servers get a signal for each row."""
    subscribed = SubscribedTypes(database, NEWS_TYPES)
    seat_clock = DatabaseClock(clock)
    timekeeper = Timekeeper(seat_clock, database)
    announcements = Announcements(
        confirms=sends_mail(settings),
        subscribed_types=subscribed,
        wake_relay=job_requests.wake_relay,
    )
    logs = SeatLogs(
        SqlLogStore(database),
        seat_clock,
        bookable_events.index,
        grace_ms=settings.booking_grace_ms,
        memory_bytes=0,  # only the event that a job works on stays in memory
        set_clock=timekeeper.set,
        announce=announcements,
    )
    stack.push_async_callback(logs.aclose)
    logs.listen(lambda _log, _changes, _entries: announcements.written())
    logs.listen(
        lambda log, _changes, _entries: signals.publish(
            channels.EVENTS, f"{log.event_id}:{log.states.version}"
        )
    )

    async def log_of(event_id: str) -> SeatLog:
        await subscribed.refresh()
        await timekeeper.set()
        log = await logs.get(event_id)
        await log.catch_up()
        return log

    return log_of


def _handlers(
    stack: AsyncExitStack,
    settings: Settings,
    database: Database,
    clock: Clock,
    users: UserService,
    signals: Signals,
    job_requests: JobRequests,
) -> dict[str, Handler]:
    """Every handler, by the name of its job."""
    bookable_events, facts = _bookable_events(stack, database, clock)
    rules = rules_of(settings)

    async def webhooks_changed() -> None:
        signals.publish(channels.WEBHOOKS)

    webhooks = WebhookService(database, clock, NEWS_TYPES, rules, webhooks_changed, job_requests)
    new_users = NewUsers(job_requests, welcomes=sends_mail(settings))
    handlers: dict[str, Handler] = {
        **UserJobs(database, clock, new_users, users.changed).handlers(),
        **Reports(database, bookable_events.get, clock).handlers(),
        **NewsJobs(database, bookable_events.get, webhooks.add_messages).handlers(),
        **WebhookJobs(database, clock, Sender(rules), webhooks_changed).handlers(),
        **CancelledEvents(
            _logs_of(stack, settings, database, clock, bookable_events, signals, job_requests),
            sends_mail=sends_mail(settings),
        ).handlers(),
    }
    sent = stack.enter_context(SentJournal(settings.data_dir / SENT_JOURNAL))
    mailer = mailer_of(settings, clock, sent)
    stack.push_async_callback(mailer.aclose)
    mails = {
        **WelcomeMails(database, mailer).handlers(),
        **BookingMails(database, bookable_events.get, facts.summary, mailer, clock).handlers(),
    }
    return handlers | mailer.handlers(mails)
