"""Outputs for rendered lines: standard output, and files that rotate.

Owns file descriptors and nothing of the content of a line. An output raises `OSError` if it cannot
take the lines; the sink decides what to do then. Called from the log thread only.
"""

import os
import select
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol, TextIO

from event_seating.errors import StartupError
from event_seating.private_files import DIRECTORY_MODE

STALL_MAX_S: Final = 1.0
"""A non-blocking pipe that accepts nothing for this long counts as broken until the next batch."""


class Output(Protocol):
    """An output for whole lines."""

    name: str

    def write(self, lines: Sequence[bytes]) -> None:
        """Write all of them, or raise an `OSError`."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class Console:
    """Standard output, bypassing Python's buffer.

    If a broken pipe left data in that buffer, flushing it at exit would fail again and turn the
    exit code into 120.
    """

    name = "standard output"

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        try:
            self._descriptor = stream.fileno()
        except (OSError, AttributeError):
            self._descriptor = -1

    def write(self, lines: Sequence[bytes]) -> None:
        """Write and flush."""
        chunk = b"".join(lines)
        if self._descriptor < 0:
            self._write_text(chunk)
            return
        self._stream.flush()
        _write_all(self._descriptor, chunk)

    def close(self) -> None:
        """The stream is not ours to close."""

    def _write_text(self, chunk: bytes) -> None:
        try:
            self._stream.write(chunk.decode())
            self._stream.flush()
        except ValueError as error:  # the stream was closed
            raise OSError(str(error)) from error


class RotatingFile:
    """A log file and its predecessors: `combined.log`, `combined.log.1` … the oldest.

    There are at most `files` files of at most `max_bytes` each (a longer line has a file to
    itself). This is not the standard library's handler, which takes a lock, a stat and a write for
    each line.
    """

    def __init__(self, path: Path, *, max_bytes: int, files: int) -> None:
        """Open `path` for appending; `StartupError` if that fails."""
        self.name = str(path)
        self._path = path
        self._max_bytes = max_bytes
        self._files = files
        self._torn = False
        try:
            self._open()
        except OSError as error:
            raise StartupError(
                f"The log file {path} cannot be written ({error.strerror}); "
                "set LOG_DIR to a directory that can, or to `off`."
            ) from error

    def write(self, lines: Sequence[bytes]) -> None:
        """Append the lines, rotating when the file is full."""
        if self._file.closed:
            self._open()
        elif not self._is_still_there():
            self._file.close()
            self._open()
        chunk = b"".join(lines)
        if self._size + len(chunk) <= self._max_bytes:
            self._append(chunk)
            return
        fitting: list[bytes] = []
        size = self._size
        for line in lines:
            if size and size + len(line) > self._max_bytes:
                self._append(b"".join(fitting))
                self._rotate()
                fitting, size = [], 0
            fitting.append(line)
            size += len(line)
        self._append(b"".join(fitting))

    def close(self) -> None:
        """Close the file; later lines open it again."""
        self._file.close()

    def _is_still_there(self) -> bool:
        """Whether the path still leads to the open file; lines in a removed file would be lost.

        Checked once for a batch of lines, on the log thread.
        """
        try:
            found = self._path.stat()
        except OSError:
            return False
        return os.path.samestat(found, os.fstat(self._file.fileno()))

    def _open(self) -> None:
        self._path.parent.mkdir(DIRECTORY_MODE, parents=True, exist_ok=True)
        self._file = self._path.open("ab", buffering=0)
        self._size = os.fstat(self._file.fileno()).st_size

    def _append(self, chunk: bytes) -> None:
        if self._torn:
            chunk = b"\n" + chunk
        before = self._size
        try:
            _write_all(self._file.fileno(), chunk)
        except OSError:
            self._size = os.fstat(self._file.fileno()).st_size
            # A full disk may cut a line; the next one must not be joined to it.
            written = chunk[: self._size - before]
            self._torn = not written.endswith(b"\n") if written else self._torn
            raise
        self._size += len(chunk)
        self._torn = False

    def _rotate(self) -> None:
        """Rename each file to the next number (the last is overwritten) and start an empty one."""
        for number in range(self._files - 1, 0, -1):
            elder = self._numbered(number)
            younger = self._numbered(number - 1) if number > 1 else self._path
            if younger.exists():
                younger.replace(elder)
        if self._files == 1:
            self._path.unlink(missing_ok=True)
        full = self._file
        self._open()
        full.close()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _write_all(descriptor: int, chunk: bytes) -> None:
    """Write every byte; a pipe may accept only a part, or nothing for a while."""
    rest = memoryview(chunk)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:  # another process that shares the pipe made it non-blocking
            _, writable, _ = select.select([], [descriptor], [], STALL_MAX_S)
            if not writable:
                raise
