"""Live updates: 1,000 who watch an event, told of 5 and of 50 changes a second.

A change is a seat withdrawn over HTTP; it has reached a watcher with the first frame whose version
is not below its own. The time runs from before the request, so that the commit is in it. Merging is
in it too: the service sends a change that follows another within 0.05 s with the next frame, the
reference sends each by itself. One more watcher never reads.
"""

import asyncio
import json
import sys
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benchmarks import contenders, node
from benchmarks.crowd import percentile
from benchmarks.rows import RATIO_UNIT, Bound, Goal, Judged, Row, Samples, less_is_better
from benchmarks.seats_http import Connection
from benchmarks.servers import Contender, Server
from benchmarks.stopwatch import samples
from benchmarks.topic import Profile, Run
from benchmarks.watchers import Receipts, Watchers, watching
from event_seating.venues.arenas import arena

TOPIC = "live"

WATCHERS = 1_000
RATES = (5, 50)
SEATS = 1_000
WARM_UP_S = 0.5
SETTLE_S = 1.5
"""Longer than any pause between two frames, for the last ones to come."""

P99_GOALS = {5: Goal(Bound.below, 20, Judged.measured), 50: Goal(Bound.below, 80, Judged.measured)}
"""Milliseconds, by the rate."""

MEMORY_GOAL = Goal(Bound.at_most, 8, Judged.measured)
"""Kilobytes."""

SERVING = "event_seating.processes.server"

PLAIN = "encode and send to each"


@dataclass
class Figures:
    """One contender at one rate: one value a round."""

    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Per cent of a core."""


@dataclass
class Stand:
    """A server with its watchers, and how a change is made there."""

    server: Server
    watchers: Watchers
    path: str
    seats: list[str]
    made: int = 0

    async def change(self, connection: Connection) -> tuple[int, float]:
        """Make the next change; its version, and when it was asked for."""
        path, body = self._next()
        before = time.monotonic()
        status, answer = await connection.ask("POST", path, body)
        assert status == 200, answer
        return json.loads(answer)["version"], before

    def _next(self) -> tuple[str, bytes]:
        """Where and how it is asked for: one seat after the other, there and back."""
        turn, at = divmod(self.made, len(self.seats))
        self.made += 1
        path = f"{self.path}/release" if turn % 2 and self.path != "/" else self.path
        return path, json.dumps({"seats": [self.seats[at]], "reason": "bench"}).encode()


def measure(run: Run) -> Iterator[Row | Profile]:
    run.tell(f"{TOPIC}: {WATCHERS:,} watchers and one who does not read")
    plain = Contender(PLAIN, (sys.executable, str(node.PEERS / "live_loop.py")))
    keyed = contenders.keyed(LIVE_CONNECTIONS_PER_ADDRESS=str(2 * WATCHERS))
    with Server(keyed, run.directory) as ours, Server(plain, run.directory) as peer:
        event, seats = open_event(ours)
        # The job process, which watchers do not touch, may still be loading.
        memory = (ours.memory_bytes(SERVING), peer.memory_bytes())
        with (
            watching(ours.port, f"/events/{event}/live", WATCHERS, 1) as ours_watch,
            watching(peer.port, "/", WATCHERS, 1) as peer_watch,
        ):
            grown = (
                (ours.memory_bytes(SERVING) - memory[0]) / WATCHERS,
                (peer.memory_bytes() - memory[1]) / WATCHERS,
            )
            stands = (
                Stand(ours, ours_watch, f"/events/{event}/blocks", seats),
                Stand(peer, peer_watch, "/", seats),
            )
            for rate in RATES:
                yield from _at(rate, stands, run)
            yield _memory(*grown)


def open_event(server: Server) -> tuple[str, list[str]]:
    """An event on sale, and its seats."""
    plan = arena(SEATS, name="Bench Arena")
    made = server.ask("PUT", "/venues/live", json.dumps({**plan, "venueId": "live"}).encode())
    assert made.status == 201, made.body
    asked = {"venueId": "live", "name": "Bench", "startsAt": "2099-01-01T20:00:00Z"}
    event = server.ask("POST", "/events", json.dumps(asked).encode())
    seats = [seat["id"] for s in plan["sections"] for row in s["rows"] for seat in row["seats"]]
    return str(json.loads(event.body)["id"]), seats


def _at(rate: int, stands: tuple[Stand, Stand], run: Run) -> Iterator[Row]:
    figures = (Figures(), Figures())
    for _ in range(run.rounds):
        for stand, found in zip(stands, figures, strict=True):
            asyncio.run(_round(stand, rate, run.seconds, found))
    ours, peer = figures
    for what, figure in _KINDS:
        yield Row(
            topic=TOPIC,
            what=f"{what}, {rate} changes a second",
            against=PLAIN,
            measured=samples(figure(ours), "% of a core" if figure is _cpu else "ms"),
            reference=samples(figure(peer), "% of a core" if figure is _cpu else "ms"),
            ratio=less_is_better(figure(ours), figure(peer)),
            goal=P99_GOALS.get(rate) if figure is _p99 else None,
        )


async def _round(stand: Stand, rate: int, seconds: int, found: Figures) -> None:
    """Make changes at this rate, then see when each reached each watcher."""
    connection = Connection(stand.server)
    await connection.open()
    stand.watchers.received()
    asked: list[tuple[int, float]] = []
    cpu_s, began = stand.server.cpu_s(), time.monotonic()
    count = int((WARM_UP_S + seconds) * rate)
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        change = await stand.change(connection)
        if number >= WARM_UP_S * rate:
            asked.append(change)
    elapsed = time.monotonic() - began
    used = stand.server.cpu_s() - cpu_s
    connection.close()
    await asyncio.sleep(SETTLE_S)
    latencies = _latencies(asked, stand.watchers.received())
    found.p50_ms.append(percentile(latencies, 50))
    found.p99_ms.append(percentile(latencies, 99))
    found.cpu.append(100 * used / elapsed)


def delays(asked: list[tuple[int, float]], receipts: Receipts) -> Iterator[tuple[int, list[float]]]:
    """Each change's version, and the milliseconds to each watcher whom it reached."""
    versions = sorted(receipts)
    for version, before in asked:
        received = receipts[versions[bisect_left(versions, version)]]
        yield version, [(at - before) * 1000 for at in received]


def _latencies(asked: list[tuple[int, float]], receipts: Receipts) -> list[float]:
    """Milliseconds from each change to each watcher."""
    latencies: list[float] = []
    for version, reached in delays(asked, receipts):
        assert len(reached) == WATCHERS, f"{len(reached)} got version {version}"
        latencies += reached
    return latencies


def _memory(ours: float, peer: float) -> Row:
    return Row(
        topic=TOPIC,
        what="memory of a watcher, connection included",
        against=PLAIN,
        measured=Samples((ours / 1000,), "kB"),
        reference=Samples((peer / 1000,), "kB"),
        ratio=Samples((peer / ours,), RATIO_UNIT),
        goal=MEMORY_GOAL,
    )


def _p50(figures: Figures) -> list[float]:
    return figures.p50_ms


def _p99(figures: Figures) -> list[float]:
    return figures.p99_ms


def _cpu(figures: Figures) -> list[float]:
    return figures.cpu


_KINDS: tuple[tuple[str, Callable[[Figures], list[float]]], ...] = (
    ("p50 from request to receipt", _p50),
    ("p99 from request to receipt", _p99),
    ("CPU of the server", _cpu),
)
