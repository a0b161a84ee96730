"""What the request that began it all shows, line by line, against a server as `make run` starts it.

`ab` and `curl` need not be on the machine: the tests send the bytes that they send. The limits hold
over all that a client asks: each test asks from an address of its own.
"""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.support.process import ServerProcess, serving

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")


HOSTS = count(2)


class Machine(NamedTuple):
    """Where a user types: an address from which nobody else asks this server."""

    server: ServerProcess
    address: str


def started(data: Path) -> AbstractContextManager[ServerProcess]:
    """No settings but a free port and a directory: development, demo data, the seed's limits."""
    return serving({"PORT": "0", "DATA_DIR": str(data)})


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with started(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
def machine(shared_server: ServerProcess) -> Machine:
    """Before a server that others ask too."""
    return Machine(shared_server, f"127.0.0.{next(HOSTS)}")


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Machine]:
    """Before a server that nobody else asks."""
    with started(tmp_path) as running:
        yield Machine(running, "127.0.0.1")


def exchange(machine: Machine, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send these bytes on a connection of their own; status, headers and body as they came."""
    port = int(machine.server.url.rpartition(":")[2])
    with socket.create_connection(
        ("127.0.0.1", port), timeout=20, source_address=(machine.address, 0)
    ) as connection:
        connection.sendall(request.replace(b"localhost:3001", b"localhost:%d" % port))
        answer = b""
        while not complete(request, answer) and (part := connection.recv(65536)):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split(" ")[1]), headers, body


def complete(request: bytes, answer: bytes) -> bool:
    """Whether a client that keeps its connection has all; one of HTTP/1.0 waits for the end."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return b"HTTP/1.1" in request and bool(end and length and len(body) == int(length[1]))


def curl(machine: Machine, method: str, path: str, data: bytes = b"") -> tuple[int, object]:
    """What `curl` sends for one line of the seed."""
    typed = b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(data) if data else b""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost:3001\r\nUser-Agent: curl/8.5.0\r\n"
    status, headers, body = exchange(
        machine, head.encode() + b"Accept: */*\r\n" + typed + b"\r\n" + data
    )
    assert headers["content-type"] == "application/json"
    return status, json.loads(body)


class ApacheBench:
    """What `ab` 2.3 sends: HTTP/1.0, a connection for each request, HEAD with `-i`."""

    def __init__(self, machine: Machine, *, head: bool = False) -> None:
        self._machine = machine
        method = b"HEAD" if head else b"GET"
        self.request = method + (
            b" /users/1 HTTP/1.0\r\nHost: localhost:3001\r\nUser-Agent: ApacheBench/2.3\r\n"
            b"Accept: */*\r\n\r\n"
        )

    def one_after_the_other(self, count: int) -> list[tuple[int, dict[str, str], bytes]]:
        """`-n count -c 1`."""
        return [exchange(self._machine, self.request) for _ in range(count)]

    def at_once(self, count: int) -> list[tuple[int, dict[str, str], bytes]]:
        """`-n count -c count`."""
        answers: list[tuple[int, dict[str, str], bytes]] = []
        barrier = threading.Barrier(count)

        def ask() -> None:
            barrier.wait()
            answers.append(exchange(self._machine, self.request))

        clients = [threading.Thread(target=ask) for _ in range(count)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        return answers


def test_the_five_users_of_the_demo_are_there(machine: Machine) -> None:
    names = ("John Doe", "Amara Okafor", "Kenji Sato", "Lucia Moreno", "Freya Lindqvist")
    for number, name in enumerate(names, 1):
        assert curl(machine, "GET", f"/users/{number}") == (
            200,
            {
                "id": str(number),
                "name": name,
                "email": f"{name.split()[0].lower()}@example.com",
                "createdAt": f"2023-01-0{number}T00:00:00Z",
            },
        )


def test_the_lines_of_curl_answer_as_they_are_shown(fresh: Machine) -> None:
    assert curl(fresh, "GET", "/users/1") == (
        200,
        {
            "id": "1",
            "name": "John Doe",
            "email": "john@example.com",
            "createdAt": "2023-01-01T00:00:00Z",
        },
    )
    sent = b'{"id":"123","name":"Test User","email":"test@example.com"}'
    status, created = curl(fresh, "POST", "/users", sent)
    assert status == 201
    assert isinstance(created, dict)
    assert TIMESTAMP.fullmatch(created.pop("createdAt"))
    assert created == {"id": "123", "name": "Test User", "email": "test@example.com"}
    status, cache = curl(fresh, "GET", "/cache-status")
    assert status == 200
    assert isinstance(cache, dict)
    assert TIMESTAMP.fullmatch(cache["timestamp"])
    assert isinstance(cache["averageResponseTime"], float)
    shown = ("hits", "misses", "size", "hitRatio", "totalRequests")
    assert [cache[name] for name in shown] == [0, 1, 2, "0.00%", 1]
    assert curl(fresh, "DELETE", "/cache") == (
        200,
        {"message": "Cache cleared successfully", "entriesRemoved": 2, "currentSize": 0},
    )
    status, health = curl(fresh, "GET", "/health")
    assert status == 200
    assert isinstance(health, dict)
    assert health["status"] == "OK"
    assert TIMESTAMP.fullmatch(health["timestamp"])


def test_the_user_whom_the_seed_creates_is_created_on_a_fresh_start(machine: Machine) -> None:
    sent = b'{"id":"123","name":"Jane Smith","email":"jane@example.com"}'
    status, created = curl(machine, "POST", "/users", sent)
    assert isinstance(created, dict)
    assert (status, created.get("email")) == (201, "jane@example.com")


def test_of_ten_at_once_five_pass_the_burst_limit(machine: Machine) -> None:
    answers = ApacheBench(machine).at_once(10)
    assert sorted(status for status, _, _ in answers) == [200] * 5 + [429] * 5
    for status, headers, body in answers:
        assert json.loads(body).get("id" if status == 200 else "code") in {"1", "rate_limited"}
        assert len(body) == int(headers["content-length"])
        if status == 429:
            assert 1 <= int(headers["retry-after"]) <= 10


def test_of_a_hundred_heads_in_turn_no_more_pass_than_the_limits_allow(
    machine: Machine,
) -> None:
    began = time.monotonic()
    answers = ApacheBench(machine, head=True).one_after_the_other(100)
    took_s = time.monotonic() - began
    statuses = [status for status, _, _ in answers]
    assert set(statuses) == {200, 429}
    assert statuses[:5] == [200] * 5
    assert took_s > 60 or statuses.count(200) <= 10
    assert took_s > 10 or statuses.count(200) == 5
    assert {body for _, _, body in answers} == {b""}, "a HEAD has no body on the wire"
    assert all(int(headers["content-length"]) > 0 for _, headers, _ in answers)
