"""Whether all data derived from an event's log agrees with it.

The log is replayed from its first row by the rules of the writer. It is compared with every
snapshot on the way and, at its end, with the event's configuration, its bookings, their lines, the
booked seats and the answers stored for repeated calls. Each difference is a line; after
`FINDINGS_MAX` of them the check of an event ends. All data of an event is read in one state of the
database, so that it can go on selling. Memory is bounded by the venue: a cancelled booking is
compared at once and forgotten. If the beginning of the log is archived, it is replayed from the
files or, without them, from the oldest snapshot on. It never writes.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.booking.core import log_entries
from event_seating.booking.core.invariants import difference
from event_seating.booking.core.log_entries import (
    Booked,
    BrokenEntriesError,
    Cancelled,
    Configured,
    Entry,
    Exchanged,
    UnknownFormatError,
)
from event_seating.booking.core.records import seat_count
from event_seating.booking.core.seat_arrays import InvariantError
from event_seating.booking.core.seat_index import SeatIndex
from event_seating.booking.core.seat_state import SeatStates
from event_seating.booking.core.state_codec import BrokenSnapshotError
from event_seating.booking.seat_log.ports import BatchRow
from event_seating.booking.seat_log.projection import CANCELLED, CONFIRMED
from event_seating.booking.seating import ids
from event_seating.db.database import Database
from event_seating.errors import EventNotFound
from event_seating.maintenance import expected, verify_store
from event_seating.maintenance.archive_file import BrokenArchiveError
from event_seating.maintenance.completeness import Completeness
from event_seating.maintenance.expected import Expected, Lines
from event_seating.maintenance.staff_prices import taken_without_key
from event_seating.maintenance.verify_answers import AnswerCheck, Kept
from event_seating.maintenance.verify_log import Beginning, beginning_of
from event_seating.maintenance.verify_store import AnyRow

FINDINGS_MAX: Final = 100
"""Differences reported about one event; more would tell nothing new."""

CANCELLED_AT_ONCE: Final = 200
"""Cancelled bookings compared at a time."""

LoadIndex = Callable[[str], Awaitable[SeatIndex]]
Progress = Callable[[int, int], None]
"""Called with the number of rows read, and of all rows."""


class EnoughFindings(Exception):
    """Enough differences were found."""


async def verify(
    database: Database,
    event_id: str,
    load_index: LoadIndex,
    *,
    grace_ms: int,
    progress: Progress = lambda _done, _all: None,
    archives: Path | None = None,
) -> list[str]:
    """The differences in an event, a line each; empty if its log and its tables agree.

    `archives` is the directory of the files with the logs' archived beginnings.
    """
    try:
        index = await load_index(event_id)
    except EventNotFound:
        return await _without_event(database, event_id)
    async with database.without_time_limit().read() as connection:
        # One state of the database for all that follows, on both of them.
        await connection.execution_options(isolation_level="SERIALIZABLE", postgresql_readonly=True)
        beginning = await beginning_of(connection, event_id, archives)
        check = _Check(
            connection, event_id, SeatStates.new(index, grace_ms=grace_ms), progress, beginning
        )
        try:
            await check.run()
        except EnoughFindings:
            check.findings.append(f"more than {FINDINGS_MAX} differences; the rest is not shown")
        return check.findings


async def _without_event(database: Database, event_id: str) -> list[str]:
    async with database.read() as connection:
        rows = await verify_store.last_version(connection, event_id)
    return [f"there is a log of {rows} rows and no event"] if rows else []


class _Check:
    """The check of one event."""

    def __init__(
        self,
        connection: AsyncConnection,
        event_id: str,
        states: SeatStates,
        progress: Progress,
        beginning: Beginning,
    ) -> None:
        self.findings: list[str] = []
        self._connection = connection
        self._event_id = event_id
        self._states = states
        self._progress = progress
        self._beginning = beginning
        self._base = 0
        """The version after which rows are checked; more than 0 if it is a snapshot's."""
        self._answers = AnswerCheck(event_id, 0)
        self._configured_version = 0
        self._completeness = Completeness()
        self._live: dict[bytes, Expected] = {}
        self._cancelled: dict[bytes, Expected] = {}

    async def run(self) -> None:
        if not await self._replay():
            return
        await self._compare_cancelled()
        await self._compare_configuration()
        await self._compare_bookings()
        await self._compare_seats()
        await self._compare_answers()

    def _say(self, what: str) -> None:
        self.findings.append(what)
        if len(self.findings) >= FINDINGS_MAX:
            raise EnoughFindings

    def _named(self, seat: int) -> str:
        """A seat by its number in the tables, and its id unless it is a place of an area."""
        seat_ids = self._states.index.ids
        return f"{seat} ({seat_ids[seat]})" if 0 <= seat < len(seat_ids) else str(seat)

    # The log and its snapshots

    async def _replay(self) -> bool:
        """Apply every row; whether all of them fitted."""
        connection, event_id = self._connection, self._event_id
        last = await verify_store.last_version(connection, event_id)
        saved = set(await verify_store.snapshot_versions(connection, event_id))
        if self._beginning.is_missing and not await self._begin_with_a_snapshot(saved):
            return False
        try:
            async for row in self._beginning.rows(connection, event_id, after=self._base):
                if not self._apply(row):
                    return False
                if row.version in saved:
                    saved.discard(row.version)
                    await self._compare_snapshot(row)
                if len(self._cancelled) >= CANCELLED_AT_ONCE:
                    await self._compare_cancelled()
                self._progress(row.version, last)
        except BrokenArchiveError as error:
            self._say(f"the archived beginning of the log: {error}")
            return False
        for version in sorted(saved):
            self._say(f"there is a snapshot of version {version}, and the log ends at {last}")
        try:
            self._states.check()
        except InvariantError as error:
            self._say(f"the log contradicts itself: {error}")
        return True

    async def _begin_with_a_snapshot(self, saved: set[int]) -> bool:
        """Begin with the oldest snapshot, because the rows before it are in files elsewhere."""
        archived, self._base = self._beginning.last_version, min(saved, default=0)
        if self._base < archived:
            self._say(f"the log up to {archived} is archived, and no later snapshot is there")
            return False
        saved.discard(self._base)
        snapshot = await verify_store.snapshot(self._connection, self._event_id, self._base)
        states, what = self._states, f"the snapshot of version {self._base}"
        try:
            states = SeatStates.load(states.index, snapshot.image, grace_ms=states.ledger.grace_ms)
        except BrokenSnapshotError as error:
            self._say(f"{what} cannot be read, and what is before it is archived: {error}")
            return False
        currency = "" if states.configuration is None else states.configuration.currency
        for key, booking in states.ledger.bookings.items():
            self._live[key] = self._expected(currency, booking.booked_ms, booking.hold)
        self._states, self._answers = states, AnswerCheck(self._event_id, self._base)
        return True

    def _expected(
        self, currency: str, created_ms: int, hold: bytes | None, version: int | None = None
    ) -> Expected:
        name = None if hold is None else ids.to_text(self._event_id, hold)
        updated_ms = None if version is None else created_ms
        return Expected(currency, created_ms, version, updated_ms, name)

    def _apply(self, row: BatchRow) -> bool:
        following = self._states.version + 1
        if row.version != following:
            self._say(f"row {following} of the log is missing, the next is {row.version}")
            return False
        try:
            found = log_entries.decode(row.format, row.entries)
            self._states.apply(row.version, row.at_ms, self._watched(found, row))
        except (InvariantError, UnknownFormatError, BrokenEntriesError) as error:
            self._say(f"row {row.version} of the log does not fit what is before it: {error}")
            return False
        self._answers.at.append(row.at_ms)
        self._completeness.saw(row)
        return True

    def _watched(self, found: Iterable[Entry], row: BatchRow) -> Iterator[Entry]:
        """The entries as they are applied; each is checked after all before it were applied."""
        # The writer uses the currency from before the batch.
        configuration = self._states.configuration
        currency = configuration.currency if configuration is not None else ""
        for entry in found:
            for name in taken_without_key(entry, self._states.ledger.configuration):
                self._say(f"row {row.version}: {name} is for staff, and is held without a key")
            for operation in entry.operations:
                match operation:
                    case Configured():
                        self._configured_version = row.version
                    case Booked():
                        self._live[operation.booking] = self._expected(
                            currency, row.at_ms, operation.hold, row.version
                        )
                    case Cancelled() | Exchanged():
                        self._change(operation, row)
                    case _:
                        continue
            yield entry

    def _change(self, operation: Cancelled | Exchanged, row: BatchRow) -> None:
        live = self._live.get(operation.booking)
        booking = self._states.ledger.bookings.get(operation.booking)
        if live is None or booking is None:
            return  # applying it will report what is wrong
        live.version, live.updated_ms = row.version, row.at_ms
        whole = seat_count(booking.groups)
        if isinstance(operation, Cancelled) and len(operation.seats) == whole:
            live.groups = booking.groups
            self._cancelled[operation.booking] = self._live.pop(operation.booking)

    async def _compare_snapshot(self, row: BatchRow) -> None:
        saved = await verify_store.snapshot(self._connection, self._event_id, row.version)
        states, what = self._states, f"the snapshot of version {row.version}"
        try:
            loaded = SeatStates.load(states.index, saved.image, grace_ms=states.ledger.grace_ms)
        except BrokenSnapshotError as error:
            self._say(f"{what} cannot be read: {error}")
            return
        if (loaded.version, loaded.at_ms, saved.at_ms) != (row.version, row.at_ms, row.at_ms):
            self._say(f"{what} is of another version or time")
        complete = self._completeness.at(row.at_ms)
        if other := difference(loaded.ledger, states.ledger, complete=complete):
            self._say(f"{what} has other {other} than the log")

    # Bookings

    async def _compare_cancelled(self) -> None:
        """Compare the cancelled bookings, and forget them."""
        cancelled, self._cancelled = self._cancelled, {}
        if not cancelled:
            return
        names = {ids.to_text(self._event_id, key): each for key, each in cancelled.items()}
        rows = await verify_store.bookings_named(self._connection, self._event_id, names)
        lines = await self._lines_by_booking(names)
        there = {row.id: row for row in rows}
        for name, each in names.items():
            self._compare_booking(name, there.get(name), each, CANCELLED, lines)

    async def _compare_bookings(self) -> None:
        """Compare every stored booking with the log, and report missing ones."""
        states = self._states
        for key, booking in states.ledger.bookings.items():
            self._live[key].groups = booking.groups
        missing = set(self._live)
        async for page in verify_store.booking_pages(self._connection, self._event_id):
            lines = await self._lines_by_booking(row.id for row in page)
            others: list[AnyRow] = []
            for row in page:
                found = ids.from_text(row.id)
                if found is None or found[1] not in self._live:
                    others.append(row)
                    continue
                missing.discard(found[1])
                self._compare_booking(row.id, row, self._live[found[1]], CONFIRMED, lines)
            await self._compare_others(others)
        for key in missing:
            self._say(f"booking {ids.to_text(self._event_id, key)} has no row")
        strays = await verify_store.stray_lines(self._connection, self._event_id, FINDINGS_MAX)
        for line in strays:
            self._say(
                f"there is a line of seat {self._named(line.seat)} and no booking {line.booking_id}"
            )

    async def _compare_others(self, rows: Sequence[AnyRow]) -> None:
        """Check bookings that are not confirmed: the log row that they name must cancel them.

        Those whose row is archived are skipped: they were compared during the replay of the files.
        """
        archived = max(self._base, self._beginning.last_version)
        rows = [row for row in rows if row.version > archived]
        named = await verify_store.rows_at(
            self._connection, self._event_id, {row.version for row in rows}
        )
        ended = {
            (row.version, operation.booking)
            for row in named
            for entry in log_entries.decode(row.format, row.entries)
            for operation in entry.operations
            if isinstance(operation, Cancelled)
        }
        for row in rows:
            found = ids.from_text(row.id)
            if found is None or (row.version, found[1]) not in ended:
                self._say(f"booking {row.id} ({row.status}) is not in the log")

    def _compare_booking(
        self,
        name: str,
        row: AnyRow | None,
        wanted: Expected,
        status: str,
        lines: dict[str, Lines],
    ) -> None:
        if row is None:
            self._say(f"booking {name} ({status}) has no row")
            return
        for column, ours in wanted.columns(status).items():
            theirs = getattr(row, column)
            if theirs != ours:
                self._say(f"booking {name}: {column} is {theirs}, the log says {ours}")
        # Rows of the previous release have None.
        if row.hold_id not in (None, wanted.hold_id):
            self._say(f"booking {name}: hold_id is {row.hold_id}, the log says {wanted.hold_id}")
        self._compare_lines(name, lines.get(name, {}), wanted.lines())

    def _compare_lines(self, name: str, theirs: Lines, ours: Lines) -> None:
        for seat in sorted(theirs.keys() | ours.keys()):
            if theirs.get(seat) != ours.get(seat):
                self._say(
                    f"booking {name}: the line of seat {self._named(seat)} is"
                    f" {expected.line(theirs.get(seat))},"
                    f" the log says {expected.line(ours.get(seat))}"
                )

    async def _lines_by_booking(self, names: Iterable[str]) -> dict[str, Lines]:
        found: dict[str, Lines] = {}
        for line in await verify_store.lines_of(self._connection, self._event_id, names):
            found.setdefault(line.booking_id, {})[line.seat] = (line.ticket_type, line.price)
        return found

    # The rest

    async def _compare_configuration(self) -> None:
        row = await verify_store.configured(self._connection, self._event_id)
        if row is None or row.configuration is None:
            return  # `load_index` found an event, so only tests have none
        said = (expected.configuration(row.configuration), row.configured_version)
        # Unless it was configured before the checked rows.
        version = self._configured_version or (row.configured_version if self._base else 0)
        if said != (self._states.configuration, version):
            self._say("the event's row sells by another configuration than the log")

    async def _compare_seats(self) -> None:
        states = self._states
        sold = {
            seat: ids.to_text(self._event_id, key)
            for key, booking in states.ledger.bookings.items()
            for group in booking.groups
            for seat in group.seats
        }
        async for row in verify_store.seats_sold(self._connection, self._event_id):
            owner = sold.pop(row.seat, None)
            if owner != row.booking_id:
                says = f"booking {owner}" if owner else "nobody"
                self._say(
                    f"seat {self._named(row.seat)} is booked by {row.booking_id},"
                    f" the log says {says}"
                )
        for seat, owner in sold.items():
            named = self._named(seat)
            self._say(f"seat {named} is booked by nobody, the log says booking {owner}")

    async def _compare_answers(self) -> None:
        states = self._states
        async for row in verify_store.stored_answers(self._connection, self._event_id):
            kept = Kept(*(getattr(row, name) for name in Kept._fields))
            wrong = self._answers.wrong(kept, states.ledger, states.at_ms)
            if wrong is not None:
                self._say(f"the answer kept for {row.scope}, key {row.key}: {wrong}")
