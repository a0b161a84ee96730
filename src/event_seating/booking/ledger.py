"""All that is known of one event's seats, and its undo log.

Owns the arrays and the records (configuration, holds, bookings, ids that ended). What a record or
seat was before its first change goes into an undo log; so a batch can be decided against what it
granted itself, and then be kept or taken back at a cost that depends on the batch alone. Until it
is kept, readers see what was there before. All memories are bounded here. What an operation
changes is said in `operations`; nothing else changes anything here.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from heapq import heapify, heappop, heappush
from typing import TypeVar

from event_seating.booking.arrays import Before, SeatArrays
from event_seating.booking.index import SeatIndex
from event_seating.booking.records import (
    AVAILABLE,
    BOOKED,
    HELD,
    STATUS_CHARS,
    Booking,
    Configuration,
    Gone,
    Hold,
    seat_count,
    seats_of,
)

GONE_MS = 24 * 3_600_000
"""An id that ended is known as such for a day: longer than anybody's page stays open."""

GONE_MAX = 50_000
"""Ended ids that are kept at the most, about 12 MB; then the oldest are forgotten early."""

EXPIRIES_SPARE = 1_024
"""Out-of-date expiry times that may pile up before the heap is built anew."""

Record = TypeVar("Record")


class Undo:
    """What was there before: seats, and each table's records by id (`None`: there was none)."""

    __slots__ = ("bookings", "configuration", "from_hold", "gone", "holds", "late", "seats")

    def __init__(self, configuration: Configuration | None) -> None:
        self.configuration = configuration
        self.seats: Before = {}
        self.holds: dict[bytes, Hold | None] = {}
        self.bookings: dict[bytes, Booking | None] = {}
        self.gone: dict[bytes, Gone | None] = {}
        self.late: dict[bytes, Hold | None] = {}
        self.from_hold: dict[bytes, bytes | None] = {}


def _put(
    table: dict[bytes, Record],
    before: dict[bytes, Record | None],
    key: bytes,
    record: Record | None,
) -> None:
    """Put a record into a table, or take it out (`None`), and note what was there."""
    if key not in before:
        before[key] = table.get(key)
    if record is None:
        table.pop(key, None)
    else:
        table[key] = record


class Ledger:
    """All that is known of one event's seats at one moment.

    `holds`, `bookings` and `gone` (ids that ended) are by id; `late` are holds that ran out and
    may still be booked while nobody took their seats, for `grace_ms`; `from_hold` names the
    booking that a hold became; `held_by` counts the seats that each buyer holds. `published` has
    one status character a seat and `published_counts` the counts, both as of the last `keep`.
    """

    def __init__(self, index: SeatIndex, grace_ms: int) -> None:
        self.index = index
        self.grace_ms = grace_ms
        self.arrays = SeatArrays(index)
        self.configuration: Configuration | None = None
        self.prices: dict[str | None, list[int | None]] = {}
        self.holds: dict[bytes, Hold] = {}
        self.bookings: dict[bytes, Booking] = {}
        self.gone: dict[bytes, Gone] = {}
        self.late: dict[bytes, Hold] = {}
        self.from_hold: dict[bytes, bytes] = {}
        self.held_by: dict[bytes, int] = {}
        self.published = bytearray(STATUS_CHARS[AVAILABLE : AVAILABLE + 1]) * index.size
        self.published_counts = list(self.arrays.counts)
        self.undo = Undo(None)
        self._expiries: list[tuple[int, bytes]] = []
        self._gone_order: deque[tuple[int, bytes]] = deque()
        self._late_order: deque[tuple[int, bytes]] = deque()

    # Kept and taken back

    def keep(self, at_ms: int) -> dict[int, int]:
        """Make what was done visible and final.

        Returns the new status of each seat whose status changed.
        """
        undo = self.undo
        changed: dict[int, int] = {}
        status, published = self.arrays.status, self.published
        for seat, (was, _) in undo.seats.items():
            now = status[seat]
            if now != was:
                changed[seat] = now
                published[seat] = STATUS_CHARS[now]
        self.published_counts[:] = self.arrays.counts
        for key in undo.gone:
            if key in self.gone:
                self._gone_order.append((at_ms, key))
        for key in undo.late:
            if key in self.late:
                self._late_order.append((at_ms, key))
        self.start_anew()
        self._forget(at_ms)
        return changed

    def take_back(self) -> None:
        """Undo what was done since the last `keep`, at a cost that depends on that alone."""
        undo, self.undo = self.undo, Undo(None)
        self.arrays.put_back(undo.seats)
        if self.configuration is not undo.configuration:
            self.set_configuration(undo.configuration)
        for key, hold in undo.holds.items():
            self.put_hold(key, hold)
        for key, booking in undo.bookings.items():
            self.put_booking(key, booking)
        for key, gone in undo.gone.items():
            self.put_gone(key, gone)
        for key, hold in undo.late.items():
            self.put_late(key, hold)
        for key, became in undo.from_hold.items():
            self.put_from_hold(key, became)
        self.undo = Undo(self.configuration)

    # Expiry

    def next_expiry_ms(self) -> int | None:
        """When the next hold runs out; `None` when there is no hold."""
        heap = self._expiries
        while heap:
            expires_ms, key = heap[0]
            hold = self.holds.get(key)
            if hold is not None and hold.expires_ms == expires_ms:
                return expires_ms
            heappop(heap)
        return None

    def first_due(self, at_ms: int) -> Hold | None:
        """A hold that has run out at this time, the earliest first."""
        expires_ms = self.next_expiry_ms()
        if expires_ms is None or expires_ms > at_ms:
            return None
        return self.holds[self._expiries[0][1]]

    # Images

    def committed_records(
        self, table: Mapping[bytes, Record], before: Mapping[bytes, Record | None]
    ) -> list[Record]:
        """All records of a table as of the last `keep`."""
        if not before:
            return list(table.values())
        kept = [record for key, record in table.items() if key not in before]
        return [*kept, *(record for record in before.values() if record is not None)]

    def gone_in_order(self) -> list[tuple[bytes, Gone]]:
        """The ended ids as of the last `keep`, oldest first."""
        found = (
            (ended_ms, key, self.committed(self.gone, self.undo.gone, key))
            for ended_ms, key in self._gone_order
        )
        return [
            (key, gone)
            for ended_ms, key, gone in found
            if gone is not None and gone.at_ms == ended_ms
        ]

    def late_in_order(self) -> list[tuple[int, Hold]]:
        """The late holds as of the last `keep`, with the time they were swept, oldest first."""
        found = (
            (swept_ms, self.committed(self.late, self.undo.late, key))
            for swept_ms, key in self._late_order
        )
        return [(swept_ms, hold) for swept_ms, hold in found if hold is not None]

    def fill_holds(self, holds: Iterable[Hold]) -> None:
        """Add holds of an image, unchecked; counts and masks do not follow."""
        status, owner = self.arrays.status, self.arrays.owner
        for hold in holds:
            self.put_hold(hold.id, hold)
            for seat in seats_of(hold.groups):
                status[seat], owner[seat] = HELD, hold.id

    def fill_bookings(self, bookings: Iterable[Booking]) -> None:
        """Add bookings of an image, unchecked; counts and masks do not follow."""
        status, owner = self.arrays.status, self.arrays.owner
        for booking in bookings:
            self.bookings[booking.id] = booking
            if booking.hold is not None:
                self.from_hold[booking.hold] = booking.id
            for seat in seats_of(booking.groups):
                status[seat], owner[seat] = BOOKED, booking.id

    def fill_gone(self, gone: Iterable[tuple[bytes, Gone]]) -> None:
        """Add ended ids of an image, oldest first."""
        for key, record in gone:
            self.gone[key] = record
            self._gone_order.append((record.at_ms, key))

    def fill_late(self, late: Iterable[tuple[int, Hold]]) -> None:
        """Add late holds of an image, with the time they were swept, oldest first."""
        for swept_ms, hold in late:
            self.late[hold.id] = hold
            self._late_order.append((swept_ms, hold.id))

    def start_anew(self) -> None:
        """Take what is there as kept."""
        self.undo = Undo(self.configuration)

    @staticmethod
    def committed(
        table: Mapping[bytes, Record], before: Mapping[bytes, Record | None], key: bytes
    ) -> Record | None:
        """A record as of the last `keep`."""
        return before[key] if key in before else table.get(key)

    # Records, each in step with what hangs on it

    def put_booking(self, key: bytes, booking: Booking | None) -> None:
        """Put or remove a booking."""
        _put(self.bookings, self.undo.bookings, key, booking)

    def put_gone(self, key: bytes, gone: Gone | None) -> None:
        """Note how an id ended, or that it did not."""
        _put(self.gone, self.undo.gone, key, gone)

    def put_late(self, key: bytes, hold: Hold | None) -> None:
        """Keep a hold that ran out for a late booking, or no longer."""
        _put(self.late, self.undo.late, key, hold)

    def put_from_hold(self, key: bytes, booking: bytes | None) -> None:
        """Note which booking a hold became, or that there is none any more."""
        _put(self.from_hold, self.undo.from_hold, key, booking)

    def put_hold(self, key: bytes, hold: Hold | None) -> None:
        """Put or remove a hold, in step with its buyer's count and the times of expiry."""
        holds, held_by, before = self.holds, self.held_by, self.undo.holds
        old = holds.get(key)
        if key not in before:
            before[key] = old
        if old is not None and old.buyer is not None:
            held_by[old.buyer] -= seat_count(old.groups)
            if not held_by[old.buyer]:
                del held_by[old.buyer]
        if hold is None:
            holds.pop(key, None)
            return
        holds[key] = hold
        if hold.buyer is not None:
            held_by[hold.buyer] = held_by.get(hold.buyer, 0) + seat_count(hold.groups)
        if old is None or old.expires_ms != hold.expires_ms:
            heappush(self._expiries, (hold.expires_ms, key))
            if len(self._expiries) > 2 * len(holds) + EXPIRIES_SPARE:
                self._expiries = [(held.expires_ms, held.id) for held in holds.values()]
                heapify(self._expiries)

    def set_configuration(self, configuration: Configuration | None) -> None:
        """Sell by this configuration; prices become lists by the number of the category."""
        self.configuration = configuration
        prices = configuration.prices if configuration is not None else {}
        ticket_types = {name for by_type in prices.values() for name in by_type}
        self.prices = {
            ticket_type: [
                prices.get(category, {}).get(ticket_type) for category in self.index.categories
            ]
            for ticket_type in ticket_types
        }

    def _forget(self, at_ms: int) -> None:
        """Forget ended ids after their time, and the oldest when they are too many."""
        order = self._gone_order
        while order and (order[0][0] + GONE_MS <= at_ms or len(self.gone) > GONE_MAX):
            ended_ms, key = order.popleft()
            gone = self.gone.get(key)
            if gone is not None and gone.at_ms == ended_ms:
                del self.gone[key]
        order = self._late_order
        while order and (order[0][0] + self.grace_ms <= at_ms or len(order) > GONE_MAX):
            self.late.pop(order.popleft()[1], None)
