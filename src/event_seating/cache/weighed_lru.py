"""The least recently used cache of values that differ widely in size.

Owns how much all of them weigh together: bytes, or whatever the caller counts in. For values that
never change once they are there, so that nothing in it can be stale and nothing expires. It never
loads or waits, and is used from one thread.
"""

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class WeighedLru(Generic[T]):
    """Values by key that weigh at most `weight_max` together."""

    def __init__(self, weight_max: int) -> None:
        self._weight_max = weight_max
        self._entries: OrderedDict[str, tuple[T, int]] = OrderedDict()
        self._weight = 0

    def get(self, key: str) -> T | None:
        """The value if it is there; this is a use."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: str, value: T, weight: int) -> None:
        """Remember the value; the least recently used ones make room.

        One that is too heavy by itself is not kept, and drives nothing out.
        """
        if weight > self._weight_max:
            return
        replaced = self._entries.pop(key, None)
        self._weight += weight - (replaced[1] if replaced else 0)
        self._entries[key] = (value, weight)
        while self._weight > self._weight_max:
            _, (_, dropped) = self._entries.popitem(last=False)
            self._weight -= dropped
