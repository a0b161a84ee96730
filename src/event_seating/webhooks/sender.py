"""One call of a receiver: its name is resolved once, and exactly the checked address is called.

The owner of a receiver's name may let it stand for an address of our own network, or for another
one a moment after it was checked. So the name is resolved here and nowhere else, every address that
it has must be public, and the connection is opened to the address itself, while the certificate is
checked against the name. There are no proxies, redirects, cookies or shared connections, and only
the status of an answer is kept.

A call takes at most `CALL_WITHIN_S`, whatever the receiver does.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

import httpx

from event_seating.version import VERSION
from event_seating.webhooks.targets import Target, TargetRules, is_public, parse

CALL_WITHIN_S: Final = 5.0
"""A receiver takes the message and does its work afterwards."""

CONNECT_WITHIN_S: Final = 2.0
"""To one address, so that there is time for another when this one is dead."""

ADDRESSES_MAX: Final = 4
"""Addresses of a name that are tried; a name has one of each kind, or a few."""

ANSWER_BYTES_MAX: Final = 64 * 1024
"""How much of an answer's unused body is read, so that the receiver can finish sending it."""

GONE: Final = 410

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a name; raises `OSError` when it has none."""


class CallOutcome(NamedTuple):
    """What became of a call."""

    status: int | None = None
    """The status that the receiver answered, if it did."""
    error: str | None = None
    """Why the receiver did not take the message; None if it did."""

    @property
    def gone(self) -> bool:
        """Whether the receiver wants no more messages."""
        return self.status == GONE


class Sender:
    """Calls receivers."""

    def __init__(
        self,
        rules: TargetRules,
        *,
        resolve: Resolve | None = None,
        open_transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
        within_s: float = CALL_WITHIN_S,
    ) -> None:
        self._rules = rules
        self._resolve = resolve or addresses_of
        self._open_transport = open_transport or _Transports()
        self._within_s = within_s

    async def send(self, url: str, headers: Mapping[str, str], body: str) -> CallOutcome:
        """Post this message; never raises for what the receiver or its network does."""
        try:
            # Checked again: the rules may have changed since the URL was taken.
            target = parse(url, self._rules)
        except ValueError as error:
            return CallOutcome(error=f"the URL {error}")
        call = _Call(target, headers, body.encode())
        try:
            async with asyncio.timeout(self._within_s):
                await self._make(call)
        except TimeoutError:
            return call.outcome(f"no answer within {self._within_s:g} s")
        except (OSError, httpx.TransportError, UnicodeError) as error:
            return call.outcome(_reason(error))
        return call.outcome("no answer")

    async def _make(self, call: "_Call") -> None:
        addresses = await self._addresses(call.target)
        for address in addresses:
            try:
                await call.to(address, self._open_transport)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                # Nothing was sent yet: the next address may be tried.
                if address is addresses[-1]:
                    raise
            else:
                return

    async def _addresses(self, target: Target) -> list[str]:
        """The addresses to dial, every one checked; raises `OSError`."""
        if target.address is not None:
            found = [target.host]
        else:
            found = list(dict.fromkeys(await self._resolve(target.host, target.port)))
        if not self._rules.private_networks:
            for address in found:
                if not is_public(address):
                    raise OSError(f"{target.host} is at {address}, which is not a public address")
        if not found:
            raise OSError(f"{target.host} has no address")
        return found[:ADDRESSES_MAX]


async def addresses_of(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system finds them; raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # A zone (the fourth part) makes a link-local address of one network card: it is kept, so that
    # the text is no public address.
    return [
        f"{address[0]}%{address[3]}" if len(address) == 4 and address[3] else str(address[0])  # noqa: PLR2004
        for *_, address in found
    ]


class _Call:
    """One message on its way to one target."""

    def __init__(self, target: Target, headers: Mapping[str, str], body: bytes) -> None:
        self.target = target
        self._headers = {
            "host": target.authority,
            "user-agent": f"event-seating/{VERSION}",
            "content-type": "application/json",
            **headers,
        }
        self._body = body
        self._status: int | None = None

    async def to(
        self, address: str, open_transport: Callable[[], httpx.AsyncBaseTransport]
    ) -> None:
        """Send it to this address, and read the bounded beginning of the answer."""
        target = self.target
        host = f"[{address}]" if ":" in address else address
        request = httpx.Request(
            "POST",
            f"{target.scheme}://{host}:{target.port}{target.path}",
            headers=self._headers,
            content=self._body,
            extensions={
                "timeout": {"connect": CONNECT_WITHIN_S},
                # What TLS asks for and checks the certificate against.
                "sni_hostname": target.host,
            },
        )
        async with open_transport() as transport:
            response = await transport.handle_async_request(request)
            self._status = response.status_code
            try:
                await _read_some(response)
            finally:
                await response.aclose()

    def outcome(self, problem: str) -> CallOutcome:
        """What became of it: the status decides if there is one, otherwise it is the problem."""
        status = self._status
        if status is None:
            return CallOutcome(None, problem)
        if httpx.codes.is_success(status):
            return CallOutcome(status)
        more = "; redirects are not followed" if httpx.codes.is_redirect(status) else ""
        return CallOutcome(status, f"answered {status}{more}")


async def _read_some(response: httpx.Response) -> None:
    """Read the raw bytes, without decompression."""
    read = 0
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for part in response.stream:
        read += len(part)
        if read >= ANSWER_BYTES_MAX:
            return


class _Transports:
    """Opens a transport for one call, so that no connection is ever shared by two names."""

    def __init__(self) -> None:
        self._trusted: ssl.SSLContext | None = None

    def __call__(self) -> httpx.AsyncBaseTransport:
        if self._trusted is None:
            self._trusted = trusted_authorities()
        return httpx.AsyncHTTPTransport(verify=self._trusted, trust_env=False)


def trusted_authorities() -> ssl.SSLContext:
    """A context that trusts the usual authorities and those of the system."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def _reason(error: Exception) -> str:
    """The reason for an operator, in one line."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not valid: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, socket.gaierror):
        return "the name of the receiver is not known"
    if isinstance(error, httpx.ConnectTimeout):
        return f"no connection within {CONNECT_WITHIN_S:g} s"
    if isinstance(error, httpx.ConnectError):
        return f"no connection: {error}"[:200]
    if isinstance(error, httpx.TransportError):
        return "the connection broke before there was an answer"
    return str(error)[:200]
