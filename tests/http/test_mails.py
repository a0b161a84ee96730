"""The mails of bookings and of new users: what stands in them, and when there is none."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar, Component
from sqlalchemy import delete
from tests.support.jobs_by_hand import asked, job
from tests.support.mails import NothingNoted
from tests.support.seating import hold, on_sale
from tests.support.service import Service, in_process
from tests.support.smtp import SmtpServer

from event_seating.booking.effects import mails
from event_seating.booking.effects.mails import BookingMails
from event_seating.cache.invalidation import CacheInvalidation
from event_seating.clock import SystemClock
from event_seating.db.tables import users
from event_seating.events.facts import EventFacts
from event_seating.jobs.ends import Dead
from event_seating.mail.mailer import Mailer
from event_seating.mail.transport import SmtpTransport
from event_seating.settings.parsers import parse_smtp_url
from event_seating.users.errors import UserIdExists
from event_seating.users.new_users import NewUsers
from event_seating.users.service import UserService
from event_seating.users.welcome_mails import WelcomeMails
from event_seating.values.email_address import parse_mailbox

pytestmark = [pytest.mark.anyio, pytest.mark.alike_on_both]

TIMES = "\N{MULTIPLICATION SIGN}"

ANNA = {"id": "anna", "name": "Anna <b>Ärmel</b>", "email": "anna@example.com"}


@pytest.fixture
async def service(environment: dict[str, str], database_url: str) -> AsyncIterator[Service]:
    """On every backend."""
    async with in_process(database_url=database_url) as running:
        yield running


@pytest.fixture
async def server() -> AsyncIterator[SmtpServer]:
    server = SmtpServer()
    yield server
    server.stop()


@pytest.fixture
async def post(server: SmtpServer) -> AsyncIterator[Mailer]:
    transport = SmtpTransport(parse_smtp_url(server.url))
    sender = parse_mailbox("Box Office <tickets@example.com>")
    yield Mailer(transport, sender, SystemClock(), NothingNoted())
    await transport.aclose()


@pytest.fixture
def confirmations(service: Service, post: Mailer) -> BookingMails:
    parts = service.parts
    summary = EventFacts(parts.database).summary
    return BookingMails(parts.database, parts.bookable_events.get, summary, post, parts.clock)


@pytest.fixture
async def event(service: Service) -> str:
    event = await on_sale(service)
    change = {"name": "Concert & <Ball>", "timeZone": "America/New_York"}
    changed = await service.client.patch(f"/events/{event}", json=change)
    assert changed.status_code == 200, changed.text
    return event


async def book(service: Service, event: str, **more: Any) -> str:
    await service.client.post("/users", json=ANNA)
    body = {
        "seats": ["A-1-1", "A-1-2"],
        "areas": {"floor": 3},
        "ticketTypes": {"A-1-2": "reduced"},
    }
    held = await hold(service, event, **body)
    assert held.status_code == 201, held.text
    given = {"holdToken": held.json()["holdToken"], "userId": "anna", **more}
    booked = await service.client.post("/bookings", json=given)
    assert booked.status_code == 201, booked.text
    return str(booked.json()["id"])


async def confirm(confirmations: BookingMails, event: str, booking: str) -> Any:
    handle = confirmations.handlers()["booking-confirmation"]
    return await handle(job("booking-confirmation", {"bookingId": booking}, event))


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n").replace("\xa0", " ")


def entry(message: EmailMessage) -> Component:
    (attached,) = message.iter_attachments()
    content = attached.get_payload(decode=True)
    assert isinstance(content, bytes)
    (found,) = Calendar.from_ical(content).walk("VEVENT")
    return found


async def test_a_confirmation_says_what_was_booked_where_and_when(
    service: Service, server: SmtpServer, confirmations: BookingMails, event: str
) -> None:
    booking = await book(service, event, orderRef="R-1")
    assert await confirm(confirmations, event, booking) == {"sent": True}
    (got,) = server.received
    assert got.recipient == "anna@example.com"
    assert got.message["Subject"] == "Your booking: Concert & <Ball>"
    text = part(got.message, "plain")
    assert (
        text
        == f"""\
Hello Anna <b>Ärmel</b>, your seats are booked.

Concert & <Ball>
Tuesday, 2 October 2096, 03:06 (America/New_York, UTC-04:00)
Hall

- Section A, row 1, seat 1
  Seated, Standard: EUR 45.00
- Section A, row 1, seat 2
  Seated, Reduced: EUR 30.00
- 3 {TIMES} Floor
  Standing, Standard: EUR 91.50

Total: EUR 166.50

Booking number: {booking}
Order: R-1

The attached file puts the event into your calendar.
"""
    )


async def test_a_ticket_type_goes_by_its_label(
    service: Service, server: SmtpServer, confirmations: BookingMails, event: str
) -> None:
    booking = await book(service, event)
    types = {"standard": {"label": "Full price"}, "reduced": {"label": "Students <25"}}
    described = await service.client.patch(f"/events/{event}", json={"ticketTypes": types})
    assert described.status_code == 200, described.text
    await confirm(confirmations, event, booking)
    (got,) = server.received
    text = part(got.message, "plain")
    assert "Seated, Full price: EUR 45.00" in text
    assert "Seated, Students <25: EUR 30.00" in text
    assert "Students &lt;25" in part(got.message, "html")


async def test_a_cancelled_event_is_told_with_its_reason_and_leaves_the_calendar(
    service: Service, server: SmtpServer, confirmations: BookingMails, event: str
) -> None:
    booking = await book(service, event, orderRef="R-1")
    await service.client.post(f"/bookings/{booking}/cancel", json={})
    handle = confirmations.handlers()["booking-cancelled"]
    payload = {"bookingId": booking, "reason": "The singer is <ill>."}
    assert await handle(job("booking-cancelled", payload, event)) == {"sent": True}
    (got,) = server.received
    assert got.message["Subject"] == "Cancelled: Concert & <Ball>"
    text = part(got.message, "plain")
    assert "The singer is <ill>." in text
    assert "Section A, row 1, seat 2\n  Seated, Reduced: EUR 30.00" in text
    assert "Total: EUR 166.50" in text
    assert "&lt;ill&gt;" in part(got.message, "html")
    found = entry(got.message)
    assert found["STATUS"] == "CANCELLED"
    assert found["UID"].startswith(booking)
    assert found["SEQUENCE"] > 2, "it takes the place of the entry of the confirmation"
    quiet = {"bookingId": booking, "reason": None}
    await handle(job("booking-cancelled", quiet, event))
    assert "None" not in part(server.received[1].message, "plain")


async def test_what_people_wrote_is_text_in_the_html(
    service: Service, server: SmtpServer, confirmations: BookingMails, event: str
) -> None:
    await confirm(confirmations, event, await book(service, event, orderRef="<i>R</i>"))
    html = part(server.received[0].message, "html")
    assert "Anna &lt;b&gt;Ärmel&lt;/b&gt;" in html
    assert "Concert &amp; &lt;Ball&gt;" in html
    assert "&lt;i&gt;R&lt;/i&gt;" in html
    assert "<b>" not in html
    assert "EUR 166.50" in html
    assert not {"<img", "http:", "https:", "url(", "<script", "<link"} & set(html.split())
    assert "src=" not in html


async def test_the_calendar_has_the_event_at_its_hour(
    service: Service, server: SmtpServer, confirmations: BookingMails, event: str
) -> None:
    booking = await book(service, event)
    await confirm(confirmations, event, booking)
    found = entry(server.received[0].message)
    assert found["DTSTART"].dt == datetime(
        2096, 10, 2, 3, 6, 40, tzinfo=ZoneInfo("America/New_York")
    )
    assert found["DTSTART"].params["TZID"] == "America/New_York"
    assert (found["SUMMARY"], found["LOCATION"]) == ("Concert & <Ball>", "Hall")
    assert found["UID"] == f"{booking}@example.com"
    assert "Section A, row 1, seat 2\n" in found["DESCRIPTION"]
    assert booking in found["DESCRIPTION"]


async def test_it_says_what_the_booking_is_when_it_is_sent(
    service: Service, server: SmtpServer, confirmations: BookingMails, event: str
) -> None:
    booking = await book(service, event)
    given_back = {"seats": ["A-1-1"], "areas": {"floor": 3}}
    changed = await service.client.post(f"/bookings/{booking}/cancel", json=given_back)
    assert changed.json()["status"] == "confirmed"
    await confirm(confirmations, event, booking)
    text = part(server.received[0].message, "plain")
    assert "your seat is booked" in text
    assert "seat 1\n" not in text
    assert "Floor" not in text
    assert "Total: EUR 30.00" in text


async def cancelled(service: Service, event: str, booking: str) -> None:
    await service.client.post(f"/bookings/{booking}/cancel", json={})


async def event_cancelled(service: Service, event: str, booking: str) -> None:
    await service.client.patch(f"/events/{event}", json={"status": "cancelled"})


async def user_gone(service: Service, event: str, booking: str) -> None:
    async with service.parts.database.write() as connection:
        await connection.execute(delete(users))


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (cancelled, "the booking was cancelled"),
        (event_cancelled, "the event was cancelled"),
        (user_gone, "the user is gone"),
    ],
)
async def test_where_nothing_is_to_be_confirmed_the_job_is_done_without_a_mail(
    service: Service,
    server: SmtpServer,
    confirmations: BookingMails,
    event: str,
    happens: Callable[[Service, str, str], Any],
    reason: str,
) -> None:
    booking = await book(service, event)
    await happens(service, event, booking)
    assert await confirm(confirmations, event, booking) == {"sent": False, "reason": reason}
    assert server.received == []


async def test_a_long_booking_names_the_first_seats_and_counts_the_rest(
    service: Service,
    server: SmtpServer,
    confirmations: BookingMails,
    event: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mails, "LINES_MAX", 1)
    await confirm(confirmations, event, await book(service, event))
    for kind in ("plain", "html"):
        assert "and 2 more" in part(server.received[0].message, kind)
        assert "EUR 166.50" in part(server.received[0].message, kind)


@pytest.mark.parametrize(
    "payload", [{}, {"bookingId": 7}, {"bookingId": "x"}, {"bookingId": "\0"}, {"bookingId": None}]
)
async def test_a_payload_that_is_none_fails_at_once(
    confirmations: BookingMails, event: str, payload: dict[str, Any]
) -> None:
    with pytest.raises(Dead):
        await confirmations.confirm(job("booking-confirmation", payload, event))


async def test_a_booking_that_is_not_there_fails_at_once(
    service: Service, confirmations: BookingMails, event: str
) -> None:
    booking = await book(service, event)
    with pytest.raises(Dead, match="no such booking"):
        await confirm(confirmations, event, booking[:12] + "A" * 22)
    with pytest.raises(Dead, match="no booking of this event"):
        await confirm(confirmations, "otherevent01", booking)


class TestWelcome:
    async def test_it_is_asked_for_with_the_user(self, service: Service) -> None:
        parts = service.parts
        welcoming = UserService(
            parts.database,
            parts.user_cache,
            parts.user_cache,
            parts.clock,
            CacheInvalidation(None),
            NewUsers(parts.job_requests, welcomes=True),
        )
        await welcoming.create("anna", "Anna", "anna@example.com")
        await welcoming.aclose()
        assert await asked(parts.database) == [
            ("notifications", "user-welcome", "", '{"userId":"anna"}')
        ]

    async def test_where_no_mail_is_sent_it_is_not(self, service: Service) -> None:
        parts = service.parts
        silent = UserService(
            parts.database,
            parts.user_cache,
            parts.user_cache,
            parts.clock,
            CacheInvalidation(None),
            NewUsers(parts.job_requests, welcomes=False),
        )
        await silent.create("anna", "Anna", "anna@example.com")
        await silent.aclose()
        assert await asked(parts.database) == []

    async def test_a_user_who_exists_is_not_welcomed_again(self, service: Service) -> None:
        parts = service.parts
        welcoming = UserService(
            parts.database,
            parts.user_cache,
            parts.user_cache,
            parts.clock,
            CacheInvalidation(None),
            NewUsers(parts.job_requests, welcomes=True),
        )
        await welcoming.create("anna", "Anna", "anna@example.com")
        with pytest.raises(UserIdExists):
            await welcoming.create("anna", "Anna", "anna@example.com")
        await welcoming.aclose()
        assert len(await asked(parts.database)) == 1

    async def test_it_greets_by_name(
        self, service: Service, server: SmtpServer, post: Mailer
    ) -> None:
        await service.client.post("/users", json=ANNA)
        welcomes = WelcomeMails(service.parts.database, post)
        handle = welcomes.handlers()["user-welcome"]
        assert await handle(job("user-welcome", {"userId": "anna"})) == {"sent": True}
        (got,) = server.received
        assert got.recipient == "anna@example.com"
        assert part(got.message, "plain").startswith("Welcome, Anna <b>Ärmel</b>\n")
        assert "Welcome, Anna &lt;b&gt;Ärmel&lt;/b&gt;" in part(got.message, "html")

    async def test_who_is_gone_is_not_greeted(
        self, service: Service, server: SmtpServer, post: Mailer
    ) -> None:
        welcomes = WelcomeMails(service.parts.database, post)
        assert await welcomes.send(job("user-welcome", {"userId": "nobody"})) == {
            "sent": False,
            "reason": "the user is gone",
        }
        with pytest.raises(Dead):
            await welcomes.send(job("user-welcome", {"userId": 7}))
        assert server.received == []
