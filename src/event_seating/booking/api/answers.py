"""What the caller of a request that was granted is answered, made when it is committed."""

from collections.abc import Callable
from typing import Any, NamedTuple

from event_seating.booking.reads import earlier_release
from event_seating.booking.reads.rendering import Rendered
from event_seating.booking.seat_log.submission import EarlierAnswer, Granted
from event_seating.booking.seating.ids import Tokens

Render = Callable[[Any], Rendered]
"""One of `rendering`, with all but the result."""


class Answer(NamedTuple):
    """A status of HTTP, JSON or nothing, and whether it is what a call before was answered."""

    status: int
    body: bytes
    replayed: bool = False


def answer(granted: Granted, render: Render, tokens: Tokens) -> Answer:
    """The answer, made of the result, or as the release before stored it."""
    result = granted.result
    if isinstance(result, EarlierAnswer):
        rendered = earlier_release.answer(result, tokens)
    else:
        rendered = render(result)
    return Answer(*rendered, granted.replayed)
