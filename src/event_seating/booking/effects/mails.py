"""The mails to a buyer: the confirmation of a booking, and that the event is cancelled.

Each has a calendar entry; that of a cancellation removes the earlier one. A confirmation shows the
booking as it is when the mail is sent, which may be hours after it was made: seats that were given
back meanwhile are not in it, and a buyer who has none left gets no mail. A mail has nothing but
what is in the booking or on a ticket.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from event_seating.booking.core.records import seats_of, total
from event_seating.booking.core.ticket_types import label_of
from event_seating.booking.effects.follow_up_jobs import CANCELLATION, CONFIRMATION
from event_seating.booking.reads import bookings
from event_seating.booking.reads.bookings import BookingRow
from event_seating.booking.seat_log.projection import CONFIRMED
from event_seating.booking.seating import ids
from event_seating.booking.seating.bookable_event import BookableEvent, BookableEventOf
from event_seating.booking.seating.loaded_events import EventNotice, EventNoticeOf
from event_seating.clock import MS_PER_S, Clock
from event_seating.db.database import Database
from event_seating.errors import EventNotFound
from event_seating.jobs.ends import Dead
from event_seating.jobs.handler import Handler, Job, payload_of
from event_seating.mail.calendar_entry import CalendarEntry, calendar
from event_seating.mail.mailer import Mailer
from event_seating.mail.message import Mail
from event_seating.mail.rendering import render
from event_seating.users import store as user_store
from event_seating.users.model import User
from event_seating.values import money
from event_seating.values.email_address import mailbox

LINES_MAX: Final = 200
"""Lines that a mail shows: mail programs cut off mails of more than about 100 kB."""


class BookedLine(NamedTuple):
    """A line of a booking, as a person reads it."""

    label: str
    kind: str
    price: str


class _Payload(msgspec.Struct, rename="camel"):
    booking_id: str
    reason: str | None = None
    """Why the event was cancelled, as its organiser wrote it."""


class _Addressed(NamedTuple):
    """A mail that is to be sent: its booking and its recipient."""

    booking_id: str
    row: BookingRow
    user: User | None
    """`None` when the booking has no user, or the user was deleted."""
    notice: EventNotice
    bookable: BookableEvent


class BookingMails:
    """Sends the mails about bookings."""

    def __init__(
        self,
        database: Database,
        bookable_of: BookableEventOf,
        notice_of: EventNoticeOf,
        mailer: Mailer,
        clock: Clock,
    ) -> None:
        self._database = database
        self._bookable_of = bookable_of
        self._notice_of = notice_of
        self._mailer = mailer
        self._clock = clock

    def handlers(self) -> dict[str, Handler]:
        return {CONFIRMATION: self.confirm, CANCELLATION: self.tell_of_cancellation}

    async def confirm(self, job: Job) -> dict[str, Any]:
        """Confirm a booking, unless it or the event is cancelled, or its user is gone.

        Raises `Dead` when the payload names no booking that exists.
        """
        found = await self._addressed(_payload_of(job), job.event_id)
        if found.row.status != CONFIRMED:
            return _unsent("the booking was cancelled")
        if found.notice.cancelled:
            return _unsent("the event was cancelled")
        return await self._send(job, CONFIRMATION, f"Your booking: {found.notice.name}", found)

    async def tell_of_cancellation(self, job: Job) -> dict[str, Any]:
        """Tell a buyer that an event is cancelled.

        Raises `Dead` when the payload names no booking that exists.
        """
        payload = _payload_of(job)
        found = await self._addressed(payload, job.event_id)
        subject = f"Cancelled: {found.notice.name}"
        return await self._send(job, CANCELLATION, subject, found, reason=payload.reason)

    async def _addressed(self, payload: _Payload, event_id: str) -> _Addressed:
        booking_id = payload.booking_id
        async with self._database.read() as connection:
            row = await bookings.by_id(connection, event_id, booking_id)
            user_id = row.buyer.user_id if row is not None else None
            user = None if user_id is None else await user_store.by_id(connection, user_id)
        if row is None:
            raise Dead("There is no such booking.")
        try:
            notice = await self._notice_of(event_id)
            bookable = await self._bookable_of(event_id)
        except EventNotFound:
            raise Dead("There is no such event.") from None
        return _Addressed(booking_id, row, user, notice, bookable)

    async def _send(
        self, job: Job, template: str, subject: str, found: _Addressed, **more: Any
    ) -> dict[str, Any]:
        user = found.user
        if user is None:
            return _unsent("the user is gone")
        notice, row = found.notice, found.row
        zone = ZoneInfo(notice.time_zone)
        lines = lines_of(row, found.bookable, notice.ticket_labels)
        words = render(
            template,
            {
                "subject": subject,
                "name": user.name,
                "event": notice.name,
                "venue": notice.venue,
                **_when(notice.starts_at_ms, zone),
                "places": len(seats_of(row.groups)),
                "lines": lines[:LINES_MAX],
                "more": max(0, len(lines) - LINES_MAX),
                "total": money.for_people(total(row.groups), row.currency),
                "booking": found.booking_id,
                "order": row.buyer.order_ref,
                **more,
            },
        )
        seats = "\n".join(line.label for line in lines[:LINES_MAX])
        entry = CalendarEntry(
            uid=f"{found.booking_id}@{self._mailer.sender.domain}",
            sequence=row.version,
            starts_at_ms=notice.starts_at_ms,
            zone=zone,
            summary=notice.name,
            location=notice.venue,
            description=f"{seats}\n\nBooking number: {found.booking_id}",
            cancelled=template == CANCELLATION,
        )
        mail = Mail(
            job.id,
            mailbox(user.name, user.email),
            subject,
            words.text,
            words.html,
            calendar(entry, self._clock.now_ms()),
        )
        await self._mailer.send(mail)
        return {"sent": True}


def lines_of(
    row: BookingRow, bookable: BookableEvent, labels: Mapping[str, str]
) -> list[BookedLine]:
    """The lines of a booking, as a person reads them; equal places of an area are one line."""
    lines = bookable.lines(row.groups, row.currency)
    return [_line(line, bookable, labels, row.currency) for line in lines]


def _line(
    line: Mapping[str, Any], bookable: BookableEvent, labels: Mapping[str, str], currency: str
) -> BookedLine:
    quantity = line.get("quantity", 1)
    category = bookable.category_labels.get(line["category"], line["category"])
    ticket = label_of(line["ticketType"], labels)
    label = line["label"] if quantity == 1 else f"{quantity} × {line['label']}"  # noqa: RUF001
    price = money.parse(line["price"], currency) * quantity
    return BookedLine(label, f"{category}, {ticket}", money.for_people(price, currency))


def _when(starts_at_ms: int, zone: ZoneInfo) -> dict[str, str]:
    moment = datetime.fromtimestamp(starts_at_ms // MS_PER_S, zone)
    offset = moment.strftime("%z")
    shift = f"UTC{offset[:3]}:{offset[3:5]}"
    return {
        "date": f"{moment:%A}, {moment.day} {moment:%B} {moment.year}",
        "time": f"{moment:%H:%M}",
        "zone": zone.key if zone.key == "UTC" else f"{zone.key}, {shift}",
    }


def _payload_of(job: Job) -> _Payload:
    payload = payload_of(job, _Payload)
    named = ids.from_text(payload.booking_id)
    if named is None or named[0] != job.event_id:
        raise Dead("The payload names no booking of this event.")
    return payload


def _unsent(reason: str) -> dict[str, Any]:
    return {"sent": False, "reason": reason}
