"""The connections of this process as the kernel sees them, and the end of those that break a rule.

The HTTP server bounds only the number of connections, and the time for a head together with the
wait for it. So one address could have every connection, a head could arrive in single bytes for
over a minute, and a message of a WebSocket is kept until it has 64 MB. The app sees none of that,
since it gets whole requests and whole messages. Therefore this module looks at the sockets
themselves, several times a second, and shuts down those that break a rule; to the server they look
closed by their client. The number of connections is known on every system, what they received only
on Linux.

A WebSocket waits for the first look at it before the app may accept it: from then on the kernel
reports everything that arrives on it, so that it can be ended within milliseconds.

It reads no byte that a client sent, and never closes a descriptor that the server owns.
"""

import asyncio
import os
import select
import socket
import struct
import sys
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from event_seating.clock import MS_PER_S
from event_seating.http_server.asgi import App, Receive, Scope, Send
from event_seating.http_server.limits import EndReason
from event_seating.telemetry.logs import get_logger
from event_seating.web.client_address import client_key, within
from event_seating.web.connection_rules import (
    Connection,
    ConnectionLimits,
    Peer,
    sent_too_much,
    to_end,
)

LOOK_AT_CONNECTIONS_EVERY_S: Final = 0.25
"""Between two looks, while nothing waits for one."""

LOOK_AT_CONNECTIONS_WHEN_CROWDED_EVERY_S: Final = 0.05
"""The same, while more than half of all connections are used: others wait to be accepted."""

WATCHED_WITHIN_S: Final = 2.0
"""How long a WebSocket waits for the first look at it. Then it is accepted all the same, and a
later look finds it."""

LOOKING_SHARE: Final = 0.05
"""The share of the event loop's time for looking; a look at 1,000 connections takes 10 ms."""

LOOKING_SHARE_WHEN_CROWDED: Final = 0.25
"""The same, while more than half of all connections are used."""

LOOKS_A_STEP: Final = 100
"""Descriptors that are looked at in one step of the event loop, which takes about 1 ms."""

LOG_EVERY_S: Final = 60.0
"""The least time between two log lines with the same reason."""

_TCP_INFO: Final[int | None] = (
    getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None
)
_AGES_AT: Final = 44  # of `struct tcp_info`: last_data_sent, last_ack_sent, last_data_recv, in ms
_RECEIVED_AT: Final = 128  # bytes_received
_SEGMENTS_SENT_AT: Final = 156  # data_segs_out
_TCP_INFO_BYTES: Final = 160  # as far as Linux 4.6 fills it

_NO_LINGER: Final = struct.pack("ii", 1, 0)
"""Of `SO_LINGER`: closing a connection resets it."""

_ANY_FAMILY: Final = socket.AF_INET6
"""For objects that borrow a descriptor: the family decides how long an address may be."""

_log = get_logger("connections")


class ActivityTracker:
    """An ASGI app around another one; it knows what is under way on which connection."""

    def __init__(self, app: App) -> None:
        self._app = app
        # A `Counter` runs Python code for each key that comes and goes: 0.6 µs of each request.
        self.requests: defaultdict[Peer, int] = defaultdict(int)
        self.websockets: defaultdict[Peer, int] = defaultdict(int)
        self.opening: Callable[[], Awaitable[None]] | None = None
        """Awaited before a WebSocket is passed on."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the request or WebSocket, and pass it on."""
        host, port = scope["client"]
        peer = (host, int(port))  # granian has it as text
        under_way = self.websockets if scope["type"] == "websocket" else self.requests
        # The next request of a connection may begin before the one before it has quite ended.
        under_way[peer] += 1
        try:
            if self.opening is not None and under_way is self.websockets:
                await self.opening()
            await self._app(scope, receive, send)
        finally:
            others = under_way.pop(peer) - 1
            if others:
                under_way[peer] = others


@dataclass(slots=True)
class ConnectionGuard:
    """Looks at every connection of the server that listens on `port`, again and again."""

    port: int
    limits: ConnectionLimits
    activity: ActivityTracker
    monotonic: Callable[[], float]
    ended: Counter[str] = field(
        default_factory=lambda: Counter(dict.fromkeys(map(str, EndReason), 0))
    )
    """How many were ended since the start."""
    open: dict[Peer, Connection] = field(default_factory=dict)
    """Those of the last look."""
    _logged_at: dict[EndReason, float] = field(default_factory=dict)
    _unlogged: Counter[EndReason] = field(default_factory=Counter)
    _failed: float = -LOG_EVERY_S
    """When a failed look was last logged."""
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while something waits for a look."""
    _looked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set at the end of the look under way, or of the next one; each look has its own event."""
    _begun: int = 0
    _done: int = 0
    """Looks so far."""
    _arrivals: "select.epoll | None" = None
    """Reports what arrives on WebSockets."""
    _watched: dict[int, Connection] = field(default_factory=dict)
    """The WebSockets that it reports on, by descriptor."""

    async def run(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        if _TCP_INFO is not None:
            self._arrivals = select.epoll()
            loop.add_reader(self._arrivals.fileno(), self._on_arrivals)
        try:
            while True:
                await self._pause(await self._look_anyway())
        finally:
            if self._arrivals is not None:
                loop.remove_reader(self._arrivals.fileno())
                self._arrivals.close()
                self._arrivals = None

    async def watched(self) -> None:
        """Wait until a later look is over, which finds every WebSocket that exists by now."""
        wanted = self._begun + 1
        with suppress(TimeoutError):
            async with asyncio.timeout(WATCHED_WITHIN_S):
                while self._done < wanted:
                    self._wanted.set()
                    await self._looked.wait()

    async def _pause(self, took_s: float) -> None:
        crowded = len(self.open) > self.limits.total / 2
        share, every_s = (
            (LOOKING_SHARE_WHEN_CROWDED, LOOK_AT_CONNECTIONS_WHEN_CROWDED_EVERY_S)
            if crowded
            else (LOOKING_SHARE, LOOK_AT_CONNECTIONS_EVERY_S)
        )
        least_s = took_s / share
        await asyncio.sleep(least_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, every_s - least_s)):
                await self._wanted.wait()

    async def _look_anyway(self) -> float:
        """Look once, and log a failure; the seconds that it took."""
        try:
            return await self.look()
        except Exception as error:  # noqa: BLE001 (too few descriptors, for example)
            now = self.monotonic()
            if now - self._failed >= LOG_EVERY_S:
                _log.error("the connections could not be checked", exc_info=error)
                self._failed = now
            return 0.0

    async def look(self) -> float:
        """Look at all of them once; the seconds that it took."""
        self._wanted.clear()
        self._begun += 1
        number = self._begun
        took_s, found = 0.0, dict[Peer, Connection]()
        descriptors = _descriptors()
        for start in range(0, len(descriptors), LOOKS_A_STEP):
            began = self.monotonic()
            for descriptor in descriptors[start : start + LOOKS_A_STEP]:
                connection = self._seen(descriptor, began)
                if connection is not None:
                    found[connection.peer] = connection
            took_s += self.monotonic() - began
            await asyncio.sleep(0)
        began = self.monotonic()
        self.open = found
        self._watch(found.values())
        for each, why in to_end(found.values(), self.limits, began):
            self._end(each, why)
        self._log_ended(began)
        self._done = number
        self._looked.set()
        self._looked = asyncio.Event()
        return took_s + self.monotonic() - began

    def _end(self, connection: Connection, why: EndReason) -> None:
        # Two rules may name the same one.
        abort = why is EndReason.messages
        if not connection.ended and _shut_down(connection, abort=abort):
            connection.ended = True
            self.ended[why] += 1
            self._unlogged[why] += 1

    def _watch(self, found: Collection[Connection]) -> None:
        """Let the kernel report what arrives on the WebSockets among these."""
        if self._arrivals is None:
            return
        websockets = {each.descriptor: each for each in found if each.websocket}
        for descriptor, each in websockets.items():
            if self._watched.get(descriptor) is not each:
                # Edge-triggered: one event for each arrival, although the server reads it. The
                # kernel forgets the registration together with the connection.
                with suppress(OSError):
                    self._arrivals.register(descriptor, select.EPOLLIN | select.EPOLLET)
        self._watched = websockets

    def _on_arrivals(self) -> None:
        assert self._arrivals is not None
        for descriptor, _ in self._arrivals.poll(0):
            known = self._watched.get(descriptor)
            if known is None or self._seen(descriptor, self.monotonic()) is not known:
                continue
            if sent_too_much(known):
                self._end(known, EndReason.messages)

    def _seen(self, descriptor: int, now: float) -> Connection | None:
        """The connection behind a descriptor, or none when it is something else."""
        try:
            borrowed = socket.socket(_ANY_FAMILY, socket.SOCK_STREAM, 0, fileno=descriptor)
        except OSError:
            return None
        try:
            peer = _peer(borrowed)
            if peer is None:
                return None
            inode = os.fstat(descriptor).st_ino
            connection = self.open.get(peer)
            # A client may come back at once from the same port.
            if connection is None or connection.inode != inode:
                if borrowed.getsockname()[1] != self.port:
                    return None  # one of ours to a database
                connection = self._new(descriptor, peer, inode, now)
            connection.descriptor = descriptor
            self._update(connection, borrowed, now)
        except OSError:
            return None
        else:
            return connection
        finally:
            borrowed.detach()  # it is the server's

    def _new(self, descriptor: int, peer: Peer, inode: int, now: float) -> Connection:
        return Connection(
            descriptor,
            peer,
            inode,
            now,
            client=client_key(peer[0]),
            of_proxy=within(peer[0], self.limits.proxies),
        )

    def _update(self, connection: Connection, borrowed: socket.socket, now: float) -> None:
        websocket = connection.peer in self.activity.websockets
        if websocket and not connection.websocket:
            connection.received_before = connection.received
        connection.websocket = websocket
        connection.busy = connection.peer in self.activity.requests
        begun = self._note_bytes(connection, borrowed, now)
        if not begun or connection.busy or websocket:
            connection.head_since = None
        elif connection.head_since is None:
            connection.head_since = now if connection.received else connection.since

    def _note_bytes(self, connection: Connection, borrowed: socket.socket, now: float) -> bool:
        """Note what was received and sent; whether a part of a request has arrived."""
        info = b""
        if _TCP_INFO is not None:
            info = borrowed.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _TCP_INFO_BYTES)
        if len(info) < _TCP_INFO_BYTES:
            connection.idle_s = now - connection.since
            return False
        sent_ms, _, received_ms = struct.unpack_from("=III", info, _AGES_AT)
        (connection.received,) = struct.unpack_from("=Q", info, _RECEIVED_AT)
        (answers,) = struct.unpack_from("=I", info, _SEGMENTS_SENT_AT)
        connection.idle_s = min(sent_ms, received_ms) / MS_PER_S
        if not connection.received:
            return not connection.of_proxy
        # What came after the last answer is the beginning of a request.
        return received_ms < sent_ms or not answers

    def _log_ended(self, now: float) -> None:
        for why, count in list(self._unlogged.items()):
            if now - self._logged_at.get(why, -LOG_EVERY_S) >= LOG_EVERY_S:
                _log.warning("connections were ended", reason=str(why), count=count)
                self._logged_at[why] = now
                del self._unlogged[why]


def _descriptors() -> list[int]:
    return [int(name) for name in os.listdir("/dev/fd")]  # noqa: PTH208 (only the names)


def _peer(borrowed: socket.socket) -> Peer | None:
    """The peer of a connection over IP; raises `OSError` where there is none."""
    address = borrowed.getpeername()
    if not isinstance(address, tuple):
        return None
    # A scope such as %eth0 is not in the address that the server gives the app.
    return address[0].partition("%")[0], address[1]


def _shut_down(connection: Connection, *, abort: bool) -> bool:
    """End it for both sides; whether it was still there.

    With `abort` the kernel resets it as soon as the server closes it. Otherwise a client that is in
    the middle of sending may wait for the kernel's `tcp_fin_timeout`, a minute, and so long the
    kernel keeps the connection.

    Its descriptor may belong to another connection by now, so a copy, which cannot change any
    more, is checked first.
    """
    try:
        copied = os.dup(connection.descriptor)
    except OSError:
        return False
    with socket.socket(_ANY_FAMILY, socket.SOCK_STREAM, 0, fileno=copied) as borrowed:
        try:
            if _peer(borrowed) != connection.peer:
                return False
            if abort:
                borrowed.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            borrowed.shutdown(socket.SHUT_RDWR)
        except OSError:
            return False
    return True
