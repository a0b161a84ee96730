"""A connection without a socket: a transport by uvloop's rules, and the client's end of it.

Everything happens when the test says so: what a client sends arrives at once unless the server has
paused reading, and what the server sends is received at once unless the client does not read. It is
stricter than uvloop in one point: to write or half-close after the server itself has closed the
connection is noted in `misused`, where uvloop would overlook it.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from event_seating.http_server.asgi import App
from event_seating.http_server.connection import HttpConnection
from event_seating.http_server.heads import HttpRefused
from event_seating.http_server.limits import ConnectionCaps, EndReason
from event_seating.http_server.server import HttpServer

HIGH_WATER: Final = 64 * 1024
LOW_WATER: Final = 16 * 1024
READ_MAX: Final = 256 * 1024
"""As uvloop has them: when a writer is paused and resumed, and how much one read gives."""

DATE: Final = b"date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"


class Reports:
    """What a server reports, kept."""

    def __init__(self) -> None:
        self.crashes: list[Exception] = []
        self.reasons: list[EndReason] = []

    def crashed(self, error: Exception) -> None:
        self.crashes.append(error)

    def ended(self, reason: EndReason) -> None:
        self.reasons.append(reason)

    def explain(self, refused: HttpRefused) -> bytes:
        return refused.code.encode()


class _Listener:
    """Stands for the socket of a server that accepts nothing."""

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", 3001

    def setsockopt(self, *_options: object) -> None: ...

    def shutdown(self, _how: int) -> None: ...


class _Accepting:
    """Stands for what accepts connections."""

    def close(self) -> None: ...


class WireServer(HttpServer):
    """A server whose connections are wires, and whose clock moves only by `pass_time`."""

    def __init__(
        self,
        app: App,
        *,
        total: int = 1_000_000,
        per_client: int = 1_000_000,
        client_of: Callable[[str], str | None] = lambda address: address,
    ) -> None:
        self.reports = Reports()
        caps = ConnectionCaps(total, per_client, client_of)
        super().__init__(app, _Listener(), caps, self.reports)  # type: ignore[arg-type]
        self._loop = asyncio.get_running_loop()
        self._server = _Accepting()  # type: ignore[assignment]
        self._ticking = self._loop.call_later(3_600, lambda: None)
        self.now = 1_000.0
        self.date = DATE

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and end what has expired by then."""
        self.now += seconds
        for each in [each for each in self.open if each.deadline < self.now]:
            each.expire()


class Wire(asyncio.Transport):
    """One connection: the transport that the server sees, and what its client does and gets."""

    def __init__(
        self,
        server: HttpServer | None = None,
        *,
        protocol: asyncio.Protocol | None = None,
        host: str = "192.0.2.1",
        port: int = 4_000,
    ) -> None:
        """Of a server, or of a protocol that is not ours."""
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._peer = (host, port)
        self._arriving = b""
        """Sent by the client and not yet given to the server, which has paused reading."""
        self._client_sends_more = True
        self._server_reads = True
        self._server_paused = False
        self._server_closed = False
        self._closing = False
        self.half_closed = False
        """Whether the server has said that it sends no more."""
        self.client_reads = True
        self.received = bytearray()
        """What the client has received."""
        self._unsent = bytearray()
        self.lost = False
        """Whether the connection is gone."""
        self.misused: list[str] = []
        """What the server did with a connection that it had closed."""
        if server is not None:
            protocol = self.connection = HttpConnection(server, self._loop)
        self._protocol: Any = protocol
        self._protocol.connection_made(self)

    # The client's end

    def send(self, data: bytes) -> None:
        """Send; the server gets it at once if it reads."""
        self._arriving += data
        self._deliver()

    def send_eof(self) -> None:
        """Say that nothing more is sent."""
        self._client_sends_more = False
        self._deliver()

    def reset(self) -> None:
        """Break the connection off."""
        self._lose(ConnectionResetError())

    def receive(self, size: int = 1 << 40) -> None:
        """Take some of what the server has sent and the client has not read."""
        self.received += self._unsent[:size]
        del self._unsent[:size]
        if self._server_paused and len(self._unsent) <= LOW_WATER:
            self._server_paused = False
            self._protocol.resume_writing()
        if self._closing and not self._unsent:
            self._lose(None)

    @property
    def stuck(self) -> int:
        """Bytes that the client sent and the server does not read."""
        return len(self._arriving)

    @property
    def ended(self) -> bool:
        """Whether the client sees the end of what the server sends."""
        return self.lost or (self.half_closed and not self._unsent)

    def _deliver(self) -> None:
        while self._server_reads and not self._closing and self._arriving:
            data, self._arriving = self._arriving[:READ_MAX], self._arriving[READ_MAX:]
            self._protocol.data_received(data)
        if self._server_reads and not self._closing and not self._client_sends_more:
            self._server_reads = False
            if not self._protocol.eof_received():
                self.close()

    def _lose(self, error: Exception | None) -> None:
        if not self._closing or not self.lost:
            self._closing = True
            self._loop.call_soon(self._call_connection_lost, error)

    def _call_connection_lost(self, error: Exception | None) -> None:
        if not self.lost:
            self.lost = True
            self._unsent.clear()
            self._protocol.connection_lost(error)

    def _check(self, what: str) -> None:
        if self._server_closed:
            self.misused.append(what)
        if self.lost:
            raise RuntimeError(f"{what}: the handler is closed")

    # The server's end

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self._check("write")
        if self.half_closed:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self._closing:
            return
        if self.client_reads:
            self.received += data
            return
        self._unsent += data
        if len(self._unsent) > HIGH_WATER and not self._server_paused:
            self._server_paused = True
            self._protocol.pause_writing()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self._check("write_eof")
        self.half_closed = True

    def close(self) -> None:
        self._server_closed = True
        if not self._closing:
            self._closing, self._server_reads = True, False
            if not self._unsent:
                self._lose(None)

    def abort(self) -> None:
        self._server_closed = True
        self._server_reads = False
        self._lose(None)

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return self._server_reads

    def pause_reading(self) -> None:
        self._server_reads = False

    def resume_reading(self) -> None:
        if not self._server_reads and not self._closing:
            self._server_reads = True
            self._loop.call_soon(self._deliver)

    def get_write_buffer_size(self) -> int:
        return len(self._unsent)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol  # type: ignore[no-any-return]

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._peer if name == "peername" else default


async def settle() -> None:
    """Let everything happen that is in the loop's queue, and what comes of it."""
    queue = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    while queue:  # noqa: ASYNC110 (nothing else says that nothing happens any more)
        await asyncio.sleep(0)
