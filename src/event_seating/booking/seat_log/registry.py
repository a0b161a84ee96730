"""The events that this process has in memory: loaded when needed, evicted when memory is short.

Owns one `SeatLog` for each event, the sweeper that expires holds without a request, and the regular
state snapshots. An event with a busy writer is never evicted. If one is evicted while a caller
still holds its log, the same object comes back: a second log beside it could show a state that is
older than what this process has already answered.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final
from weakref import WeakValueDictionary

from event_seating.booking.core.log_entries import BrokenEntriesError, Entry, UnknownFormatError
from event_seating.booking.core.records import STATUS_NAMES
from event_seating.booking.core.seat_arrays import InvariantError
from event_seating.booking.core.seat_index import SeatIndex
from event_seating.booking.errors import EventUnavailable
from event_seating.booking.seat_log import state_snapshots
from event_seating.booking.seat_log.counters import SeatLogTally
from event_seating.booking.seat_log.ports import Announce, LogStore, announce_nothing
from event_seating.booking.seat_log.writer import RowListener, SeatLog
from event_seating.cache.single_flight import SingleFlight
from event_seating.clock import Clock
from event_seating.errors import DatabaseUnavailable
from event_seating.telemetry.logs import get_logger

SWEEP_EVERY_S: Final = 0.5
"""So that an expiry becomes visible within a second."""

BYTES_A_SEAT: Final = 450
"""What a seat takes in memory when all are sold, its share of the map's index included."""

_log = get_logger("events in memory")


class SeatLogs:
    """Every event's log, by the event's id."""

    def __init__(
        self,
        store: LogStore,
        clock: Clock,
        load_index: Callable[[str], Awaitable[SeatIndex]],
        *,
        grace_ms: int,
        memory_bytes: int,
        set_clock: Callable[[], Awaitable[None]] | None = None,
        announce: Announce = announce_nothing,
    ) -> None:
        self._store = store
        self._clock = clock
        self._load_index = load_index
        self._grace_ms = grace_ms
        self._memory_bytes = memory_bytes
        self._set_clock = set_clock
        self._announce = announce
        self.tally = SeatLogTally()
        """What all of them have done, the evicted ones included."""
        self._logs: dict[str, SeatLog] = {}
        self._evicted: WeakValueDictionary[str, SeatLog] = WeakValueDictionary()
        """Evicted logs that a caller may still hold, so that no event ever has two."""
        self._watched: dict[str, SeatLog] = {}
        self._listeners: list[RowListener] = [self._save_now_and_then]
        self._loading = SingleFlight[SeatLog](self._keep)
        self._tasks: set[asyncio.Task[None]] = set()

    def listen(self, listener: RowListener) -> None:
        """Tell `listener` of every row of every event from now on; call before the first load."""
        self._listeners.append(listener)

    def loaded(self) -> Sequence[SeatLog]:
        """The events in memory."""
        return list(self._logs.values())

    def seat_counts(self) -> dict[str, int]:
        """How many seats and places of the events in memory have each status."""
        found = dict.fromkeys(STATUS_NAMES, 0)
        for log in self._logs.values():
            for status, count in log.states.counts().items():
                found[status] += count
        return found

    def most_held(self) -> int:
        """The most seats that one buyer, address or network holds in one event in memory."""
        return max((log.states.most_held() for log in self._logs.values()), default=0)

    def in_memory(self, event_id: str) -> SeatLog | None:
        """The event's log if it is in memory and in service; marks it as just used."""
        log = self._logs.get(event_id)
        if log is None or log.broken is not None:
            return None
        # The most recently used is last: the first is evicted first.
        self._logs[event_id] = self._logs.pop(event_id)
        return log

    async def get(self, event_id: str) -> SeatLog:
        """The event's log, loaded if need be.

        Raises `EventUnavailable` when its log cannot be read here, `DatabaseUnavailable`, and what
        `load_index` raises for an event that does not exist.
        """
        log = self.in_memory(event_id)
        if log is not None:
            return log
        log = self._evicted.pop(event_id, None)
        if log is not None and log.broken is None:
            self._keep(event_id, log)
            return log
        loaded, _ = await self._loading.load(event_id, lambda: self._load(event_id))
        return loaded

    def watch(self, log: SeatLog) -> bool:
        """Keep an event in memory until `unwatch`, so that its rows reach the listeners.

        Returns false when the watched events leave no memory for it.
        """
        room = self._memory_bytes - sum(_bytes(each) for each in self._watched.values())
        if _bytes(log) > room and self._watched:
            return False
        self._watched[log.event_id] = log
        if log.event_id not in self._logs:
            # It was evicted between its loading and this call.
            self._evicted.pop(log.event_id, None)
            self._keep(log.event_id, log)
        return True

    def unwatch(self, log: SeatLog) -> None:
        """Let an event be evicted again."""
        if self._watched.get(log.event_id) is log:
            del self._watched[log.event_id]

    def row_written(self, message: str) -> None:
        """Another process wrote the row `event:version`: read it, if the event is in memory."""
        event_id, _, version = message.partition(":")
        log = self._logs.get(event_id)
        if log is not None and version.isdecimal() and log.states.version < int(version):
            self._spawn(self._catch_up(log))

    def rows_missed(self) -> None:
        """Rows of other processes may have been missed: read those of every event in memory."""
        for log in self.loaded():
            self._spawn(self._catch_up(log))

    async def _catch_up(self, log: SeatLog) -> None:
        try:
            await log.catch_up()
        except (DatabaseUnavailable, EventUnavailable):
            _log.debug("rows of another process could not be read yet", eventId=log.event_id)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            for log in self.loaded():
                try:
                    await log.sweep()
                except DatabaseUnavailable:
                    break

    async def aclose(self) -> None:
        """Wait for the queued commands and for the snapshots that are being written."""
        await self._loading.aclose()
        for log in self.loaded():
            await log.drained()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _load(self, event_id: str) -> SeatLog:
        index = await self._load_index(event_id)
        try:
            states = await state_snapshots.load(
                event_id, index, self._store, grace_ms=self._grace_ms
            )
        except (UnknownFormatError, BrokenEntriesError, InvariantError) as error:
            _log.critical("the log of an event cannot be read", eventId=event_id, exc_info=error)
            raise EventUnavailable from error
        return SeatLog(
            event_id,
            states,
            self._store,
            self._clock,
            listeners=self._listeners,
            set_clock=self._set_clock,
            tally=self.tally,
            announce=self._announce,
        )

    def _keep(self, event_id: str, log: SeatLog) -> None:
        self._logs.pop(event_id, None)
        self._logs[event_id] = log
        room = self._memory_bytes - sum(_bytes(each) for each in self._logs.values())
        for other in list(self._logs.values()):
            if room >= 0:
                return
            if other is not log and not other.busy and other.event_id not in self._watched:
                self._evicted[other.event_id] = self._logs.pop(other.event_id)
                room += _bytes(other)

    def _save_now_and_then(
        self, log: SeatLog, changes: dict[int, int], entries: Sequence[Entry]
    ) -> None:
        del changes, entries
        if log.states.version % state_snapshots.SNAPSHOT_EVERY == 0:
            self._spawn(self._save(log))

    async def _save(self, log: SeatLog) -> None:
        try:
            await state_snapshots.save(log.event_id, log.states, self._store)
        except DatabaseUnavailable:
            _log.warning(
                "a state snapshot could not be written; the next one is tried later",
                eventId=log.event_id,
            )


def _bytes(log: SeatLog) -> int:
    return log.states.index.size * BYTES_A_SEAT
