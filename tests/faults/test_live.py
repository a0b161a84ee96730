"""Live updates over real sockets: cut off, killed, stopped, ignored and abused."""

import asyncio
import random
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import httpx
import pytest
from tests.support.process import ServerProcess, serving, settings
from tests.support.seating import put_on_sale, seat_map
from tests.support.watcher import Watcher
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("http_server")]

ENDURANCE = [
    pytest.param(1_500, 20, id="20 times"),
    pytest.param(10_000, 100, id="100 times", marks=pytest.mark.long),
]
"""How many seats change meanwhile, and how often somebody drops out at the least."""

UPGRADE = (
    b"GET /events/%s/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)

POLL = b"GET /events/%s/changes?wait=30 HTTP/1.1\r\nHost: localhost\r\n\r\n"


@asynccontextmanager
async def asking(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as http:
        yield http


async def on_sale(http: httpx.AsyncClient, **size: int) -> str:
    return await put_on_sale(http, seat_map(**size))


async def shown(http: httpx.AsyncClient, metric: str) -> None:
    """Wait until the metrics say so."""
    for _ in range(500):
        if metric in (await http.get("/metrics")).text:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(metric)


async def goodbye(connection: ClientConnection) -> tuple[int, str]:
    """Read until the server closes; its code and reason."""
    with suppress(ConnectionClosed):
        while True:
            await connection.recv()
    assert connection.close_code is not None
    return connection.close_code, connection.close_reason or ""


async def block(http: httpx.AsyncClient, event: str, seats: list[str], *, back: bool) -> int:
    """Withdraw seats or give them back; how many moved."""
    path = f"/events/{event}/blocks{'/release' if back else ''}"
    answer = await http.post(path, json={"seats": seats, "reason": "test"})
    if answer.status_code == 409:
        return 0
    assert answer.status_code == 200, answer.text
    return len(answer.json()["applied"]["seats"])


async def keep_changing(
    http: httpx.AsyncClient, watcher: Watcher, chance: random.Random, changes: int, drops: int
) -> None:
    """Move seats and places by chance until enough were moved and it was cut off often enough."""
    moved = 0
    seats = list(watcher.seats)
    while moved < changes or watcher.drops < drops:
        if chance.random() < 0.1:
            quantity = chance.randrange(1, 4)
            held = await http.post(
                f"/events/{watcher.event}/holds", json={"areas": {"floor": quantity}}
            )
            assert held.status_code == 201, held.text
            await http.delete(f"/holds/{held.json()['holdToken']}")
            moved += 2 * quantity
        else:
            some = chance.sample(seats, chance.randrange(1, 25))
            moved += await block(http, watcher.event, some, back=chance.random() < 0.5)


async def drop_and_come_back(
    http: httpx.AsyncClient, watcher: Watcher, chance: random.Random
) -> None:
    """Follow the event for ever, breaking off by chance, sometimes without a word."""
    while True:
        with suppress(ConnectionClosed):
            async with watcher.connect() as connection:
                if chance.random() < 0.2:
                    continue
                for _ in range(chance.randrange(1, 4)):
                    await watcher.take(connection, http)
                if chance.random() < 0.5:
                    connection.transport.abort()
        watcher.drops += 1
        if chance.random() < 0.3:
            await asyncio.sleep(chance.random() / 5)


@pytest.mark.long
@pytest.mark.parametrize(("changes", "drops"), ENDURANCE)
async def test_who_drops_out_again_and_again_ends_with_exactly_what_the_server_has(
    database_url: str, tmp_path: Path, changes: int, drops: int
) -> None:
    more = {"DATABASE_URL": database_url, "SEATING_RATE_LIMITS": "off"}
    chance = random.Random(7)
    with serving(settings(tmp_path, **more)) as server:
        async with asking(server) as http:
            event = await on_sale(http, rows=20, seats=20)
            watchers = [Watcher(server.url, event) for _ in range(3)]
            for watcher in watchers:
                await watcher.read_snapshot(http)
            following = [
                asyncio.create_task(drop_and_come_back(http, watcher, random.Random(number)))
                for number, watcher in enumerate(watchers)
            ]
            steady = Watcher(server.url, event)
            await steady.read_snapshot(http)
            following.append(asyncio.create_task(steady.watch(http)))
            changing = asyncio.create_task(keep_changing(http, watchers[0], chance, changes, drops))
            await asyncio.wait([changing, *following], return_when=asyncio.FIRST_COMPLETED)
            await changing
            assert [await watcher.agrees(http) for watcher in [*watchers, steady]] == [True] * 4
            assert steady.drops == steady.reloads == 0
            assert all(watcher.reloads == 0 for watcher in watchers)
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with serving(settings(tmp_path, SEATING_RATE_LIMITS="off")) as running:
        yield running


@pytest.mark.long
async def test_after_a_kill_the_watchers_go_on_by_version(server: ServerProcess) -> None:
    async with asking(server) as http:
        event = await on_sale(http)
        watcher = Watcher(server.url, event)
        await watcher.read_snapshot(http)
        following = asyncio.create_task(watcher.watch(http))
        await watcher.moved.wait()
        for round_ in range(3):
            killed = server.child
            killed.kill()
            await asyncio.to_thread(server.wait_for_line, "serving")
            async with asking(server) as again:
                await block(again, event, [f"A-1-{round_ + 1}", f"A-2-{round_ + 1}"], back=False)
                assert await watcher.agrees(again)
        assert watcher.drops >= 3
        assert watcher.reloads == 0
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_a_server_that_stops_says_goodbye_and_answers_who_waits(
    server: ServerProcess,
) -> None:
    async with asking(server) as http:
        event = await on_sale(http)
        watchers = [Watcher(server.url, event) for _ in range(20)]
        connections = []
        for watcher in watchers:
            await watcher.read_snapshot(http)
            connection = await watcher.connect()
            await watcher.take(connection, http)
            connections.append(connection)
        poll = asyncio.create_task(http.get(f"/events/{event}/changes?since=1"))
        await block(http, event, ["A-1-1"], back=False)
        assert (await poll).json()["changes"] == {"A-1-1": "blocked"}
        waiting = asyncio.create_task(http.get(f"/events/{event}/changes?since=2"))
        await shown(http, "live_subscribers 21.0")
        server.signal(signal.SIGTERM)
        for connection in connections:
            code, reason = await goodbye(connection)
            assert code == 1001
            assert "stopping" in reason
        assert (await waiting).json() == {"version": 2}
    assert await asyncio.to_thread(server.ended) == 0


def keep_asking(url: str, answers: list[int], asked: threading.Event) -> None:
    """Ask on a kept connection, again and again, until nobody takes a request any more."""
    client = HTTPConnection("127.0.0.1", int(url.rpartition(":")[2]), timeout=20)
    with suppress(OSError, HTTPException):
        while True:
            client.request("GET", "/users/nobody")
            with client.getresponse() as answer:
                answer.read()
                answers.append(answer.status)
            asked.set()


@pytest.mark.long
async def test_a_stop_amid_a_crowd_cuts_nobody_off(tmp_path: Path) -> None:
    with serving(settings(tmp_path, DRAIN_DELAY_S="2")) as server:
        async with asking(server) as http:
            watcher = Watcher(server.url, await on_sale(http))
            await watcher.read_snapshot(http)
        # Its lines are read from now on: a pipe that is full would lose some.
        ending = asyncio.create_task(asyncio.to_thread(server.ended))
        watching: list[ClientConnection] = []
        for _ in range(25):  # a few at a time, as a library of clients has patience for
            watching += await asyncio.gather(*(watcher.connect() for _ in range(20)))
        answers: list[int] = []
        asked = [threading.Event() for _ in range(50)]
        busy = [
            threading.Thread(target=keep_asking, args=(server.url, answers, each)) for each in asked
        ]
        for client in busy:
            client.start()
        for each in asked:
            await asyncio.to_thread(each.wait)
        server.signal(signal.SIGTERM)
        farewells = await asyncio.gather(*map(goodbye, watching))
        assert {code for code, _ in farewells} == {1001}
        for client in busy:
            await asyncio.to_thread(client.join)
        assert await ending == 0
        begun = [line for line in server.lines if "GET /users/{id}" in line]
        assert answers == [404] * len(begun), "each one that was begun was answered"
        assert "killing it" not in server.output
        assert "Traceback" not in server.output


def raw(server: ServerProcess, event: str, sent: bytes = b"") -> socket.socket:
    """A connection after the handshake, whose client takes next to nothing at a time."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", int(server.url.rpartition(":")[2])))
    connection.sendall(UPGRADE % event.encode() + sent)
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1)
    assert b" 101 " in head
    return connection


@pytest.mark.long
async def test_one_who_does_not_read_slows_nobody_and_is_let_go(server: ServerProcess) -> None:
    async with asking(server) as http:
        event = await on_sale(http, rows=80, seats=50)
        watcher = Watcher(server.url, event)
        await watcher.read_snapshot(http)
        following = asyncio.create_task(watcher.watch(http))
        seats = list(watcher.seats)
        before = server.child.memory_info().rss
        with raw(server, event):
            slowest, began, back = 0.0, time.monotonic(), False
            while "live_subscribers_dropped_total 1.0" not in (await http.get("/metrics")).text:
                known = watcher.version
                await block(http, event, seats, back=back)
                back = not back
                changed = time.monotonic()
                await watcher.reached(known + 1)
                slowest = max(slowest, time.monotonic() - changed)
                assert time.monotonic() - began < 90
        assert slowest < 2
        assert watcher.drops == 0
        assert await watcher.agrees(http)
        assert server.child.memory_info().rss - before < 60_000_000
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def framed(opcode: int, body: bytes, *, masked: bool = True, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    mask = 0x80 if masked else 0
    if size < 126:
        head = bytes([opcode, mask | size])
    elif size < 65536:
        head = bytes([opcode, mask | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([opcode, mask | 127]) + size.to_bytes(8, "big")
    return head + (bytes(4) if masked else b"") + body


HOSTILE = {
    "not masked": framed(0x81, b"hello", masked=False),
    "an unknown kind": framed(0x8B, b"hello"),
    "reserved bits": framed(0xF1, b"hello"),
    "no beginning": framed(0x80, b"hello"),
    "not text": framed(0x81, b"\xff\xfe"),
    "longer than there is memory": framed(0x81, b"hello", length=2**62),
    "a long message": framed(0x81, b"x" * 5_000),
    "a long message in parts": framed(0x01, b"x" * 900) + framed(0x80, b"x" * 900),
    "a flood": framed(0x81, b"x") * 500,
    "a flood of nothing": framed(0x82, b"") * 500,
    "a long ping": framed(0x89, b"x" * 200),
    "a goodbye with an odd code": framed(0x88, (17).to_bytes(2, "big")),
    "noise": random.Random(1).randbytes(2_000),
    "another request": b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


async def test_what_no_honest_client_sends_ends_its_connection_and_nothing_else(
    server: ServerProcess,
) -> None:
    async with asking(server) as http:
        event = await on_sale(http)
        watcher = Watcher(server.url, event)
        await watcher.read_snapshot(http)
        following = asyncio.create_task(watcher.watch(http))
        child = server.child
        for name, sent in HOSTILE.items():
            assert await asyncio.to_thread(ends, server, event, sent), name
        await block(http, event, ["A-1-1"], back=False)
        assert await watcher.agrees(http)
        assert watcher.drops == 0
        assert server.child == child, "it died and was started again"
        await shown(http, "live_subscribers 1.0")
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert "Traceback" not in server.output


def ends(server: ServerProcess, event: str, sent: bytes) -> bool:
    """Whether the server hangs up on a client that sends this."""
    with raw(server, event) as connection:
        try:
            connection.sendall(sent)
            while connection.recv(65536):
                continue
        except (BrokenPipeError, ConnectionResetError):
            return True
        except TimeoutError:
            return False
        return True


ENDLESS = 40_000_000
"""What each of three would have the server keep."""


def sends_without_end(server: ServerProcess, event: str) -> int:
    """A client that begins a message and never ends it; how many bytes the server took."""
    part, sent = b"x" * 500_000, 0
    with raw(server, event) as connection, suppress(BrokenPipeError, ConnectionResetError):
        connection.settimeout(60)  # until the server cuts it, however busy the machine is
        opcode = 0x01
        while sent < ENDLESS:
            connection.sendall(framed(opcode, part))
            opcode, sent = 0x00, sent + len(part)
    return sent


@pytest.mark.long
async def test_a_message_that_never_ends_is_not_kept(server: ServerProcess) -> None:
    async with asking(server) as http:
        event = await on_sale(http)
        watcher = Watcher(server.url, event)
        await watcher.read_snapshot(http)
        following = asyncio.create_task(watcher.watch(http))
        await shown(http, "live_subscribers 1.0")
        before = server.child.memory_info().rss
        sending = [asyncio.to_thread(sends_without_end, server, event) for _ in range(3)]
        assert max(await asyncio.gather(*sending)) < ENDLESS
        await shown(http, 'http_connections_ended_total{reason="messages"} 3.0')
        assert server.child.memory_info().rss - before < ENDLESS
        await block(http, event, ["A-1-1"], back=False)
        assert await watcher.agrees(http)
        assert watcher.drops == 0
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


@pytest.mark.long
async def test_who_leaves_without_a_word_is_noticed(server: ServerProcess) -> None:
    async with asking(server) as http:
        event = await on_sale(http)
        connections = [await asyncio.to_thread(raw, server, event) for _ in range(10)]
        for _ in range(10):
            polling = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])))
            polling.sendall(POLL % event.encode())
            connections.append(polling)
        await shown(http, "live_subscribers 20.0")
        for connection in connections:
            connection.close()
        await shown(http, "live_subscribers 0.0")


@pytest.mark.long
@pytest.mark.parametrize(
    ("path", "code"),
    [("/events/nope/live", 4404), ("/events/{event}/live?since=x", 4400)],
)
async def test_a_page_is_told_by_a_code_why_it_may_not_watch(
    server: ServerProcess, path: str, code: int
) -> None:
    async with asking(server) as http:
        address = server.url.replace("http", "ws", 1) + path.format(event=await on_sale(http))
        async with connect(address, proxy=None, origin=server.url) as connection:  # type: ignore[arg-type]
            assert (await goodbye(connection))[0] == code
