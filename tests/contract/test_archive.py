"""The beginning of a log leaves the database, and nothing is lost, on every backend."""

import asyncio
import gzip
import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console
from sqlalchemy import func, insert, select, text
from tests.contract.test_verify import load_index, tamper, traffic
from tests.support.seat_log import CONFIGURATION, EVENT, ask, book, open_log, place, seat_index

from event_seating.booking.core.commands import Configure
from event_seating.booking.core.records import Configuration, SaleStatus
from event_seating.booking.errors import LogArchived
from event_seating.booking.reads import history
from event_seating.booking.seat_log import state_snapshots
from event_seating.booking.seat_log.sql_store import SqlLogStore
from event_seating.booking.seat_log.writer import SeatLog
from event_seating.booking.seating import ids
from event_seating.booking.seating.bookable_event import BookableEvent
from event_seating.clock import SystemClock
from event_seating.db.database import Database
from event_seating.db.tables import events, log_archives, seat_log
from event_seating.maintenance import archive as module
from event_seating.maintenance import archive_file, archive_store, command
from event_seating.maintenance.archive import DAY_MS, ArchiveOutcome, archive
from event_seating.maintenance.archive_file import BrokenArchiveError
from event_seating.maintenance.verify import verify

pytestmark = pytest.mark.anyio

DAYS = 30


class Clock(SystemClock):
    """So many days from now."""

    def __init__(self, days: float) -> None:
        self.days = days

    def now_ms(self) -> int:
        return super().now_ms() + int(self.days * DAY_MS)


async def make_event(database: Database, configuration: Configuration = CONFIGURATION) -> None:
    """The event's row, as it would be if the log had been made by the API."""
    async with database.write() as connection:
        row = {
            "id": EVENT, "venue_id": "v", "venue_version": 1, "name": "Concert",
            "starts_at_ms": int(time.time() * 1000), "time_zone": "UTC", "currency": "EUR",
            "epoch": "e", "created_at_ms": 1,
            "configuration": msgspec.json.encode(configuration).decode(), "configured_version": 1,
        }  # fmt: skip
        await connection.execute(insert(events), row)


@pytest.fixture
async def log(database: Database) -> SeatLog:
    """An event with real traffic, two snapshots and rows after them."""
    log = await traffic(SqlLogStore(database))
    await make_event(database)
    return log


async def archived(database: Database, directory: Path, days: float = DAYS + 1) -> ArchiveOutcome:
    return await archive(
        database, EVENT, load_index, directory, Clock(days), after_days=DAYS, grace_ms=60_000
    )


async def check(database: Database, directory: Path | None) -> list[str]:
    return await verify(database, EVENT, load_index, grace_ms=60_000, archives=directory)


async def versions(database: Database) -> list[int]:
    async with database.read() as connection:
        found = select(seat_log.c.version).order_by(seat_log.c.version)
        return list((await connection.execute(found)).scalars())


async def older_snapshot(database: Database) -> int:
    async with database.read() as connection:
        return (await archive_store.oldest_snapshot(connection, EVENT))[0]


async def test_the_rows_up_to_the_older_snapshot_are_in_a_file_and_the_state_is_the_same(
    database: Database, log: SeatLog, tmp_path: Path
) -> None:
    older = await older_snapshot(database)
    before = await versions(database)
    assert 1 < older < before[-1]
    part = (await archived(database, tmp_path)).archived
    assert part is not None
    assert (part.first_version, part.last_version) == (1, older)
    assert await versions(database) == [each for each in before if each > older]
    checked = archive_file.check(tmp_path / part.file)
    assert (checked.head.event, checked.sha256) == (EVENT, part.sha256)
    again = await open_log(SqlLogStore(database))
    assert again.states.dump() == log.states.dump()
    assert not isinstance(await book(again, [199]), Exception)
    assert await check(database, tmp_path) == []
    assert await check(database, None) == []


async def test_what_is_wrong_beside_the_log_is_found_with_and_without_the_file(
    database: Database, log: SeatLog, tmp_path: Path
) -> None:
    await archived(database, tmp_path)
    await tamper(database, "UPDATE bookings SET total = 1 WHERE user_id = 'anna'")
    await tamper(database, "DELETE FROM booked_seats WHERE seat = 5")
    for directory in (tmp_path, None):
        found = await check(database, directory)
        assert len(found) == 2, found
        assert "total is 1, the log says 13500" in found[0]
        assert "seat 5" in found[1]


async def test_an_event_that_is_not_over_keeps_its_log(
    database: Database, log: SeatLog, tmp_path: Path
) -> None:
    before = await versions(database)
    outcome = await archived(database, tmp_path, days=DAYS - 1)
    assert outcome == ArchiveOutcome(None, "it was not over 30 days ago")
    assert await versions(database) == before


async def test_a_cancelled_event_is_over_when_nothing_has_happened_since(
    database: Database, tmp_path: Path
) -> None:
    log = await traffic(SqlLogStore(database))
    cancelled = msgspec.structs.replace(CONFIGURATION, status=SaleStatus.cancelled)
    granted = await ask(log, Configure(cancelled))
    await make_event(database, cancelled)
    async with database.write() as connection:
        values = {"starts": Clock(300).now_ms(), "version": granted.version}
        await connection.execute(
            text("UPDATE events SET starts_at_ms = :starts, configured_version = :version"), values
        )
    assert (await archived(database, tmp_path, days=DAYS - 1)).archived is None
    assert (await archived(database, tmp_path)).archived is not None


async def test_a_log_without_two_snapshots_stays(database: Database, tmp_path: Path) -> None:
    store = SqlLogStore(database)
    log = await open_log(store)
    await make_event(database)
    await book(log, [1])
    await state_snapshots.save(EVENT, log.states, store)
    outcome = await archived(database, tmp_path)
    assert outcome.why == "nothing stands before the older of its two snapshots"
    assert not outcome.failed
    assert await versions(database) == [1, 2, 3]


async def test_it_goes_on_where_it_ended(database: Database, log: SeatLog, tmp_path: Path) -> None:
    store = SqlLogStore(database)
    first = (await archived(database, tmp_path)).archived
    assert (await archived(database, tmp_path)).archived is None, "nothing new"
    for seat in (100, 101):
        await book(log, [seat])
        await state_snapshots.save(EVENT, log.states, store)
    second = (await archived(database, tmp_path)).archived
    assert first is not None
    assert second is not None
    assert second.first_version == first.last_version + 1
    assert await check(database, tmp_path) == []
    assert await check(database, None) == []
    (tmp_path / first.file).unlink()
    assert await check(database, tmp_path) == [], "from the oldest snapshot on"


async def test_nothing_leaves_while_verify_finds_something_wrong(
    database: Database, log: SeatLog, tmp_path: Path
) -> None:
    before = await versions(database)
    await tamper(database, "UPDATE bookings SET total = 1 WHERE user_id = 'anna'")
    outcome = await archived(database, tmp_path)
    assert outcome.failed
    assert "total is 1" in outcome.why
    assert await versions(database) == before


async def test_ended_in_the_middle_it_is_run_again(
    database: Database, log: SeatLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await versions(database)

    async def killed(*_given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(archive_store, "record", killed)
        with pytest.raises(KeyboardInterrupt):
            await archived(database, tmp_path)
    assert await versions(database) == before
    with monkeypatch.context() as context:
        context.setattr(module, "_remove", killed)
        with pytest.raises(KeyboardInterrupt):
            await archived(database, tmp_path)
    assert await versions(database) == before
    for directory in (tmp_path, None):
        assert await check(database, directory) == [], "noted, and its rows are still here"
    assert (await archived(database, tmp_path)).archived is None
    older = await older_snapshot(database)
    assert await versions(database) == [each for each in before if each > older]
    assert await check(database, tmp_path) == []


async def test_what_a_disk_did_not_keep_takes_nothing_out_of_the_log(
    database: Database, log: SeatLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await versions(database)
    write = archive_file.write

    async def half_written(path: Path, *given: Any) -> None:
        await write(path, *given)
        os.truncate(path, os.path.getsize(path) // 2)  # noqa: ASYNC240, PTH202

    monkeypatch.setattr(archive_file, "write", half_written)
    outcome = await archived(database, tmp_path)
    assert outcome.failed
    assert outcome.why.startswith("what was just written is broken: ")
    assert await versions(database) == before
    monkeypatch.undo()
    assert (await archived(database, tmp_path)).archived is not None


async def test_who_reads_the_log_is_told_where_it_begins(
    database: Database, log: SeatLog, tmp_path: Path
) -> None:
    part = (await archived(database, tmp_path)).archived
    assert part is not None
    last = part.last_version
    with pytest.raises(LogArchived) as told:
        [row async for row in history.rows_after(database, EVENT, 0)]
    assert told.value.details == {"archivedUntil": last}
    rows = [row.version async for row in history.rows_after(database, EVENT, last)]
    assert rows == await versions(database)
    place_ = BookableEvent(EVENT, "e", b"", seat_index(), str, ["Floor"])
    found = await history.of_seat(database, place_, 60, log.states.version)
    assert found.since == last + 1


def cut(content: bytes) -> bytes:
    return gzip.compress(gzip.decompress(content)[:-200])


def changed(content: bytes) -> bytes:
    lines = gzip.decompress(content).splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"at":1', b'"at":2', 1)
    return gzip.compress(b"".join(lines))


def without_a_row(content: bytes) -> bytes:
    lines = gzip.decompress(content).splitlines(keepends=True)
    return gzip.compress(b"".join(lines[:2] + lines[3:]))


def with_more(content: bytes) -> bytes:
    return gzip.compress(gzip.decompress(content) + b"x")


BROKEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut off": (cut, "cannot be read"),
    "cut off in the compression": (lambda content: content[:-30], "cannot be read"),
    "a changed row": (changed, "the checksum differs"),
    "a missing row": (without_a_row, "row 2 is missing, there is row 3"),
    "something after the end": (with_more, "something follows its end"),
    "of another time": (lambda content: gzip.compress(
        gzip.decompress(content).replace(b'"format":1', b'"format":9', 1)), "it has format 9"),
    "nothing": (lambda _content: b"", "cannot be read"),
}  # fmt: skip


async def test_a_file_that_is_not_whole_is_told(
    database: Database, log: SeatLog, tmp_path: Path
) -> None:
    part = (await archived(database, tmp_path)).archived
    assert part is not None
    path = tmp_path / part.file
    whole = path.read_bytes()
    for what, (spoil, says) in BROKEN.items():
        path.write_bytes(spoil(whole))
        with pytest.raises(BrokenArchiveError, match=says):
            archive_file.check(path)
        # A row of another time does not fit the others, which is seen before the checksum is.
        assert await check(database, tmp_path), what
    out = io.StringIO()
    assert command.check_file(path, Console(file=out, width=1000)) == 1
    path.write_bytes(whole)
    assert command.check_file(path, Console(file=out, width=1000)) == 0
    assert f"is whole: rows 1 to {part.last_version} of event {EVENT}" in out.getvalue()


async def test_a_whole_file_of_another_log_is_told(
    database: Database, log: SeatLog, tmp_path: Path
) -> None:
    part = (await archived(database, tmp_path)).archived
    assert part is not None
    path = tmp_path / part.file
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    head = msgspec.json.decode(lines[0], type=archive_file.ArchiveHead)
    rows = [each for each in archive_file.read(path) if not isinstance(each, archive_file.Checked)]

    async def others() -> object:
        for row in rows:
            yield row._replace(batch_id=ids.new_key())

    await archive_file.write(path, head, others())
    (line,) = await check(database, tmp_path)
    assert "is not the file that was archived" in line


async def test_the_command_says_what_it_did(
    database: Database, log: SeatLog, tmp_path: Path
) -> None:
    async def run(event_id: str | None, days: int) -> tuple[int, str]:
        out = io.StringIO()
        code = await command.archive_all(
            database, load_index, event_id, tmp_path, Clock(days), after_days=DAYS,
            grace_ms=60_000, console=Console(file=out, width=1000),
        )  # fmt: skip
        return code, out.getvalue()

    nothing = f"1 events: 0 archived into {tmp_path}\n"
    assert await run(None, 1) == (0, nothing), "an event that goes on is no failure"
    assert await run(EVENT, 1) == (1, f"{EVENT}: it was not over 30 days ago\n{nothing}")
    assert await run("nobody", 1) == (1, f"nobody: there is no such event\n{nothing}")
    code, said = await run(None, DAYS + 1)
    assert code == 0
    assert f"rows 1 to {await older_snapshot(database)} are in {EVENT}-1-" in said
    async with database.read() as connection:
        noted = await connection.execute(select(func.count()).select_from(log_archives))
    assert noted.scalar_one() == 1


async def test_holds_go_on_while_the_beginning_leaves(
    database: Database, log: SeatLog, tmp_path: Path
) -> None:
    async def sell() -> None:
        for seat in range(100, 130):
            await ask(log, place([seat]))

    _, outcome = await asyncio.gather(sell(), archived(database, tmp_path))
    assert outcome.archived is not None, outcome
    assert await check(database, tmp_path) == []
