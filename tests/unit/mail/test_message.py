"""A mail as it goes over the wire, read back by the standard library."""

from email import message_from_bytes
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import compat32, default

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.mails import ANNA, SENDER, mail

from event_seating.mail.message import CalendarFile, compose
from event_seating.values.email_address import Mailbox, mailbox
from event_seating.values.visible_text import NAME_CHARS_MAX, checked_name

NOW_MS = 1_790_000_000_500
ICS = CalendarFile(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "PUBLISH")


def read(raw: bytes) -> EmailMessage:
    parsed = message_from_bytes(raw, policy=default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    return parsed


def decoded(raw: bytes, header: str) -> str:
    """As RFC 2047 says; the newer parser keeps a space between encoded words."""
    value = message_from_bytes(raw, policy=compat32)[header]
    return str(make_header(decode_header("".join(value.split("\r\n")))))


def content(part: object) -> str:
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def recipient(to: Mailbox) -> Address:
    (address,) = read(compose(mail(to=to), SENDER, NOW_MS))["To"].addresses
    assert isinstance(address, Address)
    return address


def is_name(text: str) -> bool:
    try:
        return checked_name(text) == text
    except ValueError:
        return False


def test_it_says_when_it_was_sent_by_whom_and_that_no_person_did() -> None:
    got = read(compose(mail(job_id="job-1"), SENDER, NOW_MS))
    assert got["Message-ID"] == "<job-1@example.com>"
    assert got["Date"] == "Mon, 21 Sep 2026 14:13:20 +0000"
    assert got["From"].addresses[0].display_name == "Box Office"
    assert got["From"].addresses[0].addr_spec == "tickets@example.com"
    assert got["To"] == "Anna Ärmel <anna@example.com>"
    assert got["Auto-Submitted"] == "auto-generated"
    assert got["Subject"] == "Your seats"


def test_it_has_both_forms_the_plain_one_first() -> None:
    got = read(compose(mail(text="Grüße\n", html="<p>Grüße</p>\n"), SENDER, NOW_MS))
    assert got.get_content_type() == "multipart/alternative"
    text, html = got.iter_parts()
    assert (text.get_content_type(), content(text)) == ("text/plain", "Grüße\n")
    assert (html.get_content_type(), content(html)) == ("text/html", "<p>Grüße</p>\n")


def test_a_calendar_entry_is_a_file_beside_them() -> None:
    got = read(compose(mail(calendar=ICS), SENDER, NOW_MS))
    assert got.get_content_type() == "multipart/mixed"
    (entry,) = got.iter_attachments()
    assert entry.get_content_type() == "text/calendar"
    assert dict(entry["Content-Type"].params) == {"charset": "utf-8", "method": "PUBLISH"}
    assert entry.get_filename() == "event.ics"
    assert entry.get_payload(decode=True) == ICS.content


def test_the_part_of_a_calendar_entry_names_the_method_of_its_file() -> None:
    got = read(compose(mail(calendar=ICS._replace(method="CANCEL")), SENDER, NOW_MS))
    (entry,) = got.iter_attachments()
    assert entry["Content-Type"].params["method"] == "CANCEL"


def test_all_of_it_is_ascii_in_short_lines() -> None:
    sent = mail(to=Mailbox("ü" * 200, "a@b.example"), text="ü" * 5000, calendar=ICS)
    raw = compose(sent, SENDER, NOW_MS)
    raw.decode("ascii")
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@given(st.text(min_size=1, max_size=NAME_CHARS_MAX).filter(is_name))
def test_any_name_comes_back_as_it_was_and_makes_no_second_address(name: str) -> None:
    to = Mailbox(name, "anna@example.com")
    assert recipient(to).addr_spec == "anna@example.com"
    raw = compose(mail(to=to, subject=name), SENDER, NOW_MS)
    plain = " ".join(name.split())
    assert decoded(raw, "Subject") == plain
    assert decoded(raw, "To").removesuffix(" <anna@example.com>").strip('"') == plain.strip('"')


@pytest.mark.parametrize(
    "name",
    [
        "Anna\r\nBcc: eve@example.com",
        "Anna\nBcc: eve@example.com",
        "Anna\r\n\r\nHello",
        "Anna\u2028Bcc: eve@example.com",
        "Anna\0",
        'Anna" <eve@example.com>, "',
        "Anna <eve@example.com>",
        "Smith, John",
        "ü, ö <eve@example.com>" * 8,
        "=?utf-8?q?Anna=0D=0ABcc:_eve@example.com?=",
        "(comment) Anna",
        "\\",
        "",
    ],
)
def test_no_name_adds_a_header_or_a_recipient(name: str) -> None:
    raw = compose(mail(to=Mailbox(name, "anna@example.com"), subject=name), SENDER, NOW_MS)
    plain = read(compose(mail(), SENDER, NOW_MS))
    got = read(raw)
    assert sorted(got.keys()) == sorted(plain.keys())
    (address,) = got["To"].addresses
    assert address.addr_spec == "anna@example.com"
    assert (decoded(raw, "Subject") + decoded(raw, "To")).isprintable()
    assert raw.count(b"\r\n\r\n") == compose(mail(), SENDER, NOW_MS).count(b"\r\n\r\n")
    assert content(got.get_body(("plain",))) == "Two seats\n"


def test_a_host_that_is_not_ascii_is_written_in_ascii() -> None:
    to = mailbox("Anna", "anna@müller.example")
    assert to.address == "anna@xn--mller-kva.example"
    assert recipient(to).addr_spec == to.address


@pytest.mark.parametrize("address", ["o'neil+x@example.com", "a.b@example.com", ANNA.address])
def test_an_address_stays_as_it_is(address: str) -> None:
    assert recipient(mailbox("", address)).addr_spec == address
