"""How a thread's long work leaves the interpreter to the event loop.

Only one thread runs Python at a time. One that computes gives way after 5 ms when another waits,
and the loop would wait so long for each of its steps; a shorter interval for all threads costs a
third of the cached reads. So the few long works say themselves where they may be interrupted.
"""

from time import perf_counter, sleep
from typing import Final

EVERY_S: Final = 0.001
"""Work between two pauses: what a step of the loop then waits at the most."""

PAUSE_S: Final = 0.00005
"""Long enough for whoever waits to wake up; with none waiting, a twentieth of the work."""


class Pace:
    """One work; called between its parts, each of which should take less than a millisecond."""

    def __init__(self) -> None:
        self._paused = perf_counter()

    def __call__(self) -> None:
        """Give way, if it is time."""
        if perf_counter() - self._paused >= EVERY_S:
            sleep(PAUSE_S)
            self._paused = perf_counter()
