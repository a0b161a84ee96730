"""Counts of what the writers of this process have done, for the metrics.

Plain numbers, since a command is counted between its commit and its answer: a fraction of a
microsecond each. The metrics read them when they are collected.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from event_seating.booking.core.commands import BookHold, BookSeats, PlaceHold
from event_seating.booking.seat_log.submission import Decision, Granted, Submission

GRANTED: Final = "granted"
REPEATED: Final = "repeated"
"""The first answer was given again."""
_BOOKS: Final = frozenset({BookHold, BookSeats})


class SeatLogTally:
    """Counts since the start; an outcome is one of the above or the code of a refusal."""

    def __init__(self) -> None:
        self.holds: Counter[str] = Counter()
        self.bookings: Counter[str] = Counter()
        self.conflicts = 0
        """Appends that lost to another process's row, or were refused for their time."""
        self.batch_sizes: Counter[int] = Counter()
        """Rows written, by their number of entries."""
        self.log_bytes = 0
        """Entries written, in bytes."""

    def answered(self, outcomes: Iterable[tuple[Submission, Decision]]) -> None:
        """Count the commands that a batch answered."""
        for submission, outcome in outcomes:
            kind = type(submission.command)
            if kind is PlaceHold:
                self.holds[_name(outcome)] += 1
            elif kind in _BOOKS:
                self.bookings[_name(outcome)] += 1


def _name(outcome: Decision) -> str:
    if isinstance(outcome, Granted):
        return REPEATED if outcome.replayed else GRANTED
    return str(outcome.code)
