"""The numbers that other parts report when the metrics are scraped; nothing here counts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class CacheStats:
    """A cache's numbers since it was made; clearing it keeps the counters."""

    hits: int
    misses: int
    """A lookup of an expired entry is a miss."""
    size: int
    """Entries stored, including expired ones that are not purged yet."""
    evictions: int
    """Entries that made room for another."""
    expirations: int
    """Entries removed because they had expired."""
    average_lookup_ms: float
    """Mean time of the last 100 lookups in the cache alone; 0 before the first."""
    capacity: int
    ttl_s: float


class SeatStats(Protocol):
    """The numbers of the seats' writers since the start."""

    @property
    def holds(self) -> Mapping[str, int]: ...
    @property
    def bookings(self) -> Mapping[str, int]: ...
    @property
    def conflicts(self) -> int: ...
    @property
    def batch_sizes(self) -> Mapping[int, int]: ...
    @property
    def log_bytes(self) -> int: ...


class RedisStats(Protocol):
    """What a process knows about its Redis or Valkey, since the start."""

    @property
    def problem(self) -> str | None: ...
    @property
    def restarts(self) -> int: ...
    @property
    def dropped(self) -> int: ...


class LimiterStats(Protocol):
    """The numbers of a limiter."""

    @property
    def forgotten(self) -> int: ...
    def __len__(self) -> int: ...


class LiveStats(Protocol):
    """The numbers of live updates since the start."""

    @property
    def frames(self) -> int: ...
    @property
    def dropped(self) -> int: ...
    @property
    def fallbacks(self) -> int: ...


class ConnectionStats(Protocol):
    """The numbers of a serving process's connections."""

    @property
    def open(self) -> Collection[object]: ...
    @property
    def ended(self) -> Mapping[str, int]: ...
