"""One request and its response, as the application sees them: scope, receive and send of ASGI.

Owns the order of a response's messages, its framing (`Content-Length` or chunks) and its promises:
a response never has more bytes than it announced, none at all where a status or HEAD forbids them,
and no header can end its line. What breaks a promise ends the connection, so that no byte of it can
be read as another response.
"""

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from event_seating.http_server.asgi import App, Message, Scope
from event_seating.http_server.heads import LENGTH
from event_seating.http_server.limits import BUFFERED_BYTES_MAX

if TYPE_CHECKING:
    from event_seating.http_server.connection import HttpConnection

STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_BODILESS: Final = frozenset({204, 304})
"""Responses that have no body and, but for a HEAD, no length."""

_STATUS_MAX: Final = 999

_LAST_CHUNK: Final = b"0\r\n\r\n"


class BrokenResponseError(Exception):
    """The application sent what is no response."""


class RequestCycle:
    """One request from its head to the end of its response."""

    __slots__ = (
        "_body", "_chunked", "_connection", "_continue", "_ended", "_expected", "_gone", "_head",
        "_head_only", "_http_1_0", "_received", "_size", "_wanted", "complete", "keep_alive",
        "scope", "task",
    )  # fmt: skip

    def __init__(
        self, connection: "HttpConnection", scope: Scope, *, keep_alive: bool, waits: bool
    ) -> None:
        """`waits` says that the client sends the body only when it is told to go on."""
        self._connection = connection
        self.scope = scope
        self.keep_alive = keep_alive
        """Whether another request may follow on the connection."""
        self.complete = False
        """Whether the whole body has come."""
        self.task: asyncio.Task[None] | None = None
        self._continue = waits
        """Whether the client waits to be told to send the body."""
        self._http_1_0 = scope["http_version"] == "1.0"
        self._head_only = scope["method"] == "HEAD"
        self._body: list[bytes] = []
        self._size = 0
        """Bytes of the body that wait to be taken."""
        self._received = False
        """Whether the application has taken the end of the body."""
        self._wanted: asyncio.Future[None] | None = None
        """What the application waits for if it waits for a message."""
        self._gone = False
        """Whether the client has disconnected or will send nothing more."""
        self._head: bytes | None = None
        """The head of the response until it is written, with its first bytes; then empty."""
        self._chunked = False
        self._expected: int | None = None
        """Bytes of the body that have yet to be sent, if its length was announced."""
        self._ended = False

    async def run(self, app: App) -> None:
        """Call the application, and end the response if it does not."""
        try:
            await app(self.scope, self.receive, self.send)
        except Exception as error:  # noqa: BLE001 (a fault of one request must not end the server)
            self._connection.crashed(error)
            self.keep_alive = False
        except asyncio.CancelledError:
            self.keep_alive = False
            raise
        finally:
            if not self._ended:
                self.keep_alive = False
                if self.unanswered:
                    self._connection.write(
                        STATUS_LINES[500] + b"content-length: 0\r\nconnection: close\r\n\r\n"
                    )
            self._connection.finished(self)

    # From the connection

    def feed(self, part: bytes) -> None:
        """Take some bytes of the body."""
        if part:
            self._body.append(part)
            self._size += len(part)
            self._continue = False
        if self.complete or part:
            self._wake()

    def disconnect(self) -> None:
        """Note that the client has disconnected or will send nothing more."""
        self._gone = True
        self._wake()

    def has_come(self) -> bool:
        """Whether the whole body has come."""
        return self.complete

    @property
    def full(self) -> bool:
        """Whether no more of the body should be read for now."""
        return self._size > BUFFERED_BYTES_MAX

    @property
    def ended(self) -> bool:
        """Whether the response has been written as a whole."""
        return self._ended

    @property
    def unanswered(self) -> bool:
        """Whether nothing of the response has been written."""
        return self._head is None or bool(self._head)

    def _wake(self) -> None:
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)

    # From the application

    async def receive(self) -> Message:
        """The next part of the body; after it, the end of the connection or of the response."""
        if self._continue and self.unanswered:
            self._continue = False
            self._connection.write(CONTINUE)
        while not (self._body or self._gone or (self.complete and not self._received)):
            if self._ended:
                break
            if self._wanted is None or self._wanted.done():
                self._wanted = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._wanted)  # several may wait, and one of them give up
        if self._body or (self.complete and not self._received):
            return self._take()
        return {"type": "http.disconnect"}

    def _take(self) -> Message:
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body, self._size = [], 0
        self._received = self.complete
        if not self.complete:
            self._connection.read_or_pause()
        return {"type": "http.request", "body": body, "more_body": not self.complete}

    async def send(self, message: Message) -> None:
        """Send a part of the response; raises `BrokenResponseError`."""
        kind = message["type"]
        if kind == "http.response.body" and self._head is not None and not self._ended:
            self._send_body(message.get("body", b""), more=message.get("more_body", False))
            await self._connection.drain()
        elif kind == "http.response.start" and self._head is None:
            self._start(message["status"], message.get("headers", ()))
        else:
            raise BrokenResponseError(f"{kind} is out of order")

    def _start(self, status: int, headers: Any) -> None:
        """Note the head of the response; raises `BrokenResponseError`, and notes nothing then."""
        if not 200 <= status <= _STATUS_MAX:  # noqa: PLR2004 (those below are no final responses)
            raise BrokenResponseError(f"{status} is no status of a response")
        lines = [STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
        keep_alive, expected, has_date = self.keep_alive, self._expected, False
        for name, value in headers:
            if name == b"content-length":
                if expected is not None or not LENGTH.match(value):
                    raise BrokenResponseError("a response has one length")
                expected = int(value)
            elif name == b"transfer-encoding":
                continue  # it is ours to choose
            elif name == b"connection" and value.lower() == b"close":
                keep_alive = False
                continue
            elif name == b"date":
                has_date = True
            lines.append(b"%b: %b\r\n" % (name, value))
        if not has_date:
            lines.append(self._connection.date)
        head = b"".join(lines)
        if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines) or b"\0" in head:
            raise BrokenResponseError("a header ends its line")
        self.keep_alive, self._expected, self._head = keep_alive, expected, head
        self._head_only = self._head_only or status in _BODILESS

    def _send_body(self, body: bytes, *, more: bool) -> None:
        head = self._head or b""
        if head:
            head = self._framed_head(head, len(body), more=more)
            self._head = b""
        if self._head_only:
            body = b""
        elif self._expected is not None:
            body = self._within(body, more=more)
        elif self._chunked:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (
                b"" if more else _LAST_CHUNK
            )
        if not more:
            self._ended = True
            self._wake()
            self._connection.write_soon(head + body)
        elif head or body:
            self._connection.write(head + body)

    def _framed_head(self, head: bytes, size: int, *, more: bool) -> bytes:
        """The head with what says how long the body is and whether the connection stays."""
        if not more and not self.complete:
            self.keep_alive = False  # the rest of the body is dropped with the connection
        if self._expected is None and not self._head_only:
            if not more:
                self._expected = size
                head += b"content-length: %d\r\n" % size
            elif self._http_1_0:
                self.keep_alive = False  # its end is the connection's
            else:
                self._chunked = True
                head += b"transfer-encoding: chunked\r\n"
        if not self.keep_alive or self._connection.stopping:
            self.keep_alive = False
            return head + b"connection: close\r\n\r\n"
        return head + (b"connection: keep-alive\r\n\r\n" if self._http_1_0 else b"\r\n")

    def _within(self, body: bytes, *, more: bool) -> bytes:
        """The part of `body` that was announced; another length ends the connection."""
        assert self._expected is not None
        sent, self._expected = body[: self._expected], self._expected - len(body)
        if self._expected < 0 or (self._expected and not more):
            self.keep_alive = False
        self._expected = max(0, self._expected)
        return sent
