"""One watched event: what its watchers are told, and when.

Owns the merging. A change goes out at once when nothing went out lately, else together with what
comes within `FRAME_EVERY_S` of the last frame; the next frame is not made before the last one has
reached every queue, so that an instance at its limit sends fewer frames and not later ones.

Why nothing is lost and nothing comes twice: `sent` is the version up to which frames tell
everything. Who joins gets, in one step of the event loop, what the rows up to `sent` changed since
their version, with the statuses as of `sent`, and a place among those who get every frame from then
on; and the next frame tells of the rows after `sent`. Whatever has to be awaited for that is
awaited before, and looked at again afterwards.

A change of how the event sells is read where `GET /events/{id}` reads it, and the frame waits for
that: a version that were told without it would make a watcher who then comes back miss it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple, Protocol

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
from event_seating.live.frames import FRAME_SEATS_MAX, AreaCounts, Frame
from event_seating.live.recent import Missed, Recent, Row
from event_seating.live.subscriber import Closing, Subscriber
from event_seating.telemetry.logs import get_logger

FRAME_EVERY_S: Final = 0.2
"""Five frames a second: as fast as eyes follow, and a fifth of a busy event's rows."""

HEARTBEAT_S: Final = 25.0
"""Below the 30 s after which the strictest of proxies and carriers drop a silent connection."""

WAKE_AT_ONCE: Final = 100
"""Watchers whose sending is begun in one step of the event loop, some milliseconds of it: other
requests go between the steps."""

ROWS_AT_ONCE: Final = 100
"""Older rows that are read in one statement."""

READ_AGAIN_S: Final = 1.0
"""When the database could not be asked."""

JOINS_MAX: Final = 10
"""Attempts at joining while the event moves on, before a snapshot is the better answer."""

ANSWERS_MAX: Final = 64
"""Versions for which the frame that tells what was missed is kept until the next frame. After a
cut thousands come back with one of a few."""

_log = get_logger("live")


class Timer(NamedTuple):
    """The event loop's time and steps."""

    monotonic: Callable[[], float]
    soon: Callable[[Callable[[], None]], object]
    later: Callable[[float, Callable[[], None]], object]


class Rows(Protocol):
    """Where older rows of a log are."""

    async def rows_up_to(self, event_id: str, version: int, most: int) -> Sequence[BatchRow]:
        """The last rows up to and including `version`, the newest first."""
        ...


class Tally:
    """What all feeds of this process have done since the start."""

    def __init__(self) -> None:
        self.frames = 0
        """Frames put into queues, one for each watcher."""
        self.dropped = 0
        """Watchers closed because they read too slowly."""
        self.fallbacks = 0
        """Pages that poll because their WebSocket did not open."""


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
        tally: Tally,
    ) -> None:
        self.log = log
        self.subscribers: set[Subscriber] = set()
        self.sent = log.states.version
        """Up to where frames have told everything."""
        self.idle_since = timer.monotonic()
        """When the last watcher left."""
        self._bookable = bookable
        self._event_of = event_of
        self._rows = rows
        self._timer = timer
        self._tally = tally
        self._recent = Recent(self.sent)
        self._areas = [log.states.area_counts(n) for n in range(len(bookable.index.areas))]
        """The counts of each area as of `sent`."""
        self._pending: dict[int, int] = {}
        self._configured = 0
        """The last version after `sent` that changed how the event sells; 0 if none did."""
        self._too_much = False
        self._scheduled = False
        self._reaching = False
        """Whether the last frame is still on its way into the queues."""
        self._last_frame = timer.monotonic() - FRAME_EVERY_S
        self._answers: dict[int, Frame] = {}
        self._filling = asyncio.Lock()
        self._catching_up: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # From the log

    def take(self, changed: Mapping[int, int], entries: Sequence[Entry]) -> None:
        """Take in the row that the log has just come to."""
        version = self.log.states.version
        configured = _configures(entries)
        if version == self._recent.until + 1:
            self._recent.append(Row(version, changed, configured))
        else:
            _log.error("a row was not told of", eventId=self.log.event_id, version=version)
            self._recent.start_anew(version)
            self._too_much = True
        if configured:
            self._configured = version
        self._pending.update(changed)
        if len(self._pending) > FRAME_SEATS_MAX and not self._only_places():
            self._too_much = True
        self._schedule()

    def wake(self) -> "asyncio.Task[None]":
        """Read the rows of other processes, beside; those who call meanwhile share it."""
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = self._start(self._catch_up())
        return self._catching_up

    async def _catch_up(self) -> None:
        try:
            await self.log.catch_up()
        except (DatabaseUnavailable, EventUnavailable):
            return  # asked again within a second; a log that is broken is noticed by the hub

    # To the watchers

    async def join(self, since: int | None, epoch: str | None) -> Subscriber:
        """A new watcher, whose first frame tells what the rows after `since` changed.

        Raises `DatabaseUnavailable` when that has to be read and cannot be.
        """
        first = await self._first_frame(since, epoch)
        # No step of the event loop between the making of the frame and this.
        subscriber = Subscriber(first)
        self.subscribers.add(subscriber)
        return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        """A watcher is gone."""
        self.subscribers.discard(subscriber)
        if not self.subscribers:
            self.idle_since = self._timer.monotonic()

    def beat(self) -> None:
        """Send a heartbeat if nothing was sent for so long that one is due."""
        silent_s = self._timer.monotonic() - self._last_frame
        if silent_s >= HEARTBEAT_S and self.subscribers and not self._reaching:
            self._send(frames.heartbeat(self.sent))

    def close(self, closing: Closing) -> None:
        """Tell every watcher goodbye, and end what is under way."""
        for task in self._tasks:
            task.cancel()
        for subscriber in self.subscribers:
            subscriber.close(closing)

    # Frames

    def _schedule(self) -> None:
        if self._scheduled or self._reaching:
            return
        self._scheduled = True
        wait_s = self._last_frame + FRAME_EVERY_S - self._timer.monotonic()
        if wait_s > 0:
            self._timer.later(wait_s, self._due)
        else:
            # One step later: rows that are read together are told together.
            self._timer.soon(self._due)

    def _due(self) -> None:
        if self._configured and self.subscribers:
            self._start(self._flush_with_event())
        else:
            self._flush(None)

    async def _flush_with_event(self) -> None:
        try:
            event = await self._event(self._configured)
        except Exception as error:  # noqa: BLE001 (nobody else would go on telling)
            _log.warning("an event could not be read", eventId=self.log.event_id, exc_info=error)
            self._timer.later(READ_AGAIN_S, self._due)
            return
        if event.version < self._configured:
            self._timer.soon(self._due)
            return
        self._flush(event)

    def _flush(self, event: Event | None) -> None:
        """Tell everything up to the present version."""
        states, index = self.log.states, self._bookable.index
        version, pending = states.version, self._pending
        moved = frames.moved_areas(index, pending)
        for area in moved:
            self._areas[area] = states.area_counts(area)
        too_much = self._too_much
        self._pending, self._configured, self._too_much = {}, 0, False
        self._answers.clear()
        self.sent = version
        self._scheduled = False
        if not self.subscribers:
            return
        if too_much:
            self._send(frames.reload(version))
            return
        encoded = None if event is None else _encoded(event)
        frame = frames.changed(version, index, pending, self._counts(moved), encoded)
        if not frame.silent:
            self._send(frame)

    def _send(self, frame: Frame) -> None:
        self._last_frame = self._timer.monotonic()
        self._reaching = True
        self._reach(iter(list(self.subscribers)), frame)

    def _reach(self, rest: Iterator[Subscriber], frame: Frame) -> None:
        """Put the frame into some queues now, and into the others in the steps that follow."""
        reached = 0
        for subscriber in islice(rest, WAKE_AT_ONCE):
            reached += 1
            if not subscriber.put(frame):
                self._tally.dropped += 1
        self._tally.frames += reached
        if reached == WAKE_AT_ONCE:
            self._timer.soon(lambda: self._reach(rest, frame))
            return
        self._reaching = False
        if self.sent < self.log.states.version:
            self._schedule()

    # Catching up

    async def _first_frame(self, since: int | None, epoch: str | None) -> Frame:
        if since is None:
            return frames.heartbeat(self.sent)
        if epoch is not None and epoch != self._bookable.epoch:
            return frames.reload(self.sent)
        for _ in range(2):
            # The one that is under way may have looked before that version was written.
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
        """What was missed since then; or the version of which the event is needed for that."""
        kept = self._answers.get(since)
        if kept is not None:
            return kept
        missed = self._recent.missed(since, self.sent)
        if missed.configured and (event is None or event.version < missed.configured):
            return missed.configured
        frame = self._told(missed, event if missed.configured else None)
        if len(self._answers) < ANSWERS_MAX:
            self._answers[since] = frame
        return frame

    def _told(self, missed: Missed, event: Event | None) -> Frame:
        index = self._bookable.index
        moved = frames.moved_areas(index, missed.changes)
        seats = {seat: to for seat, to in missed.changes.items() if seat < index.seat_count}
        if len(seats) > FRAME_SEATS_MAX:
            return frames.reload(self.sent)
        encoded = None if event is None else _encoded(event)
        return frames.changed(self.sent, index, seats, self._counts(moved), encoded)

    async def _reaches_back_to(self, since: int) -> bool:
        """Have the rows after `since` at hand, from the database if need be; false if too far."""
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
            if not recent.prepend(Row(row.version, changes(entries), _configures(entries))):
                return False
            await asyncio.sleep(0)
        return bool(found)

    async def _event(self, version: int) -> Event:
        """The event as it is; a read that another began may be older than `version`."""
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
    # All watchers get the same bytes: only what is public. Who may see more reads the event.
    return msgspec.json.encode(event.fields(staff=False))
