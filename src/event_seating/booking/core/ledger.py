"""All that is known of one event's seats, and its undo log.

Owns the arrays and the records (configuration, holds, bookings, ids that ended). What a record or
seat was before its first change goes into an undo log; so a batch can be decided against what it
granted itself, and then be kept or taken back at a cost that depends on the batch alone. Until it
is kept, readers see what was there before. All memories are bounded here. What an operation
changes is said in `operations`; nothing else changes anything here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

from event_seating.booking.core.cool_down import CoolDown
from event_seating.booking.core.expiries import Expiries
from event_seating.booking.core.records import (
    AVAILABLE,
    BOOKED,
    HELD,
    STATUS_CHARS,
    Booking,
    Configuration,
    EndCause,
    Hold,
    Tombstone,
    seat_count,
    seats_of,
)
from event_seating.booking.core.seat_arrays import Before, SeatArrays
from event_seating.booking.core.seat_index import SeatIndex
from event_seating.booking.core.ticket_types import NOTHING_SOLD, tariffs
from event_seating.booking.core.tombstones import IdsByTime

GONE_MS: Final = 24 * 3_600_000
"""An id that ended is known as such for a day: longer than anybody's page stays open."""

GONE_MAX: Final = 50_000
"""Ended ids that are kept at the most, about 6 MB; then the oldest are forgotten early."""

Record = TypeVar("Record")


class Undo:
    """What was there before: seats, and each table's records by id (`None`: there was none)."""

    __slots__ = (
        "bookings",
        "configuration",
        "counts",
        "from_hold",
        "gone",
        "holds",
        "late",
        "seats",
    )

    def __init__(self, configuration: Configuration | None) -> None:
        self.configuration = configuration
        self.seats: Before = {}
        self.counts: Sequence[int] | None = None
        """Once somebody asked for them; they stay as they are while what was done is not kept."""
        self.holds: dict[bytes, Hold | None] = {}
        self.bookings: dict[bytes, Booking | None] = {}
        self.gone: dict[bytes, Tombstone | None] = {}
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
    booking that a hold became; `held_by` counts the seats that each buyer, address and network
    holds, whose keys never meet. `published` has one status character a seat, as of the last
    `keep`.
    """

    def __init__(self, index: SeatIndex, grace_ms: int) -> None:
        self.index = index
        self.grace_ms = grace_ms
        self.arrays = SeatArrays(index)
        self.configuration: Configuration | None = None
        self.public_tariff = self.staff_tariff = NOTHING_SOLD
        self.holds: dict[bytes, Hold] = {}
        self.bookings: dict[bytes, Booking] = {}
        self.gone: dict[bytes, Tombstone] = {}
        self.late: dict[bytes, Hold] = {}
        self.from_hold: dict[bytes, bytes] = {}
        self.held_by: dict[bytes, int] = {}
        self.cool_down = CoolDown()
        self.published = bytearray(STATUS_CHARS[AVAILABLE : AVAILABLE + 1]) * index.size
        self.undo = Undo(None)
        self._expiries = Expiries(self.holds)
        self._last_gone = Tombstone(EndCause.released, 0)
        self._gone_order = IdsByTime()
        self._late_order = IdsByTime()

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
        self._gone_order.add(at_ms, [key for key in undo.gone if key in self.gone])
        self._late_order.add(at_ms, [key for key in undo.late if key in self.late])
        self.start_over()
        self.cool_down.keep(at_ms)
        self._forget(at_ms)
        return changed

    def take_back(self) -> None:
        """Undo what was done since the last `keep`, at a cost that depends on that alone."""
        undo, self.undo = self.undo, Undo(None)
        self.arrays.put_back(undo.seats)
        if self.configuration is not undo.configuration:
            self.set_configuration(undo.configuration)
        for key, hold in undo.holds.items():
            now = self.holds.get(key)
            if now is not None:
                self.end_hold(now, seat_count(now.groups))
            if hold is not None:
                self.put_hold(hold, seat_count(hold.groups))
        for key, booking in undo.bookings.items():
            self.put_booking(key, booking)
        for key, gone in undo.gone.items():
            self.put_gone(key, gone)
        for key, hold in undo.late.items():
            self.put_late(key, hold)
        for key, became in undo.from_hold.items():
            self.put_from_hold(key, became)
        self.cool_down.take_back()
        self.undo = Undo(self.configuration)

    def committed_counts(self) -> Sequence[int]:
        """The counts of `SeatArrays` as of the last `keep`, to be read at once."""
        counts = self.arrays.counts
        if not self.undo.seats:
            return counts
        if self.undo.counts is None:
            counts, status, cell_of = list(counts), self.arrays.status, self.index.cell_of
            for seat, (was, _) in self.undo.seats.items():
                counts[cell_of[seat] + status[seat]] -= 1
                counts[cell_of[seat] + was] += 1
            self.undo.counts = counts
        return self.undo.counts

    # Expiry

    def next_expiry_ms(self) -> int | None:
        """When the next hold runs out; `None` when there is no hold."""
        first = self._expiries.first()
        return None if first is None else first.expires_ms

    def first_due(self, at_ms: int) -> Hold | None:
        """A hold that has run out at this time, the earliest first."""
        first = self._expiries.first()
        return None if first is None or first.expires_ms > at_ms else first

    # Images

    def committed_records(
        self, table: Mapping[bytes, Record], before: Mapping[bytes, Record | None]
    ) -> list[Record]:
        """All records of a table as of the last `keep`."""
        if not before:
            return list(table.values())
        kept = [record for key, record in table.items() if key not in before]
        return [*kept, *(record for record in before.values() if record is not None)]

    def gone_in_order(self) -> list[tuple[bytes, Tombstone]]:
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
            self.put_hold(hold, seat_count(hold.groups))
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

    def fill_gone(self, gone: Iterable[tuple[bytes, Tombstone]]) -> None:
        """Add ended ids of an image, oldest first."""
        for key, record in gone:
            self.gone[key] = record
            self._gone_order.add(record.at_ms, (key,))

    def fill_late(self, late: Iterable[tuple[int, Hold]]) -> None:
        """Add late holds of an image, with the time they were swept, oldest first."""
        for swept_ms, hold in late:
            self.late[hold.id] = hold
            self._late_order.add(swept_ms, (hold.id,))

    def start_over(self) -> None:
        """Take what is there as kept."""
        self.undo = Undo(self.configuration)

    @staticmethod
    def committed(
        table: Mapping[bytes, Record], before: Mapping[bytes, Record | None], key: bytes
    ) -> Record | None:
        """A record as of the last `keep`."""
        return before[key] if key in before else table.get(key)

    # Records, each together with what depends on it

    def put_booking(self, key: bytes, booking: Booking | None) -> None:
        """Put or remove a booking."""
        _put(self.bookings, self.undo.bookings, key, booking)

    def put_gone(self, key: bytes, gone: Tombstone | None) -> None:
        """Note how an id ended, or that it did not."""
        _put(self.gone, self.undo.gone, key, gone)

    def end(self, key: bytes, ending: EndCause, at_ms: int) -> None:
        """Note how an id ended."""
        gone = self._last_gone
        if gone.at_ms != at_ms or gone.ending is not ending:
            gone = self._last_gone = Tombstone(ending, at_ms)  # for all that end alike in a row
        self.put_gone(key, gone)

    def put_late(self, key: bytes, hold: Hold | None) -> None:
        """Keep a hold that ran out for a late booking, or no longer."""
        _put(self.late, self.undo.late, key, hold)

    def put_from_hold(self, key: bytes, booking: bytes | None) -> None:
        """Note which booking a hold became, or that there is none any more."""
        _put(self.from_hold, self.undo.from_hold, key, booking)

    def put_hold(self, hold: Hold, seats: int) -> None:
        """Put a hold of so many seats, which is not there.

        In step with the counts of whoever has it and the times of expiry.
        """
        holds, key, before = self.holds, hold.id, self.undo.holds
        if key not in before:
            before[key] = None
        holds[key] = hold
        held_by, buyer, address, network = self.held_by, hold.buyer, hold.address, hold.network
        if buyer is not None:
            held_by[buyer] = held_by.get(buyer, 0) + seats
        if address is not None:
            held_by[address] = held_by.get(address, 0) + seats
        if network is not None:
            held_by[network] = held_by.get(network, 0) + seats
        self._expiries.note(hold)

    def end_hold(self, hold: Hold, seats: int) -> None:
        """Remove a hold of so many seats, which is there."""
        key, before = hold.id, self.undo.holds
        if key not in before:
            before[key] = hold
        del self.holds[key]
        held_by = self.held_by
        buyer, address, network = hold.buyer, hold.address, hold.network
        if buyer is not None:  # three times the same, since a loop takes as long as all of it
            left = held_by[buyer] - seats
            if left:
                held_by[buyer] = left
            else:
                del held_by[buyer]
        if address is not None:
            left = held_by[address] - seats
            if left:
                held_by[address] = left
            else:
                del held_by[address]
        if network is not None:
            left = held_by[network] - seats
            if left:
                held_by[network] = left
            else:
                del held_by[network]

    def set_configuration(self, configuration: Configuration | None) -> None:
        """Sell by this configuration; prices become lists by the number of the category."""
        self.configuration = configuration
        found = tariffs(configuration, self.index.categories)
        self.public_tariff, self.staff_tariff = found

    def _forget(self, at_ms: int) -> None:
        """Forget ended ids after their time, and the oldest when they are too many."""
        order = self._gone_order
        while (first_ms := order.first_ms) is not None:
            if first_ms + GONE_MS > at_ms and len(self.gone) <= GONE_MAX:
                break
            ended_ms, key = order.pop()
            gone = self.gone.get(key)
            if gone is not None and gone.at_ms == ended_ms:
                del self.gone[key]
        order = self._late_order
        while (first_ms := order.first_ms) is not None:
            if first_ms + self.grace_ms > at_ms and len(order) <= GONE_MAX:
                break
            self.late.pop(order.pop()[1], None)
