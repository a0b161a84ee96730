"""What became of a hold, for shops that have to know whether to refund, even long afterwards.

The state in memory remembers ended holds for a day, and at most `ledger.TOMBSTONES_MAX` of them. A
token that we signed names a hold that existed. For a hold that is not remembered, the table of
bookings says whether it was booked; otherwise it ended without a booking. Reads only.
"""

from collections.abc import Mapping

from event_seating.booking.core.refusals import Refusal, RefusalCode
from event_seating.booking.errors import Refused
from event_seating.booking.reads import bookings
from event_seating.booking.reads.refusal_answers import error_of
from event_seating.booking.seating import ids
from event_seating.booking.seating.bookable_event import BookableEvent
from event_seating.db.database import Database


async def refused(
    database: Database,
    bookable: BookableEvent,
    refusal: Refusal,
    unknown: Mapping[str, int],
    hold: bytes | None,
) -> Refused:
    """The error for a refusal of a request about this hold, or about none.

    Raises `DatabaseUnavailable`: without the table nobody can say that nothing was booked.
    """
    hold = refusal.hold or hold
    if refusal.code is RefusalCode.hold_not_found and hold is not None:
        refusal = await _ended(database, bookable.event_id, hold)
    return error_of(refusal, bookable, unknown)


async def _ended(database: Database, event_id: str, hold: bytes) -> Refusal:
    async with database.read() as connection:
        name = await bookings.of_hold(connection, event_id, ids.to_text(event_id, hold))
    found = None if name is None else ids.from_text(name)
    if found is None:
        return Refusal(RefusalCode.hold_ended)
    return Refusal(RefusalCode.hold_booked, booking=found[1])
