"""The seats of an event as thousands look at them: snapshots as ready bytes, in two forms.

Owns the forms of each event in memory, for as long as its log is. It listens to every row of the
log and patches what moved; so a snapshot is never older than the state, which is never older than
the last write that this process answered, and no version is ever rebuilt seat by seat.

Compression is bounded instead: a form is compressed at most every `COMPRESS_EVERY_S`, in a thread,
once for all who wait for that version. Who asks in between, for a version that is newer than the
compressed one, gets it plain: under fire nobody waits, and no core is spent on versions that are
over before they are read twice.

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
from event_seating.booking.reads.encodings import COMPACT, Form, FullForm
from event_seating.booking.seat_log.registry import SeatLogs
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating import ids
from event_seating.booking.seating.bookable_event import BookableEvent, BookableEventOf
from event_seating.cache.single_flight import SingleFlight
from event_seating.errors import EventNotFound
from event_seating.web.asgi import Ready
from event_seating.web.representation import has_current, prefers_gzip

COMPRESS_EVERY_S: Final = 0.2
"""About 8 ms of a core for 50,000 seats, so at most 4 % of one for each event that moves."""

GZIP_LEVEL: Final = 4
"""As fast as the lower levels here and a sixth smaller; level 6 takes four times as long."""

ACCEPTS_REMEMBERED: Final = 64
"""Texts of `Accept-Encoding` whose meaning is at hand; browsers send a handful of them."""

_QUERY: Final = re.compile(
    rb"(?:format=(?P<format>full|compact))?(?:(?:^|&)version=(?P<version>\d{1,18}))?\Z"
)
"""The queries that the edge reads by itself; every other one is the route's."""

_takes_gzip = lru_cache(maxsize=ACCEPTS_REMEMBERED)(prefers_gzip)


class _View:
    """The forms of one event in memory; the full one from its first read on."""

    __slots__ = ("compact", "epoch", "event_id", "full", "missed", "states")

    def __init__(self, bookable: BookableEvent, log: SeatLog) -> None:
        # The state and not its log: a view must not keep the log alive.
        self.states = log.states
        self.event_id = bookable.event_id
        self.epoch = bookable.epoch
        self.compact = encodings.compact()
        self.full: FullForm | None = None
        self.missed: dict[int, int] | None = None
        """What moved since the writing of the full form began."""

    def patch(self, changes: Mapping[int, int]) -> None:
        if self.full is not None:
            self.full.patch(changes)
        elif self.missed is not None:
            self.missed.update(changes)

    async def write_full(self) -> Form:
        """Write the full form, in a thread, as the seats are now; what moves meanwhile follows."""
        missed = self.missed = {}
        characters, seat_ids = self.states.characters(), self.states.index.ids
        written = await asyncio.to_thread(encodings.full, characters, seat_ids)
        written.patch(missed)
        self.full, self.missed = written, None
        return written

    def renewed(self, form: Form) -> Form:
        if form.version != self.states.version:
            form.renew(self.event_id, self.epoch, self.states)
        return form


class SeatMapStatus:
    """Snapshots of the events that are in memory; a `Listener` of their logs."""

    def __init__(
        self, logs: SeatLogs, bookable_of: BookableEventOf, monotonic: Callable[[], float]
    ) -> None:
        self._logs = logs
        self._bookable_of = bookable_of
        self._monotonic = monotonic
        self._views: WeakKeyDictionary[SeatLog, _View] = WeakKeyDictionary()
        self._writing = SingleFlight[Form](lambda _key, _form: None)
        self._compressing = SingleFlight[bytes](lambda _key, _compressed: None)

    def __call__(self, log: SeatLog, changes: dict[int, int], entries: Sequence[Entry]) -> None:
        """Take in what a row changed."""
        del entries
        view = self._views.get(log)
        if view is not None:
            view.patch(changes)

    def ready(self, event_id: str, query: bytes, headers: Mapping[bytes, bytes]) -> Ready | None:
        """The answer to `GET /events/{id}/seats` if nothing has to be waited for.

        `query` is the raw query, `headers` are those of the request.
        """
        asked = _QUERY.match(query)
        log = self._logs.in_memory(event_id)
        view = self._views.get(log) if log is not None else None
        if asked is None or view is None:
            return None
        form = view.compact if asked["format"] == b"compact" else view.full
        if form is None or int(asked["version"] or 0) > view.states.version:
            return None
        accept = headers.get(b"accept-encoding", b"").decode("latin-1")
        tags = headers.get(b"if-none-match")
        return self._answer(
            view.renewed(form), accept, None if tags is None else tags.decode("latin-1")
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

        A version of another `epoch` means nothing in this one, and any answer will do. Raises
        `EventNotFound`, `EventUnavailable`, `VersionNotReached`, `DatabaseUnavailable`.
        """
        log, bookable = await opened(self._logs, self._bookable_of, event_id)
        if epoch is None or epoch == bookable.epoch:
            await _reach(log, version)
        view = self._views.get(log)
        if view is None:
            view = self._views[log] = _View(bookable, log)
        form = view.renewed(view.compact if format_ == COMPACT else await self._full(view))
        answer = self._answer(form, accept_encoding, if_none_match)
        if answer is None:
            headers = form.gzip_headers
            answer = Ready(200, headers, await self._compressed(view, form))
        return answer

    async def aclose(self) -> None:
        """End what is under way in threads."""
        await self._writing.aclose()
        await self._compressing.aclose()

    def _answer(self, form: Form, accept_encoding: str, if_none_match: str | None) -> Ready | None:
        """The answer of a form that was renewed; none when it is to be compressed first."""
        if if_none_match is not None:
            for tag, headers in ((form.gzip_tag, form.gzip_headers), (form.tag, form.headers)):
                if has_current(if_none_match, tag):
                    return Ready(304, headers[1:4], b"")
        if _takes_gzip(accept_encoding):
            version, compressed = form.gzipped
            if version == form.version:
                return Ready(200, form.gzip_headers, compressed)
            due = self._monotonic() - form.compressed_at >= COMPRESS_EVERY_S
            if due or form.compressing == form.version:
                return None
        return Ready(200, form.headers, form.body)

    async def _full(self, view: _View) -> Form:
        if view.full is None:
            written, _ = await self._writing.load(str(id(view)), view.write_full)
            return written
        return view.full

    async def _compressed(self, view: _View, form: Form) -> bytes:
        version, body = form.version, form.body

        async def compress() -> bytes:
            form.compressing, form.compressed_at = version, self._monotonic()
            try:
                compressed = await asyncio.to_thread(gzip.compress, body, GZIP_LEVEL, mtime=0)
            finally:
                if form.compressing == version:
                    form.compressing = -1
            form.gzipped = (version, compressed)
            return compressed

        key = f"{view.event_id} {view.epoch} {form.name} {version}"
        compressed, _ = await self._compressing.load(key, compress)
        return compressed


async def _reach(log: SeatLog, version: int) -> None:
    """Read what other processes wrote, if this version must be among it.

    Nobody is told of a version before it is committed, so after one look it is there or never was.
    """
    if log.states.version >= version:
        return
    await log.catch_up()
    if log.states.version < version:
        raise VersionNotReached(details={"version": log.states.version})


async def opened(
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
