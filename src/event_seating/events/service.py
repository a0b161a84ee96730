"""The rules of events: made with a fixed version of a map, changed in order, listed by time.

Only an event's log says how it sells. The `configuration` beside the event is derived from it, and
written in the transaction of the log row that sets it, so it is never ahead or behind, and a read
or a list needs neither the log nor the seats.

An event is made in two steps. The first writes its row, which nobody can see. The second writes the
log's first row, which sets the configuration, withdraws the seats that the map marks as not for
sale, and so makes the event visible, all at once. If the process dies in between, there is no event
and nobody has been given an id: the request can simply be repeated. The remains of the first step
are removed when a later event is made.

A call with an `Idempotency-Key` stores the event with its first step. A repetition finds it: if the
event is complete it is the answer; if not, it is completed under the same id by whichever call
comes first, since for the log the second step is the same call again.

A change names the configuration that it is based on. If that is no longer the current one, the log
refuses, and the change is applied to the newer one, so that two callers who change different things
both succeed, in one process or in several.
"""

import asyncio
import secrets
import zoneinfo
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Final, NamedTuple
from weakref import WeakValueDictionary

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.booking.core.commands import Configure, Part
from event_seating.booking.core.records import Configuration, SaleRules, SaleStatus
from event_seating.booking.core.refusals import Refusal, RefusalCode
from event_seating.booking.effects.cancelled_events import cancel_event_job
from event_seating.booking.errors import ConfigurationChanged, EventCancelled
from event_seating.booking.seat_log.ports import IdempotencyKey
from event_seating.booking.seat_log.submission import Granted, IdempotentCall, Submission
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating import ids
from event_seating.cache.single_flight import SingleFlight
from event_seating.clock import MS_PER_S, Clock
from event_seating.db import kept_answers
from event_seating.db.database import Database
from event_seating.db.kept_answers import KeptAnswer, KeyedCall
from event_seating.errors import EventNotFound, StartupError
from event_seating.events import model, store
from event_seating.events.errors import UnknownVenue
from event_seating.events.facts import EventFacts
from event_seating.events.model import Defaults, Event, EventChange, EventSchedule, NewEvent
from event_seating.events.prices import Tiers
from event_seating.events.store import EventFilter, NewRow
from event_seating.jobs.model import NewJob
from event_seating.jobs.requests import JobRequests, traced
from event_seating.settings.model import Settings
from event_seating.values.money import is_currency
from event_seating.venues.errors import VenueNotFound
from event_seating.venues.model import MapVersion, VenueMap
from event_seating.venues.service import VenueService

EPOCH_BYTES: Final = 8
"""Enough for an event never to have the same epoch twice."""

BUYER_SECRET_BYTES: Final = 32
"""The key of an HMAC with SHA-256."""

UNMADE_MS_MAX: Final = 3_600_000
"""An event that is incomplete after an hour will stay so: no transaction lasts that long."""

BEGUN_MS_MAX: Final = UNMADE_MS_MAX // 2
"""How long a repeated call continues with an incomplete event; later it starts another."""

FIRST_VERSION: Final = 1
"""The version of the first row of an event's log, which configures it."""

_CREATES: Final = "POST /events"
"""The scope of idempotency keys for making an event, in its log."""

RACES_MAX: Final = 100
"""Most races lost in a row to other processes; each one is another's change, and few are made."""


def defaults(settings: Settings) -> Defaults:
    """How an event sells unless told otherwise; a `StartupError` names a bad setting."""
    if not is_currency(settings.currency):
        raise StartupError(f"CURRENCY: {settings.currency} is no ISO 4217 currency")
    rules = SaleRules(
        max_seats_per_hold=settings.max_seats_per_hold,
        max_held_seats_per_buyer=settings.max_held_seats_per_buyer,
        max_held_seats_per_address=settings.max_held_seats_per_address,
        hold_ttl_ms=settings.hold_ttl_s * MS_PER_S,
    )
    return Defaults(settings.currency, rules)


class CreatedEvent(NamedTuple):
    """A new event, and whether an earlier call made it."""

    event: Event
    replayed: bool


class EventService:
    """The operations on events; `log_of` returns the log of an event by its id."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        venues: VenueService,
        facts: EventFacts,
        log_of: Callable[[str], Awaitable[SeatLog]],
        defaults: Defaults,
        job_requests: JobRequests,
    ) -> None:
        self._database = database
        self._clock = clock
        self._venues = venues
        self._facts = facts
        self._log_of = log_of
        self._defaults = defaults
        self._job_requests = job_requests
        self._reads = SingleFlight[Event | None](lambda _event_id, _event: None)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def aclose(self) -> None:
        """Cancel the reads that are under way."""
        await self._reads.aclose()

    # Reading

    async def read(self, event_id: str) -> Event:
        """The event; raises `EventNotFound`. Concurrent callers share one read."""
        if not ids.is_event_id(event_id):
            raise EventNotFound
        event, _ = await self._reads.load(event_id, lambda: self._load(event_id))
        if event is None:
            raise EventNotFound
        return event

    async def page(
        self, wanted: EventFilter, after: tuple[int, str], limit: int
    ) -> Sequence[Event]:
        """At most `limit` events after this time and id, in the order of time and id."""
        async with self._database.read() as connection:
            return await store.page(connection, wanted, after, limit)

    # Writing

    async def create(
        self, asked: NewEvent, actor: str | None, call: KeyedCall | None = None
    ) -> CreatedEvent:
        """Make an event with the newest version of its venue's map; a repeated `call` makes none.

        Raises `UnknownVenue`, `PriceMissing`, `InvalidRequest` and `IdempotencyKeyReused`.
        """
        begun = await self._begun(call)
        if begun is not None and await self._load(begun.id) is not None:
            return CreatedEvent(begun, replayed=True)
        if begun is None:
            begun = await self._begin(asked, call)
        return await self._make(begun, actor, call)

    async def _begin(self, asked: NewEvent, call: KeyedCall | None) -> Event:
        """Write an invisible event, or return the one that an earlier call wrote."""
        version = await self._newest(asked.venue_id)
        venue_map = await self._venues.seat_plan(version.venue_id, version.version)
        now_ms = self._clock.now_ms()
        zones = await asyncio.to_thread(time_zones)
        tiers = _tiers(venue_map)
        schedule, sale = model.new_event(asked, tiers, self._defaults, zones, now_ms)
        event = Event(
            id=ids.new_event_id(),
            venue_id=version.venue_id,
            venue_version=version.version,
            venue_name=version.name,
            name=schedule.name,
            starts_at_ms=schedule.starts_at_ms,
            time_zone=schedule.time_zone,
            epoch=secrets.token_hex(EPOCH_BYTES),
            created_at_ms=now_ms,
            configuration=sale,
            version=FIRST_VERSION,
        )
        async with self._database.write() as connection:
            before = await kept_answers.first(self._database, connection, call, now_ms)
            begun = before and await _to_go_on_with(connection, before, now_ms)
            if begun is not None:
                return begun
            await self._write_unmade(connection, event, schedule)
            kept = msgspec.json.encode(event)
            await kept_answers.keep(connection, call, 201, kept, now_ms)
        return event

    async def _make(self, event: Event, actor: str | None, call: KeyedCall | None) -> CreatedEvent:
        """Write the first row of an event's log; of repetitions of a call only one does so."""
        venue_map = await self._venues.seat_plan(event.venue_id, event.venue_version)
        blocked = tuple(seat for seat, flag in enumerate(venue_map.blocked) if flag)
        with self._facts.making(event.id):
            log = await self._log_of(event.id)
            first = Configure(
                event.configuration, blocked=Part(blocked) if blocked else None, actor=actor
            )
            idempotent = call and IdempotentCall(
                IdempotencyKey(_CREATES, call.id.hex()), call.request_hash
            )
            granted = await log.submit(Submission(first, call=idempotent))
        assert isinstance(granted, Granted), "the first configuration of an event was refused"
        assert granted.version == FIRST_VERSION or granted.replayed, "an event was made twice"
        self._reads.invalidate(event.id)
        return CreatedEvent(event, granted.replayed)

    async def _begun(self, call: KeyedCall | None) -> Event | None:
        """The event that was begun for the same call; raises `IdempotencyKeyReused`."""
        if call is None:
            return None
        now_ms = self._clock.now_ms()
        async with self._database.read() as connection:
            before = await kept_answers.found(connection, call, now_ms)
            return before and await _to_go_on_with(connection, before, now_ms)

    async def change(self, event_id: str, change: EventChange, actor: str | None) -> Event:
        """Change the named fields and keep the rest.

        Raises `EventNotFound`, `EventCancelled`, `InvalidRequest` and `ConfigurationChanged`.
        """
        zones = await asyncio.to_thread(time_zones)
        # One at a time in this process: concurrent changes would only make each other start again.
        async with self._turns.setdefault(event_id, asyncio.Lock()):
            for _ in range(RACES_MAX):
                event = await self._unshared(event_id)
                if event.configuration.status is SaleStatus.cancelled:
                    raise EventCancelled
                tiers = await self._tiers_for(event, change)
                schedule, sale = model.changed(event, change, tiers, zones)
                if sale == event.configuration:
                    await self._set_schedule(event, schedule)
                    return await self._unshared(event_id)
                changes = _changes(event, schedule)
                job = None
                if sale.status is SaleStatus.cancelled:
                    job = cancel_event_job(event_id, notify=False, reason=None, actor=actor)
                if await self._configure(event, sale, changes, actor, job):
                    return await self._unshared(event_id)
        raise ConfigurationChanged

    async def cancel(
        self, event_id: str, *, notify: bool, reason: str | None, actor: str | None
    ) -> NewJob:
        """Cancel the event for ever; returns the job that ends its holds and cancels its bookings.

        For an event that is cancelled already, the job does whatever is left to do. Raises
        `EventNotFound` and `ConfigurationChanged`.
        """
        job = cancel_event_job(event_id, notify=notify, reason=reason, actor=actor)
        async with self._turns.setdefault(event_id, asyncio.Lock()):
            for _ in range(RACES_MAX):
                event = await self._unshared(event_id)
                sale = event.configuration
                if sale.status is SaleStatus.cancelled:
                    return (await self._job_requests.ask_alone(job)).job
                cancelled = msgspec.structs.replace(sale, status=SaleStatus.cancelled)
                with suppress(EventCancelled):
                    if await self._configure(event, cancelled, {}, actor, job):
                        return job
        raise ConfigurationChanged

    async def _configure(
        self,
        event: Event,
        sale: Configuration,
        changes: Mapping[str, str | int],
        actor: str | None,
        job: NewJob | None = None,
    ) -> bool:
        """Append a configuration that replaces the event's; false if another one already has.

        The event's name and dates, and the job that follows from the change, are written in the
        same transaction.
        """
        log = await self._log_of(event.id)
        request = Configure(sale, replaces=event.configuration, actor=actor)
        submission = Submission(request, event_columns=changes)
        if job is not None:
            # Here, since the writer does not run in the context of the call.
            asked = traced(job)
            submission.jobs = lambda _entry: [asked]
        outcome = await log.submit(submission)
        if not isinstance(outcome, Refusal):
            return True
        if outcome.code is RefusalCode.event_cancelled:
            raise EventCancelled
        # The newer configuration may be in a row that this process has not read yet.
        await log.catch_up()
        return False

    async def _set_schedule(self, event: Event, schedule: EventSchedule) -> None:
        changes = _changes(event, schedule)
        if changes:
            async with self._database.write() as connection:
                await store.set_schedule(connection, event.id, changes)

    async def _write_unmade(
        self, connection: AsyncConnection, event: Event, schedule: EventSchedule
    ) -> None:
        row = NewRow(
            id=event.id,
            venue_id=event.venue_id,
            venue_version=event.venue_version,
            currency=event.configuration.currency,
            epoch=event.epoch,
            buyer_secret=secrets.token_bytes(BUYER_SECRET_BYTES),
            created_at_ms=event.created_at_ms,
        )
        await store.delete_unmade(connection, event.created_at_ms - UNMADE_MS_MAX)
        await store.insert_unmade(connection, row, schedule)

    async def _tiers_for(self, event: Event, change: EventChange) -> Tiers:
        """The map's categories; only prices are checked against them."""
        if not change.prices:
            return Tiers({}, ())
        return _tiers(await self._venues.seat_plan(event.venue_id, event.venue_version))

    async def _newest(self, venue_id: str) -> MapVersion:
        try:
            return (await self._venues.newest_map(venue_id, gzipped=True)).version
        except VenueNotFound:
            raise UnknownVenue from None

    async def _unshared(self, event_id: str) -> Event:
        """The event by a new read, since one that another caller began may be older."""
        self._reads.invalidate(event_id)
        return await self.read(event_id)

    async def _load(self, event_id: str) -> Event | None:
        async with self._database.read() as connection:
            return await store.by_id(connection, event_id)


async def _to_go_on_with(
    connection: AsyncConnection, before: KeptAnswer, now_ms: int
) -> Event | None:
    """The event that an earlier call made or began; None if it was interrupted long ago.

    The remains of such an event may be removed at any moment.
    """
    event = msgspec.json.decode(before.answer, type=Event)
    old = event.created_at_ms < now_ms - BEGUN_MS_MAX
    return None if old and await store.by_id(connection, event.id) is None else event


@cache
def time_zones() -> frozenset[str]:
    """The IANA names of all time zones; the first call reads some hundred files."""
    return frozenset(zoneinfo.available_timezones() | {"UTC"})


def _tiers(venue_map: VenueMap) -> Tiers:
    keys = [category.key for category in venue_map.categories]
    categories = venue_map.categories
    sold = (number for number in set(venue_map.category) if categories[number].for_sale)
    used = {*sold, *(area.category for area in venue_map.areas)}
    return Tiers(
        {category.key: category.price for category in venue_map.categories},
        frozenset(keys[number] for number in used),
    )


def _changes(event: Event, schedule: EventSchedule) -> dict[str, str | int]:
    """The changed columns only, so that concurrent changes of others survive."""
    return {
        name: value
        for name, value in msgspec.structs.asdict(schedule).items()
        if value != getattr(event, name)
    }
