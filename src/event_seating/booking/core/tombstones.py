"""Ids in the order in which they ended, the oldest first.

All ids that end in one row of the log share its time, so each time is kept once, with a count: a
tuple for each id would be half of the memory that an ended hold takes.
"""

from collections import deque
from collections.abc import Iterator, Sequence


class IdsByTime:
    """A queue of ids with times; ids are added in the order of time."""

    __slots__ = ("_counts", "_ids", "_times")

    def __init__(self) -> None:
        self._ids: deque[bytes] = deque()
        self._times: deque[int] = deque()
        self._counts: deque[int] = deque()
        """How many ids in a row have a time."""

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        ids = iter(self._ids)
        for at_ms, count in zip(self._times, self._counts, strict=True):
            for _ in range(count):
                yield at_ms, next(ids)

    @property
    def first_ms(self) -> int | None:
        """The time of the first; `None` when there is none."""
        return self._times[0] if self._times else None

    def add(self, at_ms: int, ids: Sequence[bytes]) -> None:
        """Put ids at the end."""
        if not ids:
            return
        self._ids.extend(ids)
        if self._times and self._times[-1] == at_ms:
            self._counts[-1] += len(ids)
        else:
            self._times.append(at_ms)
            self._counts.append(len(ids))

    def pop(self) -> tuple[int, bytes]:
        """Take the first out, with its time."""
        at_ms = self._times[0]
        if self._counts[0] > 1:
            self._counts[0] -= 1
        else:
            self._times.popleft()
            self._counts.popleft()
        return at_ms, self._ids.popleft()
