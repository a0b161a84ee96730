"""Which jobs follow from a batch: confirmations to buyers, and news for subscribers.

The jobs are written in the transaction of the batch, so that they exist if and only if the batch is
committed. There is one confirmation for each booking. There is one job for the news of a batch,
however much happened in it, and none when nobody subscribes to it: the messages are made from the
log when the job runs, so that subscribers cost the sale nothing. Pure, except for the jobs' ids.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from event_seating.booking.core.log_entries import (
    Amended,
    Blocked,
    Booked,
    Cancelled,
    Configured,
    Entry,
    Exchanged,
    Expired,
    Held,
    Operation,
    Released,
    Unblocked,
)
from event_seating.booking.core.records import SaleStatus
from event_seating.booking.core.seat_state import Batch
from event_seating.booking.seat_log.projection import CONFIRMED, Projection
from event_seating.booking.seating import ids
from event_seating.jobs.ids import new_job_id
from event_seating.jobs.model import BULK, DATABASE_OPERATIONS, NOTIFICATIONS, USUAL, NewJob

CONFIRMATION: Final = "booking-confirmation"
"""The job that sends a buyer the seats; its payload has the `bookingId`."""

CANCELLATION: Final = "booking-cancelled"
"""The job that tells a buyer that an event is cancelled."""

NEWS: Final = "webhook-news"
"""The job that notifies subscribers of a row of the log; its payload has `version`, `soldOut`."""

SOLD_OUT: Final = "event.sold_out"
EVENT_CANCELLED: Final = "event.cancelled"

NEWS_OF: Final[dict[type[Operation], str]] = {
    Held: "hold.created",
    Amended: "hold.changed",
    Released: "hold.released",
    Expired: "hold.expired",
    Booked: "booking.created",
    Exchanged: "booking.changed",
    Cancelled: "booking.cancelled",
    Blocked: "seats.blocked",
    Unblocked: "seats.unblocked",
}
"""The webhook event of each operation; the other operations have none."""

NEWS_TYPES: Final = frozenset({*NEWS_OF.values(), SOLD_OUT, EVENT_CANCELLED})


class Announcements:
    """`Announce` for a server that sends mails and webhooks."""

    def __init__(
        self,
        *,
        confirms: bool,
        subscribed_types: Callable[[], frozenset[str]],
        wake_relay: Callable[[], None] = lambda: None,
    ) -> None:
        self._confirms = confirms
        self._subscribed_types = subscribed_types
        self._wake_relay = wake_relay
        self._asked = False

    def __call__(self, batch: Batch, projection: Projection) -> Sequence[NewJob]:
        jobs = list(self._confirmations(projection)) if self._confirms else []
        subscribed = self._subscribed_types()
        if subscribed:
            sold_out = _sells_out(batch, projection)
            types = types_of(batch.entries) | ({SOLD_OUT} if sold_out else set())
            if types & subscribed:
                payload = {"version": batch.version, "soldOut": sold_out}
                jobs.append(_job(DATABASE_OPERATIONS, NEWS, payload, projection, BULK))
        self._asked = self._asked or bool(jobs) or bool(projection.jobs)
        return jobs

    def written(self) -> None:
        """A row was committed, perhaps with jobs: wake the relay."""
        if self._asked:
            self._asked = False
            self._wake_relay()

    @staticmethod
    def _confirmations(projection: Projection) -> Iterable[NewJob]:
        for booking, row in projection.new_bookings.items():
            # A booking that was cancelled in the same batch needs no confirmation.
            if row["user_id"] is not None and row["status"] == CONFIRMED:
                yield _job(NOTIFICATIONS, CONFIRMATION, {"bookingId": booking}, projection)


def cancellation_of(event_id: str, booking: bytes, reason: str | None) -> NewJob:
    """The job that mails a buyer that the event, and with it this booking, is cancelled."""
    payload = {"bookingId": ids.to_text(event_id, booking), "reason": reason}
    return NewJob(new_job_id(), NOTIFICATIONS, CANCELLATION, payload, event_id)


def types_of(entries: Iterable[Entry]) -> set[str]:
    """The webhook events of these entries."""
    named = {type_of(operation) for entry in entries for operation in entry.operations}
    return {name for name in named if name is not None}


def type_of(operation: Operation) -> str | None:
    """The webhook event of an operation; `None` when it has none."""
    if isinstance(operation, Configured):
        cancelled = operation.configuration.status == SaleStatus.cancelled
        return EVENT_CANCELLED if cancelled else None
    return NEWS_OF.get(type(operation))


def _sells_out(batch: Batch, projection: Projection) -> bool:
    """Whether the last seat is sold in this batch."""
    return bool(projection.sold) and batch.unsold() == 0


def _job(
    queue: str, name: str, payload: dict[str, Any], projection: Projection, priority: int = USUAL
) -> NewJob:
    return NewJob(new_job_id(), queue, name, payload, projection.event_id, priority)
