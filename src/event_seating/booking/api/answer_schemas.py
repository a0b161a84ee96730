"""What the booking routes answer, for the OpenAPI document.

The answers themselves are made by msgspec in `reads`; these models are never instantiated. The
tests check every answer that they get against them.
"""

# ruff: noqa: N815 - the API's names are camelCase

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from event_seating.web.problem import Absent, SeatFault
from event_seating.web.schemas import DATE_TIME

Time = Annotated[str, Field(json_schema_extra=DATE_TIME)]
Money = Annotated[str, Field(examples=["45.00"])]
"""Major units as decimal text; the currency stands beside it."""


FrozenBy = Literal["buyer", "box-office"]
"""Who froze a hold while it is paid."""


class Counts(BaseModel):
    """How many seats and places have which status."""

    available: int
    held: int
    booked: int
    blocked: int


class SnapshotBody(BaseModel):
    """Every seat of an event."""

    eventId: str
    epoch: str
    version: int
    counts: Counts = Field(description="Of all seats and places.")
    seats: dict[str, str] | str = Field(
        description="The status of each seat by its id; with `format=compact` one of `ahbx` for "
        "each seat in the order of the map. Take a status that you do not know as not available."
    )
    areas: dict[str, Counts]


class SeatLine(BaseModel):
    """A seat with its price."""

    seat: str
    label: str = Field(description="What people call it.", examples=["Stalls, row 1, seat 2"])
    category: str
    ticketType: str
    price: Money


class AreaLine(BaseModel):
    """Places of an area with the price of each."""

    area: str
    quantity: int
    label: str
    category: str
    ticketType: str
    price: Money


class Places(BaseModel):
    """Seats by id, and how many places of which area."""

    seats: list[str]
    areas: dict[str, int]


class HeldBody(Places):
    """A hold, as the API answers it."""

    holdToken: str = Field(description="All that follows needs it, and nothing else is needed.")
    eventId: str
    version: int = Field(description="The version of the event's seats that has it like this.")
    lines: list[SeatLine | AreaLine]
    total: Money
    currency: str
    expiresAt: Time
    revision: int = Field(description="Raised by every change, freeze and thaw.")
    frozenBy: FrozenBy | None = Field(
        description="Who froze the hold while it is paid, and has to end that."
    )


class BookingBody(Places):
    """A booking, as the API answers it."""

    id: str
    eventId: str
    userId: str | None
    orderRef: str | None
    metadata: dict[str, Any] | None
    lines: list[SeatLine | AreaLine]
    total: Money
    currency: str
    status: Literal["confirmed", "cancelled"]
    version: int
    createdAt: Time
    updatedAt: Time


class ChangedBookingBody(BookingBody):
    """A booking after an exchange."""

    difference: Money = Field(description="To be paid, or given back when it is negative.")


class DryRunBody(BaseModel):
    """What an exchange would cost."""

    dryRun: Literal[True]
    difference: Money = Field(description="To be paid, or given back when it is negative.")
    currency: str


class BookingsBody(BaseModel):
    """A page of bookings."""

    items: list[BookingBody]
    nextCursor: str | None


class BlocksBody(BaseModel):
    """What a block or its release did."""

    version: int
    applied: Places
    rejected: list[SeatFault] = Field(description="The seats that stay as they were, and why.")


class ReleasedHoldsBody(Places):
    """What one buyer or address held, and holds no more."""

    version: int
    holds: int = Field(description="How many holds ended.")
    count: int = Field(description="How many seats and places they had.")
    more: bool = Field(description="There is more to release: ask again.")


class SeatMove(BaseModel):
    """What happened to a seat."""

    version: int
    at: Time
    operation: str = Field(examples=["hold", "book"])
    status: str = Field(description="The seat's right after it.")
    actor: str | None = Field(description="Who asked, if it was not a buyer.")
    hold: str | Absent = None
    booking: str | Absent = None
    reason: str | Absent = None


class SeatBody(BaseModel):
    """A seat; the box office also sees who has it, and what happened to it."""

    seat: str
    label: str
    section: str
    row: str | None
    category: str
    status: str = Field(description="Take one that you do not know as not available.")
    prices: dict[str, Money] = Field(description="By ticket type.")
    currency: str
    version: int
    bookingId: str | None = None
    holdId: str | None = None
    holdExpiresAt: Annotated[str | None, Field(json_schema_extra=DATE_TIME)] = None
    holdFrozenBy: FrozenBy | None = None
    history: list[SeatMove] | Absent = Field(None, description="The latest first.")
    historySince: int | Absent = Field(
        None, description="The version from which on the history is whole."
    )
