"""The writer and its store, on every backend."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import func, select, text
from tests.support.seat_log import EVENT, ask, book, many, once, open_log, place, seat_index

from event_seating.booking.core.commands import (
    BookHold,
    CancelBooking,
    Choice,
    ExchangeSeats,
    ExtendHold,
    Part,
)
from event_seating.booking.core.refusals import Refusal, RefusalCode
from event_seating.booking.core.seat_state import SeatStates
from event_seating.booking.errors import EventUnavailable
from event_seating.booking.seat_log import state_snapshots
from event_seating.booking.seat_log.ports import BatchRow
from event_seating.booking.seat_log.projection import Buyer
from event_seating.booking.seat_log.sql_store import SqlLogStore
from event_seating.booking.seat_log.submission import Granted
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating import ids
from event_seating.clock import SystemClock
from event_seating.db.database import Database
from event_seating.db.tables import booked_seats, booking_lines, bookings, seat_log
from event_seating.errors import IdempotencyKeyReused

pytestmark = pytest.mark.anyio


class ClockThat:
    """A clock that is wrong by so much, or stands where it is put."""

    def __init__(self, ahead_ms: int) -> None:
        self.ahead_ms = ahead_ms
        self._clock = SystemClock()

    def now_ms(self) -> int:
        return self._clock.now_ms() + self.ahead_ms

    def monotonic(self) -> float:
        return self._clock.monotonic()


@pytest.fixture
def store(database: Database) -> SqlLogStore:
    return SqlLogStore(database)


async def count(database: Database, table: object) -> int:
    async with database.read() as connection:
        return int(
            (await connection.execute(select(func.count()).select_from(table))).scalar_one()  # type: ignore[arg-type]
        )


async def replayed(store: SqlLogStore) -> SeatStates:
    """The state as the log alone gives it."""
    return await state_snapshots.load(EVENT, seat_index(), store, grace_ms=60_000)


async def test_what_is_booked_is_in_the_log_and_in_what_follows_from_it(
    store: SqlLogStore, database: Database
) -> None:
    log = await open_log(store)
    key = await book(log, [3, 4], Buyer("anna", "order-1", '{"a": 1}'))
    assert isinstance(key, bytes)
    async with database.read() as connection:
        row = (await connection.execute(select(bookings))).one()
        seats = (await connection.execute(select(booked_seats.c.seat))).scalars().all()
        lines = (await connection.execute(select(booking_lines))).all()
    assert row.id == ids.to_text(EVENT, key)
    assert (row.user_id, row.order_ref, row.status) == ("anna", "order-1", "confirmed")
    assert (row.total, row.currency, row.version) == (9000, "EUR", log.states.version)
    assert sorted(seats) == [3, 4]
    assert [(line.ticket_type, line.price) for line in lines] == [("standard", 4500)] * 2
    again = await replayed(store)
    assert again.characters() == log.states.characters()
    assert again.dump() == log.states.dump()


async def test_requests_that_come_together_become_one_row(
    store: SqlLogStore, database: Database
) -> None:
    log = await open_log(store)
    before = await count(database, seat_log)
    outcomes = await many(*(ask(log, place([seat])) for seat in range(100)))
    assert all(isinstance(outcome, Granted) for outcome in outcomes)
    assert await count(database, seat_log) == before + 1


async def test_of_all_who_want_one_seat_one_gets_it(store: SqlLogStore) -> None:
    log = await open_log(store)
    outcomes = await many(*(ask(log, place([7])) for _ in range(50)))
    assert Counter(type(outcome) for outcome in outcomes) == {Granted: 1, Refusal: 49}


async def test_processes_that_race_for_every_seat_sell_each_once(
    store: SqlLogStore, database: Database
) -> None:
    logs = [await open_log(store) for _ in range(4)]
    seats = range(200)
    outcomes = await many(*(book(log, [seat]) for log in logs for seat in seats))
    won = [outcome for outcome in outcomes if isinstance(outcome, bytes)]
    assert len(won) == len(set(won)) == 200
    assert await count(database, booked_seats) == 200
    assert await count(database, bookings) == 200
    for log in logs:
        await log.catch_up()
    assert len({log.states.dump() for log in logs}) == 1
    logs[0].states.check()


async def test_a_writer_that_lost_a_race_decides_again_on_what_the_other_wrote(
    store: SqlLogStore,
) -> None:
    ours, theirs = await open_log(store), await open_log(store)
    assert isinstance(await ask(theirs, place([1])), Granted)
    outcome = await ask(ours, place([1]))
    assert isinstance(outcome, Refusal)
    assert outcome.code == RefusalCode.seats_unavailable
    assert isinstance(await ask(ours, place([2])), Granted)
    assert ours.conflicts <= 1


async def test_the_database_itself_refuses_a_second_sale(
    store: SqlLogStore, database: Database
) -> None:
    """The second line of defence: a writer whose state is wrong cannot sell what is sold."""
    log = await open_log(store)
    await book(log, [1])
    async with database.write() as connection:
        await connection.execute(
            text("INSERT INTO booked_seats (event_id, seat, booking_id) VALUES (:e, 2, 'x')"),
            {"e": EVENT},
        )
    with pytest.raises(Exception, match=r"(?i)unique"):
        await book(log, [2])
    assert await count(database, bookings) == 1


async def test_one_guilty_request_does_not_sink_the_others(
    store: SqlLogStore, database: Database
) -> None:
    log = await open_log(store)
    holds = {seat: ids.new_key() for seat in range(10)}
    await many(*(ask(log, place([seat], hold=hold)) for seat, hold in holds.items()))
    async with database.write() as connection:
        await connection.execute(
            text("INSERT INTO booked_seats (event_id, seat, booking_id) VALUES (:e, 5, 'x')"),
            {"e": EVENT},
        )
    outcomes = await asyncio.gather(
        *(ask(log, BookHold(hold, ids.new_key())) for hold in holds.values()),
        return_exceptions=True,
    )
    assert [isinstance(outcome, Granted) for outcome in outcomes] == [
        seat != 5 for seat in range(10)
    ]
    assert await count(database, bookings) == 9
    assert (await replayed(store)).dump() == log.states.dump()


async def test_the_same_call_again_gets_the_first_answer(
    store: SqlLogStore, database: Database
) -> None:
    log = await open_log(store)
    first = await ask(log, place([1, 2]), once=once("k"))
    again = await ask(log, place([1, 2]), once=once("k"))
    assert isinstance(first, Granted)
    assert isinstance(again, Granted)
    assert (again.result, again.replayed) == (first.result, True)
    assert log.states.counts()["held"] == 2


async def test_the_same_call_twice_at_once_is_granted_once(store: SqlLogStore) -> None:
    log = await open_log(store)
    outcomes = await many(*(ask(log, place([1]), once=once("k")) for _ in range(5)))
    assert len({outcome.result for outcome in outcomes if isinstance(outcome, Granted)}) == 1
    assert [isinstance(outcome, Granted) for outcome in outcomes] == [True] * 5


async def test_the_same_call_again_at_another_process_gets_the_first_answer(
    store: SqlLogStore,
) -> None:
    ours, theirs = await open_log(store), await open_log(store)
    first = await ask(theirs, place([1]), once=once("k"))
    again = await ask(ours, place([1]), once=once("k"))
    assert isinstance(first, Granted)
    assert isinstance(again, Granted)
    assert again.result == first.result
    assert again.version == first.version, "who reads at this version sees the hold"


async def test_a_refusal_knows_what_another_process_wrote(store: SqlLogStore) -> None:
    ours, theirs = await open_log(store), await open_log(store)
    hold, booking = ids.new_key(), ids.new_key()
    await ask(theirs, place([1], hold=hold))
    assert isinstance(await ask(ours, BookHold(hold, booking)), Granted)
    assert isinstance(await ask(theirs, CancelBooking(booking)), Granted)
    refused = await ask(ours, CancelBooking(booking))
    assert isinstance(refused, Refusal)
    assert refused.code == RefusalCode.already_cancelled


async def test_a_repeated_call_in_the_same_row_names_that_row(store: SqlLogStore) -> None:
    log = await open_log(store)
    first, again = await many(*(ask(log, place([1]), once=once("k")) for _ in range(2)))
    assert isinstance(first, Granted)
    assert isinstance(again, Granted)
    assert (again.version, again.replayed) == (first.version, True)


async def test_a_listener_that_fails_does_not_undo_what_is_committed(store: SqlLogStore) -> None:
    def fails(log: SeatLog, changes: object, entries: object) -> None:
        raise RuntimeError("a listener")

    log = await open_log(store)
    failing = SeatLog(EVENT, log.states, store, SystemClock(), listeners=[fails])
    outcomes = await many(*(ask(failing, place([seat])) for seat in range(3)))
    assert [type(outcome) for outcome in outcomes] == [Granted] * 3
    assert (await replayed(store)).dump() == failing.states.dump()


async def test_a_row_that_cannot_be_read_takes_the_event_out_of_service(
    store: SqlLogStore, database: Database
) -> None:
    log = await open_log(store)
    async with database.write() as connection:
        await connection.execute(
            text("INSERT INTO seat_log VALUES (:e, 2, :id, 1, :rubbish, 0)"),
            {"e": EVENT, "id": b"id", "rubbish": b"rubbish"},
        )
    with pytest.raises(EventUnavailable):
        await ask(log, place([1]))
    assert log.broken is not None
    with pytest.raises(EventUnavailable):
        await ask(log, place([2]))


async def test_a_key_that_comes_with_another_request_is_refused(store: SqlLogStore) -> None:
    log = await open_log(store)
    await ask(log, place([1]), once=once("k", b"one"))
    with pytest.raises(IdempotencyKeyReused):
        await ask(log, place([2]), once=once("k", b"two"))
    assert log.states.status(2) == "available"


async def test_a_refusal_is_not_remembered(store: SqlLogStore) -> None:
    log = await open_log(store)
    hold = ids.new_key()
    await ask(log, place([1], hold=hold))
    assert isinstance(await ask(log, place([1]), once=once("k")), Refusal)
    assert isinstance(await ask(log, place([2]), once=once("k")), Granted)


async def test_cancel_and_exchange_are_followed(store: SqlLogStore, database: Database) -> None:
    log = await open_log(store)
    key = await book(log, [1, 2, 3])
    assert isinstance(key, bytes)
    await ask(log, CancelBooking(key, Part((1,))))
    await ask(log, ExchangeSeats(key, Part((2,)), Choice((9,))))
    async with database.read() as connection:
        row = (await connection.execute(select(bookings))).one()
        sold = sorted((await connection.execute(select(booked_seats.c.seat))).scalars())
        lines = sorted((await connection.execute(select(booking_lines.c.seat))).scalars())
    assert (row.status, row.total) == ("confirmed", 9000)
    assert sold == lines == [3, 9]
    await ask(log, CancelBooking(key))
    async with database.read() as connection:
        row = (await connection.execute(select(bookings))).one()
        lines = sorted((await connection.execute(select(booking_lines.c.seat))).scalars())
    assert row.status == "cancelled"
    assert lines == [3, 9], "a cancelled booking stays readable"
    assert await count(database, booked_seats) == 0


async def test_a_seat_may_change_hands_within_one_row(
    store: SqlLogStore, database: Database
) -> None:
    log = await open_log(store)
    key = await book(log, [1])
    assert isinstance(key, bytes)
    hold = ids.new_key()
    await many(
        ask(log, CancelBooking(key)),
        ask(log, place([1], hold=hold)),
        ask(log, BookHold(hold, ids.new_key())),
    )
    assert await count(database, booked_seats) == 1
    assert await count(database, bookings) == 2


async def test_a_clock_that_is_fast_cannot_expire_everybodys_holds(store: SqlLogStore) -> None:
    log = await open_log(store)
    hold = ids.new_key()
    await ask(log, place([1], hold=hold))
    corrected = asyncio.Event()
    fast = ClockThat(ahead_ms=3_600_000)

    async def set_clock() -> None:
        fast.ahead_ms = 0
        corrected.set()

    other = SeatLog(EVENT, await replayed(store), store, fast, set_clock=set_clock)
    assert isinstance(await ask(other, place([2])), Granted)
    assert corrected.is_set(), "the insert refused the time"
    await log.catch_up()
    assert log.states.status(1) == "held"


async def test_a_clock_that_is_slow_never_turns_the_log_back(store: SqlLogStore) -> None:
    log = await open_log(store)
    await ask(log, place([1]))
    slow = SeatLog(EVENT, await replayed(store), store, ClockThat(ahead_ms=-3_600_000))
    assert isinstance(await ask(slow, place([2])), Granted)
    rows = await store.rows_after(EVENT, 0, 100)
    assert [row.at_ms for row in rows] == sorted(row.at_ms for row in rows)


async def test_a_state_comes_back_from_an_image_and_the_rows_after_it(store: SqlLogStore) -> None:
    log = await open_log(store)
    hold = ids.new_key()
    await ask(log, place([1, 2], hold=hold))
    await state_snapshots.save(EVENT, log.states, store)
    await book(log, [3])
    await ask(log, ExtendHold(hold))
    loaded = await replayed(store)
    assert loaded.version == log.states.version
    assert loaded.dump() == log.states.dump()


async def test_an_image_that_cannot_be_read_is_passed_over(
    store: SqlLogStore, database: Database
) -> None:
    log = await open_log(store)
    await book(log, [3])
    await state_snapshots.save(EVENT, log.states, store)
    async with database.write() as connection:
        await connection.execute(
            text("UPDATE seat_snapshots SET image = :rubbish"), {"rubbish": b"rubbish"}
        )
    assert (await replayed(store)).dump() == log.states.dump()


async def test_a_damaged_image_is_passed_over_for_the_older_one(
    store: SqlLogStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await open_log(store)
    await book(log, [3])
    await state_snapshots.save(EVENT, log.states, store)
    await book(log, [4])
    await state_snapshots.save(EVENT, log.states, store)
    newest, older = await store.snapshots(EVENT)
    damaged = bytearray(newest.image)
    damaged[-30] ^= 1
    async with database.write() as connection:
        await connection.execute(
            text("UPDATE seat_snapshots SET image = :image WHERE version = :version"),
            {"image": bytes(damaged), "version": newest.version},
        )
    read_after: list[int] = []
    rows_after = store.rows_after

    async def noted(event_id: str, version: int, most: int) -> Sequence[BatchRow]:
        read_after.append(version)
        return await rows_after(event_id, version, most)

    monkeypatch.setattr(store, "rows_after", noted)
    assert (await replayed(store)).dump() == log.states.dump()
    assert read_after[0] == older.version


async def test_two_images_are_kept(store: SqlLogStore, database: Database) -> None:
    log = await open_log(store)
    for seat in range(4):
        await ask(log, place([seat]))
        await state_snapshots.save(EVENT, log.states, store)
    found = await store.snapshots(EVENT)
    assert [each.version for each in found] == [log.states.version, log.states.version - 1]


async def test_processes_may_write_the_same_image_at_the_same_moment(store: SqlLogStore) -> None:
    log = await open_log(store)
    await many(*(state_snapshots.save(EVENT, log.states, store) for _ in range(8)))
    assert [each.version for each in await store.snapshots(EVENT)] == [log.states.version]


async def test_a_caller_who_leaves_does_not_stop_the_writer(store: SqlLogStore) -> None:
    log = await open_log(store)
    leaving = asyncio.create_task(ask(log, place([1])))
    await asyncio.sleep(0)
    leaving.cancel()
    assert isinstance(await ask(log, place([2])), Granted)
    await log.drained()
    assert (await replayed(store)).dump() == log.states.dump()


async def test_a_dry_run_answers_and_changes_nothing(
    store: SqlLogStore, database: Database
) -> None:
    from event_seating.booking.seat_log.writer import Submission  # noqa: PLC0415

    log = await open_log(store)
    before = await count(database, seat_log)
    outcome = await log.submit(Submission(place([1]), dry_run=True))
    assert isinstance(outcome, Granted)
    assert log.states.status(1) == "available"
    assert await count(database, seat_log) == before


async def test_who_asks_after_a_commit_elsewhere_finds_it_though_a_read_is_under_way(
    store: SqlLogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = await open_log(store), await open_log(store)
    rows_after, begun, go_on = store.rows_after, asyncio.Event(), asyncio.Event()
    reads = 0

    async def slow(*asked: Any) -> Any:
        nonlocal reads
        reads += 1
        found = await rows_after(*asked)
        begun.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(store, "rows_after", slow)
    first = asyncio.create_task(ours.catch_up())
    await begun.wait()
    granted = await ask(theirs, place([1]))
    assert isinstance(granted, Granted)
    others = [asyncio.create_task(ours.catch_up()) for _ in range(20)]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(first, *others)
    assert ours.states.version == granted.version
    assert ours.states.status(1) == "held"
    assert reads == 2, "twenty who came while one was read shared the next"


async def test_a_reused_key_does_not_part_a_batch_that_lost_a_race(
    store: SqlLogStore, database: Database
) -> None:
    ours, theirs = await open_log(store), await open_log(store)
    await ask(ours, place([1]), once=once("k", b"one"))
    await ask(theirs, place([2]))
    before = await count(database, seat_log)
    reused, *granted = await asyncio.gather(
        ask(ours, place([3]), once=once("k", b"two")),
        ask(ours, place([4])),
        ask(ours, place([5])),
        return_exceptions=True,
    )
    assert isinstance(reused, IdempotencyKeyReused)
    assert all(isinstance(outcome, Granted) for outcome in granted)
    assert await count(database, seat_log) == before + 1


async def test_who_comes_while_a_turn_is_awaited_is_taken_along(
    store: SqlLogStore, database: Database
) -> None:
    log, other = await open_log(store), await open_log(store)
    await ask(other, place([1]))
    await ask(log, place([2]))
    before = await count(database, seat_log)
    async with store.transaction(EVENT, queued=True):
        first = asyncio.create_task(ask(log, place([3])))
        while not log.busy or log._waiting:  # noqa: ASYNC110 (it says when, not how)
            await asyncio.sleep(0)
        late = [asyncio.create_task(ask(log, place([seat]))) for seat in range(10, 20)]
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(first, *late)
    assert all(isinstance(outcome, Granted) for outcome in outcomes)
    assert await count(database, seat_log) == before + 1
