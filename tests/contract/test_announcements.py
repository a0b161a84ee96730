"""The jobs that follow from a batch, written with it, on every backend."""

import msgspec
import pytest
from sqlalchemy import select
from tests.support.seat_log import EVENT, ask, book, many, open_log, place, seat_index

from event_seating.booking.core.commands import (
    AreaQuantity,
    BookHold,
    CancelBooking,
    Choice,
    PlaceHold,
)
from event_seating.booking.core.refusals import Refusal
from event_seating.booking.core.seat_index import SeatIndex
from event_seating.booking.effects.follow_up_jobs import NEWS_TYPES, SOLD_OUT, Announcements
from event_seating.booking.seat_log.projection import Buyer
from event_seating.booking.seat_log.sql_store import SqlLogStore
from event_seating.booking.seat_log.submission import Granted
from event_seating.booking.seating import ids
from event_seating.db.database import Database
from event_seating.db.tables import outbox

pytestmark = pytest.mark.anyio

ANNA = Buyer("anna")
TINY: SeatIndex = seat_index(rows=1, seats=2, floor=1)


def announcements(*wanted: str, confirms: bool = True) -> Announcements:
    return Announcements(confirms=confirms, subscribed_types=lambda: frozenset(wanted))


async def jobs(database: Database) -> list[tuple[str, dict[str, object]]]:
    async with database.read() as connection:
        rows = (await connection.execute(select(outbox))).all()
    assert {row.event_id for row in rows} <= {EVENT}
    return [(row.name, msgspec.json.decode(row.payload)) for row in rows]


async def test_a_booking_of_a_user_is_confirmed_once(database: Database) -> None:
    log = await open_log(SqlLogStore(database), announce=announcements())
    key = await book(log, [1, 2], ANNA)
    assert isinstance(key, bytes)
    booking = {"bookingId": ids.to_text(EVENT, key)}
    assert await jobs(database) == [("booking-confirmation", booking)]


async def test_a_booking_of_nobody_we_know_is_not_confirmed(database: Database) -> None:
    log = await open_log(SqlLogStore(database), announce=announcements())
    await book(log, [1])
    assert await jobs(database) == []


async def test_where_no_mail_is_sent_no_job_is_written(database: Database) -> None:
    log = await open_log(SqlLogStore(database), announce=announcements(confirms=False))
    await book(log, [1], ANNA)
    assert await jobs(database) == []


async def test_what_is_cancelled_in_its_own_batch_is_not_confirmed(database: Database) -> None:
    log = await open_log(SqlLogStore(database), announce=announcements())
    hold, booking = ids.new_key(), ids.new_key()
    await ask(log, place([1], hold=hold))
    version = log.states.version
    await many(
        ask(log, BookHold(hold, booking), buyer=ANNA), ask(log, CancelBooking(booking, None))
    )
    assert log.states.version == version + 1
    assert await jobs(database) == []


async def test_what_is_refused_leaves_no_job(database: Database) -> None:
    log = await open_log(SqlLogStore(database), announce=announcements(*NEWS_TYPES))
    await ask(log, place([1]))
    before = await jobs(database)
    assert isinstance(await ask(log, place([1])), Refusal)
    assert await jobs(database) == before


async def test_news_are_one_job_a_row_and_only_what_somebody_wants(database: Database) -> None:
    log = await open_log(SqlLogStore(database), announce=announcements("hold.created"))
    await many(*(ask(log, place([seat])) for seat in range(10)))
    assert await jobs(database) == [
        ("webhook-news", {"version": log.states.version, "soldOut": False})
    ]
    hold = ids.new_key()
    await ask(log, place([20], hold=hold))
    await ask(log, BookHold(hold, ids.new_key()))
    assert len(await jobs(database)) == 2


async def test_the_last_seat_sold_is_news_and_a_last_one_held_is_not(database: Database) -> None:
    log = await open_log(SqlLogStore(database), announce=announcements(SOLD_OUT), index=TINY)
    for seat in range(2):
        await book(log, [seat])
    hold = ids.new_key()
    floor = Choice(areas=(AreaQuantity(0, 1),))
    assert isinstance(await ask(log, PlaceHold(hold, floor, None, box_office=True)), Granted)
    assert await jobs(database) == []
    await ask(log, BookHold(hold, ids.new_key()))
    assert await jobs(database) == [
        ("webhook-news", {"version": log.states.version, "soldOut": True})
    ]


async def test_processes_that_race_confirm_each_booking_once(database: Database) -> None:
    store = SqlLogStore(database)
    logs = [await open_log(store, announce=announcements()) for _ in range(3)]
    outcomes = await many(*(book(log, [seat], ANNA) for log in logs for seat in range(30)))
    booked = sorted(ids.to_text(EVENT, key) for key in outcomes if isinstance(key, bytes))
    assert len(booked) == 30
    assert sorted(str(payload["bookingId"]) for _, payload in await jobs(database)) == booked


async def test_the_relay_is_woken_once_jobs_are_written_and_only_then(
    database: Database,
) -> None:
    woken: list[int] = []
    asked = Announcements(
        confirms=True, subscribed_types=frozenset, wake_relay=lambda: woken.append(1)
    )
    log = await open_log(
        SqlLogStore(database), announce=asked, listeners=[lambda *_row: asked.written()]
    )
    await book(log, [1])
    assert woken == []
    await book(log, [2], ANNA)
    assert woken == [1]
    await ask(log, place([3]))
    assert woken == [1]
