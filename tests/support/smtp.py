"""A real mail server for the tests: keeps what it takes, and can refuse, hang, hang up and be away.

It runs in a thread of its own, so that a test may kill every process around it and look afterwards.
Its settings may be changed while it runs, and hold from the next command on.
"""

import asyncio
import ssl
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_string
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

STARTS_WITHIN_S = 20
"""Far more than it needs, for a machine that has other things to do."""

CERTIFICATES = Path(__file__).parents[1] / "certificates"

TAKEN = "250 2.0.0 Taken"


class Received(NamedTuple):
    """A mail that was taken."""

    sender: str
    recipient: str
    content: bytes
    encrypted: bool
    user: str | None

    @property
    def message(self) -> EmailMessage:
        """As a mail program reads it."""
        # From text, since an international address stands there in UTF-8.
        text = self.content.decode("utf-8", "surrogateescape")
        message = message_from_string(text, policy=default)
        assert isinstance(message, EmailMessage)
        return message

    @property
    def message_id(self) -> str:
        """Of its header."""
        return str(self.message["Message-ID"])


@dataclass
class Manners:
    """How the server behaves."""

    to_recipient: Callable[[str], str] = lambda _address: "250 2.1.5 Ok"
    """What it says to a recipient: `550 5.1.1 No such user`."""
    to_sender: str = "250 2.1.0 Ok"
    to_mail: str = TAKEN
    hangs: bool = False
    """It takes the mail and says nothing."""
    hangs_up_within: bool = False
    """In the middle of a mail."""
    hangs_up_after: bool = False
    """It has the mail, and its answer gets lost."""
    smtputf8: bool = True
    users: dict[str, str] = field(default_factory=dict)
    """Who must log in, with which password."""
    starttls: bool = False
    whole_tls: bool = False
    certificate: str = "mail-server.pem"
    """Of `tests/certificates`; the usual one is signed by itself, for 127.0.0.1 and localhost."""


class SmtpServer:
    """One server on a port of its own, which it keeps when it is stopped and started again."""

    def __init__(self, **manners: Any) -> None:
        self.manners = Manners(**manners)
        self.received: list[Received] = []
        self.connections = 0
        """That were made to it, since its first start."""
        self.logins = 0
        self.hanging = 0
        """Mails that it has been given and says nothing to."""
        self.port = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._open: set[asyncio.BaseTransport] = set()
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_why: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """As `SMTP_URL` has it, without user and options."""
        return f"smtp://127.0.0.1:{self.port}"

    def message_ids(self) -> list[str]:
        """Of all that was taken, in order.

        No property: the library looks at each of those, at every connection.
        """
        return [each.message_id for each in list(self.received)]

    @property
    def open_connections(self) -> int:
        """Of this moment."""
        return len(self._open)

    def start(self) -> None:
        """Start it, on the port that it had; returns when it listens."""
        assert self._thread is None, "it runs already"
        listening = Event()
        self._thread = Thread(target=self._run, args=(listening,), daemon=True)
        self._thread.start()
        assert listening.wait(STARTS_WITHIN_S), "the mail server did not start"

    def stop(self) -> None:
        """End it at once, and every connection to it."""
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(STARTS_WITHIN_S)
        self._thread = None

    def hang_up(self) -> None:
        """Cut the connections that are open."""
        cut = Event()

        def abort() -> None:
            self._abort()
            cut.set()

        assert self._loop is not None
        self._loop.call_soon_threadsafe(abort)
        assert cut.wait(STARTS_WITHIN_S)

    def _run(self, listening: Event) -> None:
        loop = self._loop = asyncio.new_event_loop()
        tls = _tls(self.manners.certificate) if self.manners.whole_tls else None
        making = loop.create_server(lambda: _Protocol(self, loop), "127.0.0.1", self.port, ssl=tls)
        server = loop.run_until_complete(making)
        self.port = server.sockets[0].getsockname()[1]
        listening.set()
        try:
            loop.run_forever()
        finally:
            server.close()
            self._abort()
            loop.run_until_complete(_end_all(loop))
            loop.close()

    def _abort(self) -> None:
        for transport in list(self._open):
            transport.abort()  # type: ignore[attr-defined]

    # What the protocol asks, by the names that its library gives them.

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.manners.to_sender.startswith("2"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return self.manners.to_sender

    async def handle_RCPT(  # noqa: N802
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        said = self.manners.to_recipient(address)
        if said.startswith("2"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.manners.hangs:
            self.hanging += 1
            await asyncio.Event().wait()
        if self.manners.to_mail.startswith("2"):
            assert isinstance(envelope.content, bytes)
            user = session.auth_data.login.decode() if session.auth_data else None
            encrypted = session.ssl is not None or self.manners.whole_tls
            sender = envelope.mail_from or ""
            self.received += [
                Received(sender, recipient, envelope.content, encrypted, user)
                for recipient in envelope.rcpt_tos
            ]
        if self.manners.hangs_up_after:
            assert server.transport is not None
            server.transport.abort()  # type: ignore[attr-defined]
        return self.manners.to_mail

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        good = self.manners.users.get(given.login.decode()) == given.password.decode()
        self.logins += good
        return AuthResult(success=good, handled=False, auth_data=given)


class _Protocol(SMTP):
    def __init__(self, owner: SmtpServer, loop: asyncio.AbstractEventLoop) -> None:
        manners = owner.manners
        with warnings.catch_warnings():
            # It warns of a password in the clear: the tests look what we do then.
            warnings.simplefilter("ignore")
            super().__init__(
                owner,
                hostname="localhost",
                loop=loop,
                enable_SMTPUTF8=manners.smtputf8,
                tls_context=_tls(manners.certificate) if manners.starttls else None,
                authenticator=owner.authenticate,
                auth_required=bool(manners.users),
                auth_require_tls=manners.starttls,
            )
        self._owner = owner

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._original_transport is None:
            self._owner.connections += 1
        self._owner._open.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is not None:
            self._owner._open.discard(self.transport)
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if self._owner.manners.hangs_up_within:
            await self.push("354 Go on")
            await self._reader.readline()
            self.transport.abort()  # type: ignore[union-attr]
            return
        await super().smtp_DATA(arg)


async def _end_all(loop: asyncio.AbstractEventLoop) -> None:
    others = asyncio.all_tasks(loop) - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    # The transports close in the next turn.
    await asyncio.sleep(0)


def _tls(certificate: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / certificate)
    return context
