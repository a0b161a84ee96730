"""A circuit breaker: receivers that do not answer are not called for a while.

A receiver that hangs takes five seconds of a worker for each message, and would delay all others
for as long as its backlog lasts. So after a few calls in a row without any answer its circuit opens
for a while: it is not called, and its messages are tried again as after any failed attempt. The
state is in memory; another process finds out by itself.
"""

from collections.abc import Callable
from typing import Final

from event_seating.webhooks.model import WEBHOOKS_MAX

UNANSWERED_MAX: Final = 3
"""Calls in a row without an answer after which the circuit opens; one or two may be bad luck."""

OPEN_S: Final = 30.0
"""A dead receiver then takes only some seconds of a worker in half a minute."""


class CircuitBreaker:
    """Counts calls without an answer, by the webhook's id."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._unanswered: dict[str, tuple[int, float]] = {}
        """How often in a row, and until when the circuit is open."""

    def is_open(self, webhook_id: str) -> bool:
        """Whether it must not be called now."""
        _, until = self._unanswered.get(webhook_id, (0, 0.0))
        return self._monotonic() < until

    def answered(self, webhook_id: str) -> None:
        """Note that it answered, even if with a refusal."""
        self._unanswered.pop(webhook_id, None)

    def unanswered(self, webhook_id: str) -> None:
        """Note that it was called and did not answer."""
        # Once the circuit was open, the next call without an answer is enough.
        times = self._unanswered.pop(webhook_id, (0, 0.0))[0] + 1
        until = self._monotonic() + OPEN_S if times >= UNANSWERED_MAX else 0.0
        self._unanswered[webhook_id] = (times, until)
        # The oldest go, which may be of deleted webhooks.
        while len(self._unanswered) > WEBHOOKS_MAX:
            del self._unanswered[next(iter(self._unanswered))]
