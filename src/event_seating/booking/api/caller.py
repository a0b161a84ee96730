"""Who calls, and what makes a call the same call again.

A call that comes with an `Idempotency-Key` is known by its principal, its route, its event and that
key, of which a hash is kept; a hash of what was asked tells a repetition from another request under
the same key. Callers without an API key share one principal: for them hashes of the buyer and of
the address are kept beside, so that nobody gets the answer, and with it the hold, of somebody else
who sent the same key. Either of the two proves it is the same caller: an answer that was lost took
the new buyer's cookie with it. Who names a hold by its token has proved enough.
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
"""96 bits of an HMAC: no two callers of an event ever meet."""

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
"""What a request is called in the hash of a call. Hashes are stored, so these names never change,
whatever the classes are called."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and how they are known."""

    principal: Principal
    address: str
    cookie: str | None = None
    """The buyer's id from a cookie that we signed, or that a first hold is about to give."""
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
        """Whether the caller may do what the box office does; in development also without a key."""
        return self.principal.role >= Role.box_office

    @property
    def actor(self) -> str | None:
        """What the log says of who asked."""
        return self.principal.name if self.box_office else None


def once(
    caller: Caller,
    command: Command,
    body: Any,
    *,
    secret: bytes,
    earlier_answer: Callable[[Any], Rendered],
) -> IdempotentCall | None:
    """What makes a call that came with a key the same again; raises `InvalidRequest` for a bad key.

    `secret` is the event's, for hashes of who asked. `earlier_answer` makes of the result what the
    release before stores.
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
    """A key as it is stored: 32 bytes, however long it is, and of no use to who reads them."""
    return urlsafe_b64encode(sha256(key.encode()).digest()).rstrip(b"=").decode()


def _owner(caller: Caller, secret: bytes) -> Owner:
    texts = (f"buyer {caller.cookie}", f"address {client_key(caller.address)}")
    return Owner(*(hmac.digest(secret, text.encode(), sha256)[:OWNER_BYTES] for text in texts))


def _subject(command: Command) -> bytes:
    """The hold or booking that the request names, without an id that was drawn for it."""
    if isinstance(command, CancelBooking | ExchangeSeats):
        return command.booking
    return b"" if isinstance(command, PlaceHold) else getattr(command, "hold", b"")


def _hash(command: Command, subject: bytes, body: Any) -> bytes:
    """A hash of what was asked."""
    encoded = msgspec.json.encode(body, order="deterministic")
    return sha256(HASHED_NAMES[type(command)].encode() + b"\0" + subject + b"\0" + encoded).digest()
