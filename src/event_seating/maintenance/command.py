"""`event-seating verify` and `archive`: one event or all of them."""

from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from event_seating.clock import Clock
from event_seating.db.database import Database
from event_seating.maintenance import archive_file
from event_seating.maintenance.archive import archive
from event_seating.maintenance.archive_file import BrokenArchiveError
from event_seating.maintenance.verify import LoadIndex, verify
from event_seating.maintenance.verify_store import event_ids

EXIT_DIFFERENT: Final = 1

EXIT_NOT_WHOLE: Final = 1


async def verify_all(
    database: Database,
    load_index: LoadIndex,
    event_id: str | None,
    *,
    grace_ms: int,
    archives: Path,
    console: Console,
) -> int:
    """Verify an event or all, printing each difference. The exit code: 1 if there are any."""
    wanted = [event_id] if event_id else [each async for each in event_ids(database)]
    differences = 0
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("rows"), TimeElapsedColumn())
    description = TextColumn("{task.description}")
    quiet = not console.is_terminal
    with Progress(description, *columns, console=console, transient=True, disable=quiet) as bar:
        for number, each in enumerate(wanted, 1):
            task = bar.add_task(f"{each} ({number} of {len(wanted)})", total=None)
            advance = partial(_advance, bar, task)
            found = await verify(
                database,
                each,
                load_index,
                grace_ms=grace_ms,
                progress=advance,
                archives=archives,
            )
            bar.remove_task(task)
            for line in found:
                console.print(f"{each}: {line}", markup=False, highlight=False, soft_wrap=True)
            differences += len(found)
    said = f"{differences} differences" if differences else "nothing differs from the log"
    console.print(f"{len(wanted)} events: {said}", highlight=False)
    return EXIT_DIFFERENT if differences else 0


def _advance(bar: Progress, task: TaskID, done: int, rows: int) -> None:
    bar.update(task, completed=done, total=rows)


async def archive_all(
    database: Database,
    load_index: LoadIndex,
    event_id: str | None,
    directory: Path,
    clock: Clock,
    *,
    after_days: int,
    grace_ms: int,
    console: Console,
) -> int:
    """Archive the log of an event, or of all that are over, printing each result or failure.

    The exit code is 1 if one failed, or if the named event was not archived.
    """
    wanted = [event_id] if event_id else [each async for each in event_ids(database)]
    archived = failed = 0
    for each in wanted:
        outcome = await archive(
            database,
            each,
            load_index,
            directory,
            clock,
            after_days=after_days,
            grace_ms=grace_ms,
        )
        if outcome.archived is not None:
            archived += 1
            part = outcome.archived
            said = f"rows {part.first_version} to {part.last_version} are in {part.file}"
        else:
            failed += outcome.failed or event_id is not None
            said = outcome.why
        if outcome.archived is not None or outcome.failed or event_id is not None:
            console.print(f"{each}: {said}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"{len(wanted)} events: {archived} archived into {directory}", highlight=False)
    return EXIT_NOT_WHOLE if failed else 0


def check_file(path: Path, console: Console) -> int:
    """Print whether a file is a complete archive. The exit code: 1 if it is not."""
    try:
        checked = archive_file.check(path)
    except BrokenArchiveError as error:
        console.print(f"{path.name} is not whole: {error}", markup=False, highlight=False)
        return EXIT_NOT_WHOLE
    head = checked.head
    console.print(
        f"{path.name} is whole: rows {head.first} to {head.last} of event {head.event},"
        f" SHA-256 {checked.sha256}",
        highlight=False,
        soft_wrap=True,
    )
    return 0
