"""An event loop in virtual time: asyncio without threads, sockets or waiting.

Callbacks run in the order in which they became ready, as in any loop of asyncio; when none is
ready, the time jumps to the next timer. Times are whole nanoseconds, and timers of the same time
run in the order in which they were set, so that a run is the same on every machine and release of
Python. All tasks of one `Tasks` can be cancelled together, as a crash ends a process.
"""

import asyncio
from asyncio import Future, Handle, Task, TimerHandle
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Context, ContextVar, copy_context
from heapq import heappop, heappush
from typing import Any, Final, TypeVar, TypeVarTuple

NS_PER_S: Final = 1_000_000_000

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


class Tasks:
    """The tasks of one simulated process, including those that its tasks start."""

    def __init__(self) -> None:
        self.context = copy_context()
        self._running: dict[Task[Any], None] = {}
        self.context.run(_TASKS.set, self)

    def add(self, task: Task[Any]) -> None:
        """Add a task until it ends."""
        self._running[task] = None
        task.add_done_callback(lambda ended: self._running.pop(ended, None))

    def cancel(self) -> None:
        """Cancel them all, in the order in which they were started."""
        for task in list(self._running):
            task.cancel()


_TASKS: Final[ContextVar[Tasks | None]] = ContextVar("tasks", default=None)


class VirtualLoop(asyncio.AbstractEventLoop):
    """The part of an event loop that the writer and the simulation use."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.failures: list[str] = []
        """Errors that nobody was waiting for."""
        self.stopped = False
        """Once it is set, `run` stops."""
        self._ready: deque[Handle] = deque()
        self._timers: list[tuple[int, int, TimerHandle]] = []
        self._timer_number = 0

    # The interface for asyncio

    def time(self) -> float:
        """Virtual seconds since the start."""
        return self.now_ns / NS_PER_S

    def call_soon(
        self,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> Handle:
        handle = Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> TimerHandle:
        """`delay` is in virtual seconds."""
        return self._timer(self.now_ns + round(delay * NS_PER_S), callback, args, context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> TimerHandle:
        """`when` is in virtual seconds since the start."""
        return self._timer(round(when * NS_PER_S), callback, args, context)

    def _timer(
        self, at_ns: int, callback: Callable[..., object], args: Any, context: Context | None
    ) -> TimerHandle:
        handle = TimerHandle(at_ns / NS_PER_S, callback, args, self, context)
        self._timer_number += 1
        heappush(self._timers, (at_ns, self._timer_number, handle))
        return handle

    def _timer_handle_cancelled(self, handle: TimerHandle) -> None:
        """Called by asyncio; a cancelled timer is skipped when its time comes."""

    def create_future(self) -> Future[Any]:
        return Future(loop=self)

    def create_task(
        self,
        coro: Any,
        *,
        name: str | None = None,
        context: Context | None = None,
        **_eager: Any,
    ) -> Task[Any]:
        """A task, which belongs to the process that starts it."""
        task: Task[Any] = Task(coro, loop=self, name=name, context=context)
        tasks = _TASKS.get() if context is None else context.get(_TASKS)
        if tasks is not None:
            tasks.add(task)
        return task

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[*Arguments], Result],
        *args: *Arguments,
    ) -> Future[Result]:
        """Run a function as a callback, since there are no threads."""
        del executor
        future: Future[Result] = self.create_future()

        def work() -> None:
            if not future.cancelled():
                future.set_result(func(*args))

        self.call_soon(work)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.failures.append(f"{context.get('message')}: {context.get('exception')!r}")

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    # Running

    def run(self, main: Coroutine[Any, Any, None]) -> None:
        """Run until `main` ends or the loop is stopped, then cancel every other task.

        Raises `RuntimeError` when all tasks wait and no timer is left.
        """
        asyncio._set_running_loop(self)  # noqa: SLF001 (intended for implementations of a loop)
        try:
            task = self.create_task(main)
            while not task.done() and not self.stopped:
                if self._ready:
                    self._run_next()
                else:
                    self._advance()
            for left in asyncio.all_tasks(self):
                left.cancel()
            while self._ready:
                self._run_next()
        finally:
            asyncio._set_running_loop(None)  # noqa: SLF001
        if not task.cancelled():
            task.result()

    def _run_next(self) -> None:
        handle = self._ready.popleft()
        if not handle.cancelled():
            handle._run()  # noqa: SLF001 (a loop runs its handles)

    def _advance(self) -> None:
        if not self._timers:
            raise RuntimeError("all tasks wait and no timer is left")
        at_ns, _, handle = heappop(self._timers)
        if not handle.cancelled():
            self.now_ns = max(self.now_ns, at_ns)
            self._ready.append(handle)


def new_loop() -> VirtualLoop:
    """A loop at time zero."""
    # The methods for sockets, pipes and signals are missing: only the types object to that.
    return VirtualLoop()  # type: ignore[abstract]
