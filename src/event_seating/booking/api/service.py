"""Holds, bookings and blocks: turns requests into commands, and the writer's results into answers.

Each method submits one command to the event's log; the rules are in `core`, and the transaction is
the writer's. The answer is made from the writer's result after the commit.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from event_seating.booking.api import blocks, parse_selection
from event_seating.booking.api.answers import Answer, Render, answer
from event_seating.booking.api.buyer_cookie import Buyers, identity
from event_seating.booking.api.caller import Caller, idempotent_call
from event_seating.booking.api.given_back import given_back_already
from event_seating.booking.api.log_budget import LogBudget
from event_seating.booking.api.parse_selection import NOTHING_UNKNOWN, Unknown
from event_seating.booking.api.request_bodies import (
    BlockBody,
    BookBody,
    CancelBody,
    ChangeBookingBody,
    ChangeHoldBody,
    HoldBody,
    SelectionBody,
)
from event_seating.booking.core.commands import (
    Best,
    BookHold,
    BookSeats,
    CancelBooking,
    ChangeHold,
    Choice,
    Command,
    ExchangeSeats,
    ExtendHold,
    FreezeHold,
    PlaceHold,
    ReleaseHold,
    ThawHold,
)
from event_seating.booking.core.records import Configuration
from event_seating.booking.core.refusals import Refusal
from event_seating.booking.core.results import HoldResult, of_hold
from event_seating.booking.errors import BookingNotFound, HoldNotFound, Refused, UnknownUser
from event_seating.booking.reads import bookings, earlier_release, rendering
from event_seating.booking.reads.bookings import BookingRow
from event_seating.booking.reads.hold_endings import refused
from event_seating.booking.reads.seat_map_status import load_event
from event_seating.booking.seat_log.projection import Buyer
from event_seating.booking.seat_log.registry import SeatLogs
from event_seating.booking.seat_log.submission import EarlierAnswer, Granted, Submission
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating import ids
from event_seating.booking.seating.bookable_event import BookableEvent, BookableEventOf
from event_seating.clock import Clock
from event_seating.db.database import Database
from event_seating.errors import EventNotFound, invalid

UserExists = Callable[[str], Awaitable[bool]]


class PlacedHold(NamedTuple):
    """A new hold, or the one of an earlier call, and the time."""

    answer: Answer
    hold_id: str
    at_ms: int


class _Asked(NamedTuple):
    """A command, and what is needed to submit it and to answer a refusal."""

    log: SeatLog
    bookable: BookableEvent
    command: Command
    caller: Caller
    body: Any = None
    unknown: Mapping[str, int] = NOTHING_UNKNOWN
    buyer: Buyer = Buyer()
    dry_run: bool = False


class BookingService:
    """What can be done with an event's seats."""

    def __init__(
        self,
        logs: SeatLogs,
        bookable_of: BookableEventOf,
        tokens: ids.Tokens,
        database: Database,
        user_exists: UserExists,
        clock: Clock,
        buyers: Buyers,
        log_budget: LogBudget,
    ) -> None:
        self._logs = logs
        self._bookable_of = bookable_of
        self._tokens = tokens
        self._database = database
        self._user_exists = user_exists
        self._clock = clock
        self._buyers = buyers
        self._log_budget = log_budget

    # Holds

    async def place_hold(self, event_id: str, body: HoldBody, caller: Caller) -> PlacedHold:
        """Hold seats for a buyer; the answer has the token."""
        bookable, log = await self._event(event_id)
        key = ids.new_key()
        if caller.cookie is None and not caller.box_office:
            # The one that the answer will set.
            new_buyer = self._buyers.named_by(ids.to_text(event_id, key))
            caller = dataclasses.replace(caller, cookie=new_buyer)
        who = identity(bookable.buyer_secret, caller, body.buyer_ref)
        unknown: Unknown = {}
        command = PlaceHold(
            key,
            self._chosen(bookable, body, _configuration(log), unknown),
            who.buyer,
            caller.box_office,
            caller.actor,
            who.address,
            who.network,
            who.known_since_ms,
        )
        asked = _Asked(log, bookable, command, caller, body, unknown)
        granted, placed = await self._ask_for_hold(asked, rendering.CREATED)
        return PlacedHold(placed, _hold_id(event_id, granted), self._clock.now_ms())

    async def read_hold(self, token: str) -> bytes:
        """A hold as it is now."""
        bookable, log, key = await self._hold(token)
        found = log.states.hold(key, self._clock.now_ms())
        if isinstance(found, Refusal):
            # It may have been placed, changed or booked at another instance a moment ago.
            await log.catch_up()
            found = log.states.hold(key, self._clock.now_ms())
        if isinstance(found, Refusal):
            raise await refused(self._database, bookable, found, NOTHING_UNKNOWN, key)
        held = of_hold(found, log.states.version, log.states.at_ms)
        currency = _configuration(log).currency
        return rendering.hold(bookable, currency, self._tokens, rendering.OK, held)[1]

    async def change_hold(self, token: str, body: ChangeHoldBody, caller: Caller) -> Answer:
        """Add and remove seats of a hold, all or nothing."""
        bookable, log, key = await self._hold(token)
        unknown: Unknown = {}
        add = parse_selection.seats_to_take(
            bookable.index, "add", body.add, body.ticket_types, unknown
        )
        remove = parse_selection.seats_to_return(bookable.index, "remove", body.remove, unknown)
        if add is None and remove is None:
            raise invalid("add", "say what to add or what to remove")
        who = identity(bookable.buyer_secret, caller, None)
        command = ChangeHold(
            key, add, remove, caller.box_office, caller.actor, who.buyer, who.known_since_ms
        )
        asked = _Asked(log, bookable, command, caller, body, unknown)
        return (await self._ask_for_hold(asked, rendering.OK))[1]

    async def extend_hold(self, token: str, caller: Caller) -> Answer:
        """Let a hold last longer."""
        return await self._change_times(token, caller, ExtendHold)

    async def freeze_hold(self, token: str, caller: Caller) -> Answer:
        """Freeze a hold while it is paid for; the answer says what to pay."""
        return await self._change_times(token, caller, FreezeHold)

    async def thaw_hold(self, token: str, caller: Caller) -> Answer:
        """Let a frozen hold be changed again."""
        return await self._change_times(token, caller, ThawHold)

    async def release_hold(self, token: str, caller: Caller) -> Answer:
        """Give a hold back."""
        bookable, log, key = await self._hold(token)
        command = ReleaseHold(key, caller.box_office, caller.actor)
        try:
            return await self._ask(_Asked(log, bookable, command, caller), rendering.done)
        except Refused as refusal:
            if not given_back_already(log, refusal):
                raise
            return Answer(rendering.NO_CONTENT, b"")

    # Bookings

    async def book(self, body: BookBody, caller: Caller) -> Answer:
        """Book a hold, or, for the box office, seats without a hold."""
        await self._check_user(body.user_id)
        key = ids.new_key()
        unknown: Unknown = {}
        if body.hold_token is not None:
            if body.event_id is not None or body.seats or body.areas or body.ticket_types:
                raise invalid("holdToken", "book a hold or name the seats yourself, not both")
            bookable, log, hold = await self._hold(body.hold_token)
            total = parse_selection.expected_total(
                body.expected_total, _configuration(log).currency
            )
            command: Command = BookHold(hold, key, caller.actor, total, body.expected_revision)
        else:
            bookable, log, command = await self._without_hold(body, key, caller, unknown)
        buyer = body.buyer()
        # A repeated call has the same buyer, since the hash of the request covers it.
        render = partial(rendering.booked, bookable, _configuration(log).currency, buyer)
        return await self._ask(
            _Asked(log, bookable, command, caller, body, unknown, buyer=buyer), render
        )

    async def read_booking(self, booking_id: str) -> bytes:
        """A booking as it is now; a cancelled one stays readable."""
        bookable, _, _ = await self._booking(booking_id)
        row = await self._row(bookable, booking_id)
        return rendering.encode(rendering.kept(bookable, booking_id, row))

    async def cancel(self, booking_id: str, body: CancelBody, caller: Caller) -> Answer:
        """Cancel a booking, or a part of it."""
        bookable, log, key = await self._booking(booking_id)
        row = await self._row(bookable, booking_id)
        selected = SelectionBody(seats=body.seats, areas=body.areas)
        unknown: Unknown = {}
        named = body.seats or body.areas
        part = parse_selection.part(bookable.index, selected, unknown) if named else None
        command = CancelBooking(key, part, caller.actor)
        asked = _Asked(log, bookable, command, caller, body, unknown)
        try:
            return await self._ask(asked, partial(rendering.cancelled, bookable, row))
        except Refused as refusal:
            if not given_back_already(log, refusal):
                raise
            return Answer(rendering.OK, await self.read_booking(booking_id))

    async def change_booking(
        self,
        booking_id: str,
        body: ChangeBookingBody,
        caller: Caller,
        *,
        dry_run: bool,
    ) -> Answer:
        """Exchange seats of a booking in one step."""
        bookable, log, key = await self._booking(booking_id)
        row = await self._row(bookable, booking_id)
        unknown: Unknown = {}
        take = parse_selection.seats_to_take(
            bookable.index, "take", body.take, body.ticket_types, unknown
        )
        release = parse_selection.seats_to_return(bookable.index, "release", body.release, unknown)
        if take is None and release is None:
            raise invalid("take", "say what to take or what to release")
        command = ExchangeSeats(key, release, take, caller.staff, caller.actor)
        asked = _Asked(log, bookable, command, caller, body, unknown, dry_run=dry_run)
        render: Render = partial(rendering.exchanged, bookable, row)
        if dry_run:
            render = partial(rendering.previewed, row.currency)
        return await self._ask(asked, render)

    # Blocks

    async def block(
        self, event_id: str, body: BlockBody, caller: Caller, *, release: bool
    ) -> Answer:
        """Withdraw seats from sale, or give them back to it, as far as possible."""
        bookable, log = await self._event(event_id)
        return await blocks.block(log, bookable, body, caller, self._tokens, release=release)

    # Shared

    async def _change_times(
        self, token: str, caller: Caller, kind: type[ExtendHold | FreezeHold | ThawHold]
    ) -> Answer:
        bookable, log, key = await self._hold(token)
        command = kind(key, caller.box_office, caller.actor)
        asked = _Asked(log, bookable, command, caller)
        return (await self._ask_for_hold(asked, rendering.OK))[1]

    async def _ask_for_hold(self, asked: _Asked, status: int) -> tuple[Granted, Answer]:
        """Have a request decided whose answer is a hold."""
        bookable, currency = asked.bookable, _configuration(asked.log).currency
        render = partial(rendering.hold, bookable, currency, self._tokens, status)
        earlier_answer = partial(earlier_release.hold, bookable, currency, status)
        granted = await self._decided(asked, earlier_answer)
        return granted, answer(granted, render, self._tokens)

    async def _ask(self, asked: _Asked, render: Render) -> Answer:
        """Have a request decided whose answer is stored as it is given."""
        return answer(await self._decided(asked, render), render, self._tokens)

    async def _decided(self, asked: _Asked, earlier_answer: Render) -> Granted:
        """What was granted and committed; raises the error of a refusal."""
        log, bookable, command, caller, body, unknown, buyer, dry_run = asked
        self._log_budget.check(caller, command)
        secret = bookable.buyer_secret
        call = None
        if not dry_run:
            call = idempotent_call(
                caller, command, body, secret=secret, earlier_answer=earlier_answer
            )
        outcome = await log.submit(Submission(command, buyer, call, dry_run))
        if isinstance(outcome, Refusal):
            hold = getattr(command, "hold", None)
            raise await refused(self._database, bookable, outcome, unknown, hold)
        self._log_budget.charge(caller, command, outcome)
        return outcome

    async def _event(self, event_id: str) -> tuple[BookableEvent, SeatLog]:
        log, bookable = await load_event(self._logs, self._bookable_of, event_id)
        return bookable, log

    async def _hold(self, token: str) -> tuple[BookableEvent, SeatLog, bytes]:
        found = self._tokens.read(token)
        if found is None:
            raise HoldNotFound
        try:
            bookable, log = await self._event(found[0])
        except EventNotFound:
            raise HoldNotFound from None
        return bookable, log, found[1]

    async def _booking(self, booking_id: str) -> tuple[BookableEvent, SeatLog, bytes]:
        found = ids.from_text(booking_id)
        if found is None:
            raise BookingNotFound
        try:
            bookable, log = await self._event(found[0])
        except EventNotFound:
            raise BookingNotFound from None
        return bookable, log, found[1]

    async def _without_hold(
        self, body: BookBody, key: bytes, caller: Caller, unknown: Unknown
    ) -> tuple[BookableEvent, SeatLog, Command]:
        if not caller.staff:
            raise invalid("holdToken", "is missing")
        if body.event_id is None:
            raise invalid("holdToken", "give a holdToken, or an eventId with seats")
        bookable, log = await self._event(body.event_id)
        chosen = parse_selection.choice(
            bookable.index, body.seats, body.areas, body.ticket_types, unknown
        )
        if not body.from_:
            raise invalid("from", "name available, blocked, or both")
        if body.expected_revision is not None:
            raise invalid("expectedRevision", "is for a hold; seats have an expectedTotal alone")
        command = BookSeats(
            key,
            chosen,
            "available" in body.from_,
            "blocked" in body.from_,
            caller.actor,
            parse_selection.expected_total(body.expected_total, _configuration(log).currency),
        )
        return bookable, log, command

    def _chosen(
        self,
        bookable: BookableEvent,
        body: HoldBody,
        configuration: Configuration,
        unknown: Unknown,
    ) -> Choice | Best:
        if body.best is None:
            return parse_selection.choice(
                bookable.index, body.seats, body.areas, body.ticket_types, unknown
            )
        if body.seats or body.areas or body.ticket_types:
            raise invalid("best", "name seats yourself or let the best be found, not both")
        return parse_selection.best(bookable.index, body.best, configuration)

    async def _row(self, bookable: BookableEvent, booking_id: str) -> BookingRow:
        async with self._database.read() as connection:
            row = await bookings.by_id(connection, bookable.event_id, booking_id)
        if row is None:
            raise BookingNotFound
        return row

    async def _check_user(self, user_id: str | None) -> None:
        if user_id is not None and not await self._user_exists(user_id):
            raise UnknownUser


def _configuration(log: SeatLog) -> Configuration:
    configuration = log.states.configuration
    assert configuration is not None, "an event that is found is configured"
    return configuration


def _hold_id(event_id: str, granted: Granted) -> str:
    """The id of the hold; of a repeated call, that of the first one, which has the same buyer."""
    result = granted.result
    if isinstance(result, EarlierAnswer):
        return earlier_release.hold_id(result)
    assert isinstance(result, HoldResult), "a hold was placed and is not there"
    return ids.to_text(event_id, result.hold)
