"""A mail as it goes over the wire: plain text and HTML, perhaps with an entry for a calendar.

Pure. The Message-ID is made from the job that sends the mail. So if a mail is sent twice because
the answer to the first was lost, both are the same mail to the recipient's program.

Owns the writing of headers. Names come from outside, and no name may add a header. The standard
library decodes text that looks encoded, so that a name such as `=?utf-8?q?=0D=0ABcc:_…?=` would
become a header; here a text is encoded unless it is plain, and never decoded.
"""

import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final, NamedTuple

from event_seating.clock import MS_PER_S
from event_seating.values.email_address import Mailbox

HEADER_CHARS_MAX: Final = 200
"""The longest subject or name: as long as either may be anywhere else."""

WORD_BYTES: Final = 45
"""Bytes of text in an encoded word: 60 characters in base64, and with its delimiters below the 75
that RFC 2047 allows."""

CALENDAR_NAME: Final = "event.ics"

_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})

_PLAIN: Final = re.compile(r"[A-Za-z0-9 !#$%&'()*+,./:;@_-]{1,60}\Z")
"""Stands in a header as it is: no quotes, and no `=?`, which begins an encoded word."""


class CalendarFile(NamedTuple):
    """An iCalendar file (RFC 5545)."""

    content: bytes
    method: str
    """Its METHOD, which the header of its part must repeat (RFC 6047, section 2.4)."""


class Mail(NamedTuple):
    """A mail to one recipient."""

    job_id: str
    to: Mailbox
    subject: str
    text: str
    html: str
    calendar: CalendarFile | None = None


def compose(mail: Mail, sender: Mailbox, now_ms: int) -> bytes:
    """The mail from `sender`, of this moment; all ASCII but for international addresses."""
    headers = {
        "Message-ID": message_id(mail.job_id, sender),
        "Date": format_datetime(datetime.fromtimestamp(now_ms // MS_PER_S, UTC)),
        "From": _address(sender),
        "To": _address(mail.to),
        "Subject": _text(mail.subject),
        # So that automatic responders do not answer (RFC 3834).
        "Auto-Submitted": "auto-generated",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return lines.encode() + _body(mail).as_bytes()


def message_id(job_id: str, sender: Mailbox) -> str:
    """The Message-ID of the mail that this job sends."""
    return f"<{job_id}@{sender.domain}>"


def _body(mail: Mail) -> EmailMessage:
    """The parts, with the headers that tell them apart; nothing in those comes from outside."""
    body = EmailMessage(SMTP)
    body.set_content(mail.text, cte="quoted-printable")
    body.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    if mail.calendar is not None:
        body.add_attachment(
            mail.calendar.content,
            maintype="text",
            subtype="calendar",
            params={"charset": "utf-8", "method": mail.calendar.method},
            filename=CALENDAR_NAME,
        )
    return body


def _address(mailbox: Mailbox) -> str:
    name = _one_line(mailbox.name)
    if not name:
        return mailbox.address
    shown = f'"{name}"' if _PLAIN.match(name) else _encoded(name)
    return f"{shown}\r\n <{mailbox.address}>"


def _text(text: str) -> str:
    line = _one_line(text)
    return line if _PLAIN.match(line) else _encoded(line)


def _one_line(text: str) -> str:
    """`text` without line breaks, cut to `HEADER_CHARS_MAX`."""
    shown = (
        " " if unicodedata.category(char) in _UNPRINTABLE else char
        for char in text[:HEADER_CHARS_MAX]
    )
    return " ".join("".join(shown).split())


def _encoded(text: str) -> str:
    """`text` as encoded words (RFC 2047), each on a line of its own."""
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode()}?=" for word in _words(text))


def _words(text: str) -> Iterator[bytes]:
    """`text` in UTF-8, cut between characters."""
    word = b""
    for char in text:
        encoded = char.encode()
        if len(word) + len(encoded) > WORD_BYTES:
            yield word
            word = b""
        word += encoded
    yield word
