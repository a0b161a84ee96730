"""Who calls, and what makes a call the same call again.

A call that comes with an `Idempotency-Key` is known by its principal, its route, its event and that
key; a hash of what was asked tells a repetition from another request under the same key.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import msgspec

from event_seating.booking.requests import CancelBooking, ExchangeSeats, PlaceHold, Request
from event_seating.booking.store import Claim
from event_seating.booking.submission import Once
from event_seating.errors import InvalidRequest
from event_seating.web.security import Principal, Role

ANONYMOUS_KEY_CHARS_MIN: Final = 22
"""Nobody's key must be guessed by somebody else who has no name either."""

IDEMPOTENCY_KEY_CHARS_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and how they are known."""

    principal: Principal
    address: str
    cookie: str | None = None
    """The buyer's id from a cookie that we signed."""
    key: str | None = None
    """The `Idempotency-Key` of the call."""
    route: str = ""

    @property
    def box_office(self) -> bool:
        """Whether the box office asks, on whom the buyers' caps do not lie."""
        return self.principal.role >= Role.box_office and not self.principal.limited

    @property
    def staff(self) -> bool:
        """Whether the caller may do what the box office does; in development also without a key."""
        return self.principal.role >= Role.box_office

    @property
    def actor(self) -> str | None:
        """What the log says of who asked."""
        return self.principal.name if self.box_office else None


def once(caller: Caller, request: Request, body: Any) -> Once | None:
    """The claim of a call that came with a key; raises `InvalidRequest` for a bad key."""
    key = caller.key
    if key is None:
        return None
    least = 1 if caller.box_office else ANONYMOUS_KEY_CHARS_MIN
    if not (least <= len(key) <= IDEMPOTENCY_KEY_CHARS_MAX and key.isascii() and key.isprintable()):
        raise InvalidRequest(
            f"Idempotency-Key: must have {least} to {IDEMPOTENCY_KEY_CHARS_MAX} printable "
            "ASCII characters"
        )
    return Once(Claim(f"{caller.principal.name} {caller.route}", key), _hash(request, body))


def _hash(request: Request, body: Any) -> bytes:
    """A hash of what was asked, without the ids that were drawn for it."""
    subject = getattr(request, "hold", b"") if not isinstance(request, PlaceHold) else b""
    if isinstance(request, CancelBooking | ExchangeSeats):
        subject = request.booking
    encoded = msgspec.json.encode(body, order="deterministic")
    return sha256(type(request).__name__.encode() + b"\0" + subject + b"\0" + encoded).digest()
