"""Signals between processes, over publish and subscribe of Redis or Valkey.

A signal is a hint, never the truth: it may be lost, and every receiver has a second way to learn of
the change (the cache has its TTL; the relay and the live hub look every second). So `publish` only
puts the message into a bounded queue and returns. When the queue is full, or the server accepts
nothing, the waiting messages are replaced by one that makes every process clear its caches.

A listener can rely on one thing: between `on_up` and `on_down` this process receives what is
published, and `on_down` comes at most `PING_EVERY_S` and `ANSWER_WITHIN_S` after it no longer does.
Both run on the event loop, as do the listeners, so none of them may wait.

Since this connection is always open, it also shows whether Redis can be used at all: every
`PING_EVERY_S` a small write detects a server that is full, a replica or out of disk space. Each
outage is logged once when it begins and once when it is over.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from secrets import token_hex
from typing import Any, Final

from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from event_seating.clock import Clock
from event_seating.errors import RedisUnavailable
from event_seating.telemetry.complaints import Complaint
from event_seating.telemetry.logs import get_logger
from event_seating.valkey import diagnostics
from event_seating.valkey.client import connect, ended

USERS: Final = "users"
"""The ids of the users that changed, separated by spaces."""
CACHE: Final = "cache"
"""All caches are to be cleared."""
OUTBOX: Final = "outbox"
"""There are new jobs."""
WEBHOOKS: Final = "webhooks"
"""The subscriptions changed."""
EVENTS: Final = "events"
"""`event:version`: an event has a new row in its log."""

CHANNELS: Final = (USERS, CACHE, OUTBOX, WEBHOOKS, EVENTS)

PING_EVERY_S: Final = 5.0
ANSWER_WITHIN_S: Final = 1.0
"""If a ping is not answered within this time, the server counts as unavailable."""

FIRST_TRY_WITHIN_S: Final = 0.25
"""How long a start waits for the first connection; a server that is up takes 5 ms."""

FIRST_WAIT_S: Final = 0.1
LONGEST_WAIT_S: Final = 2.0
"""The longest wait between two attempts to connect."""

QUEUE_MAX: Final = 10_000
"""Messages in the queue: as many as the busiest process sends in a second."""

BATCH_MAX: Final = 500
"""Messages sent in one round trip."""

MARK_TTL_S: Final = 3_600
"""Lifetime of the key that shows whether the server lost its data; a process that has ended leaves
its key behind."""

LOG_AFTER_S: Final = 1.0
"""A shorter outage is not logged."""

FAILURES: Final = (RedisError, OSError, TimeoutError)
"""The errors of a server or of the network."""

Listener = Callable[[str], None]

_log = get_logger("redis")


class Signals:
    """The signals of one process, from `start` to `aclose`."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._commands = connect(url)
        self._waiting = connect(url, waits=True)
        self._clock = clock
        self._me = token_hex(8)
        database = self._commands.connection_pool.connection_kwargs.get("db", 0)
        # The databases of one server share its channels.
        self._prefix = f"event-seating:{database}:"
        self._listeners: dict[str, list[tuple[Listener, bool]]] = {name: [] for name in CHANNELS}
        self._on_up: list[Callable[[], None]] = []
        self._on_down: list[Callable[[], None]] = []
        self._queue: deque[tuple[str, str]] = deque()
        self._queued = asyncio.Event()
        self._tried = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = False
        self._look: asyncio.Task[float | None] | None = None
        self._run_id: str | None = None
        self._marked = False
        self._unavailable: str | None = "it has not been asked yet"
        self._unfit: str | None = None
        self._complaint = Complaint(clock)
        self._problem_since = clock.monotonic()
        self.connected = False
        """Whether this process receives what is published."""
        self.restarts = 0
        """How often the server was restarted or replaced by another one."""
        self.dropped = 0
        """Messages that were never sent."""

    @property
    def problem(self) -> str | None:
        """Why Redis cannot be used now, in words for its operator."""
        return self._unavailable or self._unfit

    def listen(self, channel: str, listener: Listener, *, own: bool = False) -> None:
        """Call `listener` with each message of other processes; with `own`, also of this one."""
        self._listeners[channel].append((listener, own))

    def on_up(self, call: Callable[[], None]) -> None:
        """Call it whenever the subscription is back; what was published before is lost."""
        self._on_up.append(call)

    def on_down(self, call: Callable[[], None]) -> None:
        """Call it whenever signals may be lost from now on."""
        self._on_down.append(call)

    def publish(self, channel: str, message: str = "") -> None:
        """Send a message to the other processes, which may be lost; never waits and never fails."""
        if len(self._queue) >= QUEUE_MAX:
            self._drop_the_queue()
        self._queue.append((channel, message))
        self._queued.set()

    async def start(self) -> None:
        """Connect, and keep trying; waits briefly for the first attempt."""
        self._tasks = [
            asyncio.create_task(self._receive(), name="signals-receive"),
            asyncio.create_task(self._send(), name="signals-send"),
        ]
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_TRY_WITHIN_S):
                await self._tried.wait()

    async def aclose(self) -> None:
        """Send the queue if that is possible at once, and disconnect."""
        self._closed = True
        if self._queue and self.connected:
            with suppress(*FAILURES):
                await self._send_batch()
        tasks = [*self._tasks, *([self._look] if self._look else [])]
        await ended(tasks)
        for client in (self._commands, self._waiting):
            with suppress(*FAILURES):
                async with asyncio.timeout(ANSWER_WITHIN_S):
                    await client.aclose()

    async def ping(self) -> float:
        """Seconds that the server takes to answer; `RedisUnavailable` if it cannot be used.

        Concurrent callers share one ping, so that they cannot pile up connections to a frozen
        server.
        """
        if self.problem is not None:
            raise RedisUnavailable
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._ping(), name="redis-ping")
        seconds = await asyncio.shield(self._look)
        if seconds is None:
            raise RedisUnavailable
        return seconds

    async def _ping(self) -> float | None:
        began = self._clock.monotonic()
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S / 2):
                await self._commands.ping()
        except FAILURES:
            return None
        return self._clock.monotonic() - began

    async def _receive(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            began = self._clock.monotonic()
            try:
                await self._subscribe_and_listen()
            except Exception as error:  # noqa: BLE001 (whatever it is, the subscription is lost)
                self._down(diagnostics.described(error))
            self._tried.set()
            if self._closed:  # the library turned the cancellation into another error
                return
            lived_s = self._clock.monotonic() - began
            wait_s = FIRST_WAIT_S if lived_s > PING_EVERY_S else min(wait_s * 2, LONGEST_WAIT_S)
            await asyncio.sleep(wait_s)

    async def _subscribe_and_listen(self) -> None:
        """Use one connection from its start to the failure that ends it."""
        subscription = self._waiting.pubsub()
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await self._check_the_server()
                await self._subscribe(subscription)
            await self._check_that_it_takes_writes()
            self._up()
            while True:
                await self._receive_until_the_next_ping(subscription)
                await self._check_that_it_takes_writes()
                self._log_state()
        finally:
            # An error in here must not replace a cancellation.
            with suppress(Exception):
                await subscription.aclose()  # type: ignore[no-untyped-call]

    async def _subscribe(self, subscription: PubSub) -> None:
        """Subscribe, and wait until the server has confirmed every channel."""
        await subscription.subscribe(*(self._prefix + name for name in CHANNELS))
        wanted = len(CHANNELS)
        while wanted:
            wanted -= (await subscription.parse_response())[0] == "subscribe"

    async def _receive_until_the_next_ping(self, subscription: PubSub) -> None:
        """Receive messages; then a ping must be answered on the very same connection."""
        until = self._clock.monotonic() + PING_EVERY_S
        while (left_s := until - self._clock.monotonic()) > 0:
            self._take(await subscription.parse_response(block=False, timeout=left_s))
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await subscription.ping()
            while not self._take(await subscription.parse_response()):
                pass

    def _take(self, answer: Any) -> bool:
        """Pass a message to its listeners; whether it was the answer to a ping.

        The library's own parser does not recognise that answer when it is text.
        """
        if isinstance(answer, str):
            return True
        if answer is not None and answer[0] == "message":
            _, channel, text = answer
            sender, _, message = text.partition(" ")
            self._hand_over(channel.removeprefix(self._prefix), message, mine=sender == self._me)
        return answer is not None and answer[0] == "pong"

    def _hand_over(self, channel: str, text: str, *, mine: bool) -> None:
        for listener, own in self._listeners.get(channel, ()):
            if own or not mine:
                _call(partial(listener, text))

    async def _check_the_server(self) -> None:
        server = await self._commands.info("server")
        diagnostics.check_version(server)
        run_id = str(server.get("run_id"))
        if self._run_id not in {None, run_id}:
            self.restarts += 1
            _log.warning("Redis was restarted, or is another server", at=self._where)
        self._run_id = run_id

    async def _check_that_it_takes_writes(self) -> None:
        """Write a key: a server that accepts no writes is of no use for a queue."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                before = await self._commands.set(
                    f"{self._prefix}here:{self._me}", "1", ex=MARK_TTL_S, get=True
                )
        except (RedisConnectionError, RedisTimeoutError):
            raise
        except RedisError as error:
            self._unfit = diagnostics.described(error)
            return
        self._unfit = None
        if self._marked and before is None:
            _log.warning("Redis has lost its data; its jobs come back from the outbox")
        self._marked = True

    def _up(self) -> None:
        self._unavailable = None
        self.connected = True
        _call_all(self._on_up)
        self._queued.set()
        self._tried.set()
        self._log_state()

    def _down(self, why: str) -> None:
        if self.problem is None:
            self._problem_since = self._clock.monotonic()
        self._unavailable = why
        if self.connected:
            self.connected = False
            _call_all(self._on_down)
        self._log_state()

    def _log_state(self) -> None:
        """Log an outage once, and once when it is over."""
        now = self._clock.monotonic()
        problem = self.problem
        if problem is None:
            if self._complaint.should_log_end():
                _log.warning("Redis can be used again", at=self._where)
            self._problem_since = now
        elif self._is_lasting(now) and self._complaint.should_log(problem):
            _log.warning(
                "Redis cannot be used: accounts and seats are served, jobs wait",
                at=self._where,
                why=problem,
            )

    def _is_lasting(self, now: float) -> bool:
        """Whether the outage lasts; a server that refuses writes will go on refusing them."""
        return self._unfit is not None or now - self._problem_since >= LOG_AFTER_S

    @property
    def _where(self) -> str:
        """The address of the server, without a password."""
        options = self._commands.connection_pool.connection_kwargs
        return str(options.get("path") or f"{options.get('host')}:{options.get('port', 6379)}")

    async def _send(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            await self._queued.wait()
            try:
                await self._send_batch()
                wait_s = FIRST_WAIT_S
            except Exception:  # noqa: BLE001 (`_receive` finds out why, and logs it)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    async def _send_batch(self) -> None:
        """Send the oldest messages; those that could not be sent stay in the queue."""
        batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_MAX))]
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                pipeline = self._commands.pipeline(transaction=False)
                for channel, message in batch:
                    pipeline.publish(self._prefix + channel, f"{self._me} {message}")
                await pipeline.execute()
        except BaseException:
            self._queue.extendleft(reversed(batch))
            if len(self._queue) > QUEUE_MAX:
                self._drop_the_queue()
            raise
        if not self._queue:
            self._queued.clear()

    def _drop_the_queue(self) -> None:
        """Replace all messages in the queue by one that clears every cache."""
        self.dropped += len(self._queue)
        self._queue.clear()
        self._queue.append((CACHE, ""))


def _call_all(calls: list[Callable[[], None]]) -> None:
    for call in calls:
        _call(call)


def _call(call: Callable[[], None]) -> None:
    """An error of a listener must not end the subscription."""
    try:
        call()
    except Exception as error:  # noqa: BLE001
        _log.error("a listener of signals failed", exc_info=error)


def nudge_of(signals: Signals | None) -> Callable[[], None]:
    """Tells the workers that there may be new jobs; without signals they look every second."""
    return partial(signals.publish, OUTBOX) if signals else lambda: None
