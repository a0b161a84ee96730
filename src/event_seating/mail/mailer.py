"""Sending a mail: written from its parts, handed to the transport, noted in the sent journal.

A process that sends no mail has a mailer too, whose jobs wait for a process that sends it. So the
handlers are built in one way everywhere, and the names of all jobs are known.
"""

from collections.abc import Mapping
from typing import Final

from event_seating.clock import Clock
from event_seating.jobs.handler import Handler, Job
from event_seating.mail.message import Mail, compose
from event_seating.mail.mode import folder, sends_mail
from event_seating.mail.sent_journal import SentJournal
from event_seating.mail.transport import (
    Envelope,
    MailDelayed,
    MailFolder,
    SmtpTransport,
    Transport,
)
from event_seating.settings.model import Settings
from event_seating.settings.parsers import parse_smtp_url
from event_seating.values.email_address import Mailbox, parse_mailbox

DEFAULT_SENDER: Final = "Event Seating <event-seating@localhost>"
"""For development; `Settings` requires a sender where real mail is sent."""

NO_SERVER: Final = "No mail is sent by this process: SMTP_URL is not set."


class Mailer:
    """Sends mail from one sender; `transport` is None in a process that sends none."""

    def __init__(
        self, transport: Transport | None, sender: Mailbox, clock: Clock, sent: SentJournal
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._sent = sent
        self.sender = sender

    def handlers(self, mails: Mapping[str, Handler]) -> dict[str, Handler]:
        """The handlers of jobs that send mail; each one waits if this process sends none."""
        return dict(mails) if self._transport else dict.fromkeys(mails, wait_for_a_server)

    async def send(self, mail: Mail) -> None:
        """Send it, unless it was sent before; raises `Dead` or `MailDelayed` if it was not taken.

        The job may come again although its mail was sent: see `sent_journal`.
        """
        if mail.job_id in self._sent:
            return
        if self._transport is None:
            raise MailDelayed(NO_SERVER)
        content = compose(mail, self.sender, self._clock.now_ms())
        await self._transport.deliver(Envelope(mail.job_id, self.sender, mail.to, content))
        self._sent.note(mail.job_id)

    async def aclose(self) -> None:
        """Close what is open."""
        if self._transport is not None:
            await self._transport.aclose()


def mailer_of(settings: Settings, clock: Clock, sent: SentJournal) -> Mailer:
    """The mailer that the settings ask for."""
    sender = parse_mailbox(settings.mail_from or DEFAULT_SENDER)
    return Mailer(_transport_of(settings, clock), sender, clock, sent)


def _transport_of(settings: Settings, clock: Clock) -> Transport | None:
    if not sends_mail(settings):
        return None
    if settings.smtp_url is None:
        return MailFolder(folder(settings), clock)
    return SmtpTransport(parse_smtp_url(settings.smtp_url.get_secret_value()))


async def wait_for_a_server(_job: Job) -> None:
    """The handler for every mail in a process without a mail server; raises `MailDelayed`.

    By the next attempt an operator may have set `SMTP_URL`, or another process may take the job.
    """
    raise MailDelayed(NO_SERVER)
