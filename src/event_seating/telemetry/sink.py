"""The pipe between the callers that log and the outputs: a bounded queue and one thread.

Owns the queue, the thread and the count of lost lines. The caller appends one object and continues;
it never waits for a lock or for a disk. An access line comes rendered (`access_line`), every other
is rendered here. The thread wakes every `WAIT_S`, or at once when many lines or an urgent one are
in the queue, and writes them in batches.

When more comes than can be written: with `QUEUE_MAX` lines in the queue, further lines are dropped
and counted. There is room for `ERRORS_RESERVE` more errors, which no other line may use, so errors
are lost only when that many wait behind a stuck output; they are counted separately. As soon as
lines can be written again, one line says how many were lost. An output that fails (a full disk, a
broken pipe) loses its own lines, which is logged on the other outputs, and is tried again with each
batch.

The thread holds the interpreter's lock while it makes a batch, so a batch is bounded by its lines
(`BATCH_MAX`) and by those that are rendered for it (`RENDERED_MAX`): the event loop waits for a
fraction of a millisecond at most, and runs while the batch is written.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from event_seating.telemetry.output import Output
from event_seating.telemetry.render import ERROR_LEVELS, LogLine, Renderer

QUEUE_MAX: Final = 20_000
"""Lines in the queue: half a second of the most requests that one process answers, some 8 MB."""

ERRORS_RESERVE: Final = 1_000
"""Additional room for errors only; with their stacks some 10 MB."""

BATCH_MAX: Final = 1_000
"""Lines written at a time, some 300 kB: to take them from the queue and join them holds the
interpreter's lock for about 0.1 ms, and each batch is a few system calls, after each of which the
thread waits for that lock."""

RENDERED_MAX: Final = 100
"""Lines rendered for a batch: holds the interpreter's lock for about 0.5 ms."""

WAKE_AT: Final = 2_000
"""This many lines in the queue wake the thread early."""

WAIT_S: Final = 0.05
"""A line appears within this time; twenty idle wake-ups a second cost nothing."""


class Lost(NamedTuple):
    """How many lines were dropped because the queue was full."""

    lines: int
    errors: int


class OutputState(NamedTuple):
    """An output began to fail (`reason`), or works again after it has lost `lost` lines."""

    name: str
    reason: str
    lost: int


class Unwritable(NamedTuple):
    """A line that could not be rendered."""

    reason: str


Report = Lost | OutputState | Unwritable


class _Feed:
    """One output: which lines it gets, and whether it works."""

    __slots__ = ("errors_only", "failing", "lost", "output")

    def __init__(self, output: Output, *, errors_only: bool) -> None:
        self.output = output
        self.errors_only = errors_only
        self.failing = False
        self.lost = 0


class Sink:
    """Takes lines from any thread and writes them from its own.

    `outputs` get every line, `error_outputs` those of `ERROR_LEVELS`. `describe` makes the line
    that reports a loss or an output's state.
    """

    def __init__(
        self,
        renderer: Renderer,
        *,
        outputs: Sequence[Output],
        error_outputs: Sequence[Output] = (),
        describe: Callable[[Report], LogLine],
        queue_max: int = QUEUE_MAX,
        errors_reserve: int = ERRORS_RESERVE,
    ) -> None:
        self._renderer = renderer
        self._feeds = [
            *(_Feed(output, errors_only=False) for output in outputs),
            *(_Feed(output, errors_only=True) for output in error_outputs),
        ]
        self._describe = describe
        self._queue_max = queue_max
        self._errors_max = queue_max + errors_reserve
        self._queue: deque[bytes | LogLine | threading.Event] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._count_lock = threading.Lock()
        self._drain_lock = threading.RLock()
        self._lost_lines = 0
        self._lost_errors = 0
        self._reported = Lost(0, 0)
        self._lost_by_outputs = 0

    @property
    def dropped(self) -> int:
        """Lines lost so far, because the queue was full or an output failed."""
        return self._lost_lines + self._lost_errors + self._lost_by_outputs

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def put_access(self, line: bytes) -> None:
        """Add an access line, which is rendered; this is the hot path."""
        queue = self._queue
        waiting = len(queue)
        if waiting >= self._queue_max:
            self._count_lost(is_error=False)
            return
        queue.append(line)
        if waiting == WAKE_AT:
            self._wake.set()

    def put(self, line: LogLine) -> None:
        """Add a line other than an access line."""
        is_error = line.level in ERROR_LEVELS
        if len(self._queue) >= (self._errors_max if is_error else self._queue_max):
            self._count_lost(is_error=is_error)
            return
        self._queue.append(line)
        if is_error:
            self._wake.set()
        if self._stopping and self._thread is None:
            self._drain()

    def flush(self, timeout_s: float) -> bool:
        """Wait until all earlier lines are written; whether they were, within this time."""
        written = threading.Event()
        self._queue.append(written)
        self._wake.set()
        return written.wait(timeout_s)

    def close(self, timeout_s: float) -> bool:
        """Write the lines in the queue and stop; whether that was done within this time.

        A later line is written by its caller, so that the last messages of a process are not lost.
        If an output is stuck, the thread is abandoned: it ends with the process.
        """
        thread = self._thread
        self._stopping = True
        self._wake.set()
        if thread is not None:
            thread.join(timeout_s)
            if thread.is_alive():
                return False
            self._thread = None
        self._drain()
        for feed in self._feeds:
            feed.output.close()
        return True

    def _run(self) -> None:
        while not self._stopping:
            # More than that came while it wrote, so that nothing would wake it.
            if len(self._queue) < WAKE_AT:
                self._wake.wait(WAIT_S)
            self._wake.clear()
            self._write_waiting()

    def _drain(self) -> None:
        """Write until nothing waits."""
        while self._queue:
            self._write_waiting()

    def _write_waiting(self) -> None:
        """Write the lines that wait now, in batches.

        Not those that come meanwhile: this thread would never sleep under load, and wait for the
        interpreter's lock, which makes every request dearer, for a few lines each time.
        """
        with self._drain_lock:
            waiting = len(self._queue)
            while waiting > 0 and self._queue:
                waiting -= self._write_batch()
                self._report_losses()

    def _write_batch(self) -> int:
        """Write the next lines; how many were taken from the queue."""
        lines: list[bytes] = []
        errors: list[bytes] = []
        flushed = self._take_batch(lines, errors)
        for feed in self._feeds:
            batch = errors if feed.errors_only else lines
            if batch:
                self._write(feed, batch)
        if flushed is not None:
            flushed.set()
            return len(lines) + 1
        return len(lines)

    def _take_batch(self, lines: list[bytes], errors: list[bytes]) -> threading.Event | None:
        """Move lines from the queue; ends at an event, which is to be set once they are written."""
        queue, rendered = self._queue, 0
        for _ in range(min(BATCH_MAX, len(queue))):
            item = queue.popleft()
            if isinstance(item, bytes):
                lines.append(item)
            elif isinstance(item, LogLine):
                line = self._rendered(item)
                lines.append(line)
                if item.level in ERROR_LEVELS:
                    errors.append(line)
                rendered += 1
                if rendered == RENDERED_MAX:
                    break
            else:
                return item
        return None

    def _rendered(self, line: LogLine) -> bytes:
        try:
            return self._renderer.line(line)
        except Exception as error:  # noqa: BLE001 - one odd value must not end all logging
            return self._renderer.line(self._describe(Unwritable(repr(error))))

    def _write(self, feed: _Feed, batch: list[bytes]) -> None:
        try:
            feed.output.write(batch)
        except OSError as error:
            feed.lost += len(batch)
            self._lost_by_outputs += len(batch)
            if not feed.failing:
                feed.failing = True
                self._put_state(OutputState(feed.output.name, error.strerror or str(error), 0))
        else:
            if feed.failing:
                feed.failing = False
                self._put_state(OutputState(feed.output.name, "", feed.lost))
                feed.lost = 0

    def _put_state(self, state: OutputState) -> None:
        """Report an output's state even when the queue is full; it changes once a batch at most."""
        self._queue.append(self._describe(state))

    def _report_losses(self) -> None:
        now = Lost(self._lost_lines, self._lost_errors)
        if now != self._reported:
            new = Lost(now.lines - self._reported.lines, now.errors - self._reported.errors)
            self._reported = now
            self._queue.append(self._describe(new))

    def _count_lost(self, *, is_error: bool) -> None:
        with self._count_lock:
            if is_error:
                self._lost_errors += 1
            else:
                self._lost_lines += 1
