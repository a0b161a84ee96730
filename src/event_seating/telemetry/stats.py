"""What other parts say of themselves when the metrics are asked for; nothing here counts."""

from collections.abc import Collection, Mapping
from typing import Protocol


class CacheStats(Protocol):
    """What a cache says of itself; counts since the start."""

    @property
    def hits(self) -> int: ...
    @property
    def misses(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def capacity(self) -> int: ...
    @property
    def evictions(self) -> int: ...
    @property
    def expirations(self) -> int: ...
    @property
    def average_lookup_ms(self) -> float: ...


class SeatStats(Protocol):
    """What the writers of seats say of themselves; counts since the start."""

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
    """What a process knows of its Redis or Valkey; counts since the start."""

    @property
    def problem(self) -> str | None: ...
    @property
    def restarts(self) -> int: ...
    @property
    def dropped(self) -> int: ...


class LimiterStats(Protocol):
    """What a limiter says of itself."""

    @property
    def forgotten(self) -> int: ...
    def __len__(self) -> int: ...


class LiveStats(Protocol):
    """What live updates say of themselves; counts since the start."""

    @property
    def frames(self) -> int: ...
    @property
    def dropped(self) -> int: ...
    @property
    def fallbacks(self) -> int: ...


class ConnectionStats(Protocol):
    """What is known of the connections of a serving process."""

    @property
    def open(self) -> Collection[object]: ...
    @property
    def ended(self) -> Mapping[str, int]: ...
