"""When a trouble that comes and goes is worth a line in the log.

Owns that a trouble is said when it begins and when it is over, and at a bounded rate when both
happen all the time: a server at its limit of memory takes one write and refuses the next, for
hours. Writes no line itself; whoever has the trouble knows its words.
"""

from typing import Final

from event_seating.clock import Clock

SAY_AGAIN_AFTER_S: Final = 30.0
"""From the beginning of a trouble that was said to the next: 40 lines in ten minutes at the most,
and one that lasts is known within half a minute whatever was before it."""


class Complaint:
    """One trouble at a time, by the reason that is given for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said: str | None = None
        self._said_at_s = -SAY_AGAIN_AFTER_S

    def is_to_be_said(self, why: str) -> bool:
        """Whether to say that there is trouble; ask each time that it is met."""
        now_s = self._clock.monotonic()
        if why == self._said or now_s - self._said_at_s < SAY_AGAIN_AFTER_S:
            return False
        self._said, self._said_at_s = why, now_s
        return True

    def is_over(self) -> bool:
        """Whether to say that all is well again; ask each time that it is."""
        said, self._said = self._said, None
        return said is not None
