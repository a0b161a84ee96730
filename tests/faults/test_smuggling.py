"""Ambiguous requests through each reverse proxy: our server never sees more requests than it does.

The proxies are configured as docs/running.md says, before our server in this process. What they
refuse, repair or forward is their affair; a canary that comes without the header that they add was
read out of a body.
"""

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from tests.support import proxies
from tests.support.framings import CANARY, FRAMINGS
from tests.support.wire import Reports

from event_seating.http_server.asgi import Receive, Scope, Send
from event_seating.http_server.limits import ConnectionCaps
from event_seating.http_server.server import HttpServer

pytestmark = pytest.mark.long

ANSWERED_WITHIN_S = 0.5
"""Proxies that wait for the rest of a request would wait for long."""


class App:
    """Notes what it is asked, and names it in the answer; `/early` without reading the body."""

    def __init__(self) -> None:
        self.forwarded = 0
        self.smuggled: list[list[tuple[bytes, bytes]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if b"x-forwarded-for" in dict(scope["headers"]):
            self.forwarded += 1
        elif scope["path"] != "/direct":
            self.smuggled.append(scope["headers"])
        while scope["path"] != "/early":
            message = await receive()
            if not message.get("more_body"):
                break
        answer = scope["path"].encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer})


@contextmanager
def serving(app: App) -> Iterator[str]:
    """Our server in a thread of this process; its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    started = threading.Event()
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        caps = ConnectionCaps(10_000, 10_000, lambda address: address)
        server = HttpServer(app, listener, caps, Reports())
        await server.start()
        over = asyncio.Event()
        loops.append((asyncio.get_running_loop(), over))
        started.set()
        await over.wait()
        await server.stop(hang_up=True)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(30)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        loop, over = loops[0]
        loop.call_soon_threadsafe(over.set)
        thread.join()
        listener.close()


def send(url: str, request: bytes) -> bytes:
    """What comes back until nothing more does."""
    host, _, port = url.removeprefix("http://").partition(":")
    received = b""
    with (
        socket.create_connection((host, int(port)), ANSWERED_WITHIN_S) as client,
        suppress(OSError),
    ):
        client.sendall(request)
        while part := client.recv(65_536):
            received += part
    return received


def test_a_canary_that_no_proxy_saw_is_noticed() -> None:
    app = App()
    with serving(app) as url:
        send(url, b"GET /direct HTTP/1.1\r\nHost: localhost\r\n\r\n" + CANARY)
    assert len(app.smuggled) == 1


@pytest.mark.timeout(600)
@pytest.mark.parametrize("language", proxies.ARRANGE)
def test_no_request_is_read_out_of_a_body(language: str, tmp_path: Path) -> None:
    app = App()
    with serving(app) as server, proxies.running(language, server, tmp_path) as url:
        with ThreadPoolExecutor(16) as threads, httpx.Client(base_url=url) as other:
            for number in range(0, len(FRAMINGS), 16):
                batch = FRAMINGS[number : number + 16]
                list(threads.map(send, [url] * len(batch), batch))
                # Whoever comes next, on whatever connection the proxy uses again.
                for count in range(4):
                    path = f"/after-{number}-{count}"
                    assert other.get(path).text == path, batch
        assert app.smuggled == []
        assert app.forwarded > len(FRAMINGS) / 8, "some of them passed"
