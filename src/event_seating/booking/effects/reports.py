"""Reports on an event: a job writes a file, which can be fetched for a day.

`sales` has a line for each seat or group of places of every booking; cancelled ones have those that
they had. It is read page by page and stored piece by piece, so that its length costs no memory. The
file is visible only when it is complete.
"""

from bisect import bisect_right
from collections.abc import AsyncIterator, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from event_seating.booking.core.seat_index import SeatIndex
from event_seating.booking.reads import exports
from event_seating.booking.reads.lists import BookingFilter
from event_seating.booking.seating.bookable_event import BookableEvent, BookableEventOf
from event_seating.clock import Clock
from event_seating.db.database import Database
from event_seating.errors import EventNotFound
from event_seating.jobs import files
from event_seating.jobs.ends import Dead
from event_seating.jobs.handler import Handler, Job, payload_of
from event_seating.jobs.ids import new_job_id
from event_seating.jobs.model import DATABASE_OPERATIONS, NewJob
from event_seating.web.media_types import CSV

REPORT: Final = "report"
"""The job; its payload has `eventId` and `kind`."""

KEPT_MS: Final = 24 * 3_600_000
"""How long a file is kept: as long as the result of its job, which names it."""

REPORT_EVERY_PIECES: Final = 50
"""Pieces between two reports of progress: 5,000 bookings, about a second."""

PLACE_COLUMNS: Final = ("section", "row")


class ReportKind(StrEnum):
    """What can be reported."""

    sales = "sales"


class _Payload(msgspec.Struct, rename="camel"):
    event_id: str
    kind: ReportKind


def report_of(event_id: str, kind: ReportKind) -> NewJob:
    """The job that makes this report."""
    payload = {"eventId": event_id, "kind": kind.value}
    return NewJob(new_job_id(), DATABASE_OPERATIONS, REPORT, payload, event_id)


def file_name(event_id: str, kind: ReportKind) -> str:
    """What the file of a report is called."""
    return f"{kind.value}-{event_id}.csv"


class Reports:
    """Makes the reports."""

    def __init__(self, database: Database, bookable_of: BookableEventOf, clock: Clock) -> None:
        self._database = database
        self._bookable_of = bookable_of
        self._clock = clock

    def handlers(self) -> dict[str, Handler]:
        return {REPORT: self.make}

    async def make(self, job: Job) -> dict[str, Any]:
        """Write the file; the result has its address. Raises `Dead` when there is no such event."""
        asked = payload_of(job, _Payload)
        try:
            bookable = await self._bookable_of(asked.event_id)
        except EventNotFound:
            raise Dead("There is no such event.") from None
        now_ms = self._clock.now_ms()
        sales = _Sales(self._database, bookable)
        file_id = await files.spool(
            self._database,
            file_name(asked.event_id, asked.kind),
            CSV,
            _reporting(sales, job),
            now_ms,
            now_ms + KEPT_MS,
        )
        return {"kind": asked.kind, "lines": sales.lines, "file": f"/files/{file_id}"}


class _Sales:
    """The lines of the report `sales`, and how many there were."""

    def __init__(self, database: Database, bookable: BookableEvent) -> None:
        self._database = database
        self._bookable = bookable
        self._places = SeatPlaces(bookable.index)
        self.lines = 0

    def pieces(self) -> AsyncIterator[bytes]:
        opening = exports.header(*PLACE_COLUMNS)
        return exports.pieces(
            self._database, self._bookable, BookingFilter(), opening, self._booking
        )

    def _booking(self, answer: dict[str, Any]) -> bytes:
        self.lines += len(answer["lines"])
        return exports.booking(answer, self._place)

    def _place(self, line: Mapping[str, Any]) -> tuple[str, str]:
        seat = line.get("seat")
        return ("", "") if seat is None else self._places.of(self._bookable.index.number[seat])


class SeatPlaces:
    """The section and row of a seat, by its number."""

    def __init__(self, index: SeatIndex) -> None:
        rows = sorted(
            (seats.start, section, row)
            for (section, row), ranges in index.rows.items()
            for seats in ranges
        )
        self._starts = [start for start, _, _ in rows]
        self._rows = [(section, row) for _, section, row in rows]

    def of(self, seat: int) -> tuple[str, str]:
        """Both as the map names them."""
        return self._rows[bisect_right(self._starts, seat) - 1]


async def _reporting(sales: _Sales, job: Job) -> AsyncIterator[bytes]:
    """The pieces of a report; reports the progress of its job."""
    done = 0
    async for piece in sales.pieces():
        yield piece
        done += 1
        if done % REPORT_EVERY_PIECES == 0:
            await job.report({"lines": sales.lines})
