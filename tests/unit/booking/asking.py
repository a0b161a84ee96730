"""A small hall, built for the real rules and for the naive ones, and what is asked of it."""

from typing import Any

from hypothesis import strategies as st
from tests.unit.booking.naive import Naive
from tests.unit.booking.naive_seats import neighbours

from event_seating.booking.core.commands import AreaQuantity, Best, Choice, Part
from event_seating.booking.core.records import (
    Access,
    Configuration,
    SaleRules,
    SaleStatus,
    TicketType,
)
from event_seating.booking.core.seat_index import AreaPlan, RowPlan, SeatIndex, SeatPlan

START = 1_700_000_000_000
GRACE_MS = 60_000
FOCAL = (2.3, -3.1)
PRICES = {
    "1": {"standard": 4500, "child": 2000, "press": 0},
    "2": {"standard": 9000},
    "3": {"standard": 1500, "child": 0, "press": 100},
}
TYPES = {
    "standard": TicketType("Adult"),
    "child": TicketType("Child"),
    "press": TicketType("Press", Access.staff),
}
CHILDREN_ARE_STAFFS = {**TYPES, "child": TicketType("Child", Access.staff)}

# (section, y, category, columns); marks: the accessible and the companion seats
ROWS = [
    ("A", 0.0, "1", (1, 2, 3, 4, 5, 7, 8, 9, 10)),
    ("A", 1.0, "2", (1, 2, 3, 4, 5, 6)),
    ("B", 2.0, "1", (9, 8, 7, 6, 5, 4, 3)),
]
ACCESSIBLE, COMPANION = {15}, {16}
AREAS = [("floor", 5, "3"), ("balcony", 2, "2")]
SIZE = 22


def build() -> tuple[SeatIndex, Naive]:
    rows, plan, numbered = [], [], []
    for name, (section, y, category, columns) in enumerate(ROWS):
        seats = []
        numbered.append([])
        for col in columns:
            number = len(plan)
            marks = (number in ACCESSIBLE, number in COMPANION)
            seats.append(SeatPlan(f"seat-{number}", float(col), y, category, col, *marks))
            numbered[-1].append((number, col))
            plan.append(
                {
                    "x": float(col),
                    "y": y,
                    "category": category,
                    "category_number": "12".index(category),
                    "section_number": "AB".index(section),
                    "accessible": marks[0],
                    "companion": marks[1],
                }
            )
        rows.append(RowPlan(section, str(name), seats))
    index = SeatIndex(rows, [AreaPlan(*area) for area in AREAS], FOCAL)
    places, first = [], len(plan)
    for _, capacity, _ in AREAS:
        places.append(list(range(first, first + capacity)))
        first += capacity
    categories = [category for _, _, category in AREAS]
    return index, Naive(
        plan,
        neighbours(numbered),
        places,
        area_category=categories,
        focal=FOCAL,
        grace_ms=GRACE_MS,
    )


seats = st.lists(
    st.integers(0, SIZE - 1) | st.integers(-1, SIZE + 1), min_size=1, max_size=4, unique=True
)
quantity = st.builds(
    AreaQuantity,
    st.sampled_from([0, 0, 0, 1, 1, 2]),
    st.integers(1, 3),
    st.sampled_from([None, "standard", "child", "press"]),
)
quantities = st.lists(quantity, max_size=2)
some_quantities = st.lists(quantity, min_size=1, max_size=2)


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    picked = draw(seats | st.just([]))
    areas = draw(quantities if picked else some_quantities)
    kinds = st.sampled_from([None] * 8 + ["child", "child", "press"])
    types = {seat: kind for seat in picked if (kind := draw(kinds)) is not None}
    return Choice(tuple(picked), tuple(areas), types)


@st.composite
def neighbouring(draw: st.DrawFn) -> Choice:
    first = draw(st.integers(0, SIZE - 1))
    return Choice(tuple(range(first, min(first + draw(st.integers(1, 3)), SIZE))))


parts = st.builds(
    lambda picked, areas: Part(tuple(picked), tuple(areas)), seats, quantities
) | st.builds(lambda areas: Part((), tuple(areas)), some_quantities)
BY_TYPE = (
    (("standard", 1), ("child", 1)),
    (("child", 2), ("standard", 1)),
    (("child", 2),),
    (("press", 1), ("child", 1)),
)


def best_of(quantity: int, types: tuple[tuple[str, int], ...], *filters: Any) -> Best:
    return Best(sum(many for _, many in types) or quantity, *filters, types)


bests = st.builds(
    best_of,
    st.integers(1, 4),
    st.sampled_from([(), (), *BY_TYPE]),
    st.sampled_from([(), (), (0,), (1,)]),
    st.sampled_from([(), (), (0,), (1,)]),
    st.sampled_from([None, None, 4500, 100]),
    st.sampled_from([False, False, True]),
)
configurations = st.builds(
    Configuration,
    currency=st.just("EUR"),
    prices=st.sampled_from([PRICES, PRICES, {**PRICES, "2": {"standard": 1}, "3": {}}]),
    status=st.sampled_from([SaleStatus.on_sale] * 12 + [SaleStatus.paused, SaleStatus.closed]),
    sales_start_ms=st.sampled_from([None] * 6 + [START + 700_000]),
    sales_end_ms=st.sampled_from([None] * 6 + [START + 700_000]),
    ticket_types=st.sampled_from([TYPES, TYPES, TYPES, CHILDREN_ARE_STAFFS, None]),
    default_ticket_type=st.sampled_from(["standard", "standard", "child", None]),
    rules=st.builds(
        SaleRules,
        allow_orphans=st.booleans(),
        max_seats_per_hold=st.just(4),
        max_held_seats_per_buyer=st.just(6),
        max_held_seats_per_address=st.sampled_from([4, 7, 9]),
        hold_ttl_ms=st.sampled_from([60_000, 600_000]),
        hold_total_max_ms=st.sampled_from([1_800_000, 1_800_000, 660_000]),
        checkout_ttl_ms=st.sampled_from([900_000, 90_000]),
    ),
)
expectations = st.sampled_from(
    ["nothing", "total", "total", "revision", "both", "another total", "another revision"]
)
BUYERS = (b"anna", b"berta", b"carla")
buyers = st.sampled_from(BUYERS)
places = st.sampled_from(
    [(b"office", None), (b"office", None), (b"home", b"town"), (b"phone", b"town"), (None, None)]
)
"""An address and its network: IPv4, IPv6, and none, as a buyer has whom the box office names."""
known_since = st.sampled_from([None, None, 0, START + 600_000])
some = st.integers(0, 30)
