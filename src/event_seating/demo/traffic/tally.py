"""The numbers of a run, shown while it runs and at its end."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class TrafficCounts:
    """Counts of one run. Standing places count as seats."""

    requests: int = 0
    holds: int = 0
    held: int = 0
    """Held seats, however the hold ended."""
    bookings: int = 0
    booked: int = 0
    """Booked seats, including cancelled ones."""
    cancelled: int = 0
    released: int = 0
    abandoned: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Refusals, by code."""
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds if self.seconds else 0.0

    @property
    def sold(self) -> int:
        """Seats that are still booked."""
        return self.booked - self.cancelled
