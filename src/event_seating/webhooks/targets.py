"""Where a webhook may point: the form of its URL, and which addresses are public.

Pure. A receiver's URL is text from outside that makes this server connect to somewhere, so it is
restricted to one plain form: scheme, name or address, port, path and query, in ASCII, with nothing
that two parsers could read differently. No user and password, no fragment, no address in a form
that only some resolvers know (`0x7f.1`, `2130706433`).

A name is resolved at each delivery and not here; `is_public` then tells whether the address may be
called. Of IPv6 only the global unicast space is public, except for the parts of it that lead
elsewhere; of IPv4, whose space is nearly full, the networks that are not public are listed.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, NamedTuple

from event_seating.settings.model import Settings

URL_CHARS_MAX: Final = 2048
"""As long as every server and proxy takes."""

HOST_CHARS_MAX: Final = 253
"""The longest name that can be looked up."""

PORT_MAX: Final = 65535

DEFAULT_PORTS: Final = {"https": 443, "http": 80}

_URL: Final = re.compile(
    r"(?P<scheme>https?)://"
    r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<host>[a-z0-9._-]+))"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[A-Za-z0-9._~:/@!$&'()*+,;=%-]*)?"
    r"(?P<query>\?[A-Za-z0-9._~:/@!$&'()*+,;=%?-]*)?",
    re.IGNORECASE | re.ASCII,  # else a long s and the sign of the kelvin are letters too
)

_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")

_A_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""To some resolvers a name with such a last label is an address."""

_OF_THIS_MACHINE_OR_NETWORK: Final = frozenset({"localhost", "local", "internal", "lan", "home"})
"""Last labels that no public name has."""

_NOT_PUBLIC_V4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local: metadata services of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""Outside of it are loopback, link-local, unique local and multicast addresses, IPv4 in every
wrapping (mapped, compatible, translated, NAT64) and what is not assigned."""

_NOT_PUBLIC_V6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address within
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


class Target(NamedTuple):
    """A URL in its parts; `host` is in lower case, an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int
    path: str
    """With the query."""

    @property
    def address(self) -> IPv4Address | IPv6Address | None:
        """The host if it is an address and no name."""
        return _address(self.host)

    @property
    def authority(self) -> str:
        """The value of `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole, in the one form in which it is kept and called."""
        return f"{self.scheme}://{self.authority}{self.path}"


class TargetRules(NamedTuple):
    """What a webhook's URL may be."""

    plain_http: bool
    """Whether `http://` is accepted, as in development."""
    private_networks: bool
    """Whether addresses that are not public may be called."""


def rules_of(settings: Settings) -> TargetRules:
    """The rules of a process with these settings."""
    return TargetRules(
        plain_http=not settings.production,
        private_networks=settings.webhooks_into_private_networks,
    )


def parse(text: str, rules: TargetRules) -> Target:
    """The target that a URL names; a `ValueError` says what is wrong with it."""
    if len(text) > URL_CHARS_MAX:
        raise ValueError(f"must have at most {URL_CHARS_MAX} characters")
    match = _URL.fullmatch(text)
    if match is None:
        raise ValueError(
            "must be a URL like https://example.com/path, in ASCII (`xn--…` for a name in another"
            " script), without a user, a password or a fragment"
        )
    scheme = match["scheme"].lower()
    if scheme == "http" and not rules.plain_http:
        raise ValueError("must begin with https://")
    host = _v6(match["v6"]) if match["v6"] else _name(match["host"].lower())
    port = int(match["port"] or DEFAULT_PORTS[scheme])
    if not 1 <= port <= PORT_MAX:
        raise ValueError(f"must have a port from 1 to {PORT_MAX}")
    if not rules.private_networks:
        _refuse_what_is_clearly_private(host)
    return Target(scheme, host, port, (match["path"] or "/") + (match["query"] or ""))


def is_public(text: str) -> bool:
    """Whether an address, as a resolver gives it, is one of the public internet."""
    address = _address(text)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    if isinstance(address, IPv6Address):
        return address in _GLOBAL_UNICAST and not any(
            address in network for network in _NOT_PUBLIC_V6
        )
    return False


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The address if it has its usual form, no zone and no leading zeros."""
    try:
        return IPv6Address(text) if ":" in text and "%" not in text else IPv4Address(text)
    except AddressValueError:
        return None


def _v6(text: str) -> str:
    try:
        return IPv6Address(text).compressed
    except AddressValueError:
        raise ValueError(f"[{text}] is no IPv6 address") from None


def _name(host: str) -> str:
    if isinstance(_address(host), IPv4Address):
        return host
    labels = host.split(".")
    if len(host) > HOST_CHARS_MAX or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError(f"{host[:HOST_CHARS_MAX]} is no host's name")
    if _A_NUMBER.fullmatch(labels[-1]):
        raise ValueError(f"{host} must be written as an address of four decimal numbers")
    return host


def _refuse_what_is_clearly_private(host: str) -> None:
    if _address(host) is None:
        if host.rpartition(".")[2] in _OF_THIS_MACHINE_OR_NETWORK or host.endswith(".home.arpa"):
            raise ValueError(f"{host} is a name of this machine or of a private network")
    elif not is_public(host):
        raise ValueError(f"{host} is not a public address")
