"""What keeps the caches of several processes in step: who changes something tells the others.

Owns two things: whether this process may cache at all, and what it does when it hears that
something changed. A key that another process changed is forgotten in one step with the taint of a
load under way, as `single_flight` asks. While signals cannot be heard nothing is cached, for what
is cached could become wrong unheard; once they can be heard again all is forgotten before anything
is cached again. The TTL of what is cached is the second net, under a signal that was lost.

A process that is alone with its database has nobody to tell and nothing to hear: it always caches.
It never reads and never waits, and knows neither the caches nor what carries the signals.
"""

from collections.abc import Callable, Sequence
from typing import Final

from event_seating.valkey.signals import CACHE, USERS

KEYS_A_SIGNAL: Final = 500
"""32 kB at the most, with keys of 64 characters."""

Publish = Callable[[str, str], None]
"""Tell the other processes: a channel and a message."""


class Coherence:
    """The part of one process in keeping all caches right; `publish` is None when it is alone."""

    def __init__(self, publish: Publish | None) -> None:
        self._publish = publish
        self._forget: list[Callable[[str], None]] = []
        self._forget_all: list[Callable[[], object]] = []
        self.alone = publish is None
        """No other process changes what is cached here."""
        self.caching = self.alone
        """Whether what is read now may be cached."""
        self.heard = 0
        """Counts what others changed: who compares it sees whether anything came in between."""

    def attach(self, forget: Callable[[str], None], forget_all: Callable[[], object]) -> None:
        """Forget a key, or all, in these: taint and discard, without waiting."""
        self._forget.append(forget)
        self._forget_all.append(forget_all)

    def tell(self, keys: Sequence[str]) -> None:
        """Keys have changed here, and the change is committed."""
        if self._publish is not None:
            for first in range(0, len(keys), KEYS_A_SIGNAL):
                self._publish(USERS, " ".join(keys[first : first + KEYS_A_SIGNAL]))

    def tell_all(self) -> None:
        """Everybody shall forget all."""
        if self._publish is not None:
            self._publish(CACHE, "")

    def on_changed(self, message: str) -> None:
        """Another process has changed these keys."""
        self.heard += 1
        for key in message.split(" "):
            for forget in self._forget:
                forget(key)

    def on_cleared(self, _message: str = "") -> None:
        """Another process asks everybody to forget all."""
        self.heard += 1
        for forget_all in self._forget_all:
            forget_all()

    def on_down(self) -> None:
        """Signals may be lost from now on."""
        self.caching = False
        self.on_cleared()

    def on_up(self) -> None:
        """Signals are heard again; what was said meanwhile is not known."""
        self.on_cleared()
        self.caching = True
