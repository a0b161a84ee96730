"""The watched events: a listener of every log, and the source of all live updates.

Owns one `Feed` for each watched event, from its first watcher until a while after its last, and
keeps their logs in memory for as long. Once a second it drops feeds that nobody watches, sends
heartbeats that are due, and asks the database in one statement whether another process wrote to any
of the events; a signal from that process may come first, by `wake`.

WebSocket and long poll both join here, so that both report the same. It decides nothing about seats
and never writes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol

from event_seating.booking.core.log_entries import Entry
from event_seating.booking.reads.seat_map_status import load_event
from event_seating.booking.seat_log.registry import SeatLogs
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating.bookable_event import BookableEvent, BookableEventOf
from event_seating.errors import DatabaseUnavailable, Draining
from event_seating.events.model import Event
from event_seating.live.broadcast import LiveCounts, Timer
from event_seating.live.errors import WatchersFull
from event_seating.live.feed import Feed, Rows
from event_seating.live.subscriber import GOING_AWAY, OUT_OF_SERVICE, Subscriber
from event_seating.live.watcher_limits import WatcherLimits
from event_seating.telemetry.logs import get_logger

LOOK_FOR_ROWS_EVERY_S: Final = 1.0
"""Interval of reading the database, and so the longest delay after a lost signal."""

IDLE_S: Final = 60.0
"""How long a feed outlives its last watcher, so that a client that reconnects catches up from
memory."""

FEEDS_MAX: Final = 2_000
"""Most events watched at once: one statement names them all."""

CLOSED_WITHIN_S: Final = 3.0
"""For the close frames of a process that stops, out of the 25 s that it may take."""

_log = get_logger("live")


class Store(Rows, Protocol):
    """What the hub reads from the database."""

    async def moved_on(self, versions: Mapping[str, int]) -> Sequence[str]:
        """The events whose log has a row after the given version."""
        ...


class LiveHub:
    """Every watched event of this process, by its id; a `RowListener` of their logs."""

    def __init__(
        self,
        logs: SeatLogs,
        bookable_of: BookableEventOf,
        event_of: Callable[[str], Awaitable[Event]],
        store: Store,
        timer: Timer,
        watcher_limits: WatcherLimits,
    ) -> None:
        self.watcher_limits = watcher_limits
        self.tally = LiveCounts()
        self._logs = logs
        self._bookable_of = bookable_of
        self._event_of = event_of
        self._store = store
        self._timer = timer
        self._feeds: dict[str, Feed] = {}
        self._draining = False
        self._nobody = asyncio.Event()
        self._nobody.set()

    def __call__(self, log: SeatLog, changes: dict[int, int], entries: Sequence[Entry]) -> None:
        """Note what a row changed."""
        feed = self._feeds.get(log.event_id)
        if feed is not None and feed.log is log:
            feed.take(changes, entries)

    def note_fallback(self) -> None:
        """Count a page that polls because its WebSocket did not open; the first one is logged."""
        if not self.tally.fallbacks:
            _log.warning(
                "a page could not open a WebSocket and polls instead: "
                "does the reverse proxy pass Upgrade on?",
                docs="docs/running.md#behind-a-reverse-proxy",
            )
        self.tally.fallbacks += 1

    @property
    def watched(self) -> int:
        """How many events have a feed."""
        return len(self._feeds)

    @asynccontextmanager
    async def joined(
        self,
        subscriber: Subscriber,
        event_id: str,
        address: str,
        since: int | None,
        epoch: str | None,
    ) -> AsyncIterator[Feed]:
        """Let it watch this event, which is given, while the block runs.

        Raises `EventNotFound`, `EventUnavailable`, `DatabaseUnavailable`, `Draining`,
        `WatchersFull` and `TooManyWatchers`.
        """
        try:
            with self.watcher_limits.admit(address):
                self._nobody.clear()
                feed = await self._join(subscriber, event_id, since, epoch)
                try:
                    yield feed
                finally:
                    feed.leave(subscriber)
        finally:
            if not self.watcher_limits.watching:
                self._nobody.set()

    def wake(self, event_id: str, version: int) -> None:
        """Another process reports that it wrote this version."""
        feed = self._feeds.get(event_id)
        if feed is not None and feed.log.states.version < version:
            feed.wake()

    async def run(self) -> None:
        """Maintain the feeds until cancelled."""
        while True:
            await asyncio.sleep(LOOK_FOR_ROWS_EVERY_S)
            try:
                await self.maintain()
            except DatabaseUnavailable:
                continue
            except Exception as error:  # noqa: BLE001 (the next round may succeed)
                _log.error("maintaining the watched events failed", exc_info=error)

    async def maintain(self) -> None:
        """Drop unwatched feeds, send heartbeats, and read the rows of other processes."""
        now = self._timer.monotonic()
        for event_id, feed in list(self._feeds.items()):
            if feed.log.broken is not None:
                self._drop(event_id, feed)
            elif feed.subscribers:
                feed.beat()
            elif now - feed.idle_since >= IDLE_S:
                self._drop(event_id, feed)
        versions = {
            event_id: feed.log.states.version
            for event_id, feed in self._feeds.items()
            if feed.subscribers
        }
        if versions:
            for event_id in await self._store.moved_on(versions):
                self.wake(event_id, versions[event_id] + 1)

    async def drain(self) -> None:
        """Disconnect every watcher within `CLOSED_WITHIN_S`, and admit no new ones."""
        self._draining = True
        for feed in self._feeds.values():
            feed.close(GOING_AWAY)
        try:
            async with asyncio.timeout(CLOSED_WITHIN_S):
                await self._nobody.wait()
        except TimeoutError:
            _log.warning(
                "some watchers did not close their connection in time",
                watchers=self.watcher_limits.watching,
            )

    async def aclose(self) -> None:
        """Drop every feed."""
        self._draining = True
        for event_id, feed in list(self._feeds.items()):
            self._drop(event_id, feed)

    async def _join(
        self, subscriber: Subscriber, event_id: str, since: int | None, epoch: str | None
    ) -> Feed:
        if self._draining:
            raise Draining
        log, bookable = await load_event(self._logs, self._bookable_of, event_id)
        feed = self._feed(log, bookable)
        await feed.join(subscriber, since, epoch)
        if self._draining or self._feeds.get(event_id) is not feed:
            # The feed was closed while the watcher was joining.
            feed.leave(subscriber)
            subscriber.close(GOING_AWAY if self._draining else OUT_OF_SERVICE)
        return feed

    def _feed(self, log: SeatLog, bookable: BookableEvent) -> Feed:
        feed = self._feeds.get(log.event_id)
        if feed is not None and feed.log is log:
            feed.idle_since = self._timer.monotonic()
            return feed
        if feed is not None:
            self._drop(log.event_id, feed)
        self._make_room(log)
        feed = Feed(
            log,
            bookable,
            event_of=self._event_of,
            rows=self._store,
            timer=self._timer,
            tally=self.tally,
        )
        self._feeds[log.event_id] = feed
        return feed

    def _make_room(self, log: SeatLog) -> None:
        """Keep the log in memory, dropping feeds that nobody watches if there is no room."""
        while len(self._feeds) >= FEEDS_MAX or not self._logs.watch(log):
            idle = [(feed.idle_since, event_id) for event_id, feed in self._feeds.items()
                    if not feed.subscribers]  # fmt: skip
            if not idle:
                self.watcher_limits.refused += 1
                raise WatchersFull
            _, event_id = min(idle)
            self._drop(event_id, self._feeds[event_id])

    def _drop(self, event_id: str, feed: Feed) -> None:
        del self._feeds[event_id]
        self._logs.unwatch(feed.log)
        feed.close(OUT_OF_SERVICE)
