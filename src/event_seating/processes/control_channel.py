"""The line between the supervisor and a serving process: words, each on a line of its own.

Also the exit code that both know. Light on purpose: the supervisor loads it before anything else.
"""

import asyncio
import socket
from typing import Final, Self

EXIT_CANNOT_START: Final = 3
"""Exit code after one line that says why: starting again would not help."""

GO: Final = b"go\n"
READY: Final = b"ready\n"
STOP: Final = b"stop\n"


class Channel:
    """One end of the channel between a process and its parent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def on(cls, end: socket.socket) -> Self:
        """The channel on this end of a pair of sockets."""
        return cls(*await asyncio.open_connection(sock=end))

    def say(self, word: bytes) -> None:
        """Tell the other end; nothing happens when it is gone."""
        if not self._writer.is_closing():
            self._writer.write(word)

    async def hears(self, word: bytes) -> bool:
        """Wait for this word; false when the other end is gone."""
        while True:
            try:
                line = await self._reader.readline()
            except ConnectionError:
                return False
            if line == word:
                return True
            if not line:
                return False

    def say_last(self, word: bytes) -> None:
        """Tell the other end, and that no more will follow; what it says is still taken.

        To hang up instead would cost the word: an end that speaks to one that is gone is told of an
        error, and not of what it has not read yet.
        """
        self.say(word)
        if not self._writer.is_closing():
            self._writer.write_eof()

    def close(self) -> None:
        """Hang up."""
        self._writer.close()
