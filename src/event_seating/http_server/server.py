"""The HTTP server of a process: one listening socket, its connections, and the rules they share.

Owns what concerns all connections: how many there may be, in all and of one client, the clock by
which they expire, and the order in which everything stops. It runs on the process's own event loop
and takes a socket that is bound already; processes, signals and restarts are the supervisor's.
"""

import asyncio
import socket
import sys
from collections import Counter
from collections.abc import Callable, Hashable
from contextlib import suppress
from contextvars import copy_context
from email.utils import formatdate
from time import time
from typing import Final, Protocol

from event_seating.http_server.asgi import App
from event_seating.http_server.connection import HttpConnection
from event_seating.http_server.heads import HeaderFields, HttpRefused
from event_seating.http_server.limits import (
    BACKLOG,
    CROWDED,
    CUT_OFF_WITHIN_S,
    EASED,
    SENT_MS_MAX,
    STOP_WITHIN_S,
    TOGETHER_MAX,
    ConnectionCaps,
    EndReason,
)
from event_seating.http_server.websocket import WebSocketCycle

TICK_S: Final = 0.5
"""Between two looks at the clock and at the deadlines of all connections, which takes a
millisecond for 16,000 of them. A deadline may pass by as much."""

AtOnce = Callable[[bytes, bytes, HeaderFields, tuple[str, int], bytes], object]
"""Is asked first about each request of HTTP/1.1 that has no body and lets the connection stay, with
its method, target, headers and peer and the line of the header `Date`. Bytes are the whole
response. Anything else but None comes to the application as `ADMITTED` in the request's scope."""


class ServerReports(Protocol):
    """What the server has to say to the outside."""

    def crashed(self, error: Exception) -> None:
        """The application raised this instead of answering."""
        ...

    def ended(self, reason: EndReason) -> None:
        """A connection was ended by a limit or for what it sent."""
        ...

    def explain(self, refused: HttpRefused) -> bytes:
        """The body, in JSON, of the response to a request that is no valid HTTP."""
        ...


class HttpServer:
    """Serves `app` on `listener`, from `start` to `stop`.

    If the application has a method `at_once`, it is asked first; see `AtOnce`.
    """

    def __init__(
        self, app: App, listener: socket.socket, caps: ConnectionCaps, reports: ServerReports
    ) -> None:
        self.app = app
        self.at_once: AtOnce | None = getattr(app, "at_once", None)
        self.address: tuple[str, int] = listener.getsockname()[:2]
        self.open: set[HttpConnection | WebSocketCycle] = set()
        """The connections that there are."""
        self.running: set[asyncio.Task[None]] = set()
        """The requests under way; also those whose client is gone, which may be in the middle of a
        transaction. An event loop alone would not keep them."""
        self.ended: Counter[str] = Counter(dict.fromkeys(map(str, EndReason), 0))
        """Connections that were ended since the start, by reason."""
        self.context: Final = copy_context()
        """The context variables with which each request begins."""
        self.stopping = False
        self.now = 0.0
        """The event loop's time at the last tick."""
        self.date = b""
        """The line of the header `Date`."""
        self.crashed = reports.crashed
        self.explain = reports.explain
        self._report_end = reports.ended
        self._listener = listener
        self._caps = caps
        self._crowded_at: float | None = None
        """The tick at which idle connections were last ended and the rest were still too many."""
        self._unwritten: list[HttpConnection] = []
        """Those with responses that are written at the end of the step."""
        self._by_client: dict[Hashable, dict[HttpConnection, None]] = {}
        """In the order in which they came, which decides between those that are equal."""
        self._loop: asyncio.AbstractEventLoop
        self._server: asyncio.Server
        self._ticking: asyncio.TimerHandle
        self._empty = asyncio.Event()
        self._failed = asyncio.Event()

    async def start(self) -> None:
        """Begin to accept; once this returns, nobody is refused."""
        if sys.platform == "linux":  # accepted connections take it over
            self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SENT_MS_MAX)
        loop = self._loop = asyncio.get_running_loop()
        self._tick()
        self._server = await loop.create_server(
            lambda: HttpConnection(self, loop), sock=self._listener, backlog=BACKLOG
        )

    async def stop(self, *, hang_up: bool) -> None:
        """Accept no more, let requests finish for up to `STOP_WITHIN_S`.

        With `hang_up` no other process takes over the socket: clients that connect from now on are
        refused at once, instead of waiting until the last process has closed it.
        """
        await asyncio.sleep(0)  # those that wait to be accepted are
        self.stopping = True
        if hang_up:
            with suppress(OSError):  # macOS does not know it for a socket that listens
                self._listener.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for connection in list(self.open):
            if connection.idle or isinstance(connection, WebSocketCycle):
                connection.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_WITHIN_S):
                await self._all_gone()
                while self.running:
                    await asyncio.wait(tuple(self.running))
        await self._cut_off()
        self._ticking.cancel()

    async def failed(self) -> None:
        """Wait until the server ends by itself, which it does not."""
        await self._failed.wait()

    async def _all_gone(self) -> None:
        while self.open:
            self._empty.clear()
            await self._empty.wait()

    async def _cut_off(self) -> None:
        """Cancel what is still under way."""
        tasks = tuple(self.running)
        for connection in list(self.open):
            connection.abort()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CUT_OFF_WITHIN_S)

    # For the connections

    def add(self, connection: HttpConnection | WebSocketCycle) -> None:
        """Note a new connection, or end one of those that are too many."""
        self.open.add(connection)
        if not isinstance(connection, HttpConnection):
            return
        client = connection.client = self._caps.client_of(connection.peer[0])
        if client is not None:
            theirs = self._by_client.setdefault(client, {})
            theirs[connection] = None
            if len(theirs) > self._caps.per_client:
                min(theirs, key=_dispensable).end(EndReason.address)
        if len(self.open) > CROWDED * self._caps.total:
            self._make_room(connection)

    def remove(self, connection: HttpConnection | WebSocketCycle) -> None:
        """Forget a connection that is closed."""
        self.open.discard(connection)
        if isinstance(connection, HttpConnection) and connection.client is not None:
            theirs = self._by_client.get(connection.client, {})
            theirs.pop(connection, None)
            if not theirs:
                self._by_client.pop(connection.client, None)
        if not self.open:
            self._empty.set()

    def write_soon(self, connection: HttpConnection) -> None:
        """Flush it once the requests that came with the present one are answered.

        So a step of the event loop answers all of them first and then writes: to change between
        the two for each request costs as much again as the work, since each finds the processor's
        caches full of the other, and a client that was woken by one response is still awake for
        the next.
        """
        if not self._unwritten:
            self._loop.call_soon(self._write)
        self._unwritten.append(connection)
        if len(self._unwritten) >= TOGETHER_MAX:
            self._write()

    def _write(self) -> None:
        unwritten, self._unwritten = self._unwritten, []
        for connection in unwritten:
            try:
                connection.flush()
            except Exception as error:  # noqa: BLE001 (the others wait for their responses)
                self.crashed(error)
                connection.abort()

    def count(self, reason: EndReason) -> None:
        """Count a connection that is ended."""
        self.ended[reason] += 1
        self._report_end(reason)

    def _make_room(self, newest: HttpConnection) -> None:
        """End the connections that have been idle longest; if there are none, the newest.

        All are looked through for that once a tick at most, unless it made room for many: most may
        be WebSockets, and there may be thousands of newest ones a second.
        """
        if self._crowded_at != self.now:
            self._end_idle(newest)
        if len(self.open) > self._caps.total:
            newest.end(EndReason.total)

    def _end_idle(self, newest: HttpConnection) -> None:
        idle = [
            each
            for each in self.open
            if isinstance(each, HttpConnection) and not each.busy and each is not newest
        ]
        idle.sort(key=_dispensable)
        surplus = len(self.open) - int(EASED * self._caps.total)
        for each in idle[:surplus]:
            each.end(EndReason.total)
        if len(idle) < surplus:
            self._crowded_at = self.now

    def _tick(self) -> None:
        self._ticking = self._loop.call_later(TICK_S, self._tick)
        now = self.now = self._loop.time()
        self.date = b"date: %b\r\n" % formatdate(time(), usegmt=True).encode()
        for each in [each for each in self.open if each.deadline < now]:
            try:
                each.expire()
            except Exception as error:  # noqa: BLE001 (the others have deadlines too)
                self.crashed(error)


def _dispensable(connection: HttpConnection) -> tuple[bool, float]:
    """The order in which to end them: the longest idle first; busy ones last, the newest first."""
    return (connection.busy, -connection.since if connection.busy else connection.since)
