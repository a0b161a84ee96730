"""A short directory of our own for a socket: nobody else may enter it, and none is left behind.

The name of a socket has room for about a hundred characters, which a data directory may exceed, and
not every file system that holds data can hold a socket; so it goes to the system's directory for
such things. Its name follows from the data directory, which is locked: what a killed server left is
found again by the next one, and taken over. A directory of somebody else under that name is not
touched.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

PATH_BYTES_MAX: Final = 100
"""Of a socket's path: 104 on macOS, 108 on Linux, with the zero at its end."""

NAME_BYTES: Final = 6
"""Of the hash in the name: two servers of one user on one machine do not meet by accident."""


class RuntimeDirectory:
    """A directory with mode 0700 for the server whose data are in `data`, until the block ends.

    `OSError` when there is no place for one.
    """

    def __init__(self, data: Path, socket_name: str) -> None:
        self._data = data.resolve()
        self._socket_name = socket_name
        self._directory: Path | None = None

    def __enter__(self) -> Self:
        """Make it, or take over what a killed server left."""
        failure: OSError | None = None
        for directory in self._candidates():
            if len(os.fsencode(directory / self._socket_name)) > PATH_BYTES_MAX:
                continue
            try:
                _own(directory)
            except OSError as error:
                failure = error
                continue
            self._directory = directory
            return self
        raise failure or OSError("every directory for a socket has too long a path")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove it."""
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def socket(self) -> Path:
        """Where the socket is."""
        assert self._directory is not None
        return self._directory / self._socket_name

    def _candidates(self) -> list[Path]:
        digest = hashlib.sha256(os.fsencode(self._data)).hexdigest()[: 2 * NAME_BYTES]
        name = f"event-seating-{os.getuid()}-{digest}"
        places = dict.fromkeys([_system_directory(), Path("/tmp")])  # noqa: S108 (checked: `_own`)
        return [*(place / name for place in places if place), self._data / "run"]


def _system_directory() -> Path | None:
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:  # nothing can be written but the data, as in a read-only container
        return None


def _own(directory: Path) -> None:
    """Have an empty directory that is ours alone; never follows a link."""
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise
        directory.chmod(0o700)
        for left in directory.iterdir():
            left.unlink()
