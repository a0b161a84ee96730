"""What the service's parts are compared with: the plain ways to do the same in pure Python.

Each is what one writes first, with the standard library alone, and is right; none is a straw man.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from event_seating.settings.parsers import Window


class OrderedDictCache:
    """LRU with TTL on `OrderedDict`. `monotonic` gives seconds."""

    def __init__(self, capacity: int, ttl_s: float, monotonic: Callable[[], float]) -> None:
        self._entries: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._capacity = capacity
        self._ttl_s = ttl_s
        self._monotonic = monotonic

    def get(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[1] <= self._monotonic():
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: str, value: bytes) -> None:
        self._entries[key] = (value, self._monotonic() + self._ttl_s)
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def purge(self) -> int:
        """Removes what has expired; how many that was."""
        now = self._monotonic()
        expired = [key for key, entry in self._entries.items() if entry[1] <= now]
        for key in expired:
            del self._entries[key]
        return len(expired)


class DequeLimiter:
    """Exact sliding windows: a deque of accepted times a client."""

    def __init__(self, windows: Sequence[Window], monotonic: Callable[[], float]) -> None:
        self._windows = windows
        self._longest_s = max(window.seconds for window in windows)
        self._monotonic = monotonic
        self._times: dict[str, deque[float]] = {}

    def check(self, client: str) -> bool:
        now = self._monotonic()
        times = self._times.setdefault(client, deque())
        while times and times[0] <= now - self._longest_s:
            times.popleft()
        for window in self._windows:
            if sum(time > now - window.seconds for time in times) >= window.limit:
                return False
        times.append(now)
        return True


class SharedTask:
    """Single-flight by a task a key, shielded from its callers."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[bytes]] = {}

    def load(
        self, key: str, load: Callable[[], Coroutine[Any, Any, bytes]]
    ) -> asyncio.Future[bytes]:
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(load())
            task.add_done_callback(lambda _: self._tasks.pop(key))
        return asyncio.shield(task)
