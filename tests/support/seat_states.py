"""Small halls for the tests of the rules."""

from typing import NamedTuple

from event_seating.booking.core.commands import Choice, Command, Configure, PlaceHold
from event_seating.booking.core.log_entries import Entry
from event_seating.booking.core.records import Configuration, Groups, SaleRules
from event_seating.booking.core.refusals import Refusal, RefusalCode
from event_seating.booking.core.seat_index import AreaPlan, RowPlan, SeatIndex, SeatPlan
from event_seating.booking.core.seat_state import Batch, SeatStates

NOW = 1_700_000_000_000
PRICES = {"1": {"standard": 4500, "child": 2000}, "2": {"standard": 9000}}


def row_of(
    seats: int, *, section: str = "A", name: str = "1", y: float = 0.0, category: str = "1"
) -> RowPlan:
    plans = [
        SeatPlan(f"{section}-{name}-{place}", float(place), y, category, place)
        for place in range(seats)
    ]
    return RowPlan(section, name, plans)


def one_row(seats: int = 10, places: int = 0) -> SeatIndex:
    """One row, seat 0 being nearest the focal point; and an area, if it has places."""
    areas = [AreaPlan("floor", places, "1")] if places else []
    return SeatIndex([row_of(seats)], areas, focal=(0.0, -1.0))


def event(index: SeatIndex | None = None, **rules: object) -> SeatStates:
    """An event on sale since `NOW`."""
    states = SeatStates.new(index or one_row())
    configure(states, rules=SaleRules(**rules))  # type: ignore[arg-type]
    return states


def configure(states: SeatStates, now_ms: int = NOW, **changed: object) -> None:
    fields = {"currency": "EUR", "prices": PRICES, **changed}
    do(states, Configure(Configuration(**fields)), now_ms)  # type: ignore[arg-type]


def do(states: SeatStates, request: Command, now_ms: int = NOW) -> Entry | Refusal:
    """Decide one request in a batch of its own and keep what was granted."""
    batch = states.begin(now_ms)
    outcome = batch.decide(request)
    finish(states, batch)
    return outcome


def finish(states: SeatStates, batch: Batch) -> None:
    if batch.entries:
        states.commit(batch)
    else:
        batch.discard()
    states.check()


def granted(states: SeatStates, request: Command, now_ms: int = NOW) -> Entry:
    outcome = do(states, request, now_ms)
    assert isinstance(outcome, Entry), outcome
    return outcome


def refused(
    states: SeatStates, request: Command, code: RefusalCode | str, now_ms: int = NOW
) -> Refusal:
    before = states.characters()
    outcome = do(states, request, now_ms)
    assert isinstance(outcome, Refusal), outcome
    assert outcome.code == code
    assert states.characters() == before or states.at_ms >= now_ms
    return outcome


def pick(hold: bytes, *seats: int, buyer: bytes = b"buyer", **more: object) -> PlaceHold:
    return PlaceHold(hold, Choice(seats), buyer, **more)  # type: ignore[arg-type]


class Line(NamedTuple):
    seat: int
    category: int
    ticket_type: str
    price: int


def lines_of(states: SeatStates, groups: Groups) -> list[Line]:
    """The lines of a hold or booking, one a seat or place."""
    return [
        Line(seat, states.index.category_of[seat], group.type_name, group.price)
        for group in groups
        for seat in group.seats
    ]
