"""A log with every operation and every field, and the image of the state that it gives.

The operations are written down, not decided: what a rule book grants may change, what a row of
this form means may not.
"""

from typing import Any

import msgspec

from event_seating.booking.core.log_entries import (
    FORMAT,
    Amended,
    Blocked,
    Booked,
    Cancelled,
    Configured,
    Entry,
    Exchanged,
    Expired,
    Extended,
    Frozen,
    Held,
    Released,
    Thawed,
    Unblocked,
    encode,
)
from event_seating.booking.core.records import (
    Access,
    CancelReason,
    Configuration,
    Groups,
    LineGroup,
    SaleRules,
    SaleStatus,
    TicketType,
)
from event_seating.booking.core.seat_state import SeatStates
from event_seating.booking.core.state_codec import SNAPSHOT_FORMAT
from tests.golden.texts import in_lines
from tests.support.seat_states import NOW, one_row

MAP = {"seats": 12, "places": 6}
MINUTE = 60_000

CONFIGURATION = Configuration(
    currency="EUR",
    prices={"1": {"standard": 4500, "child": 2000}},
    status=SaleStatus.on_sale,
    sales_start_ms=NOW - MINUTE,
    sales_end_ms=NOW + 999 * MINUTE,
    rules=SaleRules(
        allow_orphans=False,
        max_seats_per_hold=6,
        max_held_seats_per_buyer=30,
        max_held_seats_per_address=300,
        hold_ttl_ms=10 * MINUTE,
        hold_total_max_ms=25 * MINUTE,
        checkout_ttl_ms=14 * MINUTE,
    ),
    ticket_types={
        "standard": TicketType("Standard", Access.public),
        "child": TicketType("Child", Access.staff),
    },
    default_ticket_type="standard",
)
"""Nothing as it is by default."""


def _id(name: str) -> bytes:
    return (name * 8).encode()


def _line(*seats: int, ticket_type: str = "standard") -> Groups:
    return (LineGroup(seats, {"standard": 4500, "child": 2000}[ticket_type], ticket_type),)


H1, H2, H3, H4, H5, H6, H7, H8 = (_id(f"h{number}") for number in range(1, 9))
B1, B2, B3 = (_id(f"b{number}") for number in range(1, 4))
BUYER, HOME, NETWORK = b"the-buyer", b"the-address", b"the-network"
LONG, LATER = 10 * MINUTE, 21 * MINUTE

LOG: tuple[tuple[int, tuple[Entry, ...]], ...] = (
    (
        0,
        (Entry("admin", (Configured(CONFIGURATION), Blocked((11, 1), "not for sale"))),),
    ),
    (
        1,
        (
            Entry(
                None,
                (
                    Held(
                        H1,
                        (*_line(0, 1), *_line(12, 13, ticket_type="child")),
                        LONG,
                        BUYER,
                        False,
                        HOME,
                        NETWORK,
                    ),
                ),
            ),
            Entry(None, (Held(H2, _line(2, 3), LONG, b"another"),)),
            Entry("desk", (Held(H3, _line(4), LONG),)),
        ),
    ),
    (2, (Entry(None, (Amended(H1, (0,), _line(5)),)), Entry(None, (Extended(H2, LONG),)))),
    (3, (Entry(None, (Frozen(H1, LONG, False),)), Entry("desk", (Frozen(H2, LONG, True),)))),
    (4, (Entry(None, (Thawed(H1, LONG),)),)),
    (
        5,
        (
            Entry(None, (Booked(B1, (1, 12, 13, 5), H1),)),
            Entry("desk", (Released(H3, (4,)),)),
        ),
    ),
    (
        6,
        (
            Entry("desk", (Booked(B2, (), None, _line(6, 7)),)),
            Entry("desk", (Blocked((8, 2, 14, 1), "camera"),)),
        ),
    ),
    (7, (Entry("desk", (Exchanged(B2, (6,), _line(10, ticket_type="child"), -2500),)),)),
    (8, (Entry("desk", (Cancelled(B1, (1,)),)), Entry("desk", (Unblocked((8, 1), "gone"),)))),
    (9, (Entry("desk", (Cancelled(B2, (7, 10), CancelReason.event_cancelled),)),)),
    (LATER, (Entry(None, (Expired(H2, (2, 3)), Held(H4, _line(2), LONG, BUYER))),)),
    (LATER + 1, (Entry(None, (Booked(B3, (), H2, _line(3)),)),)),
    (LATER + 2, (Entry("desk", (Released(H4, (2,), True),)),)),
    (
        LATER + 3,
        (
            Entry(None, (Held(H5, _line(2, 4), LONG, b"an-older-one", False, HOME),)),
            Entry(None, (Held(H6, _line(0), LONG, BUYER, False, HOME, NETWORK),)),
            Entry(None, (Held(H7, _line(8, 15), 1, BUYER),)),
        ),
    ),
    (LATER + 4, (Entry(None, (Expired(H7, (8, 15)), Frozen(H6, LONG, False))),)),
    (LATER + 5, (Entry("desk", (Released(H5, (2, 4), True),)),)),
    (
        LATER + 6,
        (
            Entry(None, (Held(H8, _line(2, 16), LONG, b"an-older-one", False, HOME),)),
            Entry(None, (Amended(H8, (16,), _line(1)), Frozen(H8, LONG, True))),
        ),
    ),
)  # fmt: skip


def made() -> dict[str, Any]:
    """The record: rows and image as bytes, and what both mean."""
    states = SeatStates.new(one_row(**MAP))
    rows = []
    for version, (after_ms, entries) in enumerate(LOG, 1):
        states.apply(version, NOW + after_ms, entries)
        row = {"version": version, "at_ms": NOW + after_ms, "entries": in_lines(encode(entries))}
        rows.append(row)
    return {
        "about": "Rows and an image as they are written now; see log.py.",
        "map": MAP,
        "log_format": FORMAT,
        "image_format": SNAPSHOT_FORMAT,
        "rows": rows,
        "image": in_lines(states.dump()),
        "after": seen(states),
        "kept": kept(states),
    }


def seen(states: SeatStates) -> dict[str, Any]:
    """What every release could tell of a state."""
    states.check()
    gone = states.ledger.tombstones.items()
    return {
        "characters": states.characters().decode(),
        "counts": states.counts(),
        "holds": sorted(key.decode() for key in states.ledger.holds),
        "bookings": sorted(key.decode() for key in states.ledger.bookings),
        "gone": {
            key.decode(): [record.ending, record.booking.decode() if record.booking else None]
            for key, record in gone
        },
    }


def kept(states: SeatStates) -> dict[str, Any]:
    """Every record of a state with every field, in the order of the fields."""
    ledger = states.ledger
    holds = [*ledger.holds.values(), *ledger.bookings.values()]
    found = {
        "configuration": states.configuration,
        "holds and bookings": holds,
        "late": ledger.late_in_order(),
        "rests": ledger.cool_down.recent,
    }
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))
    return plain
