"""One watched event: what its watchers are sent, and when.

Owns the merging of changes. A change is sent at once if nothing was sent lately; otherwise it goes
out together with the others that come until the next frame may follow the last one, which is
`broadcast`'s to say.

Why nothing is lost and nothing is sent twice: `sent` is the version up to which frames have
reported everything. In one step of the event loop, a new watcher gets what the rows up to `sent`
have changed since the version that it names, with the statuses as of `sent`, and joins those that
get every frame from then on; the next frame reports the rows after `sent`. Whatever must be awaited
for that is awaited first, and checked again afterwards.

A change of how the event sells is read from where `GET /events/{id}` reads it, and the frame waits
until it can be read there: if a version were sent without it, a watcher who reconnects from that
version would miss it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from event_seating.booking.core import log_entries as entries_module
from event_seating.booking.core.log_entries import (
    BrokenEntriesError,
    Configured,
    Entry,
    UnknownFormatError,
    changes,
)
from event_seating.booking.errors import EventUnavailable
from event_seating.booking.seat_log.ports import BatchRow
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating.bookable_event import BookableEvent
from event_seating.errors import DatabaseUnavailable, EventNotFound
from event_seating.events.model import Event
from event_seating.live import frames
from event_seating.live.broadcast import Broadcast, LiveCounts, Timer
from event_seating.live.frames import FRAME_SEATS_MAX, AreaCounts, Frame
from event_seating.live.recent import Missed, Recent, RowChanges
from event_seating.live.subscriber import Closing, Subscriber
from event_seating.telemetry.logs import get_logger

HEARTBEAT_S: Final = 25.0
"""Below the 30 s after which the strictest of proxies and carriers drop a silent connection."""

ROWS_AT_ONCE: Final = 100
"""Older rows that one statement reads."""

READ_AGAIN_S: Final = 1.0
"""Seconds until the next attempt after the database could not be read."""

JOINS_MAX: Final = 10
"""Attempts to join while the event keeps changing; after them a snapshot is the better answer."""

ANSWERS_MAX: Final = 64
"""Versions for which the catch-up frame is kept until the next frame. After a network failure
thousands of clients reconnect from one of a few versions."""

_log = get_logger("live")


class Rows(Protocol):
    """Where older rows of a log can be read."""

    async def rows_up_to(self, event_id: str, version: int, most: int) -> Sequence[BatchRow]:
        """The last rows up to and including `version`, the newest first."""
        ...


class Feed:
    """The watchers of one event, and what they are told."""

    def __init__(
        self,
        log: SeatLog,
        bookable: BookableEvent,
        *,
        event_of: Callable[[str], Awaitable[Event]],
        rows: Rows,
        timer: Timer,
        tally: LiveCounts,
    ) -> None:
        self.log = log
        self.sent = log.states.version
        """The version up to which frames have reported everything."""
        self.idle_since = timer.monotonic()
        """When the last watcher left."""
        self._bookable = bookable
        self._event_of = event_of
        self._rows = rows
        self._timer = timer
        self._recent = Recent(self.sent)
        self._areas = [log.states.area_counts(n) for n in range(len(bookable.index.areas))]
        """The counts of each area as of `sent`."""
        self._pending: dict[int, int] = {}
        self._configured = 0
        """The last version after `sent` that changed how the event sells; 0 if none did."""
        self._needs_reload = False
        self._scheduled = False
        self._broadcast = Broadcast(timer, tally, self._schedule_rest)
        self._answers: dict[int, Frame] = {}
        self._filling = asyncio.Lock()
        self._catching_up: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def subscribers(self) -> set[Subscriber]:
        """Those who watch."""
        return self._broadcast.subscribers

    # From the log

    def take(self, changed: Mapping[int, int], entries: Sequence[Entry]) -> None:
        """Note the row that the log has just applied."""
        version = self.log.states.version
        configured = _configures(entries)
        if version == self._recent.until + 1:
            self._recent.append(RowChanges(version, changed, configured))
        else:
            _log.error("a row was missed", eventId=self.log.event_id, version=version)
            self._recent.start_over(version)
            self._needs_reload = True
        if configured:
            self._configured = version
        self._pending.update(changed)
        if len(self._pending) > FRAME_SEATS_MAX and not self._only_places():
            self._needs_reload = True
        self._schedule()

    def wake(self) -> "asyncio.Task[None]":
        """Read the rows of other processes in the background; concurrent calls share one read."""
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = self._start(self._catch_up())
        return self._catching_up

    async def _catch_up(self) -> None:
        try:
            await self.log.catch_up()
        except (DatabaseUnavailable, EventUnavailable):
            return  # tried again within a second; the hub notices a broken log

    # To the watchers

    async def join(self, subscriber: Subscriber, since: int | None, epoch: str | None) -> None:
        """Add a watcher, whose first frame reports what it has `missed`."""
        first = await self.missed(since, epoch)
        # No other step of the event loop may run between making the frame and this.
        subscriber.put(first)
        self.subscribers.add(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        """Remove a watcher."""
        self.subscribers.discard(subscriber)
        if not self.subscribers:
            self.idle_since = self._timer.monotonic()

    def beat(self) -> None:
        """Send a heartbeat if the last frame was long enough ago."""
        broadcast = self._broadcast
        if broadcast.silent_s >= HEARTBEAT_S and self.subscribers and not broadcast.under_way:
            broadcast.send(frames.heartbeat(self.sent))

    def close(self, closing: Closing) -> None:
        """Disconnect every watcher, and cancel what is under way."""
        for task in self._tasks:
            task.cancel()
        for subscriber in self.subscribers:
            subscriber.close(closing)

    # Frames

    def _schedule(self) -> None:
        if self._scheduled or self._broadcast.under_way:
            return
        self._scheduled = True
        wait_s = self._broadcast.wait_s
        if wait_s > 0:
            self._timer.later(wait_s, self._due)
        else:
            # One step later, so that rows that are read together go into one frame.
            self._timer.soon(self._due)

    def _schedule_rest(self) -> None:
        """Schedule a frame for what has changed while the last one went out."""
        if self.sent < self.log.states.version:
            self._schedule()

    def _due(self) -> None:
        if self._configured and self.subscribers:
            self._start(self._flush_with_event())
        else:
            self._flush(None)

    async def _flush_with_event(self) -> None:
        try:
            event = await self._event(self._configured)
        except Exception as error:  # noqa: BLE001 (nothing else would send the frame)
            _log.warning("an event could not be read", eventId=self.log.event_id, exc_info=error)
            self._timer.later(READ_AGAIN_S, self._due)
            return
        if event.version < self._configured:
            self._timer.soon(self._due)
            return
        self._flush(event)

    def _flush(self, event: Event | None) -> None:
        """Send everything up to the present version."""
        states, index = self.log.states, self._bookable.index
        version, pending = states.version, self._pending
        moved = frames.moved_areas(index, pending)
        for area in moved:
            self._areas[area] = states.area_counts(area)
        needs_reload = self._needs_reload
        self._pending, self._configured, self._needs_reload = {}, 0, False
        self._answers.clear()
        self.sent = version
        self._scheduled = False
        if not self.subscribers:
            return
        if needs_reload:
            self._broadcast.send(frames.reload(version))
            return
        encoded = None if event is None else _encoded(event)
        frame = frames.changed(version, index, pending, self._counts(moved), encoded)
        if not frame.silent:
            self._broadcast.send(frame)

    # Catching up

    async def missed(self, since: int | None, epoch: str | None) -> Frame:
        """What the rows after `since` have changed; a heartbeat if that is nothing.

        Raises `DatabaseUnavailable` if those have to be read and cannot be.
        """
        if since is None:
            return frames.heartbeat(self.sent)
        if epoch is not None and epoch != self._bookable.epoch:
            return frames.reload(self.sent)
        for _ in range(2):
            # A read already under way may have begun before that version was written.
            if since > self.log.states.version:
                await asyncio.wait([self.wake()])
        event: Event | None = None
        for _ in range(JOINS_MAX):
            if since >= self.sent:
                known = since <= self.log.states.version
                return frames.heartbeat(since) if known else frames.reload(self.sent)
            if not await self._reaches_back_to(since):
                break
            answer = self._answer(since, event)
            if isinstance(answer, Frame):
                return answer
            event = await self._event(answer)
        return frames.reload(self.sent)

    def _answer(self, since: int, event: Event | None) -> Frame | int:
        """What was missed since then, or the version of the event that is needed to say so."""
        kept = self._answers.get(since)
        if kept is not None:
            return kept
        missed = self._recent.missed(since, self.sent)
        if missed.configured and (event is None or event.version < missed.configured):
            return missed.configured
        frame = self._catch_up_frame(missed, event if missed.configured else None)
        if len(self._answers) < ANSWERS_MAX:
            self._answers[since] = frame
        return frame

    def _catch_up_frame(self, missed: Missed, event: Event | None) -> Frame:
        index = self._bookable.index
        moved = frames.moved_areas(index, missed.changes)
        seats = {seat: to for seat, to in missed.changes.items() if seat < index.seat_count}
        if len(seats) > FRAME_SEATS_MAX:
            return frames.reload(self.sent)
        encoded = None if event is None else _encoded(event)
        return frames.changed(self.sent, index, seats, self._counts(moved), encoded)

    async def _reaches_back_to(self, since: int) -> bool:
        """Make sure that the rows after `since` are in memory; false if they are too many."""
        if self._recent.since <= since:
            return True
        async with self._filling:
            while self._recent.since > since:
                if self._recent.full or not await self._read_older():
                    return False
        return True

    async def _read_older(self) -> bool:
        event_id, recent = self.log.event_id, self._recent
        found = await self._rows.rows_up_to(event_id, recent.since, ROWS_AT_ONCE)
        for row in found:
            if row.version != recent.since:
                return not recent.full
            try:
                entries = entries_module.decode(row.format, row.entries)
            except (UnknownFormatError, BrokenEntriesError):
                return False
            if not recent.prepend(RowChanges(row.version, changes(entries), _configures(entries))):
                return False
            await asyncio.sleep(0)
        return bool(found)

    async def _event(self, version: int) -> Event:
        """The event now; a read that another caller began may be older than `version`."""
        try:
            event = await self._event_of(self.log.event_id)
            if event.version < version:
                event = await self._event_of(self.log.event_id)
        except EventNotFound:
            raise DatabaseUnavailable from None
        return event

    def _counts(self, areas: set[int]) -> AreaCounts:
        return {self._bookable.index.areas[area].id: self._areas[area] for area in sorted(areas)}

    def _only_places(self) -> bool:
        count = self._bookable.index.seat_count
        return sum(seat < count for seat in self._pending) <= FRAME_SEATS_MAX

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _configures(entries: Sequence[Entry]) -> bool:
    return any(
        isinstance(operation, Configured) for entry in entries for operation in entry.operations
    )


def _encoded(event: Event) -> bytes:
    # All watchers get the same bytes, so only what is public; staff can read the event itself.
    return msgspec.json.encode(event.fields(staff=False))
