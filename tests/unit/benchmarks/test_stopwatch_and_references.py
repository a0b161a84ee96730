import asyncio

from benchmarks.references import DequeLimiter, OrderedDictCache, SharedTask
from benchmarks.stopwatch import HandClock

from event_seating.settings.parsers import Window


def test_the_reference_cache_drops_the_least_recently_used():
    cache = OrderedDictCache(2, 60, HandClock())
    cache.put("a", b"1")
    cache.put("b", b"2")
    cache.get("a")
    cache.put("c", b"3")

    assert [cache.get(key) for key in "abc"] == [b"1", None, b"3"]


def test_the_reference_cache_forgets_what_expired():
    clock = HandClock()
    cache = OrderedDictCache(9, 60, clock)
    cache.put("a", b"1")
    cache.put("b", b"2")
    clock.now_s += 60

    assert cache.get("a") is None
    assert cache.purge() == 1


def test_the_reference_limiter_holds_both_windows():
    clock = HandClock()
    limiter = DequeLimiter((Window(2, 10), Window(3, 60)), clock)

    admitted = [limiter.check("a") for _ in range(3)]
    clock.now_s += 10
    admitted += [limiter.check("a") for _ in range(2)]
    clock.now_s += 50
    admitted.append(limiter.check("a"))

    assert admitted == [True, True, False, True, False, True]


async def _reads_of_two_callers() -> int:
    reads = 0

    async def read() -> bytes:
        nonlocal reads
        reads += 1
        return b"x"

    shared = SharedTask()
    assert await asyncio.gather(shared.load("a", read), shared.load("a", read)) == [b"x", b"x"]
    return reads


def test_the_reference_flight_reads_once_for_two():
    assert asyncio.run(_reads_of_two_callers()) == 1
