"""The seat map status of the events in memory, as ready bytes in two encodings, for many readers.

Owns the encodings of each event in memory, for as long as its log is there. It listens to every row
of the log and patches the seats that moved. So an answer is never older than the state, which is
never older than the last write that this process answered, and no version is encoded seat by seat.

Compression is limited: an encoding is compressed at most every `COMPRESS_EVERY_S`, in a thread,
once for all callers that wait for that version. A caller that comes in between, for a version that
is newer than the compressed one, gets it uncompressed: under load nobody waits, and no core is
spent on versions that are over before they are read twice.

It never reads the log itself and writes nothing.
"""

import asyncio
import gzip
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final
from weakref import WeakKeyDictionary

from event_seating.booking.core.log_entries import Entry
from event_seating.booking.errors import VersionNotReached
from event_seating.booking.reads import encodings
from event_seating.booking.reads.encodings import COMPACT, Encoding, FullEncoding
from event_seating.booking.seat_log.registry import SeatLogs
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating import ids
from event_seating.booking.seating.bookable_event import BookableEvent, BookableEventOf
from event_seating.cache.single_flight import SingleFlight
from event_seating.errors import EventNotFound
from event_seating.web.ready import Ready
from event_seating.web.representation import has_current, prefers_gzip

COMPRESS_EVERY_S: Final = 0.2
"""About 8 ms of a core for 50,000 seats, so at most 4 % of one core for each busy event."""

GZIP_LEVEL: Final = 4
"""As fast as the lower levels here and a sixth smaller; level 6 takes four times as long."""

ACCEPTS_REMEMBERED: Final = 64
"""Parsed values of `Accept-Encoding` that are kept; browsers send a handful of them."""

_QUERY: Final = re.compile(
    rb"(?:format=(?P<format>full|compact))?(?:(?:^|&)version=(?P<version>\d{1,18}))?\Z"
)
"""The queries that the edge parses by itself; the route gets all others."""

_takes_gzip = lru_cache(maxsize=ACCEPTS_REMEMBERED)(prefers_gzip)


class _EncodedEvent:
    """The encodings of one event in memory; the full one from its first read on."""

    __slots__ = ("compact", "epoch", "event_id", "full", "missed", "states")

    def __init__(self, bookable: BookableEvent, log: SeatLog) -> None:
        # The state and not its log: this must not keep the log in memory.
        self.states = log.states
        self.event_id = bookable.event_id
        self.epoch = bookable.epoch
        self.compact = encodings.compact()
        self.full: FullEncoding | None = None
        self.missed: dict[int, int] | None = None
        """The seats that moved since the full encoding was begun."""

    def patch(self, changes: Mapping[int, int]) -> None:
        if self.full is not None:
            self.full.patch(changes)
        elif self.missed is not None:
            self.missed.update(changes)

    async def write_full(self) -> Encoding:
        """Make the full encoding in a thread; seats that move meanwhile are patched afterwards."""
        missed = self.missed = {}
        characters, seat_ids = self.states.characters(), self.states.index.ids
        written = await asyncio.to_thread(encodings.full, characters, seat_ids)
        written.patch(missed)
        self.full, self.missed = written, None
        return written

    def renewed(self, encoding: Encoding) -> Encoding:
        if encoding.version != self.states.version:
            encoding.renew(self.event_id, self.epoch, self.states)
        return encoding


class SeatMapStatus:
    """The seat map status of the events in memory; a `RowListener` of their logs."""

    def __init__(
        self, logs: SeatLogs, bookable_of: BookableEventOf, monotonic: Callable[[], float]
    ) -> None:
        self._logs = logs
        self._bookable_of = bookable_of
        self._monotonic = monotonic
        self._events: WeakKeyDictionary[SeatLog, _EncodedEvent] = WeakKeyDictionary()
        self._writing = SingleFlight[Encoding](lambda _key, _encoding: None)
        self._compressing = SingleFlight[bytes](lambda _key, _compressed: None)

    def __call__(self, log: SeatLog, changes: dict[int, int], entries: Sequence[Entry]) -> None:
        """Patch the seats that a row changed."""
        del entries
        event = self._events.get(log)
        if event is not None:
            event.patch(changes)

    def ready(self, event_id: str, query: bytes, headers: Mapping[bytes, bytes]) -> Ready | None:
        """The answer to `GET /events/{id}/seats` if it is ready; otherwise `None`.

        `query` is the raw query, `headers` are those of the request.
        """
        asked = _QUERY.match(query)
        log = self._logs.in_memory(event_id)
        event = self._events.get(log) if log is not None else None
        if asked is None or event is None:
            return None
        encoding = event.compact if asked["format"] == b"compact" else event.full
        if encoding is None or int(asked["version"] or 0) > event.states.version:
            return None
        accept = headers.get(b"accept-encoding", b"").decode("latin-1")
        tags = headers.get(b"if-none-match")
        return self._answer(
            event.renewed(encoding), accept, None if tags is None else tags.decode("latin-1")
        )

    async def read(
        self,
        event_id: str,
        format_: str,
        version: int,
        accept_encoding: str,
        if_none_match: str | None,
        epoch: str | None = None,
    ) -> Ready:
        """The answer to `GET /events/{id}/seats`, not older than `version`.

        A `version` of another `epoch` is ignored. Raises `EventNotFound`, `EventUnavailable`,
        `VersionNotReached`, `DatabaseUnavailable`.
        """
        log, bookable = await load_event(self._logs, self._bookable_of, event_id)
        if epoch is None or epoch == bookable.epoch:
            await _reach(log, version)
        event = self._events.get(log)
        if event is None:
            event = self._events[log] = _EncodedEvent(bookable, log)
        encoding = event.renewed(event.compact if format_ == COMPACT else await self._full(event))
        answer = self._answer(encoding, accept_encoding, if_none_match)
        if answer is None:
            headers = encoding.gzip_headers
            answer = Ready(200, headers, await self._compressed(event, encoding))
        return answer

    async def aclose(self) -> None:
        """Cancel the work that is under way in threads."""
        await self._writing.aclose()
        await self._compressing.aclose()

    def _answer(
        self, encoding: Encoding, accept_encoding: str, if_none_match: str | None
    ) -> Ready | None:
        """The answer of an up-to-date encoding; `None` when it has to be compressed first."""
        if if_none_match is not None:
            for tag, headers in (
                (encoding.gzip_tag, encoding.gzip_headers),
                (encoding.tag, encoding.headers),
            ):
                if has_current(if_none_match, tag):
                    return Ready(304, headers[1:4], b"")
        if _takes_gzip(accept_encoding):
            version, compressed = encoding.gzipped
            if version == encoding.version:
                return Ready(200, encoding.gzip_headers, compressed)
            due = self._monotonic() - encoding.compressed_at >= COMPRESS_EVERY_S
            if due or encoding.compressing == encoding.version:
                return None
        return Ready(200, encoding.headers, encoding.body)

    async def _full(self, event: _EncodedEvent) -> Encoding:
        if event.full is None:
            written, _ = await self._writing.load(str(id(event)), event.write_full)
            return written
        return event.full

    async def _compressed(self, event: _EncodedEvent, encoding: Encoding) -> bytes:
        version, body = encoding.version, encoding.body

        async def compress() -> bytes:
            encoding.compressing, encoding.compressed_at = version, self._monotonic()
            try:
                compressed = await asyncio.to_thread(gzip.compress, body, GZIP_LEVEL, mtime=0)
            finally:
                if encoding.compressing == version:
                    encoding.compressing = -1
            encoding.gzipped = (version, compressed)
            return compressed

        key = f"{event.event_id} {event.epoch} {encoding.name} {version}"
        compressed, _ = await self._compressing.load(key, compress)
        return compressed


async def _reach(log: SeatLog, version: int) -> None:
    """Read the rows of other processes if the state is older than this version.

    Nobody learns of a version before it is committed, so one read finds it, or it does not exist.
    Raises `VersionNotReached`, `EventUnavailable`, `DatabaseUnavailable`.
    """
    if log.states.version >= version:
        return
    await log.catch_up()
    if log.states.version < version:
        raise VersionNotReached(details={"version": log.states.version})


async def load_event(
    logs: SeatLogs, bookable_of: BookableEventOf, event_id: str
) -> tuple[SeatLog, BookableEvent]:
    """An event's log and its bookable event; raises `EventNotFound` and `EventUnavailable`."""
    if not ids.is_event_id(event_id):
        raise EventNotFound
    bookable = await bookable_of(event_id)
    log = await logs.get(event_id)
    if log.states.configuration is None:
        raise EventNotFound
    return log, bookable
