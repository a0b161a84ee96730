"""One address without a key, with every trick, against the rules: hours of it in seconds."""

from collections import Counter, defaultdict
from random import Random

import pytest
from tests.support.seat_states import NOW, configure, event, row_of

from event_seating.booking.api.buyer_cookie import identity
from event_seating.booking.api.caller import Caller
from event_seating.booking.core import cool_down
from event_seating.booking.core.commands import (
    AreaQuantity,
    Best,
    ChangeHold,
    Choice,
    ExtendHold,
    PlaceHold,
    ReleaseHold,
)
from event_seating.booking.core.ledger import Ledger
from event_seating.booking.core.log_entries import Entry
from event_seating.booking.core.records import Hold, SaleRules, seats_of
from event_seating.booking.core.seat_index import AreaPlan, SeatIndex
from event_seating.booking.core.seat_state import Batch, SeatStates
from event_seating.web.roles import Principal, Role

SECRET = b"of the event"
ANYONE = Principal("anonymous", Role.anyone, limited=True)
ADDRESS_CAP, NETWORK_CAP = 40, 80
MINUTE, STEP_MS = 60_000, 20_000
HOURS = 3
SEATS, PLACES = 80, 40

IPV4 = ["192.0.2.7", "::ffff:192.0.2.7", "::ffff:c000:207", "2002:c000:207:9::1"]
IN_56 = [f"2001:db8:0:{subnet:x}::{host:x}" for subnet in range(256) for host in (1, 2)]

KEPT_MAX_MS = (10 + 30 + 30) * MINUTE
"""Just under what is long, a whole hold after that, and one more with an older cookie."""


class Hoarder:
    """Takes what it can, keeps it for as long as it can, and takes it again."""

    def __init__(self, states: SeatStates, addresses: list[str], seed: int) -> None:
        self.states = states
        self.addresses = addresses
        self.random = Random(seed)
        self.made = 0
        self.cookies: list[tuple[str, int]] = []
        """With when each was made: kept for later, since an older one is worth more."""
        self.holds: list[bytes] = []
        self.refused: Counter[str] = Counter()

    def ask(self, batch: Batch, request: object) -> bool:
        outcome = batch.decide(request)  # type: ignore[arg-type]
        if not isinstance(outcome, Entry):
            self.refused[outcome.code] += 1
        return isinstance(outcome, Entry)

    def caller(self, at_ms: int) -> Caller:
        """With a new cookie, or with one of its oldest."""
        self.made += 1
        name, address = f"cookie {self.made}", self.random.choice(self.addresses)
        if self.cookies and self.random.random() < 0.5:
            old, born_ms = self.cookies[self.random.randrange(len(self.cookies) // 4 + 1)]
            return Caller(ANYONE, address, old, known_since_ms=born_ms)
        self.cookies.append((name, at_ms))
        return Caller(ANYONE, address, name)

    def place(self, batch: Batch, choice: Choice | Best) -> None:
        who = identity(SECRET, self.caller(batch.at_ms), None)
        key = b"hold %d" % self.made
        request = PlaceHold(
            key,
            choice,
            who.buyer,
            address=who.address,
            network=who.network,
            known_since_ms=who.known_since_ms,
        )
        if self.ask(batch, request):
            self.holds.append(key)

    def step(self, now_ms: int) -> None:
        random, batch = self.random, self.states.begin(now_ms)
        ledger = self.states.ledger
        self.holds = [key for key in self.holds if key in ledger.holds]
        for key in list(self.holds):
            hold = ledger.holds[key]
            again = Choice(tuple(seat for seat in seats_of(hold.groups) if seat < SEATS) or (0,))
            if hold.expires_ms - now_ms <= STEP_MS and not self.ask(batch, ExtendHold(key)):
                # As long as it may: give it back in time and take it again, as somebody else.
                self.ask(batch, ReleaseHold(key))
                self.place(batch, again)
            elif random.random() < 0.02:
                self.ask(batch, ReleaseHold(key))
                self.place(batch, again)
        for _ in range(6):
            first, many = random.randrange(SEATS - 8), random.randrange(1, 9)
            picked = Choice(tuple(range(first, first + many)))
            places = Choice((), (AreaQuantity(0, many),))
            self.place(batch, random.choice((picked, places, Best(many))))
            if self.holds:
                seat = Choice((random.randrange(SEATS),))
                self.ask(batch, ChangeHold(random.choice(self.holds), seat))
        if batch.entries:
            self.states.commit(batch)
        else:
            batch.discard()


def an_event() -> SeatStates:
    rows = [row_of(20, name=str(row), y=float(row)) for row in range(SEATS // 20)]
    states = event(SeatIndex(rows, [AreaPlan("floor", PLACES, "1")], focal=(0.0, -1.0)))
    configure(states, rules=SaleRules(max_held_seats_per_address=ADDRESS_CAP))
    return states


def longest_kept(kept: dict[int, list[tuple[int, int]]]) -> int:
    """The longest time for which a seat was held without two free minutes in a row."""
    longest = 0
    for stretches in kept.values():
        in_all = last = 0
        for start, end in stretches:
            in_all = in_all + end - start if start - last < 2 * MINUTE else end - start
            last, longest = end, max(longest, in_all)
    return longest


@pytest.mark.parametrize(
    ("addresses", "cap"), [(IPV4, ADDRESS_CAP), (IN_56, NETWORK_CAP)], ids=["IPv4", "a /56"]
)
def test_one_address_holds_no_more_than_its_cap_and_no_seat_for_ever(
    addresses: list[str], cap: int
) -> None:
    states = an_event()
    hoarder = Hoarder(states, addresses, seed=7)
    most = 0
    kept: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for now_ms in range(NOW, NOW + HOURS * 60 * MINUTE, STEP_MS):
        hoarder.step(now_ms)
        held = states.counts()["held"]
        assert held <= cap
        most = max(most, held)
        for hold in states.ledger.holds.values():
            for seat in seats_of(hold.groups):
                stretches = kept[seat]
                if stretches and stretches[-1][1] == now_ms:
                    stretches[-1] = (stretches[-1][0], now_ms + STEP_MS)
                else:
                    stretches.append((now_ms, now_ms + STEP_MS))
    states.check()
    assert most == cap, "it had what it may have"
    assert {"too_many_held", "cooling_down", "nothing_gained"} <= hoarder.refused.keys()
    assert longest_kept(kept) <= KEPT_MAX_MS + STEP_MS
    assert longest_kept(kept) > 30 * MINUTE, "it kept seats as long as it could"


def test_what_a_hoarder_has_to_let_go_others_get() -> None:
    states = an_event()
    hoarder = Hoarder(states, IPV4, seed=3)
    got = 0
    for number, now_ms in enumerate(range(NOW, NOW + 2 * 60 * MINUTE, STEP_MS)):
        hoarder.step(now_ms)
        batch = states.begin(now_ms + STEP_MS // 2)
        for seat in states.ledger.cool_down.committed():
            caller = Caller(ANYONE, f"198.51.100.{number % 250}", f"honest {number} {seat}")
            who = identity(SECRET, caller, None)
            wish = Choice((seat,)) if seat < SEATS else Choice((), (AreaQuantity(0, 1),))
            request = PlaceHold(
                b"honest %d %d" % (number, seat), wish, who.buyer, address=who.address
            )
            outcome = batch.decide(request)
            assert isinstance(outcome, Entry) or outcome.code != "cooling_down"
            got += isinstance(outcome, Entry)
        if batch.entries:
            states.commit(batch)
        else:
            batch.discard()
    assert got > 100


# Bugs planted on purpose


def test_a_cap_that_forgets_the_address_of_a_changed_hold_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_hold = Ledger.put_hold

    def forgets(ledger: Ledger, hold: Hold, seats: int) -> None:
        if hold.revision > 1:
            ledger.held_by[hold.address or b""] = ledger.held_by.get(hold.address or b"", 0) - seats
        put_hold(ledger, hold, seats)

    monkeypatch.setattr(Ledger, "put_hold", forgets)
    with pytest.raises((AssertionError, KeyError)):
        test_one_address_holds_no_more_than_its_cap_and_no_seat_for_ever(IPV4, ADDRESS_CAP)


def test_an_address_alone_that_cools_down_is_found_by_one_with_cookies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who could be let in by any older cookie, again and again, would keep seats for ever."""
    resume = cool_down.CoolDown.resume

    def forgetful(found: cool_down.CoolDown, *args: object) -> object:
        return tuple(
            type(each)(each.seats, each.since_ms)
            for each in resume(found, *args)  # type: ignore[arg-type]
        )

    monkeypatch.setattr(cool_down.CoolDown, "resume", forgetful)
    with pytest.raises(AssertionError):
        test_one_address_holds_no_more_than_its_cap_and_no_seat_for_ever(IPV4, ADDRESS_CAP)
