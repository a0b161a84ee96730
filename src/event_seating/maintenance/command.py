"""`event-seating verify`: one event or all of them, with a progress bar."""

from functools import partial

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from event_seating.db.database import Database
from event_seating.maintenance.verify import LoadIndex, event_ids, verify

EXIT_DIFFERENT = 1


async def verify_all(
    database: Database,
    load_index: LoadIndex,
    event_id: str | None,
    *,
    grace_ms: int,
    console: Console,
) -> int:
    """Verify an event, or all; each difference is a line. The exit code: 1 when there are any."""
    wanted = [event_id] if event_id else [each async for each in event_ids(database)]
    differences = 0
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("rows"), TimeElapsedColumn())
    description = TextColumn("{task.description}")
    quiet = not console.is_terminal
    with Progress(description, *columns, console=console, transient=True, disable=quiet) as bar:
        for number, each in enumerate(wanted, 1):
            task = bar.add_task(f"{each} ({number} of {len(wanted)})", total=None)
            advance = partial(_advance, bar, task)
            found = await verify(database, each, load_index, grace_ms=grace_ms, progress=advance)
            bar.remove_task(task)
            for line in found:
                console.print(f"{each}: {line}", markup=False, highlight=False, soft_wrap=True)
            differences += len(found)
    said = f"{differences} differences" if differences else "nothing differs from the log"
    console.print(f"{len(wanted)} events: {said}", highlight=False)
    return EXIT_DIFFERENT if differences else 0


def _advance(bar: Progress, task: TaskID, done: int, rows: int) -> None:
    bar.update(task, completed=done, total=rows)
