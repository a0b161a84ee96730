"""What must always be true of an event's seats, counted from scratch.

For tests, simulations and `verify`: everything that is updated incrementally is compared with a
full count. The cost grows with the venue; the hot path has cheaper checks of its own. The state is
not changed, except that counts and masks that are behind are brought up to date.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from event_seating.booking.core.ledger import Ledger
from event_seating.booking.core.records import (
    AVAILABLE,
    BLOCKED,
    BOOKED,
    BUYER_FREEZES_MAX,
    HELD,
    STATUS_CHARS,
    Hold,
    seat_count,
    seats_of,
)
from event_seating.booking.core.seat_arrays import InvariantError
from event_seating.booking.core.seat_index import STATUSES


def check(ledger: Ledger) -> None:
    """Raise `InvariantError` when the state contradicts itself.

    Every seat has at most one owner; records and arrays agree; counts, masks, buyers and what is
    published follow from them. Published state is compared only when nothing is undecided.
    """
    _check_owners(ledger)
    _check_counts(ledger)
    _check_masks(ledger)
    _check_buyers(ledger)
    _check_ids(ledger)
    _check_freezes(ledger)
    _check_stretches(ledger)
    ledger.cool_down.check()
    if not ledger.undo.seats:
        _check_published(ledger)


def difference(ours: Ledger, theirs: Ledger, *, complete: bool = True) -> str | None:
    """The first thing in which two committed states of the same log differ; `None` if they agree.

    Late holds are not compared: they depend on the grace that was set when they ran out. Recently
    held seats and the revisions of holds are compared only when both states are `complete`: one
    that began with a snapshot of format 2 is not, since that has neither.
    """
    theirs_held = theirs.holds
    ours_held = ours.holds
    if not complete:
        ours_held, theirs_held = _as_in_format_2(ours_held), _as_in_format_2(theirs_held)
    alike = {
        "seats": (ours.arrays.status, ours.arrays.owner)
        == (theirs.arrays.status, theirs.arrays.owner),
        "configuration": ours.configuration == theirs.configuration,
        "holds": ours_held == theirs_held,
        "bookings": ours.bookings == theirs.bookings,
        "booked holds": ours.booking_of_hold == theirs.booking_of_hold,
        "ended ids": ours.tombstones == theirs.tombstones,
        "seats that cool down": not complete or ours.cool_down.recent == theirs.cool_down.recent,
    }
    return next((what for what, same in alike.items() if not same), None)


def _as_in_format_2(holds: Mapping[bytes, Hold]) -> dict[bytes, Hold]:
    return {key: replace(hold, revision=1, stretches=()) for key, hold in holds.items()}


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise InvariantError(otherwise)


def _check_owners(ledger: Ledger) -> None:
    expected: dict[int, tuple[int, bytes]] = {}
    for status, records in ((HELD, ledger.holds), (BOOKED, ledger.bookings)):
        for key, record in records.items():
            _require(key == record.id, "a record is kept under another id")
            _require(bool(record.groups), "a hold or booking has no seat")
            for seat in seats_of(record.groups):
                _require(seat not in expected, f"seat {seat} has two owners")
                expected[seat] = (status, key)
    arrays = ledger.arrays
    for seat, (status, owner) in enumerate(zip(arrays.status, arrays.owner, strict=True)):
        if seat in expected:
            _require((status, owner) == expected[seat], f"seat {seat} is not with its owner")
        else:
            _require(owner is None, f"seat {seat} has an owner that does not have it")
            _require(status in {AVAILABLE, BLOCKED}, f"seat {seat} is taken by nobody")


def _check_counts(ledger: Ledger) -> None:
    counts = [0] * (len(ledger.index.cells) * STATUSES)
    for cell, status in zip(ledger.index.cell_of, ledger.arrays.status, strict=True):
        counts[cell + status] += 1
    _require(counts == list(ledger.arrays.counts), "the counts of the seats do not add up")


def _check_masks(ledger: Ledger) -> None:
    status = ledger.arrays.status
    for run, free in zip(ledger.index.runs, ledger.arrays.masks, strict=True):
        mask = 0
        for place in range(run.length):
            mask |= (status[run.first + place] == AVAILABLE) << place
        _require(free == mask, "a mask disagrees with the statuses")
    for number, area in enumerate(ledger.index.areas):
        places = range(area.first, area.first + area.capacity)
        lowest = [place for place in places if status[place] == AVAILABLE][:1]
        _require(ledger.arrays.lowest(number, 1) == lowest, "the lowest free place is another")


def _check_buyers(ledger: Ledger) -> None:
    held: dict[bytes, int] = {}
    for hold in ledger.holds.values():
        for holder in (hold.buyer, hold.address, hold.network):
            if holder is not None:
                held[holder] = held.get(holder, 0) + seat_count(hold.groups)
    _require(held == ledger.held_by, "what buyers and addresses hold is miscounted")
    first = min((hold.expires_ms for hold in ledger.holds.values()), default=None)
    _require(ledger.next_expiry_ms() == first, "the next hold to run out is another")


def _check_ids(ledger: Ledger) -> None:
    became = {
        booking.hold: booking.id for booking in ledger.bookings.values() if booking.hold is not None
    }
    _require(became == ledger.booking_of_hold, "a booked hold is not known as such")
    for table in (ledger.holds, ledger.bookings, ledger.booking_of_hold):
        _require(not ledger.tombstones.keys() & table.keys(), "an id that ended is in use")


def _check_freezes(ledger: Ledger) -> None:
    for hold in ledger.holds.values():
        _require(hold.freezes <= BUYER_FREEZES_MAX, "a buyer froze a hold too often")
        # Each freeze raised the revision, which began at 1.
        frozen = max(hold.freezes, hold.freeze is not None)
        _require(hold.revision > frozen, "a freeze did not raise the revision of its hold")
        if hold.freeze is not None:
            _require(hold.freeze.by_staff or hold.freezes > 0, "a buyer's freeze is not counted")
            _require(hold.freeze.expires_ms <= hold.expires_ms, "a freeze shortened its hold")


def _check_stretches(ledger: Ledger) -> None:
    for hold in ledger.holds.values():
        seats = [seat for stretch in hold.stretches for seat in stretch.seats]
        _require(len(seats) == len(set(seats)), "a seat of a hold began twice")
        _require(set(seats) <= set(seats_of(hold.groups)), "a hold times a seat that it has not")


def _check_published(ledger: Ledger) -> None:
    expected = bytes(STATUS_CHARS[status] for status in ledger.arrays.status)
    _require(expected == bytes(ledger.published), "what is published is not what is there")
