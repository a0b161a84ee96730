"""The control channel between the supervisor and a child process: words, one per line.

It also holds the exit code that both know. It imports little on purpose: the supervisor loads it
before anything else.
"""

import asyncio
import socket
from typing import Final, Self

EXIT_CANNOT_START: Final = 3
"""The exit code after a line that says why: starting again would not help."""

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
        """The channel on one end of a pair of sockets."""
        return cls(*await asyncio.open_connection(sock=end))

    def say(self, word: bytes) -> None:
        """Send a word; does nothing if the other end is closed."""
        if not self._writer.is_closing():
            self._writer.write(word)

    async def hears(self, word: bytes) -> bool:
        """Wait for this word; false if the other end is closed."""
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
        """Send a word as the last one; the other end can still be read.

        Closing the channel at once could lose the word: an end that writes to a closed one gets an
        error instead of the words that it has not read yet.
        """
        self.say(word)
        if not self._writer.is_closing():
            self._writer.write_eof()

    def close(self) -> None:
        """Close this end."""
        self._writer.close()
