"""A least recently used cache of values that differ widely in size.

Owns the limit of their total weight, in bytes or in any unit of the caller. It is for values that
never change, so that nothing in it can be stale and nothing expires. It never loads or waits, and
is used from one thread.
"""

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class WeighedLru(Generic[T]):
    """Values by key, with a total weight of at most `weight_max`."""

    def __init__(self, weight_max: int) -> None:
        self._weight_max = weight_max
        self._entries: OrderedDict[str, tuple[T, int]] = OrderedDict()
        self._weight = 0

    def get(self, key: str) -> T | None:
        """The value if it is there; counts as a use."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: str, value: T, weight: int) -> None:
        """Store the value; the least recently used ones are evicted.

        A value that is too heavy by itself is not stored, and evicts nothing.
        """
        if weight > self._weight_max:
            return
        replaced = self._entries.pop(key, None)
        self._weight += weight - (replaced[1] if replaced else 0)
        self._entries[key] = (value, weight)
        while self._weight > self._weight_max:
            _, (_, dropped) = self._entries.popitem(last=False)
            self._weight -= dropped
