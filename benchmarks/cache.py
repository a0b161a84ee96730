"""The cache and the single flight in process: time of a lookup and of a purge, memory of an entry
and of a caller who waits."""

import asyncio
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from benchmarks import footprint
from benchmarks.references import OrderedDictCache, SharedTask
from benchmarks.rows import Bound, Goal, Judged, Row, less_is_better
from benchmarks.stopwatch import HandClock, each_us, elapsed_us, samples
from benchmarks.topic import Profile, Run
from event_seating.cache.lru import LruCache
from event_seating.cache.single_flight import SingleFlight

TOPIC = "cache"

CAPACITY = 1000
TTL_S = 60.0
VALUE = b"x" * footprint.VALUE_CHARS
LOOKUPS_A_KEY = 100
JOINERS = 10_000

LOOKUP_GOAL = Goal(Bound.below, 1, Judged.measured)
PURGE_GOAL = Goal(Bound.below, 1000, Judged.measured)
ENTRY_GOAL = Goal(Bound.below, 500, Judged.measured)
JOINER_GOAL = Goal(Bound.at_most, 200, Judged.measured)

REFERENCE = "OrderedDict LRU with TTL"

Cache = LruCache | OrderedDictCache
C = TypeVar("C", LruCache, OrderedDictCache)
Clock = Callable[[], float]


def measure(run: Run) -> Iterator[Row | Profile]:
    run.tell(f"{TOPIC}: times")
    yield _lookup(run, REFERENCE, _filled_reference)
    yield _lookup(run, "a dict", _filled_dict)
    yield _purge(run)
    run.tell(f"{TOPIC}: memory")
    yield _entry()
    yield _joiner(run)


def _keys() -> list[str]:
    return [f"user-{number}" for number in range(CAPACITY)]


def _filled_reference() -> Callable[[str], object]:
    return _filled(OrderedDictCache(CAPACITY, TTL_S, time.monotonic)).get


def _filled_dict() -> Callable[[str], object]:
    return dict.fromkeys(_keys(), VALUE).get


def _filled(cache: Cache) -> Cache:
    for key in _keys():
        cache.put(key, VALUE)
    return cache


def _lookup(run: Run, against: str, reference: Callable[[], Callable[[str], object]]) -> Row:
    keys = _keys() * LOOKUPS_A_KEY
    ours, theirs = [], []
    for _ in range(run.rounds):
        ours.append(each_us(_filled(LruCache(CAPACITY, TTL_S, time.monotonic)).get, keys))
        theirs.append(each_us(reference(), keys))
    return Row(
        topic=TOPIC,
        what="lookup that hits",
        against=against,
        measured=samples(ours, "µs"),
        reference=samples(theirs, "µs"),
        ratio=less_is_better(ours, theirs),
        goal=LOOKUP_GOAL,
    )


def _purge(run: Run) -> Row:
    ours, theirs = [], []
    for _ in range(run.rounds):
        ours.append(
            _purge_us(
                lambda clock: LruCache(CAPACITY, TTL_S, clock),
                lambda cache: cache.purge(CAPACITY),
            )
        )
        theirs.append(
            _purge_us(
                lambda clock: OrderedDictCache(CAPACITY, TTL_S, clock),
                lambda cache: cache.purge(),
            )
        )
    return Row(
        topic=TOPIC,
        what=f"purge of {CAPACITY:,} expired",
        against=REFERENCE,
        measured=samples(ours, "µs"),
        reference=samples(theirs, "µs"),
        ratio=less_is_better(ours, theirs),
        goal=PURGE_GOAL,
    )


def _purge_us(make: Callable[[Clock], C], purge: Callable[[C], int]) -> float:
    clock = HandClock()
    cache = make(clock)
    _filled(cache)
    clock.now_s += TTL_S
    removed = 0

    def all_of_it() -> None:
        nonlocal removed
        removed = purge(cache)

    time_us = elapsed_us(all_of_it)
    assert removed == CAPACITY, f"{removed} of {CAPACITY} were purged"
    return time_us


def _entry() -> Row:
    ours = [footprint.bytes_each("entry")]
    theirs = [footprint.bytes_each("entry-reference")]
    return Row(
        topic=TOPIC,
        what="an entry over its value, key included",
        against=REFERENCE,
        measured=samples(ours, "bytes"),
        reference=samples(theirs, "bytes"),
        ratio=less_is_better(ours, theirs),
        goal=ENTRY_GOAL,
    )


def _joiner(run: Run) -> Row:
    ours = [asyncio.run(_joiner_bytes(_single_flight)) for _ in range(run.rounds)]
    theirs = [asyncio.run(_joiner_bytes(SharedTask)) for _ in range(run.rounds)]
    return Row(
        topic=TOPIC,
        what="a caller who waits for another's read",
        against="shield of a shared task",
        measured=samples(ours, "bytes"),
        reference=samples(theirs, "bytes"),
        ratio=less_is_better(ours, theirs),
        goal=JOINER_GOAL,
    )


def _single_flight() -> SingleFlight[bytes]:
    return SingleFlight(lambda _key, _value: None)


async def _joiner_bytes(make: Callable[[], SingleFlight[bytes] | SharedTask]) -> float:
    """Bytes that each further caller costs while one read is under way, what it awaits included."""
    landed = asyncio.Event()

    async def read() -> bytes:
        await landed.wait()
        return VALUE

    flights = make()
    first = flights.load("key", read)
    await asyncio.sleep(0)  # the read is under way
    waiters: list[Awaitable[object]] = [first]
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(JOINERS):
        waiters.append(flights.load("key", read))  # noqa: PERF401 - one at a time, as callers come
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    landed.set()
    await asyncio.gather(*waiters)
    return (after - before) / JOINERS
