"""Cache invalidation between processes: a process that changes a key tells the others.

Owns two things: whether this process may cache at all, and what it does when another process says
that something changed. It then invalidates the key: it removes it from the cache and marks a load
under way, in one step, as `single_flight` requires. Without a subscription to the signals nothing
is cached, because a cached value could become stale unnoticed; when the subscription is back,
everything is invalidated before anything is cached again. The TTL of the cached values is the
second line of defence, against a lost signal.

A process that is alone with its database has no other process to tell or to hear: it always caches.
Nothing here reads or waits, or knows the caches or what carries the signals.
"""

from collections.abc import Callable, Sequence
from typing import Final

from event_seating.valkey.signals import CACHE, USERS

KEYS_PER_SIGNAL: Final = 500
"""At most 32 kB, with keys of 64 characters."""

Publish = Callable[[str, str], None]
"""Send a message to the other processes: channel, message."""


class CacheInvalidation:
    """One process's part in keeping all caches correct; `publish` is None when it is alone."""

    def __init__(self, publish: Publish | None) -> None:
        self._publish = publish
        self._invalidate: list[Callable[[str], None]] = []
        self._invalidate_all: list[Callable[[], object]] = []
        self.alone = publish is None
        """No other process changes what is cached here."""
        self.subscribed = self.alone
        """Whether this process learns of every change, so that it may cache what it reads."""
        self.remote_generation = 0
        """Counts the changes by other processes: compare it before and after a read or a write."""

    def attach(
        self, invalidate: Callable[[str], None], invalidate_all: Callable[[], object]
    ) -> None:
        """Call these, which must not wait, when one key or all keys were changed elsewhere."""
        self._invalidate.append(invalidate)
        self._invalidate_all.append(invalidate_all)

    def publish(self, keys: Sequence[str]) -> None:
        """Tell the other processes that these keys have changed; to be called after the commit."""
        if self._publish is not None:
            for first in range(0, len(keys), KEYS_PER_SIGNAL):
                self._publish(USERS, " ".join(keys[first : first + KEYS_PER_SIGNAL]))

    def publish_all(self) -> None:
        """Tell the other processes to invalidate everything."""
        if self._publish is not None:
            self._publish(CACHE, "")

    def on_changed(self, message: str) -> None:
        """Another process has changed these keys."""
        self.remote_generation += 1
        for key in message.split(" "):
            for invalidate in self._invalidate:
                invalidate(key)

    def on_cleared(self, _message: str = "") -> None:
        """Another process asks all processes to invalidate everything."""
        self.remote_generation += 1
        for invalidate_all in self._invalidate_all:
            invalidate_all()

    def on_down(self) -> None:
        """Signals may be lost from now on."""
        self.subscribed = False
        self.on_cleared()

    def on_up(self) -> None:
        """The subscription is back; what was published meanwhile is unknown."""
        self.on_cleared()
        self.subscribed = True
