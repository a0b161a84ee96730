"""The post office: takes what somebody is told, writes the mail and hands it to the transport."""

from typing import Final

from event_seating.clock import Clock
from event_seating.jobs.handler import Job
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
"""Only where no real mail leaves without one: see `config`."""


TAKEN: Final = "mails-taken"
"""The file in `DATA_DIR`."""


class Mailer:
    """Sends mail from one sender."""

    def __init__(
        self, transport: Transport, sender: Mailbox, clock: Clock, taken: SentJournal
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._taken = taken
        self.sender = sender

    async def send(self, mail: Mail) -> None:
        """Send it, unless it was taken before; raises `Dead` or `MailDelayed` if it was not.

        The job may come again although its mail was taken: see `taken`.
        """
        if mail.job_id in self._taken:
            return
        content = compose(mail, self.sender, self._clock.now_ms())
        await self._transport.deliver(Envelope(mail.job_id, self.sender, mail.to, content))
        self._taken.note(mail.job_id)

    async def aclose(self) -> None:
        """Close what is open."""
        await self._transport.aclose()


def mailer_of(settings: Settings, clock: Clock, taken: SentJournal) -> Mailer | None:
    """The post office that the settings ask for; none when no mail is sent."""
    if not sends_mail(settings):
        return None
    sender = parse_mailbox(settings.mail_from or DEFAULT_SENDER)
    if settings.smtp_url is None:
        return Mailer(MailFolder(folder(settings), clock), sender, clock, taken)
    server = parse_smtp_url(settings.smtp_url.get_secret_value())
    return Mailer(SmtpTransport(server), sender, clock, taken)


async def wait_for_a_server(_job: Job) -> None:
    """What a process does with a mail that was asked for where there was a server, and it has none.

    Another process may send it at the next attempt, or an operator mend the settings meanwhile.
    """
    raise MailDelayed("No mail is sent by this process: SMTP_URL is not set.")
