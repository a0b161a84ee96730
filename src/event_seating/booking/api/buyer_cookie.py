"""Recognises buyers without an account, by a cookie that we signed.

The first hold sets the cookie. It has a name, computed from that hold's id and our secret so that a
repeated call sets the same one, and the time when it was made; it says nothing about the person.
Also owns for whom a hold counts in an event: the cookie, the address and the network, each as an
HMAC with the event's own secret, which is all that the log has of them.
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final, NamedTuple

from event_seating.booking.api.caller import Caller
from event_seating.clock import MS_PER_S
from event_seating.errors import invalid
from event_seating.web.client_address import client_networks

COOKIE: Final = "buyer"

COOKIE_AGE_S: Final = 30 * 86_400
"""A month: from the first visit to the event itself."""

NAME_BYTES: Final = 12

BORN_BYTES: Final = 4
"""For the second in which a cookie was made; enough until the year 2106."""

SIGNATURE_BYTES: Final = 8
"""64 bits cannot be guessed through a server; name and seal have 16 characters each."""

BUYER_BYTES: Final = 12
"""96 bits of an HMAC: no two buyers of an event get the same key."""

IN_HEADER: Final = re.compile(
    rb"(?:\A|;)[ \t]{0,8}" + COOKIE.encode() + rb"="
    rb"([A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{16})[ \t]{0,8}(?:;|\Z)"
)
"""Finds a value as `Buyers.new` makes it, as its one group, in a `Cookie` header: both parts are 12
bytes in 16 characters. It examines each byte a bounded number of times."""


class Cookie(NamedTuple):
    """What a cookie says, once its signature was checked."""

    name: str
    born_ms: int
    """When it was made."""


class Buyers:
    """Makes and reads the cookies, with the server's secret."""

    def __init__(self, secret: bytes, *, secure: bool) -> None:
        self._secret = secret
        self._secure = secure

    def named_by(self, hold_id: str) -> str:
        """The name of the new buyer whose first hold this is; always the same for a hold."""
        digest = hmac.digest(self._secret, b"first hold " + hold_id.encode(), "sha256")
        return urlsafe_b64encode(digest[:NAME_BYTES]).decode()

    def new(self, hold_id: str, born_ms: int) -> str:
        """The value of a cookie for the new buyer whose first hold this is."""
        name, born = self.named_by(hold_id), (born_ms // MS_PER_S).to_bytes(BORN_BYTES)
        seal = urlsafe_b64encode(born + self._signature(born, name)).decode()
        return f"{name}.{seal}"

    def known(self, value: str) -> Cookie | None:
        """The buyer that this cookie names; `None` if we did not make it.

        A cookie of an earlier release does not say when it was made; it counts as the oldest.
        """
        name, dot, seal = value.partition(".")
        if not dot or not seal.isascii():
            return None
        try:
            sealed = urlsafe_b64decode(seal)
        except ValueError:
            return None
        born, signature = sealed[:BORN_BYTES], sealed[BORN_BYTES:]
        if hmac.compare_digest(signature, self._signature(born, name)):
            return Cookie(name, int.from_bytes(born) * MS_PER_S)
        if hmac.compare_digest(sealed, self._legacy_signature(name)):
            return Cookie(name, 0)
        return None

    def name_of(self, value: str) -> str | None:
        """The name of the buyer that this cookie names; `None` if we did not make it."""
        found = self.known(value)
        return None if found is None else found.name

    def set_cookie(self, value: str) -> str:
        """The `Set-Cookie` header for this value."""
        secure = "; Secure" if self._secure else ""
        return f"{COOKIE}={value}; Path=/; Max-Age={COOKIE_AGE_S}; HttpOnly; SameSite=Lax{secure}"

    def _signature(self, born: bytes, name: str) -> bytes:
        signed = b"buyer born " + born + name.encode("utf-8", "replace")
        return hmac.digest(self._secret, signed, "sha256")[:SIGNATURE_BYTES]

    def _legacy_signature(self, name: str) -> bytes:
        """The signature in a cookie of an earlier release, whose seal has nothing else."""
        signed = b"buyer " + name.encode("utf-8", "replace")
        return hmac.digest(self._secret, signed, "sha256")[: BORN_BYTES + SIGNATURE_BYTES]


class Identity(NamedTuple):
    """For whom the caps count a hold; for nobody when the box office names no buyer."""

    buyer: bytes | None = None
    address: bytes | None = None
    network: bytes | None = None
    known_since_ms: int | None = None
    """When the buyer's cookie was made."""


def identity(secret: bytes, caller: Caller, buyer_ref: str | None) -> Identity:
    """For whom the holds of this caller count, in the event with this secret.

    Raises `InvalidRequest` for a `buyerRef` that does not come from the box office.
    """
    if caller.box_office:
        return Identity(None if buyer_ref is None else of_reference(secret, buyer_ref))
    if buyer_ref is not None:
        raise invalid("buyerRef", "is for the box office")
    address, network = client_networks(caller.address)
    return Identity(
        None if caller.cookie is None else _key(secret, f"c:{caller.cookie}"),
        of_address(secret, address),
        None if network is None else of_network(secret, network),
        caller.known_since_ms,
    )


def of_reference(secret: bytes, reference: str) -> bytes:
    """The key of a buyer by the box office's own name for them."""
    return _key(secret, f"r:{reference}")


def of_address(secret: bytes, address: str) -> bytes:
    """The key of an address, as `client_networks` writes it."""
    return _key(secret, f"a:{address}")


def of_network(secret: bytes, network: str) -> bytes:
    """The key of a network, as `client_networks` writes it."""
    return _key(secret, f"n:{network}")


def _key(secret: bytes, who: str) -> bytes:
    return hmac.digest(secret, who.encode("utf-8", "replace"), "sha256")[:BUYER_BYTES]
