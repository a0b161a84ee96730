"""The results of granted commands: the facts from which their answers are rendered.

A result has numbers of seats instead of their names, no JSON and no HTTP status. It is made in the
batch, right after the decision, since later commands of the batch change what it shows; it never
changes afterwards. The result of a call with an idempotency key is stored, so that a repetition of
the call gets the same answer.

The encoding (`FORMAT` 1) is MessagePack: an array of a tag and the fields below, in their order. A
format that a release has written is never changed: a new one gets a new number. What a caller sends
again with each call (metadata, an order's reference) is not part of it, and nothing names a person.
"""

from typing import Final

from msgspec import DecodeError, Struct, ValidationError, msgpack

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
    ReleaseHolds,
    ThawHold,
    UnblockSeats,
)
from event_seating.booking.core.log_entries import (
    Blocked,
    Entry,
    Exchanged,
    Released,
    Unblocked,
    pairs,
)
from event_seating.booking.core.records import Booking, Groups, Hold, Id, Ms, Seat
from event_seating.booking.core.refusals import SeatProblem
from event_seating.booking.core.seat_state import Batch

FORMAT: Final = 1
"""The format that this release writes, and the only one that it reads."""

SHOW_HOLD: Final = (PlaceHold, ChangeHold, ExtendHold, FreezeHold, ThawHold)
"""The commands whose result is the hold as they leave it."""


class BrokenResultError(ValueError):
    """The bytes are not a result of the format that is stored with them."""


class HoldResult(Struct, frozen=True, gc=False, array_like=True, tag=1):
    """The hold as the row `version` left it; `frozen_by_staff` is `None` when it is not frozen."""

    version: int
    at_ms: Ms
    hold: Id
    groups: Groups
    expires_ms: Ms
    revision: int
    frozen_by_staff: bool | None = None


class BookingResult(Struct, frozen=True, gc=False, array_like=True, tag=2):
    """The booking as the row left it; a cancelled one has the seats that it had before.

    `difference` is by how much an exchange changed its price, in minor units.
    """

    version: int
    at_ms: Ms
    booking: Id
    groups: Groups
    cancelled: bool = False
    difference: int | None = None


class BlockResult(Struct, frozen=True, gc=False, array_like=True, tag=3):
    """The seats that were blocked or unblocked (first, count…), and those that stay as they were.

    A seat that the map does not have is a number below zero in `rejected`, as in the command.
    """

    version: int
    at_ms: Ms
    ranges: tuple[Seat, ...]
    rejected: tuple[SeatProblem, ...] = ()


class ReleaseResult(Struct, frozen=True, gc=False, array_like=True, tag=4):
    """How many holds of one holder were given back, and all their seats."""

    version: int
    at_ms: Ms
    holds: int
    seats: tuple[Seat, ...]


class DoneResult(Struct, frozen=True, gc=False, array_like=True, tag=5):
    """The command was done, and its answer has no content."""

    version: int
    at_ms: Ms


class PreviewResult(Struct, frozen=True, gc=False, array_like=True, tag=6):
    """What a dry run says: by how much the price would change, in minor units. Never stored."""

    version: int
    at_ms: Ms
    difference: int


Result = HoldResult | BookingResult | BlockResult | ReleaseResult | DoneResult | PreviewResult

_encoder = msgpack.Encoder()
_decoder = msgpack.Decoder(Result)


def of(command: Command, entry: Entry, batch: Batch) -> Result:
    """The result of a command; call it right after the command was decided in `batch`."""
    version, at_ms = batch.version, batch.at_ms
    if isinstance(command, SHOW_HOLD):
        return _of_hold(command.hold, batch)
    match command:
        case BookHold() | BookSeats() | CancelBooking() | ExchangeSeats():
            return _of_booking(command.booking, entry, batch)
        case BlockSeats() | UnblockSeats():
            return _of_block(command, entry, batch)
        case ReleaseHolds():
            released = [each for each in entry.operations if isinstance(each, Released)]
            seats = tuple(seat for each in released for seat in each.seats)
            return ReleaseResult(version, at_ms, len(released), seats)
        case _:
            return DoneResult(version, at_ms)


def of_preview(entry: Entry, batch: Batch) -> PreviewResult:
    """The result of a dry run."""
    return PreviewResult(batch.version, batch.at_ms, _difference(entry) or 0)


def _of_hold(key: bytes, batch: Batch) -> HoldResult:
    held = batch.hold(key)
    assert isinstance(held, Hold), "a hold was granted and is not there"
    return of_hold(held, batch.version, batch.at_ms)


def of_hold(held: Hold, version: int, at_ms: int) -> HoldResult:
    """A hold as it is at this version."""
    by_staff = None if held.freeze is None else held.freeze.by_staff
    return HoldResult(
        version, at_ms, held.id, held.groups, held.expires_ms, held.revision, by_staff
    )


def _of_booking(key: bytes, entry: Entry, batch: Batch) -> BookingResult:
    return BookingResult(
        batch.version,
        batch.at_ms,
        key,
        batch.groups_of(key),
        not isinstance(batch.booking(key), Booking),
        _difference(entry),
    )


def _difference(entry: Entry) -> int | None:
    exchanged = [each.difference for each in entry.operations if isinstance(each, Exchanged)]
    return sum(exchanged) if exchanged else None


def _of_block(command: BlockSeats | UnblockSeats, entry: Entry, batch: Batch) -> BlockResult:
    ranges = tuple(
        number
        for each in entry.operations
        if isinstance(each, Blocked | Unblocked)
        for number in each.ranges
    )
    # No seat is named twice: if as many moved as were named, none was rejected.
    count = batch.seat_count
    moved = sum(max(0, min(first + many, count) - first) for first, many in pairs(ranges))
    part = command.part
    rejected = () if moved == len(part.seats) else batch.rejected(part, entry)
    return BlockResult(batch.version, batch.at_ms, ranges, rejected)


def encode(result: Result) -> bytes:
    """A result in the format `FORMAT`."""
    return _encoder.encode(result)


def decode(form: int | None, encoded: bytes) -> Result | None:
    """A result of format `form`; `None` when this release does not know that format.

    Raises `BrokenResultError` for bytes that are not such a result.
    """
    if form != FORMAT:
        return None
    try:
        found: Result = _decoder.decode(encoded)
    except (DecodeError, ValidationError, UnicodeDecodeError) as error:
        raise BrokenResultError(f"the result of a call cannot be read: {error}") from error
    return found
