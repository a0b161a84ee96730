"""What the routes of the log answer, for the OpenAPI document: one schema for each operation.

The answers are made in `reads.audit_trail`. A program that reads a log must ignore operations that
it does not know: a later version may have more.
"""

# ruff: noqa: N815 - the API's names are camelCase

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from event_seating.booking.api.answer_schemas import FrozenBy, Money, Places, Time
from event_seating.booking.core.records import CancelReason
from event_seating.web.problem import Absent

Reason = Annotated[str | Absent, Field(description="What whoever asked gave as the reason.")]


class LoggedRules(BaseModel):
    """The rules of an event, as its log has them."""

    allowOrphans: bool
    maxSeatsPerHold: int
    maxHeldSeatsPerBuyer: int
    maxHeldSeatsPerAddress: int
    holdTtl: float = Field(description="Seconds.")
    holdTotalMax: float = Field(description="Seconds.")
    checkoutTtl: float = Field(description="Seconds.")


class LoggedTicketType(BaseModel):
    """What a ticket type is called, and who may take it."""

    label: str
    access: Literal["public", "staff"]


class LoggedConfiguration(BaseModel):
    """How an event sells from then on."""

    status: str
    currency: str
    prices: dict[str, dict[str, Money]]
    salesStart: Time | None
    salesEnd: Time | None
    rules: LoggedRules
    ticketTypes: dict[str, LoggedTicketType] | None
    defaultTicketType: str | None


class ConfigureOperation(BaseModel):
    """The event sells by this from now on."""

    type: Literal["configure"]
    configuration: LoggedConfiguration


class HoldOperation(Places):
    """Seats were held."""

    type: Literal["hold"]
    hold: str
    lastsS: float = Field(description="Seconds.")


class ChangeOperation(BaseModel):
    """Seats of a hold were given back and others taken."""

    type: Literal["change"]
    hold: str
    released: Places
    taken: Places


class ExtendOperation(BaseModel):
    """A hold lasts longer."""

    type: Literal["extend"]
    hold: str
    lastsS: float = Field(description="Seconds from now.")


class ReleaseOperation(Places):
    """A hold was given back."""

    type: Literal["release"]
    hold: str
    takenAway: bool | Absent = Field(
        None, description="By the box office, with all else that its buyer or address held."
    )


class ExpireOperation(Places):
    """A hold ran out."""

    type: Literal["expire"]
    hold: str


class BookOperation(Places):
    """Seats were booked: those of a hold, or those that are named."""

    type: Literal["book"]
    hold: str | Absent = None
    booking: str


class CancelOperation(Places):
    """Seats of a booking were given back, or all of them."""

    type: Literal["cancel"]
    booking: str
    reasonCode: CancelReason | Absent = Field(None, description="Why, where it has a code.")


class ExchangeOperation(BaseModel):
    """Seats of a booking were given back and others taken."""

    type: Literal["exchange"]
    booking: str
    released: Places
    taken: Places
    difference: Money


class BlockOperation(Places):
    """Seats were withdrawn from sale."""

    type: Literal["block"]
    reason: Reason = None


class UnblockOperation(Places):
    """Seats were given back to the sale."""

    type: Literal["unblock"]
    reason: Reason = None


class FreezeOperation(BaseModel):
    """A hold stands still while it is paid."""

    type: Literal["freeze"]
    hold: str
    lastsS: float = Field(description="Seconds from now.")
    frozenBy: FrozenBy


class ThawOperation(BaseModel):
    """A frozen hold may be changed again."""

    type: Literal["thaw"]
    hold: str
    lastsS: float = Field(description="Seconds from now.")


Operation = Annotated[
    ConfigureOperation
    | HoldOperation
    | ChangeOperation
    | ExtendOperation
    | ReleaseOperation
    | ExpireOperation
    | BookOperation
    | CancelOperation
    | ExchangeOperation
    | BlockOperation
    | UnblockOperation
    | FreezeOperation
    | ThawOperation,
    Field(discriminator="type"),
]


class LogEntry(BaseModel):
    """What one request did."""

    actor: str | None = Field(description="Who asked, if it was not a buyer.")
    operations: list[Operation]


class LogRow(BaseModel):
    """A row of an event's log: what brought it to a version."""

    version: int
    at: Time
    entries: list[LogEntry]


class LogBody(BaseModel):
    """A page of an event's log."""

    items: list[LogRow]
    nextCursor: str | None
