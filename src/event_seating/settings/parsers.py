"""Parsers of settings: limits, networks, origins and URLs.

The bounds of the settings about holds are here as well, since events use them too.

Each parser takes the text from the environment and returns a value, or raises a `ValueError` whose
message tells the operator what is wrong.
"""

import ipaddress
import re
import ssl
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Final, NamedTuple, Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from event_seating.errors import StartupError

WINDOWS_MAX: Final = 4
"""More windows than anyone needs; each one costs time at every request."""

WINDOW_COUNT_MAX: Final = 1_000_000
"""A client's ring holds at most this many times (8 MB)."""

WINDOW_SECONDS_MAX: Final = 86_400
"""A day: a client is remembered for as long as its longest window."""

HOLD_TTL_S_MAX: Final = 1_800
"""Half an hour, which is also the longest total time of a hold."""

SEATS_PER_HOLD_MAX: Final = 500
"""One or two coach parties; a hold is decided in one step, and its answer has a line for each
seat."""

HELD_SEATS_PER_BUYER_MAX: Final = 10_000
"""More than any buyer needs; the box office has no limit at all."""

HELD_SEATS_PER_ADDRESS_MAX: Final = 100_000
"""The largest kind of venue as a whole: allowing this to one address is the same as no limit."""

PORT_MAX: Final = 65_535

SOCKET_PATH_BYTES_MAX: Final = 103
"""What fits on every system, without the zero at its end."""


_HOST: Final = re.compile(r"[A-Za-z0-9._:%-]{1,253}")
"""A name in ASCII or an address; `urlsplit` has removed the brackets."""

_SMTP_HINT: Final = (
    "write smtp://user:password@host:587 or smtps://…, and signs such as / ? # @ in a password as "
    "%2F %3F %23 %40"
)


class AppEnv(StrEnum):
    """The environment that the process runs in; staging obeys production's rules."""

    development = "development"
    test = "test"
    staging = "staging"
    production = "production"


class HttpServerChoice(StrEnum):
    """The HTTP server that a serving process runs."""

    own = "own"
    granian = "granian"


class LogLevel(StrEnum):
    """The least urgent level that is written."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"


class PrivateNetworks(StrEnum):
    """Whether webhooks may have addresses in private networks."""

    refuse = "refuse"
    allow = "allow"


class Tls(StrEnum):
    """How a connection to a mail server is encrypted."""

    whole = "whole"
    """From its first byte: smtps://."""
    required = "required"
    """By STARTTLS; otherwise no mail is sent."""
    offered = "offered"
    """By STARTTLS, if the server offers it."""
    off = "off"


class SmtpServer(NamedTuple):
    """A mail server, as `SMTP_URL` names it."""

    host: str
    port: int
    user: str | None
    password: str
    tls: Tls
    verify: bool
    """Whether its certificate must be valid."""
    ca: str | None = None
    """A file of certificates to trust instead of the system's: the server's own or its issuer's."""


class Window(tuple[int, int]):
    """One window of a rate limit: at most `limit` requests in any `seconds` seconds."""

    __slots__ = ()

    def __new__(cls, limit: int, seconds: int) -> Self:
        """At most `limit` requests in any `seconds` seconds."""
        return super().__new__(cls, (limit, seconds))

    @property
    def limit(self) -> int:
        """The number of requests."""
        return self[0]

    @property
    def seconds(self) -> int:
        """The length of the window."""
        return self[1]


def parse_windows(text: str) -> tuple[Window, ...]:
    """Parse windows such as `5/10s,10/60s`, or `off`; a `ValueError` says what is wrong."""
    if text.strip().lower() == "off":
        return ()
    windows = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,7})/([0-9]{1,5})s\s*", part)
        if not match:
            raise ValueError("write windows as `5/10s,10/60s`, or `off`")
        limit, seconds = int(match[1]), int(match[2])
        if not (1 <= limit <= WINDOW_COUNT_MAX and 1 <= seconds <= WINDOW_SECONDS_MAX):
            raise ValueError(
                f"a window takes 1 to {WINDOW_COUNT_MAX} requests in 1 to {WINDOW_SECONDS_MAX} s"
            )
        windows.append(Window(limit, seconds))
    if len(windows) > WINDOWS_MAX:
        raise ValueError(f"at most {WINDOWS_MAX} windows")
    return tuple(windows)


def parse_networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Parse comma-separated addresses and networks; a `ValueError` names the wrong one."""
    return tuple(ipaddress.ip_network(part) for part in _parts(text))


def parse_checkout_url(text: str | None) -> str | None:
    """Parse the address of a shop; a `ValueError` says what is wrong."""
    if not text:
        return None
    address = urlsplit(text.strip())
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise ValueError("write an address such as https://shop.example/checkout")
    return address.geturl()


def parse_origins(text: str) -> tuple[str, ...]:
    """Parse comma-separated origins such as `https://tickets.example`, or `*` for all."""
    # Browsers send scheme and host in lower case.
    origins = tuple(part.rstrip("/").lower() for part in _parts(text))
    for origin in origins:
        url = urlsplit(origin)
        is_origin = url.scheme in {"http", "https"} and origin == f"{url.scheme}://{url.netloc}"
        if origin != "*" and not (is_origin and url.hostname and "@" not in url.netloc):
            raise ValueError(f"{origin!r} is not an origin such as https://tickets.example")
    return origins


def parse_database_url(value: str | None) -> str | None:
    """The URL with the driver of this package; a `ValueError` names the possible schemes."""
    if not value:
        return None
    scheme, separator, rest = value.partition("://")
    driver = {
        "postgres": "postgresql+asyncpg",
        "postgresql": "postgresql+asyncpg",
        "postgresql+asyncpg": "postgresql+asyncpg",
        "sqlite": "sqlite+aiosqlite",
        "sqlite+aiosqlite": "sqlite+aiosqlite",
    }.get(scheme)
    if not separator or driver is None:
        raise ValueError("write postgresql://user:password@host/database or sqlite:///path")
    if driver.startswith("sqlite") and not _names_a_file(rest):
        raise ValueError("write sqlite:///path; a database in memory would be lost at a stop")
    return f"{driver}://{rest}"


def parse_redis_url(value: str | None) -> str | None:
    """The URL unchanged; a `ValueError` says what may be written.

    Options are refused: they would override the time limits of our connections.
    """
    if not value:
        return None
    url = urlsplit(value)
    if url.scheme == "unix":
        options = dict(parse_qsl(url.query, keep_blank_values=True))
        right = url.path.startswith("/") and set(options) <= {"db"}
        if not right or not options.get("db", "0").isdecimal():
            raise ValueError("write unix:///path/of/the/socket, with ?db=1 for another database")
        if len(url.path.encode()) > SOCKET_PATH_BYTES_MAX:
            raise ValueError(f"the path of a socket has {SOCKET_PATH_BYTES_MAX} bytes at the most")
        return value
    if url.scheme not in {"redis", "rediss"}:
        raise ValueError("write redis://user:password@host:6379/0, rediss://… or unix:///path")
    if not url.hostname or not _is_port(url.netloc) or url.query or url.fragment:
        raise ValueError(
            "write redis://user:password@host:6379/0 without options; signs such as @ : / in a "
            "password are written as %40 %3A %2F"
        )
    if not re.fullmatch(r"/?|/[0-9]{1,4}", url.path):
        raise ValueError("the path of a redis:// URL is the number of a database, or nothing")
    return value


def redis_url(url: str | None, host: str | None, port: int, password: str | None) -> str | None:
    """One URL from `REDIS_URL`, or `REDIS_HOST` and `REDIS_PORT`, and a password."""
    if url is None and host is None:
        return None
    if url is None:
        url = f"redis://{f'[{host}]' if ':' in str(host) else host}:{port}/0"
    parts = urlsplit(url)
    if password is None or parts.password is not None:
        return url
    user, _, where = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{where}").geturl()


def _is_port(netloc: str) -> bool:
    """Whether the part after the host's colon, if any, is the number of a port."""
    rest = netloc.rpartition("@")[2].rpartition("]")[2]
    port = rest.partition(":")[2]
    return ":" not in rest or (port.isdecimal() and 1 <= int(port) <= PORT_MAX)


def parse_smtp_url(text: str) -> SmtpServer:
    """Parse the URL of a mail server; a `ValueError` says what is wrong, without the password.

    With a user, STARTTLS is required unless it is switched off: a password is never sent in clear
    text because somebody on the way removed the server's offer.
    """
    if not text.isprintable() or " " in text:
        raise ValueError(_SMTP_HINT)
    try:
        url = urlsplit(text)
        port = url.port
        given = parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query))
    except ValueError:
        raise ValueError(_SMTP_HINT) from None
    if url.scheme not in {"smtp", "smtps"} or not url.hostname:
        raise ValueError(_SMTP_HINT)
    if url.path.strip("/") or url.fragment or not _HOST.fullmatch(url.hostname):
        raise ValueError(_SMTP_HINT)
    if url.password and not url.username:
        raise ValueError("has a password and no user")
    options = dict(given)
    whole = url.scheme == "smtps"
    tls = _tls(options.pop("starttls", None), whole=whole, user=bool(url.username))
    verify, ca = options.pop("verify", "on"), options.pop("ca", None)
    if options or verify not in {"on", "off"} or len(given) > len(dict(given)):
        raise ValueError("may end with ?starttls=required, starttls=off, ca=… and verify=off alone")
    if ca is not None:
        _check_certificates(ca, used=verify == "on" and tls is not Tls.off)
    if port is None:
        port = 465 if whole else 587
    if port == 0:
        raise ValueError("has no port 0")
    user, password = unquote(url.username or ""), unquote(url.password or "")
    return SmtpServer(url.hostname, port, user or None, password, tls, verify == "on", ca)


def _check_certificates(path: str, *, used: bool) -> None:
    """Raise a `ValueError` if this is no file of certificates, or if it would not be used."""
    if not used:
        raise ValueError("has ca= beside verify=off or starttls=off, which look at no certificate")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise ValueError(f"ca={path} has no certificate in PEM form") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "is no path"
        raise ValueError(f"ca={path} cannot be read: {why}") from None


def _tls(starttls: str | None, *, whole: bool, user: bool) -> Tls:
    if whole and starttls is None:
        return Tls.whole
    if whole:
        raise ValueError("smtps:// is encrypted from the first byte; leave starttls out")
    if starttls is None:
        return Tls.required if user else Tls.offered
    if starttls not in {Tls.required, Tls.off}:
        raise ValueError("may end with ?starttls=required or ?starttls=off")
    return Tls(starttls)


def _names_a_file(rest: str) -> bool:
    path = rest.partition("?")[0].removeprefix("/")
    return rest.startswith("/") and path not in {"", ":memory:"}


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def secrets_from_files(environ: Mapping[str, str], names: tuple[str, ...]) -> dict[str, Any]:
    """The secrets in files that the environment names, unless they are in the environment."""
    secrets = {}
    for name in names:
        path = environ.get(f"{name}_FILE")
        if not path or environ.get(name):
            continue
        try:
            secrets[name.lower()] = Path(path).read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            raise StartupError(f"{name}_FILE: {path} cannot be read ({error})") from None
    return secrets
