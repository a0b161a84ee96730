"""Holds and bookings over HTTP, a sell-out of 50,000 seats, and what a snapshot of them costs.

The clients are part of what the two cores do: a coroutine a connection, each with one request at a
time, on connections that stay open.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import contenders
from benchmarks.load import WRK, Load
from benchmarks.rows import (
    RATIO_UNIT,
    Bound,
    Goal,
    Judged,
    Row,
    Samples,
    less_is_better,
    more_is_better,
)
from benchmarks.servers import HOST, Server
from benchmarks.stopwatch import samples
from benchmarks.topic import Profile, Run
from event_seating.venues.arenas import arena

TOPIC = "seats-http"

SEATS = 50_000
CONNECTIONS = 64
SEATS_A_HOLD = 8
WARM_UP_S = 1.0
COMPILED_S = 3
"""At fifteen thousand a second, what an event of 50,000 seats has room for."""

HOLDS_A_SECOND = 2_000
COMPILED_HOLDS_A_SECOND = 11_000
"""By a load that takes little of the processor itself."""

HOLDS_SCRIPT = Path(__file__).with_name("holds.lua")
GRANIAN = "on granian"

SELL_OUT_S = 2
COMPACT_BYTES = 60_000

Asked = tuple[str, str, bytes]
"""Method, path and body."""


class Connection:
    """One connection that stays open, with one request at a time."""

    def __init__(self, server: Server) -> None:
        self._port = server.port
        self._headers = "".join(
            f"{name}: {value}\r\n" for name, value in server.contender.headers.items()
        )

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(HOST, self._port)

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        self._writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\n{self._headers}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return int(head[9:12]), await self._reader.readexactly(length)

    def close(self) -> None:
        self._writer.close()


def measure(run: Run) -> Iterator[Row | Profile]:
    run.tell(f"{TOPIC}: {CONNECTIONS} connections, {SEATS:,} seats")
    with Server(contenders.keyed(), run.directory) as server:
        seats = _open_venue(server)
        yield from _holds(server, seats, run)
        yield from _compiled_holds(server, seats, run)
        yield from _sell_outs(server, seats, run)
        yield from _snapshot(server)


def _open_venue(server: Server) -> list[str]:
    plan = arena(SEATS, name="Bench Arena")
    made = server.ask("PUT", "/venues/bench", msgspec.json.encode({**plan, "venueId": "bench"}))
    assert made.status == 201, made.body
    return [
        seat["id"]
        for section in plan["sections"]
        for row in section["rows"]
        for seat in row["seats"]
    ]


def _open_event(server: Server) -> str:
    event = {"venueId": "bench", "name": "Bench", "startsAt": "2099-01-01T20:00:00Z"}
    made = server.ask("POST", "/events", json.dumps(event).encode())
    assert made.status == 201, made.body
    return str(json.loads(made.body)["id"])


def _holds(server: Server, seats: list[str], run: Run) -> Iterator[Row]:
    users = count()

    def a_user() -> Asked:
        number = next(users)
        user = {"id": f"u{number}", "name": "Bench", "email": f"u{number}@example.com"}
        return "POST", "/users", json.dumps(user).encode()

    held: list[float] = []
    created: list[float] = []
    for _ in range(run.rounds):
        event, free = _open_event(server), iter(seats)

        def a_hold(event: str = event, free: Iterator[str] = free) -> Asked:
            return "POST", f"/events/{event}/holds", json.dumps({"seats": [next(free)]}).encode()

        held.append(asyncio.run(_throughput(server, a_hold, run.seconds)))
        created.append(asyncio.run(_throughput(server, a_user, run.seconds)))
    yield Row(
        topic=TOPIC,
        what="holds over HTTP",
        against="POST /users, a transaction each",
        measured=samples(held, "/s"),
        reference=samples(created, "/s"),
        ratio=samples((a / b for a, b in zip(held, created, strict=True)), RATIO_UNIT),
        goal=Goal(Bound.at_least, HOLDS_A_SECOND, Judged.measured),
    )


def _compiled_holds(server: Server, seats: list[str], run: Run) -> Iterator[Row]:
    """Holds by a compiled client, on our own HTTP server and on granian in turn."""
    ids = run.directory / "seats.txt"
    ids.write_text("\n".join(seats))
    with Server(contenders.keyed(HTTP_SERVER="granian"), run.directory / "granian") as granian:
        _open_venue(granian)
        servers = (server, granian)
        rates: dict[Server, list[float]] = {each: [] for each in servers}
        cpu_us: dict[Server, list[float]] = {each: [] for each in servers}
        for _ in range(run.rounds):
            for each in servers:
                script = (str(HOLDS_SCRIPT), str(ids), f"/events/{_open_event(each)}/holds")
                before = each.cpu_s()
                load = Load(each.url("/"), COMPILED_S, each.contender.headers, CONNECTIONS, script)
                outcome = WRK.run(load)
                assert not outcome.failed, f"{outcome.failed} holds failed"
                rates[each].append(outcome.requests_per_s)
                cpu_us[each].append((each.cpu_s() - before) / outcome.requests * 1e6)
    yield Row(
        topic=TOPIC,
        what="holds over HTTP, by a compiled client",
        against=GRANIAN,
        measured=samples(rates[server], "/s"),
        reference=samples(rates[granian], "/s"),
        ratio=more_is_better(rates[server], rates[granian]),
        goal=Goal(Bound.at_least, COMPILED_HOLDS_A_SECOND, Judged.measured),
    )
    yield Row(
        topic=TOPIC,
        what="CPU a hold",
        against=GRANIAN,
        measured=samples(cpu_us[server], "µs"),
        reference=samples(cpu_us[granian], "µs"),
        ratio=less_is_better(cpu_us[server], cpu_us[granian]),
    )


async def _throughput(server: Server, next_call: Callable[[], Asked], seconds: float) -> float:
    """Calls a second that were granted."""
    granted = 0
    until = time.monotonic() + WARM_UP_S + seconds
    begin = until - seconds

    async def client(connection: Connection) -> None:
        nonlocal granted
        while (now := time.monotonic()) < until:
            status, body = await connection.ask(*next_call())
            assert status == 201, body
            granted += now >= begin

    await _crowd(server, client)
    return granted / seconds


async def _crowd(server: Server, client: Callable[[Connection], Coroutine[Any, Any, None]]) -> None:
    connections = [Connection(server) for _ in range(CONNECTIONS)]
    for connection in connections:
        await connection.open()
    try:
        async with asyncio.TaskGroup() as group:
            for connection in connections:
                group.create_task(client(connection))
    finally:
        for connection in connections:
            connection.close()


def _sell_outs(server: Server, seats: list[str], run: Run) -> Iterator[Row]:
    times = [asyncio.run(_sell_out(server, seats)) for _ in range(min(run.rounds, 3))]
    yield Row(
        topic=TOPIC,
        what=f"sell-out of {SEATS:,} seats, {SEATS_A_HOLD} a booking, each sold once",
        against=f"{SELL_OUT_S} s",
        measured=samples(times, "s"),
        reference=Samples((SELL_OUT_S,), "s"),
        ratio=samples((SELL_OUT_S / taken for taken in times), RATIO_UNIT),
        goal=Goal(Bound.below, SELL_OUT_S, Judged.measured),
    )


async def _sell_out(server: Server, seats: list[str]) -> float:
    """Seconds until every seat is booked; each must have been sold once."""
    event = _open_event(server)
    parties = iter(list(_parties(seats)))
    sold: Counter[str] = Counter()

    async def client(connection: Connection) -> None:
        for party in parties:
            body = json.dumps({"seats": party}).encode()
            status, held = await connection.ask("POST", f"/events/{event}/holds", body)
            assert status == 201, held
            token = json.dumps({"holdToken": json.loads(held)["holdToken"]}).encode()
            status, booked = await connection.ask("POST", "/bookings", token)
            assert status == 201, booked
            sold.update(json.loads(booked)["seats"])

    began = time.monotonic()
    await _crowd(server, client)
    taken = time.monotonic() - began
    assert len(sold) == SEATS, "not every seat was sold"
    assert set(sold.values()) == {1}, "a seat was sold twice"
    counts = json.loads(server.ask("GET", f"/events/{event}/seats?format=compact").body)["counts"]
    assert counts["booked"] == SEATS, counts
    return taken


def _parties(seats: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(seats), SEATS_A_HOLD):
        yield seats[first : first + SEATS_A_HOLD]


def _snapshot(server: Server) -> Iterator[Row]:
    event = _open_event(server)
    sizes = {
        form: len(server.ask("GET", f"/events/{event}/seats{form}").body)
        for form in ("", "?format=compact")
    }
    yield Row(
        topic=TOPIC,
        what=f"compact snapshot of {SEATS:,} seats, before compression",
        against="the full one",
        measured=Samples((sizes["?format=compact"],), "bytes"),
        reference=Samples((sizes[""],), "bytes"),
        ratio=Samples((sizes[""] / sizes["?format=compact"],), RATIO_UNIT),
        goal=Goal(Bound.below, COMPACT_BYTES, Judged.measured),
    )
