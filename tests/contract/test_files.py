"""Files of jobs, on every backend."""

from collections.abc import AsyncIterator, Iterable

import pytest
from sqlalchemy import func, select

from event_seating.db.database import Database
from event_seating.db.tables import file_chunks
from event_seating.jobs import files
from event_seating.jobs.files import CHUNK_BYTES, FileGone, FileHead

pytestmark = pytest.mark.anyio


async def write(database: Database, *pieces: bytes, expires_at_ms: int = 9) -> str:
    return await files.spool(database, "sales.csv", "text/csv", pieces, 1, expires_at_ms)


async def head(database: Database, file_id: str) -> FileHead | None:
    async with database.read() as connection:
        return await files.read(connection, file_id)


async def content(database: Database, file_id: str) -> list[bytes]:
    return [chunk async for chunk in files.chunks(database, file_id)]


async def one_by_one(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def chunks_kept(database: Database) -> int:
    async with database.read() as connection:
        counted = await connection.execute(select(func.count()).select_from(file_chunks))
        return int(counted.scalar_one())


async def test_a_file_is_read_as_it_was_written(database: Database) -> None:
    file_id = await write(database, b"seat,price\n", b"", b"A1,45.00\n")
    assert await head(database, file_id) == FileHead(file_id, "sales.csv", "text/csv", 20, 1, 9)
    assert await content(database, file_id) == [b"seat,price\nA1,45.00\n"]


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
async def test_a_file_of_any_size_comes_back_in_chunks(database: Database, size: int) -> None:
    whole = bytes(number % 251 for number in range(size))
    pieces = [whole[start : start + 70_001] for start in range(0, size, 70_001)]
    file_id = await write(database, *pieces)
    chunks = await content(database, file_id)
    assert b"".join(chunks) == whole
    assert all(len(chunk) == CHUNK_BYTES for chunk in chunks[:-1])


async def test_a_file_that_comes_in_slowly_holds_up_no_writer(database: Database) -> None:
    other = ""

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal other
        yield b"a" * CHUNK_BYTES
        other = await write(database, b"meanwhile")
        yield b"b"

    file_id = await files.spool(database, "users.csv", "text/csv", pieces(), 1, 9)
    assert await content(database, other) == [b"meanwhile"]
    assert await content(database, file_id) == [b"a" * CHUNK_BYTES, b"b"]


async def test_a_file_that_breaks_off_is_nobodys_and_goes_at_its_expiry(database: Database) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"a" * CHUNK_BYTES
        yield b"b" * CHUNK_BYTES
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await files.spool(database, "users.csv", "text/csv", pieces(), 1, 9)
    assert await chunks_kept(database) == 2
    async with database.write() as connection:
        assert await files.purge(connection, 9, 10) == 1
    assert await chunks_kept(database) == 0


async def test_an_unfinished_file_cannot_be_read(database: Database) -> None:
    file_id = ""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"
        async with database.read() as connection:
            ids = (await connection.execute(select(files.files.c.id))).scalars().all()
        nonlocal file_id
        (file_id,) = ids
        assert await head(database, file_id) is None
        with pytest.raises(FileGone):
            await content(database, file_id)

    assert await files.spool(database, "users.csv", "text/csv", pieces(), 1, 9) == file_id
    assert await content(database, file_id) == [b"a"]


async def test_a_file_that_goes_while_it_is_read_is_not_taken_for_whole(database: Database) -> None:
    file_id = await write(database, b"x" * (2 * CHUNK_BYTES))
    reading = files.chunks(database, file_id)
    await anext(reading)
    async with database.write() as connection:
        await files.purge(connection, 9, 10)
    with pytest.raises(FileGone):
        await anext(reading)


async def test_a_purge_takes_what_has_expired_and_no_more_than_it_may(database: Database) -> None:
    kept = await write(database, b"kept", expires_at_ms=10)
    old = [await write(database, b"old", expires_at_ms=number) for number in range(5)]
    async with database.write() as connection:
        assert await files.purge(connection, 9, 3) == 3
    assert [await head(database, each) is None for each in old] == [True] * 3 + [False] * 2
    async with database.write() as connection:
        assert await files.purge(connection, 9, 3) == 2
    assert await content(database, kept) == [b"kept"]


async def test_even_chunks_come_of_pieces_that_come_one_by_one() -> None:
    pieces = [b"a" * (CHUNK_BYTES - 1), b"bc", b"d" * (2 * CHUNK_BYTES)]
    chunks = [chunk async for chunk in files.evenly(one_by_one(pieces))]
    assert [len(chunk) for chunk in chunks] == [CHUNK_BYTES, CHUNK_BYTES, CHUNK_BYTES, 1]
    assert b"".join(chunks) == b"".join(pieces)
