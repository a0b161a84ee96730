"""All that is known of one event's seats, and its undo log.

Owns the arrays and the records (configuration, holds, bookings, tombstones). The previous value of
each record and seat goes into an undo log at its first change, so that a batch can be decided
against what it granted itself, and then be committed or rolled back at a cost that depends on the
batch alone. Readers see the committed values. Everything that is remembered is bounded. `apply`
says what each operation changes; nothing else changes anything here.
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

TOMBSTONE_TTL_MS: Final = 24 * 3_600_000
"""An ended id is remembered for a day: longer than anybody's page stays open."""

TOMBSTONES_MAX: Final = 50_000
"""At most so many ended ids are remembered, about 6 MB; then the oldest are forgotten early."""

Record = TypeVar("Record")


class Undo:
    """The previous values: seats, and the records of each table by id (`None`: there was none)."""

    __slots__ = (
        "booking_of_hold",
        "bookings",
        "configuration",
        "counts",
        "holds",
        "late",
        "seats",
        "tombstones",
    )

    def __init__(self, configuration: Configuration | None) -> None:
        self.configuration = configuration
        self.seats: Before = {}
        self.counts: Sequence[int] | None = None
        """The committed counts, computed when they are first read."""
        self.holds: dict[bytes, Hold | None] = {}
        self.bookings: dict[bytes, Booking | None] = {}
        self.tombstones: dict[bytes, Tombstone | None] = {}
        self.late: dict[bytes, Hold | None] = {}
        self.booking_of_hold: dict[bytes, bytes | None] = {}


def _put(
    table: dict[bytes, Record],
    before: dict[bytes, Record | None],
    key: bytes,
    record: Record | None,
) -> None:
    """Put a record into a table, or remove it (`None`), and note the previous one."""
    if key not in before:
        before[key] = table.get(key)
    if record is None:
        table.pop(key, None)
    else:
        table[key] = record


class Ledger:
    """All that is known of one event's seats at one moment.

    `holds`, `bookings` and `tombstones` (ids that ended) are by id; `late` are holds that ran out
    and can still be booked for `grace_ms`, unless somebody took their seats; `booking_of_hold` has
    the id of the booking that a hold became; `held_by` counts the seats that each buyer, address
    and network holds, whose keys are all different. `published` has one status character for each
    seat, as of the last commit.
    """

    def __init__(self, index: SeatIndex, grace_ms: int) -> None:
        self.index = index
        self.grace_ms = grace_ms
        self.arrays = SeatArrays(index)
        self.configuration: Configuration | None = None
        self.public_tariff = self.staff_tariff = NOTHING_SOLD
        self.holds: dict[bytes, Hold] = {}
        self.bookings: dict[bytes, Booking] = {}
        self.tombstones: dict[bytes, Tombstone] = {}
        self.late: dict[bytes, Hold] = {}
        self.booking_of_hold: dict[bytes, bytes] = {}
        self.held_by: dict[bytes, int] = {}
        self.cool_down = CoolDown()
        self.published = bytearray(STATUS_CHARS[AVAILABLE : AVAILABLE + 1]) * index.size
        self.undo = Undo(None)
        self._expiries = Expiries(self.holds)
        self._last_tombstone = Tombstone(EndCause.released, 0)
        self._tombstone_order = IdsByTime()
        self._late_order = IdsByTime()

    # Commit and roll back

    def commit(self, at_ms: int) -> dict[int, int]:
        """Make all changes visible and final.

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
        self._tombstone_order.add(at_ms, [key for key in undo.tombstones if key in self.tombstones])
        self._late_order.add(at_ms, [key for key in undo.late if key in self.late])
        self.mark_committed()
        self.cool_down.commit(at_ms)
        self._forget(at_ms)
        return changed

    def roll_back(self) -> None:
        """Undo all changes since the last commit, at a cost that depends on them alone."""
        undo, self.undo = self.undo, Undo(None)
        self.arrays.restore(undo.seats)
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
        for key, tombstone in undo.tombstones.items():
            self.put_tombstone(key, tombstone)
        for key, hold in undo.late.items():
            self.put_late(key, hold)
        for key, became in undo.booking_of_hold.items():
            self.put_booking_of_hold(key, became)
        self.cool_down.roll_back()
        self.undo = Undo(self.configuration)

    def committed_counts(self) -> Sequence[int]:
        """The counts of `SeatArrays` as of the last commit, to be read at once."""
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

    # State snapshots

    def committed_records(
        self, table: Mapping[bytes, Record], before: Mapping[bytes, Record | None]
    ) -> list[Record]:
        """All records of a table as of the last commit."""
        if not before:
            return list(table.values())
        kept = [record for key, record in table.items() if key not in before]
        return [*kept, *(record for record in before.values() if record is not None)]

    def tombstones_in_order(self) -> list[tuple[bytes, Tombstone]]:
        """The tombstones as of the last commit, oldest first."""
        found = (
            (ended_ms, key, self.committed(self.tombstones, self.undo.tombstones, key))
            for ended_ms, key in self._tombstone_order
        )
        return [
            (key, tombstone)
            for ended_ms, key, tombstone in found
            if tombstone is not None and tombstone.at_ms == ended_ms
        ]

    def late_in_order(self) -> list[tuple[int, Hold]]:
        """The late holds as of the last commit, with the time of their expiry, oldest first."""
        found = (
            (swept_ms, self.committed(self.late, self.undo.late, key))
            for swept_ms, key in self._late_order
        )
        return [(swept_ms, hold) for swept_ms, hold in found if hold is not None]

    def fill_holds(self, holds: Iterable[Hold]) -> None:
        """Add holds of a snapshot, unchecked; counts and masks are not updated."""
        status, owner = self.arrays.status, self.arrays.owner
        for hold in holds:
            self.put_hold(hold, seat_count(hold.groups))
            for seat in seats_of(hold.groups):
                status[seat], owner[seat] = HELD, hold.id

    def fill_bookings(self, bookings: Iterable[Booking]) -> None:
        """Add bookings of a snapshot, unchecked; counts and masks are not updated."""
        status, owner = self.arrays.status, self.arrays.owner
        for booking in bookings:
            self.bookings[booking.id] = booking
            if booking.hold is not None:
                self.booking_of_hold[booking.hold] = booking.id
            for seat in seats_of(booking.groups):
                status[seat], owner[seat] = BOOKED, booking.id

    def fill_tombstones(self, tombstones: Iterable[tuple[bytes, Tombstone]]) -> None:
        """Add tombstones of a snapshot, oldest first."""
        for key, record in tombstones:
            self.tombstones[key] = record
            self._tombstone_order.add(record.at_ms, (key,))

    def fill_late(self, late: Iterable[tuple[int, Hold]]) -> None:
        """Add late holds of a snapshot, with the time of their expiry, oldest first."""
        for swept_ms, hold in late:
            self.late[hold.id] = hold
            self._late_order.add(swept_ms, (hold.id,))

    def mark_committed(self) -> None:
        """Take the present values as committed."""
        self.undo = Undo(self.configuration)

    @staticmethod
    def committed(
        table: Mapping[bytes, Record], before: Mapping[bytes, Record | None], key: bytes
    ) -> Record | None:
        """A record as of the last commit."""
        return before[key] if key in before else table.get(key)

    # Records, each with all that depends on it

    def put_booking(self, key: bytes, booking: Booking | None) -> None:
        """Put or remove a booking."""
        _put(self.bookings, self.undo.bookings, key, booking)

    def put_tombstone(self, key: bytes, tombstone: Tombstone | None) -> None:
        """Put or remove a tombstone."""
        _put(self.tombstones, self.undo.tombstones, key, tombstone)

    def note_end(self, key: bytes, ending: EndCause, at_ms: int) -> None:
        """Note how an id ended."""
        tombstone = self._last_tombstone
        if tombstone.at_ms != at_ms or tombstone.ending is not ending:
            tombstone = self._last_tombstone = Tombstone(
                ending, at_ms
            )  # for all that end alike in a row
        self.put_tombstone(key, tombstone)

    def put_late(self, key: bytes, hold: Hold | None) -> None:
        """Put or remove a hold that ran out and can still be booked."""
        _put(self.late, self.undo.late, key, hold)

    def put_booking_of_hold(self, key: bytes, booking: bytes | None) -> None:
        """Put or remove the booking that a hold became."""
        _put(self.booking_of_hold, self.undo.booking_of_hold, key, booking)

    def put_hold(self, hold: Hold, seats: int) -> None:
        """Add a hold of so many seats; it must not be there.

        Updates the counts of its buyer, address and network, and the times of expiry.
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
        """Remove a hold of so many seats; it must be there."""
        key, before = hold.id, self.undo.holds
        if key not in before:
            before[key] = hold
        del self.holds[key]
        held_by = self.held_by
        buyer, address, network = hold.buyer, hold.address, hold.network
        if buyer is not None:  # written out three times: a loop would double the cost
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
        """Sell by this configuration; derives the tariffs from its prices."""
        self.configuration = configuration
        found = tariffs(configuration, self.index.categories)
        self.public_tariff, self.staff_tariff = found

    def _forget(self, at_ms: int) -> None:
        """Forget tombstones and late holds after their time, the oldest ones early if too many."""
        order = self._tombstone_order
        while (first_ms := order.first_ms) is not None:
            if first_ms + TOMBSTONE_TTL_MS > at_ms and len(self.tombstones) <= TOMBSTONES_MAX:
                break
            ended_ms, key = order.pop()
            tombstone = self.tombstones.get(key)
            if tombstone is not None and tombstone.at_ms == ended_ms:
                del self.tombstones[key]
        order = self._late_order
        while (first_ms := order.first_ms) is not None:
            if first_ms + self.grace_ms > at_ms and len(order) <= TOMBSTONES_MAX:
                break
            self.late.pop(order.pop()[1], None)
