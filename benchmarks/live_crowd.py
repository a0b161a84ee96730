"""10,000 who watch one event on one process for five minutes, with 5 changes a second.

Whether the memory stays flat and nobody misses a change is what it is for: both make the row
invalid. The times are those of one machine that also runs the watchers, on its other cores.
"""

import asyncio
import time
from collections.abc import Iterator

from benchmarks import contenders
from benchmarks.crowd import percentile
from benchmarks.live import SERVING, Stand, delays, open_event
from benchmarks.rows import Bound, Goal, Judged, Row, Samples
from benchmarks.seats_http import Connection
from benchmarks.servers import Server
from benchmarks.topic import Profile, Run
from benchmarks.watchers import Watchers, watching

TOPIC = "live-crowd"

WATCHERS = 10_000
CHANGES_A_SECOND = 5
DURATION_S = 300
SETTLE_S = 5.0
"""Longer than any pause between two frames, for the last ones to come."""

MEMORY_READ_EVERY = 100
"""Changes between two looks at the memory."""

GROWTH_BYTES_MAX = 10_000_000
"""In the second half; a byte for each frame of each watcher would be three times as much."""

MEMORY_GOAL = Goal(Bound.at_most, 8, Judged.measured)
"""Kilobytes a watcher."""

P99_GOAL = Goal(Bound.below, 100, Judged.measured)
"""Milliseconds from a change to everybody."""


def measure(run: Run) -> Iterator[Row | Profile]:
    run.tell(f"{TOPIC}: {WATCHERS:,} watchers for {DURATION_S} s")
    room = str(WATCHERS + 1_000)
    keyed = contenders.keyed(LIVE_CONNECTIONS_PER_ADDRESS=room, LIVE_CONNECTIONS_MAX=room)
    with Server(keyed, run.directory) as server:
        event, seats = open_event(server)
        before = server.memory_bytes(SERVING)
        with watching(server.port, f"/events/{event}/live", WATCHERS, 0) as watchers:
            grown = (server.memory_bytes(SERVING) - before) / WATCHERS / 1000
            stand = Stand(server, watchers, f"/events/{event}/blocks", seats)
            yield from asyncio.run(_watched(stand, watchers))
    yield _row("memory of a watcher, connection included", grown, "kB", goal=MEMORY_GOAL)


async def _watched(stand: Stand, watchers: Watchers) -> list[Row | Profile]:
    """Make the changes, then see when each reached each watcher."""
    server, connection = stand.server, Connection(stand.server)
    await connection.open()
    watchers.received()
    asked: list[tuple[int, float]] = []
    memory: list[int] = []
    cpu_s, began = server.cpu_s(), time.monotonic()
    for number in range(CHANGES_A_SECOND * DURATION_S):
        await asyncio.sleep(max(0.0, began + number / CHANGES_A_SECOND - time.monotonic()))
        asked.append(await stand.change(connection))
        if number % MEMORY_READ_EVERY == 0:
            memory.append(server.memory_bytes(SERVING))
    cpu = 100 * (server.cpu_s() - cpu_s) / (time.monotonic() - began)
    connection.close()
    await asyncio.sleep(SETTLE_S)
    latencies = [each for _, reached in delays(asked, watchers.received()) for each in reached]
    lost = WATCHERS * len(asked) - len(latencies)
    growth = memory[-1] - memory[len(memory) // 2]
    return [
        _row(
            f"changes that reached each of {WATCHERS:,} watchers",
            len(latencies),
            "receipts",
            invalid=f"{lost:,} did not" if lost else "",
        ),
        _row("p50 from request to receipt", percentile(latencies, 50), "ms"),
        _row("p99 from request to receipt", percentile(latencies, 99), "ms", goal=P99_GOAL),
        _row("CPU of the server", cpu, "% of a core"),
        _row(
            "growth of the memory in the second half",
            growth / 1e6,
            "MB",
            invalid="it grows" if growth > GROWTH_BYTES_MAX else "",
        ),
    ]


def _row(what: str, value: float, unit: str, *, goal: Goal | None = None, invalid: str = "") -> Row:
    return Row(topic=TOPIC, what=what, measured=Samples((value,), unit), goal=goal, invalid=invalid)
