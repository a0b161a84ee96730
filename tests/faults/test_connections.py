"""More connections than there is room for, and heads that do not end, over the real server."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from tests.support.process import ServerProcess, serving, settings

from event_seating.http_server.asgi import Message, Receive, Scope, Send
from event_seating.http_server.limits import CONNECTIONS_MIN, HEAD_WITHIN_S, OWN_DESCRIPTORS
from event_seating.web.connection_rules import ConnectionLimits
from event_seating.web.connections import ConnectionGuard
from event_seating.web.granian import GranianServer

pytestmark = pytest.mark.anyio

OK: Message = {"type": "http.response.start", "status": 200, "headers": []}
ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class App:
    """Answers each request once it may; nothing else is behind the server."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.asked = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.set()
        await self.may_answer.wait()
        await send(OK)
        await send({"type": "http.response.body", "body": b"done"})


@asynccontextmanager
async def on_granian(app: App, host: str) -> AsyncIterator[tuple[ConnectionGuard, tuple[str, int]]]:
    """The server in this process, whose guard's clock does not move by itself."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, 0), family=family)
    listener.setblocking(False)
    address = listener.getsockname()[:2]
    server = GranianServer(app, listener, ConnectionLimits(total=100, per_address=50))
    guard = server.guard
    assert guard is not None
    guard.monotonic = lambda: 0.0
    await server.start()
    try:
        yield guard, address
    finally:
        app.may_answer.set()
        await server.stop(hang_up=True)
        listener.detach()  # the server has closed it


def connected(stack: ExitStack, address: tuple[str, int], sent: bytes = b"") -> socket.socket:
    client = stack.enter_context(socket.create_connection(address, timeout=20))
    client.sendall(sent)
    return client


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_head_that_does_not_end_is_given_up_and_a_slow_answer_is_not(host: str) -> None:
    app = App()
    async with on_granian(app, host) as (guard, address):
        with ExitStack() as stack:
            silent = connected(stack, address)
            half = connected(stack, address, ASK[:20])
            asking = connected(stack, address, ASK)
            await app.asked.wait()
            while len(guard.open) < 3:
                await guard.look()
            guard.monotonic = lambda: HEAD_WITHIN_S + 1
            await guard.look()
            for given_up in (silent, half):
                assert await asyncio.to_thread(given_up.recv, 1_000) == b""
            assert guard.ended["head"] == 2
            app.may_answer.set()
            assert b"200 OK" in await asyncio.to_thread(asking.recv, 1_000)


@pytest.fixture
def server(tmp_path: Path, http_server: str) -> Iterator[ServerProcess]:
    with serving(settings(tmp_path / http_server, CONNECTIONS_PER_ADDRESS="40")) as running:
        yield running


def many(stack: ExitStack, url: str, count: int, sent: bytes = b"") -> list[socket.socket]:
    address = ("127.0.0.1", int(url.rpartition(":")[2]))
    return [connected(stack, address, sent) for _ in range(count)]


def test_one_address_may_not_have_every_connection(server: ServerProcess) -> None:
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(base_url=server.url, transport=elsewhere) as client:
        closed = 0
        for sent in (b"", b"GET /health HT", ASK):
            with ExitStack() as stack:
                many(stack, server.url, 200, sent)
                closed += 160
                while f'reason="address"}} {closed}.0' not in client.get("/metrics").text:
                    continue
                assert client.get("/health").status_code == 200


@pytest.mark.usefixtures("http_server")
@pytest.mark.long
def test_with_few_descriptors_it_says_so_and_goes_on_accepting(tmp_path: Path) -> None:
    most = OWN_DESCRIPTORS + CONNECTIONS_MIN + 10
    server = ServerProcess(settings(tmp_path))
    server.limit_open_files(most)
    try:
        server.wait_until_ready()
        with ExitStack() as stack:
            many(stack, server.url, 3 * most)
            assert httpx.get(f"{server.url}/health", timeout=20).status_code == 200
        assert httpx.get(f"{server.url}/health/ready", timeout=20).status_code == 200
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
        assert f"there can be only {most - OWN_DESCRIPTORS} connections" in server.output
    finally:
        server.kill()
