"""The caller of a request, and what identifies a call with an idempotency key.

A call with an `Idempotency-Key` is identified by its principal, its route, its event and a hash of
the key; a hash of the request tells a repetition from another request with the same key. Callers
without an API key share one principal. For them, hashes of the buyer and of the address are stored
too, so that nobody gets the answer, and with it the hold, of somebody else who sent the same key.
Either of the two proves the caller, since a new buyer's cookie is lost together with the first
answer. A caller that names a hold by its token needs no other proof.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import msgspec

from event_seating.booking.core.commands import (
    BlockSeats,
    BookHold,
    BookSeats,
    CancelBooking,
    ChangeHold,
    Command,
    ExchangeSeats,
    ExtendHold,
    FreezeHold,
    PlaceHold,
    ReleaseHold,
    ReleaseHolds,
    ThawHold,
    UnblockSeats,
)
from event_seating.booking.reads.rendering import Rendered
from event_seating.booking.seat_log.ports import IdempotencyKey
from event_seating.booking.seat_log.submission import IdempotentCall, Owner
from event_seating.web import idempotency
from event_seating.web.client_address import client_key
from event_seating.web.roles import Principal, Role

OWNER_BYTES: Final = 12
"""96 bits of an HMAC: no two callers of an event get the same hash."""

HASHED_NAMES: Final[dict[type, str]] = {
    PlaceHold: "PlaceHold",
    ChangeHold: "ChangeHold",
    ExtendHold: "ExtendHold",
    ReleaseHold: "ReleaseHold",
    FreezeHold: "FreezeHold",
    ThawHold: "ThawHold",
    ReleaseHolds: "ReleaseHolds",
    BookHold: "BookHold",
    BookSeats: "BookSeats",
    CancelBooking: "CancelBooking",
    ExchangeSeats: "ExchangeSeats",
    BlockSeats: "BlockSeats",
    UnblockSeats: "UnblockSeats",
}
"""The name of each command in the hash of a request. Hashes are stored, so these names
never change, even if a class is renamed."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request, and what identifies them."""

    principal: Principal
    address: str
    cookie: str | None = None
    """The buyer's name from a cookie that we signed, or that this first hold will set."""
    key: str | None = None
    """The `Idempotency-Key` of the call."""
    route: str = ""
    known_since_ms: int | None = None
    """When that cookie was made."""

    @property
    def box_office(self) -> bool:
        """Whether the caller is staff; staff is exempt from per-buyer limits."""
        return self.principal.role >= Role.box_office and not self.principal.limited

    @property
    def staff(self) -> bool:
        """Whether the caller may do what the box office may; in development also without a key."""
        return self.principal.role >= Role.box_office

    @property
    def actor(self) -> str | None:
        """The actor of the log entry; `None` for buyers."""
        return self.principal.name if self.box_office else None


def idempotent_call(
    caller: Caller,
    command: Command,
    body: Any,
    *,
    secret: bytes,
    earlier_answer: Callable[[Any], Rendered],
) -> IdempotentCall | None:
    """What identifies a call with a key; `None` without one. Raises `InvalidRequest` for a bad key.

    `secret` is the event's, for the hashes of the caller. `earlier_answer` makes of the result what
    the release before stores.
    """
    key = caller.key
    if key is None:
        return None
    idempotency.check(key, named=caller.box_office)
    scope, subject = f"{caller.principal.name} {caller.route}", _subject(command)
    return IdempotentCall(
        IdempotencyKey(scope, _key_hash(key)),
        _hash(command, subject, body),
        None if caller.box_office or subject else _owner(caller, secret),
        IdempotencyKey(scope, key),
        earlier_answer,
    )


def _key_hash(key: str) -> str:
    """A key as it is stored: a hash of 32 bytes, useless to anybody who reads the table."""
    return urlsafe_b64encode(sha256(key.encode()).digest()).rstrip(b"=").decode()


def _owner(caller: Caller, secret: bytes) -> Owner:
    texts = (f"buyer {caller.cookie}", f"address {client_key(caller.address)}")
    return Owner(*(hmac.digest(secret, text.encode(), "sha256")[:OWNER_BYTES] for text in texts))


def _subject(command: Command) -> bytes:
    """The hold or booking that the request names; a new id is not part of it."""
    if isinstance(command, CancelBooking | ExchangeSeats):
        return command.booking
    return b"" if isinstance(command, PlaceHold) else getattr(command, "hold", b"")


def _hash(command: Command, subject: bytes, body: Any) -> bytes:
    """A hash of the request."""
    encoded = msgspec.json.encode(body, order="deterministic")
    return sha256(HASHED_NAMES[type(command)].encode() + b"\0" + subject + b"\0" + encoded).digest()
