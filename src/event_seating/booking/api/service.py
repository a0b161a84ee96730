"""Holds, bookings and blocks: from what a client asks to what the writer decides.

Owns who the buyer is, what makes a call the same call again, and the answers. Each method asks the
event's log once; the rules are `model`'s and the transaction is the writer's.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from msgspec import structs

from event_seating.booking.api import blocks, parse_selection, request_bodies
from event_seating.booking.api.buyer_cookie import Buyers, identity
from event_seating.booking.api.caller import Caller, once
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
    ExchangeSeats,
    ExtendHold,
    FreezeHold,
    PlaceHold,
    ReleaseHold,
    Request,
    ThawHold,
)
from event_seating.booking.core.log_entries import Entry, Exchanged
from event_seating.booking.core.records import Configuration, Hold
from event_seating.booking.core.refusals import Refusal
from event_seating.booking.core.seat_state import Batch
from event_seating.booking.errors import BookingNotFound, HoldNotFound, Refused, UnknownUser
from event_seating.booking.reads import bookings, rendering
from event_seating.booking.reads.bookings import BookingRow
from event_seating.booking.reads.hold_endings import refused
from event_seating.booking.reads.seat_map_status import opened
from event_seating.booking.seat_log.projection import Buyer
from event_seating.booking.seat_log.registry import SeatLogs
from event_seating.booking.seat_log.submission import Granted, Submission
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating import ids
from event_seating.booking.seating.bookable_event import BookableEvent, BookableEventOf
from event_seating.clock import Clock
from event_seating.db.database import Database
from event_seating.errors import EventNotFound
from event_seating.values import money
from event_seating.web.json_body import invalid

UserExists = Callable[[str], Awaitable[bool]]


class PlacedHold(NamedTuple):
    """A new hold, or that of the first such call, and the time."""

    granted: Granted
    hold_id: str
    at_ms: int


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
        if caller.cookie is None:
            # The one that this hold gives them.
            new_buyer = self._buyers.named_by(ids.to_text(event_id, key))
            caller = dataclasses.replace(caller, cookie=new_buyer)
        who = identity(bookable.buyer_secret, caller, body.buyer_ref)
        unknown: Unknown = {}
        request = PlaceHold(
            key,
            self._chosen(bookable, body, _configuration(log), unknown),
            who.buyer,
            caller.box_office,
            caller.actor,
            who.address,
            who.network,
            who.known_since_ms,
        )
        granted = await self._ask(
            log, bookable, request, _hold_answer(bookable, log, key), caller, body, unknown=unknown
        )
        # Of a repeated call it is the first one's: its buyer is the same, too.
        hold_id = rendering.hold_id(granted.body)
        return PlacedHold(self._with_token(granted), hold_id, self._clock.now_ms())

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
        stored = rendering.hold(bookable, found, _configuration(log).currency, log.states.version)
        return rendering.with_token(stored, self._tokens)

    async def change_hold(self, token: str, body: ChangeHoldBody, caller: Caller) -> Granted:
        """Add and remove seats of a hold, all or nothing."""
        bookable, log, key = await self._hold(token)
        unknown: Unknown = {}
        add = parse_selection.taken(bookable.index, "add", body.add, body.ticket_types, unknown)
        remove = parse_selection.given(bookable.index, "remove", body.remove, unknown)
        if add is None and remove is None:
            raise invalid("add", "say what to add or what to remove")
        who = identity(bookable.buyer_secret, caller, None)
        request = ChangeHold(
            key, add, remove, caller.box_office, caller.actor, who.buyer, who.known_since_ms
        )
        granted = await self._ask(
            log,
            bookable,
            request,
            _hold_answer(bookable, log, key, 200),
            caller,
            body,
            unknown=unknown,
        )
        return self._with_token(granted)

    async def extend_hold(self, token: str, caller: Caller) -> Granted:
        """Let a hold last longer."""
        return await self._retimed(token, caller, ExtendHold)

    async def freeze_hold(self, token: str, caller: Caller) -> Granted:
        """Let a hold stand still while it is paid; the answer is what there is to pay."""
        return await self._retimed(token, caller, FreezeHold)

    async def thaw_hold(self, token: str, caller: Caller) -> Granted:
        """Let a frozen hold be changed again."""
        return await self._retimed(token, caller, ThawHold)

    async def release_hold(self, token: str, caller: Caller) -> Granted:
        """Give a hold back."""
        bookable, log, key = await self._hold(token)
        request = ReleaseHold(key, caller.box_office, caller.actor)
        try:
            return await self._ask(
                log, bookable, request, lambda _batch, _entry: (204, b""), caller
            )
        except Refused as refusal:
            if not given_back_already(log, refusal):
                raise
            return Granted(204, b"", log.states.version)

    # Bookings

    async def book(self, body: BookBody, caller: Caller) -> Granted:
        """Book a hold, or, from the box office, seats straight."""
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
            request: Request = BookHold(hold, key, caller.actor, total, body.expected_revision)
        else:
            bookable, log, request = await self._straight(body, key, caller, unknown)
        buyer = Buyer(body.user_id, body.order_ref, request_bodies.metadata_json(body.metadata))

        def answer(batch: Batch, _entry: Entry) -> tuple[int, bytes]:
            return 201, rendering.booked(bookable, _configuration(log).currency, batch, key, buyer)

        return await self._ask(log, bookable, request, answer, caller, body, buyer, unknown=unknown)

    async def read_booking(self, booking_id: str) -> bytes:
        """A booking as it is now; a cancelled one stays readable."""
        bookable, _, _ = await self._booking(booking_id)
        row = await self._row(bookable, booking_id)
        return rendering.encode(rendering.kept(bookable, booking_id, row))

    async def cancel(self, booking_id: str, body: CancelBody, caller: Caller) -> Granted:
        """Cancel a booking, or a part of it."""
        bookable, log, key = await self._booking(booking_id)
        row = await self._row(bookable, booking_id)
        selected = SelectionBody(seats=body.seats, areas=body.areas)
        unknown: Unknown = {}
        named = body.seats or body.areas
        part = parse_selection.part(bookable.index, selected, unknown) if named else None

        def answer(batch: Batch, _entry: Entry) -> tuple[int, bytes]:
            return 200, rendering.encode(
                rendering.kept(bookable, booking_id, rendering.after(row, batch, key))
            )

        request = CancelBooking(key, part, caller.actor)
        try:
            return await self._ask(log, bookable, request, answer, caller, body, unknown=unknown)
        except Refused as refusal:
            if not given_back_already(log, refusal):
                raise
            return Granted(200, await self.read_booking(booking_id), log.states.version)

    async def change_booking(
        self,
        booking_id: str,
        body: ChangeBookingBody,
        caller: Caller,
        *,
        dry_run: bool,
    ) -> Granted:
        """Exchange seats of a booking in one step."""
        bookable, log, key = await self._booking(booking_id)
        row = await self._row(bookable, booking_id)
        unknown: Unknown = {}
        take = parse_selection.taken(bookable.index, "take", body.take, body.ticket_types, unknown)
        release = parse_selection.given(bookable.index, "release", body.release, unknown)
        if take is None and release is None:
            raise invalid("take", "say what to take or what to release")
        currency = _configuration(log).currency

        def answer(batch: Batch, entry: Entry) -> tuple[int, bytes]:
            difference = sum(op.difference for op in entry.operations if isinstance(op, Exchanged))
            price = {"difference": money.to_text(difference, currency), "currency": currency}
            if dry_run:
                return 200, rendering.encode({"dryRun": True, **price})
            booking = rendering.kept(bookable, booking_id, rendering.after(row, batch, key))
            return 200, rendering.encode({**booking, **price})

        request = ExchangeSeats(key, release, take, caller.staff, caller.actor)
        return await self._ask(
            log, bookable, request, answer, caller, body, dry_run=dry_run, unknown=unknown
        )

    # Blocks

    async def block(
        self, event_id: str, body: BlockBody, caller: Caller, *, release: bool
    ) -> Granted:
        """Withdraw seats from sale, or give them back to it; what cannot be is left as it is."""
        bookable, log = await self._event(event_id)
        return await blocks.block(log, bookable, body, caller, release=release)

    # What they have in common

    async def _retimed(
        self, token: str, caller: Caller, kind: type[ExtendHold | FreezeHold | ThawHold]
    ) -> Granted:
        bookable, log, key = await self._hold(token)
        request = kind(key, caller.box_office, caller.actor)
        granted = await self._ask(
            log, bookable, request, _hold_answer(bookable, log, key, 200), caller
        )
        return self._with_token(granted)

    async def _ask(
        self,
        log: SeatLog,
        bookable: BookableEvent,
        request: Request,
        answer: Callable[[Batch, Entry], tuple[int, bytes]],
        caller: Caller,
        body: Any = None,
        buyer: Buyer | None = None,
        *,
        dry_run: bool = False,
        unknown: Mapping[str, int] = NOTHING_UNKNOWN,
    ) -> Granted:
        self._log_budget.check(caller, request)
        claim = None if dry_run else once(caller, request, body, secret=bookable.buyer_secret)
        outcome = await log.submit(Submission(request, answer, buyer or Buyer(), claim, dry_run))
        if isinstance(outcome, Refusal):
            hold = getattr(request, "hold", None)
            raise await refused(self._database, bookable, outcome, unknown, hold)
        self._log_budget.charge(caller, request, outcome)
        return outcome

    def _with_token(self, granted: Granted) -> Granted:
        return structs.replace(granted, body=rendering.with_token(granted.body, self._tokens))

    async def _event(self, event_id: str) -> tuple[BookableEvent, SeatLog]:
        log, bookable = await opened(self._logs, self._bookable_of, event_id)
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

    async def _straight(
        self, body: BookBody, key: bytes, caller: Caller, unknown: Unknown
    ) -> tuple[BookableEvent, SeatLog, Request]:
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
        request = BookSeats(
            key,
            chosen,
            "available" in body.from_,
            "blocked" in body.from_,
            caller.actor,
            parse_selection.expected_total(body.expected_total, _configuration(log).currency),
        )
        return bookable, log, request

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


def _hold_answer(
    bookable: BookableEvent, log: SeatLog, key: bytes, status: int = 201
) -> Callable[[Batch, Entry], tuple[int, bytes]]:
    currency = _configuration(log).currency

    def answer(batch: Batch, _entry: Entry) -> tuple[int, bytes]:
        held = batch.hold(key)
        assert isinstance(held, Hold), "a hold was granted and is not there"
        return status, rendering.hold(bookable, held, currency, batch.version)

    return answer
