"""The two encodings of an event's seat map status, which are patched for each new version.

Owns how a status is written. The compact encoding is what the state has anyway. In the full one
every status takes the same number of bytes: a shorter word is followed by spaces, which JSON allows
between its tokens and which compress to almost nothing. So a change of a seat is patched in place,
at a cost that depends on the seats that move, and a new version costs one copy, however large the
hall. It decides nothing about who gets what.
"""

from array import array
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, chain
from typing import Final

import msgspec

from event_seating.booking.core.records import STATUS_CHARS, STATUS_NAMES
from event_seating.booking.core.seat_state import SeatStates
from event_seating.http_server.asgi import Header

FULL: Final = "full"
COMPACT: Final = "compact"

_ROOM: Final = max(map(len, STATUS_NAMES)) + len('""')
_WORDS: Final = tuple(f'"{name}"'.ljust(_ROOM).encode() for name in STATUS_NAMES)

_encode = msgspec.json.Encoder().encode


class Encoding:
    """One encoding, as of the newest version that was read; `seats_of` encodes the seats."""

    __slots__ = (
        "_brackets",
        "_seats_of",
        "body",
        "compressed_at",
        "compressing",
        "gzip_headers",
        "gzip_tag",
        "gzipped",
        "headers",
        "name",
        "tag",
        "version",
    )

    def __init__(
        self,
        name: str,
        brackets: tuple[bytes, bytes],
        seats_of: Callable[[SeatStates], bytes | bytearray],
    ) -> None:
        self.name = name
        self._brackets = brackets
        self._seats_of = seats_of
        self.version = -1
        self.body = b""
        self.tag = self.gzip_tag = ""
        self.headers: tuple[Header, ...] = ()
        self.gzip_headers: tuple[Header, ...] = ()
        self.gzipped: tuple[int, bytes] = (-1, b"")
        """The newest version that was compressed, and its bytes."""
        self.compressing = -1
        """The version that is being compressed; -1 for none."""
        self.compressed_at = float("-inf")
        """When the last compression began, by the monotonic clock in seconds."""

    def renew(self, event_id: str, epoch: str, states: SeatStates) -> None:
        """Update `body`, tags and headers to the state as it is now."""
        self.version = version = states.version
        opening, closing = self._brackets
        areas = {area.id: states.area_counts(n) for n, area in enumerate(states.index.areas)}
        self.body = b"".join(
            (
                b'{"eventId":%b,"epoch":%b,"version":%d,"counts":%b,"seats":%b'
                % (_encode(event_id), _encode(epoch), version, _encode(states.counts()), opening),
                self._seats_of(states),
                b'%b,"areas":%b}' % (closing, _encode(areas)),
            )
        )
        self.tag = f'"{epoch}-{version}-{self.name}"'
        self.gzip_tag = f'"{epoch}-{version}-{self.name}-gzip"'
        self.headers = _headers(self.tag)
        self.gzip_headers = (*_headers(self.gzip_tag), (b"content-encoding", b"gzip"))


class FullEncoding(Encoding):
    """The status of each seat by its id; its owner passes every change to `patch`."""

    __slots__ = ("_starts", "seats")

    def __init__(self, seats: bytearray, starts: Sequence[int]) -> None:
        super().__init__(FULL, (b"{", b"}"), lambda _states: seats)
        self.seats = seats
        self._starts = starts

    def patch(self, changes: Mapping[int, int]) -> None:
        """Write the new statuses; places of areas have none here."""
        seats, starts, count = self.seats, self._starts, len(self._starts)
        for seat, status in changes.items():
            if seat < count:
                at = starts[seat]
                seats[at : at + _ROOM] = _WORDS[status]


def compact() -> Encoding:
    """One character a seat, in the order of the map."""
    return Encoding(COMPACT, (b'"', b'"'), SeatStates.characters)


def full(characters: bytes, seat_ids: Sequence[str]) -> FullEncoding:
    """The status of each seat by its id.

    Takes some 20 ms for 50,000 seats: call it in a thread; it reads nothing that changes.
    """
    keys = [b",%b:" % _encode(seat) for seat in seat_ids]
    if keys:
        keys[0] = keys[0][1:]
    ends = accumulate(len(key) + _ROOM for key in keys)
    starts = array("I", (end - _ROOM for end in ends))
    words = dict(zip(STATUS_CHARS, _WORDS, strict=True))
    pieces = chain.from_iterable(zip(keys, map(words.__getitem__, characters), strict=True))
    return FullEncoding(bytearray(b"".join(pieces)), starts)


def _headers(tag: str) -> tuple[Header, ...]:
    return (
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-cache"),
        (b"vary", b"accept-encoding"),
        (b"etag", tag.encode()),
    )
