"""What is written into the log of an event: entries, and their encoding.

An entry is one decided command: a few operations that apply together, and who asked. Each operation
names the seats that it moves, so that the log alone tells what changed, without the state before
it. Prices are stored as they were decided. Times are durations, counted from the time of the row
that the entry is in.

The encoding (`FORMAT` 2) is MessagePack: a row is an array of entries, an entry is
`[actor, operations]`, an operation is `[tag, fields…]` in the order of the fields below. A booking
of two seats takes about 100 bytes. A released format is never changed: a new one gets a new number,
and an unknown number is an error, never skipped. Rows of format 1 are read as well: the fields that
format 2 adds stand at the end and have defaults.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Final

from msgspec import DecodeError, Meta, Struct, ValidationError, msgpack

from event_seating.booking.core.records import (
    AVAILABLE,
    BLOCKED,
    BOOKED,
    HELD,
    CancelReason,
    Configuration,
    Groups,
    Id,
    Ms,
    Seat,
    seats_of,
)

FORMAT: Final = 2
READABLE: Final = frozenset({1, 2})
"""What this release can read; it writes `FORMAT`."""


class UnknownFormatError(ValueError):
    """The row has a format that this release does not know."""


class BrokenEntriesError(ValueError):
    """The bytes are not entries of the format that the row names."""


class Configured(Struct, frozen=True, gc=False, array_like=True, tag=1):
    """The event sells by this configuration from here on."""

    configuration: Configuration


class Held(Struct, frozen=True, gc=False, array_like=True, tag=2):
    """A hold begins, for `lasts_ms`."""

    hold: Id
    groups: Groups
    lasts_ms: Ms
    buyer: bytes | None = None
    by_address: bool = False
    address: bytes | None = None
    network: bytes | None = None


class Amended(Struct, frozen=True, gc=False, array_like=True, tag=3):
    """A hold gives seats back, then takes others."""

    hold: Id
    removed: tuple[Seat, ...]
    added: Groups


class Extended(Struct, frozen=True, gc=False, array_like=True, tag=4):
    """A hold ends in `lasts_ms` from this row's time."""

    hold: Id
    lasts_ms: Ms


class Released(Struct, frozen=True, gc=False, array_like=True, tag=5):
    """A hold was given back; `taken_away` by the box office, so that its seats cool down."""

    hold: Id
    seats: tuple[Seat, ...]
    taken_away: bool = False


class Expired(Struct, frozen=True, gc=False, array_like=True, tag=6):
    """A hold ran out."""

    hold: Id
    seats: tuple[Seat, ...]


class Booked(Struct, frozen=True, gc=False, array_like=True, tag=7):
    """A booking begins.

    From a hold that exists it takes `seats`, with the hold's lines. Without a hold, or from one
    that ran out, it takes the `groups`, and `seats` is empty.
    """

    booking: Id
    seats: tuple[Seat, ...]
    hold: Id | None = None
    groups: Groups = ()

    @property
    def taken(self) -> tuple[int, ...]:
        """The seats that are booked, from `seats` or from `groups`."""
        return self.seats or seats_of(self.groups)


class Cancelled(Struct, frozen=True, gc=False, array_like=True, tag=8):
    """A booking gives seats back; it is cancelled when none is left."""

    booking: Id
    seats: tuple[Seat, ...]
    reason_code: CancelReason | None = None


class Exchanged(Struct, frozen=True, gc=False, array_like=True, tag=9):
    """A booking gives seats back, then takes others; its price changes by `difference`."""

    booking: Id
    released: tuple[Seat, ...]
    taken: Groups
    difference: int


class Blocked(Struct, frozen=True, gc=False, array_like=True, tag=10):
    """Seats are withdrawn from sale; `ranges` is as `to_ranges` makes it."""

    ranges: tuple[Seat, ...]
    reason: str = ""


class Unblocked(Struct, frozen=True, gc=False, array_like=True, tag=11):
    """Blocked seats are given back to the sale; `ranges` as in `Blocked`."""

    ranges: tuple[Seat, ...]
    reason: str = ""


class Frozen(Struct, frozen=True, gc=False, array_like=True, tag=12):
    """A hold is frozen while its buyer pays, and ends in `lasts_ms` from this row's time.

    `by_staff`: a box-office key froze it, or took over the buyer's freeze.
    """

    hold: Id
    lasts_ms: Ms
    by_staff: bool


class Thawed(Struct, frozen=True, gc=False, array_like=True, tag=13):
    """A frozen hold may be changed again, and ends in `lasts_ms` from this row's time."""

    hold: Id
    lasts_ms: Ms


Operation = (
    Configured
    | Held
    | Amended
    | Extended
    | Released
    | Expired
    | Booked
    | Cancelled
    | Exchanged
    | Blocked
    | Unblocked
    | Frozen
    | Thawed
)


class Entry(Struct, frozen=True, gc=False, array_like=True):
    """Operations that apply together; `actor` is the id of the key that asked, if one did."""

    actor: str | None
    operations: Annotated[tuple[Operation, ...], Meta(min_length=1)]


_encoder = msgpack.Encoder()
_decoder = msgpack.Decoder(list[Entry])


def encode(entries: Sequence[Entry]) -> bytes:
    """The entries of one row in the format `FORMAT`."""
    return _encoder.encode(entries)


def decode(form: int, row: bytes) -> list[Entry]:
    """The entries of a row of format `form`, one of `READABLE`.

    Raises `UnknownFormatError`, and `BrokenEntriesError` for bytes that are not such a row.
    """
    if form not in READABLE:
        known = ", ".join(map(str, sorted(READABLE)))
        raise UnknownFormatError(f"the log has a row of format {form}, this release knows {known}")
    try:
        return _decoder.decode(row)
    except (DecodeError, ValidationError, UnicodeDecodeError) as error:
        raise BrokenEntriesError(f"a row of the log cannot be read: {error}") from error


def to_ranges(seats: Iterable[int]) -> tuple[int, ...]:
    """Distinct seats as first, count, first, count…, in ascending order."""
    ranges: list[int] = []
    first = following = 0
    for seat in sorted(seats):
        if seat != following:
            if following > first:
                ranges += (first, following - first)
            first = seat
        following = seat + 1
    if following > first:
        ranges += (first, following - first)
    return tuple(ranges)


def from_ranges(ranges: Sequence[int], least: int = 0) -> list[int]:
    """The seats in the ranges, in ascending order, without those below `least`."""
    return [
        seat for first, count in pairs(ranges) for seat in range(max(first, least), first + count)
    ]


def pairs(ranges: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The first seat and the count of each range."""
    return zip(ranges[::2], ranges[1::2], strict=True)


def changes(entries: Iterable[Entry]) -> dict[int, int]:
    """The status of each seat that the entries move, after them; later ones win.

    It also has seats that end with the status that they began with, which only the state knows.
    """
    changed: dict[int, int] = {}
    for entry in entries:
        for operation in entry.operations:
            for seats, status in moves(operation):
                changed.update(dict.fromkeys(seats, status))
    return changed


def moves(operation: Operation) -> tuple[tuple[Sequence[int], int], ...]:
    """The seats that an operation moves, and into which status, in order."""
    found: tuple[tuple[Sequence[int], int], ...]
    match operation:
        case Held():
            found = ((seats_of(operation.groups), HELD),)
        case Booked():
            found = ((operation.taken, BOOKED),)
        case Released() | Expired() | Cancelled():
            found = ((operation.seats, AVAILABLE),)
        case Amended():
            found = ((operation.removed, AVAILABLE), (seats_of(operation.added), HELD))
        case Exchanged():
            found = ((operation.released, AVAILABLE), (seats_of(operation.taken), BOOKED))
        case Blocked():
            found = ((from_ranges(operation.ranges), BLOCKED),)
        case Unblocked():
            found = ((from_ranges(operation.ranges), AVAILABLE),)
        case Configured() | Extended() | Frozen() | Thawed():
            found = ()
    return found
