"""Answers as the release before stores and reads them: a hold has its id in place of its token.

While that release may still run beside this one, each of the two can repeat the answers of the
other. To be removed in the next release, with `idempotency.answer` and `status`.
"""

from typing import Final

from event_seating.booking.core.results import HoldResult
from event_seating.booking.reads import rendering
from event_seating.booking.reads.rendering import Rendered
from event_seating.booking.seat_log.submission import EarlierAnswer
from event_seating.booking.seating import ids
from event_seating.booking.seating.bookable_event import BookableEvent

_HOLD_ID: Final = b'{"holdId":"'
_TOKEN: Final = b'{"holdToken":"'


def hold(bookable: BookableEvent, currency: str, status: int, held: HoldResult) -> Rendered:
    """A hold as that release stores it: with its id in place of its token."""
    hold_id = ids.to_text(bookable.event_id, held.hold)
    fields = rendering.hold_fields(bookable, currency, held)
    return status, rendering.encode({"holdId": hold_id, **fields})


def hold_id(stored: EarlierAnswer) -> str:
    """The id with which a stored hold begins."""
    return stored.body.removeprefix(_HOLD_ID).partition(b'"')[0].decode()


def answer(stored: EarlierAnswer, tokens: ids.Tokens) -> Rendered:
    """The answer from a stored one: a hold gets its token in place of its id."""
    if not stored.body.startswith(_HOLD_ID):
        return stored.status, stored.body
    _, quote, rest = stored.body.removeprefix(_HOLD_ID).partition(b'"')
    found = ids.from_text(hold_id(stored))
    assert found is not None, "a stored hold begins with its id"
    return stored.status, _TOKEN + tokens.of(*found).encode() + quote + rest
