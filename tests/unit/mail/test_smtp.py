"""Mail to a real server on this machine, in every mood that servers have."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.support.mails import ANNA, SENDER, mail, smtp_post
from tests.support.smtp import CERTIFICATES, SmtpServer
from tests.support.waiting import until

from event_seating.jobs.ends import Dead
from event_seating.mail.mailer import Mailer
from event_seating.mail.message import message_id
from event_seating.mail.transport import MAILS_OF_A_CONNECTION_MAX, MailDelayed
from event_seating.values.email_address import Mailbox

pytestmark = pytest.mark.anyio

SOON_S = 0.3


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    server = SmtpServer()
    yield server
    server.stop()


@pytest.fixture
async def post(server: SmtpServer) -> AsyncIterator[Mailer]:
    async with posting(server.url) as post:
        yield post


@asynccontextmanager
async def posting(url: str, **limits: Any) -> AsyncIterator[Mailer]:
    post = smtp_post(url, **limits)
    try:
        yield post
    finally:
        await post.aclose()


async def fails(post: Mailer, kind: type[Exception], **changed: Any) -> str:
    with pytest.raises(kind) as failed:
        await post.send(mail(**changed))
    said = f"{failed.value!r}"
    assert "anna" not in said.lower()
    return str(failed.value)


async def test_a_mail_arrives_with_the_id_of_its_job(server: SmtpServer, post: Mailer) -> None:
    sent = mail()
    await post.send(sent)
    (got,) = server.received
    assert (got.sender, got.recipient) == ("tickets@example.com", "anna@example.com")
    assert got.message_id == message_id(sent.job_id, SENDER) == f"<{sent.job_id}@example.com>"


async def test_a_recipient_who_is_refused_fails_at_once(server: SmtpServer, post: Mailer) -> None:
    server.manners.to_recipient = lambda address: f"550 5.1.1 <{address}> is nobody here"
    said = await fails(post, Dead)
    assert said == "The mail server refused the recipient: 550 5.1.1."


async def test_a_mail_that_is_refused_fails_at_once(server: SmtpServer, post: Mailer) -> None:
    server.manners.to_mail = "554 5.7.1 anna@example.com wants no such thing"
    assert await fails(post, Dead) == "The mail server refused the mail: 554 5.7.1."


@pytest.mark.parametrize("said", ["451 4.7.1 Greylisted", "452 4.2.2 Full", "421 Closing"])
async def test_a_recipient_who_cannot_be_reached_now_is_tried_again(
    server: SmtpServer, post: Mailer, said: str
) -> None:
    server.manners.to_recipient = lambda _address: said
    assert said[:3] in await fails(post, MailDelayed)
    server.manners.to_recipient = lambda _address: "250 Ok"
    await post.send(mail())
    assert len(server.received) == 1


async def test_a_mail_that_is_not_taken_now_is_tried_again(
    server: SmtpServer, post: Mailer
) -> None:
    server.manners.to_mail = "451 4.3.0 Disk is full"
    assert await fails(post, MailDelayed) == (
        "The mail server does not take the mail now: 451 4.3.0."
    )


async def test_a_sender_who_is_refused_is_the_operators_to_mend(
    server: SmtpServer, post: Mailer
) -> None:
    server.manners.to_sender = "553 5.7.1 Not your address"
    assert "MAIL_FROM" in await fails(post, MailDelayed)


async def test_a_mail_that_is_too_large_fails_at_once(server: SmtpServer, post: Mailer) -> None:
    server.manners.to_sender = "552 5.3.4 Too large"
    assert "too large" in await fails(post, Dead)


async def test_a_server_that_hangs_holds_nobody_up(server: SmtpServer) -> None:
    server.manners.hangs = True
    async with posting(server.url, answer_within_s=SOON_S) as post:
        assert "in time" in await fails(post, MailDelayed)


async def test_a_server_that_is_slow_at_each_step_is_given_up(server: SmtpServer) -> None:
    server.manners.hangs = True
    async with posting(server.url, mail_within_s=SOON_S) as post:
        assert "in time" in await fails(post, MailDelayed)


async def test_a_server_that_never_greets_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        async with posting(url, connect_within_s=SOON_S) as post:
            assert "in time" in await fails(post, MailDelayed)


async def test_a_server_that_speaks_something_else_is_tried_again() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, posting(url) as post:
        await fails(post, MailDelayed)


async def test_a_server_that_is_away_is_tried_again(server: SmtpServer, post: Mailer) -> None:
    server.stop()
    assert "cannot be used" in await fails(post, MailDelayed)
    server.start()
    await post.send(mail())
    assert len(server.received) == 1


async def test_a_server_that_hangs_up_within_a_mail_has_not_got_it(
    server: SmtpServer, post: Mailer
) -> None:
    server.manners.hangs_up_within = True
    await fails(post, MailDelayed)
    assert server.received == []
    server.manners.hangs_up_within = False
    await post.send(mail())
    assert len(server.received) == 1


async def test_an_answer_that_is_lost_makes_a_second_mail_of_the_same_id(
    server: SmtpServer, post: Mailer
) -> None:
    server.manners.hangs_up_after = True
    sent = mail()
    with pytest.raises(MailDelayed):
        await post.send(sent)
    server.manners.hangs_up_after = False
    await post.send(sent)
    assert server.message_ids() == [message_id(sent.job_id, SENDER)] * 2


class TestConnections:
    async def test_one_carries_many_mails(self, server: SmtpServer, post: Mailer) -> None:
        for _ in range(5):
            await post.send(mail())
        assert (len(server.received), server.connections) == (5, 1)

    async def test_one_that_is_worn_is_replaced(self, server: SmtpServer, post: Mailer) -> None:
        for _ in range(MAILS_OF_A_CONNECTION_MAX + 1):
            await post.send(mail())
        assert server.connections == 2
        assert len(server.received) == MAILS_OF_A_CONNECTION_MAX + 1

    async def test_one_that_was_cut_meanwhile_costs_no_mail(
        self, server: SmtpServer, post: Mailer
    ) -> None:
        await post.send(mail())
        server.hang_up()
        await post.send(mail())
        assert (len(server.received), server.connections) == (2, 2)

    async def test_as_many_as_are_sent_at_once(self, server: SmtpServer, post: Mailer) -> None:
        await asyncio.gather(*(post.send(mail()) for _ in range(20)))
        await asyncio.gather(*(post.send(mail()) for _ in range(5)))
        assert (len(server.received), server.connections) == (25, 20)

    async def test_one_that_is_idle_is_closed(self, server: SmtpServer) -> None:
        async with posting(server.url, idle_s=0.01) as post:
            await post.send(mail())
            await until(lambda: not server.open_connections)
            await post.send(mail())
        assert server.connections == 2

    async def test_who_is_cancelled_leaves_none_behind(self, server: SmtpServer) -> None:
        server.manners.hangs = True
        async with posting(server.url) as post:
            sending = asyncio.create_task(post.send(mail()))
            await until(lambda: server.hanging)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            server.manners.hangs = False
            await post.send(mail())
        assert server.connections == 2


class TestEncryption:
    @pytest.fixture
    def server(self) -> Iterator[SmtpServer]:
        server = SmtpServer(starttls=True)
        yield server
        server.stop()

    async def test_a_certificate_that_nobody_vouches_for_is_refused(
        self, server: SmtpServer, post: Mailer
    ) -> None:
        said = await fails(post, MailDelayed)
        assert "certificate is not trusted (self-signed certificate)" in said
        assert "?ca=/path" in said
        assert "?verify=off" in said
        assert server.received == []

    async def test_unless_the_operator_names_its_file(self, server: SmtpServer) -> None:
        async with posting(f"{server.url}?ca={CERTIFICATES / 'mail-server.pem'}") as post:
            await post.send(mail())
        assert server.received[0].encrypted

    async def test_a_file_of_another_authority_vouches_for_nothing(
        self, server: SmtpServer
    ) -> None:
        async with posting(f"{server.url}?ca={CERTIFICATES / 'authority.pem'}") as post:
            assert "is not trusted" in await fails(post, MailDelayed)
        assert server.received == []

    async def test_a_certificate_for_another_name_is_refused_and_said(
        self, server: SmtpServer
    ) -> None:
        server.manners.certificate = "receiver.pem"
        async with posting(f"{server.url}?ca={CERTIFICATES / 'authority.pem'}") as post:
            said = await fails(post, MailDelayed)
        assert "is for another name: write the name that it is for in SMTP_URL" in said
        assert server.received == []

    async def test_a_certificate_that_has_expired_is_refused_and_said(
        self, server: SmtpServer
    ) -> None:
        server.manners.certificate = "mail-server-expired.pem"
        name = CERTIFICATES / server.manners.certificate
        async with posting(f"{server.url}?ca={name}") as post:
            assert "(certificate has expired): renew it" in await fails(post, MailDelayed)
        assert server.received == []

    async def test_a_port_that_begins_without_encryption_is_said(self, server: SmtpServer) -> None:
        async with posting(server.url.replace("smtp:", "smtps:")) as post:
            assert "smtp:// for 587" in await fails(post, MailDelayed)

    async def test_unless_the_operator_says_so(self, server: SmtpServer) -> None:
        async with posting(f"{server.url}?verify=off") as post:
            await post.send(mail())
        assert server.received[0].encrypted

    async def test_it_can_be_switched_off(self, server: SmtpServer) -> None:
        async with posting(f"{server.url}?starttls=off") as post:
            await post.send(mail())
        assert not server.received[0].encrypted

    async def test_where_it_is_required_nothing_goes_in_the_clear(self) -> None:
        with SmtpServer() as server:
            async with posting(f"{server.url}?starttls=required") as post:
                assert "STARTTLS" in await fails(post, MailDelayed)
        assert server.received == []

    async def test_a_server_that_offers_none_gets_no_password(self) -> None:
        with SmtpServer(users={"shop": "secret"}) as server:
            url = server.url.replace("//", "//shop:secret@")
            async with posting(url) as post:
                assert "STARTTLS" in await fails(post, MailDelayed)
            assert server.logins == 0
            async with posting(f"{url}?starttls=off") as post:
                await post.send(mail())
        assert server.logins == 1

    async def test_from_the_first_byte(self) -> None:
        with SmtpServer(whole_tls=True) as server:
            url = server.url.replace("smtp:", "smtps:")
            async with posting(url) as post:
                assert "is not trusted" in await fails(post, MailDelayed)
            async with posting(f"{url}?ca={CERTIFICATES / 'mail-server.pem'}") as post:
                await post.send(mail())
        assert [each.encrypted for each in server.received] == [True]


class TestLogin:
    @pytest.fixture
    def server(self) -> Iterator[SmtpServer]:
        server = SmtpServer(starttls=True, users={"shop@example.com": "p@ss/w:rd"})
        yield server
        server.stop()

    async def test_user_and_password_are_sent(self, server: SmtpServer) -> None:
        url = server.url.replace("//", "//shop%40example.com:p%40ss%2Fw%3Ard@")
        async with posting(f"{url}?verify=off") as post:
            await post.send(mail())
        assert [each.user for each in server.received] == ["shop@example.com"]

    async def test_a_wrong_password_is_the_operators_to_mend(self, server: SmtpServer) -> None:
        url = server.url.replace("//", "//shop%40example.com:wrong@")
        async with posting(f"{url}?verify=off") as post:
            said = await fails(post, MailDelayed)
        assert "user and password" in said
        assert "wrong" not in said

    async def test_a_missing_one_as_well(self, server: SmtpServer) -> None:
        async with posting(f"{server.url}?verify=off") as post:
            await fails(post, MailDelayed)
        assert server.received == []


class TestInternationalAddresses:
    JOERG = Mailbox("Jörg", "jörg@example.com")

    async def test_they_arrive_where_the_server_takes_them(
        self, server: SmtpServer, post: Mailer
    ) -> None:
        await post.send(mail(to=self.JOERG))
        (got,) = server.received
        assert got.recipient == "jörg@example.com"
        (address,) = got.message["To"].addresses
        assert (address.display_name, address.addr_spec) == ("Jörg", "jörg@example.com")

    async def test_elsewhere_they_fail_at_once(self, server: SmtpServer, post: Mailer) -> None:
        server.manners.smtputf8 = False
        with pytest.raises(Dead, match="international") as failed:
            await post.send(mail(to=self.JOERG))
        assert "jörg" not in str(failed.value)
        await post.send(mail(to=ANNA))
        assert len(server.received) == 1
