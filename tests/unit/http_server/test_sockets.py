"""Connections over real sockets, on the loop that serves: clients that vanish in each phase."""

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest
import uvloop
from tests.support.framings import CANARY
from tests.support.waiting import until
from tests.support.wire import Reports
from tests.unit.http_server.echo import Echo, EchoAtOnce
from tests.unit.http_server.recorded import HANDSHAKE, READY, chunked, plain, sized

from event_seating.http_server.asgi import Receive, Scope, Send
from event_seating.http_server.limits import ConnectionCaps
from event_seating.http_server.server import HttpServer

LARGE = b"x" * 3_000_000


class Large(EchoAtOnce):
    """Answers with more than a socket holds, in parts and at once; accepts WebSockets."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            while (await receive())["type"] != "websocket.disconnect":
                await send({"type": "websocket.send", "bytes": LARGE})
            return
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(3):
            await send({"type": "http.response.body", "body": LARGE, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


PHASES = {
    "nothing": b"",
    "head": READY[:10],
    "ready": READY * 5_000,
    "answer": plain(b"GET", b"/large"),
    "answers": plain(b"GET", b"/large") * 3,
    "body": sized(b"POST", b"/", LARGE)[:-1],
    "chunks": chunked(b"POST", b"/", LARGE[:30_000])[:-1],
    "refused": b"nonsense\r\n\r\n" + CANARY * 10_000,
    "unread": sized(b"POST", b"/large", b"x") + CANARY * 5_000,
    "websocket": HANDSHAKE + b"\x81\x85\0\0\0\0hello" * 3,
}


def on_uvloop(
    app: Echo, use: Callable[[HttpServer, tuple[str, int]], Coroutine[Any, Any, None]]
) -> None:
    """Run a server, and what uses it, without an exception that nobody took."""
    faults: list[object] = []

    async def serve() -> None:
        asyncio.get_running_loop().set_exception_handler(
            lambda _loop, context: faults.append(context)
        )
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            reports = Reports()
            caps = ConnectionCaps(10_000, 10_000, lambda address: address)
            server = HttpServer(app, listener, caps, reports)
            await server.start()
            await use(server, listener.getsockname()[:2])
            await server.stop(hang_up=True)
            assert reports.crashes == []

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
    assert faults == []


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("clients", [6, pytest.param(100, marks=pytest.mark.long)])
def test_clients_that_vanish_leave_nothing_behind(phase: str, clients: int) -> None:
    async def use(server: HttpServer, address: tuple[str, int]) -> None:
        async def vanish(reads: bool) -> None:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(PHASES[phase])
            with suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(0.05):
                    await (reader.read(1) if reads else writer.drain())
            option = struct.pack("ii", 1, 0)  # to close is to reset
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)
            writer.transport.abort()

        await asyncio.gather(*(vanish(number % 2 == 1) for number in range(clients)))
        await until(lambda: not server.open and not server.running)
        assert not server._by_client

    on_uvloop(Large(), use)


def test_many_requests_sent_ahead_are_answered_over_a_socket() -> None:
    async def use(_server: HttpServer, address: tuple[str, int]) -> None:
        reader, writer = await asyncio.open_connection(*address)
        count, received = 20_000, b""
        writer.write(READY * (count - 1) + plain(b"GET", b"/ready", b"Connection: close"))
        while part := await reader.read(1_000_000):
            received += part
        assert received.count(b"HTTP/1.1 200 OK\r\n") == count
        writer.close()

    on_uvloop(EchoAtOnce(), use)
