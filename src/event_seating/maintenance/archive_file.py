"""A part of an event's log as a file: written once, and checked as a whole by anybody.

It has lines of JSON, compressed by gzip, so that any machine can read it in twenty years: a head
that says which log and rows it contains, a line for each row in order with its bytes in base64, and
an end with the number of rows and the SHA-256 of all lines before it. That reveals a file that was
truncated or changed by a bit, and so do the rows themselves: each must follow the previous one and
be readable by this release.
"""

import gzip
import hashlib
import os
import zlib
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from event_seating.booking.core import log_entries
from event_seating.booking.core.log_entries import BrokenEntriesError, UnknownFormatError
from event_seating.booking.seat_log.ports import BatchRow

FORMAT: Final = 1

LINE_BYTES_MAX: Final = 16 * 1024 * 1024
"""The longest line that is read into memory. A row has at most 512 entries, and the largest of
them, a block of a whole venue, takes some hundred kilobytes."""


class BrokenArchiveError(ValueError):
    """The file is not a whole archive; the message says what is wrong with it."""


class ArchiveHead(Struct, frozen=True):
    """Which log it is, and which part of it."""

    format: int
    event: str
    epoch: str
    first: int
    last: int


class _Line(Struct, frozen=True):
    version: int
    batch: str
    format: int
    at: int
    entries: str


class _End(Struct, frozen=True):
    rows: int
    sha256: str


class Checked(NamedTuple):
    """A complete file."""

    head: ArchiveHead
    sha256: str


def name_of(event_id: str, first: int, last: int) -> str:
    """The name of the file with these rows."""
    return f"{event_id}-{first}-{last}.jsonl.gz"


async def write(path: Path, head: ArchiveHead, rows: AsyncIterator[BatchRow]) -> None:
    """Write the rows, so that the file is there whole or not at all, also after a power cut."""
    partial = path.with_name(f"{path.name}.partial")
    digest = hashlib.sha256()
    written = 0
    with partial.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:

        def put(line: Struct) -> None:
            encoded = msgspec.json.encode(line) + b"\n"
            digest.update(encoded)
            file.write(encoded)

        put(head)
        async for row in rows:
            put(
                _Line(
                    row.version,
                    b64encode(row.batch_id).decode(),
                    row.format,
                    row.at_ms,
                    b64encode(row.entries).decode(),
                )
            )
            written += 1
        put(_End(written, digest.hexdigest()))
        file.close()
        raw.flush()
        os.fsync(raw.fileno())
    partial.rename(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def check(path: Path) -> Checked:
    """Check a file from its first line to its last; raises `BrokenArchiveError`."""
    checked: Checked | None = None
    for each in read(path):
        if isinstance(each, BatchRow):
            try:
                log_entries.decode(each.format, each.entries)
            except (UnknownFormatError, BrokenEntriesError) as error:
                raise BrokenArchiveError(f"row {each.version} cannot be read: {error}") from error
        else:
            checked = each
    assert checked is not None, "a file without an end is broken"
    return checked


def read(path: Path) -> Iterator[BatchRow | Checked]:
    """Each row of a file, and at its end what was checked; raises `BrokenArchiveError`."""
    try:
        with gzip.open(path, "rb") as file:
            yield from _lines(file)
    except (OSError, EOFError, zlib.error, msgspec.MsgspecError, NotBase64) as error:
        raise BrokenArchiveError(f"{path.name} cannot be read: {error}") from error


def _lines(file: gzip.GzipFile) -> Iterator[BatchRow | Checked]:
    digest = hashlib.sha256()
    line = file.readline(LINE_BYTES_MAX)
    digest.update(line)
    head = msgspec.json.decode(line, type=ArchiveHead)
    if head.format != FORMAT:
        raise BrokenArchiveError(f"it has format {head.format}, this release reads {FORMAT}")
    version = head.first - 1
    while version < head.last:
        line = file.readline(LINE_BYTES_MAX)
        digest.update(line)
        row = msgspec.json.decode(line, type=_Line)
        version += 1
        if row.version != version:
            raise BrokenArchiveError(f"row {version} is missing, there is row {row.version}")
        yield BatchRow(version, b64decode(row.batch), row.format, b64decode(row.entries), row.at)
    end = msgspec.json.decode(file.readline(LINE_BYTES_MAX), type=_End)
    found = digest.hexdigest()
    if (end.rows, end.sha256) != (head.last - head.first + 1, found):
        raise BrokenArchiveError("its lines are not those that were written: the checksum differs")
    if file.read(1):
        raise BrokenArchiveError("something follows its end")
    yield Checked(head, found)
