"""The whole state of an event as bytes, and back.

A state snapshot has the records; the arrays follow from them. It is a sequence of pieces of bounded
size, each with its length and a checksum before it, so that writing and reading can be done a few
milliseconds at a time. The checksum covers all pieces so far, and the last piece says that it is
the last: a snapshot that was damaged on a disk or in a transfer is refused. Taking a snapshot
copies references to records that never change, which costs next to nothing; the encoding may then
run while the event goes on selling. The format has a number (`SNAPSHOT_FORMAT`); a snapshot of
another format is refused, and the log is read instead. Tombstones and late holds keep their order,
in which they are forgotten.
"""

import re
from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from struct import Struct as Packing
from typing import Final, TypeVar
from zlib import crc32

from msgspec import DecodeError, Struct, ValidationError, msgpack

from event_seating.booking.core.cool_down import grouped
from event_seating.booking.core.ledger import Ledger
from event_seating.booking.core.log_entries import from_ranges
from event_seating.booking.core.records import (
    BLOCKED,
    STATUS_CHARS,
    Booking,
    Configuration,
    Hold,
    Id,
    Ms,
    RecentHold,
    Seat,
    Tombstone,
)
from event_seating.booking.core.seat_index import STATUSES, SeatIndex

SNAPSHOT_FORMAT: Final = 3
READABLE: Final = frozenset({2, 3})
"""The formats that can be read; `SNAPSHOT_FORMAT` is written. What 3 adds to 2 has defaults."""

RECORDS_PER_PIECE: Final = 1_000
"""Records in one piece: about 2 ms of reading."""

SEATS_PER_STEP: Final = 10_000
"""Seats that are looked at before the reader pauses: about 2 ms."""

_BLOCKED: Final = re.compile(re.escape(STATUS_CHARS[BLOCKED : BLOCKED + 1]) + b"+")
_FRAME: Final = Packing(">II")
"""Before a piece: its length, and the CRC-32 of all pieces up to its end."""

_CHARS: Final = bytes.maketrans(bytes(range(STATUSES)), STATUS_CHARS)

Item = TypeVar("Item")


class BrokenSnapshotError(ValueError):
    """The bytes are not a snapshot of a known format, or one of another map."""


class SnapshotHead(Struct, frozen=True, array_like=True, tag=0):
    """The first piece; `size` is the number of seats and places of the event."""

    format: int
    version: int
    at_ms: Ms
    size: int
    configuration: Configuration | None


class BlockedPiece(Struct, frozen=True, array_like=True, tag=1):
    """Ranges of blocked seats."""

    ranges: tuple[Seat, ...]


class HoldsPiece(Struct, frozen=True, array_like=True, tag=2):
    """Some of the holds."""

    holds: list[Hold]


class BookingsPiece(Struct, frozen=True, array_like=True, tag=3):
    """Some of the bookings."""

    bookings: list[Booking]


class TombstonesPiece(Struct, frozen=True, array_like=True, tag=4):
    """Some of the tombstones, oldest first."""

    tombstones: list[tuple[Id, Tombstone]]


class LatePiece(Struct, frozen=True, array_like=True, tag=5):
    """Some of the late holds, with the time at which they expired, oldest first."""

    late: list[tuple[Ms, Hold]]


class EndPiece(Struct, frozen=True, array_like=True, tag=6):
    """The last piece."""


class RecentHoldsPiece(Struct, frozen=True, array_like=True, tag=7):
    """Some of the recently held seats."""

    recent: list[tuple[tuple[Seat, ...], RecentHold]]


Piece = (
    SnapshotHead
    | BlockedPiece
    | HoldsPiece
    | BookingsPiece
    | TombstonesPiece
    | LatePiece
    | RecentHoldsPiece
    | EndPiece
)

_encoder = msgpack.Encoder()
_decoder = msgpack.Decoder(Piece)


class StateSnapshot:
    """The state of an event at one moment; `pieces` encodes it, at any time and in any thread."""

    def __init__(self, ledger: Ledger, version: int, at_ms: int) -> None:
        self._head = SnapshotHead(
            SNAPSHOT_FORMAT,
            version,
            at_ms,
            ledger.index.size,
            ledger.undo.configuration,
        )
        self._published = bytes(ledger.published)
        self._holds = ledger.committed_records(ledger.holds, ledger.undo.holds)
        self._bookings = ledger.committed_records(ledger.bookings, ledger.undo.bookings)
        self._tombstones = ledger.tombstones_in_order()
        self._late = ledger.late_in_order()
        self._recent = ledger.cool_down.committed()

    def pieces(self) -> Iterator[bytes]:
        """The encoded snapshot, a few milliseconds of work at a time."""
        checksum = 0
        for piece in self._pieces():
            encoded = _encoder.encode(piece)
            checksum = crc32(encoded, checksum)
            yield _FRAME.pack(len(encoded), checksum) + encoded

    def _pieces(self) -> Iterator[Piece]:
        stretches = _BLOCKED.finditer(self._published)
        ranges = (number for found in stretches for number in (found.start(), len(found[0])))
        yield self._head
        yield BlockedPiece(tuple(ranges))
        yield from map(HoldsPiece, _portions(self._holds))
        yield from map(BookingsPiece, _portions(self._bookings))
        yield from map(TombstonesPiece, _portions(self._tombstones))
        yield from map(LatePiece, _portions(self._late))
        yield from map(RecentHoldsPiece, _portions(grouped(self._recent)))
        yield EndPiece()


def is_complete(image: bytes) -> bool:
    """Whether the snapshot has all that decisions need.

    One of format 2 does not say which holds were changed, so that a hold could be booked for less
    than it costs now; the log says it.
    """
    try:
        head = next(_unframed(image), None)
    except BrokenSnapshotError:
        return True  # `read` says what is wrong with it
    return not isinstance(head, SnapshotHead) or head.format == SNAPSHOT_FORMAT


def read(
    index: SeatIndex, image: bytes, grace_ms: int
) -> Generator[None, None, tuple[Ledger, SnapshotHead]]:
    """The ledger of a snapshot and its head, pausing every few milliseconds.

    Raises `BrokenSnapshotError` when the bytes are not a snapshot, or one of another map.
    """
    pieces = _unframed(image)
    head = next(pieces, None)
    if not isinstance(head, SnapshotHead) or head.format not in READABLE or head.size != index.size:
        raise BrokenSnapshotError("this is not a snapshot of this event in a known format")
    ledger = Ledger(index, grace_ms)
    for piece in pieces:
        if isinstance(piece, EndPiece):
            break
        _fill(ledger, piece)
        yield
    else:
        raise BrokenSnapshotError("the snapshot ends before its last piece")
    if next(pieces, None) is not None:
        raise BrokenSnapshotError("the snapshot goes on after its last piece")
    yield from _settle(ledger)
    ledger.set_configuration(head.configuration)
    ledger.mark_committed()
    return ledger, head


def _fill(ledger: Ledger, piece: Piece) -> None:
    try:
        match piece:
            case BlockedPiece():
                for seat in from_ranges(piece.ranges):
                    ledger.arrays.status[seat] = BLOCKED
            case HoldsPiece():
                ledger.fill_holds(piece.holds)
            case BookingsPiece():
                ledger.fill_bookings(piece.bookings)
            case TombstonesPiece():
                ledger.fill_tombstones(piece.tombstones)
            case LatePiece():
                ledger.fill_late(piece.late)
            case RecentHoldsPiece():
                ledger.cool_down.fill(piece.recent, ledger.index.size)
            case SnapshotHead():
                raise BrokenSnapshotError("the snapshot has two heads")
    except IndexError as error:
        raise BrokenSnapshotError("the snapshot names a seat that does not exist") from error


def _settle(ledger: Ledger) -> Generator[None, None, None]:
    """Derive counts, masks and the published statuses from the statuses."""
    arrays, size = ledger.arrays, ledger.index.size
    ledger.published[:] = arrays.status.translate(_CHARS)
    for start in range(0, size, SEATS_PER_STEP):
        arrays.recount(range(start, min(start + SEATS_PER_STEP, size)))
        yield


def _unframed(image: bytes) -> Iterator[Piece]:
    at = checksum = 0
    while at < len(image):
        start = at + _FRAME.size
        if start > len(image):
            raise BrokenSnapshotError("the snapshot ends in the middle of a piece")
        length, expected = _FRAME.unpack_from(image, at)
        at = start + length
        if at > len(image):
            raise BrokenSnapshotError("the snapshot ends in the middle of a piece")
        piece = image[start:at]
        checksum = crc32(piece, checksum)
        if checksum != expected:
            raise BrokenSnapshotError("a piece of the snapshot is not what was written")
        try:
            yield _decoder.decode(piece)
        except (DecodeError, ValidationError, UnicodeDecodeError) as error:
            raise BrokenSnapshotError(f"a piece of the snapshot cannot be read: {error}") from error


def _portions(records: Iterable[Item]) -> Iterator[list[Item]]:
    rest = iter(records)
    while portion := list(islice(rest, RECORDS_PER_PIECE)):
        yield portion
