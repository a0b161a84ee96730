"""The rule book against a dictionary and a few loops, by every request in any order.

Each step is decided by both; they must agree on the answer, on every seat, and on every hold and
booking. Batches are kept or thrown away, rows of the log are read by a second process and replayed
from the start, and images are written and read, all in between.
"""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.support.seat_states import lines_of
from tests.unit.booking.asking import (
    BUYERS,
    GRACE_MS,
    PRICES,
    SIZE,
    START,
    TYPES,
    bests,
    build,
    buyers,
    choices,
    configurations,
    expectations,
    known_since,
    neighbouring,
    parts,
    places,
    some,
)

from event_seating.booking.core.commands import (
    AreaQuantity,
    Best,
    BlockSeats,
    BookHold,
    BookSeats,
    CancelBooking,
    ChangeHold,
    Choice,
    Configure,
    ExchangeSeats,
    ExtendHold,
    FreezeHold,
    Part,
    PlaceHold,
    ReleaseHold,
    ReleaseHolds,
    ThawHold,
    UnblockSeats,
    WindUp,
)
from event_seating.booking.core.log_entries import FORMAT, changes, decode, encode
from event_seating.booking.core.records import (
    STATUS_NAMES,
    Configuration,
    SaleRules,
    SaleStatus,
    total,
)
from event_seating.booking.core.refusals import Refusal, RefusalCode
from event_seating.booking.core.seat_state import SeatStates


class RulesAgainstNaive(RuleBasedStateMachine):
    """One event, decided twice; a follower that reads the log; and the log itself."""

    def __init__(self) -> None:
        super().__init__()
        self.index, self.naive = build()
        self.states = SeatStates.new(self.index, grace_ms=GRACE_MS)
        self.follower = SeatStates.new(self.index, grace_ms=GRACE_MS)
        self.log: list[tuple[int, bytes]] = []
        self.now = START
        self.batch = None
        self.ids = 0
        self.holds: list[bytes] = [b"never-held"]
        self.bookings: list[bytes] = [b"never-booked"]

    @initialize(orphans=st.booleans())
    def configured(self, orphans: bool) -> None:
        rules = SaleRules(
            orphans,
            max_seats_per_hold=4,
            max_held_seats_per_buyer=6,
            max_held_seats_per_address=8,
        )
        sale = Configuration(
            "EUR", PRICES, rules=rules, ticket_types=TYPES, default_ticket_type="standard"
        )
        self.decide(Configure(sale))
        self.keep()

    # What a step does

    def new_id(self, kind: str) -> bytes:
        self.ids += 1
        return f"{kind}-{self.ids}".encode()

    def decide(self, request) -> bool:
        """Decide by both, compare; whether it was granted."""
        if self.batch is None:
            self.batch = self.states.begin(self.now)
            self.naive.begin(self.batch.at_ms)
        previewed = self.batch.preview(request)
        outcome = self.batch.decide(request)
        assert outcome == previewed
        expected = self.naive.decide(request, self.batch.at_ms)
        if isinstance(outcome, Refusal):
            assert expected is not None, f"refused with {outcome}, naive grants"
            assert outcome.code == expected[0]
            self.agree_on_why(request, outcome, expected)
        else:
            assert expected is None, f"granted, naive refuses with {expected}"
            present = self.naive.statuses()
            for seat, status in changes([outcome]).items():
                assert present[seat] == STATUS_NAMES[status]
        return expected is None

    def agree_on_why(self, request, refusal: Refusal, expected: tuple) -> None:
        if refusal.code == RefusalCode.hold_booked:
            assert refusal.booking == expected[1]
        if refusal.code in {"too_many_seats", "too_many_held"}:
            assert (refusal.limit, refusal.held_by) == expected[1:]
        picked = {"seats_unavailable", "sold_out", "cooling_down"}
        if len(expected) == 3 and refusal.code in picked:
            assert {problem.seat: problem.code for problem in refusal.seats} == expected[1]
            assert {problem.area: problem.code for problem in refusal.areas} == expected[2]
        if refusal.code == RefusalCode.total_changed:
            present = refusal.current
            assert present is not None
            assert (total(present.groups), present.revision) == expected[1:]
        if refusal.code == RefusalCode.orphan_seat:
            own = []
            if isinstance(request, ChangeHold):
                own = list(self.naive.state["holds"][request.hold]["lines"])
            hidden = expected[1]
            for seat in refusal.suggestion:
                assert (self.naive.free(seat) and seat not in hidden) or seat in own
            assert not self.naive.strands(refusal.suggestion, own, hidden)

    def keep(self) -> None:
        batch, self.batch = self.batch, None
        if not batch.entries:
            batch.discard()
            return
        row = encode(batch.entries)
        self.log.append((batch.at_ms, row))
        before = self.states.characters()
        changed = self.states.commit(batch)
        self.states.check()
        assert changed == self.follower.apply(len(self.log), batch.at_ms, decode(FORMAT, row))
        for seat, status in changed.items():
            if seat < SIZE:
                assert before[seat] != b"ahbx"[status]
                assert self.states.characters()[seat] == b"ahbx"[status]

    # Steps

    @rule(choice=choices() | neighbouring() | bests, buyer=buyers, place=places, since=known_since)
    def hold(self, choice, buyer: bytes, place: tuple, since: int | None) -> None:
        self.place(choice, buyer, address=place[0], network=place[1], known_since_ms=since)

    @rule(choice=neighbouring(), buyer=buyers)
    def hold_neighbours(self, choice: Choice, buyer: bytes) -> None:
        self.place(choice, buyer)

    @precondition(lambda self: self.naive.state["last"])
    @rule(data=st.data(), buyer=buyers, place=places, since=known_since, after=st.integers(-1, 1))
    def take_again(self, data, buyer: bytes, place: tuple, since: int | None, after: int) -> None:
        """Seats that somebody had a moment ago, perhaps just when they have cooled down."""
        last = self.naive.state["last"]
        seat = data.draw(st.sampled_from(sorted(last)))
        if self.batch is None and data.draw(st.booleans()):
            self.now = max(self.now, last[seat]["ended"] + 120_000 + after)
        area = next(
            (number for number, places_ in enumerate(self.naive.areas) if seat in places_), None
        )
        wish = Choice((seat,)) if area is None else Choice((), (AreaQuantity(area, 2),))
        if data.draw(st.booleans()):
            buyer, *place = last[seat]["who"]
        self.place(wish, buyer, address=place[0], network=place[1], known_since_ms=since)

    @rule(choice=choices() | bests)
    def hold_at_box_office(self, choice: Choice | Best) -> None:
        self.place(choice, None, box_office=True)

    def place(self, choice: Choice | Best, buyer: bytes | None, **more) -> None:
        key = self.new_id("hold")
        if self.decide(PlaceHold(key, choice, buyer, **more)):
            self.holds.append(key)

    @precondition(lambda self: len(self.holds) > 1)
    @rule(which=some, choice=choices() | st.none(), part=parts | st.none(), staff=st.booleans())
    def change(self, which: int, choice: Choice | None, part: Part | None, staff: bool) -> None:
        if choice is not None or part is not None:
            self.decide(ChangeHold(self.known(self.holds, which), choice, part, staff))

    @precondition(lambda self: len(self.holds) > 1)
    @rule(which=some, choice=choices() | st.none(), data=st.data(), staff=st.booleans())
    def change_own(self, which: int, choice: Choice | None, data, staff: bool) -> None:
        key = self.known(self.holds, which)
        part = self.own_part(self.naive.state["holds"].get(key), data)
        if part is not None:
            buyer, since = data.draw(buyers), data.draw(known_since)
            change = ChangeHold(key, choice, part, staff, buyer=buyer, known_since_ms=since)
            self.decide(change)

    @rule(holder=st.sampled_from([*BUYERS, b"office", b"home", b"town", b"nobody"]))
    def release_all(self, holder: bytes) -> None:
        self.decide(ReleaseHolds(holder, most=100))

    @precondition(lambda self: len(self.holds) > 1)
    @rule(which=some, staff=st.booleans())
    def extend(self, which: int, staff: bool) -> None:
        self.decide(ExtendHold(self.known(self.holds, which), staff))

    @precondition(lambda self: len(self.holds) > 1)
    @rule(which=some, staff=st.booleans())
    def release(self, which: int, staff: bool) -> None:
        self.decide(ReleaseHold(self.known(self.holds, which), staff))

    @precondition(lambda self: len(self.holds) > 1)
    @rule(which=some, staff=st.booleans())
    def freeze(self, which: int, staff: bool) -> None:
        self.decide(FreezeHold(self.known(self.holds, which), staff))

    @precondition(lambda self: len(self.holds) > 1)
    @rule(which=some, staff=st.booleans())
    def thaw(self, which: int, staff: bool) -> None:
        self.decide(ThawHold(self.known(self.holds, which), staff))

    @precondition(lambda self: len(self.holds) > 1)
    @rule(which=some, what=expectations)
    def book(self, which: int, what: str) -> None:
        hold, key = self.known(self.holds, which), self.new_id("booking")
        if self.decide(BookHold(hold, key, None, *self.expected(hold, what))):
            self.bookings.append(key)

    def expected(self, key: bytes, what: str) -> tuple[int | None, int | None]:
        """What somebody thinks who looks at a hold as both know it now."""
        naive = self.naive.state
        hold = naive["holds"].get(key) or naive["late"].get(key)
        total = self.naive.total(hold["lines"]) if hold else 0
        revision = hold["revision"] if hold else 1
        return {
            "nothing": (None, None),
            "total": (total, None),
            "revision": (None, revision),
            "both": (total, revision),
            "another total": (total + 1, revision),
            "another revision": (total, revision - 1),
        }[what]

    @rule(
        choice=choices(),
        statuses=st.sampled_from([(True, False), (False, True), (True, True)]),
        expected=st.sampled_from([None, None, 4500]),
    )
    def book_straight(
        self, choice: Choice, statuses: tuple[bool, bool], expected: int | None
    ) -> None:
        key = self.new_id("booking")
        if self.decide(BookSeats(key, choice, *statuses, expected_total=expected)):
            self.bookings.append(key)

    @precondition(lambda self: len(self.bookings) > 1)
    @rule(which=some, part=parts | st.none())
    def cancel(self, which: int, part: Part | None) -> None:
        self.decide(CancelBooking(self.known(self.bookings, which), part))

    @precondition(lambda self: len(self.bookings) > 1)
    @rule(which=some, data=st.data(), choice=choices() | st.none(), exchange=st.booleans())
    def change_own_booking(self, which: int, data, choice: Choice | None, exchange: bool) -> None:
        key = self.known(self.bookings, which)
        part = self.own_part(self.naive.state["bookings"].get(key), data)
        if part is not None:
            self.decide(ExchangeSeats(key, part, choice) if exchange else CancelBooking(key, part))

    @precondition(lambda self: len(self.bookings) > 1)
    @rule(which=some, part=parts | st.none(), choice=choices(), staff=st.booleans())
    def exchange(self, which: int, part: Part | None, choice: Choice, staff: bool) -> None:
        self.decide(ExchangeSeats(self.known(self.bookings, which), part, choice, staff))

    @rule(part=parts)
    def block(self, part: Part) -> None:
        self.decide(BlockSeats(part, "sound desk"))

    @rule(part=parts)
    def unblock(self, part: Part) -> None:
        self.decide(UnblockSeats(part))

    @rule(configuration=configurations)
    def configure(self, configuration: Configuration) -> None:
        self.decide(Configure(configuration))

    @rule(odds=st.integers(0, 19))
    def cancel_the_event(self, odds: int) -> None:
        if odds == 7:
            self.decide(Configure(Configuration("EUR", PRICES, SaleStatus.cancelled)))

    @rule()
    def wind_up(self) -> None:
        self.decide(WindUp(1_000))

    @precondition(lambda self: self.batch is not None)
    @rule()
    def commit(self) -> None:
        self.keep()

    @precondition(lambda self: self.batch is not None)
    @rule()
    def throw_away(self) -> None:
        self.batch.discard()
        self.batch.discard()
        self.batch = None
        self.naive.discard()
        self.states.check()

    @rule(step=st.sampled_from([-5_000, 1, 30_000, 59_999, 60_000, 600_000]))
    def time_passes(self, step: int) -> None:
        if self.batch is not None:
            self.keep()
        self.now += step

    @precondition(lambda self: self.states.ledger.holds)
    @rule(after=st.sampled_from([-1, 0, 59_999, 60_000]))
    def a_hold_runs_out(self, after: int) -> None:
        if self.batch is not None:
            self.keep()
        self.now = max(self.now, (self.states.ledger.next_expiry_ms() or self.now) + after)

    @precondition(lambda self: self.batch is None)
    @rule(step=st.sampled_from([1_900_000, 86_400_000, 90_000_000]))
    def a_long_time_passes(self, step: int) -> None:
        self.now += step

    @precondition(lambda self: self.batch is None)
    @rule(expire=st.integers(1, 2))
    def sweep(self, expire: int) -> None:
        """The sweeper at work: in small portions until nothing is due."""
        while self.states.is_due(max(self.now, self.states.at_ms)):
            self.batch = self.states.sweep(self.now, expire)
            at_ms = self.batch.at_ms
            self.keep()
            self.naive.begin(at_ms)

    @rule()
    def image(self) -> None:
        """Written at any moment, an image has what was committed."""
        dumped = self.states.dump()
        loaded = SeatStates.load(self.index, dumped, grace_ms=GRACE_MS)
        loaded.check()
        assert content(loaded) == content(self.follower)
        assert SeatStates.load(self.index, loaded.dump()).dump() == loaded.dump()
        if self.batch is None:
            self.states = loaded

    @precondition(lambda self: self.batch is None)
    @rule()
    def replay(self) -> None:
        """The log alone gives the same state."""
        again = SeatStates.new(self.index, grace_ms=GRACE_MS)
        for version, (at_ms, row) in enumerate(self.log, 1):
            again.apply(version, at_ms, decode(FORMAT, row))
        assert content(again) == content(self.states)

    # What is true after every step

    @invariant()
    def readers_see_what_was_committed(self) -> None:
        assert self.states.characters() == self.follower.characters()
        assert self.states.counts() == self.follower.counts()
        for key in self.holds[-3:]:
            assert self.states.hold(key, self.now) == self.follower.hold(key, self.now)
        for key in self.bookings[-3:]:
            assert self.states.booking(key) == self.follower.booking(key)

    @invariant()
    def both_agree_on_every_seat(self) -> None:
        present = [STATUS_NAMES[status] for status in self.states.ledger.arrays.status]
        assert present == self.naive.statuses()
        owners = [owner for _, owner in self.naive.state["seats"].values()]
        assert self.states.ledger.arrays.owner == owners

    @invariant()
    def both_agree_on_holds_and_bookings(self) -> None:
        ledger, naive = self.states.ledger, self.naive.state
        assert {key: self.lines(hold) for key, hold in ledger.holds.items()} == {
            key: hold["lines"] for key, hold in naive["holds"].items()
        }
        for key, hold in ledger.holds.items():
            timed = {seat: each for each in hold.stretches for seat in each.seats}
            for seat in naive["holds"][key]["lines"] if hold.buyer is not None else ():
                each = timed.get(seat)
                ours = (each.since_ms, each.handed_on) if each else (hold.created_ms, False)
                theirs = naive["holds"][key]
                assert ours == (theirs["since"][seat], theirs["handed_on"][seat])
        assert {key: hold.expires_ms for key, hold in ledger.holds.items()} == {
            key: hold["expires"] for key, hold in naive["holds"].items()
        }
        for key, hold in ledger.holds.items():
            seen = naive["holds"][key]
            assert (hold.revision, hold.freezes) == (seen["revision"], seen["freezes"])
            freeze = hold.freeze
            frozen = freeze and ("staff" if freeze.by_staff else "buyer", freeze.expires_ms)
            assert frozen == (seen["frozen"] and (seen["frozen"], seen["before"]))
        assert {key: self.lines(booking) for key, booking in ledger.bookings.items()} == {
            key: booking["lines"] for key, booking in naive["bookings"].items()
        }

    def lines(self, record) -> dict[int, tuple[str, int]]:
        found = lines_of(self.states, record.groups)
        return {line.seat: (line.ticket_type, line.price) for line in found}

    # Drawing

    @staticmethod
    def known(ids: list[bytes], which: int) -> bytes:
        return ids[-1 - which % min(len(ids), 5)]

    @staticmethod
    def own_part(record, data) -> Part | None:
        """Some seats that a hold or booking has."""
        own = [seat for seat in record["lines"] if seat < SIZE] if record else []
        if not own:
            return None
        return Part(tuple(data.draw(st.lists(st.sampled_from(own), min_size=1, unique=True))))


def content(states: SeatStates) -> tuple:
    """All that a state is, in an order that does not depend on how it came about."""
    ledger = states.ledger
    return (
        states.version,
        states.at_ms,
        states.configuration,
        bytes(ledger.published),
        sorted(ledger.committed_records(ledger.holds, ledger.undo.holds), key=lambda hold: hold.id),
        sorted(
            ledger.committed_records(ledger.bookings, ledger.undo.bookings),
            key=lambda booking: booking.id,
        ),
        ledger.tombstones_in_order(),
        ledger.late_in_order(),
        ledger.cool_down.committed(),
    )


class TestRulesAgainstNaive(RulesAgainstNaive.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(
        max_examples=75,
        stateful_step_count=50,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


@pytest.mark.long
class TestRulesAgainstNaiveAtLength(RulesAgainstNaive.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(TestRulesAgainstNaive.settings, max_examples=300)
