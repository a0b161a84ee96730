"""Blocks: seats that are withdrawn from sale, and given back to it, as the API asks for it.

What cannot be done is left as it is and named; only a cancelled event is an error.
"""

from event_seating.booking.api import parse_selection
from event_seating.booking.api.caller import Caller, once
from event_seating.booking.api.request_bodies import BlockBody
from event_seating.booking.core.commands import BlockSeats, UnblockSeats
from event_seating.booking.core.log_entries import Entry
from event_seating.booking.core.refusals import RefusalCode
from event_seating.booking.core.seat_state import Batch
from event_seating.booking.reads import rendering
from event_seating.booking.reads.refusal_answers import error_of
from event_seating.booking.seat_log.submission import Granted, Submission
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating.bookable_event import BookableEvent


async def block(
    log: SeatLog, bookable: BookableEvent, body: BlockBody, caller: Caller, *, release: bool
) -> Granted:
    """Withdraw seats from sale, or give them back to it."""
    unknown: parse_selection.Unknown = {}
    part = parse_selection.block(bookable.index, body, unknown)
    kind = UnblockSeats if release else BlockSeats
    request = kind(part, body.reason, caller.actor)

    def answer(batch: Batch, entry: Entry) -> tuple[int, bytes]:
        return 200, rendering.encode(rendering.blocked(bookable, batch, part, entry, unknown))

    submission = Submission(
        request, answer, once=once(caller, request, body, secret=bookable.buyer_secret)
    )
    outcome = await log.submit(submission)
    if isinstance(outcome, Granted):
        return outcome
    if outcome.code is not RefusalCode.seats_unavailable:
        raise error_of(outcome, bookable, unknown)
    version = log.states.version
    return Granted(200, rendering.not_blocked(bookable, version, outcome, unknown), version)
