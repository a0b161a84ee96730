"""Time and chance that are the same in every run, so that what is written is the same bytes.

Both are taken where the operating system gives them, not where the code asks: a module may move
and a function be renamed without a change here.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import shake_128
from unittest.mock import patch

from event_seating.clock import DatabaseClock
from event_seating.db.database import Database

BEGINS_MS = 1_700_000_000_000
"""November 2023: earlier than the time of any database that a test runs on, which refuses rows of
the future."""


class Stillness:
    """A clock that somebody has to wind on, and bytes that follow from where it stands.

    What is drawn hangs on the moment, the size and how many of that size were drawn before, so
    that a draw more or less shows in its own moment and in no other.
    """

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self._drawn: Counter[int] = Counter()

    def pass_by(self, seconds: int) -> None:
        self.now_ms += seconds * 1_000
        self._drawn.clear()

    def draw(self, size: int) -> bytes:
        self._drawn[size] += 1
        named = f"{self.now_ms} {size} {self._drawn[size]}".encode()
        return shake_128(named).digest(size)


@contextmanager
def still(at_ms: int = BEGINS_MS) -> Iterator[Stillness]:
    """Until the block ends the time stands still, and nothing is left to chance."""
    now = Stillness(at_ms)

    async def of_the_database(_database: Database) -> int:
        return now.now_ms

    with ExitStack() as stack:
        for owner, attribute, new in (
            (os, "urandom", now.draw),
            (random, "_urandom", now.draw),
            (time, "time_ns", lambda: now.now_ms * 1_000_000),
            (DatabaseClock, "now_ms", lambda _clock: now.now_ms),
            (Database, "now_ms", of_the_database),
        ):
            stack.enter_context(patch.object(owner, attribute, new))
        yield now
