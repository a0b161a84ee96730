"""What the settings make of mail, and what every way for it to leave has in common."""

import stat
from collections.abc import AsyncIterator, Callable, Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from tests.support.mails import SENDER, NothingNoted, mail
from tests.support.smtp import SmtpServer

from event_seating.clock import SystemClock
from event_seating.mail.mailer import Mailer, mailer_of
from event_seating.mail.message import CalendarFile
from event_seating.mail.mode import at_the_start, sends_mail
from event_seating.mail.sent_journal import SentJournal
from event_seating.mail.transport import MailDelayed, MailFolder, SmtpTransport
from event_seating.settings.model import Settings
from event_seating.values.email_address import Mailbox

KEY = "an-admin-key-of-24-chars"

Arrived = Callable[[], list[bytes]]


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    server = SmtpServer()
    yield server
    server.stop()


@pytest.fixture(params=["smtp", "files"])
async def way(
    request: pytest.FixtureRequest, server: SmtpServer, tmp_path: Path
) -> AsyncIterator[tuple[Mailer, Arrived]]:
    arrived: Arrived
    if request.param == "smtp":
        settings = Settings(smtp_url=server.url, mail_from="Box <box@example.com>")
        arrived = lambda: [each.content for each in server.received]  # noqa: E731
    else:
        settings = Settings(data_dir=tmp_path, mail_from="Box <box@example.com>")
        arrived = lambda: [each.read_bytes() for each in sorted(tmp_path.glob("mail/*.eml"))]  # noqa: E731
    with SentJournal(tmp_path / "taken") as taken:
        made = mailer_of(settings, SystemClock(), taken)
        yield made, arrived
        await made.aclose()


@pytest.mark.anyio
class TestEveryWay:
    async def test_a_mail_arrives_as_it_is(self, way: tuple[Mailer, Arrived]) -> None:
        office, arrived = way
        entry = CalendarFile(b"BEGIN:VCALENDAR\r\n", "PUBLISH")
        sent = mail(subject="Größe", calendar=entry)
        await office.send(sent)
        (raw,) = arrived()
        got = message_from_bytes(raw, policy=default)
        assert got["Message-ID"] == f"<{sent.job_id}@example.com>"
        assert got["Subject"] == "Größe"
        assert got["From"].addresses[0].addr_spec == "box@example.com"

    async def test_each_mail_is_one(self, way: tuple[Mailer, Arrived]) -> None:
        office, arrived = way
        for _ in range(3):
            await office.send(mail())
        ids = {message_from_bytes(raw, policy=default)["Message-ID"] for raw in arrived()}
        assert len(ids) == 3

    async def test_a_mail_that_was_taken_is_not_sent_again(
        self, way: tuple[Mailer, Arrived]
    ) -> None:
        office, arrived = way
        sent = mail()
        await office.send(sent)
        await office.send(sent)
        assert len(arrived()) == 1

    async def test_an_international_address_arrives(self, way: tuple[Mailer, Arrived]) -> None:
        office, arrived = way
        await office.send(mail(to=Mailbox("Jörg", "jörg@example.com")))
        assert len(arrived()) == 1


@pytest.mark.anyio
class TestFiles:
    async def test_they_are_bounded_and_the_oldest_go(self, tmp_path: Path) -> None:
        office = Mailer(
            MailFolder(tmp_path, SystemClock(), files_max=3), SENDER, SystemClock(), NothingNoted()
        )
        sent = [mail() for _ in range(5)]
        for each in sent:
            await office.send(each)
        names = names_in(tmp_path)
        assert [name.partition("-")[2] for name in names] == [
            f"{each.job_id}.eml" for each in sent[2:]
        ]

    async def test_nobody_else_on_the_machine_reads_them(self, tmp_path: Path) -> None:
        folder = tmp_path / "mail"
        await Mailer(MailFolder(folder, SystemClock()), SENDER, SystemClock(), NothingNoted()).send(
            mail()
        )
        assert modes(folder) == [0o700, 0o600]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def modes(folder: Path) -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())]


def settings(**given: Any) -> Settings:
    return Settings(**given)


class TestSettings:
    def test_development_writes_files(self, tmp_path: Path) -> None:
        chosen = settings(data_dir=tmp_path)
        made = mailer_of(chosen, SystemClock(), NothingNoted())
        assert isinstance(made._transport, MailFolder)
        assert made.sender == Mailbox("Event Seating", "event-seating@localhost")
        assert sends_mail(chosen)
        assert at_the_start(chosen) == (
            f"Mail is written to {tmp_path / 'mail'}: SMTP_URL is not set."
        )

    @pytest.mark.anyio
    async def test_production_sends_no_mail_without_a_server_and_says_so(self) -> None:
        chosen = settings(app_env="production", admin_api_key=KEY)
        made = mailer_of(chosen, SystemClock(), NothingNoted())
        with pytest.raises(MailDelayed, match="SMTP_URL is not set"):
            await made.send(mail())
        await made.aclose()
        assert not sends_mail(chosen)
        assert at_the_start(chosen) == "No mail is sent: SMTP_URL is not set."

    @pytest.mark.parametrize("environment", ["production", "development"])
    def test_a_server_is_used_everywhere(self, environment: str) -> None:
        chosen = settings(
            app_env=environment, admin_api_key=KEY, smtp_url="smtp://h", mail_from="a@b.example"
        )
        made = mailer_of(chosen, SystemClock(), NothingNoted())
        assert isinstance(made._transport, SmtpTransport)
        assert made.sender == Mailbox("", "a@b.example")
        assert sends_mail(chosen)
        assert at_the_start(chosen) is None
