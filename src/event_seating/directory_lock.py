"""A data directory belongs to one server at a time.

The lock is the kernel's, on a file in the directory, so that a killed server leaves none behind.
"""

import fcntl
import os
from pathlib import Path
from typing import Self

from event_seating.errors import StartupError


class DirectoryLock:
    """A data directory, used by one server at a time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Make the directory and lock it; a `StartupError` says why it cannot be used."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StartupError(
                f"DATA_DIR: {self._directory} cannot be written ({error.strerror})"
            ) from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._close()
            raise StartupError(
                f"DATA_DIR: {self._directory} is used by another server that is running"
            ) from None
        return self

    def __exit__(self, *_why: object) -> None:
        """Let go of it."""
        self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
