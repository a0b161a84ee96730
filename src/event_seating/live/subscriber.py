"""One watcher of an event: how frames reach it, and the reason for disconnecting it.

A watcher that does not take frames as fast as they come is disconnected rather than waited for: it
may reconnect from its version and miss nothing. Where the server can write frames that are ready
(`DirectFrames`), each is written to the connection at once, and nothing waits here; elsewhere, and
for a long poll, a bounded queue holds them until somebody reads.
"""

import asyncio
from collections import deque
from typing import Final, NamedTuple, Protocol

from event_seating.live.frames import Frame

QUEUE_MAX: Final = 128
"""Frames that may be queued: more than six seconds of an event's maximum."""

UNSENT_BYTES_MAX: Final = 256 * 1024
"""What may wait in a connection for the client to receive it: two of the largest frames, or some
hundred usual ones, beside what the kernel takes."""


class Closing(NamedTuple):
    """Why a watcher is disconnected: the WebSocket close code, and the reason in words."""

    code: int
    reason: str
    """At most 123 bytes, which is what a close frame holds."""


TOO_SLOW: Final = Closing(1013, "You read too slowly. Connect again with the version you have.")
GOING_AWAY: Final = Closing(1001, "This instance is stopping. Connect again.")
OUT_OF_SERVICE: Final = Closing(1013, "This event cannot be served here now. Connect again.")


class DirectFrames(Protocol):
    """The connection of one client, where the server writes ready frames (`DIRECT_FRAMES`)."""

    def write(self, ready: bytes) -> int:
        """Send a frame; the bytes that the client has not received yet, it included."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Send a close frame and end the connection, of which `receive` then reports the end."""
        ...


class Subscriber(Protocol):
    """Takes the frames of one event for one client, in order."""

    def put(self, frame: Frame) -> bool:
        """Take a frame; false if the client is too slow for it, which disconnects it."""
        ...

    def close(self, closing: Closing) -> None:
        """Disconnect the client; it is sent no frame any more."""
        ...


class DirectSubscriber:
    """Writes each frame to the client's connection, which is all that it keeps."""

    __slots__ = ("_closed", "_connection", "sent_bytes")

    def __init__(self, connection: DirectFrames) -> None:
        self.sent_bytes = 0
        self._connection = connection
        self._closed = False

    def put(self, frame: Frame) -> bool:
        """Write a frame; false if too much waits to be sent, which disconnects the client."""
        if self._closed:
            return True
        self.sent_bytes += len(frame.text)
        if self._connection.write(frame.transmitted) <= UNSENT_BYTES_MAX:
            return True
        self.close(TOO_SLOW)
        return False

    def close(self, closing: Closing) -> None:
        """Write the reason, after which the connection ends."""
        if not self._closed:
            self._closed = True
            self._connection.close(closing.code, closing.reason)


class QueuedSubscriber:
    """Queues frames for one reader at a time."""

    __slots__ = ("_frames", "_reader", "closed", "closing", "sent_bytes")

    def __init__(self) -> None:
        self.sent_bytes = 0
        self.closing: Closing | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when `closing` is set."""
        self._frames: deque[Frame] = deque()
        self._reader: asyncio.Future[None] | None = None

    def put(self, frame: Frame) -> bool:
        """Queue a frame; false if the queue is full, which disconnects the client."""
        if self.closing is not None:
            return True
        if len(self._frames) >= QUEUE_MAX:
            self.close(TOO_SLOW)
            return False
        self._frames.append(frame)
        self._wake()
        return True

    def close(self, closing: Closing) -> None:
        """Let the reader disconnect the client; queued frames are dropped."""
        if self.closing is None:
            self.closing = closing
            self.closed.set_result(None)
            self._frames.clear()
            self._wake()

    async def next(self) -> Frame | Closing:
        """The next frame, or the reason why there are no more."""
        while not self._frames:
            if self.closing is not None:
                return self.closing
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        return self._frames.popleft()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
