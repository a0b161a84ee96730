"""The operations on venues: maps are uploaded, become versions that never change, and are read.

A map is parsed, encoded and compressed once, when it is uploaded, in a thread, so that the event
loop is never blocked. It is stored as it is answered, so that a read copies bytes. The maps that
are read most are kept in memory; a version never changes, so they are never stale. The newest
version is read from the database each time, once for all concurrent callers, so that all processes
answer the same.

A new version gets the number after the newest. If two uploads choose the same number, the primary
key lets one of them succeed, and the other tries again: none is lost.
"""

import asyncio
import gzip
from collections.abc import AsyncIterable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from secrets import token_hex
from typing import Final, NamedTuple, ParamSpec, TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.cache.single_flight import SingleFlight
from event_seating.cache.weighed_lru import WeighedLru
from event_seating.clock import Clock
from event_seating.db import kept_answers
from event_seating.db.database import Database
from event_seating.db.kept_answers import KeyedCall
from event_seating.errors import BodyTooSlow, DatabaseUnavailable
from event_seating.venues import store
from event_seating.venues.errors import (
    InvalidMap,
    MapFault,
    VenueExists,
    VenueNotFound,
    VenueVersionNotFound,
)
from event_seating.venues.formats import ReadMap, encode_map, parse_map, read_map
from event_seating.venues.model import (
    MapVersion,
    MapWarning,
    PackedMap,
    Venue,
    VenueMap,
    is_venue_id,
    slug,
)

UPLOADS_AT_ONCE: Final = 2
"""Uploads whose bodies are in memory at once; the next one is read when one of them is done."""

UPLOAD_S_MAX: Final = 60
"""How long a body may take: 32 MB at 4 Mbit/s. A stalled upload delays those of others."""

MAP_THREADS: Final = 2
"""Threads that parse, compress and decompress; more would take the processor from the requests."""

READY_BYTES_MAX: Final = 64 * 1024 * 1024
"""Answers in memory: a map of 100,000 seats has 1 MB compressed and 10 MB plain."""

PLAN_PLACES_MAX: Final = 400_000
"""Places of all parsed maps in memory: twice those of the largest map, or twenty arenas."""

GZIP_LEVEL: Final = 6
"""The default level: the next ones take three times as long for 3 % less."""

ETAG_CHARS: Final = 32
"""128 bits of a SHA-256, so that there are no collisions."""

RACES_MAX: Final = 20
"""Races that an upload may lose to others for the same venue; each loss is another's version."""

P = ParamSpec("P")
T = TypeVar("T")


class Written(NamedTuple):
    """The result of an upload: the map's version, whether its venue is new, and its warnings."""

    version: MapVersion
    created: bool
    warnings: tuple[MapWarning, ...] = ()
    warnings_left_out: int = 0
    replayed: bool = False
    """Whether an earlier call made it."""

    def warned(self, read: ReadMap) -> "Written":
        """This result with the warnings of the map that was read."""
        return self._replace(warnings=read.warnings, warnings_left_out=read.warnings_left_out)


class ReadyMap(NamedTuple):
    """A version of a map as it is answered, in the first format."""

    version: MapVersion
    encoded: bytes
    gzipped: bool


class VenueService:
    """The operations on venues."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._threads = ThreadPoolExecutor(MAP_THREADS, "seat-map")
        self._uploads = asyncio.Semaphore(UPLOADS_AT_ONCE)
        self._ready = WeighedLru[ReadyMap](READY_BYTES_MAX)
        self._plans = WeighedLru[VenueMap](PLAN_PLACES_MAX)
        self._newest_flights = SingleFlight[MapVersion | None](lambda _key, _version: None)
        self._map_flights = SingleFlight[ReadyMap](self._keep_ready)
        self._plan_flights = SingleFlight[VenueMap](self._keep_plan)

    async def aclose(self) -> None:
        """Cancel the reads that are under way, and stop the threads."""
        for flights in (self._newest_flights, self._plan_flights, self._map_flights):
            await flights.aclose()
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    # Writing

    async def create(
        self, body: AsyncIterable[bytes], *, dry_run: bool, call: KeyedCall | None = None
    ) -> Written:
        """The first version of a new venue, from a map in either format.

        Its id is the map's, or else one made from the name. A dry run writes nothing. A repeated
        `call` makes no second venue; the hash of its request is computed here, from the body.
        Raises `InvalidMap`, `VenueExists`, `BodyTooSlow` and `IdempotencyKeyReused`.
        """
        async with self._uploads:
            received = await self._received(body)
            read = await self._in_thread(read_map, received)
            if call is not None:
                digest = await self._in_thread(sha256, received)
                call = call._replace(request_hash=digest.digest())
            del received
            for venue_id in _ids_for(read.venue_map):
                new = await self._in_thread(_packed, read.venue_map, venue_id)
                first = Written(new.version, created=True).warned(read)
                created = await self._insert(new, first, call, dry_run=dry_run)
                if created is not None:
                    return created
        raise VenueExists(venue_id)

    async def replace(self, venue_id: str, body: AsyncIterable[bytes], *, dry_run: bool) -> Written:
        """The next version of a venue's map, or the first; the present one if the map is the same.

        A dry run writes nothing. Raises `VenueNotFound` when no venue can have this id,
        `InvalidMap`, `BodyTooSlow`, and `DatabaseUnavailable` after losing too many races.
        """
        if not is_venue_id(venue_id):
            raise VenueNotFound
        async with self._uploads:
            read = await self._in_thread(read_map, await self._received(body))
            if read.venue_map.venue_id not in {None, venue_id}:
                raise InvalidMap([MapFault("venueId", f'must be left out or be "{venue_id}"')])
            new = await self._in_thread(_packed, read.venue_map, venue_id)
            written = await (self._would_add(new) if dry_run else self._add(new))
            return written.warned(read)

    async def _insert(
        self, new: PackedMap, first: Written, call: KeyedCall | None, *, dry_run: bool
    ) -> Written | None:
        """Write a venue's first version; None when its id is taken."""
        version, now_ms = new.version, self._clock.now_ms()
        if dry_run:
            async with self._database.read() as connection:
                there = await store.newest(connection, version.venue_id)
            return None if there else first
        async with self._database.write() as connection:
            before = await kept_answers.first(self._database, connection, call, now_ms)
            if before is not None:
                kept = msgspec.json.decode(before.answer, type=Written)
                return kept._replace(replayed=True)
            written = await self._write_first(connection, new)
            if written:
                answer = msgspec.json.encode(first)
                await kept_answers.keep(connection, call, 201, answer, now_ms)
        self._newest_flights.invalidate(version.venue_id)
        return first if written else None

    async def _would_add(self, new: PackedMap) -> Written:
        async with self._database.read() as connection:
            newest = await store.newest(connection, new.version.venue_id)
        same = newest is not None and newest.etag == new.version.etag
        version = newest if newest and same else _numbered(new, newest).version
        return Written(version, created=newest is None)

    async def _add(self, new: PackedMap) -> Written:
        for _ in range(RACES_MAX):
            async with self._database.write() as connection:
                written = await self._write_next(connection, new)
            if written is not None:
                self._newest_flights.invalidate(new.version.venue_id)
                return written
        raise DatabaseUnavailable("Too many change this venue at once; try again.")

    async def _write_next(self, connection: AsyncConnection, new: PackedMap) -> Written | None:
        """Write the map as the next version; None when another transaction took its number."""
        newest = await store.newest(connection, new.version.venue_id)
        if newest is None:
            written = await self._write_first(connection, new)
            return Written(new.version, created=True) if written else None
        if newest.etag == new.version.etag:
            return Written(newest, created=False)
        following = _numbered(new, newest)
        if not await store.insert_version(connection, following, self._clock.now_ms()):
            return None
        await store.set_newest(connection, following.version)
        return Written(following.version, created=False)

    async def _write_first(self, connection: AsyncConnection, new: PackedMap) -> bool:
        now_ms = self._clock.now_ms()
        if not await store.insert_venue(connection, new.version, now_ms):
            return False
        written = await store.insert_version(connection, new, now_ms)
        assert written, "a venue that is new has no versions"
        return True

    async def _received(self, body: AsyncIterable[bytes]) -> bytearray:
        received = bytearray()
        try:
            async with asyncio.timeout(UPLOAD_S_MAX):
                async for chunk in body:
                    received += chunk
        except TimeoutError:
            raise BodyTooSlow from None
        return received

    # Reading

    async def page(self, after: str, limit: int) -> Sequence[Venue]:
        """At most `limit` venues, in the order of their ids, that come after this id."""
        async with self._database.read() as connection:
            return await store.page(connection, after, limit)

    async def newest_map(self, venue_id: str, *, gzipped: bool) -> ReadyMap:
        """The newest version of a venue's map; raises `VenueNotFound`."""
        if not is_venue_id(venue_id):
            raise VenueNotFound
        newest, _ = await self._newest_flights.load(venue_id, lambda: self._load_newest(venue_id))
        if newest is None:
            raise VenueNotFound
        return await self.map(venue_id, newest.version, gzipped=gzipped)

    async def map(self, venue_id: str, version: int, *, gzipped: bool) -> ReadyMap:
        """A version of a venue's map; raises `VenueNotFound` or `VenueVersionNotFound`."""
        if not is_venue_id(venue_id):
            raise VenueNotFound
        key = _ready_key(venue_id, version, gzipped=gzipped)
        ready = self._ready.get(key)
        if ready is None:
            load = self._load_gzipped if gzipped else self._load_plain
            ready, _ = await self._map_flights.load(key, lambda: load(venue_id, version))
        return ready

    async def seat_plan(self, venue_id: str, version: int) -> VenueMap:
        """A version of a venue's map, parsed; raises as `map` does."""
        key = f"{venue_id}/{version}"
        plan = self._plans.get(key)
        if plan is None:
            load = self._plan_flights.load(key, lambda: self._load_plan(venue_id, version))
            plan, _ = await load
        return plan

    async def _load_newest(self, venue_id: str) -> MapVersion | None:
        async with self._database.read() as connection:
            return await store.newest(connection, venue_id)

    async def _load_gzipped(self, venue_id: str, version: int) -> ReadyMap:
        async with self._database.read() as connection:
            packed = await store.packed(connection, venue_id, version)
            if packed is None:
                known = await store.newest(connection, venue_id)
                raise VenueVersionNotFound if known else VenueNotFound
        return ReadyMap(packed.version, packed.map_gzip, gzipped=True)

    async def _load_plain(self, venue_id: str, version: int) -> ReadyMap:
        packed = await self.map(venue_id, version, gzipped=True)
        plain = await self._in_thread(gzip.decompress, packed.encoded)
        return ReadyMap(packed.version, plain, gzipped=False)

    async def _load_plan(self, venue_id: str, version: int) -> VenueMap:
        packed = await self.map(venue_id, version, gzipped=True)
        return await self._in_thread(_unpacked, packed.encoded)

    def _keep_ready(self, key: str, ready: ReadyMap) -> None:
        self._ready.put(key, ready, len(ready.encoded))

    def _keep_plan(self, key: str, plan: VenueMap) -> None:
        self._plans.put(key, plan, plan.places)

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        assert not kwargs
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)


def _ids_for(venue_map: VenueMap) -> Iterator[str]:
    """The id that the map names; or else ids made from its name, the better one first."""
    named = venue_map.venue_id
    if named is not None:
        if not is_venue_id(named):
            fault = "must have letters, digits or any of . _ ~ - and no others"
            raise InvalidMap([MapFault("venueId", fault)])
        yield named
        return
    made = slug(venue_map.name)
    if made:
        yield made
    yield f"{made or 'venue'}-{token_hex(4)}"


def _packed(venue_map: VenueMap, venue_id: str) -> PackedMap:
    """The map of this venue as it is stored, with version 1."""
    encoded = encode_map(replace(venue_map, venue_id=venue_id))
    etag = sha256(encoded).hexdigest()[:ETAG_CHARS]
    counts = venue_map.summary
    version = MapVersion(
        venue_id, 1, venue_map.name, etag, counts.seats, counts.areas, counts.categories
    )
    # `mtime=0`, so that the same map gives the same bytes.
    return PackedMap(version, gzip.compress(encoded, GZIP_LEVEL, mtime=0))


def _unpacked(map_gzip: bytes) -> VenueMap:
    return parse_map(gzip.decompress(map_gzip))


def _numbered(new: PackedMap, newest: MapVersion | None) -> PackedMap:
    """The map with the number after the newest."""
    number = newest.version + 1 if newest else 1
    return PackedMap(msgspec.structs.replace(new.version, version=number), new.map_gzip)


def _ready_key(venue_id: str, version: int, *, gzipped: bool) -> str:
    return f"{venue_id}/{version}/{'gzip' if gzipped else 'plain'}"
