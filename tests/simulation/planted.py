"""Bugs planted on purpose, one at a time, for the simulation to find."""

from collections.abc import Callable
from contextlib import suppress

from msgspec.structs import replace

from event_seating.booking.core.commands import (
    Best,
    BookHold,
    ChangeHold,
    ExchangeSeats,
    FreezeHold,
    PlaceHold,
    ReleaseHold,
    ThawHold,
)
from event_seating.booking.core.cool_down import CoolDown
from event_seating.booking.core.decisions import RuleBook
from event_seating.booking.core.ledger import Ledger
from event_seating.booking.core.log_entries import Amended, Booked, Exchanged, Frozen, Held, Thawed
from event_seating.booking.core.records import AVAILABLE, Groups, Hold, RecentHold, seats_of
from event_seating.booking.core.refusals import Refusal, RefusalCode
from event_seating.booking.core.seat_state import Batch, SeatStates
from event_seating.booking.seat_log.in_doubt import LostRace
from event_seating.booking.seat_log.ports import (
    BatchRow,
    IdempotencyKey,
    LogTransaction,
    StoredAnswer,
)
from event_seating.booking.seat_log.projection import Projection
from event_seating.booking.seat_log.submission import Decided
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.errors import DatabaseUnavailable
from event_seating.simulation.database import Transaction
from event_seating.simulation.process import Replacements


class TakesAnyVersion(Transaction):
    """An append that takes the next place, whichever version the writer decided on."""

    async def append(
        self, row: BatchRow, projection: Projection, answers: dict[IdempotencyKey, StoredAnswer]
    ) -> bool:
        following = len(self.database.tables.rows) + 1
        while following in self.database.appending:
            following += 1
        return await super().append(row._replace(version=following), projection, answers)


class ForgetsCalls(Transaction):
    """Writes what a call did, and not that it was this call."""

    async def append(
        self, row: BatchRow, projection: Projection, answers: dict[IdempotencyKey, StoredAnswer]
    ) -> bool:
        return await super().append(row, projection, {})


class MixesUpResults(Transaction):
    """Stores with each call of a batch the result of the one before."""

    async def append(
        self, row: BatchRow, projection: Projection, answers: dict[IdempotencyKey, StoredAnswer]
    ) -> bool:
        found = list(answers.values())
        mixed = {
            claim: answer._replace(result=found[place - 1].result)
            for place, (claim, answer) in enumerate(answers.items())
        }
        return await super().append(row, projection, mixed)


class AppliesBeforeTheCommit(SeatLog):
    """Answers its callers first and writes the row after that."""

    async def _append(self, transaction: LogTransaction, decided: Decided, row: BatchRow) -> None:
        self._answer(decided)
        await super()._append(transaction, decided, row)

    @staticmethod
    def _answer(decided: Decided) -> None:
        for submission, outcome in decided.outcomes:
            if not submission.outcome.done() and not isinstance(outcome, Exception):
                submission.outcome.set_result(outcome)


class TakesTheUnknownForDone(SeatLog):
    """An answer that was lost counts as a yes."""

    async def _resolve(self, decided: Decided) -> None:
        with suppress(DatabaseUnavailable, LostRace):
            return


class ForgetsExpiry(SeatStates):
    """Leaves it to a sweeper to expire holds."""

    def begin(self, now_ms: int) -> Batch:
        return self._begin(now_ms)


class TakesTokensForHolds(RuleBook):
    """Books the seats that a token once stood for, if they are free, whatever became of it."""

    def __init__(self, states: SeatStates) -> None:
        super().__init__(states.ledger)
        self._remembered: dict[bytes, Groups] = {}

    def _place(self, request: PlaceHold, now_ms: int) -> Held | Refusal:
        held = super()._place(request, now_ms)
        if isinstance(held, Held):
            self._remembered[held.hold] = held.groups
        return held

    def _book(self, request: BookHold, now_ms: int) -> Booked | Refusal:
        booked = super()._book(request, now_ms)
        groups = self._remembered.get(request.hold)
        if not isinstance(booked, Refusal) or groups is None:
            return booked
        status = self._ledger.arrays.status
        if request.hold in self._ledger.booking_of_hold or any(
            status[seat] != AVAILABLE for seat in seats_of(groups)
        ):
            return booked
        return Booked(request.booking, (), request.hold, groups)

    _RULES = RuleBook._RULES | {PlaceHold: _place, BookHold: _book}


class GivesTheBestAtEveryPrice(RuleBook):
    """Looks for the best seats as if the box office asked."""

    def _chosen(self, request: PlaceHold, now_ms: int) -> Groups | Refusal:
        best = isinstance(request.choice, Best)
        changed = replace(request, box_office=True) if best else request
        return super()._chosen(changed, now_ms)


class ChangesHoldsAtEveryPrice(RuleBook):
    """Adds to a hold as if the box office asked."""

    def _change(self, request: ChangeHold, now_ms: int) -> Amended | Refusal:
        return super()._change(replace(request, box_office=True), now_ms)

    _RULES = RuleBook._RULES | {ChangeHold: _change}


class ExchangesAtEveryPrice(RuleBook):
    """Exchanges as if the box office asked."""

    def _exchange(self, request: ExchangeSeats, now_ms: int) -> Exchanged | Refusal:
        return super()._exchange(replace(request, box_office=True), now_ms)

    _RULES = RuleBook._RULES | {ExchangeSeats: _exchange}


class IgnoresWhatWasPaid(RuleBook):
    """Books a hold as it is, whatever was expected of it."""

    def _unexpected(self, hold: Hold, request: BookHold) -> Refusal | None:
        return None


class ComparesBeforeTheBatch(RuleBook):
    """Compares what was expected with the hold as readers see it, and books the present one."""

    def __init__(self, states: SeatStates) -> None:
        super().__init__(states.ledger)
        self._states = states

    def _unexpected(self, hold: Hold, request: BookHold) -> Refusal | None:
        seen = self._states.hold(hold.id, 0)
        return super()._unexpected(seen if isinstance(seen, Hold) else hold, request)


class LetsBuyersChange(RuleBook):
    """Takes a buyer for the box office where it asks whether a hold is frozen."""

    def _changeable(self, request: ChangeHold | ReleaseHold, now_ms: int) -> Hold | Refusal:
        return super()._changeable(replace(request, box_office=True), now_ms)


class LetsBuyersThaw(RuleBook):
    """Lets a buyer end the freeze that the shop began."""

    def _thaw(self, request: ThawHold, now_ms: int) -> Thawed | Refusal:
        return super()._thaw(replace(request, box_office=True), now_ms)

    _RULES = RuleBook._RULES | {ThawHold: _thaw}


class FreezesForNoTime(RuleBook):
    """A frozen hold ends when it would have ended anyway."""

    def _freeze(self, request: FreezeHold, now_ms: int) -> Frozen | Refusal:
        frozen = super()._freeze(request, now_ms)
        hold = self.live_hold(request.hold, now_ms)
        if isinstance(frozen, Refusal) or isinstance(hold, Refusal):
            return frozen
        return replace(frozen, lasts_ms=hold.expires_ms - now_ms)

    _RULES = RuleBook._RULES | {FreezeHold: _freeze}


class ThawsForLonger(RuleBook):
    """A hold keeps the time of its freeze when that ends."""

    def _thaw(self, request: ThawHold, now_ms: int) -> Thawed | Refusal:
        thawed = super()._thaw(request, now_ms)
        hold = self.live_hold(request.hold, now_ms)
        if isinstance(thawed, Refusal) or isinstance(hold, Refusal):
            return thawed
        return replace(thawed, lasts_ms=hold.expires_ms - now_ms)

    _RULES = RuleBook._RULES | {ThawHold: _thaw}


class FreezesAgain(RuleBook):
    """Lets a buyer freeze a hold as often as they like."""

    def _freeze(self, request: FreezeHold, now_ms: int) -> Frozen | Refusal:
        frozen = super()._freeze(request, now_ms)
        if isinstance(frozen, Frozen) or frozen.code is not RefusalCode.freeze_used:
            return frozen
        by_staff = super()._freeze(replace(request, box_office=True), now_ms)
        return by_staff if isinstance(by_staff, Refusal) else replace(by_staff, by_staff=False)

    _RULES = RuleBook._RULES | {FreezeHold: _freeze}


class ForgetsTheAddressOfAChange(Ledger):
    """Counts a hold that was changed on its buyer alone."""

    def put_hold(self, hold: Hold, seats: int) -> None:
        super().put_hold(hold, seats)
        if hold.revision > 1 and hold.address is not None:
            self.held_by[hold.address] -= seats

    def end_hold(self, hold: Hold, seats: int) -> None:
        if hold.revision > 1 and hold.address is not None:
            self.held_by[hold.address] = self.held_by.get(hold.address, 0) + seats
        super().end_hold(hold, seats)


class LosesTheCoolDown(CoolDown):
    """Has nothing of it in a snapshot, so a process that starts again does not know."""

    __slots__ = ()

    def committed(self) -> dict[int, RecentHold]:
        return {}


class KeepsWhatWasTakenBack(CoolDown):
    """A batch that is thrown away leaves its marks."""

    __slots__ = ()

    def roll_back(self) -> None:
        self._before = {}


def counting(kind: type[Ledger]) -> Callable[[SeatStates], SeatStates]:
    def planted(states: SeatStates) -> SeatStates:
        states.ledger.__class__ = kind
        return states

    return planted


def cooling(kind: type[CoolDown]) -> Callable[[SeatStates], SeatStates]:
    def planted(states: SeatStates) -> SeatStates:
        states.ledger.cool_down.__class__ = kind
        return states

    return planted


def forgetful(states: SeatStates) -> SeatStates:
    return ForgetsExpiry(states.ledger, version=states.version, at_ms=states.at_ms)


def credulous(states: SeatStates) -> SeatStates:
    states.rules = TakesTokensForHolds(states)
    return states


def by(rules: type[RuleBook]) -> Replacements:
    """A process that decides by these rules."""

    def states_of(states: SeatStates) -> SeatStates:
        states.rules = rules(states.ledger)
        return states

    return Replacements(states=states_of)


def hasty(states: SeatStates) -> SeatStates:
    states.rules = ComparesBeforeTheBatch(states)
    return states


BUGS = {
    "skip the version check": Replacements(transaction=TakesAnyVersion),
    "store a result without its call": Replacements(transaction=ForgetsCalls),
    "store a result with another call": Replacements(transaction=MixesUpResults),
    "apply before commit": Replacements(log=AppliesBeforeTheCommit),
    "forget expiry at decide": Replacements(states=forgetful),
    "answer an unknown outcome as success": Replacements(log=TakesTheUnknownForDone),
    "count a changed hold on its buyer alone": Replacements(
        states=counting(ForgetsTheAddressOfAChange)
    ),
    "leave what cools down out of the image": Replacements(states=cooling(LosesTheCoolDown)),
    "keep what cools down of a batch that was thrown away": Replacements(
        states=cooling(KeepsWhatWasTakenBack)
    ),
    "take a token's seats without its hold": Replacements(states=credulous),
    "give buyers the best at a price of staff": by(GivesTheBestAtEveryPrice),
    "let buyers add to a hold at a price of staff": by(ChangesHoldsAtEveryPrice),
    "exchange at a price of staff without a key": by(ExchangesAtEveryPrice),
    "book whatever was expected": by(IgnoresWhatWasPaid),
    "compare what was expected before the batch": Replacements(states=hasty),
    "let a buyer change what is frozen": by(LetsBuyersChange),
    "let a buyer end the shop's freeze": by(LetsBuyersThaw),
    "freeze without more time": by(FreezesForNoTime),
    "thaw with more time": by(ThawsForLonger),
    "let a buyer freeze again": by(FreezesAgain),
}
