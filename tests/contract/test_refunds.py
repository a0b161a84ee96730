"""What a shop that took money is told of its hold, whenever it comes back, on every backend."""

import time
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from tests.support.seat_log import CONFIGURATION, EVENT, ask, seat_index

from event_seating.booking.api.buyer_cookie import Buyers
from event_seating.booking.api.caller import Caller
from event_seating.booking.api.log_budget import LogBudget
from event_seating.booking.api.request_bodies import BookBody, CancelBody, HoldBody
from event_seating.booking.api.service import BookingService
from event_seating.booking.core import ledger
from event_seating.booking.core.commands import Configure
from event_seating.booking.core.records import SaleStatus
from event_seating.booking.errors import (
    HoldBooked,
    HoldEnded,
    HoldExpired,
    HoldNotFound,
    HoldReleased,
)
from event_seating.booking.seat_log.registry import SeatLogs
from event_seating.booking.seat_log.sql_store import SqlLogStore
from event_seating.booking.seating.bookable_event import BookableEvent
from event_seating.booking.seating.ids import Tokens
from event_seating.clock import SystemClock
from event_seating.db.database import Database
from event_seating.web.roles import Principal, Role

pytestmark = pytest.mark.anyio

TTL_S = CONFIGURATION.rules.hold_ttl_ms // 1000
HOUR_S = 3_600
SHOP = Caller(Principal("shop", Role.admin, limited=False), "192.0.2.1")


class Clock(SystemClock):
    """Two days behind, so that a day may pass: no log may be ahead of its database."""

    def __init__(self) -> None:
        self.s = time.time() - 48 * HOUR_S

    def now_ms(self) -> int:
        return int(self.s * 1000)


class Desk:
    """The booking service of one process, at a clock of the test's own."""

    def __init__(self, database: Database) -> None:
        self.clock, self.index = Clock(), seat_index()
        self.logs = SeatLogs(
            SqlLogStore(database),
            self.clock,
            self._index,
            grace_ms=60_000,
            memory_bytes=10**9,
        )
        self.bookings = BookingService(
            self.logs,
            self._bookable,
            Tokens(b"secret"),
            database,
            self._nobody,
            self.clock,
            Buyers(b"secret", secure=False),
            LogBudget(0, self.clock.monotonic),
        )

    async def _index(self, event_id: str) -> object:
        return self.index

    async def _bookable(self, event_id: str) -> BookableEvent:
        return BookableEvent(event_id, "e", b"secret", self.index, str, ["Floor"])

    async def _nobody(self, user_id: str) -> bool:
        return False

    async def hold(self, seat: str) -> str:
        """The token of a new hold."""
        placed = await self.bookings.place_hold(EVENT, HoldBody(seats=(seat,)), SHOP)
        return placed.answer.body.decode().split('"')[3]

    async def book(self, token: str) -> str:
        """The id of the booking."""
        answer = await self.bookings.book(BookBody(hold_token=token), SHOP)
        return answer.body.decode().split('"')[3]

    async def rush(self) -> None:
        """Holds that begin and end, more than are remembered."""
        for seat in range(5):
            await self.bookings.release_hold(await self.hold(f"A-9-{seat}"), SHOP)


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    desk = Desk(database)
    await ask(await desk.logs.get(EVENT), Configure(CONFIGURATION))
    yield desk
    await desk.logs.aclose()


@pytest.mark.parametrize("after_s", [-1, 0, 59])
async def test_a_payment_that_comes_in_time_or_a_little_late_is_booked(
    desk: Desk, after_s: int
) -> None:
    token = await desk.hold("A-1-1")
    desk.clock.s += TTL_S + after_s
    assert await desk.book(token)


@pytest.mark.parametrize(
    ("after_s", "error"), [(61, HoldExpired), (23 * HOUR_S, HoldExpired), (25 * HOUR_S, HoldEnded)]
)
async def test_one_that_comes_too_late_is_told_that_nothing_was_booked(
    desk: Desk, after_s: int, error: type[HoldExpired | HoldEnded]
) -> None:
    token = await desk.hold("A-1-1")
    desk.clock.s += TTL_S
    await (await desk.logs.get(EVENT)).sweep()
    desk.clock.s += after_s
    for _ in range(2):
        with pytest.raises(error) as told:
            await desk.book(token)
        assert (told.value.status, told.value.details) == (410, {"booked": False})
        with pytest.raises(error):
            await desk.bookings.read_hold(token)


async def test_late_but_with_its_seats_taken_nothing_was_booked(desk: Desk) -> None:
    token = await desk.hold("A-1-1")
    desk.clock.s += TTL_S + 10
    await desk.hold("A-1-1")
    with pytest.raises(HoldExpired) as told:
        await desk.book(token)
    assert told.value.details == {"booked": False}


async def test_one_who_lost_the_answer_learns_the_booking_a_day_later(desk: Desk) -> None:
    token = await desk.hold("A-1-1")
    booking = await desk.book(token)
    desk.clock.s += 25 * HOUR_S
    with pytest.raises(HoldBooked) as told:
        await desk.book(token)
    assert told.value.details == {"booking": booking}


async def test_a_booking_that_was_cancelled_long_ago_is_named_still(desk: Desk) -> None:
    token = await desk.hold("A-1-1")
    booking = await desk.book(token)
    await desk.bookings.cancel(booking, CancelBody(), SHOP)
    desk.clock.s += 25 * HOUR_S
    with pytest.raises(HoldBooked) as told:
        await desk.book(token)
    assert told.value.details == {"booking": booking}


async def test_a_late_booking_is_found_by_its_hold_as_well(desk: Desk) -> None:
    token = await desk.hold("A-1-1")
    desk.clock.s += TTL_S + 30
    booking = await desk.book(token)
    await desk.bookings.cancel(booking, CancelBody(), SHOP)
    desk.clock.s += 25 * HOUR_S
    with pytest.raises(HoldBooked) as told:
        await desk.bookings.read_hold(token)
    assert told.value.details == {"booking": booking}


async def test_a_rush_that_ended_more_holds_than_are_remembered_changes_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "TOMBSTONES_MAX", 3)
    released, cancelled, alive = [await desk.hold(f"A-1-{seat}") for seat in range(3)]
    await desk.bookings.release_hold(released, SHOP)
    with pytest.raises(HoldReleased) as told:
        await desk.book(released)
    assert told.value.details == {"booked": False}
    bookings = [await desk.book(token) for token in (cancelled, alive)]
    await desk.bookings.cancel(bookings[0], CancelBody(), SHOP)
    await desk.rush()
    with pytest.raises(HoldEnded) as ended:
        await desk.book(released)
    assert (ended.value.status, ended.value.details) == (410, {"booked": False})
    for token, booking in zip((cancelled, alive), bookings, strict=True):
        with pytest.raises(HoldBooked) as booked:
            await desk.book(token)
        assert booked.value.details == {"booking": booking}


async def test_a_hold_that_ended_long_ago_is_given_back_once_its_event_is_cancelled(
    desk: Desk,
) -> None:
    token = await desk.hold("A-1-1")
    await ask(
        await desk.logs.get(EVENT),
        Configure(replace(CONFIGURATION, status=SaleStatus.cancelled)),
    )
    for after_s in (0, 25 * HOUR_S):
        desk.clock.s += after_s
        for _ in range(2):
            assert (await desk.bookings.release_hold(token, SHOP)).status == 204


async def test_a_token_that_we_did_not_sign_is_nobodys(desk: Desk) -> None:
    token = await desk.hold("A-1-1")
    for forged in (token[:-1] + ("A" if token[-1] != "A" else "B"), token[:34], "x", "ü"):
        with pytest.raises(HoldNotFound):
            await desk.book(forged)
