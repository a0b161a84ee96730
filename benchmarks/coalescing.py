"""Concurrent misses of one key share one read: counted over HTTP, at the seed's 200 ms a read."""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks import contenders
from benchmarks.rows import RATIO_UNIT, Bound, Goal, Judged, Row, Samples
from benchmarks.servers import HOST, Server
from benchmarks.stopwatch import samples
from benchmarks.topic import Profile, Run

TOPIC = "coalescing"

CALLERS = 100
READ_MS = 200
KEYS = 10
TIMEOUT_S = 10


def measure(run: Run) -> Iterator[Row | Profile]:
    run.tell(f"{TOPIC}: {CALLERS} callers at {READ_MS} ms a read")
    contender = contenders.keyed(DB_LATENCY_MS=str(READ_MS))
    with Server(contender, run.directory) as server:
        users = [_create_user(server, number) for number in range(KEYS)]
        for keys in (KEYS, 1):
            storms = [_storm(server, users[:keys]) for _ in range(run.rounds)]
            yield Row(
                topic=TOPIC,
                what=f"reads for {CALLERS} concurrent misses of {_counted(keys)}",
                against="a read a miss",
                measured=samples((reads for reads, _ in storms), "reads"),
                reference=Samples((CALLERS,), "reads"),
                ratio=samples((CALLERS / max(reads, 1) for reads, _ in storms), RATIO_UNIT),
                goal=Goal(Bound.at_most, keys, Judged.measured),
            )
            yield Row(
                topic=TOPIC,
                what=f"until all {CALLERS} are answered, {_counted(keys)}",
                against="one read",
                measured=samples((time_ms for _, time_ms in storms), "ms"),
                reference=Samples((READ_MS,), "ms"),
                ratio=samples((READ_MS / time_ms for _, time_ms in storms), RATIO_UNIT),
            )


def _counted(keys: int) -> str:
    return f"{keys} keys" if keys > 1 else "one key"


def _create_user(server: Server, number: int) -> str:
    user = {"id": f"bench-{number}", "name": "Storm", "email": f"storm-{number}@example.com"}
    created = server.ask("POST", "/users", json.dumps(user).encode())
    assert created.status == 201, created.body
    return f"/users/{user['id']}"


def _storm(server: Server, paths: list[str]) -> tuple[int, float]:
    """How often the database was read, and the milliseconds until the last answer."""
    server.ask("DELETE", "/cache")
    before = _reads(server)
    with ExitStack() as stack:
        connections = [_connected(server, stack) for _ in range(CALLERS)]
        started = time.monotonic()
        # All are sent before the first can be answered: sending takes a fraction of a read.
        for number, connection in enumerate(connections):
            connection.request("GET", paths[number % len(paths)], headers=server.contender.headers)
        statuses = {_status(connection) for connection in connections}
        time_ms = (time.monotonic() - started) * 1000
    assert statuses == {200}, statuses
    return _reads(server) - before, time_ms


def _connected(server: Server, stack: ExitStack) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=TIMEOUT_S)
    stack.callback(connection.close)
    connection.connect()
    return connection


def _status(connection: http.client.HTTPConnection) -> int:
    response = connection.getresponse()
    response.read()
    return response.status


def _reads(server: Server) -> int:
    """Misses that did not join another: what went to the database."""
    status = json.loads(server.ask("GET", "/cache-status").body)
    return int(status["misses"]) - int(status["coalesced"])
