"""One who watches an event: the frames that wait for them, and why they are to be told goodbye.

The queue is bounded. Who does not take frames as fast as they come is closed rather than waited
for: by the version that they have they may come back and miss nothing.
"""

import asyncio
from collections import deque
from typing import Final, NamedTuple

from event_seating.live.frames import Frame

QUEUE_MAX: Final = 32
"""Frames that may wait: over six seconds of the most that an event sends."""


class Closing(NamedTuple):
    """Why a watcher is let go: a WebSocket's close code, and the reason as people read it."""

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
        """Done when there is a `closing`."""
        self._frames: deque[Frame] = deque([first])
        self._reader: asyncio.Future[None] | None = None

    def put(self, frame: Frame) -> bool:
        """Add a frame; false when the queue is full, which closes it."""
        if self.closing is not None:
            return True
        if len(self._frames) >= QUEUE_MAX:
            self.close(TOO_SLOW)
            return False
        self._frames.append(frame)
        self._wake()
        return True

    def close(self, closing: Closing) -> None:
        """Tell no more; what waits is dropped."""
        if self.closing is None:
            self.closing = closing
            self.closed.set_result(None)
            self._frames.clear()
            self._wake()

    async def next(self) -> Frame | Closing:
        """The next frame, or why there is none any more."""
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
