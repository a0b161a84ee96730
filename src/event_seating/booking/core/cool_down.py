"""Seats that were held for long cool down: others come first for a while.

Without this, whoever extends for ever and takes again what they gave back keeps seats from all
others without buying any. Owns what is remembered of seats that were held a moment ago: by whom,
and for how long in all. Time adds up while the same buyer or the same address takes a seat again
within `COOL_DOWN_MS`; the time in which nobody held it does not count. A seat that was held for
`LONG_MS` is then refused, for `COOL_DOWN_MS` since it became free, to that buyer, and to that
address (IPv6: to its /56) unless the buyer brings an older cookie: one that was made before the
seats were taken, counted back from when they became free by the time for which they were held.
Cookies cost nothing, so an older one helps once: what was handed on at an address cools down for
all who call from there.

It follows from the log alone, like everything in the ledger, and is taken back with it. It never
judges a seat's status: a seat that rests may be held by somebody else by now.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from types import MappingProxyType
from typing import Final, Protocol

from event_seating.booking.core.records import Hold, Rest, Stretch
from event_seating.booking.core.seat_arrays import InvariantError

LONG_MS: Final = 10 * 60_000
"""Held for so long in all, a seat cools down: what a hold lasts unless it is extended."""

COOL_DOWN_MS: Final = 120_000
"""Enough for anybody who watches the map to see the seat and take it."""

SEATS_MAX: Final = 50_000
"""Seats that are remembered at the most, about 10 MB; then those that are free longest go early."""

SPARE: Final = 1_024
"""Seats that may pile up in the order beyond twice those that are remembered."""

Hidden = Mapping[int, int]
"""Free seats that somebody may not take yet, and for how many ms."""

NONE_HIDDEN: Final[Hidden] = MappingProxyType({})


class Holder(Protocol):
    """Whoever has a hold, or asks for one."""

    @property
    def buyer(self) -> bytes | None: ...
    @property
    def address(self) -> bytes | None: ...
    @property
    def network(self) -> bytes | None: ...


class CoolDown:
    """What is remembered of the seats of one event that were held a moment ago."""

    __slots__ = ("_before", "_moments", "_noted", "_order", "_seats", "kept_from", "rests")

    def __init__(self) -> None:
        self.rests: dict[int, Rest] = {}
        """By seat; those of one hold share a record."""
        self.kept_from: dict[bytes, set[int]] = {}
        """The seats that were held for long, by each buyer, address and network that held them."""
        self._before: dict[int, Rest | None] = {}
        """What was there before the first change since the last `keep`."""
        self._order: dict[int, list[Rest]] = {}
        """What is to be forgotten, by when; also what was taken back, which nobody has any more."""
        self._seats: dict[int, list[Sequence[int]]] = {}
        """The seats of each of those."""
        self._moments: list[int] = []
        """A heap of the keys of `_order`."""
        self._noted = 0
        """Seats in `_order`, those that no longer rest included."""

    # What a hold does to it

    def note(
        self,
        hold: Hold,
        seats: Sequence[int],
        at_ms: int,
        taken_away: bool = False,
    ) -> None:
        """Seats of a hold become free, at its end or by a change, and are not booked."""
        buyer, ended_ms = hold.buyer, hold.expires_ms
        ended_ms = min(ended_ms, at_ms)
        until_ms = ended_ms + COOL_DOWN_MS
        if buyer is None or hold.by_address or until_ms <= at_ms:
            return
        address, network = hold.address, hold.network
        if not hold.stretches and not taken_away:
            held_ms = ended_ms - hold.created_ms
            self._put(Rest(held_ms, until_ms, buyer, address, network), seats, at_ms)
            return
        for since_ms, handed_on, part in _parts(hold, seats):
            held_ms = max(ended_ms - since_ms, LONG_MS if taken_away else 0)
            rest = Rest(held_ms, until_ms, buyer, address, network, handed_on)
            self._put(rest, part, at_ms)

    def resume(self, holder: Holder, seats: Sequence[int], at_ms: int) -> tuple[Stretch, ...]:
        """Seats are held; those that the same buyer or address held before go on from there."""
        rests, buyer = self.rests, holder.buyer
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
                self._open(seat, rest)
        return tuple(
            Stretch(tuple(part), since_ms, handed_on)
            for (since_ms, handed_on), part in found.items()
        )

    def changed(
        self, hold: Hold, removed: Sequence[int], added: Sequence[int], at_ms: int
    ) -> tuple[Stretch, ...]:
        """The stretches of a hold after a change; what it gave back rests."""
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

    # What the rules ask

    def hidden_from(self, holder: Holder, known_since_ms: int | None, now_ms: int) -> Hidden:
        """The seats that this buyer may not take yet; `known_since_ms` is their cookie's age."""
        kept_from, buyer = self.kept_from, holder.buyer
        if not kept_from or buyer is None:
            return NONE_HIDDEN
        hidden: dict[int, int] = {}
        for key in (buyer, holder.address, holder.network):
            if key is None or key not in kept_from:
                continue
            for seat in kept_from[key]:
                rest = self.rests[seat]
                left_ms = rest.until_ms - now_ms
                if left_ms > 0 and (
                    rest.buyer == buyer
                    or rest.handed_on
                    or known_since_ms is None
                    or known_since_ms >= rest.until_ms - COOL_DOWN_MS - rest.held_ms
                ):
                    hidden[seat] = left_ms
        return hidden or NONE_HIDDEN

    # Kept and taken back

    def keep(self, at_ms: int) -> None:
        """Make what was done final, and forget what is over by this time."""
        if self._before:
            self._before = {}
        if self._noted > 2 * len(self.rests) + SPARE:
            self._sort_again()
        moments = self._moments
        while moments and (moments[0] <= at_ms or len(self.rests) > SEATS_MAX):
            self._forget(heappop(moments))

    def take_back(self) -> None:
        """Undo what was done since the last `keep`."""
        before, self._before = self._before, {}
        for seat, was in before.items():
            now = self.rests.pop(seat, None)
            if now is not None and now.held_ms >= LONG_MS:
                self._open(seat, now)
            if was is not None:
                self.rests[seat] = was
                if was.held_ms >= LONG_MS:
                    self._close(seat, was)

    # Images

    def committed(self) -> dict[int, Rest]:
        """What rests as of the last `keep`, by seat."""
        found = dict(self.rests)
        for seat, was in self._before.items():
            if was is None:
                found.pop(seat, None)
            else:
                found[seat] = was
        return found

    def fill(self, rests: Iterable[tuple[Sequence[int], Rest]], size: int) -> None:
        """Add what an image has; `IndexError` for a seat that is not among `size` ones."""
        for seats, rest in rests:
            if any(seat >= size for seat in seats):
                raise IndexError("there is no such seat")
            for seat in seats:
                self.rests[seat] = rest
                if rest.held_ms >= LONG_MS:
                    self._close(seat, rest)
            self._note(rest, seats)

    def check(self) -> None:
        """Recount; `InvariantError` when something disagrees."""
        kept_from: dict[bytes, set[int]] = {}
        for seat, rest in self.rests.items():
            if rest.held_ms >= LONG_MS:
                for key in _keys(rest):
                    kept_from.setdefault(key, set()).add(seat)
        if kept_from != self.kept_from:
            raise InvariantError("the seats that cool down are not kept from who held them")
        ordered = {
            seat
            for moment, rests in self._order.items()
            for rest, seats in zip(rests, self._seats[moment], strict=True)
            for seat in seats
            if self.rests.get(seat) is rest
        }
        if ordered != self.rests.keys():
            raise InvariantError("a seat that cools down would never be forgotten")

    # Records, each together with what depends on it

    def _put(self, rest: Rest, seats: Sequence[int], at_ms: int) -> None:
        rests, before, long = self.rests, self._before, rest.held_ms >= LONG_MS
        for seat in seats:
            was = rests.get(seat)
            before.setdefault(seat, was)
            if was is not None and was.held_ms >= LONG_MS:
                if not long and was.until_ms > at_ms:
                    continue  # somebody else had it for a moment: it goes on cooling down
                self._open(seat, was)
            rests[seat] = rest
            if long:
                self._close(seat, rest)
        self._note(rest, seats)

    def _close(self, seat: int, rest: Rest) -> None:
        for key in _keys(rest):
            self.kept_from.setdefault(key, set()).add(seat)

    def _open(self, seat: int, rest: Rest) -> None:
        for key in _keys(rest):
            seats = self.kept_from[key]
            seats.discard(seat)
            if not seats:
                del self.kept_from[key]

    def _note(self, rest: Rest, seats: Sequence[int]) -> None:
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
                if self.rests.get(seat) is rest:
                    del self.rests[seat]
                    if rest.held_ms >= LONG_MS:
                        self._open(seat, rest)

    def _sort_again(self) -> None:
        self._order, self._seats, self._moments, self._noted = {}, {}, [], 0
        for seats, rest in grouped(self.rests):
            self._note(rest, seats)


def grouped(rests: Mapping[int, Rest]) -> Iterator[tuple[tuple[int, ...], Rest]]:
    """Each record once, with its seats."""
    seats_of: dict[int, tuple[Rest, list[int]]] = {}
    for seat, rest in rests.items():
        seats_of.setdefault(id(rest), (rest, []))[1].append(seat)
    for rest, seats in seats_of.values():
        yield tuple(seats), rest


def _keys(rest: Rest) -> Iterator[bytes]:
    yield rest.buyer
    if rest.address is not None:
        yield rest.address
    if rest.network is not None:
        yield rest.network


def _is_same(rest: Rest, holder: Holder) -> bool:
    """Whether this is the buyer who held the seats, or calls from the same place."""
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
