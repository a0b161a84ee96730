"""Memory of many small things, measured where nothing else lives: in a process of its own.

`python -m benchmarks.footprint NAME` builds the thing and prints the bytes that the process grew by
for each member. Resident memory rather than Python's own count, since parts are not in Python.
"""

import subprocess
import sys
import time
from collections.abc import Callable

import psutil  # type: ignore[import-untyped]

from benchmarks.references import DequeLimiter, OrderedDictCache
from benchmarks.stopwatch import HandClock
from event_seating.cache.lru import LruCache
from event_seating.limits.limiter import Limiter
from event_seating.settings.parsers import Window

ENTRIES = 100_000
CLIENTS = 100_000

WINDOWS = (Window(5, 10), Window(10, 60))
"""The default ones."""

TIMEOUT_S = 120

VALUE_CHARS = 100
"""About an encoded user."""


def bytes_each(name: str) -> float:
    """Bytes a member of the thing of that name, in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.footprint", name],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    return float(done.stdout)


def _value(number: int) -> bytes:
    return b"%0*d" % (VALUE_CHARS, number)


def _fill_cache(cache: LruCache | OrderedDictCache) -> object:
    for number in range(ENTRIES):
        cache.put(f"user-{number}", _value(number))
    return cache


def _fill_limiter(limiter: Limiter | DequeLimiter, clock: HandClock) -> object:
    """Each client as busy as the windows allow, so that every ring is full."""
    burst, sustained = WINDOWS
    for _ in range(sustained.limit // burst.limit):
        for number in range(CLIENTS):
            client = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
            for _ in range(burst.limit):
                limiter.check(client)
        clock.now_s += burst.seconds + 1
    return limiter


def _cache_entry(make: Callable[[], LruCache | OrderedDictCache]) -> float:
    # The values are not what is measured.
    return _growth(lambda: _fill_cache(make())) / ENTRIES - sys.getsizeof(_value(0))


def _client(make: Callable[[HandClock], Limiter | DequeLimiter]) -> float:
    clock = HandClock()
    return _growth(lambda: _fill_limiter(make(clock), clock)) / CLIENTS


def _growth(build: Callable[[], object]) -> int:
    process = psutil.Process()
    before = process.memory_info().rss
    built = build()
    growth = process.memory_info().rss - before
    del built
    return int(growth)


FOOTPRINTS: dict[str, Callable[[], float]] = {
    "entry": lambda: _cache_entry(lambda: LruCache(ENTRIES, 60, time.monotonic)),
    "entry-reference": lambda: _cache_entry(lambda: OrderedDictCache(ENTRIES, 60, time.monotonic)),
    "client": lambda: _client(lambda clock: Limiter(WINDOWS, clock)),
    "client-reference": lambda: _client(lambda clock: DequeLimiter(WINDOWS, clock)),
}


if __name__ == "__main__":
    print(FOOTPRINTS[sys.argv[1]]())
