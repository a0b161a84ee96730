"""One connection: the bytes that come in, the requests that they are, the responses in their order.

Owns the state of a connection between its requests. One request is under way at a time; the bytes
of those sent ahead stay as they came, a bounded number of them, and then nothing more is read until
the response is out. A request is refused here, without the application, if it is no valid HTTP; the
connection is closed after that, and nothing of the rest is read as a request.

A request without a body is first shown to the application's `at_once`, if it has one: bytes that it
returns are the response, and no task, scope or message is made.
"""

import asyncio
from math import inf
from typing import TYPE_CHECKING, Final, cast

from event_seating.http_server import bodies, handshake, heads, websocket
from event_seating.http_server.asgi import ADMITTED, BODY_HAS_COME, REFUSED, Scope
from event_seating.http_server.cycle import STATUS_LINES, RequestCycle
from event_seating.http_server.heads import Framing, HeaderFields, HttpRefused
from event_seating.http_server.limits import (
    BUFFERED_BYTES_MAX,
    FIELDS_REMEMBERED_BYTES_MAX,
    HEAD_BYTES_MAX,
    HEAD_WITHIN_S,
    IDLE_S,
    LINGER_S,
    REQUESTS_A_STEP,
    TARGET_BYTES_MAX,
    TOGETHER_BYTES_MAX,
    WRITTEN_WITHIN_S,
    EndReason,
)
from event_seating.http_server.scopes import scope_of

if TYPE_CHECKING:
    from event_seating.http_server.bodies import BodyReader
    from event_seating.http_server.server import HttpServer
    from event_seating.http_server.websocket import WebSocketCycle

_HEAD_END: Final = b"\r\n\r\n"

_HEAD_METHOD: Final = b"HEAD "
"""With what a request begins whose response has no body, however malformed the rest of it is."""

_FIRST_BYTES: Final = frozenset(
    b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
"""With what a method can begin: a client that speaks TLS is refused by its first byte."""


class HttpConnection(asyncio.Protocol):
    """The server's end of one connection."""

    __slots__ = (
        "_at", "_block", "_body", "_buffer", "_cycle", "_eof", "_fields", "_fresh", "_lingering",
        "_loop", "_outgoing", "_partial", "_paused", "_scheduled", "_searched", "_transport",
        "_unsent", "_writable", "client", "deadline", "ended", "peer", "server", "since",
    )  # fmt: skip

    def __init__(self, server: "HttpServer", loop: asyncio.AbstractEventLoop) -> None:
        self.server = server
        self._loop = loop
        self._transport = cast("asyncio.Transport", None)  # until it is made
        self._buffer = b""
        """Bytes that have come; those before `_at` are used."""
        self._at = 0
        self._searched = 0
        """Where the end of a head can be found at the earliest."""
        self._block = b""
        self._fields: HeaderFields | None = None
        """The fields of the last request and what they were made of, unless they are long: most
        clients send the same again."""
        self._fresh = True
        """Whether no head has come yet."""
        self._cycle: RequestCycle | WebSocketCycle | None = None
        self._outgoing = b""
        """Responses that are written at the end of the step; see `HttpServer.write_soon`."""
        self._body: BodyReader | None = None
        """The body of the request under way, until it has come."""
        self._eof = False
        self._lingering = False
        """Whether the last response is out and what still comes is dropped."""
        self._partial = False
        """Whether a part of a head has come."""
        self._paused = False
        self._scheduled = False
        """Whether the next step is in the loop's queue."""
        self._writable: asyncio.Future[None] | None = None
        """Set while the client has to receive before more may be sent."""
        self._unsent = 0
        """Bytes that the client had yet to receive when the deadline for that was set."""
        self.peer = ("", 0)
        self.client: object = None
        """What its address counts as; None if it is not counted."""
        self.since = server.now
        """When it last was without a request, in seconds of the server's clock."""
        self.deadline = inf
        """When it is ended unless something happens."""
        self.ended = False

    @property
    def idle(self) -> bool:
        """Whether no request is under way."""
        return self._cycle is None

    @property
    def busy(self) -> bool:
        """Whether a request is under way, or an answer that the client has yet to receive."""
        unsent = self._outgoing or self._transport.get_write_buffer_size()
        return self._cycle is not None or bool(unsent)

    # From the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        self._transport = cast("asyncio.Transport", transport)
        host, port = (transport.get_extra_info("peername") or ("", 0))[:2]
        self.peer = (host.partition("%")[0], port)
        self.server.add(self)
        known = self.client is not None
        self.deadline = self.server.now + (HEAD_WITHIN_S if known else IDLE_S)
        if self.server.stopping:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that nothing comes or goes any more."""
        del exc
        self.server.remove(self)
        self._buffer = self._outgoing = b""
        self._lingering = self._eof = True
        if self._cycle is not None:
            self._cycle.disconnect()
        self.resume_writing()

    def eof_received(self) -> bool:
        """Note that the client sends no more; it may still receive the response."""
        self._eof = True
        if self._lingering:
            return False
        if self._cycle is not None:
            self._cycle.disconnect()
        elif self._at == len(self._buffer):
            self.flush()
            return False
        else:
            self._schedule()
        return True

    def pause_writing(self) -> None:
        """Stop until the client has received some of what was sent."""
        if self._writable is None:
            self._writable = self._loop.create_future()
            self._await_receipt()

    def resume_writing(self) -> None:
        """Go on."""
        if self._writable is None:
            return
        if not self._writable.done():
            self._writable.set_result(None)
        self._writable = None
        if not self._lingering:
            self._reset_deadline()
            self._schedule()

    def data_received(self, data: bytes) -> None:
        """Use what has come as far as that is possible."""
        if self._lingering:
            return
        if self._buffer:
            self._buffer = self._buffer[self._at :] + data
            self._searched -= self._at
            self._at = 0
        else:
            self._buffer, self._at, self._searched = data, 0, 0
        if self._body is not None:
            self._read_body()
        elif self._cycle is None and self._writable is None:
            self._advance()
        if self._buffer or self._paused or self._cycle is not None:
            self.read_or_pause()

    # Requests

    def _advance(self) -> None:
        """Begin with the requests that have come, until one has to be waited for."""
        try:
            for _ in range(REQUESTS_A_STEP):
                if self._cycle is not None or self._lingering or self._writable is not None:
                    return
                start = self._at
                end = self._buffer.find(_HEAD_END, self._searched)
                if end < 0:
                    self._wait_for_more()
                    return
                if end - start > HEAD_BYTES_MAX:
                    raise _too_long()
                self._begin(end + 2)
                if self._at == len(self._buffer) and self._cycle is None and not self._eof:
                    self._buffer, self._at, self._searched = b"", 0, 0
                    return
        except HttpRefused as refused:
            self._refuse(refused, of_head=self._buffer.startswith(_HEAD_METHOD, start))
            return
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled and (self._buffer or self._eof) and self._cycle is None:
            self._scheduled = True
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._scheduled = False
        self._advance()
        self.read_or_pause()

    def _wait_for_more(self) -> None:
        """Wait for the rest of a head, if a part has come; raises `HttpRefused`."""
        at, buffer = self._at, self._buffer
        if at == len(buffer):
            self._buffer, self._at, self._searched = b"", 0, 0
            if self._eof:
                self.close()
            return
        if self._eof or buffer[at] not in _FIRST_BYTES or buffer.find(b"\n", at) >= 0:
            heads.line(buffer, at)
        if self._eof:
            raise HttpRefused(400, "malformed_request", "The request broke off.")
        if len(buffer) - at >= HEAD_BYTES_MAX + len(_HEAD_END):
            raise _too_long()
        if not self._partial:
            self._partial = True
            self.deadline = self.server.now + HEAD_WITHIN_S
        self._searched = max(at, len(buffer) - len(_HEAD_END) + 1)

    def _begin(self, end: int) -> None:
        """Answer the request whose head is `_buffer[_at:end]`; raises `HttpRefused`."""
        server = self.server
        line = heads.line(self._buffer, self._at)
        method, target, minor = line.groups()
        start = line.end()
        fields = self._fields
        if fields is None or self._buffer[start:end] != self._block:
            fields = self._new_fields(start, end)
        self._at = self._searched = end + 2
        self._partial = False
        if len(target) > TARGET_BYTES_MAX:
            raise HttpRefused(414, "address_too_long", "The address is too long.")
        begun: object = None
        if fields.plain and minor == b"1" and server.at_once is not None and not server.stopping:
            try:
                begun = server.at_once(method, target, fields, self.peer, server.date)
            except Exception as error:  # noqa: BLE001 (the usual way answers, or fails by itself)
                server.crashed(error)
            if type(begun) is bytes:
                self.since = server.now
                self.deadline = self.since + IDLE_S
                self.write_soon(begun)
                return
        scope = scope_of(method, target, minor, fields.all)
        scope["client"], scope["server"] = self.peer, server.address
        if begun is not None:
            scope[ADMITTED] = begun
        self._start(scope, heads.framing(fields, minor))

    def _new_fields(self, start: int, end: int) -> HeaderFields:
        fields = heads.fields(self._buffer, start, end)
        remembered = end - start <= FIELDS_REMEMBERED_BYTES_MAX
        self._fields = fields if remembered else None
        self._block = self._buffer[start:end] if remembered else b""
        self._fresh = False
        return fields

    def _start(self, scope: Scope, framing: Framing) -> None:
        self.deadline = inf
        if framing.websocket and scope["method"] == "GET" and framing.length == 0:
            handshake.check_handshake(scope["headers"])
            scope["type"] = "websocket"
            scope["scheme"] = "ws"
            scope["subprotocols"] = []
            self._cycle = websocket.WebSocketCycle(self, scope, keep_alive=framing.keep_alive)
        else:
            cycle = self._cycle = RequestCycle(
                self, scope, keep_alive=framing.keep_alive, waits=framing.expects
            )
            if framing.length == 0:
                cycle.complete = True
            else:
                scope[BODY_HAS_COME] = cycle.has_come
                length = framing.length
                self._body = bodies.ChunkedBody() if length is None else bodies.SizedBody(length)
        task = self._cycle.task = self._loop.create_task(self._cycle.run(self.server.app))
        self.server.running.add(task)
        task.add_done_callback(self.server.running.discard)
        if self._body is not None:
            self._read_body()

    def _read_body(self) -> None:
        """Give the request under way what has come of its body."""
        cycle, reader = self._cycle, self._body
        assert isinstance(cycle, RequestCycle)
        assert reader is not None
        data = self._buffer[self._at :] if self._at else self._buffer
        try:
            part = reader.feed(data)
        except HttpRefused as refused:
            self._body = bodies.DroppedBody()
            self._buffer, self._at = b"", 0
            cycle.disconnect()
            if cycle.unanswered:
                self._refuse(refused, of_head=cycle.scope["method"] == "HEAD")
            return
        self._buffer, self._at, self._searched = part.rest, 0, 0
        if reader.complete:
            self._body = None
            cycle.complete = True
        elif self._eof:
            cycle.disconnect()
        cycle.feed(part.body)

    # From the request under way

    @property
    def date(self) -> bytes:
        """The line of the header `Date`."""
        return self.server.date

    @property
    def stopping(self) -> bool:
        """Whether no request may follow."""
        return self.server.stopping

    def write(self, data: bytes) -> None:
        """Send, unless nothing may be sent any more."""
        if not self._lingering:
            self.flush()
            self._transport.write(data)

    def flush(self) -> None:
        """Send what waits to be sent."""
        if self._outgoing:
            outgoing, self._outgoing = self._outgoing, b""
            self._transport.write(outgoing)

    def write_soon(self, end: bytes) -> None:
        """Send the end of a response, with those of other connections; see `HttpServer`."""
        if self._lingering:
            return
        waits = bool(self._outgoing)
        self._outgoing += end
        if len(self._outgoing) > TOGETHER_BYTES_MAX:
            self.flush()
        elif self._outgoing and not waits:
            self.server.write_soon(self)

    async def drain(self) -> None:
        """Wait until the client has received enough for more to be sent."""
        if self._writable is not None:
            await asyncio.shield(self._writable)

    def crashed(self, error: Exception) -> None:
        """Report an exception of the application."""
        self.server.crashed(error)

    def read_or_pause(self) -> None:
        """Read on, or pause while enough has come that waits to be used."""
        cycle = self._cycle
        full = not self._lingering and (
            len(self._buffer) - self._at > BUFFERED_BYTES_MAX
            or (isinstance(cycle, RequestCycle) and cycle.full)
        )
        if full is not self._paused:
            self._paused = full
            if full:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def finished(self, cycle: "RequestCycle | WebSocketCycle") -> None:
        """Go on to the next request, or close."""
        self._cycle = None
        if self._lingering:
            return
        if self._body is not None:
            self._body = None
            self._linger()
        elif not cycle.keep_alive or self.server.stopping:
            self._linger() if self._buffer[self._at :] else self.close()
        else:
            if self._writable is None:
                self._reset_deadline()
            # This runs in the context of that request, which must not become the next one's.
            self.server.context.copy().run(self._advance)
            self.read_or_pause()

    def become(self, protocol: "WebSocketCycle") -> bytes:
        """Leave the connection to a WebSocket; the bytes that came after the handshake."""
        if self._lingering:  # the client went away, or the server closed it
            protocol.disconnect()
            return b""
        self.server.remove(self)
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        if self._writable is not None:
            protocol.pause_writing()  # the transport has said so once, and does not say it again
        rest, self._buffer, self._at = self._buffer[self._at :], b"", 0
        self._lingering = True
        self._cycle = None
        self.read_or_pause()
        if self.server.stopping:
            protocol.close()
        return rest

    # The end

    def expire(self) -> None:
        """End it, since its deadline has passed."""
        fresh = self._fresh and self.client is not None
        left = self._transport.get_write_buffer_size()
        if left and self._unsent - left >= BUFFERED_BYTES_MAX:
            self._await_receipt()
        elif left:
            self.end(EndReason.slow)
        elif not self._lingering and (self._partial or fresh):
            self.end(EndReason.head)
        else:
            self.abort()

    def end(self, why: EndReason) -> None:
        """End it at once, whatever is under way."""
        if not self.ended:
            self.ended = True
            self.server.count(why)
            self.server.remove(self)
            self.abort()

    def close(self) -> None:
        """Close it once everything is sent."""
        self.flush()
        self._lingering = True
        self._await_receipt()
        self._transport.close()

    def abort(self) -> None:
        """Close it at once; what was not sent is lost."""
        self._lingering = True
        self._outgoing = b""
        self._transport.abort()

    def _reset_deadline(self) -> None:
        self.since = self.server.now
        within_s = HEAD_WITHIN_S if self._partial else IDLE_S
        self.deadline = inf if self._cycle is not None else self.since + within_s

    def _await_receipt(self) -> None:
        """Give the client its time to receive the next part of what was sent, or its end."""
        self._unsent = self._transport.get_write_buffer_size()
        self.deadline = self.server.now + WRITTEN_WITHIN_S

    def _refuse(self, refused: HttpRefused, *, of_head: bool) -> None:
        """Answer a request that is no valid HTTP, and read nothing more as a request."""
        self.server.count(EndReason.malformed)
        body = self.server.explain(refused)
        self.flush()
        self._transport.write(
            b"%bcontent-type: application/json\r\n%bcontent-length: %d\r\n"
            b"%bconnection: close\r\n\r\n%b"
            % (
                STATUS_LINES[refused.status],
                self.date,
                len(body),
                b"".join(b"%b: %b\r\n" % header for header in refused.headers),
                b"" if of_head else body,
            )
        )
        if self._cycle is not None:
            self._cycle.scope[REFUSED] = (refused.status, len(body))
        self._linger()

    def _linger(self) -> None:
        """Say that nothing follows, and drop what still comes for a moment."""
        self.flush()
        self._lingering = True
        self._buffer, self._at = b"", 0
        self._await_receipt()
        if not self._unsent:
            self.deadline = self.server.now + LINGER_S
        if self._eof or not self._transport.can_write_eof():
            self._transport.close()
            return
        self._transport.write_eof()
        self.read_or_pause()


def _too_long() -> HttpRefused:
    return HttpRefused(431, "head_too_large", f"A head has at most {HEAD_BYTES_MAX:,} bytes.")
