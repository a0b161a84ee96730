"""`verify` on every backend: clean after real traffic, and every kind of tampering is named."""

import asyncio
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console
from sqlalchemy import bindparam, text
from tests.support.seat_log import (
    CONFIGURATION,
    EVENT,
    ask,
    book,
    many,
    once,
    open_log,
    place,
    seat_index,
)

from event_seating.booking.core import log_entries, results
from event_seating.booking.core.commands import (
    AreaQuantity,
    BlockSeats,
    CancelBooking,
    Choice,
    ExchangeSeats,
    Part,
    PlaceHold,
    ReleaseHold,
    ReleaseHolds,
)
from event_seating.booking.core.log_entries import Amended, Booked, Configured, Entry, Held
from event_seating.booking.core.records import Access, LineGroup, TicketType
from event_seating.booking.core.results import DoneResult, HoldResult
from event_seating.booking.core.seat_index import SeatIndex
from event_seating.booking.seat_log import state_snapshots
from event_seating.booking.seat_log.projection import Buyer
from event_seating.booking.seat_log.sql_store import SqlLogStore
from event_seating.booking.seat_log.submission import Granted, Submission
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating import ids
from event_seating.db.database import Database
from event_seating.errors import EventNotFound
from event_seating.maintenance import command, verify_store
from event_seating.maintenance.verify import FINDINGS_MAX, verify

pytestmark = pytest.mark.anyio


async def load_index(event_id: str) -> SeatIndex:
    if event_id != EVENT:
        raise EventNotFound
    return seat_index()


async def check(database: Database) -> list[str]:
    return await verify(database, EVENT, load_index, grace_ms=60_000)


async def traffic(store: SqlLogStore) -> SeatLog:
    """Two processes that hold, book, change and cancel, with snapshots on the way."""
    log, other = await open_log(store), await open_log(store)
    booked = await many(*(book(each, [seat]) for each in (log, other) for seat in range(20)))
    keys = [key for key in booked if isinstance(key, bytes)]
    await state_snapshots.save(EVENT, log.states, store)
    area = PlaceHold(ids.new_key(), Choice(areas=(AreaQuantity(0, 3),)), None, box_office=True)
    await ask(other, area, once=once("area"))
    await ask(log, CancelBooking(keys[0]))
    await ask(log, ExchangeSeats(keys[1], Part((_seat_of(log, keys[1]),)), Choice((40, 41))))
    await ask(log, CancelBooking(keys[1], Part((40,))))
    await ask(log, BlockSeats(Part((50, 51))))
    hold = ids.new_key()
    await ask(other, place([60, 61], hold=hold), once=once("hold"))
    await ask(other, ReleaseHold(hold))
    hoarded = PlaceHold(ids.new_key(), Choice((80, 81)), b"buyer", address=b"home", network=b"town")
    await ask(other, hoarded)
    await ask(other, ReleaseHolds(b"home", 10, "desk"))
    await log.catch_up()
    await state_snapshots.save(EVENT, log.states, store)
    await book(log, [70, 71, 72], Buyer("anna"))
    return log


def _seat_of(log: SeatLog, key: bytes) -> int:
    return log.states.ledger.bookings[key].groups[0].seats[0]


@pytest.fixture
async def log(database: Database) -> SeatLog:
    return await traffic(SqlLogStore(database))


async def tamper(database: Database, statement: str, **values: Any) -> None:
    async with database.write() as connection:
        assert (await connection.execute(text(statement), values)).rowcount >= 1


async def test_after_real_traffic_nothing_differs(database: Database, log: SeatLog) -> None:
    assert await check(database) == []


async def test_it_may_run_while_the_event_sells(database: Database, log: SeatLog) -> None:
    selling = asyncio.gather(*(book(log, [seat]) for seat in range(100, 200)))
    found = [await check(database) for _ in range(3)]
    await selling
    assert found == [[], [], []]


async def test_more_bookings_than_a_page_are_compared(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_store, "PAGE", 7)
    log = await traffic(SqlLogStore(database))
    await many(*(book(log, [seat]) for seat in range(100, 130)))
    assert await check(database) == []
    await tamper(database, "UPDATE booking_lines SET price = 1 WHERE seat = 129")
    assert len(await check(database)) == 1


TAMPERED = {
    "a changed booking": (
        "UPDATE bookings SET total = 1 WHERE user_id = 'anna'",
        "total is 1, the log says 13500",
    ),
    "a booking of another hold": (
        "UPDATE bookings SET hold_id = 'x' WHERE user_id = 'anna'",
        "hold_id is x, the log says",
    ),
    "a booking that is confirmed again": (
        "UPDATE bookings SET status = 'confirmed' WHERE status = 'cancelled'",
        "status is confirmed, the log says cancelled",
    ),
    "a cancelled booking that is gone": (
        "DELETE FROM bookings WHERE status = 'cancelled'",
        "(cancelled) has no row",
    ),
    "a booking that is gone": ("DELETE FROM bookings WHERE user_id = 'anna'", "has no row"),
    "a forged booking": (
        (
            "INSERT INTO bookings (event_id, id, user_id, order_ref, metadata, status, total,"
            " currency, version, created_at_ms, updated_at_ms)"
            " SELECT event_id, 'testevent001AAAAAAAAAAAAAAAAAAAAAA', user_id,"
            " order_ref, metadata, status, total, currency, version, created_at_ms, updated_at_ms"
            " FROM bookings WHERE user_id = 'anna'"
        ),
        "booking testevent001AAAAAAAAAAAAAAAAAAAAAA (confirmed) is not in the log",
    ),
    "a forged cancelled booking": (
        (
            "INSERT INTO bookings (event_id, id, user_id, order_ref, metadata, status, total,"
            " currency, version, created_at_ms, updated_at_ms)"
            " SELECT event_id, 'testevent001AAAAAAAAAAAAAAAAAAAAAA', user_id,"
            " order_ref, metadata, status, total, currency, version, created_at_ms, updated_at_ms"
            " FROM bookings WHERE status = 'cancelled'"
        ),
        "booking testevent001AAAAAAAAAAAAAAAAAAAAAA (cancelled) is not in the log",
    ),
    "a missing line": (
        "DELETE FROM booking_lines WHERE seat = 71",
        "the line of seat 71 (A-7-1) is missing, the log says standard at 4500",
    ),
    "a changed price": (
        "UPDATE booking_lines SET price = 0 WHERE seat = 72",
        "the line of seat 72 (A-7-2) is standard at 0, the log says standard at 4500",
    ),
    "a line too many": (
        (
            "INSERT INTO booking_lines SELECT event_id, booking_id, 99, ticket_type, price"
            " FROM booking_lines WHERE seat = 71"
        ),
        "the line of seat 99 (A-9-9) is standard at 4500, the log says missing",
    ),
    "a line of nobody": (
        (
            "INSERT INTO booking_lines SELECT event_id, 'nobody', seat, ticket_type, price"
            " FROM booking_lines WHERE seat = 71"
        ),
        "there is a line of seat 71 (A-7-1) and no booking nobody",
    ),
    "a seat owned by another": (
        "UPDATE booked_seats SET booking_id = 'another' WHERE seat = 70",
        "seat 70 (A-7-0) is booked by another, the log says booking testevent001",
    ),
    "a seat that is no longer booked": (
        "DELETE FROM booked_seats WHERE seat = 70",
        "seat 70 (A-7-0) is booked by nobody, the log says booking testevent001",
    ),
    "a seat that nobody booked": (
        "INSERT INTO booked_seats (event_id, seat, booking_id) VALUES ('testevent001', 99, 'x')",
        "seat 99 (A-9-9) is booked by x, the log says nobody",
    ),
    "a deleted row of the log": (
        "DELETE FROM seat_log WHERE version = 4",
        "row 4 of the log is missing, the next is 5",
    ),
    "a changed row of the log": (
        (
            "UPDATE seat_log SET entries = (SELECT entries FROM seat_log WHERE version = 2)"
            " WHERE version = 4"
        ),
        "row 4 of the log does not fit what is before it",
    ),
    "a row of an unknown form": (
        "UPDATE seat_log SET format = 99 WHERE version = 3",
        "row 3 of the log does not fit what is before it",
    ),
    "a time that runs backwards": (
        "UPDATE seat_log SET at_ms = 1 WHERE version = 3",
        "row 3 of the log does not fit what is before it",
    ),
    "a log that lost its end": (
        "DELETE FROM seat_log WHERE version > 2",
        ", and the log ends at 2",
    ),
    "a snapshot that cannot be read": (
        "UPDATE seat_snapshots SET image = 'rubbish'",
        "cannot be read",
    ),
    "an answer of another time": (
        "UPDATE idempotency SET at_ms = at_ms + 1000000",
        "no row of the log was written at its time",
    ),
}


@pytest.mark.parametrize("kind", TAMPERED)
async def test_what_was_tampered_with_is_named(database: Database, log: SeatLog, kind: str) -> None:
    statement, line = TAMPERED[kind]
    if database.dialect == "postgresql":
        statement = statement.replace("image = 'rubbish'", "image = CAST('rubbish' AS bytea)")
    else:
        statement = statement.replace("image = 'rubbish'", "image = CAST('rubbish' AS blob)")
    await tamper(database, statement)
    assert any(line in found for found in await check(database)), await check(database)


async def test_an_image_of_another_state_is_named(database: Database, log: SeatLog) -> None:
    store = SqlLogStore(database)
    newest, older = await store.snapshots(EVENT)
    await tamper(
        database,
        "UPDATE seat_snapshots SET image = :image WHERE version = :version",
        image=older.image,
        version=newest.version,
    )
    found = await check(database)
    assert any(f"snapshot of version {newest.version} has other" in line for line in found)
    assert any("is of another version or time" in line for line in found)


async def forge(database: Database, log: SeatLog, forged: Sequence[Entry]) -> None:
    async with database.write() as connection:
        await connection.execute(
            text(
                "INSERT INTO seat_log (event_id, version, batch_id, format, entries, at_ms)"
                " VALUES (:event, :version, :batch, 1, :entries, :at)"
            ).bindparams(bindparam("batch", b"forged"), bindparam("event", EVENT)),
            {
                "version": log.states.version + 1,
                "entries": log_entries.encode(forged),
                "at": log.states.at_ms,
            },
        )


@pytest.mark.parametrize(("form", "found"), [(2, 1), (1, 0)])
async def test_an_image_that_lost_what_cools_down_is_named_unless_its_log_began_without(
    database: Database, form: int, found: int
) -> None:
    log = await traffic(SqlLogStore(database))
    version, cooling = log.states.version, log.states.ledger.cool_down
    assert cooling.recent
    await tamper(database, "DELETE FROM seat_snapshots WHERE version < :v", v=version)
    cooling.recent.clear()
    cooling.refused_to.clear()
    await state_snapshots.save(EVENT, log.states, SqlLogStore(database))
    await tamper(database, "UPDATE seat_log SET format = :f WHERE version < 5", f=form)
    said = await check(database)
    assert len(said) == found
    assert all("other seats that cool down than the log" in line for line in said)


@pytest.mark.parametrize(("form", "found"), [(2, 1), (1, 0)])
async def test_an_image_with_another_revision_is_named_unless_its_log_began_without_them(
    database: Database, form: int, found: int
) -> None:
    log = await traffic(SqlLogStore(database))
    states = log.states
    hold = next(iter(states.ledger.holds.values()))
    await tamper(database, "DELETE FROM seat_snapshots")
    states.ledger.holds[hold.id] = replace(hold, revision=hold.revision + 1)
    await state_snapshots.save(EVENT, states, SqlLogStore(database))
    await tamper(database, "UPDATE seat_log SET format = :f WHERE version < 5", f=form)
    said = await check(database)
    assert len(said) == found, said
    assert all("other holds than the log" in line for line in said)


async def test_a_forged_row_that_fits_is_found_by_what_is_not_beside_it(
    database: Database, log: SeatLog
) -> None:
    key = ids.new_key()
    await forge(database, log, [Entry(None, (Booked(key, (), None, (LineGroup((99,), 1),)),))])
    found = await check(database)
    assert f"booking {ids.to_text(EVENT, key)} has no row" in found
    assert any(line.startswith("seat 99 (A-9-9) is booked by nobody") for line in found)


async def test_a_forged_row_that_sells_a_seat_twice_is_found(
    database: Database, log: SeatLog
) -> None:
    group = LineGroup((70,), 1)
    await forge(database, log, [Entry(None, (Booked(ids.new_key(), (), None, (group,)),))])
    (line,) = await check(database)
    assert line.endswith("seat 70 is taken twice")


async def test_a_price_of_staff_that_was_held_without_a_key_is_found(
    database: Database, log: SeatLog
) -> None:
    sale = replace(
        CONFIGURATION,
        prices={"1": {"standard": 4500, "press": 0}},
        ticket_types={
            "standard": TicketType("Standard"),
            "press": TicketType("Press", Access.staff),
        },
    )
    hold, press = ids.new_key(), (LineGroup((99,), 0, "press"),)
    forged = [
        Entry(None, (Configured(sale),)),
        Entry("desk", (Held(ids.new_key(), (LineGroup((98,), 0, "press"),), 60_000),)),
        Entry(None, (Held(hold, (LineGroup((97,), 4500, "standard"),), 60_000, b"buyer"),)),
        Entry(None, (Amended(hold, (97,), press),)),
    ]
    await forge(database, log, forged)
    version = log.states.version + 1
    assert await check(database) == [
        f"row {version}: press is for staff, and is held without a key"
    ]


async def test_a_forged_answer_is_found(database: Database, log: SeatLog) -> None:
    await tamper(
        database,
        "UPDATE idempotency SET answer = :answer WHERE key = 'hold'",
        answer=b'{"version": 1}',
    )
    (line,) = await check(database)
    assert "key hold: it names version 1, which was written at another time" in line


async def test_an_answer_that_grants_what_was_never_granted_is_found(
    database: Database, log: SeatLog
) -> None:
    name = ids.to_text(EVENT, ids.new_key())
    await tamper(
        database,
        "UPDATE idempotency SET answer = :answer WHERE key = 'hold'",
        answer=b'{"holdId": "%s"}' % name.encode(),
    )
    (line,) = await check(database)
    assert f"it grants {name}, which is not in the log" in line


async def test_a_forged_result_is_found(database: Database, log: SeatLog) -> None:
    (at_ms,) = [row.at_ms for row in await answers(database) if row.key == "area"]
    name = ids.new_key()
    for forged, said in (
        (DoneResult(1, at_ms), "it names version 1, which was written at another time"),
        (HoldResult(99, at_ms, name, (), at_ms, 1), "it names version 99, which is not in the log"),
    ):
        await tamper(
            database,
            "UPDATE idempotency SET result = :result, result_format = 1 WHERE key = 'area'",
            result=results.encode(forged),
        )
        (line,) = await check(database)
        assert said in line
    broken = "UPDATE idempotency SET result = :result WHERE key = 'area'"
    await tamper(database, broken, result=b"\xc1")
    (line,) = await check(database)
    assert "cannot be read" in line


async def answers(database: Database) -> list[Any]:
    async with database.read() as connection:
        return list(await connection.execute(text("SELECT key, at_ms FROM idempotency")))


async def test_findings_are_bounded(database: Database) -> None:
    log = await open_log(SqlLogStore(database))
    outcome = await many(*(book(log, [seat]) for seat in range(FINDINGS_MAX + 20)))
    assert all(isinstance(key, bytes) for key in outcome)
    await tamper(database, "DELETE FROM bookings")
    found = await check(database)
    assert len(found) == FINDINGS_MAX + 1
    assert found[-1].startswith(f"more than {FINDINGS_MAX} differences")


async def test_the_command_says_each_difference_and_that_there_are_any(
    database: Database, log: SeatLog
) -> None:
    async def verify_all() -> tuple[int, str]:
        written = Console(file=io.StringIO(), width=200)
        code = await command.verify_all(
            database, load_index, None, grace_ms=60_000, archives=Path(), console=written
        )
        return code, written.file.getvalue()  # type: ignore[attr-defined]

    assert await verify_all() == (0, "1 events: nothing differs from the log\n")
    await tamper(database, "DELETE FROM booked_seats WHERE seat = 70")
    code, said = await verify_all()
    assert code == command.EXIT_DIFFERENT
    assert f"{EVENT}: seat 70 (A-7-0) is booked by nobody" in said
    assert "1 events: 1 differences" in said


async def test_rows_of_an_event_that_is_not_there_are_named(
    database: Database, log: SeatLog
) -> None:
    async def nobody(_event_id: str) -> SeatIndex:
        raise EventNotFound

    (line,) = await verify(database, EVENT, nobody, grace_ms=0)
    assert line == f"there is a log of {log.states.version} rows and no event"


async def test_it_writes_nothing(database: Database, log: SeatLog) -> None:
    """On PostgreSQL its transaction could not; here is what is there before and after."""
    store = SqlLogStore(database)
    before = (await store.rows_after(EVENT, 0, 1000), await store.snapshots(EVENT))
    await check(database)
    assert (await store.rows_after(EVENT, 0, 1000), await store.snapshots(EVENT)) == before
    granted = await log.submit(Submission(place([90])))
    assert isinstance(granted, Granted), "and it leaves the connection as it was"
    assert log.states.configuration == CONFIGURATION
