"""When a recurring problem is worth a line in the log.

A problem is logged when it begins and when it is over, and at a bounded rate when it keeps coming
back: a server at its memory limit may accept one write and refuse the next, for hours. Writes no
line itself; the caller knows what to say.
"""

from typing import Final

from event_seating.clock import Clock

LOG_AGAIN_AFTER_S: Final = 30.0
"""The least time between two beginnings that are logged: at most 40 lines in ten minutes, and a
lasting problem is logged within half a minute whatever preceded it."""


class Complaint:
    """One problem at a time, identified by its reason."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._logged: str | None = None
        self._logged_at_s = -LOG_AGAIN_AFTER_S

    def should_log(self, why: str) -> bool:
        """Whether to log that there is a problem; call it each time that the problem occurs."""
        now_s = self._clock.monotonic()
        if why == self._logged or now_s - self._logged_at_s < LOG_AGAIN_AFTER_S:
            return False
        self._logged, self._logged_at_s = why, now_s
        return True

    def should_log_end(self) -> bool:
        """Whether to log that the problem is over; call it each time that all is well."""
        logged, self._logged = self._logged, None
        return logged is not None
