"""How long work in a thread yields the interpreter to the event loop.

Only one thread runs Python at a time. A thread that computes yields only after 5 ms when another
one waits, so every step of the event loop would wait that long; a shorter switch interval for all
threads costs a third of the cached reads. So the few long computations yield by themselves, between
their parts.
"""

from time import perf_counter, sleep
from typing import Final

EVERY_S: Final = 0.001
"""Work between two pauses, and so the longest that a step of the event loop waits."""

PAUSE_S: Final = 0.00005
"""Long enough for a waiting thread to wake up; if none waits, it costs a twentieth of the work."""


class Throttle:
    """One computation; called between its parts, each of which should take less than 1 ms."""

    def __init__(self) -> None:
        self._paused = perf_counter()

    def __call__(self) -> None:
        """Pause, if the last pause was long enough ago."""
        if perf_counter() - self._paused >= EVERY_S:
            sleep(PAUSE_S)
            self._paused = perf_counter()
