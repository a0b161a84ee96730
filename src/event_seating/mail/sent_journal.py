"""The journal of mails that a server has taken, so that a kill sends none of them twice.

A process may be killed in the milliseconds between a server's acceptance of a mail and the commit
that deletes the job from the outbox. A line in a file, written right after the acceptance, closes
most of that gap. It survives the death of the process, but not a power failure, and a worker on
another machine does not see it; then the Message-ID is the second line of defence. A job that comes
again and is found here is done without another mail.

Bounded: the newest lines are kept, since a job that is done never comes again.
"""

import os
from collections import OrderedDict
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from event_seating.telemetry.logs import get_logger

SENT_MAX: Final = 10_000
"""Far more than are sent at once; 400 kB of file."""

LINE_BYTES_MAX: Final = 200
"""An id is 36 characters; a longer line is not ours."""

FILE_NAME: Final = "mails-taken"
"""In `DATA_DIR`."""

NO_FILE: Final = -1

_log = get_logger("mail")


class SentJournal:
    """The ids of jobs whose mail was taken, in memory and in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._file = NO_FILE
        self._complained = False

    def __enter__(self) -> Self:
        """Read what the previous process left, and append to it."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists():
                for line in self._path.read_bytes().split(b"\n")[:-1]:
                    if 0 < len(line) <= LINE_BYTES_MAX:
                        self._ids[line.decode("latin-1")] = None
            self._rewrite()
        except OSError as error:
            self._complain(error)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        if self._file != NO_FILE:
            os.close(self._file)

    def __contains__(self, job_id: str) -> bool:
        """Whether a server has taken this job's mail."""
        return job_id in self._ids

    def note(self, job_id: str) -> None:
        """Note that a server took this job's mail; a kill after the return does not lose that.

        If the disk accepts no writes, it is only kept in memory: an error here would make the job
        send its mail again and again.
        """
        self._ids[job_id] = None
        try:
            if len(self._ids) > SENT_MAX:
                self._rewrite()
            else:
                os.write(self._file, job_id.encode("latin-1", "replace") + b"\n")
        except OSError as error:
            self._complain(error)

    def _rewrite(self) -> None:
        """Replace the file in one step; of too many lines the newest half is kept."""
        if len(self._ids) > SENT_MAX:
            while len(self._ids) > SENT_MAX // 2:
                self._ids.popitem(last=False)
        beside = self._path.with_name(self._path.name + ".new")
        beside.write_bytes(b"".join(job_id.encode("latin-1") + b"\n" for job_id in self._ids))
        beside.replace(self._path)
        before, self._file = self._file, os.open(self._path, os.O_WRONLY | os.O_APPEND)
        if before != NO_FILE:
            os.close(before)

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            _log.warning(
                "which mails were taken cannot be written down: a kill may send some twice",
                at=str(self._path),
                why=error.strerror,
            )
