"""The messages to subscribers about a row of the log: one for each operation that has an event.

A message has the ids, the seats by id and by label, and for a booking its price, so that a receiver
need not ask for what most want to know. A booking is shown as it is when the message is made, which
may be later than the operation; its own `version` says so. Private data is left out: no token, no
buyer, no reason that somebody wrote, and of a person only the `userId` and `orderRef` that the shop
itself gave.

The messages of a row are written in one transaction with the end of the job that makes them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.booking.core.log_entries import (
    Amended,
    Booked,
    Cancelled,
    Configured,
    Exchanged,
    Held,
    Operation,
    moves,
)
from event_seating.booking.core.records import total
from event_seating.booking.effects.follow_up_jobs import NEWS, SOLD_OUT, type_of
from event_seating.booking.reads import audit_trail, history, lists, rendering
from event_seating.booking.reads.audit_trail import DecodedRow
from event_seating.booking.reads.bookings import currency_of
from event_seating.booking.seating import ids
from event_seating.booking.seating.bookable_event import BookableEvent, BookableEventOf
from event_seating.db.database import Database
from event_seating.errors import EventNotFound
from event_seating.jobs.ends import Dead
from event_seating.jobs.handler import Handler, Job
from event_seating.values import money, rfc3339
from event_seating.web.pages import INTEGER_MAX

NAMED_MAX: Final = 1_000
"""Seats and lines that one message names, some 150 kB: every seat may be blocked at once. The
message says how many were left out, and the log has them."""

_PRIVATE: Final = frozenset({"type", "reason", "lastsS", "takenAway"})
"""Fields of an operation in the log that a message does not have."""

_OUTSIDE_NAMES: Final = {"hold": "holdId", "booking": "bookingId"}

WebhookMessage = tuple[str, dict[str, Any]]
"""A type and its data, ready for JSON."""

AddMessages = Callable[[AsyncConnection, Job, int, str, Sequence[WebhookMessage]], Awaitable[int]]
"""Writes the messages of a job about a version, with the time of its row, for every webhook that
subscribes to them; returns how many."""


class NewsJobs:
    """The handler of the jobs that write the messages of a row for subscribers."""

    def __init__(
        self, database: Database, bookable_of: BookableEventOf, add_messages: AddMessages
    ) -> None:
        self._database = database
        self._bookable_of = bookable_of
        self._add_messages = add_messages

    def handlers(self) -> dict[str, Handler]:
        return {NEWS: self.spread}

    async def spread(self, job: Job) -> Any:
        """Write the messages of one row of the log; raises `Dead` when there is no such row."""
        version, sold_out = _version(job), job.payload.get("soldOut") is True
        try:
            bookable = await self._bookable_of(job.event_id)
        except EventNotFound:
            raise Dead("the event does not exist") from None
        row = await history.row_at(self._database, job.event_id, version)
        if row is None:
            raise Dead(f"the event's log has no version {version}")
        async with self._database.read() as connection:
            currency = await currency_of(connection, job.event_id)
            found = await lists.by_ids(connection, job.event_id, _bookings_in(row, bookable))
        bookings = {each.id: rendering.kept(bookable, each.id, each.row) for each in found}
        messages = messages_of(row, bookable, currency, bookings, sold_out=sold_out)
        async with self._database.write() as connection:
            # First, so that a second attempt at the same time stops here.
            await job.finish(connection, {"messages": len(messages)})
            await self._add_messages(connection, job, version, rfc3339.to_text(row.at_ms), messages)


def messages_of(
    row: DecodedRow,
    bookable: BookableEvent,
    currency: str,
    bookings: Mapping[str, dict[str, Any]],
    *,
    sold_out: bool,
) -> list[WebhookMessage]:
    """All messages to subscribers about a row; `bookings` are as they are now, by id."""
    common = {"eventId": bookable.event_id, "version": row.version}
    messages = [
        (name, common | _data_of(operation, row, bookable, currency, bookings))
        for entry in row.entries
        for operation in entry.operations
        if (name := type_of(operation)) is not None
    ]
    if sold_out:
        messages.append((SOLD_OUT, common))
    return messages


def _version(job: Job) -> int:
    version = job.payload.get("version")
    # `True` is an `int` too, and the databases fail differently beyond their integers.
    if not isinstance(version, int) or isinstance(version, bool):
        version = 0
    if not 0 < version <= INTEGER_MAX or not ids.is_event_id(job.event_id):
        raise Dead("the payload names no version of an event")
    return version


def _bookings_in(row: DecodedRow, bookable: BookableEvent) -> list[str]:
    """The ids of the bookings that a row is about."""
    keys = {
        operation.booking
        for entry in row.entries
        for operation in entry.operations
        if isinstance(operation, Booked | Exchanged | Cancelled)
    }
    return [ids.to_text(bookable.event_id, key) for key in keys]


def _data_of(
    operation: Operation,
    row: DecodedRow,
    bookable: BookableEvent,
    currency: str,
    bookings: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:
    if isinstance(operation, Configured):  # receivers learn that it is cancelled, not how it sold
        return {}
    described = audit_trail.operation(operation, bookable, currency)
    data = {
        _OUTSIDE_NAMES.get(name, name): value
        for name, value in described.items()
        if name not in _PRIVATE
    }
    match operation:
        case Held():
            data["lines"] = bookable.lines(operation.groups, currency)
            data["total"] = money.to_text(total(operation.groups), currency)
            data["currency"] = currency
            data["expiresAt"] = rfc3339.to_text(row.at_ms + operation.lasts_ms)
        case Amended():
            data["taken"]["lines"] = bookable.lines(operation.added, currency)
            data["currency"] = currency
        case Booked() | Exchanged() | Cancelled():
            data["booking"] = _public(bookings.get(data["bookingId"]))
        case _:
            pass
    for part in (data, data.get("released"), data.get("taken"), data.get("booking")):
        if part is not None:
            _shorten(part)
    data["labels"] = _labels(operation, bookable)
    return data


def _public(booking: dict[str, Any] | None) -> dict[str, Any] | None:
    """A booking without the shop's own `metadata`."""
    if booking is None:
        return None
    return {name: value for name, value in booking.items() if name != "metadata"}


def _shorten(part: dict[str, Any]) -> None:
    for name in ("seats", "lines"):
        left_out = len(part.get(name, ())) - NAMED_MAX
        if left_out > 0:
            part[name] = part[name][:NAMED_MAX]
            part[f"{name}LeftOut"] = left_out


def _labels(operation: Operation, bookable: BookableEvent) -> dict[str, str]:
    """What people call the seats and areas that were moved, by their ids."""
    index = bookable.index
    labels: dict[str, str] = {}
    for seats, _ in moves(operation):
        numbers = [seat for seat in seats if seat < index.seat_count][:NAMED_MAX]
        labels |= {index.ids[seat]: bookable.label(seat) for seat in numbers}
        moved = bookable.area_quantities(seats)
        labels |= {
            area.id: label
            for area, label in zip(index.areas, bookable.area_labels, strict=True)
            if area.id in moved
        }
    return labels
