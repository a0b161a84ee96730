"""The lists of bookings and the reading of the log, on every backend."""

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import sqlite
from tests.support.seat_log import EVENT, ask, book, open_log

from event_seating.booking.core.commands import CancelBooking, ExchangeSeats, Part
from event_seating.booking.core.commands import Choice as Chosen
from event_seating.booking.errors import EventUnavailable
from event_seating.booking.reads import history, lists
from event_seating.booking.reads.lists import BookingFilter, ListedBooking
from event_seating.booking.seat_log.projection import Buyer
from event_seating.booking.seat_log.sql_store import SqlLogStore
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating import ids
from event_seating.booking.seating.bookable_event import BookableEvent
from event_seating.db.database import Database
from event_seating.db.tables import bookings, seat_log

pytestmark = pytest.mark.anyio

ALL = BookingFilter()


@pytest.fixture
async def log(database: Database) -> SeatLog:
    return await open_log(SqlLogStore(database))


async def booked(log: SeatLog, *seats: int, user: str | None = None, ref: str | None = None) -> str:
    key = await book(log, seats, Buyer(user, ref, '{"a":1}' if ref else None))
    assert isinstance(key, bytes)
    return ids.to_text(EVENT, key)


async def found(database: Database, wanted: BookingFilter) -> set[str]:
    async with database.read() as connection:
        page = await lists.by_update(connection, EVENT, wanted, None, 100)
        by_id = await lists.by_id(connection, EVENT, wanted, None, 100)
    assert {each.id for each in page} == {each.id for each in by_id}
    return {each.id for each in page}


async def cancel(log: SeatLog, booking: str) -> None:
    named = ids.from_text(booking)
    assert named is not None
    await ask(log, CancelBooking(named[1]))


async def test_a_booking_is_listed_with_what_it_has(log: SeatLog, database: Database) -> None:
    booking = await booked(log, 3, 4, user="anna", ref="order-1")
    async with database.read() as connection:
        (listed,) = await lists.by_update(connection, EVENT, ALL, None, 10)
    assert (listed.event_id, listed.id) == (EVENT, booking)
    row = listed.row
    assert row.buyer == Buyer("anna", "order-1", '{"a":1}')
    assert (row.status, row.currency, row.version) == ("confirmed", "EUR", log.states.version)
    assert [(group.seats, group.price) for group in row.groups] == [((3, 4), 4500)]


async def test_whose_a_seat_is_is_found_without_reading_all_lines_of_the_event(
    database: Database,
) -> None:
    """Asked of SQLite, whose plan does not depend on how many rows there are."""
    statement = lists._of_event(EVENT, BookingFilter(seat=3))
    said = str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    if database.dialect == "sqlite":
        async with database.read() as connection:
            plan = [
                row.detail for row in await connection.execute(text(f"EXPLAIN QUERY PLAN {said}"))
            ]
        lines = [step for step in plan if "booking_lines" in step]
        assert ["(event_id=? AND seat=?)" in step for step in lines] == [True]


async def test_each_filter_keeps_what_it_names(log: SeatLog, database: Database) -> None:
    annas = await booked(log, 1, user="anna", ref="o1")
    bens = await booked(log, 2, 3, user="ben", ref="o2")
    gone = await booked(log, 4, user="ben")
    await cancel(log, gone)
    assert await found(database, ALL) == {annas, bens, gone}
    assert await found(database, BookingFilter(user_id="ben")) == {bens, gone}
    assert await found(database, BookingFilter(order_ref="o1")) == {annas}
    assert await found(database, BookingFilter(status="cancelled")) == {gone}
    assert await found(database, BookingFilter(user_id="ben", status="confirmed")) == {bens}
    assert await found(database, BookingFilter(seat=3)) == {bens}
    assert await found(database, BookingFilter(seat=4)) == {gone}, "it had it when it ended"
    assert await found(database, BookingFilter(seat=9)) == set()


async def test_since_a_time_means_from_that_very_millisecond(
    log: SeatLog, database: Database
) -> None:
    booking = await booked(log, 1)
    async with database.read() as connection:
        (listed,) = await lists.by_update(connection, EVENT, ALL, None, 10)
    at_ms = listed.row.updated_at_ms
    assert await found(database, BookingFilter(updated_since_ms=at_ms)) == {booking}
    assert await found(database, BookingFilter(updated_since_ms=at_ms + 1)) == set()


async def pages_by_update(database: Database, most: int) -> list[list[ListedBooking]]:
    pages, after = [], None
    while True:
        async with database.read() as connection:
            page = await lists.by_update(connection, EVENT, ALL, after, most)
        pages.append(page)
        if len(page) < most:
            return pages
        after = (page[-1].row.updated_at_ms, page[-1].id)


async def test_pages_follow_each_other_without_a_gap_or_a_double(
    log: SeatLog, database: Database
) -> None:
    made = {await booked(log, seat) for seat in range(10)}
    async with database.write() as connection:
        # All in one millisecond: the id alone has to tell them apart.
        await connection.execute(bookings.update().values(updated_at_ms=5, created_at_ms=5))
    pages = await pages_by_update(database, 3)
    assert [len(page) for page in pages] == [3, 3, 3, 1]
    listed = [each.id for page in pages for each in page]
    assert len(listed) == 10
    assert set(listed) == made
    by_id, after = [], None
    while True:
        async with database.read() as connection:
            page = await lists.by_id(connection, EVENT, ALL, after, 4)
        by_id += [each.id for each in page]
        if len(page) < 4:
            break
        after = (by_id[-1],)
    assert sorted(by_id) == sorted(listed)


async def test_a_booking_that_changes_while_somebody_pages_comes_again(
    log: SeatLog, database: Database
) -> None:
    first = await booked(log, 1, 2)
    for seat in (3, 4, 5):
        await booked(log, seat)
    async with database.write() as connection:
        await connection.execute(bookings.update().values(updated_at_ms=5))
        await connection.execute(
            bookings.update().where(bookings.c.id == first).values(updated_at_ms=4)
        )
    async with database.read() as connection:
        page = await lists.by_update(connection, EVENT, ALL, None, 2)
    assert page[0].id == first
    named = ids.from_text(first)
    assert named is not None
    await ask(log, CancelBooking(named[1], Part((2,))))
    after = (page[-1].row.updated_at_ms, page[-1].id)
    async with database.read() as connection:
        rest = await lists.by_update(connection, EVENT, ALL, after, 10)
    assert [each.id for each in rest][-1] == first
    assert [group.seats for group in rest[-1].row.groups] == [(1,)]


async def test_a_users_bookings_are_listed_over_all_events(
    log: SeatLog, database: Database
) -> None:
    mine = [await booked(log, seat, user="anna") for seat in (1, 2, 3)]
    await booked(log, 4, user="ben")
    async with database.write() as connection:
        await connection.execute(
            bookings.update().where(bookings.c.id == mine[2]).values(event_id="otherevent01")
        )
    listed: list[str] = []
    after = None
    while True:
        async with database.read() as connection:
            page = await lists.of_user(connection, "anna", after, 2)
        listed += [each.id for each in page]
        if len(page) < 2:
            break
        after = (page[-1].row.created_at_ms, page[-1].event_id, page[-1].id)
    assert sorted(listed) == sorted(mine)


def place_of(log: SeatLog) -> BookableEvent:
    return BookableEvent(EVENT, "e1", b"", log.states.index, str, ["floor"])


async def test_the_log_is_read_in_order_however_long_it_is(
    log: SeatLog, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "ROWS_AT_ONCE", 3)
    for seat in range(4):
        await booked(log, seat)
    rows = [row async for row in history.rows_after(database, EVENT, 2)]
    assert [row.version for row in rows] == list(range(3, log.states.version + 1))


async def test_what_happened_to_a_seat_is_told_the_latest_first(
    log: SeatLog, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "ROWS_AT_ONCE", 2)
    booking = await booked(log, 7, 8)
    named = ids.from_text(booking)
    assert named is not None
    await booked(log, 1)
    await ask(log, ExchangeSeats(named[1], Part((7,)), Chosen((9,))))
    seen = await history.of_seat(database, place_of(log), 7, log.states.version)
    assert [move["operation"] for move in seen.moves] == ["exchange", "book", "hold"]
    assert [move["status"] for move in seen.moves] == ["available", "booked", "held"]
    assert seen.since == 1
    other = await history.of_seat(database, place_of(log), 9, log.states.version)
    assert [(move["operation"], move["status"]) for move in other.moves] == [("exchange", "booked")]


async def test_a_history_that_is_too_long_says_from_where_it_is_complete(
    log: SeatLog, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOVES_MAX", 3)
    for _ in range(3):
        await cancel(log, await booked(log, 7))
    seen = await history.of_seat(database, place_of(log), 7, log.states.version)
    assert [move["operation"] for move in seen.moves] == ["cancel", "book", "hold"]
    assert seen.since == seen.moves[-1]["version"] == log.states.version - 2
    monkeypatch.setattr(history, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(history, "ROWS_SEARCHED_MAX", 2)
    nothing = await history.of_seat(database, place_of(log), 100, log.states.version)
    assert nothing.moves == []
    assert nothing.since > 1


async def test_a_row_of_an_unknown_form_is_never_passed_over(
    log: SeatLog, database: Database
) -> None:
    await booked(log, 1)
    async with database.write() as connection:
        await connection.execute(seat_log.update().where(seat_log.c.version == 2).values(format=99))
    with pytest.raises(EventUnavailable):
        [row async for row in history.rows_after(database, EVENT, 0)]
