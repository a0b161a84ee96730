"""Who is asking, and what they may do: keys, roles and the one table of who may call what.

Also the headers that make a browser careful, and the addresses that a proxy may speak for. Nothing
here reads a body or knows a noun.
"""

import hmac
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from event_seating.errors import Forbidden, Unauthorized
from event_seating.web.asgi import Scope

ADDRESSES_REMEMBERED: Final = 16_384
"""Texts of addresses whose parsed form is kept at hand; parsing one takes ten times as long."""

ADDRESS_CHARS_MAX: Final = 64
"""Longer than an IPv6 address with its zone; a longer text is no address."""

FORWARDED_HOPS_MAX: Final = 20
"""A longer `X-Forwarded-For` is somebody's joke."""

IPV6_CLIENT_PREFIX: Final = 64
"""A household gets at least that many addresses, so they count as one client."""

IPV6_NETWORK_PREFIX: Final = 56
"""What most households and rented servers get: 256 times a /64."""

HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"server", b""),  # else the server puts its own name there
)
"""On every answer."""

CONTENT_SECURITY_POLICY: Final = b"content-security-policy"

NO_PAGE: Final = (CONTENT_SECURITY_POLICY, b"default-src 'none'; frame-ancestors 'none'")
"""On every answer that does not bring a policy of its own: it is no page and may load nothing."""


OF_PROXIES: Final = frozenset({
    b"cf-connecting-ip", b"forwarded", b"true-client-ip", b"via", b"x-forwarded-for",
    b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip",
})  # fmt: skip
"""Headers by which a request says that a proxy or a tunnel passed it on."""


class Role(IntEnum):
    """What a principal may do; a higher one may do all that a lower one may."""

    anyone = 0
    box_office = 1
    admin = 2


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: `name` stands in logs, `limited` says whether the usual limits hold."""

    name: str
    role: Role
    limited: bool


ACCESS: Final[dict[str, Role]] = {
    "GET /": Role.anyone,
    "GET /box-office": Role.anyone,
    "GET /page/{release}/{asset}": Role.anyone,
    "GET /health": Role.anyone,
    "GET /health/ready": Role.anyone,
    "GET /openapi.json": Role.anyone,
    "GET /schemas/seat-map.json": Role.anyone,
    "GET /docs": Role.anyone,
    "GET /docs/{asset}": Role.anyone,
    "GET /users/{id}": Role.box_office,
    "POST /users": Role.box_office,
    "POST /users/import": Role.admin,
    "GET /venues": Role.anyone,
    "POST /venues": Role.admin,
    "GET /venues/{id}": Role.anyone,
    "PUT /venues/{id}": Role.admin,
    "GET /venues/{id}/versions/{version}": Role.anyone,
    "GET /jobs": Role.admin,
    "GET /jobs/failed": Role.admin,
    "GET /jobs/{id}": Role.box_office,
    "POST /jobs/{id}/retry": Role.admin,
    "GET /files/{id}": Role.box_office,
    "GET /cache-status": Role.box_office,
    "DELETE /cache": Role.admin,
    "GET /metrics": Role.admin,
    "GET /events": Role.anyone,
    "POST /events": Role.admin,
    "GET /events/{id}": Role.anyone,
    "PATCH /events/{id}": Role.admin,
    "POST /events/{id}/cancel": Role.admin,
    "GET /events/{id}/seats": Role.anyone,
    "GET /events/{id}/seats/{seat}": Role.anyone,
    "GET /events/{id}/changes": Role.anyone,
    "GET /events/{id}/log": Role.box_office,
    "GET /events/{id}/bookings": Role.box_office,
    "GET /users/{id}/bookings": Role.box_office,
    "POST /reports": Role.box_office,
    "POST /events/{id}/holds": Role.anyone,
    "POST /events/{id}/holds/release": Role.box_office,
    "GET /holds/{token}": Role.anyone,
    "PATCH /holds/{token}": Role.anyone,
    "DELETE /holds/{token}": Role.anyone,
    "POST /holds/{token}/extend": Role.anyone,
    "POST /holds/{token}/checkout": Role.anyone,
    "DELETE /holds/{token}/checkout": Role.anyone,
    "POST /bookings": Role.box_office,
    "GET /bookings/{id}": Role.box_office,
    "POST /bookings/{id}/cancel": Role.box_office,
    "POST /bookings/{id}/changes": Role.box_office,
    "POST /events/{id}/blocks": Role.box_office,
    "POST /events/{id}/blocks/release": Role.box_office,
    "GET /webhooks": Role.admin,
    "POST /webhooks": Role.admin,
    "GET /webhooks/{id}": Role.admin,
    "PATCH /webhooks/{id}": Role.admin,
    "DELETE /webhooks/{id}": Role.admin,
    "POST /webhooks/{id}/secret": Role.admin,
    "POST /webhooks/{id}/test": Role.admin,
    "GET /webhooks/{id}/deliveries": Role.admin,
    "GET /webhooks/{id}/deliveries/{delivery}": Role.admin,
    "POST /webhooks/{id}/deliveries/{delivery}/redeliver": Role.admin,
}
"""Who may call what: the least role for each route. A route that is missing here is not served."""


def allow(principal: Principal, least: Role) -> None:
    """Raise `Unauthorized` or `Forbidden` unless `principal` has at least this role."""
    if principal.role >= least:
        return
    if principal.role == Role.anyone:
        raise Unauthorized(headers={"WWW-Authenticate": "Bearer"})
    raise Forbidden


class Doorkeeper:
    """Tells a request's principal from its headers.

    With `open_mode` a caller without a key has the rights of an admin and the limits of anybody,
    unless a proxy says that the request came through it: then others than the developer may send
    it, whatever `HOST` is.
    """

    def __init__(self, admin_key: str | None, *, open_mode: bool) -> None:
        # Digests are compared, so that neither content nor length shows in the time.
        self._admin_digest = sha256(admin_key.encode()).digest() if admin_key else None
        self._open = open_mode
        self._anyone = Principal("anonymous", Role.anyone, True)
        self._developer = Principal("anonymous", Role.admin, True)
        self._admin = Principal("admin", Role.admin, False)

    def principal(self, headers: Mapping[bytes, bytes]) -> Principal:
        """Whose request this is; raises `Unauthorized` for a key that nobody knows."""
        authorization = headers.get(b"authorization")
        if authorization is None:
            if self._open and OF_PROXIES.isdisjoint(headers):
                return self._developer
            return self._anyone
        scheme, _, key = authorization.partition(b" ")
        digest = sha256(key.strip()).digest()
        if (
            self._admin_digest is not None
            and scheme.lower() == b"bearer"
            and hmac.compare_digest(digest, self._admin_digest)
        ):
            return self._admin
        raise Unauthorized(headers={"WWW-Authenticate": "Bearer"})


def client_address(
    peer: str,
    forwarded: Sequence[bytes],
    trusted: Sequence[IPv4Network | IPv6Network],
) -> str:
    """The address of the client: the peer's, or what trusted proxies say of it.

    `forwarded` are the `X-Forwarded-For` headers in order. Read from the right: the first address
    that is not a trusted proxy's own was seen by one of ours; what stands left of it, anybody may
    have written.
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


def address_of(scope: Scope, trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """The address of the client of this request or WebSocket."""
    client = scope["client"]
    peer: str = client[0] if client else ""
    if not trusted:
        return peer
    forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return client_address(peer, forwarded, trusted)


def host_name(host: bytes) -> bytes:
    """`Host` without its port, in lower case; brackets of an IPv6 address stay."""
    name, colon, port = host.rpartition(b":")
    return (name if colon and (port.isdigit() or not port) else host).lower()


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
    """What seats are counted by: an IPv4 address; of IPv6 the /64, and the /56 around it.

    An IPv4 address that comes as IPv6 (mapped, or 6to4, which gives each a /48) is itself.
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
