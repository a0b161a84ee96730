"""Who calls, and what they may do: keys, roles, and the one function that admits or refuses.

Owns authentication (whose key a request carries) and authorisation (`admit`). It names no route:
each route declares the least role that it takes (`web/routes.py`).
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final, Protocol

from event_seating.errors import Forbidden, Unauthorized

PROXY_HEADERS: Final = frozenset({
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
    """Who calls: `name` stands in logs, `limited` says whether the usual limits hold."""

    name: str
    role: Role
    limited: bool


class Guarded(Protocol):
    """What only some may call: an endpoint."""

    @property
    def access(self) -> Role:
        """The least role that may."""
        ...


def admit(endpoint: Guarded, principal: Principal) -> None:
    """Raise `Unauthorized` or `Forbidden` unless the endpoint may be called by this principal.

    The one place that decides it, for every way to an endpoint: the edge's ready reads and large
    bodies, the shortcuts, the framework's routes and the WebSockets.
    """
    if principal.role >= endpoint.access:
        return
    if principal.role == Role.anyone:
        raise Unauthorized(headers={"WWW-Authenticate": "Bearer"})
    raise Forbidden


class Authenticator:
    """Finds the principal of a request from its headers.

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

    def authenticate(self, headers: Mapping[bytes, bytes]) -> Principal:
        """The principal of a request; raises `Unauthorized` for a key that nobody knows."""
        authorization = headers.get(b"authorization")
        if authorization is None:
            if self._open and PROXY_HEADERS.isdisjoint(headers):
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
