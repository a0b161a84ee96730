"""One watcher of an event: the queue of its frames, and the reason for disconnecting it.

The queue is bounded. A watcher that does not read frames as fast as they come is disconnected
rather than waited for: it may reconnect from its version and miss nothing.
"""

import asyncio
from collections import deque
from typing import Final, NamedTuple

from event_seating.live.frames import Frame

QUEUE_MAX: Final = 32
"""Frames that may be queued: more than six seconds of an event's maximum."""


class Closing(NamedTuple):
    """Why a watcher is disconnected: the WebSocket close code, and the reason in words."""

    code: int
    reason: str
    """At most 123 bytes, which is what a close frame holds."""


TOO_SLOW: Final = Closing(1013, "You read too slowly. Connect again with the version you have.")
GOING_AWAY: Final = Closing(1001, "This instance is stopping. Connect again.")
OUT_OF_SERVICE: Final = Closing(1013, "This event cannot be served here now. Connect again.")


class Subscriber:
    """Frames of one event for one client, in order. For one reader at a time."""

    __slots__ = ("_frames", "_reader", "closed", "closing")

    def __init__(self, first: Frame) -> None:
        self.closing: Closing | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when `closing` is set."""
        self._frames: deque[Frame] = deque([first])
        self._reader: asyncio.Future[None] | None = None

    def put(self, frame: Frame) -> bool:
        """Add a frame; false if the queue is full, which disconnects the watcher."""
        if self.closing is not None:
            return True
        if len(self._frames) >= QUEUE_MAX:
            self.close(TOO_SLOW)
            return False
        self._frames.append(frame)
        self._wake()
        return True

    def close(self, closing: Closing) -> None:
        """Send nothing more; queued frames are dropped."""
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
