"""A frame on its way to every watcher."""

from collections import deque
from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from event_seating.live import frames
from event_seating.live.broadcast import Broadcast, LiveCounts, Timer
from event_seating.live.frames import Frame
from event_seating.live.subscriber import Closing

if TYPE_CHECKING:
    from collections.abc import Callable


class Watcher:
    """Takes frames, or fails to."""

    def __init__(self, *, fails: bool = False) -> None:
        self.taken: list[Frame] = []
        self._fails = fails

    def put(self, frame: Frame) -> bool:
        if self._fails:
            raise OSError
        self.taken.append(frame)
        return True

    def close(self, closing: Closing) -> None:
        raise AssertionError(closing)


def test_a_connection_that_fails_silences_no_other_and_not_the_event() -> None:
    steps: deque[Callable[[], None]] = deque()
    timer = Timer(lambda: 0.0, lambda: 0.0, steps.append, lambda _s, step: steps.append(step))
    reached: list[bool] = []
    broadcast = Broadcast(timer, LiveCounts(), lambda: reached.append(True))
    watchers = [Watcher(fails=number % 50 == 0) for number in range(250)]
    broadcast.subscribers.update(watchers)
    with capture_logs() as lines:
        broadcast.send(frames.heartbeat(7))
        while steps:
            steps.popleft()()
    assert [len(each.taken) for each in watchers].count(1) == 245
    assert reached == [True]
    assert not broadcast.under_way
    assert len(lines) == 5
