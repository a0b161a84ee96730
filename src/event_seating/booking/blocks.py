"""Blocks: seats that are withdrawn from sale, and given back to it, as the API asks for it.

What cannot be done is left as it is and named; only a cancelled event is an error.
"""

from event_seating.booking import answers, selections
from event_seating.booking.bodies import BlockBody
from event_seating.booking.caller import Caller, once
from event_seating.booking.entries import Entry
from event_seating.booking.house import House
from event_seating.booking.log import SeatLog
from event_seating.booking.model import Batch
from event_seating.booking.refusals import RefusalCode
from event_seating.booking.refused import error_of
from event_seating.booking.requests import BlockSeats, UnblockSeats
from event_seating.booking.submission import Granted, Submission


async def block(
    log: SeatLog, house: House, body: BlockBody, caller: Caller, *, release: bool
) -> Granted:
    """Withdraw seats from sale, or give them back to it."""
    unknown: selections.Unknown = {}
    part = selections.block(house.index, body, unknown)
    kind = UnblockSeats if release else BlockSeats
    request = kind(part, body.reason, caller.actor)

    def answer(batch: Batch, entry: Entry) -> tuple[int, bytes]:
        return 200, answers.encode(answers.blocked(house, batch, part, entry, unknown))

    submission = Submission(
        request, answer, once=once(caller, request, body, secret=house.buyer_secret)
    )
    outcome = await log.submit(submission)
    if isinstance(outcome, Granted):
        return outcome
    if outcome.code is not RefusalCode.seats_unavailable:
        raise error_of(outcome, house, unknown)
    version = log.states.version
    return Granted(200, answers.not_blocked(house, version, outcome, unknown), version)
