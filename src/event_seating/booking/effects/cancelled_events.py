"""The job that winds up a cancelled event: its holds end and its bookings are cancelled.

The job is written with the row of the log that cancels the event, and appends rows of bounded size
until nothing is left. The event's state says what is left, so a job that was interrupted goes on
from there, and a job for an event that is already wound up does nothing. With `notify` a mail to
each buyer is written with the row that cancels the booking, so none is sent twice or forgotten.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final

import msgspec

from event_seating.booking.core.commands import WindUp
from event_seating.booking.core.log_entries import Cancelled, Entry, Released
from event_seating.booking.core.records import SaleStatus
from event_seating.booking.core.refusals import Refusal
from event_seating.booking.effects.follow_up_jobs import cancellation_of
from event_seating.booking.errors import EventUnavailable
from event_seating.booking.seat_log.submission import Submission
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.errors import EventNotFound, TooBusy
from event_seating.jobs.ends import Dead, Defer
from event_seating.jobs.handler import Handler, Job, payload_of
from event_seating.jobs.ids import new_job_id
from event_seating.jobs.model import DATABASE_OPERATIONS, NewJob

CANCEL_EVENT: Final = "cancel-event"
"""The job; its payload has `notify`, `reason` and `actor`."""

ROW_MAX: Final = 500
"""Holds or bookings in one row: some milliseconds, between which others are served."""


class _Payload(msgspec.Struct, rename="camel"):
    notify: bool
    reason: str | None = None
    actor: str | None = None


class _Counts(msgspec.Struct, rename="camel"):
    """What was given back, in one row or in a whole attempt."""

    holds_released: int = 0
    bookings_cancelled: int = 0


def cancel_event_job(
    event_id: str, *, notify: bool, reason: str | None, actor: str | None
) -> NewJob:
    """The job that winds the event up; `reason` is a text for the buyers' mails."""
    payload = msgspec.to_builtins(_Payload(notify, reason, actor))
    return NewJob(new_job_id(), DATABASE_OPERATIONS, CANCEL_EVENT, payload, event_id)


class CancelledEvents:
    """Winds up cancelled events; `log_of` gives the up-to-date log of an event by its id."""

    def __init__(
        self,
        log_of: Callable[[str], Awaitable[SeatLog]],
        *,
        sends_mail: bool,
        row_max: int = ROW_MAX,
    ) -> None:
        self._log_of = log_of
        self._sends_mail = sends_mail
        self._row_max = row_max

    def handlers(self) -> dict[str, Handler]:
        return {CANCEL_EVENT: self.wind_up}

    async def wind_up(self, job: Job) -> dict[str, Any]:
        """Release all holds and cancel all bookings; the result counts those of this attempt.

        Raises `Dead` for an event that does not exist or is not cancelled, `Defer` when its seats
        are not available here, and `DatabaseUnavailable`.
        """
        asked = payload_of(job, _Payload)
        try:
            return await self._wind_up(job, asked)
        except EventNotFound:
            raise Dead("There is no such event.") from None
        except (EventUnavailable, TooBusy) as error:
            # Like an unavailable database, this costs no attempt: no booking may be left over.
            raise Defer(f"The event's seats are not available now: {error}") from error

    async def _wind_up(self, job: Job, asked: _Payload) -> dict[str, Any]:
        log = await self._log_of(job.event_id)
        sale = log.states.configuration
        if sale is None or sale.status != SaleStatus.cancelled:
            raise Dead("The event is not cancelled.")
        mails = partial(_mails, log.event_id, asked.reason)
        done = _Counts()
        while True:
            submission = Submission(WindUp(self._row_max, asked.actor))
            if asked.notify and self._sends_mail:
                submission.jobs = mails
            outcome = await log.submit(submission)
            if isinstance(outcome, Refusal):
                return _plain(done)
            assert outcome.entry is not None, "nothing is wound up twice"
            done = _and(done, outcome.entry)
            await job.report(_plain(done))


def _and(done: _Counts, entry: Entry) -> _Counts:
    """The counts with those of this row added."""
    kinds = [type(operation) for operation in entry.operations]
    released = done.holds_released + kinds.count(Released)
    return _Counts(released, done.bookings_cancelled + kinds.count(Cancelled))


def _plain(counts: _Counts) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(counts)
    return plain


def _mails(event_id: str, reason: str | None, entry: Entry) -> Sequence[NewJob]:
    return [
        cancellation_of(event_id, operation.booking, reason)
        for operation in entry.operations
        if isinstance(operation, Cancelled)
    ]
