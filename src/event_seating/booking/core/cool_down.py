"""Seats that were held for long cool down: others come first for a while.

Without this, a buyer could keep seats from all others without buying any, by extending holds and by
taking again what they released. Owns what is remembered of recently held seats: who held them, and
for how long in all. Times add up while the same buyer or the same address takes a seat again within
`COOL_DOWN_MS`; the time in which nobody held it does not count. A seat that was held for `LONG_MS`
is then refused, for `COOL_DOWN_MS` after it became free, to that buyer, and to that address (IPv6:
to its /56) unless the buyer has an older cookie: one that was made before the seats were taken,
which is the time at which they became free less the time for which they were held. Cookies cost
nothing, so an older one helps once: seats that were handed on at an address cool down for all
buyers there.

It follows from the log alone, like everything in the ledger, and is rolled back with it. It never
judges a seat's status: a recently held seat may be held by somebody else by now.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from types import MappingProxyType
from typing import Final, Protocol

from event_seating.booking.core.records import Hold, RecentHold, Stretch
from event_seating.booking.core.seat_arrays import InvariantError

LONG_MS: Final = 10 * 60_000
"""A seat that was held for this long in all cools down: the length of a hold without extension."""

COOL_DOWN_MS: Final = 120_000
"""Enough for anybody who watches the map to see the seat and take it."""

SEATS_MAX: Final = 50_000
"""At most so many seats are remembered, about 10 MB; beyond that the oldest are forgotten early."""

SPARE: Final = 1_024
"""How far the seats in the order may exceed twice those that are remembered."""

Hidden = Mapping[int, int]
"""Free seats that a buyer may not take yet, and for how many more ms."""

NONE_HIDDEN: Final[Hidden] = MappingProxyType({})


class Holder(Protocol):
    """The buyer, address and network that have a hold or ask for one."""

    @property
    def buyer(self) -> bytes | None: ...
    @property
    def address(self) -> bytes | None: ...
    @property
    def network(self) -> bytes | None: ...


class CoolDown:
    """What is remembered of the recently held seats of one event."""

    __slots__ = ("_before", "_moments", "_noted", "_order", "_seats", "recent", "refused_to")

    def __init__(self) -> None:
        self.recent: dict[int, RecentHold] = {}
        """By seat; the seats of one hold share a record."""
        self.refused_to: dict[bytes, set[int]] = {}
        """The seats that were held for long, by each buyer, address and network that held them."""
        self._before: dict[int, RecentHold | None] = {}
        """By seat: the record before its first change since the last commit."""
        self._order: dict[int, list[RecentHold]] = {}
        """The records to forget, by `until_ms`; some may have been rolled back or replaced."""
        self._seats: dict[int, list[Sequence[int]]] = {}
        """The seats of each record of `_order`."""
        self._moments: list[int] = []
        """A heap of the keys of `_order`."""
        self._noted = 0
        """Seats in `_order`, including those whose record was replaced."""

    # What holds change

    def note(
        self,
        hold: Hold,
        seats: Sequence[int],
        at_ms: int,
        taken_away: bool = False,
    ) -> None:
        """Remember seats of a hold that become free, at its end or by a change, unbooked."""
        buyer, ended_ms = hold.buyer, hold.expires_ms
        ended_ms = min(ended_ms, at_ms)
        until_ms = ended_ms + COOL_DOWN_MS
        if buyer is None or hold.by_address or until_ms <= at_ms:
            return
        address, network = hold.address, hold.network
        if not hold.stretches and not taken_away:
            held_ms = ended_ms - hold.created_ms
            self._put(RecentHold(held_ms, until_ms, buyer, address, network), seats, at_ms)
            return
        for since_ms, handed_on, part in _parts(hold, seats):
            held_ms = max(ended_ms - since_ms, LONG_MS if taken_away else 0)
            rest = RecentHold(held_ms, until_ms, buyer, address, network, handed_on)
            self._put(rest, part, at_ms)

    def resume(self, holder: Holder, seats: Sequence[int], at_ms: int) -> tuple[Stretch, ...]:
        """The stretches of newly held seats that the same buyer or address held before."""
        rests, buyer = self.recent, holder.buyer
        if not rests or buyer is None:
            return ()
        found: dict[tuple[int, bool], list[int]] = {}
        for seat in seats:
            rest = rests.get(seat)
            if rest is None or at_ms >= rest.until_ms or not _is_same(rest, holder):
                continue
            long = rest.held_ms >= LONG_MS
            handed_on = rest.handed_on or (long and rest.buyer != buyer)
            since_ms = max(0, at_ms - rest.held_ms)
            found.setdefault((since_ms, handed_on), []).append(seat)
            self._before.setdefault(seat, rest)
            del rests[seat]
            if long:
                self._allow(seat, rest)
        return tuple(
            Stretch(tuple(part), since_ms, handed_on)
            for (since_ms, handed_on), part in found.items()
        )

    def changed(
        self, hold: Hold, removed: Sequence[int], added: Sequence[int], at_ms: int
    ) -> tuple[Stretch, ...]:
        """The stretches of a hold after a change; the removed seats are remembered."""
        if hold.buyer is None:
            return ()
        if removed:
            self.note(hold, removed, at_ms)
        gone = frozenset(removed)
        kept = [
            Stretch(left, each.since_ms, each.handed_on)
            for each in hold.stretches
            if (left := tuple(seat for seat in each.seats if seat not in gone))
        ]
        resumed = self.resume(hold, added, at_ms)
        again = {seat for each in resumed for seat in each.seats}
        new = tuple(seat for seat in added if seat not in again)
        return (*kept, *resumed, Stretch(new, at_ms)) if new else (*kept, *resumed)

    # What the rules read

    def hidden_from(self, holder: Holder, known_since_ms: int | None, now_ms: int) -> Hidden:
        """The seats that this buyer may not take yet; their cookie was made at `known_since_ms`."""
        refused_to, buyer = self.refused_to, holder.buyer
        if not refused_to or buyer is None:
            return NONE_HIDDEN
        hidden: dict[int, int] = {}
        for key in (buyer, holder.address, holder.network):
            if key is None or key not in refused_to:
                continue
            for seat in refused_to[key]:
                rest = self.recent[seat]
                left_ms = rest.until_ms - now_ms
                if left_ms > 0 and (
                    rest.buyer == buyer
                    or rest.handed_on
                    or known_since_ms is None
                    or known_since_ms >= rest.until_ms - COOL_DOWN_MS - rest.held_ms
                ):
                    hidden[seat] = left_ms
        return hidden or NONE_HIDDEN

    # Commit and roll back

    def commit(self, at_ms: int) -> None:
        """Make what was done final, and forget what is over by this time."""
        if self._before:
            self._before = {}
        if self._noted > 2 * len(self.recent) + SPARE:
            self._rebuild_order()
        moments = self._moments
        while moments and (moments[0] <= at_ms or len(self.recent) > SEATS_MAX):
            self._forget(heappop(moments))

    def roll_back(self) -> None:
        """Undo what was done since the last commit."""
        before, self._before = self._before, {}
        for seat, was in before.items():
            now = self.recent.pop(seat, None)
            if now is not None and now.held_ms >= LONG_MS:
                self._allow(seat, now)
            if was is not None:
                self.recent[seat] = was
                if was.held_ms >= LONG_MS:
                    self._refuse(seat, was)

    # State snapshots

    def committed(self) -> dict[int, RecentHold]:
        """The records as of the last commit, by seat."""
        found = dict(self.recent)
        for seat, was in self._before.items():
            if was is None:
                found.pop(seat, None)
            else:
                found[seat] = was
        return found

    def fill(self, recent: Iterable[tuple[Sequence[int], RecentHold]], size: int) -> None:
        """Add the records of a snapshot; raises `IndexError` for a seat beyond `size`."""
        for seats, rest in recent:
            if any(seat >= size for seat in seats):
                raise IndexError("there is no such seat")
            for seat in seats:
                self.recent[seat] = rest
                if rest.held_ms >= LONG_MS:
                    self._refuse(seat, rest)
            self._note(rest, seats)

    def check(self) -> None:
        """Recount; `InvariantError` when something disagrees."""
        refused_to: dict[bytes, set[int]] = {}
        for seat, rest in self.recent.items():
            if rest.held_ms >= LONG_MS:
                for key in _keys(rest):
                    refused_to.setdefault(key, set()).add(seat)
        if refused_to != self.refused_to:
            raise InvariantError("the seats that cool down are not refused to those who held them")
        ordered = {
            seat
            for moment, rests in self._order.items()
            for rest, seats in zip(rests, self._seats[moment], strict=True)
            for seat in seats
            if self.recent.get(seat) is rest
        }
        if ordered != self.recent.keys():
            raise InvariantError("a seat that cools down would never be forgotten")

    # Records, each together with what depends on it

    def _put(self, rest: RecentHold, seats: Sequence[int], at_ms: int) -> None:
        rests, before, long = self.recent, self._before, rest.held_ms >= LONG_MS
        for seat in seats:
            was = rests.get(seat)
            before.setdefault(seat, was)
            if was is not None and was.held_ms >= LONG_MS:
                if not long and was.until_ms > at_ms:
                    continue  # somebody else had it for a moment: it goes on cooling down
                self._allow(seat, was)
            rests[seat] = rest
            if long:
                self._refuse(seat, rest)
        self._note(rest, seats)

    def _refuse(self, seat: int, rest: RecentHold) -> None:
        for key in _keys(rest):
            self.refused_to.setdefault(key, set()).add(seat)

    def _allow(self, seat: int, rest: RecentHold) -> None:
        for key in _keys(rest):
            seats = self.refused_to[key]
            seats.discard(seat)
            if not seats:
                del self.refused_to[key]

    def _note(self, rest: RecentHold, seats: Sequence[int]) -> None:
        until_ms = rest.until_ms
        noted = self._order.get(until_ms)
        if noted is None:
            self._order[until_ms], self._seats[until_ms] = [rest], [seats]
            heappush(self._moments, until_ms)
        else:
            noted.append(rest)
            self._seats[until_ms].append(seats)
        self._noted += len(seats)

    def _forget(self, moment: int) -> None:
        for rest, seats in zip(self._order.pop(moment), self._seats.pop(moment), strict=True):
            self._noted -= len(seats)
            for seat in seats:
                if self.recent.get(seat) is rest:
                    del self.recent[seat]
                    if rest.held_ms >= LONG_MS:
                        self._allow(seat, rest)

    def _rebuild_order(self) -> None:
        self._order, self._seats, self._moments, self._noted = {}, {}, [], 0
        for seats, rest in grouped(self.recent):
            self._note(rest, seats)


def grouped(rests: Mapping[int, RecentHold]) -> Iterator[tuple[tuple[int, ...], RecentHold]]:
    """Each record once, with its seats."""
    seats_of: dict[int, tuple[RecentHold, list[int]]] = {}
    for seat, rest in rests.items():
        seats_of.setdefault(id(rest), (rest, []))[1].append(seat)
    for rest, seats in seats_of.values():
        yield tuple(seats), rest


def _keys(rest: RecentHold) -> Iterator[bytes]:
    yield rest.buyer
    if rest.address is not None:
        yield rest.address
    if rest.network is not None:
        yield rest.network


def _is_same(rest: RecentHold, holder: Holder) -> bool:
    """Whether this is the buyer who held the seats, or one at the same address or network."""
    return (
        rest.buyer == holder.buyer
        or (rest.address is not None and rest.address == holder.address)
        or (rest.network is not None and rest.network == holder.network)
    )


def _parts(hold: Hold, seats: Iterable[int]) -> list[tuple[int, bool, Sequence[int]]]:
    """Seats of a hold by the time since which they count as held."""
    since = {seat: each for each in hold.stretches for seat in each.seats}
    found: dict[tuple[int, bool], list[int]] = {}
    for seat in seats:
        each = since.get(seat)
        key = (hold.created_ms, False) if each is None else (each.since_ms, each.handed_on)
        found.setdefault(key, []).append(seat)
    return [(since_ms, handed_on, part) for (since_ms, handed_on), part in found.items()]
