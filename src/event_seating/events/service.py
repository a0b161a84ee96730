"""The rules of events: made with a map that stays theirs, changed in order, listed by time.

How an event sells is in its log alone. The `configuration` beside the event is what follows from
it, written in the transaction of the row that says it, so it is never ahead or behind, and a read
or a list needs neither the log nor the seats.

An event is made in two steps: its row, which nobody sees, then the log's first row, which brings
the configuration, withdraws the seats that the map says are not for sale, and thereby makes the
event visible, all in one. Whatever is cut off between the two, there is no event, and no id that
anybody was told: the request can simply be made again. What the first step left behind is removed
when some later event is made.

A call with an `Idempotency-Key` keeps the event in its first step. The same call again finds it:
one that is made is its answer, and one that is not made yet is made, under the same id, by
whichever of the two comes first, since the second step is the same call again to the log.

A change says which configuration it is made on. If that is no longer the one, the log refuses, the
change is made again on the newer one, and so two who change different things both get theirs, in
one process or in several.
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
from event_seating.db.kept_answers import Call, KeptAnswer
from event_seating.errors import EventNotFound, StartupError
from event_seating.events import model, store
from event_seating.events.errors import UnknownVenue
from event_seating.events.facts import EventFacts
from event_seating.events.model import Defaults, Event, EventChange, NewEvent, Occasion
from event_seating.events.prices import Tiers
from event_seating.events.store import Filter, NewRow
from event_seating.jobs.model import NewJob
from event_seating.jobs.requests import JobRequests, traced
from event_seating.settings.model import Settings
from event_seating.values.money import is_currency
from event_seating.venues.errors import VenueNotFound
from event_seating.venues.model import MapVersion, VenueMap
from event_seating.venues.service import VenueService

EPOCH_BYTES: Final = 8
"""Enough that no two epochs of an event are ever the same."""

BUYER_SECRET_BYTES: Final = 32
"""The key of an HMAC with SHA-256."""

UNMADE_MS_MAX: Final = 3_600_000
"""An event that is not made after an hour never will be: no transaction lasts that long."""

BEGUN_MS_MAX: Final = UNMADE_MS_MAX // 2
"""How long a repeated call goes on with an event that was begun and not made; then with another."""

FIRST_VERSION: Final = 1
"""Of an event's log: its first row configures it."""

_CREATES: Final = "POST /events"
"""The scope of the calls that make an event, in its log."""

RACES_MAX: Final = 100
"""Lost in a row against other processes; each loss is another's change, and few make any."""


def defaults(settings: Settings) -> Defaults:
    """How an event sells that is not told otherwise; a `StartupError` names a bad setting."""
    if not is_currency(settings.currency):
        raise StartupError(f"CURRENCY: {settings.currency} is no ISO 4217 currency")
    rules = SaleRules(
        max_seats_per_hold=settings.max_seats_per_hold,
        max_held_seats_per_buyer=settings.max_held_seats_per_buyer,
        max_held_seats_per_address=settings.max_held_seats_per_address,
        hold_ttl_ms=settings.hold_ttl_s * MS_PER_S,
    )
    return Defaults(settings.currency, rules)


class Created(NamedTuple):
    """An event as it was made, and whether an earlier call did."""

    event: Event
    replayed: bool


class EventService:
    """What can be done with events; `log_of` gives the log of an event by its id."""

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
        """End the reads that are under way."""
        await self._reads.aclose()

    # Reading

    async def read(self, event_id: str) -> Event:
        """The event; raises `EventNotFound`. Many who ask at once share one read."""
        if not ids.is_event_id(event_id):
            raise EventNotFound
        event, _ = await self._reads.load(event_id, lambda: self._load(event_id))
        if event is None:
            raise EventNotFound
        return event

    async def page(self, wanted: Filter, after: tuple[int, str], limit: int) -> Sequence[Event]:
        """At most `limit` events, by when they begin and then by id, after this time and id."""
        async with self._database.read() as connection:
            return await store.page(connection, wanted, after, limit)

    # Writing

    async def create(self, asked: NewEvent, actor: str | None, call: Call | None = None) -> Created:
        """A new event in the newest version of its venue's map; a repeated `call` makes none.

        Raises `UnknownVenue`, `PriceMissing`, `InvalidRequest` and `IdempotencyKeyReused`.
        """
        begun = await self._begun(call)
        if begun is not None and await self._load(begun.id) is not None:
            return Created(begun, replayed=True)
        if begun is None:
            begun = await self._begin(asked, call)
        return await self._make(begun, actor, call)

    async def _begin(self, asked: NewEvent, call: Call | None) -> Event:
        """Write an event that nobody sees; or what another process began for the same call."""
        version = await self._newest(asked.venue_id)
        venue_map = await self._venues.seat_plan(version.venue_id, version.version)
        now_ms = self._clock.now_ms()
        zones = await asyncio.to_thread(time_zones)
        tiers = _tiers(venue_map)
        occasion, sale = model.opened(asked, tiers, self._defaults, zones, now_ms)
        event = Event(
            id=ids.new_event_id(),
            venue_id=version.venue_id,
            venue_version=version.version,
            venue_name=version.name,
            name=occasion.name,
            starts_at_ms=occasion.starts_at_ms,
            time_zone=occasion.time_zone,
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
            await self._write_unmade(connection, event, occasion)
            kept = msgspec.json.encode(event)
            await kept_answers.keep(connection, call, 201, kept, now_ms)
        return event

    async def _make(self, event: Event, actor: str | None, call: Call | None) -> Created:
        """Write the first row of an event's log; of those who do so for one call, one does."""
        venue_map = await self._venues.seat_plan(event.venue_id, event.venue_version)
        blocked = tuple(seat for seat, flag in enumerate(venue_map.blocked) if flag)
        with self._facts.making(event.id):
            log = await self._log_of(event.id)
            first = Configure(
                event.configuration, blocked=Part(blocked) if blocked else None, actor=actor
            )
            once = call and IdempotentCall(
                IdempotencyKey(_CREATES, call.id.hex()), call.request_hash
            )
            granted = await log.submit(Submission(first, once=once))
        assert isinstance(granted, Granted), "the first configuration of an event was refused"
        assert granted.version == FIRST_VERSION or granted.replayed, "an event was made twice"
        self._reads.taint(event.id)
        return Created(event, granted.replayed)

    async def _begun(self, call: Call | None) -> Event | None:
        """What was begun for the same call before; raises `IdempotencyKeyReused`."""
        if call is None:
            return None
        now_ms = self._clock.now_ms()
        async with self._database.read() as connection:
            before = await kept_answers.found(connection, call, now_ms)
            return before and await _to_go_on_with(connection, before, now_ms)

    async def change(self, event_id: str, change: EventChange, actor: str | None) -> Event:
        """Change what is named and keep the rest.

        Raises `EventNotFound`, `EventCancelled`, `InvalidRequest` and `ConfigurationChanged`.
        """
        zones = await asyncio.to_thread(time_zones)
        # One at a time in this process: they would only make each other begin again.
        async with self._turns.setdefault(event_id, asyncio.Lock()):
            for _ in range(RACES_MAX):
                event = await self._unshared(event_id)
                if event.configuration.status is SaleStatus.cancelled:
                    raise EventCancelled
                tiers = await self._tiers_for(event, change)
                occasion, sale = model.changed(event, change, tiers, zones)
                if sale == event.configuration:
                    await self._set_occasion(event, occasion)
                    return await self._unshared(event_id)
                changes = _changes(event, occasion)
                job = None
                if sale.status is SaleStatus.cancelled:
                    job = cancel_event_job(event_id, notify=False, reason=None, actor=actor)
                if await self._configure(event, sale, changes, actor, job):
                    return await self._unshared(event_id)
        raise ConfigurationChanged

    async def cancel(
        self, event_id: str, *, notify: bool, reason: str | None, actor: str | None
    ) -> NewJob:
        """Cancel the event for ever; the job that ends its holds and cancels its bookings.

        Of an event that is cancelled already the job does what is left, if anything is. Raises
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
        """Append a configuration that replaces the event's; false when another already has.

        What the change says of the event's name and dates, and the job that follows from it, are
        written in the same transaction.
        """
        log = await self._log_of(event.id)
        request = Configure(sale, replaces=event.configuration, actor=actor)
        submission = Submission(request, occasion=changes)
        if job is not None:
            # Here, in the context of the call: the writer is in nobody's.
            asked = traced(job)
            submission.jobs = lambda _entry: [asked]
        outcome = await log.submit(submission)
        if not isinstance(outcome, Refusal):
            return True
        if outcome.code is RefusalCode.event_cancelled:
            raise EventCancelled
        # The newer one may be another process's row that this log has not read yet.
        await log.catch_up()
        return False

    async def _set_occasion(self, event: Event, occasion: Occasion) -> None:
        changes = _changes(event, occasion)
        if changes:
            async with self._database.write() as connection:
                await store.set_occasion(connection, event.id, changes)

    async def _write_unmade(
        self, connection: AsyncConnection, event: Event, occasion: Occasion
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
        await store.insert_unmade(connection, row, occasion)

    async def _tiers_for(self, event: Event, change: EventChange) -> Tiers:
        """The map's categories, which only prices are checked against."""
        if not change.prices:
            return Tiers({}, ())
        return _tiers(await self._venues.seat_plan(event.venue_id, event.venue_version))

    async def _newest(self, venue_id: str) -> MapVersion:
        try:
            return (await self._venues.newest_map(venue_id, gzipped=True)).version
        except VenueNotFound:
            raise UnknownVenue from None

    async def _unshared(self, event_id: str) -> Event:
        """The event as it is now: a read that another began may be older."""
        self._reads.taint(event_id)
        return await self.read(event_id)

    async def _load(self, event_id: str) -> Event | None:
        async with self._database.read() as connection:
            return await store.by_id(connection, event_id)


async def _to_go_on_with(
    connection: AsyncConnection, before: KeptAnswer, now_ms: int
) -> Event | None:
    """The event that an earlier call made or began; none when it was cut off long ago.

    What is left of it then may be removed at any moment.
    """
    event = msgspec.json.decode(before.answer, type=Event)
    old = event.created_at_ms < now_ms - BEGUN_MS_MAX
    return None if old and await store.by_id(connection, event.id) is None else event


@cache
def time_zones() -> frozenset[str]:
    """The IANA names of all time zones; the first call looks through some hundred files."""
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


def _changes(event: Event, occasion: Occasion) -> dict[str, str | int]:
    """Only what changed, by column, so that others' changes of the rest stay."""
    return {
        name: value
        for name, value in msgspec.structs.asdict(occasion).items()
        if value != getattr(event, name)
    }
