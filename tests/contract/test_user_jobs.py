"""Users created and imported by jobs, on every backend; killed at every step."""

import csv
import io
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.clock import SystemClock
from event_seating.db.database import Database
from event_seating.db.tables import (
    file_chunks,
    job_results,
    user_imports,
    users,
)
from event_seating.jobs import files
from event_seating.jobs import outbox as statements
from event_seating.jobs.ends import Dead, DoneElsewhere
from event_seating.jobs.handler import Job
from event_seating.jobs.model import NewJob
from event_seating.jobs.requests import JobRequests
from event_seating.users.import_file import CSV, NDJSON
from event_seating.users.jobs import LINES_A_STEP, UserJobs, create_user, import_users
from event_seating.users.new_users import NewUsers

pytestmark = pytest.mark.anyio

CLOCK = SystemClock()


class Killed(BaseException):
    """What ends a process."""


class Run:
    """Runs jobs as a worker does, without a queue."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.changed: list[str] = []
        self.reports: list[dict[str, Any]] = []
        new_users = NewUsers(JobRequests(database, CLOCK), welcomes=False)
        self.jobs = UserJobs(database, CLOCK, new_users, self.changed.extend)
        self.kill_after_reports: int | None = None

    async def ask(self, job: NewJob) -> NewJob:
        async with self.database.write() as connection:
            await statements.add(connection, [job], 1)
        return job

    async def run(self, asked: NewJob) -> None:
        async def finish(connection: AsyncConnection, result: Any) -> None:
            if not await statements.finish(
                connection, statements.Completion("", asked.id, result, 1, 2)
            ):
                raise DoneElsewhere

        async def report(progress: dict[str, Any]) -> None:
            self.reports.append(progress)
            if self.kill_after_reports is not None:
                self.kill_after_reports -= 1
                if self.kill_after_reports < 0:
                    raise Killed

        job = Job(
            asked.id, "", asked.name, asked.payload, 1,
            last_attempt=False, finish=finish, report=report,
        )  # fmt: skip
        await self.jobs.handlers()[asked.name](job)

    async def count(self, table: Any) -> int:
        async with self.database.read() as connection:
            found = await connection.execute(select(func.count()).select_from(table))
            return int(found.scalar_one())

    async def import_file(self, content: bytes, media_type: str = CSV) -> NewJob:
        file_id = await files.spool(self.database, "users", media_type, [content], 1, 10**15)
        return await self.ask(import_users(file_id, media_type))

    async def result(self, asked: NewJob) -> dict[str, Any]:
        async with self.database.read() as connection:
            found = await statements.result_by_id(connection, asked.id)
        assert found is not None
        assert found.result is not None
        decoded: dict[str, Any] = msgspec.json.decode(found.result)
        return decoded

    async def refusals(self, asked: NewJob) -> list[list[str]]:
        address = (await self.result(asked))["refusals"]
        file_id = address.removeprefix("/files/")
        content = b"".join([chunk async for chunk in files.chunks(self.database, file_id)])
        return list(csv.reader(io.StringIO(content.decode(), newline="")))


@pytest.fixture
def run(database: Database) -> Run:
    return Run(database)


def rows(number: int) -> bytes:
    lines = (f"u{n},Name {n},u{n}@example.com" for n in range(number))
    return "\n".join(["id,name,email", *lines]).encode()


async def test_a_user_is_created_with_the_end_of_its_job(run: Run) -> None:
    asked = await run.ask(create_user("anna", "Anna", "anna@example.com"))
    await run.run(asked)
    assert await run.count(users) == 1
    assert await run.result(asked) == {"id": "anna", "location": "/users/anna"}
    assert run.changed == ["anna"]


@pytest.mark.parametrize(
    ("twin", "why"),
    [
        (("anna", "x", "x@example.com"), "A user with this id exists already."),
        (("x", "x", "anna@example.com"), "A user with this e-mail address exists already."),
    ],
)
async def test_a_duplicate_is_a_failed_job_that_says_why(
    run: Run, twin: tuple[str, str, str], why: str
) -> None:
    await run.run(await run.ask(create_user("anna", "Anna", "anna@example.com")))
    with pytest.raises(Dead, match=why):
        await run.run(await run.ask(create_user(*twin)))
    assert await run.count(users) == 1
    assert await run.count(job_results) == 1


async def test_a_user_whose_job_was_done_meanwhile_is_not_written(run: Run) -> None:
    asked = create_user("anna", "Anna", "anna@example.com")
    with pytest.raises(DoneElsewhere):
        await run.run(asked)
    assert await run.count(users) == 0


async def test_a_payload_that_is_none_fails_for_good(run: Run) -> None:
    job = create_user("anna", "Anna", "anna@example.com")._replace(payload={"id": 1})
    with pytest.raises(Dead, match="not one of create-user"):
        await run.run(await run.ask(job))


async def test_a_file_becomes_users(run: Run) -> None:
    number = 2 * LINES_A_STEP + 7
    asked = await run.import_file(rows(number))
    await run.run(asked)
    assert await run.count(users) == number
    assert await run.result(asked) == {"created": number, "refused": 0, "refusals": None}
    assert run.reports[-1] == {"line": number + 1, "created": number, "refused": 0}
    assert len(run.reports) == 3
    assert sorted(run.changed) == sorted(f"u{n}" for n in range(number))
    assert await run.count(user_imports) == 0
    assert await run.count(file_chunks) == 0


async def test_json_lines_become_users(run: Run) -> None:
    asked = await run.import_file(
        b'{"id":"1","name":"A","email":"a@example.com"}\n{"id":"1","name":"B","email":"b@x.org"}',
        NDJSON,
    )
    await run.run(asked)
    assert (await run.result(asked))["created"] == 1
    assert (await run.refusals(asked))[1:] == [["2", "A user with this id exists already."]]


async def test_what_is_refused_is_told_with_its_line_and_reason(run: Run) -> None:
    await run.run(await run.ask(create_user("there", "T", "there@example.com")))
    asked = await run.import_file(
        "id,name,email\n"
        "1,Anna,anna@example.com\n"
        "there,X,x@example.com\n"  # the id is in the table
        "2,Bo,There@example.com\n"  # the address is in the table
        "1,Twin,twin@example.com\n"  # the id is in the file
        "3,Twin,anna@example.com\n"  # the address is in the file
        "1,Anna,anna@example.com\n"  # the whole line is in the file
        "broken\n"
        "4,Müller,mueller@example.com\n".encode()
    )
    await run.run(asked)
    result = await run.result(asked)
    assert (result["created"], result["refused"]) == (2, 6)
    id_, email = (
        ("A user with this id exists already.",),
        ("A user with this e-mail address exists already.",),
    )
    assert await run.refusals(asked) == [
        ["line", "reason"],
        ["3", *id_],
        ["4", *email],
        ["5", *id_],
        ["6", *email],
        ["7", *id_],
        ["8", "has 1 columns, and the first line 3"],
    ]
    assert await run.count(users) == 3


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
async def test_an_import_that_is_killed_goes_on_without_doubling_or_losing(
    run: Run, steps: int
) -> None:
    number = 3 * LINES_A_STEP + 5
    content = rows(number) + b"\nbroken\nu1,Twin,twin@example.com"
    asked = await run.import_file(content)
    run.kill_after_reports = steps
    with pytest.raises(Killed):
        await run.run(asked)
    assert await run.count(users) == min((steps + 1) * LINES_A_STEP, number)
    run.kill_after_reports = None
    await run.run(asked)
    assert await run.count(users) == number
    result = await run.result(asked)
    assert (result["created"], result["refused"]) == (number, 2)
    assert len(await run.refusals(asked)) == 3
    assert sorted(run.changed) == sorted({f"u{n}" for n in range(number)})


async def test_two_workers_at_one_import_do_not_both_take_a_step(run: Run) -> None:
    asked = await run.import_file(rows(2 * LINES_A_STEP))
    other = Run(run.database)

    async def go_on_elsewhere(progress: dict[str, Any]) -> None:
        if not other.reports:
            await other.run(asked)

    def hooked(original: Callable[..., Any]) -> Callable[..., Any]:
        async def report(progress: Any, step: Any) -> Any:
            taken = await original(progress, step)
            await go_on_elsewhere({})
            return taken

        return report

    run.jobs._take = hooked(run.jobs._take)  # type: ignore[method-assign]
    with pytest.raises(DoneElsewhere):
        await run.run(asked)
    assert await run.count(users) == 2 * LINES_A_STEP
    assert (await run.result(asked))["created"] == 2 * LINES_A_STEP


@pytest.mark.parametrize(
    ("content", "why"), [(b"nonsense", "'id' is missing"), (b"\xff\xfex", "UTF-16")]
)
async def test_a_file_that_cannot_be_read_fails_for_good(
    run: Run, content: bytes, why: str
) -> None:
    with pytest.raises(Dead, match=why):
        await run.run(await run.import_file(content))


async def test_a_file_that_is_gone_fails_for_good(run: Run) -> None:
    with pytest.raises(Dead, match="not there any more"):
        await run.run(await run.ask(import_users("file-x", CSV)))
