"""What is done about users in the background: one is created, or a whole file of them.

Each effect is in one transaction with the note that it happened: a single user with the end of its
job, the users of a step of an import with the import's progress. So a job that was killed anywhere
continues where it was, and nobody is created twice or left out.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import msgspec

from event_seating.clock import MS_PER_S, Clock
from event_seating.db.database import Database
from event_seating.jobs import files
from event_seating.jobs.ends import Dead, DoneElsewhere
from event_seating.jobs.files import FileGone
from event_seating.jobs.handler import Handler, Job, payload_of
from event_seating.jobs.ids import new_job_id
from event_seating.jobs.model import BULK, DATABASE_OPERATIONS, URGENT, NewJob
from event_seating.users import import_store
from event_seating.users.errors import EmailExists, UserIdExists
from event_seating.users.import_file import CSV, ImportRecord, NotImportable, records
from event_seating.users.import_store import ImportProgress
from event_seating.users.model import User
from event_seating.users.new_users import NewUsers
from event_seating.values import csv_lines

CREATE_USER: Final = "create-user"
IMPORT_USERS: Final = "import-users"

LINES_A_STEP: Final = 500
"""Some tens of milliseconds in which no other writer of SQLite writes."""

BETWEEN_STEPS_S: Final = 0.01
"""A pause for other writers."""

REFUSALS_A_READ: Final = 1_000

REFUSALS_KEPT_MS: Final = 7 * 86_400 * MS_PER_S
"""A week to look at what was refused."""

UPLOAD_KEPT_MS: Final = 31 * 86_400 * MS_PER_S
"""As long as a failed import can be tried again."""


class _Payload(msgspec.Struct, frozen=True):
    id: str
    name: str
    email: str


class _ImportPayload(msgspec.Struct, frozen=True, rename="camel"):
    file_id: str
    media_type: str


def create_user(user_id: str, name: str, email: str) -> NewJob:
    """The job that creates this user, whose fields were checked."""
    payload = {"id": user_id, "name": name, "email": email}
    return NewJob(new_job_id(), DATABASE_OPERATIONS, CREATE_USER, payload, priority=URGENT)


def import_users(file_id: str, media_type: str) -> NewJob:
    """The job that creates the users of this file."""
    payload = {"fileId": file_id, "mediaType": media_type}
    return NewJob(new_job_id(), DATABASE_OPERATIONS, IMPORT_USERS, payload, priority=BULK)


class UserJobs:
    """The handlers of jobs about users."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        new_users: NewUsers,
        changed: Callable[[Sequence[str]], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._new_users = new_users
        self._changed = changed
        """Called with the ids of users who were created."""

    def handlers(self) -> dict[str, Handler]:
        return {CREATE_USER: self.create, IMPORT_USERS: self.import_file}

    async def create(self, job: Job) -> None:
        """Create one user."""
        asked = payload_of(job, _Payload)
        user = User(asked.id, asked.name, asked.email, self._clock.now_ms())
        async with self._database.write() as connection:
            try:
                await self._new_users.write(connection, user)
            except (UserIdExists, EmailExists) as error:
                raise Dead(error.sentence) from None
            await job.finish(connection, {"id": user.id, "location": f"/users/{user.id}"})
        self._changed([user.id])

    async def import_file(self, job: Job) -> None:
        """Create the users of a file, a step at a time; no mail is sent."""
        asked = payload_of(job, _ImportPayload)
        async with self._database.write() as connection:
            progress = await import_store.begin(connection, job.id, asked.file_id)
            head = await files.read(connection, asked.file_id)
        try:
            found = records(
                files.chunks(self._database, asked.file_id), asked.media_type, progress.next_line
            )
            async for step in _steps(found):
                progress = await self._take(progress, step)
                await job.report(_shown(progress))
                await asyncio.sleep(BETWEEN_STEPS_S)
        except NotImportable as error:
            raise Dead(str(error)) from None
        except FileGone:
            raise Dead("The file is not there any more; send it again.") from None
        assert head is not None
        await self._end(job, progress)

    async def _take(self, before: ImportProgress, step: Sequence[ImportRecord]) -> ImportProgress:
        """Write one step; raises `DoneElsewhere` when another worker has gone on with it."""
        now_ms = self._clock.now_ms()
        new = [User(*each.user, now_ms) for each in step if each.user is not None]
        async with self._database.write() as connection:
            written, taken_ids = await import_store.insert_users(connection, new)
            reasons = _reasons(step, set(written), taken_ids)
            after = ImportProgress(
                before.job_id,
                before.file_id,
                step[-1].next_line,
                before.created + len(written),
                before.refused + len(reasons),
            )
            mine = await import_store.go_on(
                connection, before, after.next_line, len(written), len(reasons)
            )
            if not mine:
                raise DoneElsewhere
            await import_store.refuse(connection, before.job_id, reasons)
        self._changed([user_id for user_id, _ in written])
        return after

    async def _end(self, job: Job, progress: ImportProgress) -> None:
        refused_file = await self._write_refusals(job.id) if progress.refused else None
        result = {
            "created": progress.created,
            "refused": progress.refused,
            "refusals": f"/files/{refused_file}" if refused_file else None,
        }
        async with self._database.write() as connection:
            await job.finish(connection, result)
            await import_store.end(connection, job.id)
            await files.remove(connection, [progress.file_id])

    async def _write_refusals(self, job_id: str) -> str:
        now_ms = self._clock.now_ms()
        return await files.spool(
            self._database,
            "refused.csv",
            CSV,
            self._refusals(job_id),
            now_ms,
            now_ms + REFUSALS_KEPT_MS,
        )

    async def _refusals(self, job_id: str) -> AsyncIterator[bytes]:
        yield csv_lines.encode([("line", "reason")])
        after = 0
        while True:
            async with self._database.read() as connection:
                found = await import_store.refusals(connection, job_id, after, REFUSALS_A_READ)
            if not found:
                return
            yield csv_lines.encode(found)
            after = found[-1][0]


async def _steps(found: AsyncIterator[ImportRecord]) -> AsyncIterator[list[ImportRecord]]:
    step: list[ImportRecord] = []
    async for record in found:
        step.append(record)
        if len(step) == LINES_A_STEP:
            yield step
            step = []
    if step:
        yield step


def _reasons(
    step: Sequence[ImportRecord], written: set[tuple[str, str]], taken_ids: set[str]
) -> dict[int, str]:
    """Why lines did not become users, by their numbers."""
    reasons = {}
    for record in step:
        if record.user is None:
            reasons[record.line] = record.reason or "cannot be read"
            continue
        user_id, _, email = record.user
        if (user_id, email) in written:
            # A repetition of the same line is refused.
            written.discard((user_id, email))
            taken_ids.add(user_id)
        elif user_id in taken_ids:
            reasons[record.line] = UserIdExists.sentence
        else:
            reasons[record.line] = EmailExists.sentence
    return reasons


def _shown(progress: ImportProgress) -> dict[str, int]:
    return {
        "line": progress.next_line - 1,
        "created": progress.created,
        "refused": progress.refused,
    }
