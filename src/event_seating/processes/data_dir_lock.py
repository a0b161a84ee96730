"""The lock of a data directory: one server at a time, and one worker beside it.

It is a lock of the kernel on a file in the directory, so that a killed server leaves no lock
behind.
"""

import fcntl
import os
from pathlib import Path
from typing import Self

from event_seating.errors import StartupError
from event_seating.private_files import DIRECTORY_MODE, FILE_MODE


class DirectoryLock:
    """The exclusive use of a data directory by a server or, under another name, by a worker."""

    def __init__(self, directory: Path, user: str = "server") -> None:
        self._directory = directory
        self._user = user
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Make the directory and lock it; a `StartupError` says why that failed."""
        try:
            self._directory.mkdir(DIRECTORY_MODE, parents=True, exist_ok=True)
            self._descriptor = os.open(
                self._directory / self._name, os.O_RDWR | os.O_CREAT, FILE_MODE
            )
        except OSError as error:
            raise StartupError(
                f"DATA_DIR: {self._directory} cannot be written ({error.strerror})"
            ) from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._close()
            raise StartupError(
                f"DATA_DIR: {self._directory} is used by another {self._user} that is running"
            ) from None
        return self

    def __exit__(self, *_why: object) -> None:
        """Release the lock."""
        self._close()

    @property
    def _name(self) -> str:
        return "lock" if self._user == "server" else f"{self._user}.lock"

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
