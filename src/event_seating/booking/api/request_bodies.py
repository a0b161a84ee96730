"""The bodies that the booking routes take, as msgspec decodes them.

Only types and sizes are checked here; the service checks whether an event has such seats.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct, field

from event_seating.booking.core.ticket_types import TICKET_TYPES_MAX
from event_seating.booking.seat_log.projection import Buyer
from event_seating.errors import invalid
from event_seating.venues.model import AREAS_MAX, CATEGORIES_MAX, ID_CHARS_MAX

SEATS_MAX: Final = 1_000
"""Seats in one hold or booking; a coach party has 50."""

SECTIONS_MAX: Final = 2_000
"""Sections named in one request; the largest stadiums have a few hundred."""

ROWS_MAX: Final = 5_000
"""Rows named in one request: all of an arena of 100,000 seats."""

BLOCK_SEATS_MAX: Final = 100_000
"""Seats in one block: a whole venue, seat by seat."""

METADATA_BYTES_MAX: Final = 16 * 1024
"""A note for the shop's own system, not a store."""

# In Python `$` also matches before a final line feed; elsewhere the last group has no effect.
_NO_CONTROL: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$(?!\n)"
_TICKET_TYPE: Final = r"^[A-Za-z0-9_-]+$(?!\n)"
_USER_ID: Final = r"^[A-Za-z0-9._~-]{1,64}$(?!\n)"

PATTERNS: Final = {
    _NO_CONTROL: "must not contain control characters",
    _TICKET_TYPE: "must have 1 to 32 letters, digits or any of _ -",
    _USER_ID: "must have 1 to 64 letters, digits or any of . _ ~ -",
}
"""The error sentence for a text that does not match the pattern."""

SeatId = Annotated[str, Meta(min_length=1, max_length=ID_CHARS_MAX, pattern=_NO_CONTROL)]
TicketType = Annotated[str, Meta(min_length=1, max_length=32, pattern=_TICKET_TYPE)]
Quantity = Annotated[int, Meta(ge=1, le=SEATS_MAX)]
Reference = Annotated[str, Meta(min_length=1, max_length=200, pattern=_NO_CONTROL)]
Reason = Annotated[str, Meta(max_length=200, pattern=_NO_CONTROL)]
Announcement = Annotated[str, Meta(max_length=500, pattern=_NO_CONTROL)]
"""Some sentences for buyers in the mail about a cancelled event."""
UserId = Annotated[str, Meta(pattern=_USER_ID)]
Seats = Annotated[list[SeatId], Meta(max_length=SEATS_MAX)]
ByTicketType = Annotated[dict[TicketType, Quantity], Meta(max_length=TICKET_TYPES_MAX)]
Areas = Annotated[dict[SeatId, Quantity | ByTicketType], Meta(max_length=AREAS_MAX)]
Categories = Annotated[list[SeatId], Meta(max_length=CATEGORIES_MAX)]
Sections = Annotated[list[SeatId], Meta(max_length=SECTIONS_MAX)]
TicketTypes = Annotated[dict[SeatId, TicketType], Meta(max_length=SEATS_MAX)]


def _camel(name: str) -> str:
    """`hold_token` as `holdToken`; `from_`, since `from` is a keyword, as `from`."""
    first, *others = name.rstrip("_").split("_")
    return first + "".join(other.title() for other in others)


class StrictBody(Struct, frozen=True, kw_only=True, rename=_camel, forbid_unknown_fields=True):
    """The base of all bodies: an unknown field is an error."""


class BestBody(StrictBody, frozen=True):
    """The best block of neighbours."""

    quantity: Quantity | ByTicketType
    categories: Categories = []
    sections: Sections = []
    max_price: Annotated[str, Meta(max_length=20)] | None = None
    accessible: bool = False
    ticket_type: TicketType | None = None


class HoldBody(StrictBody, frozen=True):
    """`POST /events/{id}/holds`."""

    seats: Seats = []
    areas: Areas = {}
    ticket_types: TicketTypes = {}
    best: BestBody | None = None
    buyer_ref: Reference | None = None


class ReleaseHoldsBody(StrictBody, frozen=True):
    """`POST /events/{id}/holds/release`: exactly one of the first four."""

    hold_token: Annotated[str, Meta(max_length=200)] | None = None
    hold_id: Annotated[str, Meta(max_length=64)] | None = None
    buyer_ref: Reference | None = None
    address: Annotated[str, Meta(max_length=64)] | None = None
    same_address: bool = False


class SelectionBody(StrictBody, frozen=True):
    """Seats and places."""

    seats: Seats = []
    areas: Areas = {}


class ChangeHoldBody(StrictBody, frozen=True):
    """`PATCH /holds/{token}`."""

    add: SelectionBody | None = None
    remove: SelectionBody | None = None
    ticket_types: TicketTypes = {}


class BookBody(StrictBody, frozen=True):
    """`POST /bookings`: a hold, or, from the box office, seats of an event."""

    hold_token: Annotated[str, Meta(max_length=200)] | None = None
    event_id: Annotated[str, Meta(max_length=64)] | None = None
    seats: Seats = []
    areas: Areas = {}
    ticket_types: TicketTypes = {}
    from_: Annotated[list[Literal["available", "blocked"]], Meta(max_length=2)] = field(
        default_factory=lambda: ["available"]
    )
    user_id: UserId | None = None
    order_ref: Reference | None = None
    metadata: dict[str, Any] | None = None
    expected_total: Annotated[str, Meta(max_length=20)] | None = None
    expected_revision: Annotated[int, Meta(ge=1)] | None = None

    def buyer(self) -> Buyer:
        """What the booking keeps of its buyer; raises `InvalidRequest`."""
        return Buyer(self.user_id, self.order_ref, _metadata_json(self.metadata))


class CancelBody(StrictBody, frozen=True):
    """`POST /bookings/{id}/cancel`: all of it unless it says what."""

    seats: Seats = []
    areas: Areas = {}
    reason: Reason = ""


class ChangeBookingBody(StrictBody, frozen=True):
    """`POST /bookings/{id}/changes`."""

    release: SelectionBody | None = None
    take: SelectionBody | None = None
    ticket_types: TicketTypes = {}


class RowBody(StrictBody, frozen=True):
    """A row of a section."""

    section: SeatId
    index: SeatId | int


class BlockBody(StrictBody, frozen=True):
    """`POST /events/{id}/blocks` and `/blocks/release`."""

    seats: Annotated[list[SeatId], Meta(max_length=BLOCK_SEATS_MAX)] = []
    rows: Annotated[list[RowBody], Meta(max_length=ROWS_MAX)] = []
    sections: Sections = []
    categories: Categories = []
    areas: Annotated[
        dict[SeatId, Annotated[int, Meta(ge=1, le=BLOCK_SEATS_MAX)]], Meta(max_length=AREAS_MAX)
    ] = {}
    reason: Reason = ""


def _metadata_json(metadata: dict[str, Any] | None) -> str | None:
    """The metadata of a booking as it is stored; raises `InvalidRequest` when it is too long."""
    if metadata is None:
        return None
    encoded = msgspec.json.encode(metadata)
    if len(encoded) > METADATA_BYTES_MAX:
        raise invalid("metadata", f"must have at most {METADATA_BYTES_MAX} bytes as JSON")
    return encoded.decode()


class CancelEventBody(StrictBody, frozen=True):
    """`POST /events/{id}/cancel`."""

    notify: bool
    """Required, since a mail cannot be taken back."""
    reason: Announcement | None = None
    """For people: it is in the mails, never in the log."""
