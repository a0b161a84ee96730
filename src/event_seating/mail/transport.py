"""How a mail leaves: over SMTP, or into files that a developer can open.

Owns the meaning of a mail server's answers. A permanent refusal raises `Dead`: the recipient does
not exist, or the mail is not wanted. Everything else raises `MailDelayed` and is tried again: the
server is unavailable, slow or busy, or it does not accept our password, which an operator can
correct while the mail waits. Neither names the recipient; the server's own text may, so it is left
out.

A connection is used again for the next mails, since a new one takes six more round trips. Each time
it is first checked, so that no mail is in doubt because its connection was dead.
"""

import asyncio
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, Protocol, cast

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from event_seating.clock import MS_PER_S, Clock
from event_seating.jobs.ends import Dead, Retry
from event_seating.settings.parsers import SmtpServer, Tls
from event_seating.values.email_address import Mailbox

CONNECT_WITHIN_S: Final = 10.0
"""An available server answers within a second."""

ANSWER_WITHIN_S: Final = 30.0
"""For one command, including the mail itself: servers look for viruses before they accept it."""

MAIL_WITHIN_S: Final = 90.0
"""For the whole mail: a server that answers byte by byte would delay the others."""

GOODBYE_WITHIN_S: Final = 1.0
"""Nothing depends on it."""

IDLE_CONNECTIONS_MAX: Final = 5
"""As many as mails are sent at once."""

IDLE_S: Final = 10.0
"""How long a connection waits for the next mail: shorter than any server's patience."""

MAILS_OF_A_CONNECTION_MAX: Final = 100
"""Servers hang up after some number of mails; most of them later than this."""

FILES_MAX: Final = 1_000
"""Most mails that are kept for a developer; the oldest are deleted."""

PERMANENT: Final = range(500, 600)
"""Answers of SMTP that will not change by themselves."""

AUTHENTICATION: Final = frozenset({454, 530, 534, 535, 538})
"""Answers about our password or the encryption, which the operator can correct (RFC 4954)."""

NAME_MISMATCH: Final = frozenset({62, 64})
"""OpenSSL's numbers: a certificate for another host name or IP address (`x509_vfy.h`)."""

OUT_OF_DATE: Final = frozenset({9, 10})
"""A certificate that is not valid yet, or no longer."""

_ENHANCED: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
"""The enhanced status code before a server's text (RFC 3463)."""

_FILE_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,100}\Z")


class MailDelayed(Retry):
    """The mail could not be sent now; a later attempt may succeed."""


class Envelope(NamedTuple):
    """A mail with its sender and its recipient."""

    job_id: str
    sender: Mailbox
    recipient: Mailbox
    content: bytes

    @property
    def international(self) -> bool:
        """Whether an address needs SMTPUTF8."""
        return not (self.sender.address + self.recipient.address).isascii()


class Transport(Protocol):
    """A way for mail to leave."""

    async def deliver(self, envelope: Envelope) -> None:
        """Hand it over; raises `Dead` or `MailDelayed` unless it was taken."""
        ...

    async def aclose(self) -> None:
        """Close what is open."""
        ...


@dataclass(slots=True, eq=False)
class _Connection:
    client: SMTP
    mails: int = 0
    """Number of mails sent over it."""
    expiry: asyncio.TimerHandle | None = None

    def stop_expiry(self) -> None:
        if self.expiry is not None:
            self.expiry.cancel()


class SmtpTransport:
    """`Transport` to a mail server."""

    def __init__(
        self,
        server: SmtpServer,
        *,
        connect_within_s: float = CONNECT_WITHIN_S,
        answer_within_s: float = ANSWER_WITHIN_S,
        mail_within_s: float = MAIL_WITHIN_S,
        idle_s: float = IDLE_S,
    ) -> None:
        self._server = server
        self._connect_within_s = connect_within_s
        self._answer_within_s = answer_within_s
        self._mail_within_s = mail_within_s
        self._idle_s = idle_s
        self._tls = None if server.tls is Tls.off else _tls_context(server)
        self._idle: list[_Connection] = []
        self._leaving: set[asyncio.Task[None]] = set()

    async def deliver(self, envelope: Envelope) -> None:
        connection: _Connection | None = None
        taken = False
        try:
            async with asyncio.timeout(self._mail_within_s):
                connection = await self._ready(envelope.sender.domain)
                await connection.client.sendmail(
                    envelope.sender.address,
                    envelope.recipient.address,
                    envelope.content,
                    mail_options=["SMTPUTF8", "BODY=8BITMIME"] if envelope.international else [],
                )
            taken = True
        except (SMTPException, OSError) as error:
            raise _verdict(error) from None
        finally:
            if connection is not None:
                self._put_away(connection, taken=taken)

    async def aclose(self) -> None:
        for kept in self._idle:
            kept.stop_expiry()
            self._leave(kept.client)
        self._idle.clear()
        await asyncio.gather(*self._leaving)

    async def _ready(self, hostname: str) -> _Connection:
        while self._idle:
            kept = self._idle.pop()
            kept.stop_expiry()
            try:
                await kept.client.rset(timeout=self._connect_within_s)
            except (SMTPException, OSError):
                _drop(kept.client)
                continue
            except asyncio.CancelledError:
                _drop(kept.client)
                raise
            return kept
        return _Connection(await self._connected(hostname))

    async def _connected(self, hostname: str) -> SMTP:
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            local_hostname=hostname,
            timeout=self._answer_within_s,
            use_tls=server.tls is Tls.whole,
            start_tls=False,
            tls_context=self._tls,
        )
        try:
            await client.connect(timeout=self._connect_within_s)
            await client.ehlo()
            offered = server.tls is Tls.offered and client.supports_extension("starttls")
            if offered or server.tls is Tls.required:
                await client.starttls()
            if server.user is not None:
                await client.login(server.user, server.password)
        except BaseException:
            _drop(client)
            raise
        return client

    def _put_away(self, connection: _Connection, *, taken: bool) -> None:
        """Keep it for the next mail, if this one was taken."""
        connection.mails += 1
        worn = connection.mails >= MAILS_OF_A_CONNECTION_MAX
        if not taken:
            _drop(connection.client)
        elif worn or len(self._idle) >= IDLE_CONNECTIONS_MAX:
            self._leave(connection.client)
        else:
            self._idle.append(connection)
            loop = asyncio.get_running_loop()
            connection.expiry = loop.call_later(self._idle_s, self._expire, connection)

    def _expire(self, connection: _Connection) -> None:
        self._idle.remove(connection)
        self._leave(connection.client)

    def _leave(self, client: SMTP) -> None:
        """Close a connection in the background."""
        leaving = asyncio.create_task(_say_goodbye(client))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)


class MailFolder:
    """`Transport` into `.eml` files in a directory, for development."""

    def __init__(self, directory: Path, clock: Clock, files_max: int = FILES_MAX) -> None:
        self._directory = directory
        self._clock = clock
        self._files_max = files_max

    async def deliver(self, envelope: Envelope) -> None:
        assert _FILE_NAME.match(envelope.job_id), "a job's id is the name of a file"
        await asyncio.to_thread(self._write, envelope)

    async def aclose(self) -> None:
        """Nothing is open."""

    def _write(self, envelope: Envelope) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        moment = datetime.fromtimestamp(self._clock.now_ms() / MS_PER_S, UTC)
        path = self._directory / f"{moment:%Y%m%dT%H%M%S.%f}-{envelope.job_id}.eml"
        writing = path.with_suffix(".part")
        writing.touch(mode=0o600)
        writing.write_bytes(envelope.content)
        writing.replace(path)
        for old in sorted(self._directory.glob("*.eml"))[: -self._files_max]:
            old.unlink(missing_ok=True)


async def _say_goodbye(client: SMTP) -> None:
    transport = client.transport
    with suppress(SMTPException, OSError):
        await client.quit(timeout=GOODBYE_WITHIN_S)
    client.close()
    _abort(transport)


def _drop(client: SMTP) -> None:
    """Cut the connection, without waiting for the other side."""
    transport = client.transport
    client.close()
    _abort(transport)


def _abort(transport: asyncio.BaseTransport | None) -> None:
    """Abort a TLS shutdown that may still be under way."""
    if transport is not None:
        # No `isinstance`: the transports of other event loops are not subclasses of asyncio's.
        cast("asyncio.WriteTransport", transport).abort()


def _tls_context(server: SmtpServer) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=server.ca)
    if server.ca is not None:
        # The file may have the server's own certificate, and nothing above it.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if not server.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _verdict(error: Exception) -> Exception:
    """What a failure means for the mail: `Dead` or `MailDelayed`."""
    match error:
        case SMTPNotSupported():
            return Dead("The mail server does not take international addresses (SMTPUTF8).")
        case SMTPRecipientsRefused():
            return _refused("the recipient", error.recipients[0])
        case SMTPDataError():
            return _refused("the mail", error)
        case SMTPSenderRefused(code=552):
            return _refused("the mail, which is too large", error)
        case _:
            return MailDelayed(_reason(error))


def _reason(error: Exception) -> str:
    """Why the mail could not be sent, although nothing is wrong with the mail itself."""
    match error:
        case SMTPResponseException() if error.code in AUTHENTICATION:
            return f"The mail server did not take user and password: {_code(error)}."
        case SMTPSenderRefused():
            return f"The mail server refused the sender, MAIL_FROM: {_code(error)}."
        case SMTPResponseException():
            return f"The mail server said {_code(error)}."
        case TimeoutError():
            return "The mail server did not answer in time."
        case _ if encryption := _ssl_error(error):
            return _unsafe(encryption)
        case _:
            # The library's own text about what is missing: STARTTLS, or a way to log in.
            why = str(error) if type(error) is SMTPException else type(error).__name__
            return f"The mail server cannot be used: {why}"


def _ssl_error(error: Exception) -> ssl.SSLError | None:
    """The SSL error that this is, or that the library wrapped."""
    for each in (error, error.__cause__):
        if isinstance(each, ssl.SSLError):
            return each
    return None


def _unsafe(error: ssl.SSLError) -> str:
    """Why a connection cannot be encrypted, and what the operator can do."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        if error.reason == "WRONG_VERSION_NUMBER":
            return (
                "The mail server does not begin with encryption, as smtps:// says: smtps:// is for"
                " port 465, and smtp:// for 587, where STARTTLS encrypts."
            )
        return f"The connection to the mail server cannot be encrypted: {error.reason}."
    if error.verify_code in NAME_MISMATCH:
        why, what = "is for another name", "write the name that it is for in SMTP_URL"
    elif error.verify_code in OUT_OF_DATE:
        why, what = f"cannot be used now ({error.verify_message})", "renew it, or set the clock"
    else:
        why = f"is not trusted ({error.verify_message})"
        what = (
            "end SMTP_URL with ?ca=/path/of/its/certificate.pem"
            " or, in a network that you trust, with ?verify=off"
        )
    return f"The mail server's certificate {why}: {what}."


def _refused(what: str, refused: SMTPResponseException) -> Exception:
    if refused.code in PERMANENT and refused.code not in AUTHENTICATION:
        return Dead(f"The mail server refused {what}: {_code(refused)}.")
    return MailDelayed(f"The mail server does not take {what} now: {_code(refused)}.")


def _code(refused: SMTPResponseException) -> str:
    """Its codes without its text, which may name a person."""
    enhanced = _ENHANCED.match(refused.message)
    return f"{refused.code} {enhanced[0]}" if enhanced else str(refused.code)
