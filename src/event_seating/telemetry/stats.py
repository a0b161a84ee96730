"""What other parts say of themselves when the metrics are asked for; nothing here counts."""

from collections.abc import Collection, Mapping
from typing import Protocol


class CacheStats(Protocol):
    """What a cache says of itself; counts since the start."""

    @property
    def hits(self) -> int: ...  # noqa: D102
    @property
    def misses(self) -> int: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def capacity(self) -> int: ...  # noqa: D102
    @property
    def evictions(self) -> int: ...  # noqa: D102
    @property
    def expirations(self) -> int: ...  # noqa: D102
    @property
    def average_lookup_ms(self) -> float: ...  # noqa: D102


class SeatStats(Protocol):
    """What the writers of seats say of themselves; counts since the start."""

    @property
    def holds(self) -> Mapping[str, int]: ...  # noqa: D102
    @property
    def bookings(self) -> Mapping[str, int]: ...  # noqa: D102
    @property
    def conflicts(self) -> int: ...  # noqa: D102
    @property
    def batch_sizes(self) -> Mapping[int, int]: ...  # noqa: D102
    @property
    def log_bytes(self) -> int: ...  # noqa: D102


class RedisStats(Protocol):
    """What a process knows of its Redis or Valkey; counts since the start."""

    @property
    def problem(self) -> str | None: ...  # noqa: D102
    @property
    def restarts(self) -> int: ...  # noqa: D102
    @property
    def dropped(self) -> int: ...  # noqa: D102


class LimiterStats(Protocol):
    """What a limiter says of itself."""

    @property
    def forgotten(self) -> int: ...  # noqa: D102
    def __len__(self) -> int: ...


class LiveStats(Protocol):
    """What live updates say of themselves; counts since the start."""

    @property
    def frames(self) -> int: ...  # noqa: D102
    @property
    def dropped(self) -> int: ...  # noqa: D102
    @property
    def fallbacks(self) -> int: ...  # noqa: D102


class ConnectionStats(Protocol):
    """What is known of the connections of a serving process."""

    @property
    def open(self) -> Collection[object]: ...  # noqa: D102
    @property
    def ended(self) -> Mapping[str, int]: ...  # noqa: D102
