"""Short ways to make what the tests of mail send."""

from pathlib import Path
from typing import Any

from event_seating.clock import SystemClock
from event_seating.jobs.ids import new_job_id
from event_seating.mail.mailer import Mailer
from event_seating.mail.message import Mail
from event_seating.mail.sent_journal import SentJournal
from event_seating.mail.transport import SmtpTransport
from event_seating.settings.parsers import parse_smtp_url
from event_seating.values.email_address import Mailbox, parse_mailbox


class NothingNoted(SentJournal):
    """Remembers no mail, and needs no file for it."""

    def __init__(self) -> None:
        super().__init__(Path())

    def __contains__(self, job_id: str) -> bool:
        return False

    def note(self, job_id: str) -> None:
        pass


SENDER = parse_mailbox("Box Office <tickets@example.com>")
ANNA = Mailbox("Anna Ärmel", "anna@example.com")


def mail(**changed: Any) -> Mail:
    words = {"subject": "Your seats", "text": "Two seats\n", "html": "<p>Two seats</p>\n"}
    return Mail(**{"job_id": new_job_id(), "to": ANNA, **words, **changed})


def smtp_post(url: str, **limits: Any) -> Mailer:
    return Mailer(
        SmtpTransport(parse_smtp_url(url), **limits), SENDER, SystemClock(), NothingNoted()
    )
