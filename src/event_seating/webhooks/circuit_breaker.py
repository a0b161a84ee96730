"""Which receivers are left alone for a moment, since they did not answer.

A receiver that hangs takes five seconds of a worker for each message, and would hold up all others
for as long as the backlog lasts. After a few calls in a row without any answer it is therefore not
called for a while: its messages come again, as after any attempt that failed. In memory, and pure
but for the clock that is handed in: another process finds out by itself.
"""

from collections.abc import Callable
from typing import Final

from event_seating.webhooks.model import WEBHOOKS_MAX

SILENT_MOST: Final = 3
"""Calls in a row without an answer after which a receiver rests; one or two may be bad luck."""

REST_S: Final = 30.0
"""Of a worker's time a dead receiver then takes some seconds in half a minute."""


class CircuitBreaker:
    """Counts silences by the webhook's id."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._silent: dict[str, tuple[int, float]] = {}
        """How often in a row, and until when it rests."""

    def is_resting(self, webhook_id: str) -> bool:
        """Whether it is not to be called now."""
        _, until = self._silent.get(webhook_id, (0, 0.0))
        return self._monotonic() < until

    def answered(self, webhook_id: str) -> None:
        """It said something, were it a refusal."""
        self._silent.pop(webhook_id, None)

    def said_nothing(self, webhook_id: str) -> None:
        """It was called, and there was no answer."""
        # Once it has rested, the next silence is enough.
        times = self._silent.pop(webhook_id, (0, 0.0))[0] + 1
        until = self._monotonic() + REST_S if times >= SILENT_MOST else 0.0
        self._silent[webhook_id] = (times, until)
        # Those that were deleted make room.
        while len(self._silent) > WEBHOOKS_MAX:
            del self._silent[next(iter(self._silent))]
