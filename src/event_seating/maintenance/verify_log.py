"""The rows that `verify` replays: from the files of an archived beginning, then the database."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.booking.seat_log.ports import BatchRow
from event_seating.maintenance import archive_file, archive_store, verify_store
from event_seating.maintenance.archive_file import BrokenArchiveError
from event_seating.maintenance.archive_store import Archived

ROWS_A_STEP: Final = 100
"""Rows of a file that are read before other tasks may run."""


class Beginning(NamedTuple):
    """The archived parts of a log, and their files if all of them are available."""

    parts: Sequence[Archived]
    files: Sequence[Path]

    @property
    def last_version(self) -> int:
        """The last archived version; 0 if there is none."""
        return self.parts[-1].last_version if self.parts else 0

    @property
    def is_missing(self) -> bool:
        """Whether rows are archived in files that are not available."""
        return bool(self.parts) and not self.files

    async def rows(
        self, connection: AsyncConnection, event_id: str, after: int
    ) -> AsyncIterator[BatchRow]:
        """Every row after this version; raises `BrokenArchiveError`."""
        for path, part in zip(self.files, self.parts, strict=False):
            for number, each in enumerate(archive_file.read(path)):
                if isinstance(each, BatchRow):
                    yield each
                elif each.sha256 != part.sha256:
                    raise BrokenArchiveError(f"{path.name} is not the file that was archived")
                if number % ROWS_A_STEP == 0:
                    await asyncio.sleep(0)
        after = max(after, self.last_version)
        async for row in verify_store.log_rows(connection, event_id, after):
            yield row


async def beginning_of(
    connection: AsyncConnection, event_id: str, directory: Path | None
) -> Beginning:
    """The archived parts of an event's log, with their files if the directory has all of them."""
    parts = await archive_store.archives(connection, event_id)
    files = [directory / part.file for part in parts] if directory is not None else []
    return Beginning(parts, files if all(path.is_file() for path in files) else [])
