"""Which connections are ended: the rules alone, and over real sockets."""

import asyncio
import errno
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from pathlib import Path

import pytest

from event_seating.http_server.asgi import Message, Scope
from event_seating.web.connection_rules import (
    HEAD_WITHIN_S,
    SOCKET_BYTES_MAX,
    Connection,
    ConnectionLimits,
    EndReason,
    to_end,
)
from event_seating.web.connections import ActivityTracker, ConnectionGuard

pytestmark = pytest.mark.anyio

WIDE = ConnectionLimits(total=1_000, per_address=100)
NOW = 1_000.0


def connection(port: int, client: int | str = 1, **seen: object) -> Connection:
    made = Connection(port, ("192.0.2.1", port), port, NOW - 100, client=client)
    for name, value in seen.items():
        setattr(made, name, value)
    return made


def ended(
    connections: list[Connection], limits: ConnectionLimits = WIDE
) -> list[tuple[int, EndReason]]:
    return [(each.descriptor, why) for each, why in to_end(connections, limits, NOW)]


class TestTheRules:
    def test_a_head_has_ten_seconds(self) -> None:
        slow = connection(1, head_since=NOW - HEAD_WITHIN_S - 0.1)
        assert ended([slow, connection(2, head_since=NOW - 9), connection(3)]) == [
            (1, EndReason.head)
        ]

    def test_a_websocket_that_says_too_much_is_ended(self) -> None:
        said = {"websocket": True, "received_before": 5_000_000}
        quiet = connection(1, received=5_000_000 + SOCKET_BYTES_MAX, **said)
        loud = connection(2, received=5_000_001 + SOCKET_BYTES_MAX, **said)
        assert ended([quiet, loud, connection(3, received=10**9)]) == [(2, EndReason.messages)]

    def test_beyond_the_share_of_an_address_the_longest_idle_go_first(self) -> None:
        theirs = [connection(port, idle_s=port) for port in range(1, 6)]
        theirs[4].busy = True
        others = [connection(port, client=2) for port in range(10, 12)]
        limits = ConnectionLimits(total=1_000, per_address=3)
        assert ended([*theirs, *others], limits) == [(4, EndReason.address), (3, EndReason.address)]

    def test_who_has_only_busy_ones_loses_the_newest(self) -> None:
        theirs = [connection(port, busy=True, since=NOW - port) for port in (1, 2, 3)]
        assert ended(theirs, ConnectionLimits(1_000, 2)) == [(1, EndReason.address)]

    def test_the_connections_of_a_proxy_and_websockets_are_not_counted_by_address(self) -> None:
        proxied = [connection(port, of_proxy=True) for port in range(5)]
        watching = [connection(port, websocket=True) for port in range(5, 10)]
        assert ended([*proxied, *watching], ConnectionLimits(1_000, 2)) == []

    def test_idle_ones_make_room_before_nobody_else_gets_in(self) -> None:
        idle = [connection(port, client=port, idle_s=port) for port in range(60)]
        busy = [connection(port, client=port, busy=True) for port in range(60, 91)]
        assert ended([*idle, *busy[:30]], ConnectionLimits(100, 100)) == []
        assert ended([*idle, *busy], ConnectionLimits(100, 100)) == [
            (port, EndReason.total) for port in range(59, 48, -1)
        ]

    def test_busy_ones_and_watchers_never_make_room(self) -> None:
        busy = [connection(port, client=port, busy=True) for port in range(50)]
        watching = [connection(port, websocket=True) for port in range(50, 100)]
        assert ended([*busy, *watching], ConnectionLimits(100, 100)) == []


class TestActivityTracker:
    async def test_it_knows_what_is_under_way_on_which_connection(self) -> None:
        arrived, leave = asyncio.Event(), asyncio.Event()

        async def app(scope: Scope, receive: object, send: object) -> None:
            arrived.set()
            await leave.wait()

        activity = ActivityTracker(app)
        scopes: list[Scope] = [
            {"type": "http", "client": ("192.0.2.1", 5)},
            {"type": "http", "client": ("192.0.2.1", "5")},
            {"type": "websocket", "client": ("192.0.2.1", 6)},
        ]
        running = [asyncio.create_task(activity(scope, nothing, nowhere)) for scope in scopes]
        await arrived.wait()
        await asyncio.sleep(0)
        assert dict(activity.requests) == {("192.0.2.1", 5): 2}
        assert dict(activity.websockets) == {("192.0.2.1", 6): 1}
        leave.set()
        await asyncio.gather(*running)
        assert not activity.requests
        assert not activity.websockets

    async def test_one_that_fails_is_over_as_well(self) -> None:
        async def app(scope: Scope, receive: object, send: object) -> None:
            raise RuntimeError

        activity = ActivityTracker(app)
        with pytest.raises(RuntimeError):
            await activity({"type": "http", "client": ("192.0.2.1", 5)}, nothing, nowhere)
        assert not activity.requests


async def nothing() -> Message:
    return {}


async def nowhere(_message: Message) -> None:
    return None


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class OutOfDescriptorsAtFirst(Clock):
    """Fails the first look, as the system does when too many files are open."""

    def __init__(self) -> None:
        super().__init__()
        self.failed = False

    def __call__(self) -> float:
        if not self.failed:
            self.failed = True
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return super().__call__()


class Server:
    """A listening socket of this process, and clients that are connected to it."""

    def __init__(self, stack: ExitStack, host: str) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._stack = stack
        self.listener = stack.enter_context(socket.create_server((host, 0), family=family))
        self.address = self.listener.getsockname()[:2]

    def client(
        self, sent: bytes = b"", *, source: tuple[str, int] | None = None
    ) -> tuple[socket.socket, socket.socket]:
        """A client, and the server's end of its connection."""
        client = self._stack.enter_context(
            socket.create_connection(self.address, timeout=20, source_address=source)
        )
        served = self._stack.enter_context(self.listener.accept()[0])
        if sent:
            client.sendall(sent)
            served.recv(len(sent), socket.MSG_PEEK)
        return client, served

    def guard(self, limits: ConnectionLimits, clock: Clock) -> ConnectionGuard:
        return ConnectionGuard(self.address[1], limits, ActivityTracker(_never), clock)


async def _never(scope: Scope, receive: object, send: object) -> None:
    raise AssertionError


@pytest.fixture(params=["127.0.0.1", "::1"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with ExitStack() as stack:
        yield Server(stack, request.param)


def descriptors() -> list[Path]:
    return sorted(Path("/dev/fd").iterdir())


def closed(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


class TestOverRealSockets:
    async def test_it_finds_the_connections_of_its_port_and_nothing_else(
        self, server: Server
    ) -> None:
        with ExitStack() as stack:
            other = Server(stack, "127.0.0.1")
            other.client()
            client, _ = server.client()
            guard = server.guard(WIDE, Clock())
            before = descriptors()
            await guard.look()
            assert descriptors() == before, "what it looked at is still open"
            assert list(guard.open) == [client.getsockname()[:2]]

    async def test_beyond_the_share_of_an_address_some_are_closed(self, server: Server) -> None:
        clients = [server.client()[0] for _ in range(5)]
        guard = server.guard(ConnectionLimits(1_000, 3), Clock())
        await guard.look()
        assert sum(map(closed, clients)) == 2
        assert guard.ended[EndReason.address] == 2

    async def test_who_comes_back_from_the_same_port_is_another_connection(
        self, server: Server
    ) -> None:
        guard = server.guard(WIDE, Clock())
        first, served = server.client()
        await guard.look()
        (known,) = guard.open.values()
        known.websocket = True
        served.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        served.close()
        port = first.getsockname()[1]
        first.close()
        host = server.address[0]
        server.client(source=(host, port))
        await guard.look()
        (found,) = guard.open.values()
        assert found.peer == known.peer
        assert not found.websocket

    async def test_a_websocket_waits_for_a_look_that_begins_after_it(self, server: Server) -> None:
        guard = server.guard(WIDE, Clock())
        await guard.look()
        waiting = asyncio.create_task(guard.watched())
        await asyncio.sleep(0)
        assert not waiting.done()
        await guard.look()
        await asyncio.wait_for(waiting, 20)

    async def test_a_look_that_fails_is_not_the_last(self, server: Server) -> None:
        clients = [server.client()[0] for _ in range(3)]
        guard = server.guard(ConnectionLimits(1_000, 1), OutOfDescriptorsAtFirst())
        looking = asyncio.create_task(guard.run())
        await asyncio.wait_for(guard.watched(), 20)
        assert sum(map(closed, clients)) == 2
        looking.cancel()

    async def test_a_proxy_may_have_as_many_as_there_are(self, server: Server) -> None:
        clients = [server.client()[0] for _ in range(5)]
        proxies = (ip_network(server.address[0]),)
        guard = server.guard(ConnectionLimits(1_000, 3, proxies), Clock())
        await guard.look()
        assert not any(map(closed, clients))


class TestWhatWasReceived:
    """As Linux says it; other kernels do not."""

    async def test_a_head_that_does_not_end_is_closed_and_one_under_way_is_not(
        self, server: Server
    ) -> None:
        clock = Clock()
        guard = server.guard(WIDE, clock)
        silent, _ = server.client()
        half, _ = server.client(b"GET / HT")
        asking, _ = server.client(b"GET / HTTP/1.1\r\n\r\n")
        guard.activity.requests[asking.getsockname()[:2]] += 1
        await guard.look()
        clock.now += HEAD_WITHIN_S + 1
        await guard.look()
        assert [closed(each) for each in (silent, half, asking)] == [True, True, False]
        assert guard.ended[EndReason.head] == 2

    async def test_who_was_answered_may_wait(self, server: Server) -> None:
        clock = Clock()
        guard = server.guard(WIDE, clock)
        client, served = server.client(b"GET / HTTP/1.1\r\n\r\n")
        guard.activity.requests[client.getsockname()[:2]] += 1
        await guard.look()
        await asyncio.sleep(0.02)  # the kernel counts in milliseconds
        served.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        guard.activity.requests.clear()
        for _ in range(3):
            await guard.look()
            clock.now += HEAD_WITHIN_S
        client.recv(100)
        assert not closed(client)

    async def test_a_proxy_may_open_a_connection_before_it_needs_it(self, server: Server) -> None:
        clock = Clock()
        guard = server.guard(ConnectionLimits(1_000, 3, (ip_network(server.address[0]),)), clock)
        client, _ = server.client()
        await guard.look()
        clock.now += 10 * HEAD_WITHIN_S
        await guard.look()
        assert not closed(client)

    async def test_what_a_websocket_sends_is_bounded(self, server: Server) -> None:
        guard = server.guard(WIDE, Clock())
        client, served = server.client(b"x" * 5_000)
        served.recv(5_000, socket.MSG_WAITALL)
        await guard.look()
        guard.activity.websockets[client.getsockname()[:2]] += 1
        for size, ends in ((SOCKET_BYTES_MAX, False), (1, True)):
            client.setblocking(True)
            client.sendall(b"x" * size)
            served.recv(size, socket.MSG_WAITALL)
            await guard.look()
            assert closed(client) == ends

    async def test_its_client_is_reset_and_does_not_wait_to_send_more(self, server: Server) -> None:
        guard = server.guard(WIDE, Clock())
        client, served = server.client()
        guard.activity.websockets[client.getsockname()[:2]] += 1
        await guard.look()
        client.sendall(b"x" * (SOCKET_BYTES_MAX + 1))
        served.recv(SOCKET_BYTES_MAX + 1, socket.MSG_WAITALL)
        await guard.look()
        served.close()
        with pytest.raises(BrokenPipeError):
            client.send(b"x")
