"""The requests that block seats and unblock them.

Seats that cannot be changed are left as they are and named; only a cancelled event is an error.
"""

from functools import partial

from event_seating.booking.api import parse_selection
from event_seating.booking.api.answers import Answer, answer
from event_seating.booking.api.caller import Caller, idempotent_call
from event_seating.booking.api.request_bodies import BlockBody
from event_seating.booking.core.commands import BlockSeats, UnblockSeats
from event_seating.booking.core.refusals import RefusalCode
from event_seating.booking.reads import rendering
from event_seating.booking.reads.refusal_answers import error_of
from event_seating.booking.seat_log.submission import Granted, Submission
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating.bookable_event import BookableEvent
from event_seating.booking.seating.ids import Tokens


async def block(
    log: SeatLog,
    bookable: BookableEvent,
    body: BlockBody,
    caller: Caller,
    tokens: Tokens,
    *,
    release: bool,
) -> Answer:
    """Withdraw seats from sale, or give them back to it."""
    unknown: parse_selection.Unknown = {}
    part = parse_selection.block(bookable.index, body, unknown)
    kind = UnblockSeats if release else BlockSeats
    command = kind(part, body.reason, caller.actor)
    render = partial(rendering.blocked, bookable, unknown)
    secret = bookable.buyer_secret
    call = idempotent_call(caller, command, body, secret=secret, earlier_answer=render)
    outcome = await log.submit(Submission(command, call=call))
    if isinstance(outcome, Granted):
        return answer(outcome, render, tokens)
    if outcome.code is not RefusalCode.seats_unavailable:
        raise error_of(outcome, bookable, unknown)
    return Answer(*rendering.not_blocked(bookable, log.states.version, outcome, unknown))
