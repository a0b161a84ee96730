"""The address of a client: how far proxies are trusted to name it, and what limits count by.

Owns the reading of `X-Forwarded-For` and the networks that count as one client. It asks no
database and keeps no more than a bounded number of parsed addresses.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from event_seating.http_server.asgi import Header

ADDRESSES_REMEMBERED: Final = 16_384
"""Texts of addresses whose parsed form is kept at hand; parsing one takes ten times as long."""

ADDRESS_CHARS_MAX: Final = 64
"""Longer than an IPv6 address with its zone; a longer text is no address."""

FORWARDED_HOPS_MAX: Final = 20
"""No chain of proxies is longer; of a longer `X-Forwarded-For` only the last ones are read."""

IPV6_CLIENT_PREFIX: Final = 64
"""A household gets at least that many addresses, so they count as one client."""

IPV6_NETWORK_PREFIX: Final = 56
"""What most households and rented servers get: 256 times a /64."""


def client_address(
    peer: str,
    forwarded: Sequence[bytes],
    trusted: Sequence[IPv4Network | IPv6Network],
) -> str:
    """The address of the client: the peer's, or what trusted proxies say of it.

    `forwarded` are the `X-Forwarded-For` headers in order. They are read from the right: the first
    address that is not a trusted proxy's was added by one of ours, and anybody may have written
    what is left of it.
    """
    if not trusted or not forwarded or not within(peer, trusted):
        return peer
    hops = b",".join(forwarded).decode("latin-1").rsplit(",", FORWARDED_HOPS_MAX)
    for hop in reversed(hops[-FORWARDED_HOPS_MAX:]):
        address = _without_port(hop.strip())
        if _parsed(address) is None:
            break
        peer = address
        if not within(address, trusted):
            break
    return peer


def address_of(
    peer: str, fields: Sequence[Header], trusted: Sequence[IPv4Network | IPv6Network]
) -> str:
    """The address of the client of a request or WebSocket that came from `peer`."""
    if not trusted:
        return peer
    forwarded = [value for name, value in fields if name == b"x-forwarded-for"]
    return client_address(peer, forwarded, trusted)


def client_key(address: str) -> int | str:
    """What the limiter counts by: a number for an IPv4 address, another for each IPv6 /64."""
    parsed = _parsed(address)
    if parsed is None:
        return address
    if parsed.version == 4:  # noqa: PLR2004
        return int(parsed)
    # Above 2**33, where no IPv4 address's number is.
    return ((int(parsed) >> (128 - IPV6_CLIENT_PREFIX)) << 34) | (1 << 33)


@lru_cache(maxsize=ADDRESSES_REMEMBERED)
def client_networks(address: str) -> tuple[str, str | None]:
    """The networks that held seats count on: an IPv4 address, or an IPv6 /64 and its /56.

    An IPv4 address inside an IPv6 one (mapped, or 6to4, which gives each a /48) counts as itself.
    """
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = parsed.sixtofour or parsed
    if parsed is None or isinstance(parsed, ipaddress.IPv4Address):
        return address if parsed is None else str(parsed), None
    return _prefix(parsed, IPV6_CLIENT_PREFIX), _prefix(parsed, IPV6_NETWORK_PREFIX)


def _prefix(address: ipaddress.IPv6Address, length: int) -> str:
    return str(ipaddress.IPv6Network((int(address), length), strict=False))


def _without_port(hop: str) -> str:
    """`192.0.2.1:443` and `[2001:db8::1]:443`, as some proxies write it, are addresses as well."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    host, colon, _port = hop.partition(":")
    return host if colon and "." in host else hop


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    # Anybody may send a text of any length; only short ones are worth remembering.
    return _parse(address) if len(address) <= ADDRESS_CHARS_MAX else None


@lru_cache(maxsize=ADDRESSES_REMEMBERED)
def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    # An IPv4 client of a socket that takes both comes as ::ffff:192.0.2.1.
    return getattr(parsed, "ipv4_mapped", None) or parsed


def within(address: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Whether the address is in one of these networks."""
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)
