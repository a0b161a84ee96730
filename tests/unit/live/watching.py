"""One event with its log and its time in the test's hand, and clients that apply frames to it."""

import asyncio
import heapq
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, Protocol

from tests.support.seat_states import NOW, PRICES, row_of
from websockets.protocol import CLIENT, OPEN
from websockets.protocol import Protocol as WebSocket

from event_seating.booking.core import log_entries as entries_module
from event_seating.booking.core.commands import (
    AreaQuantity,
    BlockSeats,
    Choice,
    Configure,
    Part,
    PlaceHold,
    UnblockSeats,
)
from event_seating.booking.core.records import STATUS_NAMES, Configuration, SaleStatus
from event_seating.booking.core.seat_index import AreaPlan, SeatIndex
from event_seating.booking.core.seat_state import SeatStates
from event_seating.booking.seat_log.ports import BatchRow
from event_seating.booking.seating.bookable_event import BookableEvent
from event_seating.errors import DatabaseUnavailable, EventNotFound
from event_seating.events.model import Event
from event_seating.live.broadcast import Timer
from event_seating.live.hub import LiveHub
from event_seating.live.subscriber import (
    Closing,
    DirectSubscriber,
    QueuedSubscriber,
    Subscriber,
)
from event_seating.live.watcher_limits import WatcherLimits

EVENT = "testevent001"
SEATS = 12


class Time:
    """Time that passes when told to; steps that run when told to."""

    def __init__(self) -> None:
        self.now = 100.0
        self._steps: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self.cpu = 0.0
        """Seconds of CPU time that were used."""
        self.timer = Timer(lambda: self.now, lambda: self.cpu, self._steps.append, self._later)

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (self.now + seconds, next(self._order), call))

    def step(self) -> None:
        """One step of the event loop."""
        for _ in range(len(self._steps)):
            self._steps.popleft()()

    def advance(self, seconds: float) -> None:
        """Let time pass, and what is due run."""
        until = self.now + seconds
        while self._timers and self._timers[0][0] <= until:
            self.now, _, call = heapq.heappop(self._timers)
            call()
        self.now = until


class Log:
    """What the hub knows of a log: its state, and rows of others that it has not read yet."""

    def __init__(self, database: "Database") -> None:
        self.event_id = EVENT
        index = SeatIndex([row_of(SEATS)], [AreaPlan("floor", 5, "1"), AreaPlan("bar", 3, "2")])
        self.states = SeatStates.new(index)
        self.broken: str | None = None
        self.hub: LiveHub | None = None
        self._database = database

    def do(self, *requests: Any) -> None:
        """Decide these in one row, commit it and tell."""
        batch = self.states.begin(NOW)
        for request in requests:
            batch.decide(request)
        if not batch.entries:
            batch.discard()
            return
        self._database.append(batch.version, batch.entries, self)
        changes = self.states.commit(batch)
        self._database.committed(self.states)
        if self.hub is not None:
            self.hub(self, changes, batch.entries)  # type: ignore[arg-type]

    async def catch_up(self) -> None:
        await asyncio.sleep(0)
        while self._database.foreign:
            row = self._database.foreign.pop(0)
            found = entries_module.decode(row.format, row.entries)
            changes = self.states.apply(row.version, row.at_ms, found)
            self._database.committed(self.states)
            if self.hub is not None:
                self.hub(self, changes, found)  # type: ignore[arg-type]


class Database:
    """The rows of the log, the event as it sells, and the state after each version."""

    def __init__(self) -> None:
        self.rows: list[BatchRow] = []
        self.foreign: list[BatchRow] = []
        self.history: dict[int, dict[str, Any]] = {}
        self.sales: list[tuple[int, SaleStatus]] = []
        self.away = False
        self.reads = 0
        self.asked: list[Mapping[str, int]] = []
        self.while_reading: Callable[[], None] = lambda: None

    def append(self, version: int, entries: Sequence[Any], log: Log) -> None:
        encoded = entries_module.encode(entries)
        self.rows.append(BatchRow(version, b"", entries_module.FORMAT, encoded, NOW))
        for entry in entries:
            for operation in entry.operations:
                if isinstance(operation, entries_module.Configured):
                    self.sales.append((version, operation.configuration.status))

    def status_at(self, version: int) -> SaleStatus | None:
        told = [status for since, status in self.sales if since <= version]
        return told[-1] if told else None

    def committed(self, states: SeatStates) -> None:
        self.history[states.version] = seen(states)

    async def rows_up_to(self, event_id: str, version: int, most: int) -> list[BatchRow]:
        self.reads += 1
        found = [row for row in reversed(self.rows) if row.version <= version][:most]
        await asyncio.sleep(0)
        self.while_reading()
        await asyncio.sleep(0)
        if self.away:
            raise DatabaseUnavailable
        return found

    async def moved_on(self, versions: Mapping[str, int]) -> list[str]:
        self.asked.append(versions)
        return [EVENT] if self.foreign else []

    async def event(self, event_id: str) -> Event:
        version, status = self.sales[-1]
        await asyncio.sleep(0)
        self.while_reading()
        if self.away:
            raise DatabaseUnavailable
        sale = Configuration(currency="EUR", prices=PRICES, status=status)
        return Event(event_id, "v", 1, "V", "N", NOW, "UTC", "e1", NOW, sale, version)


def seen(states: SeatStates) -> dict[str, Any]:
    """All that a client can know of the seats."""
    index = states.index
    characters = states.characters().decode()
    names = dict(zip("ahbx", STATUS_NAMES, strict=True))
    return {
        "seats": {index.ids[n]: names[char] for n, char in enumerate(characters)},
        "areas": {area.id: states.area_counts(n) for n, area in enumerate(index.areas)},
    }


class Logs:
    """The one event, which may be too large for the memory."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.room = True
        self.watched: list[Log] = []

    async def get(self, event_id: str) -> Log:
        return self.log

    def watch(self, log: Log) -> bool:
        if self.room:
            self.watched.append(log)
        return self.room

    def unwatch(self, log: Log) -> None:
        self.watched.remove(log)


class Stage:
    """The hub on that event."""

    reading: "type[FromQueue | FromConnection]"
    """How frames reach those who join; set for each test."""

    def __init__(self, total: int = 100, per_address: int = 100) -> None:
        self.time = Time()
        self.database = Database()
        self.log = Log(self.database)
        self.logs = Logs(self.log)
        self.configure()
        self.hub = self.new_hub(total, per_address)
        self._addresses = count()

    def new_hub(self, total: int = 100, per_address: int = 100) -> LiveHub:
        """As after a start: nothing is remembered but what the database has."""
        self.hub = LiveHub(
            self.logs,  # type: ignore[arg-type]
            self._bookable,
            self.database.event,
            self.database,
            self.time.timer,
            WatcherLimits(total, per_address),
        )
        self.log.hub = self.hub
        return self.hub

    async def _bookable(self, event_id: str) -> BookableEvent:
        if event_id != EVENT:
            raise EventNotFound
        return BookableEvent(event_id, "e1", b"", self.log.states.index, str, ["floor", "bar"])

    # What happens to the event

    def configure(self, status: SaleStatus = SaleStatus.on_sale) -> None:
        self.log.do(Configure(Configuration(currency="EUR", prices=PRICES, status=status)))

    def hold(self, *seats: int, **areas: int) -> None:
        numbers = {"floor": 0, "bar": 1}
        quantities = tuple(AreaQuantity(numbers[name], n, None) for name, n in areas.items())
        hold = self.log.states.version.to_bytes(8, "big")
        self.log.do(PlaceHold(hold, Choice(seats, quantities), hold))

    def block(self, *seats: int) -> None:
        self.log.do(BlockSeats(Part(seats)))

    def unblock(self, *seats: int) -> None:
        self.log.do(UnblockSeats(Part(seats)))

    @property
    def version(self) -> int:
        return self.log.states.version

    # Those who watch

    async def join(self, since: int | None = None, epoch: str | None = None) -> "Client":
        client = Client(self, self.version if since is None else since)
        await client.join(since, epoch)
        return client

    async def settle(self) -> None:
        """Let everything run that does not wait for time to pass."""
        for _ in range(40):
            self.time.step()
            await asyncio.sleep(0)


class Reading(Protocol):
    """How frames reach a client."""

    subscriber: Subscriber

    async def texts(self) -> tuple[list[str], Closing | None]:
        """The frames that have come since the last call, and the reason if there are no more."""
        ...


class FromQueue:
    """Reads the frames of a queue, as a long poll does."""

    def __init__(self) -> None:
        self.subscriber = QueuedSubscriber()

    async def texts(self) -> tuple[list[str], Closing | None]:
        new: list[str] = []
        while True:
            waiting = asyncio.ensure_future(self.subscriber.next())
            await asyncio.sleep(0)
            if not waiting.done():
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
                return new, None
            following = waiting.result()
            if isinstance(following, Closing):
                return new, following
            new.append(following.text)


class FromConnection:
    """Receives what is written to a connection, as `websockets` understands it."""

    def __init__(self) -> None:
        self.subscriber = DirectSubscriber(self)
        self.unsent = 0
        self._received = WebSocket(CLIENT, state=OPEN)
        self._closing: Closing | None = None

    def write(self, ready: bytes) -> int:
        assert self._closing is None, "nothing is sent after the end"
        self.unsent += len(ready)
        self._received.receive_data(ready)
        return self.unsent

    def close(self, code: int, reason: str) -> None:
        assert self._closing is None, "it ends once"
        self._closing = Closing(code, reason)

    async def texts(self) -> tuple[list[str], Closing | None]:
        self.unsent = 0
        received = self._received.events_received()
        return [bytes(frame.data).decode() for frame in received], self._closing  # type: ignore[union-attr]


class Client:
    """Somebody who watches as a page does, and knows the seats as of a version."""

    def __init__(self, stage: Stage, version: int) -> None:
        self.stage = stage
        self.version = version
        known = stage.database.history.get(version, {})
        self.known = json.loads(json.dumps(known))
        self.frames: list[dict[str, Any]] = []
        self.closing: Closing | None = None
        self.event_status = stage.database.status_at(version)
        self._reading: Reading | None = None
        self._block: Any = None

    async def join(self, since: int | None, epoch: str | None = None, address: str = "::1") -> None:
        self._reading = self.stage.reading()
        self._block = self.stage.hub.joined(self._reading.subscriber, EVENT, address, since, epoch)
        await self._block.__aenter__()

    async def leave(self) -> None:
        await self._block.__aexit__(None, None, None)

    async def read(self) -> list[dict[str, Any]]:
        """Apply the frames that are there; each leaves exactly the state of its version."""
        assert self._reading is not None
        texts, self.closing = await self._reading.texts()
        new = [self._apply(text) for text in texts]
        self.frames += new
        return new

    def _apply(self, text: str) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(text)
        version: int = body["version"]
        history = self.stage.database.history
        if "event" in body:
            self.event_status = SaleStatus(body["event"]["status"])
        if body.get("reload"):
            self.event_status = self.stage.database.sales[-1][1]
            self.version = self.stage.version
            self.known = json.loads(json.dumps(history[self.version]))
        elif version > self.version:
            self.known["seats"].update(body.get("changes", {}))
            self.known["areas"].update(body.get("areas", {}))
            self.version = version
            assert self.known == history[self.version]
        return body
