"""Checks every commit independently of the code under test, with simple data structures.

The referee sees every commit before anybody else and replays the log by itself; of the code under
test it uses only the decoding of entries. It fails the run when a seat would get a second owner,
when a caller without a key gets a price of staff, when a hold is used or kept past its time, when
versions or times are out of order, and when the tables beside the log disagree with it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from event_seating.booking.core import log_entries
from event_seating.booking.core.caps import NETWORK_FACTOR
from event_seating.booking.core.cool_down import COOL_DOWN_MS
from event_seating.booking.core.log_entries import (
    Amended,
    Blocked,
    Booked,
    Cancelled,
    Configured,
    Exchanged,
    Expired,
    Extended,
    Frozen,
    Held,
    Released,
    Thawed,
    Unblocked,
    from_ranges,
)
from event_seating.booking.core.records import Access, Configuration, Groups, SaleRules, SaleStatus
from event_seating.booking.seat_log.projection import CANCELLED, CONFIRMED
from event_seating.simulation.compared import compare
from event_seating.simulation.database import Tables, Written
from event_seating.simulation.seen import BookingSeen, HoldSeen, Lines, lines_of, must, without

FREE: Final = "a"
BLOCKED: Final = "x"

DAY_MS: Final = 24 * 3_600_000
"""How long the box office may let a hold last."""


@dataclass(slots=True)
class Referee:
    """The state of the event by the referee's own reading of the log, up to `version`."""

    event_id: str
    size: int
    grace_ms: int
    version: int = 0
    at_ms: int = 0
    owners: dict[int, bytes] = field(default_factory=dict)
    """Hold or booking, by seat."""
    status: bytearray = field(default_factory=bytearray)
    characters: list[bytes] = field(default_factory=list)
    """All statuses after each version."""
    holds: dict[bytes, HoldSeen] = field(default_factory=dict)
    live: dict[bytes, HoldSeen] = field(default_factory=dict)
    bookings: dict[bytes, BookingSeen] = field(default_factory=dict)
    taken_away: dict[int, tuple[bytes, int]] = field(default_factory=dict)
    """The buyer from whom the box office took a seat, and when."""
    began: dict[bytes, int] = field(default_factory=dict)
    """The version in which each hold and booking began."""
    configured: tuple[Configuration, int] | None = None
    """How the event sells, and the version that says so."""
    late_bookings: int = 0
    expired: int = 0
    _touched: set[bytes] = field(default_factory=set)
    _actor: str | None = None
    """The actor of the entry that is being followed."""

    def __post_init__(self) -> None:
        self.status = bytearray(FREE.encode() * self.size)
        self.characters = [bytes(self.status)]

    def follow(self, written: Written, tables: Tables) -> None:
        """Check and apply a commit; raises `Broken`."""
        row = written[0]
        must(row.version == self.version + 1, f"version {row.version} follows {self.version}")
        must(row.at_ms >= self.at_ms, f"time runs backwards in version {row.version}")
        self.version, self.at_ms = row.version, row.at_ms
        self._touched.clear()
        for entry in log_entries.decode(row.format, row.entries):
            self._actor = entry.actor
            for operation in entry.operations:
                self._FOLLOW[type(operation)](self, operation)
        for key, hold in self.live.items():
            must(hold.expires_ms > self.at_ms, f"hold {key.hex()} lives past its time")
        self.characters.append(bytes(self.status))
        must(tables.configured == self.configured, "the event's row sells by something else")
        for booking in self._touched:
            compare(self, booking, tables)

    # Each kind of operation

    def _configured(self, operation: Configured) -> None:
        self.configured = (operation.configuration, self.version)

    def _held(self, operation: Held) -> None:
        self._begin(operation.hold)
        self._priced(operation.groups)
        holders = (operation.buyer, operation.address, operation.network)
        hold = HoldSeen(
            lines_of(operation.groups),
            self.at_ms,
            self.at_ms + operation.lasts_ms,
            tuple(each for each in holders if each is not None),
        )
        self._check_cool_down(hold, hold.lines)
        self.holds[operation.hold] = self.live[operation.hold] = hold
        self._give(hold.lines, operation.hold, "h")
        self._check_caps(operation.hold)

    def _amended(self, operation: Amended) -> None:
        hold = self._changeable(operation.hold)
        self._take_back(operation.removed, operation.hold)
        added = lines_of(operation.added)
        self._priced(operation.added)
        self._check_cool_down(hold, added)
        self._give(added, operation.hold, "h")
        before = len(hold.lines)
        hold.lines = without(hold.lines, operation.removed) | added
        hold.revision += 1
        if len(hold.lines) > before:
            self._check_caps(operation.hold)

    def _check_caps(self, key: bytes) -> None:
        """Nobody may hold more than the present rules allow."""
        hold = self.live[key]
        assert self.configured is not None
        rules = self.configured[0].rules
        caps = (
            rules.max_held_seats_per_buyer,
            rules.max_held_seats_per_address,
            NETWORK_FACTOR * rules.max_held_seats_per_address,
        )
        for holder, cap in zip(hold.holders, caps, strict=False):
            held = sum(len(each.lines) for each in self.live.values() if holder in each.holders)
            must(held <= cap, f"{held} seats are held by {holder!r}, who may hold {cap}")

    def _check_cool_down(self, hold: HoldSeen, seats: Iterable[int]) -> None:
        """A seat that the box office took away stays refused for a while, unless others held it."""
        for seat in seats:
            buyer, at_ms = self.taken_away.pop(seat, (b"", 0))
            waited = self.at_ms - at_ms >= COOL_DOWN_MS
            must(waited or buyer not in hold.holders, f"seat {seat} is held and cools down")

    def _extended(self, operation: Extended) -> None:
        hold = self._changeable(operation.hold)
        hold.expires_ms = self.at_ms + operation.lasts_ms
        must(hold.expires_ms <= self._latest(hold), "a hold is extended for too long")

    def _frozen(self, operation: Frozen) -> None:
        hold = self._hold(operation.hold)
        must(operation.by_staff == self._is_staff(), "a freeze is somebody else's")
        if not self._is_staff():
            must(hold.frozen_by is None, "a buyer freezes a frozen hold")
            hold.buyer_freezes += 1
            must(hold.buyer_freezes == 1, "a buyer freezes a hold twice")
        if hold.frozen_by is None:
            hold.thawed_ms = hold.expires_ms
        longer_ms = max(self.at_ms, hold.thawed_ms) + self._rules().checkout_ttl_ms
        expected_ms = max(hold.expires_ms, min(longer_ms, self._latest(hold)))
        hold.expires_ms = self.at_ms + operation.lasts_ms
        must(hold.expires_ms == expected_ms, "a freeze lasts for another time")
        hold.revision += hold.frozen_by != "staff"
        hold.frozen_by = "staff" if self._is_staff() else "buyer"

    def _thawed(self, operation: Thawed) -> None:
        hold = self._hold(operation.hold)
        must(hold.frozen_by is not None, "a hold thaws that was not frozen")
        must(hold.frozen_by == "buyer" or self._is_staff(), "a buyer ends what the shop began")
        expected_ms = min(hold.expires_ms, max(hold.thawed_ms, self.at_ms + 60_000))
        hold.expires_ms = self.at_ms + operation.lasts_ms
        must(hold.expires_ms == expected_ms, "a hold lasts for another time after its freeze")
        hold.frozen_by = None
        hold.revision += 1

    def _released(self, operation: Released) -> None:
        hold = self._changeable(operation.hold)
        must(hold.lines.keys() == set(operation.seats), "a release gives back other seats")
        self._take_back(operation.seats, operation.hold)
        self._end(operation.hold, "released")
        if operation.taken_away:
            for seat in operation.seats:
                self.taken_away[seat] = (hold.holders[0], self.at_ms)

    def _expired(self, operation: Expired) -> None:
        hold = self.live.get(operation.hold)
        must(hold is not None, "a hold expires that is not there")
        assert hold is not None
        must(hold.expires_ms <= self.at_ms, "a hold expires before its time")
        must(hold.lines.keys() == set(operation.seats), "an expiry frees other seats")
        self._take_back(operation.seats, operation.hold)
        self._end(operation.hold, "expired")
        self.expired += 1

    def _booked(self, operation: Booked) -> None:
        self._begin(operation.booking)
        hold = self.holds.get(operation.hold) if operation.hold is not None else None
        if operation.hold is None:
            lines = lines_of(operation.groups)
            self._priced(operation.groups)
            self._unblock(lines)
        elif operation.hold in self.live:
            lines = self._hold(operation.hold).lines
            must(lines.keys() == set(operation.taken), "a booking takes other seats than its hold")
            self._take_back(lines, operation.hold)
            self._end(operation.hold, "booked")
        else:
            lines = self._late(operation)
        self._give(lines, operation.booking, "b")
        booking = BookingSeen(dict(lines), self.at_ms, self.version, self.at_ms)
        total = sum(price for _, price in lines.values())
        booking.paid = (total, hold.revision if hold is not None else None)
        self.bookings[operation.booking] = booking
        self._touched.add(operation.booking)

    def _late(self, operation: Booked) -> Lines:
        assert operation.hold is not None
        hold = self.holds.get(operation.hold)
        must(hold is not None, "a booking names a hold that never was")
        assert hold is not None
        must(hold.ended == "expired", f"a hold is booked that was {hold.ended}")
        must(self.at_ms < hold.expires_ms + self.grace_ms, "a hold is booked after its grace")
        must(hold.lines == lines_of(operation.groups), "a late booking has other lines")
        hold.ended = "booked"
        self.late_bookings += 1
        return hold.lines

    def _cancelled(self, operation: Cancelled) -> None:
        booking = self._booking(operation.booking)
        self._take_back(operation.seats, operation.booking)
        left = without(booking.lines, operation.seats)
        if left:
            booking.lines = left
        else:
            booking.status = CANCELLED

    def _exchanged(self, operation: Exchanged) -> None:
        booking = self._booking(operation.booking)
        self._take_back(operation.released, operation.booking)
        taken = lines_of(operation.taken)
        self._priced(operation.taken)
        self._give(taken, operation.booking, "b")
        booking.lines = without(booking.lines, operation.released) | taken
        must(bool(booking.lines), "an exchange leaves a booking without a seat")

    def _blocked(self, operation: Blocked) -> None:
        for seat in from_ranges(operation.ranges):
            must(self.status[seat] == ord(FREE), f"seat {seat} is blocked and was not free")
            self.status[seat] = ord(BLOCKED)

    def _unblocked(self, operation: Unblocked) -> None:
        for seat in from_ranges(operation.ranges):
            must(self.status[seat] == ord(BLOCKED), f"seat {seat} is unblocked and was not")
            self.status[seat] = ord(FREE)

    _FOLLOW: ClassVar[dict[type, Callable[["Referee", Any], None]]] = {
        Configured: _configured,
        Held: _held,
        Amended: _amended,
        Extended: _extended,
        Released: _released,
        Expired: _expired,
        Booked: _booked,
        Cancelled: _cancelled,
        Exchanged: _exchanged,
        Blocked: _blocked,
        Unblocked: _unblocked,
        Frozen: _frozen,
        Thawed: _thawed,
    }

    # Shared

    def _is_staff(self) -> bool:
        """Whether the box office asked for the entry that is being followed."""
        return self._actor is not None

    def _priced(self, groups: Groups) -> None:
        """New lines must have a ticket type of the event, at its price, that the caller may use."""
        assert self.configured is not None, "an event begins with how it sells"
        sale = self.configured[0]
        for group in groups:
            name = group.ticket_type
            must(name is not None, "a new line names no ticket type")
            assert name is not None
            prices = {by_type.get(name) for by_type in sale.prices.values()}
            must(group.price in prices, f"{name} is sold at {group.price}, which is not its price")
            described = sale.ticket_types
            public = described is None or described[name].access is Access.public
            must(public or self._actor is not None, f"a buyer without a key gets {name}")

    def _begin(self, key: bytes) -> None:
        must(key not in self.began, f"{key.hex()} begins twice")
        self.began[key] = self.version

    def _hold(self, key: bytes) -> HoldSeen:
        hold = self.live.get(key)
        must(hold is not None, f"hold {key.hex()} is used and is not there")
        assert hold is not None
        must(hold.expires_ms > self.at_ms, f"hold {key.hex()} is used past its time")
        return hold

    def _changeable(self, key: bytes) -> HoldSeen:
        hold = self._hold(key)
        may = hold.frozen_by is None or self._is_staff() or self._is_cancelled()
        must(may, "a buyer changes a frozen hold")
        return hold

    def _is_cancelled(self) -> bool:
        return self.configured is not None and self.configured[0].status == SaleStatus.cancelled

    def _rules(self) -> SaleRules:
        assert self.configured is not None, "an event begins with its configuration"
        return self.configured[0].rules

    def _latest(self, hold: HoldSeen) -> int:
        """The latest time at which the hold may end, by the caller's role."""
        return hold.created_ms + (DAY_MS if self._is_staff() else self._rules().hold_total_max_ms)

    def _end(self, key: bytes, how: str) -> None:
        self.live.pop(key).ended = how

    def _booking(self, key: bytes) -> BookingSeen:
        booking = self.bookings.get(key)
        must(booking is not None, "a booking is changed that is not there")
        assert booking is not None
        must(booking.status == CONFIRMED, "a booking is changed that was cancelled")
        booking.version, booking.updated_ms = self.version, self.at_ms
        self._touched.add(key)
        return booking

    def _give(self, seats: Iterable[int], owner: bytes, status: str) -> None:
        for seat in seats:
            must(seat not in self.owners, f"seat {seat} has two owners")
            must(self.status[seat] == ord(FREE), f"seat {seat} is taken and was not free")
            self.owners[seat] = owner
            self.status[seat] = ord(status)

    def _take_back(self, seats: Iterable[int], owner: bytes) -> None:
        for seat in seats:
            must(self.owners.pop(seat, None) == owner, f"seat {seat} is given back by another")
            self.status[seat] = ord(FREE)

    def _unblock(self, seats: Iterable[int]) -> None:
        for seat in seats:
            if self.status[seat] == ord(BLOCKED):
                self.status[seat] = ord(FREE)
