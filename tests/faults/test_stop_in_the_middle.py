"""SIGTERM while clients are in the middle of something: each is answered or closed, and it ends."""

import signal
import socket
from pathlib import Path

import httpx
import pytest
from tests.support.process import ServerProcess, serving, settings
from tests.support.responses import responses
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

HOST = b"Host: localhost\r\n"
ASK = b"GET /users/nobody HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST /users HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
UPGRADE = (
    b"GET /events/none/live HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
CLIENTS = 20

SENT = {
    "nothing": b"",
    "half a head": ASK[:20],
    "a request": ASK,
    "requests ahead": ASK * 50,
    "half a body": POST + b"Content-Length: 500\r\n\r\n{",
    "half a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{",
    "what is refused": b"nonsense\r\n\r\n" + ASK,
    "a handshake": UPGRADE,
    "a million requests": b"",
}


@pytest.mark.parametrize("phase", SENT)
def test_it_ends_well_in_the_middle_of(phase: str, tmp_path: Path) -> None:
    with serving(settings(tmp_path, DRAIN_DELAY_S="0", DB_LATENCY_MS="100")) as server:
        clients = [_connected(server, SENT[phase]) for _ in range(CLIENTS)]
        if phase == "a million requests":
            _flood(server, clients)
        received = [b"" for _ in clients]
        server.signal(signal.SIGTERM)
        for number, client in enumerate(clients):
            received[number] = _rest(client)
        assert server.ended() == 0
    assert "Traceback" not in server.output
    assert "was never" not in server.output
    for each in received:
        if phase == "a million requests":  # the rest of its answers is cut off after its time
            assert each.startswith(b"HTTP/1.1 200 OK\r\n")
        elif phase == "a handshake":
            assert each[:12] in {b"", b"HTTP/1.1 101", b"HTTP/1.1 503"}
        else:
            found = {answer.status for answer in responses(each)}
            assert found <= {400, 404, 408, 503}, "whole answers, or none"


def _connected(server: ServerProcess, sent: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), 30)
    client.sendall(sent)
    return client


def _flood(server: ServerProcess, clients: list[socket.socket]) -> None:
    """Send until the server takes no more; nobody reads the answers."""
    flood = (b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n") * 1_000
    for client in clients:
        client.setblocking(False)
        try:
            while client.send(flood):
                continue
        except BlockingIOError:
            client.settimeout(30)
    wait_until(lambda: httpx.get(f"{server.url}/health", timeout=30).status_code == 200)


def _rest(client: socket.socket) -> bytes:
    received = b""
    try:
        while part := client.recv(1_000_000):
            received += part
    except ConnectionResetError:
        pass
    client.close()
    return received
