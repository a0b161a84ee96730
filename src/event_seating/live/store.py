"""The statements of live updates about the log. No rules."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Integer, bindparam, select, tuple_

from event_seating.booking.seat_log.ports import BatchRow
from event_seating.db.database import Database
from event_seating.db.tables import seat_log

_UP_TO: Final = (
    select(
        seat_log.c.version,
        seat_log.c.batch_id,
        seat_log.c.format,
        seat_log.c.entries,
        seat_log.c.at_ms,
    )
    .where(seat_log.c.event_id == bindparam("event_id"))
    .where(seat_log.c.version <= bindparam("version"))
    .order_by(seat_log.c.version.desc())
    .limit(bindparam("most", type_=Integer))
)

_KEY: Final = tuple_(seat_log.c.event_id, seat_log.c.version)


class LiveStore:
    """The statements. Each call may raise `DatabaseUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows_up_to(self, event_id: str, version: int, most: int) -> Sequence[BatchRow]:
        """The last rows up to and including `version`, the newest first."""
        values = {"event_id": event_id, "version": version, "most": most}
        async with self._database.read() as connection:
            return [BatchRow(*row) for row in await connection.execute(_UP_TO, values)]

    async def moved_on(self, versions: Mapping[str, int]) -> Sequence[str]:
        """The events whose log has a row after the given version.

        One lookup in the primary key for each event, in one statement.
        """
        following = [(event_id, version + 1) for event_id, version in versions.items()]
        query = select(seat_log.c.event_id).where(_KEY.in_(following))
        async with self._database.read() as connection:
            return list((await connection.execute(query)).scalars())
