"""A private directory for a socket, with a short path, which is removed at the end.

The path of a socket is limited to about a hundred characters, which a data directory may exceed,
and not every file system that can hold data can hold a socket; so the directory is made in the
system's directory for temporary files. Its name is derived from the data directory, which is
locked: the next server finds what a killed one left behind, and takes it over. A directory of
another user with that name is not touched.
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
"""The limit of a socket's path is 104 on macOS and 108 on Linux, including the zero at its end."""

NAME_BYTES: Final = 6
"""Length of the hash in the name: enough that two servers of one user never share a directory."""


class RuntimeDirectory:
    """A directory with mode 0700 for the server whose data is in `data`, until the block ends.

    Raises `OSError` if no directory can be made.
    """

    def __init__(self, data: Path, socket_name: str) -> None:
        self._data = data.resolve()
        self._socket_name = socket_name
        self._directory: Path | None = None

    def __enter__(self) -> Self:
        """Make it, or take over the one that a killed server left."""
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
        raise failure or OSError("the path of every possible directory for a socket is too long")

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
    except FileNotFoundError:  # only the data directory can be written, as in a read-only container
        return None


def _own(directory: Path) -> None:
    """Make sure that this is an empty directory that belongs to us alone; never follows a link."""
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise
        directory.chmod(0o700)
        for left in directory.iterdir():
            left.unlink()
