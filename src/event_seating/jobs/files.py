"""Files that jobs read or make: an import that somebody sent, its refusals, a report.

They are kept in the database, in chunks, so that every process finds them and a backup has them. A
file is written piece by piece while it comes in, each chunk in a transaction of its own: a client
that sends slowly must not occupy the only writer of SQLite. A file that never became complete is
useless, and is deleted after an hour.

Owns the statements and the size of a chunk. Never has more than a chunk of a file in memory.
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from secrets import token_hex
from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.db.database import Database
from event_seating.db.tables import file_chunks, files

CHUNK_BYTES: Final = 256 * 1024
"""Large enough that a statement's own cost is nothing, small enough for a hundred at once."""

FILE_ID_BYTES: Final = 16
"""128 random bits, so that an id cannot be guessed."""

UNFINISHED: Final = -1
"""The size of a file that is still coming in."""

UNFINISHED_FOR_MS: Final = 3_600_000
"""How long a file may take to come in; after that its client is gone."""

UPLOAD: Final = "upload"
"""The name of every file that a client sent: it is for its job alone, and nobody can fetch it."""

Pieces = Iterable[bytes] | AsyncIterable[bytes]

_HEAD: Final = select(files).where(files.c.id == bindparam("id"))
_CHUNK: Final = (
    select(file_chunks.c.content)
    .where(file_chunks.c.file_id == bindparam("file_id"))
    .where(file_chunks.c.number == bindparam("number"))
)
_FINISH: Final = (
    update(files)
    .where(files.c.id == bindparam("b_id"))
    .values(bytes=bindparam("b_bytes"), expires_at_ms=bindparam("b_expires_at_ms"))
)
_EXPIRED: Final = (
    select(files.c.id)
    .where(files.c.expires_at_ms <= bindparam("now_ms"))
    .order_by(files.c.expires_at_ms)
    .limit(bindparam("most"))
)


class FileHead(NamedTuple):
    """What is known of a file without its content."""

    id: str
    name: str
    media_type: str
    bytes: int
    created_at_ms: int
    expires_at_ms: int


class FileGone(Exception):
    """The file does not exist, or not any more."""


async def spool(
    database: Database,
    name: str,
    media_type: str,
    chunks: Pieces,
    now_ms: int,
    expires_at_ms: int,
) -> str:
    """Write a file while it comes in, one transaction for each chunk; the file's id.

    Nobody can read it until the last chunk is written.
    """
    file_id = new_file_id()
    until_ms = min(expires_at_ms, now_ms + UNFINISHED_FOR_MS)
    head = FileHead(file_id, name, media_type, UNFINISHED, now_ms, until_ms)
    async with database.write() as connection:
        await connection.execute(insert(files), head._asdict())
    size = 0
    number = 0
    async for chunk in evenly(chunks):
        async with database.write() as connection:
            await _append(connection, file_id, number, chunk)
        number += 1
        size += len(chunk)
    async with database.write() as connection:
        values = {"b_id": file_id, "b_bytes": size, "b_expires_at_ms": expires_at_ms}
        await connection.execute(_FINISH, values)
    return file_id


async def read(connection: AsyncConnection, file_id: str) -> FileHead | None:
    """The head of the file with this id, if it is complete."""
    row = (await connection.execute(_HEAD, {"id": file_id})).first()
    return None if row is None or row.bytes == UNFINISHED else FileHead(*row)


async def chunks(database: Database, file_id: str) -> AsyncIterator[bytes]:
    """The content of a file, in chunks; raises `FileGone`, also if it is deleted meanwhile."""
    async with database.read() as connection:
        head = await read(connection, file_id)
    if head is None:
        raise FileGone(file_id)
    left = head.bytes
    number = 0
    while left:
        async with database.read() as connection:
            asked = {"file_id": file_id, "number": number}
            chunk = (await connection.execute(_CHUNK, asked)).scalar_one_or_none()
        if chunk is None:
            raise FileGone(file_id)
        yield bytes(chunk)
        left -= len(chunk)
        number += 1


async def purge(connection: AsyncConnection, now_ms: int, most: int) -> int:
    """Delete files that have expired, at most this many; how many there were."""
    found = await connection.execute(_EXPIRED, {"now_ms": now_ms, "most": most})
    expired = found.scalars().all()
    if expired:
        await remove(connection, expired)
    return len(expired)


async def remove(connection: AsyncConnection, file_ids: Iterable[str]) -> None:
    ids = list(file_ids)
    await connection.execute(delete(file_chunks).where(file_chunks.c.file_id.in_(ids)))
    await connection.execute(delete(files).where(files.c.id.in_(ids)))


def new_file_id() -> str:
    return f"file-{token_hex(FILE_ID_BYTES)}"


async def evenly(pieces: Pieces) -> AsyncIterator[bytes]:
    """The same bytes in chunks of `CHUNK_BYTES`, the last one shorter."""
    waiting = bytearray()
    async for piece in _each(pieces):
        waiting += piece
        while len(waiting) >= CHUNK_BYTES:
            yield bytes(waiting[:CHUNK_BYTES])
            del waiting[:CHUNK_BYTES]
    if waiting:
        yield bytes(waiting)


async def _each(pieces: Pieces) -> AsyncIterator[bytes]:
    if isinstance(pieces, AsyncIterable):
        async for piece in pieces:
            yield piece
    else:
        for piece in pieces:
            yield piece


async def _append(connection: AsyncConnection, file_id: str, number: int, content: bytes) -> None:
    row = {"file_id": file_id, "number": number, "content": content}
    await connection.execute(insert(file_chunks), row)
