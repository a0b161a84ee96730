"""A mail as it goes over the wire: plain text and HTML, perhaps with an entry for a calendar.

Pure. The Message-ID is made from the job that sends the mail, so that one which is sent twice,
since nobody knew whether the first was taken, is the same mail for whoever gets both. What people
are called comes from outside: a header is one line, whatever is in a name.
"""

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final, NamedTuple

from event_seating.clock import MS_PER_S
from event_seating.mailbox import Mailbox

HEADER_CHARS_MAX: Final = 200
"""Of a subject or a name: as long as either may be anywhere else."""

CALENDAR_NAME: Final = "event.ics"

_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


class Mail(NamedTuple):
    """What somebody is told."""

    job_id: str
    to: Mailbox
    subject: str
    text: str
    html: str
    calendar: bytes | None = None
    """An iCalendar file (RFC 5545)."""


def compose(mail: Mail, sender: Mailbox, now_ms: int) -> EmailMessage:
    """The mail from `sender`, of this moment."""
    message = EmailMessage(SMTP)
    message["Message-ID"] = message_id(mail.job_id, sender)
    message["Date"] = format_datetime(datetime.fromtimestamp(now_ms // MS_PER_S, UTC))
    message["From"] = _address(sender)
    message["To"] = _address(mail.to)
    message["Subject"] = one_line(mail.subject)
    # So that a holiday's answering machine does not answer (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    if mail.calendar is not None:
        message.add_attachment(
            mail.calendar,
            maintype="text",
            subtype="calendar",
            params={"charset": "utf-8", "method": "PUBLISH"},
            filename=CALENDAR_NAME,
        )
    return message


def message_id(job_id: str, sender: Mailbox) -> str:
    """The Message-ID of the mail that this job sends."""
    return f"<{job_id}@{sender.domain}>"


def one_line(text: str) -> str:
    """`text` as a header can have it: without what ends a line, and not endless."""
    return " ".join("".join(_printable(text[:HEADER_CHARS_MAX])).split())


def _printable(text: str) -> Iterable[str]:
    return (" " if unicodedata.category(char) in _UNPRINTABLE else char for char in text)


def _address(mailbox: Mailbox) -> Address:
    local, _, domain = mailbox.address.rpartition("@")
    return Address(one_line(mailbox.name), local, domain)
