"""The one clock of the process, and the one way to write a time.

Owns `now` and `monotonic`, so that a test can hand in a clock that stands still. Nothing else in
the package calls `time.time` or `datetime.now`. It never sleeps.
"""

import time
from datetime import UTC, datetime
from typing import Final, Protocol

MS_PER_S: Final = 1000


class Clock(Protocol):
    """Where the process gets its times from."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01T00:00:00Z."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; never runs backwards."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01T00:00:00Z."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds since some moment; never runs backwards."""
        return time.monotonic()


class DatabaseClock:
    """The machine's monotonic clock, set to the time of the database that everybody shares.

    Starts as the machine's own time; whoever can ask the database calls `set`.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset_ms = clock.now_ms() - clock.monotonic() * MS_PER_S

    def set(self, database_ms: int, asked: float, answered: float) -> None:
        """The database said `database_ms` somewhere between these two monotonic times (seconds)."""
        self.offset_ms = database_ms - (asked + answered) / 2 * MS_PER_S

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01T00:00:00Z."""
        return int(self._clock.monotonic() * MS_PER_S + self.offset_ms)

    def monotonic(self) -> float:
        """Seconds since some moment; never runs backwards."""
        return self._clock.monotonic()


def rfc3339(ms: int) -> str:
    """`ms` since the epoch as RFC 3339 in UTC; the milliseconds are left out when zero.

    >>> rfc3339(1672531200000)
    '2023-01-01T00:00:00Z'
    >>> rfc3339(1702049445123)
    '2023-12-08T15:30:45.123Z'
    """
    seconds, millis = divmod(ms, MS_PER_S)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{millis:03d}Z" if millis else f"{text}Z"
