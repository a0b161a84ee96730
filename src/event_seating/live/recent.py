"""The last rows of an event's log, kept to tell those who come back what they missed.

Owns a run of rows without a hole, bounded in rows and in seats. Rows come in at its end as they are
committed, and at its beginning when somebody asks for older ones. It knows statuses by the numbers
of seats, and nothing of who watches.
"""

from collections import deque
from collections.abc import Mapping
from itertools import takewhile
from typing import Final, NamedTuple

ROWS_MAX: Final = 2_000
"""Some minutes of a busy sale; who was away for longer reads a snapshot, which is ready."""

MOVES_MAX: Final = 20_000
"""Seats in all of the rows, about 2 MB: several times what is worth telling seat by seat."""


class Row(NamedTuple):
    """What one row of the log changed."""

    version: int
    changes: Mapping[int, int]
    """The new status by the seat's number."""
    configured: bool
    """Whether it also changed how the event sells."""


class Missed(NamedTuple):
    """What rows changed together."""

    changes: dict[int, int]
    configured: int
    """The last version among them that changed how the event sells; 0 if none did."""


class Recent:
    """The rows after `since` up to and including `until`."""

    def __init__(self, version: int) -> None:
        self.since = version
        self.until = version
        self.full = False
        """Whether a row was let go, or refused, for want of room."""
        self._rows: deque[Row] = deque()
        self._moves = 0

    def append(self, row: Row) -> None:
        """Take in the row after `until`, letting go of the oldest if need be."""
        assert row.version == self.until + 1, "rows come without a hole"
        self._rows.append(row)
        self._moves += len(row.changes)
        self.until = row.version
        while len(self._rows) > ROWS_MAX or self._moves > MOVES_MAX:
            gone = self._rows.popleft()
            self._moves -= len(gone.changes)
            self.since = gone.version
            self.full = True

    def prepend(self, row: Row) -> bool:
        """Take in the row `since`; false when there is no room for it."""
        assert row.version == self.since, "rows come without a hole"
        if len(self._rows) >= ROWS_MAX or self._moves + len(row.changes) > MOVES_MAX:
            self.full = True
            return False
        self._rows.appendleft(row)
        self._moves += len(row.changes)
        self.since -= 1
        return True

    def start_anew(self, version: int) -> None:
        """Forget every row; what follows begins at this version."""
        self._rows.clear()
        self._moves = 0
        self.since = self.until = version
        self.full = True

    def missed(self, after: int, upto: int) -> Missed:
        """What the rows after one version up to and including another changed."""
        assert self.since <= after, "older rows have to be read first"
        changes: dict[int, int] = {}
        configured = 0
        newer = list(takewhile(lambda row: row.version > after, reversed(self._rows)))
        for row in reversed(newer):
            if row.version > upto:
                break
            changes.update(row.changes)
            if row.configured:
                configured = row.version
        return Missed(changes, configured)
