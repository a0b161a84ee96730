"""Frames over real sockets of our own server, written straight to each connection."""

import socket
import struct
from collections.abc import AsyncIterator

import pytest
from tests.support.waiting import until
from tests.unit.live.watching import EVENT, Stage
from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import Opcode
from websockets.protocol import CLIENT, OPEN
from websockets.protocol import Protocol as WebSocket

from event_seating.http_server import websocket
from event_seating.http_server.asgi import Receive, Scope, Send
from event_seating.http_server.heads import HttpRefused
from event_seating.http_server.limits import ConnectionCaps, EndReason
from event_seating.http_server.server import HttpServer
from event_seating.live import subscriber
from event_seating.live.socket import LiveSocket

pytestmark = pytest.mark.anyio

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
BUFFER_BYTES = 4_096
"""What the kernel holds for a client that does not read: little, so that it is soon full."""


class Reports:
    """What the server reports, kept."""

    def __init__(self) -> None:
        self.crashes: list[Exception] = []

    def crashed(self, error: Exception) -> None:
        self.crashes.append(error)

    def ended(self, reason: EndReason) -> None: ...

    def explain(self, refused: HttpRefused) -> bytes:
        return refused.code.encode()


class Served:
    """A stage that is watched over sockets."""

    def __init__(self, port: int) -> None:
        self.stage = Stage()
        self.reports = Reports()
        self._live = LiveSocket(self.stage.hub, lambda: self.stage.time.now)
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._live(EVENT, "::1", scope, receive, send)

    @property
    def watching(self) -> int:
        return self.stage.hub.watcher_limits.watching

    async def watch(self) -> ClientConnection:
        """One who has received the first frame."""
        connection = await connect(f"ws://127.0.0.1:{self._port}/", compression=None)
        assert await connection.recv() == f'{{"version":{self.stage.version}}}'
        return connection

    async def silent(self) -> socket.socket:
        """One whose client takes nothing after the handshake, once it watches."""
        watching = self.watching
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        client.connect(("127.0.0.1", self._port))
        client.sendall(HANDSHAKE)
        await until(lambda: self.watching == watching + 1)
        return client

    async def change(self) -> int:
        """A change that all are told of; its version."""
        (self.stage.unblock if self.stage.version % 2 == 0 else self.stage.block)(1)
        self.stage.time.advance(1)
        await self.stage.settle()
        return self.stage.version


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    listener.bind(("127.0.0.1", 0))
    app = Served(listener.getsockname()[1])
    server = HttpServer(app, listener, ConnectionCaps(99, 99, lambda _: None), app.reports)
    await server.start()
    yield app
    await app.stage.hub.drain()
    await server.stop(hang_up=True)
    assert app.reports.crashes == []


async def test_everybody_gets_each_frame_and_the_reason_for_the_end(served: Served) -> None:
    watchers = [await served.watch() for _ in range(5)]
    version = await served.change()
    for watcher in watchers:
        assert f'"version":{version}' in str(await watcher.recv())
    await served.stage.hub.drain()
    for watcher in watchers:
        await watcher.wait_closed()
        assert (watcher.close_code, watcher.close_reason) == subscriber.GOING_AWAY
    assert served.watching == 0


async def test_one_who_says_goodbye_is_gone(served: Served) -> None:
    watcher = await served.watch()
    await watcher.close(4000)
    assert watcher.close_code == 4000, "the server's answer"
    await until(lambda: not served.watching)


async def test_one_who_is_reset_amid_a_frame_does_not_keep_it_from_the_others(
    served: Served,
) -> None:
    gone = [await served.silent() for _ in range(3)]
    watchers = [await served.watch() for _ in range(3)]
    served.stage.block(1)
    for client in gone:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        client.close()
    # No step of the event loop has run since: the server does not know it yet.
    for number in (2, 3):
        served.stage.time.step()
        served.stage.time.advance(1)
        served.stage.block(number)
    await until(lambda: served.watching == 3)
    version = await served.change()
    for watcher in watchers:
        while f'"version":{version}' not in str(await watcher.recv()):
            continue


async def test_one_who_does_not_receive_is_told_so_and_slows_nobody(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "UNSENT_BYTES_MAX", 2_000)
    monkeypatch.setattr(websocket, "LINGER_S", 60.0)
    silent, watcher = await served.silent(), await served.watch()
    frames = 0
    while not served.stage.hub.tally.dropped:
        version = await served.change()
        assert f'"version":{version}' in str(await watcher.recv())
        frames += 1
        assert frames < 5_000
    end = WebSocket(CLIENT, state=OPEN)
    received = silent.recv(100_000)
    end.receive_data(received[received.index(b"\r\n\r\n") + 4 :])
    silent.setblocking(False)
    await until(lambda: _received_end(silent, end))
    assert end.close_rcvd is not None
    assert (end.close_rcvd.code, end.close_rcvd.reason) == subscriber.TOO_SLOW
    texts = [frame for frame in end.events_received() if frame.opcode is Opcode.TEXT]  # type: ignore[union-attr]
    assert len(texts) == frames + 1, "what was written before is received"
    await until(lambda: served.watching == 1)
    silent.close()


def _received_end(client: socket.socket, end: WebSocket) -> bool:
    try:
        data = client.recv(100_000)
    except BlockingIOError:
        return False
    end.receive_data(data)
    return not data
