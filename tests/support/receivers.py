"""Receivers of webhooks for the tests: real servers on this machine, good ones and bad ones."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from standardwebhooks import Webhook as Verifier


class Received(NamedTuple):
    """A request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes

    def verified(self, secret: str) -> Any:
        """What it says, once the reference library has verified it."""
        return Verifier(secret).verify(self.body, self.headers)


Behave = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What a receiver does once it has read a request."""


class Receiver:
    """What came to a server, and what it does next: `behave` may be replaced at any time."""

    def __init__(self, behave: Behave) -> None:
        self.behave = behave
        self.received: list[Received] = []
        self.port = 0
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *fields = head.strip().split("\r\n")
            headers = {
                name.lower(): value
                for name, _, value in (field.partition(": ") for field in fields)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.received.append(Received(line, headers, body))
            await self.behave(reader, writer)
        except (OSError, EOFError):
            pass
        finally:
            writer.transport.abort()


def answer(status: int, body: bytes = b"", headers: str = "") -> Behave:
    """Answer like this."""

    async def behave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status} Whatever\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        await _until_closed(_reader)

    return behave


async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Say nothing until the caller is gone."""
    await _until_closed(reader)


async def close(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Hang up."""


async def talk_nonsense(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer what is no HTTP."""
    writer.write(b"SSH-2.0-OpenSSH\r\n" * 20)
    await writer.drain()


def trickle(head: bytes, every_s: float = 0.01) -> Behave:
    """After `head`, a byte now and then, without an end."""

    async def behave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(every_s)

    return behave


class Flood:
    """Answers with so many bytes, and counts those that were taken."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.sent = 0

    async def __call__(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(0)
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {self.total}\r\n\r\n".encode())
        piece = b"x" * 16_384
        while self.sent < self.total:
            writer.write(piece)
            await writer.drain()
            self.sent += len(piece)


@asynccontextmanager
async def receiving(behave: Behave, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a port of its own."""
    receiver = Receiver(behave)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


async def _until_closed(reader: asyncio.StreamReader) -> None:
    while await reader.read(1024):
        pass
