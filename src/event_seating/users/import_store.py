"""The statements about imports of users. No rules, no transactions of their own."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.db.tables import user_import_refusals, user_imports, users
from event_seating.users.model import User

_BY_JOB: Final = select(user_imports).where(user_imports.c.job_id == bindparam("job_id"))

_BEGIN: Final = text(
    "INSERT INTO user_imports (job_id, file_id, next_line, created, refused)"
    " VALUES (:job_id, :file_id, 1, 0, 0) ON CONFLICT DO NOTHING"
)

_GO_ON: Final = (
    update(user_imports)
    .where(user_imports.c.job_id == bindparam("b_job_id"))
    .where(user_imports.c.next_line == bindparam("b_line"))
    .values(
        next_line=bindparam("b_next_line"),
        created=user_imports.c.created + bindparam("b_created"),
        refused=user_imports.c.refused + bindparam("b_refused"),
    )
)

_REFUSALS: Final = (
    select(user_import_refusals.c.line, user_import_refusals.c.reason)
    .where(user_import_refusals.c.job_id == bindparam("job_id"))
    .where(user_import_refusals.c.line > bindparam("after"))
    .order_by(user_import_refusals.c.line)
    .limit(bindparam("most"))
)

ROWS_A_STATEMENT_MAX: Final = 1_000
"""Four values a row; SQLite takes 32,766 in a statement."""


class ImportProgress(NamedTuple):
    """How far an import is."""

    job_id: str
    file_id: str
    next_line: int
    created: int
    refused: int


async def begin(connection: AsyncConnection, job_id: str, file_id: str) -> ImportProgress:
    """How far the import is; begins it if it has not begun."""
    await connection.execute(_BEGIN, {"job_id": job_id, "file_id": file_id})
    row = (await connection.execute(_BY_JOB, {"job_id": job_id})).one()
    return ImportProgress(*row)


async def go_on(
    connection: AsyncConnection, before: ImportProgress, next_line: int, created: int, refused: int
) -> bool:
    """Note progress; False if another worker has continued the import from `before`."""
    values = {
        "b_job_id": before.job_id,
        "b_line": before.next_line,
        "b_next_line": next_line,
        "b_created": created,
        "b_refused": refused,
    }
    return (await connection.execute(_GO_ON, values)).rowcount == 1


async def insert_users(
    connection: AsyncConnection, new: Sequence[User]
) -> tuple[set[tuple[str, str]], set[str]]:
    """Write users whose id and address are free; their (id, address), and the ids that are taken.

    Of two rows with the same id or address the first one is written.
    """
    assert len(new) <= ROWS_A_STATEMENT_MAX
    if not new:
        return set(), set()
    fields = ("id", "name", "email", "created_at_ms")
    places = ", ".join(
        "(" + ", ".join(f":{field}_{n}" for field in fields[:3]) + f", CAST(:at_{n} AS BIGINT))"
        for n in range(len(new))
    )
    values: dict[str, str | int] = {}
    for n, user in enumerate(new):
        values |= {f"id_{n}": user.id, f"name_{n}": user.name, f"email_{n}": user.email}
        values[f"at_{n}"] = user.created_at_ms
    statement = (
        f"INSERT INTO users ({', '.join(fields)}) VALUES {places}"  # noqa: S608 (names of ours)
        " ON CONFLICT DO NOTHING RETURNING id, email"
    )
    written = {(row.id, row.email) for row in await connection.execute(text(statement), values)}
    if len(written) == len(new):
        return written, set()
    ids = [user.id for user in new if (user.id, user.email) not in written]
    found = await connection.execute(select(users.c.id).where(users.c.id.in_(ids)))
    return written, set(found.scalars())


async def refuse(connection: AsyncConnection, job_id: str, reasons: Mapping[int, str]) -> None:
    """Store why these lines were refused."""
    if reasons:
        rows = [
            {"job_id": job_id, "line": line, "reason": reason} for line, reason in reasons.items()
        ]
        await connection.execute(insert(user_import_refusals), rows)


async def refusals(
    connection: AsyncConnection, job_id: str, after: int, most: int
) -> list[tuple[int, str]]:
    """Why lines after this one were refused, in order."""
    asked = {"job_id": job_id, "after": after, "most": most}
    return [(row.line, row.reason) for row in await connection.execute(_REFUSALS, asked)]


async def end(connection: AsyncConnection, job_id: str) -> None:
    """Forget how far the import is; its refusals go with the next purge."""
    await connection.execute(delete(user_imports).where(user_imports.c.job_id == job_id))
