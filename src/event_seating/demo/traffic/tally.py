"""What happened so far: the numbers that are shown while it runs and at its end."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Counts of one run. Seats are seats and standing places."""

    requests: int = 0
    holds: int = 0
    held: int = 0
    """Seats that were held, whatever became of them."""
    bookings: int = 0
    booked: int = 0
    """Seats that were booked, the cancelled ones included."""
    cancelled: int = 0
    released: int = 0
    abandoned: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Answers that were no, by code."""
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds if self.seconds else 0.0

    @property
    def sold(self) -> int:
        """Seats that were booked and stayed so."""
        return self.booked - self.cancelled
