"""The cache against a simple dict with a clock, and what it counts."""

from collections import OrderedDict

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from event_seating.cache import lru
from event_seating.cache.lru import QUEUE_PER_CAPACITY, LruCache

KEYS = st.sampled_from("abcde")


class Stopwatch:
    """A monotonic clock that moves only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Stopwatch:
    return Stopwatch()


class CacheMachine(RuleBasedStateMachine):
    """A dict in order of use, whose entries say when they expire and when they were written."""

    @initialize(capacity=st.integers(1, 4), ttl_eighths=st.integers(1, 8))
    def begin(self, capacity: int, ttl_eighths: int) -> None:
        self.clock = Stopwatch()
        self.capacity, self.ttl_s = capacity, ttl_eighths / 8
        self.cache = LruCache(capacity, self.ttl_s, self.clock)
        self.model: OrderedDict[str, tuple[bytes, float, int]] = OrderedDict()
        self.writes = 0
        self.hits = self.misses = self.evictions = self.expirations = 0

    def expired(self) -> list[str]:
        """Keys whose time is over, in the order of their writes."""
        over = [key for key, (_, expiry, _) in self.model.items() if expiry <= self.clock.now]
        return sorted(over, key=lambda key: self.model[key][2])

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        expected = None
        if key in self.expired():
            del self.model[key]
            self.expirations += 1
        elif key in self.model:
            expected = self.model[key][0]
            self.model.move_to_end(key)
        self.hits += expected is not None
        self.misses += expected is None
        assert self.cache.get(key) == expected

    @rule(keys=st.lists(KEYS, min_size=1, max_size=6), value=st.binary(max_size=3))
    def put(self, keys: list[str], value: bytes) -> None:
        for key in keys:
            if key not in self.model and len(self.model) == self.capacity:
                self.model.popitem(last=False)
                self.evictions += 1
            self.writes += 1
            self.model[key] = (value, self.clock.now + self.ttl_s, self.writes)
            self.model.move_to_end(key)
            self.cache.put(key, value)

    @rule(key=KEYS)
    def discard(self, key: str) -> None:
        self.model.pop(key, None)
        self.cache.discard(key)

    @rule()
    def clear(self) -> None:
        over = len(self.expired())
        assert self.cache.clear() == len(self.model) - over
        self.expirations += over
        self.model.clear()

    @rule(lives=st.sampled_from([0.25, 0.5, 0.875, 1.0, 1.0]))
    def pass_time(self, lives: float) -> None:
        self.clock.now += lives * self.ttl_s

    @rule(most=st.integers(0, 3))
    def purge(self, most: int) -> None:
        over = self.expired()
        removed = self.cache.purge(most or self.capacity * QUEUE_PER_CAPACITY)
        assert removed == len(over) if most == 0 else removed <= min(most, len(over))
        for key in over[:removed]:
            del self.model[key]
        self.expirations += removed

    @invariant()
    def everything_is_counted_and_bounded(self) -> None:
        if not hasattr(self, "cache"):
            return
        stats = self.cache.stats
        assert (stats.hits, stats.misses, stats.size, stats.evictions, stats.expirations) == (
            self.hits,
            self.misses,
            len(self.model),
            self.evictions,
            self.expirations,
        )
        assert (stats.capacity, stats.ttl_s) == (self.capacity, self.ttl_s)
        assert len(self.cache._deadlines) <= self.capacity * QUEUE_PER_CAPACITY


TestCache = CacheMachine.TestCase
TestCache.settings = settings(
    max_examples=100, stateful_step_count=50, deadline=None, database=None
)


def test_an_entry_is_gone_at_the_very_moment_its_time_is_over(clock: Stopwatch) -> None:
    cache = LruCache(1, 60, clock)
    cache.put("a", b"1")
    clock.now += 59.875
    assert cache.get("a") == b"1"
    clock.now += 0.125
    assert cache.get("a") is None
    stats = cache.stats
    assert (stats.hits, stats.misses, stats.expirations, stats.size) == (1, 1, 1, 0)


def test_reading_does_not_prolong_a_life_and_writing_does(clock: Stopwatch) -> None:
    cache = LruCache(2, 60, clock)
    cache.put("read", b"1")
    cache.put("written", b"1")
    clock.now += 30
    cache.get("read")
    cache.put("written", b"2")
    clock.now += 30
    assert [cache.get("read"), cache.get("written")] == [None, b"2"]


def test_the_least_recently_read_makes_room(clock: Stopwatch) -> None:
    cache = LruCache(2, 60, clock)
    cache.put("a", b"1")
    cache.put("b", b"2")
    cache.get("a")
    cache.put("c", b"3")
    assert [cache.get("a"), cache.get("b"), cache.get("c")] == [b"1", None, b"3"]


def test_a_purge_does_not_touch_the_order_of_use(clock: Stopwatch) -> None:
    cache = LruCache(2, 60, clock)
    cache.put("a", b"1")
    clock.now += 30
    cache.put("a", b"1")  # its first deadline stays in the queue
    cache.put("b", b"2")
    clock.now += 30
    assert cache.purge(10) == 0
    cache.put("c", b"3")
    assert [cache.get("a"), cache.get("b")] == [None, b"2"]


def test_a_purge_gives_memory_back_at_the_very_moment_and_no_more_than_it_is_told(
    clock: Stopwatch,
) -> None:
    cache = LruCache(3, 60, clock)
    for key in "abc":
        cache.put(key, b"1")
    clock.now += 59.875
    assert cache.purge(10) == 0
    clock.now += 0.125
    assert [cache.purge(2), cache.purge(2), cache.purge(2)] == [2, 1, 0]
    assert (cache.stats.size, cache.stats.expirations) == (0, 3)


def test_an_empty_value_is_a_hit(clock: Stopwatch) -> None:
    cache = LruCache(1, 60, clock)
    cache.put("a", b"")
    assert cache.get("a") == b""
    assert cache.stats.hits == 1


def test_the_mean_lookup_time_is_of_the_last_hundred_in_milliseconds(
    clock: Stopwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = LruCache(1, 60, clock)
    assert cache.stats.average_lookup_ms == 0.0
    readings = iter([value for ms in [7, *[2] * 50, *[4] * 50] for value in (0, ms * 1_000_000)])
    monkeypatch.setattr(lru, "perf_counter_ns", lambda: next(readings))
    cache.get("a")
    assert cache.stats.average_lookup_ms == 7.0
    for _ in range(100):
        cache.get("a")
    assert cache.stats.average_lookup_ms == 3.0


@pytest.mark.parametrize(("capacity", "ttl_s"), [(0, 60), (-1, 60), (1, 0), (1, -1)])
def test_a_cache_without_room_or_time_is_refused(
    capacity: int, ttl_s: float, clock: Stopwatch
) -> None:
    with pytest.raises(ValueError, match="capacity of at least one"):
        LruCache(capacity, ttl_s, clock)
