"""Makes the answer to a granted request, after its commit."""

from collections.abc import Callable
from typing import Any, NamedTuple

from event_seating.booking.reads import earlier_release
from event_seating.booking.reads.rendering import Rendered
from event_seating.booking.seat_log.submission import EarlierAnswer, Granted
from event_seating.booking.seating.ids import Tokens

Render = Callable[[Any], Rendered]
"""A function of `rendering`, bound to all arguments but the result."""


class Answer(NamedTuple):
    """An HTTP status, JSON or nothing, and whether it repeats the answer of an earlier call."""

    status: int
    body: bytes
    replayed: bool = False


def answer(granted: Granted, render: Render, tokens: Tokens) -> Answer:
    """The answer: rendered from the result, or as the release before stored it."""
    result = granted.result
    if isinstance(result, EarlierAnswer):
        rendered = earlier_release.answer(result, tokens)
    else:
        rendered = render(result)
    return Answer(*rendered, granted.replayed)
