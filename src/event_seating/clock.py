"""The one clock of the process.

Owns `now_ms` and `monotonic`, so that a test can pass a clock that stands still. Nothing else in
the package calls `time.time` or `datetime.now`. It never sleeps. `values.rfc3339` formats a time.
"""

import time
from typing import Final, Protocol

MS_PER_S: Final = 1000
NS_PER_MS: Final = 1_000_000


class Clock(Protocol):
    """Where the process gets the time."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01T00:00:00Z."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment; never runs backwards."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01T00:00:00Z."""
        return time.time_ns() // 1_000_000

    # As it is, since every request asks for it several times.
    monotonic = staticmethod(time.monotonic)
    """Seconds since an arbitrary moment; never runs backwards."""


class DatabaseClock:
    """The machine's monotonic clock, set to the time of the database, which all processes share.

    It starts with the machine's own time; `db.timekeeper` sets it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset_ms = clock.now_ms() - clock.monotonic() * MS_PER_S

    def set(self, database_ms: int, asked: float, answered: float) -> None:
        """The database's time was `database_ms` between these two monotonic times (seconds)."""
        self.offset_ms = database_ms - (asked + answered) / 2 * MS_PER_S

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01T00:00:00Z."""
        return int(self._clock.monotonic() * MS_PER_S + self.offset_ms)

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment; never runs backwards."""
        return self._clock.monotonic()
