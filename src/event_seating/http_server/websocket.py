"""A WebSocket, as the application sees it: scope, receive and send of ASGI, over frames.

Until the application accepts, the handshake is a request like any other: it may be refused with an
HTTP response, and the connection stays usable. From then on the connection is this object's, which
answers pings, refuses messages that are too long before any of them is kept, and says why it
closes.

Whoever sends the same frame to thousands may write it ready-made, past `send`: the cycle itself is
`DIRECT_FRAMES` among the extensions of the scope, for its `write` and `close` alone.
"""

import asyncio
from collections import deque
from math import inf
from typing import TYPE_CHECKING, Final, cast

from event_seating.http_server import frames, handshake
from event_seating.http_server.asgi import DIRECT_FRAMES, App, Message, Scope
from event_seating.http_server.cycle import STATUS_LINES, BrokenResponseError, RequestCycle
from event_seating.http_server.frames import (
    Binary,
    Close,
    MessageReader,
    Ping,
    Text,
    Violation,
    WebSocketEvent,
)
from event_seating.http_server.limits import (
    BUFFERED_BYTES_MAX,
    LINGER_S,
    MESSAGE_BYTES_MAX,
    SOCKET_BYTES_MAX,
    WRITTEN_WITHIN_S,
    EndReason,
)

if TYPE_CHECKING:
    from event_seating.http_server.connection import HttpConnection
    from event_seating.http_server.server import HttpServer

MESSAGES_WAITING_MAX: Final = 32
"""Messages that the application has not taken yet; then no more are read."""

PONGS_UNSENT_MAX: Final = 4 * 1024
"""Bytes that wait to be sent; above them a ping is not answered, so that a client that asks and
never reads fills no memory."""

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
ABNORMAL: Final = 1006
INTERNAL_ERROR: Final = 1011

REFUSED_RESPONSE: Final = "websocket.http.response"


class WebSocketCycle(asyncio.Protocol):
    """One WebSocket from its handshake to its end."""

    __slots__ = (
        "_closed", "_connection", "_incoming", "_lost", "_may_stay", "_reader", "_received",
        "_refusal", "_server", "_transport", "_unsent", "_wanted", "_writable", "deadline", "ended",
        "peer", "scope", "task",
    )  # fmt: skip

    def __init__(self, connection: "HttpConnection", scope: Scope, *, keep_alive: bool) -> None:
        """`keep_alive` says whether another request may follow a handshake that is refused."""
        self.scope = scope
        self._may_stay = keep_alive
        scope["extensions"] = {REFUSED_RESPONSE: {}, DIRECT_FRAMES: self}
        self.task: asyncio.Task[None] | None = None
        self.peer = connection.peer
        self.deadline = inf
        self.ended = False
        self._server: HttpServer = connection.server
        self._connection: HttpConnection | None = connection
        """The connection on which the handshake came, until it is accepted."""
        self._transport: asyncio.Transport | None = None
        """Since it was accepted."""
        self._refusal: RequestCycle | None = None
        """The HTTP response that refuses the handshake."""
        self._incoming: deque[Message] | None = deque([{"type": "websocket.connect"}])
        """What the application has yet to receive; None while there is nothing."""
        self._wanted: asyncio.Future[None] | None = None
        """Set while the application waits for a message."""
        self._writable: asyncio.Future[None] | None = None
        """Set while the client has to receive before more may be sent."""
        self._unsent = 0
        """Bytes that it would have yet to receive, had it received none since the deadline for that
        was set."""
        self._reader: MessageReader | None = None
        self._received = 0
        self._closed = False
        """Whether our close frame is out."""
        self._lost = False
        """Whether the end has been passed on to the application."""

    @property
    def idle(self) -> bool:
        """Never: it is not closed to make room for others."""
        return False

    @property
    def keep_alive(self) -> bool:
        """Whether another request may follow, after a refused handshake."""
        refusal = self._refusal
        return refusal is not None and refusal.ended and refusal.keep_alive

    async def run(self, app: App) -> None:
        """Call the application, and close the WebSocket if it does not."""
        try:
            await app(self.scope, self.receive, self.send)
        except Exception as error:  # noqa: BLE001 (a fault of one must not end the server)
            self._server.crashed(error)
            self._close(INTERNAL_ERROR, "")
        finally:
            if self._connection is None:
                self._close(NORMAL, "")
            else:
                self._end_handshake(self._connection)

    def _end_handshake(self, connection: "HttpConnection") -> None:
        refusal = self._refusal
        if refusal is None or refusal.unanswered:
            connection.write(STATUS_LINES[403] + b"content-length: 0\r\nconnection: close\r\n\r\n")
            self._refusal = None
        connection.finished(self)

    # From the application

    async def receive(self) -> Message:
        """The next message; after the end always `websocket.disconnect`."""
        while self._incoming is None:
            if self._lost:
                return {"type": "websocket.disconnect", "code": ABNORMAL}
            self._wanted = asyncio.get_running_loop().create_future()
            try:
                await self._wanted
            finally:
                self._wanted = None
        message = self._incoming.popleft()
        if not self._incoming:
            self._incoming = None
            if self._transport is not None and not self._lost:
                self._transport.resume_reading()
        return message

    async def send(self, message: Message) -> None:
        """Send a message, accept, refuse or close; raises `BrokenResponseError` out of order."""
        kind: str = message["type"]
        if kind.startswith(REFUSED_RESPONSE) and self._connection is not None:
            await self._refuse(self._connection, kind, message)
        elif kind == "websocket.accept" and self._connection is not None:
            self._accept(self._connection)
        elif kind == "websocket.close":
            if self._connection is None:
                self._close(message.get("code", NORMAL), message.get("reason") or "")
        elif kind == "websocket.send" and self._connection is None:
            text = message.get("text")
            self.write(
                frames.frame(frames.BINARY, message["bytes"])
                if text is None
                else frames.text_frame(text.encode())
            )
            if self._writable is not None:
                await asyncio.shield(self._writable)
        else:
            raise BrokenResponseError(f"{kind} is out of order")

    def write(self, ready: bytes) -> int:
        """Send a frame as it is; the bytes that the client has not received yet, it included.

        It never waits, so the caller decides when a client reads too slowly. After the end it does
        nothing.
        """
        transport = self._transport
        if transport is None or self._closed or self._lost:
            return 0
        if self._writable is not None:
            self._unsent += len(ready)
        transport.write(ready)
        return transport.get_write_buffer_size()

    async def _refuse(self, connection: "HttpConnection", kind: str, message: Message) -> None:
        if self._refusal is None:
            scope = {**self.scope, "type": "http"}
            self._refusal = RequestCycle(connection, scope, keep_alive=self._may_stay, waits=False)
            self._refusal.complete = True
        await self._refusal.send({**message, "type": kind.removeprefix("websocket.")})

    def _accept(self, connection: "HttpConnection") -> None:
        key = dict(self.scope["headers"])[b"sec-websocket-key"]
        connection.write(
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n"
            b"connection: Upgrade\r\nsec-websocket-accept: %b\r\n%b\r\n"
            % (handshake.accept_key(key), connection.date)
        )
        self.scope["headers"] = []  # it may stay open for hours
        self._reader = MessageReader(MESSAGE_BYTES_MAX)
        self._connection = None
        rest = connection.become(self)
        if rest:
            self.data_received(rest)

    def _close(self, code: int, reason: str) -> None:
        """Send a close frame, and end the connection once the client has answered it."""
        transport = self._transport
        if transport is None or self._closed:
            return
        self._closed = True
        self.deadline = self._server.now + LINGER_S
        if self._lost:
            return
        transport.write(frames.close_frame(code, reason))
        self._disconnect(code)
        if transport.can_write_eof():
            transport.resume_reading()
            transport.write_eof()

    # From the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the connection."""
        self._transport = cast("asyncio.Transport", transport)
        self._server.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that nothing comes or goes any more."""
        del exc
        self._server.remove(self)
        self._closed = True
        self._disconnect(ABNORMAL)
        self.resume_writing()

    def disconnect(self) -> None:
        """Note that the client has disconnected before the handshake was answered."""
        self._disconnect(ABNORMAL)

    def eof_received(self) -> bool:
        """Close: without a close frame this is an abrupt end."""
        self._disconnect(ABNORMAL)
        return False

    def pause_writing(self) -> None:
        """Let `send` wait until the client has received some of what was sent."""
        if self._writable is None:
            self._writable = asyncio.get_running_loop().create_future()
            if self._transport is not None and not self._closed:
                self._await_receipt(self._transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Let `send` go on."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None
        if not self._closed:
            self.deadline = inf

    def data_received(self, data: bytes) -> None:
        """Pass on the messages that have come, and answer what the protocol answers."""
        self._received += len(data)
        if self._received > SOCKET_BYTES_MAX:
            self.end(EndReason.messages)
            return
        if self._closed or self._reader is None:
            return
        for event in self._reader.feed(data):
            self._take(event)

    def _take(self, event: WebSocketEvent) -> None:
        if isinstance(event, Text):
            self._put({"type": "websocket.receive", "text": event.text})
        elif isinstance(event, Binary):
            self._put({"type": "websocket.receive", "bytes": event.payload})
        elif isinstance(event, Ping):
            if self._transport and self._transport.get_write_buffer_size() < PONGS_UNSENT_MAX:
                self.write(frames.frame(frames.PONG, event.payload))
        elif isinstance(event, Violation):
            self._close(event.code, event.reason)
        elif isinstance(event, Close):
            self._close(event.code, "")
            if self._transport is not None:
                self._transport.close()

    def _put(self, message: Message) -> None:
        if self._lost:
            return
        if self._incoming is None:
            self._incoming = deque()
        self._incoming.append(message)
        if len(self._incoming) >= MESSAGES_WAITING_MAX and self._transport is not None:
            self._transport.pause_reading()
        self._wake()

    def _disconnect(self, code: int) -> None:
        if not self._lost:
            self._put({"type": "websocket.disconnect", "code": code})
            self._lost = True

    def _wake(self) -> None:
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)

    # The end

    def expire(self) -> None:
        """End it, since its deadline has passed, unless its client does receive."""
        unsent = 0 if self._transport is None else self._transport.get_write_buffer_size()
        if not self._closed and self._unsent - unsent >= BUFFERED_BYTES_MAX:
            self._await_receipt(unsent)
            return
        if not self._closed:
            self._server.count(EndReason.slow)
        self.abort()

    def _await_receipt(self, unsent: int) -> None:
        """Give the client its time to receive the next part of what was sent."""
        self._unsent = unsent
        self.deadline = self._server.now + WRITTEN_WITHIN_S

    def end(self, why: EndReason) -> None:
        """End it at once: a client that is sending must not wait for more to be read."""
        if not self.ended:
            self.ended = True
            self._server.count(why)
            self.abort()

    def close(self, code: int = GOING_AWAY, reason: str = "") -> None:
        """Close it; without a code because the server stops."""
        self._close(code, reason)

    def abort(self) -> None:
        """Close it at once; what was not sent is lost."""
        self._closed = True
        if self._transport is not None:
            self._transport.abort()
        elif self._connection is not None:
            self._connection.abort()
