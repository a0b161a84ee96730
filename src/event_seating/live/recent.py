"""The last rows of an event's log, from which reconnecting clients catch up.

Owns a contiguous run of rows, bounded in rows and in seats. Rows are appended as they are
committed, and older ones are prepended when a client needs them. It knows statuses by the numbers
of seats, and nothing about watchers.
"""

from collections import deque
from collections.abc import Mapping
from itertools import takewhile
from typing import Final, NamedTuple

ROWS_MAX: Final = 2_000
"""Some minutes of a busy sale; a client that was disconnected for longer reads a snapshot."""

MOVES_MAX: Final = 20_000
"""Changes of seats in all of the rows, about 2 MB: several times what is worth sending seat by
seat."""


class RowChanges(NamedTuple):
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
        """Whether a row was dropped or refused because there was no room."""
        self._rows: deque[RowChanges] = deque()
        self._moves = 0

    def append(self, row: RowChanges) -> None:
        """Add the row after `until`, dropping the oldest rows if necessary."""
        assert row.version == self.until + 1, "rows are contiguous"
        self._rows.append(row)
        self._moves += len(row.changes)
        self.until = row.version
        while len(self._rows) > ROWS_MAX or self._moves > MOVES_MAX:
            dropped = self._rows.popleft()
            self._moves -= len(dropped.changes)
            self.since = dropped.version
            self.full = True

    def prepend(self, row: RowChanges) -> bool:
        """Add the row `since` at the front; false if there is no room for it."""
        assert row.version == self.since, "rows are contiguous"
        if len(self._rows) >= ROWS_MAX or self._moves + len(row.changes) > MOVES_MAX:
            self.full = True
            return False
        self._rows.appendleft(row)
        self._moves += len(row.changes)
        self.since -= 1
        return True

    def start_over(self, version: int) -> None:
        """Forget every row and continue from this version."""
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
