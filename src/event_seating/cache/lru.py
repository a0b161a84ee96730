"""The least recently used cache of ready-made answers, each of which lives for `ttl_s` seconds.

Owns the bytes, when they expire, and the counters that an operator sees. The order of use is kept
by `cachebox.LRUCache`: a read and a write are a use, the entry whose last use is longest ago makes
room. Its caches with a TTL are not LRU, so the expiry is held beside the value. An entry expires at
the very moment that its time is over, whoever asks; `purge` only gives the memory back.

Expiries come in the order of the writes, since all entries live equally long, so a queue of
deadlines finds those that are over. An entry that is written again or leaves early has its old
deadline still in the queue: it is known by not being the entry's own, and is dropped when its turn
comes, or when the queue holds twice what the cache can hold.

It never loads, waits or touches the loop, and is used from one thread.
"""

from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Final

from cachebox import LRUCache as RecencyMap

LOOKUPS_TIMED: Final = 100
"""The mean lookup time is over this many, as operators of the original service know it."""

QUEUE_PER_CAPACITY: Final = 2
"""At twice the capacity half the queue is of no use, so clearing it costs O(1) a write."""

NS_PER_MS: Final = 1_000_000

Deadline = tuple[float, str]
"""When an entry expires, by the monotonic clock, and its key."""

Entry = tuple[bytes, Deadline]


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What a cache did since it was made; clearing it keeps the counters."""

    hits: int
    misses: int
    """An expired entry that is looked up is a miss."""
    size: int
    """Entries stored, with those that expired and were not purged yet."""
    evictions: int
    """Entries that made room for another."""
    expirations: int
    """Entries removed because their time was over."""
    average_lookup_ms: float
    """Mean time of the last 100 lookups in the cache alone; 0 before the first."""
    capacity: int
    ttl_s: float


class LruCache:
    """At most `capacity` (>= 1) answers for `ttl_s` (> 0) seconds each, by key."""

    def __init__(self, capacity: int, ttl_s: float, monotonic: Callable[[], float]) -> None:
        if capacity < 1 or ttl_s <= 0:
            raise ValueError("a cache needs room for one entry and a positive time to live")
        self._capacity = capacity
        self._ttl_s = ttl_s
        self._monotonic = monotonic
        self._entries: RecencyMap[str, Entry] = RecencyMap(capacity)
        # Its own types leave out the None that both give for a key that is not there.
        self._look_up: Callable[[str], Entry | None] = self._entries.get
        self._peek: Callable[[str], Entry | None] = self._entries.peek
        self._deadlines: deque[Deadline] = deque()
        self._queue_max = capacity * QUEUE_PER_CAPACITY
        self._hits = self._misses = self._evictions = self._expirations = 0
        self._lookup_ns = array("q", bytes(8 * LOOKUPS_TIMED))

    def get(self, key: str) -> bytes | None:
        """The value if it is there and not expired; counts a hit or a miss, and is a use."""
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
        """Remember the value, in place of the key's old one or of the least recently used entry."""
        deadline = (self._monotonic() + self._ttl_s, key)
        was_full = len(self._entries) == self._capacity
        if self._entries.insert(key, (value, deadline)) is None and was_full:
            self._evictions += 1
        self._deadlines.append(deadline)
        if len(self._deadlines) > self._queue_max:
            self._deadlines = deque(filter(self._is_in_force, self._deadlines))

    def discard(self, key: str) -> None:
        """Forget the key, if it is there."""
        self._entries.pop(key, None)

    def clear(self) -> int:
        """Forget everything and keep the counters; returns how many live entries there were."""
        now = self._monotonic()
        stored = len(self._entries)
        live = sum(deadline[0] > now for _, deadline in self._entries.values())
        self._expirations += stored - live
        self._entries.clear()
        self._deadlines.clear()
        return live

    def purge(self, most: int) -> int:
        """Remove expired entries, looking at no more than `most` deadlines; returns how many."""
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
        """What was counted so far."""
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
        """Whether an entry is there that has this very deadline."""
        entry = self._peek(deadline[1])
        return entry is not None and entry[1] is deadline

    def _remove_expired(self, key: str) -> None:
        self._entries.pop(key)
        self._expirations += 1
