"""The body of a request as it arrives: a number of bytes, or chunks.

A chunk is a size in hexadecimal digits, its bytes and a line's end, and nothing else: extensions,
trailers, signs, spaces and bare line feeds are refused, since proxies disagree about them and
nobody who sells tickets sends them. Pure: bytes in, bytes out, nothing kept but the beginning of a
chunk's line.
"""

import re
from typing import Final, NamedTuple, Protocol

from event_seating.http_server.heads import HttpRefused

_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
"""The line before a chunk; eight digits are four gigabytes."""

_SIZE_BYTES_MAX: Final = 10

_BEGUN: Final = re.compile(rb"[0-9A-Fa-f]{0,8}\r?\Z")
"""What may become such a line once more bytes have come."""

_LINE_END: Final = b"\r\n"


class BodyPart(NamedTuple):
    """What some bytes meant."""

    body: bytes
    rest: bytes
    """The bytes after the body, which belong to the next request; empty until it is complete."""


class BodyReader(Protocol):
    """Takes the bytes after a head."""

    @property
    def complete(self) -> bool:
        """Whether the whole body has come."""
        ...

    def feed(self, data: bytes) -> BodyPart:
        """Read some bytes; raises `HttpRefused` if they cannot be of a body."""
        ...


class SizedBody:
    """A body whose length was given."""

    __slots__ = ("_left",)

    def __init__(self, length: int) -> None:
        self._left = length

    @property
    def complete(self) -> bool:
        """Whether the whole body has come."""
        return not self._left

    def feed(self, data: bytes) -> BodyPart:
        """Read some bytes."""
        if len(data) <= self._left:
            self._left -= len(data)
            return BodyPart(data, b"")
        end, self._left = self._left, 0
        return BodyPart(data[:end], data[end:])


class ChunkedBody:
    """A body in chunks."""

    __slots__ = ("_begun", "_ended", "_left", "complete")

    def __init__(self) -> None:
        self._begun = b""
        """The beginning of what is no byte of the body: a size, or the line's end after a chunk."""
        self._left = 0
        """Bytes of the chunk that have not come."""
        self._ended: bool | None = None
        """Whether a line's end has to come, after a chunk (False) or after the last one (True)."""
        self.complete = False

    def feed(self, data: bytes) -> BodyPart:
        """Read some bytes; raises `HttpRefused` for a chunk that is malformed."""
        data = self._begun + data if self._begun else data
        self._begun = b""
        at, parts = 0, list[bytes]()
        while at < len(data) and not self.complete:
            if self._left:
                parts.append(data[at : at + self._left])
                at += len(parts[-1])
                self._left -= len(parts[-1])
                continue
            following = self._end_line(data, at) if self._ended is not None else _size(data, at)
            if following is None:
                self._begun = data[at:]
                break
            at, size = following
            if size is not None:
                self._left, self._ended = size, not size
        return BodyPart(b"".join(parts), data[at:] if self.complete else b"")

    def _end_line(self, data: bytes, at: int) -> tuple[int, None] | None:
        """Where the line's end that has to be at `at` ends; None if it has not come as a whole."""
        found = data[at : at + 2]
        if not _LINE_END.startswith(found):
            raise _malformed()
        if len(found) < len(_LINE_END):
            return None
        self.complete, self._ended = bool(self._ended), None
        return at + len(_LINE_END), None


class DroppedBody:
    """What follows a body that turned out malformed: no part of it means anything."""

    __slots__ = ("complete",)

    def __init__(self) -> None:
        self.complete = False

    def feed(self, _data: bytes) -> BodyPart:
        """Drop some bytes."""
        return BodyPart(b"", b"")


def _size(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the line at `at` ends, and the size in it; None if it has not come as a whole."""
    found = _SIZE.match(data, at)
    if found is not None:
        return found.end(), int(found[1], 16)
    if not _BEGUN.match(data[at : at + _SIZE_BYTES_MAX]):
        raise _malformed()
    return None


def _malformed() -> HttpRefused:
    return HttpRefused(400, "malformed_request", "A chunk of the body is malformed.")
