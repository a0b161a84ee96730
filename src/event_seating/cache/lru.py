"""A least recently used cache of encoded answers, each of which lives for `ttl_s` seconds.

Owns the bytes, their expiry, and the counters that an operator sees. `cachebox.LRUCache` keeps the
order of use: a read and a write are a use, and the entry that was not used for longest is evicted.
Its caches with a TTL are not LRU, so the expiry is kept beside the value. An entry expires exactly
when its time is over, at whatever lookup; `purge` only frees the memory.

Expiries come in the order of the writes, since all entries live equally long, so a queue of
deadlines finds the expired ones. When an entry is written again or leaves early, its old deadline
stays in the queue: it is recognised because it is not the entry's own, and dropped when its time
comes, or when the queue holds twice the capacity.

It never loads, waits or uses the event loop, and is used from one thread.
"""

from array import array
from collections import deque
from collections.abc import Callable
from time import perf_counter_ns
from typing import Final

from cachebox import LRUCache as RecencyMap

from event_seating.clock import NS_PER_MS
from event_seating.telemetry.stats import CacheStats

LOOKUPS_TIMED: Final = 100
"""The mean lookup time is over this many, as in the original service."""

QUEUE_PER_CAPACITY: Final = 2
"""At twice the capacity half of the queue is obsolete, so clearing it costs O(1) a write."""

Deadline = tuple[float, str]
"""When an entry expires, by the monotonic clock, and its key."""

Entry = tuple[bytes, Deadline]


class LruCache:
    """At most `capacity` (>= 1) answers for `ttl_s` (> 0) seconds each, by key."""

    def __init__(self, capacity: int, ttl_s: float, monotonic: Callable[[], float]) -> None:
        if capacity < 1 or ttl_s <= 0:
            raise ValueError(
                "a cache needs a capacity of at least one entry and a positive time to live"
            )
        self._capacity = capacity
        self._ttl_s = ttl_s
        self._monotonic = monotonic
        self._entries: RecencyMap[str, Entry] = RecencyMap(capacity)
        # Its own types omit the None that both return for a missing key.
        self._look_up: Callable[[str], Entry | None] = self._entries.get
        self._peek: Callable[[str], Entry | None] = self._entries.peek
        self._deadlines: deque[Deadline] = deque()
        self._queue_max = capacity * QUEUE_PER_CAPACITY
        self._hits = self._misses = self._evictions = self._expirations = 0
        self._lookup_ns = array("q", bytes(8 * LOOKUPS_TIMED))

    def get(self, key: str) -> bytes | None:
        """The value unless it is missing or expired; counts a hit or a miss, and is a use."""
        began_ns = perf_counter_ns()
        entry = self._look_up(key)
        value = None
        if entry is None:
            self._misses += 1
        elif entry[1][0] <= self._monotonic():
            self._misses += 1
            self._remove_expired(key)
        else:
            value = entry[0]
            self._hits += 1
        turn = (self._hits + self._misses) % LOOKUPS_TIMED
        self._lookup_ns[turn] = perf_counter_ns() - began_ns
        return value

    def put(self, key: str, value: bytes) -> None:
        """Store the value; it replaces the key's old one or the least recently used entry."""
        deadline = (self._monotonic() + self._ttl_s, key)
        was_full = len(self._entries) == self._capacity
        if self._entries.insert(key, (value, deadline)) is None and was_full:
            self._evictions += 1
        self._deadlines.append(deadline)
        if len(self._deadlines) > self._queue_max:
            self._deadlines = deque(filter(self._is_in_force, self._deadlines))

    def discard(self, key: str) -> None:
        """Remove the key, if it is there."""
        self._entries.pop(key, None)

    def clear(self) -> int:
        """Remove everything and keep the counters; returns how many entries had not expired."""
        now = self._monotonic()
        stored = len(self._entries)
        live = sum(deadline[0] > now for _, deadline in self._entries.values())
        self._expirations += stored - live
        self._entries.clear()
        self._deadlines.clear()
        return live

    def purge(self, most: int) -> int:
        """Remove expired entries, checking at most `most` deadlines; returns how many."""
        now = self._monotonic()
        deadlines = self._deadlines
        before = self._expirations
        for _ in range(most):
            if not deadlines or deadlines[0][0] > now:
                break
            deadline = deadlines.popleft()
            if self._is_in_force(deadline):
                self._remove_expired(deadline[1])
        return self._expirations - before

    @property
    def stats(self) -> CacheStats:
        """The numbers so far."""
        timed = min(self._hits + self._misses, LOOKUPS_TIMED)
        return CacheStats(
            hits=self._hits,
            misses=self._misses,
            size=len(self._entries),
            evictions=self._evictions,
            expirations=self._expirations,
            average_lookup_ms=sum(self._lookup_ns) / timed / NS_PER_MS if timed else 0.0,
            capacity=self._capacity,
            ttl_s=self._ttl_s,
        )

    def _is_in_force(self, deadline: Deadline) -> bool:
        """Whether an entry exists that has this very deadline."""
        entry = self._peek(deadline[1])
        return entry is not None and entry[1] is deadline

    def _remove_expired(self, key: str) -> None:
        self._entries.pop(key)
        self._expirations += 1
