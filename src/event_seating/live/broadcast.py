"""Frames on their way to every watcher of one event, and how soon the next one may follow.

A frame goes out in steps of the event loop, so that other requests run in between. The next one is
not begun before the last one has gone out and the loop had a pause three times as long: so an
overloaded instance sends fewer frames, not later ones. It knows nothing of what is in a frame.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from event_seating.live.frames import Frame
from event_seating.live.subscriber import Subscriber
from event_seating.telemetry.logs import get_logger

_log = get_logger("live")

FRAME_EVERY_S: Final = 0.05
"""Twenty frames a second: what comes in between is shown no later than anybody can tell."""

PAUSE_TIMES: Final = 3
"""The pause after a frame, in multiples of the time that it took: so an event's frames take at most
a quarter of the event loop's time. To write to 1,000 watchers takes about 10 ms, nearly all of
it the kernel's, which leaves them twenty frames a second; 10,000 get two or three."""

PAUSE_S_MAX: Final = 1.0
"""However long the last frame took: a process that stood still for a while owes nobody silence."""

PUT_AT_ONCE: Final = 100
"""Watchers that get a frame in one step of the event loop, which takes about a millisecond: other
requests run between the steps."""


class Timer(NamedTuple):
    """The event loop's clocks and its ways to call something later."""

    monotonic: Callable[[], float]
    cpu: Callable[[], float]
    """Seconds of CPU time that the event loop's thread has used."""
    soon: Callable[[Callable[[], None]], object]
    later: Callable[[float, Callable[[], None]], object]


class LiveCounts:
    """What all events of this process have counted since the start."""

    def __init__(self) -> None:
        self.frames = 0
        """Frames given to watchers, one for each."""
        self.dropped = 0
        """Watchers that were disconnected because they read too slowly."""
        self.fallbacks = 0
        """Pages that poll because their WebSocket did not open."""


class Broadcast:
    """Sends to every watcher of one event."""

    def __init__(self, timer: Timer, tally: LiveCounts, sent: Callable[[], None]) -> None:
        self.subscribers: set[Subscriber] = set()
        self.under_way = False
        """Whether a frame has not reached every watcher yet."""
        self._timer = timer
        self._tally = tally
        self._sent = sent
        """Called when a frame has reached every watcher."""
        self._began = timer.monotonic()
        """When the last frame was begun, or else this was made."""
        self._next = self._began
        """When the next frame may be begun."""
        self._cpu_before = 0.0

    @property
    def silent_s(self) -> float:
        """Seconds since a frame was begun."""
        return self._timer.monotonic() - self._began

    @property
    def wait_s(self) -> float:
        """Seconds until the next frame may be begun; zero or less if it may be now."""
        return self._next - self._timer.monotonic()

    def send(self, frame: Frame) -> None:
        """Send to those who watch now."""
        self._began, self._cpu_before = self._timer.monotonic(), self._timer.cpu()
        self.under_way = True
        self._send_to(iter(list(self.subscribers)), frame)

    def _send_to(self, rest: Iterator[Subscriber], frame: Frame) -> None:
        """Send it to some now, and to the others in the following steps."""
        reached = 0
        for subscriber in islice(rest, PUT_AT_ONCE):
            reached += 1
            try:
                put = subscriber.put(frame)
            except Exception as error:  # noqa: BLE001 (one connection must not silence the event)
                _log.error("a frame could not be sent", exc_info=error)
                continue
            if not put:
                self._tally.dropped += 1
        self._tally.frames += reached
        # What others do with the frame once they have it counts too, so the end is a step later.
        more = reached == PUT_AT_ONCE
        self._timer.soon((lambda: self._send_to(rest, frame)) if more else self._end)

    def _end(self) -> None:
        took_s = self._timer.cpu() - self._cpu_before
        pause_s = min(took_s * PAUSE_TIMES, PAUSE_S_MAX)
        self._next = max(self._began + FRAME_EVERY_S, self._timer.monotonic() + pause_s)
        self.under_way = False
        self._sent()
