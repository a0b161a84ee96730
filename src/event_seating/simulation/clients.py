"""Clients that compete for seats, and check every answer against the log.

Each call makes the commands of one wish, with or without an idempotency key. A grant must be in the
log, a refusal must have left nothing there, and a call that is repeated with its key must get the
same answer from every process. A client without an answer repeats its call.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from event_seating.booking.core.commands import BookHold, BookSeats, Command, PlaceHold
from event_seating.booking.core.log_entries import Entry
from event_seating.booking.core.refusals import Refusal, RefusalCode
from event_seating.booking.core.results import BookingResult, HoldResult, Result
from event_seating.booking.errors import EventUnavailable
from event_seating.booking.seat_log.ports import IdempotencyKey
from event_seating.booking.seat_log.submission import (
    EarlierAnswer,
    Granted,
    IdempotentCall,
    Submission,
)
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.errors import DatabaseUnavailable, IdempotencyKeyReused, ServiceError
from event_seating.jobs.model import NewJob
from event_seating.simulation.chance import Chance
from event_seating.simulation.process import Process, World
from event_seating.simulation.wishes import Wish, Wishes

UNANSWERED_S: Final = 90.0
"""Longer than any fault lasts: a call that is not answered in this time never is."""

REMEMBERED_MAX: Final = 24
"""Calls that may be repeated."""

NEARLY_OVER_MS: Final = 300_000
"""An answer that is kept for less time than this may be gone when the call arrives."""

LOOK_AGAIN_S: Final = 0.02
"""How soon a client turns to another process when one is down."""

TRIES_MAX: Final = 6
"""How often a client repeats a call that was not answered."""


class Guilty(Exception):
    """The error of a command that fails on purpose."""


@dataclass(slots=True)
class ClientCall:
    """A call, its answer, and the ids that it may have made."""

    wish: Wish
    idempotent: IdempotentCall | None
    dry_run: bool = False
    guilty: bool = False
    answer: Result | EarlierAnswer | None = None
    ids: list[bytes] = field(default_factory=list)
    """The ids in the commands of its attempts."""


@dataclass(slots=True)
class ClientAttempt:
    """A call on its way."""

    call: ClientCall
    command: Command
    version: int
    """The log's version when it was sent."""
    answered_before: bool
    """Whether this call had an answer when it was sent."""


class SimulatedClient:
    """One client, which remembers its answers."""

    def __init__(
        self, name: str, world: World, processes: list[Process], wishes: Wishes, chance: Chance
    ) -> None:
        self.name = name
        self._world = world
        self._processes = processes
        self._wishes = wishes
        self._chance = chance
        self._calls: deque[ClientCall] = deque(maxlen=REMEMBERED_MAX)
        self._number = 0

    async def live(self, think_s: float, steps: int) -> None:
        """Make calls until the run has made so many steps."""
        while self._world.count.steps < steps:
            await asyncio.sleep(self._chance.between(0, think_s))
            await self._next()

    async def settle_up(self) -> None:
        """Repeat every remembered call: answers must stay, and unknown outcomes become known."""
        for call in list(self._calls):
            await self.ask(call, "again")

    async def _next(self) -> None:
        chance = self._chance
        if self._calls and chance.happens(0.08):
            await self.ask(chance.one_of(self._calls), "again")
        elif self._calls and chance.happens(0.01):
            await self._ask_with_a_key_of_another_call(chance.one_of(self._calls))
        else:
            call = self._new_call(self._wishes.next())
            if call.idempotent is not None:
                self._calls.append(call)
            await self._insist(call)

    def _new_call(self, wish: Wish) -> ClientCall:
        self._number += 1
        idempotent = None
        if self._chance.happens(0.7):
            idempotent = IdempotentCall(
                IdempotencyKey(self.name, f"{self._number}"), b"%d" % self._number
            )
        kind = self._chance.below(100)
        return ClientCall(wish, idempotent, dry_run=kind < 3, guilty=kind == 3)  # noqa: PLR2004 (in percent)

    async def _insist(self, call: ClientCall) -> None:
        """Repeat a call that has a key until it is answered."""
        for _ in range(TRIES_MAX):
            if await self.ask(call, type(call.wish()).__name__) or call.idempotent is None:
                return
            await asyncio.sleep(self._chance.between(0, 0.5))

    async def _ask_with_a_key_of_another_call(self, other: ClientCall) -> None:
        assert other.idempotent is not None
        call = ClientCall(self._wishes.next(), IdempotentCall(other.idempotent.key, b"another"))
        process, log = await self._somebody()
        attempt = self._attempt(call)
        self._world.count.request("with a key of another call")
        outcome = await self._send(process, log, attempt)
        if other.answer is not None and isinstance(outcome, Granted):
            self._world.fail("a key of another call was taken")
        if isinstance(outcome, IdempotencyKeyReused):
            self._world.count.note("key reused")

    async def ask(self, call: ClientCall, what: str) -> bool:
        """Make a call at any process; whether it was answered."""
        world = self._world
        process, log = await self._somebody()
        attempt = self._attempt(call)
        world.count.request(what)
        outcome = await self._send(process, log, attempt)
        world.trace(f"{self.name} {process.name} {what}: {_brief(outcome)}")
        process.check_alive()
        match outcome:
            case None:
                world.count.note("no answer")
                return False
            case Granted():
                self._granted(attempt, outcome)
            case Refusal():
                self._refused(attempt, outcome)
            case Guilty() if call.guilty:
                world.count.note("guilty request")
            case IdempotencyKeyReused() if call.idempotent is not None:
                # Somebody else used this key while the call was not answered yet.
                world.count.note("key reused")
            case DatabaseUnavailable() | EventUnavailable():
                world.count.note("unknown outcome")
                return False
            case _:
                world.fail(f"a {what} failed with {outcome!r}")
        return True

    def _attempt(self, call: ClientCall) -> ClientAttempt:
        idempotent = call.idempotent
        answered = idempotent is not None and self._is_kept(idempotent.key)
        command = call.wish()
        key = _new_id(command)
        if key is not None:
            call.ids.append(key)
        return ClientAttempt(call, command, self._world.referee.version, answered)

    def _is_kept(self, key: IdempotencyKey) -> bool:
        """Whether the stored answer to this call lasts long enough to be repeated."""
        database = self._world.database
        found = database.tables.answers.get(key)
        if found is None:
            return False
        return found.until_ms is None or database.now_ms() + NEARLY_OVER_MS < found.until_ms

    async def _somebody(self) -> tuple[Process, SeatLog]:
        """A process that is up, as a load balancer would choose one."""
        while True:
            process = self._chance.one_of(self._processes)
            if process.log is not None:
                return process, process.log
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _send(
        self, process: Process, log: SeatLog, attempt: ClientAttempt
    ) -> Granted | Refusal | ServiceError | Exception | None:
        """Send a call to a process and wait for the outcome; `None` when it was not answered."""
        chance, world = self._chance, self._world
        await asyncio.sleep(chance.between(0, 0.002))
        if process.log is not log:
            return None
        task = process.spawn(process.ask(log, lambda: self._submission(attempt, log)))
        patience_s = UNANSWERED_S
        if chance.happens(0.02):
            patience_s = chance.between(0, 0.01)
        await asyncio.wait([task], timeout=patience_s)
        if not task.done():
            if patience_s == UNANSWERED_S:
                world.fail(f"{process.name} never answered")
            world.count.fault("caller left")
            task.cancel()
            return None
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or chance.happens(0.01):
            return None
        if isinstance(error, Exception):
            return error
        outcome: Granted | Refusal = task.result()
        if isinstance(outcome, Refusal) and log.states.version < attempt.version:
            world.fail(
                f"{process.name} refused ({outcome.code}) what it decided on version"
                f" {log.states.version}, and {attempt.version} was there when it was asked"
            )
        return outcome

    def _submission(self, attempt: ClientAttempt, _log: SeatLog) -> Submission:
        call = attempt.call
        submission = Submission(attempt.command, call=call.idempotent, dry_run=call.dry_run)
        if call.guilty:
            submission.jobs = _fail
        return submission

    # Checks of the answers

    def _granted(self, attempt: ClientAttempt, granted: Granted) -> None:
        world, call = self._world, attempt.call
        if call.dry_run:
            world.count.note("dry run")
            return
        result = granted.result
        if isinstance(result, EarlierAnswer):
            world.fail("a call that was granted has no result")
            return
        world.count.note("replayed" if granted.replayed else f"granted {_kind(attempt)}")
        if result.version > world.referee.version:
            world.fail(f"granted in version {result.version}, which is not committed")
        if granted.version < result.version:
            world.fail("an answer names a version without what it grants")
        if _new_id(attempt.command) is not None:
            self._began(attempt, result)
        if call.idempotent is not None and call.answer not in (None, result):
            world.fail("a repeated call got another answer")
        if attempt.answered_before and not granted.replayed:
            world.fail("a call was granted twice")
        call.answer = result

    def _began(self, attempt: ClientAttempt, result: Result) -> None:
        """The granted id must be in the log, in the version of the result, and be this call's."""
        world, key = self._world, _named(result)
        if world.referee.began.get(key) != result.version:
            world.fail(f"{key.hex()} was granted and is not in the log")
        if key not in attempt.call.ids:
            world.fail("a repeated call got the answer of another")
        self._learn(attempt.command, key)
        self._check_paid(attempt.command, key)

    def _check_paid(self, command: Command, key: bytes) -> None:
        """The booking must have the total and revision that were paid for."""
        if not isinstance(command, BookHold):
            return
        total, revision = self._world.referee.bookings[key].paid
        if command.expected_total not in {None, total}:
            self._world.fail(f"{command.expected_total} was paid, and {total} is booked")
        if command.expected_revision not in {None, revision}:
            self._world.fail(f"revision {command.expected_revision} was paid, not {revision}")
        if command.expected_total is None and command.expected_revision is None and revision != 1:
            self._world.fail("a hold that changed is booked by who expects nothing of it")

    def _learn(self, command: Command, key: bytes) -> None:
        known = self._wishes.holds if isinstance(command, PlaceHold) else self._wishes.bookings
        if key not in known:
            known.append(key)

    def _refused(self, attempt: ClientAttempt, refusal: Refusal) -> None:
        world = self._world
        world.count.note(f"refused {refusal.code}")
        key = _new_id(attempt.command)
        if key is not None and key in world.referee.began:
            world.fail(f"{key.hex()} was refused and is in the log")
        if attempt.answered_before and not attempt.call.dry_run:
            self._check_ended(refusal)
        self._check_not_found(attempt, refusal)

    def _check_ended(self, refusal: Refusal) -> None:
        """A granted call may be refused later only when the hold that it showed has ended."""
        shown = None if refusal.hold is None else self._world.referee.holds.get(refusal.hold)
        if shown is None or shown.ended is None:
            self._world.fail(
                f"a call that was granted is refused when it is repeated: {refusal.code}"
            )
        self._world.count.note("repeated after the hold's end")

    def _check_not_found(self, attempt: ClientAttempt, refusal: Refusal) -> None:
        """A hold or booking that was in the log when the call was sent must be found."""
        key = getattr(attempt.command, "hold", None)
        if refusal.code is RefusalCode.booking_not_found:
            key = getattr(attempt.command, "booking", None)
        elif refusal.code is not RefusalCode.hold_not_found:
            return
        began = self._world.referee.began.get(key) if key is not None else None
        if began is not None and began <= attempt.version:
            self._world.fail(f"{refusal.code} for {key.hex() if key else ''}, which is there")


def _new_id(command: Command) -> bytes | None:
    match command:
        case PlaceHold():
            return command.hold
        case BookHold() | BookSeats():
            return command.booking
        case _:
            return None


def _named(result: Result) -> bytes:
    """The hold or booking that a result shows."""
    match result:
        case HoldResult():
            return result.hold
        case BookingResult():
            return result.booking
        case _:
            return b""


def _fail(_entry: Entry) -> Sequence[NewJob]:
    raise Guilty


def _kind(attempt: ClientAttempt) -> str:
    return type(attempt.command).__name__


def _brief(outcome: object) -> str:
    match outcome:
        case None:
            return "no answer"
        case Granted():
            return f"{outcome.result}{' again' * outcome.replayed}"
        case Refusal():
            return str(outcome.code)
        case _:
            return type(outcome).__name__
