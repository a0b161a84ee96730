"""What every child process does first and last: settings, log, limits, event loop, exit code.

Owns the exit codes of the child processes, and the beginning and end of their conversation with the
parent. It knows nothing of what they do in between.
"""

import asyncio
import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, NamedTuple

import uvloop

from event_seating.clock import SystemClock
from event_seating.errors import DatabaseUnavailable, StartupError
from event_seating.processes.control_channel import EXIT_CANNOT_START, GO, STOP, Channel
from event_seating.settings import model
from event_seating.settings.model import Settings
from event_seating.telemetry.logs import Logs, get_logger

COLLECT_AFTER: Final = (10_000, 250, 100)
"""Thresholds of the garbage collector: objects until the youngest generation is checked, which
takes about 2 ms, and checks until the older and the oldest are: memory is mostly freed by reference
counting, and cycles are few."""

OPEN_FILES: Final = 65_536
"""The limit to set where nothing else limits open files."""

Main = Callable[[Settings, Logs], Coroutine[Any, Any, None]]


class StopReason(NamedTuple):
    """Why a process has to stop."""

    by_parent: bool
    """The parent stops every process or has ended; not just this process was told to stop."""
    orphaned: bool
    """The parent has ended, so nobody waits for a drain."""


class ParentChannel:
    """The child's end of the control channel, together with SIGTERM."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._terminated = asyncio.Event()
        self.say = channel.say

    @classmethod
    async def on(cls, descriptor: int) -> "ParentChannel":
        """The channel on this descriptor; SIGTERM is handled from now on."""
        parent = cls(await Channel.on(socket.socket(fileno=descriptor)))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, parent._terminated.set)
        return parent

    async def wait_to_begin(self) -> bool:
        """Wait for the parent's permission; false if the parent has ended."""
        return await self._channel.hears(GO)

    async def wait_to_end(self, *others: Awaitable[object]) -> StopReason:
        """Wait for the parent's stop or end, for SIGTERM, or for one of `others`."""
        word = asyncio.create_task(self._channel.hears(STOP))
        waits: list[asyncio.Future[Any]] = [
            word,
            asyncio.create_task(self._terminated.wait()),
            *map(asyncio.ensure_future, others),
        ]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        by_parent = word.done() and not word.cancelled()
        return StopReason(by_parent, by_parent and not word.result())


def run(component: str, main: Main, *, logs_in: str = "") -> int:
    """Run `main` to its end; the exit code. Its log files are in `logs_in` in `LOG_DIR`."""
    try:
        settings = model.load()
        directory = settings.log_directory
        logs = Logs(
            level=settings.log_level,
            production=settings.production,
            directory=directory / logs_in if directory else None,
            clock=SystemClock(),
        )
        logs.start()
    except StartupError as error:
        print(f"event-seating: {error}", file=sys.stderr)  # noqa: T201 (no log yet)
        return EXIT_CANNOT_START
    _raise_the_limit_of_open_files()
    _keep_the_loop_free()
    _log = get_logger(component)
    try:
        uvloop.run(main(settings, logs))
    except StartupError as error:
        _log.error(str(error))
        return EXIT_CANNOT_START
    except DatabaseUnavailable as error:
        # The parent could reach it a moment ago, and will start this process again.
        _log.error(f"cannot begin to work: {error}")
        return 1
    finally:
        logs.close()
    return 0


def leave(code: int) -> None:
    """End this process at once: native threads may run on, and all that matters is closed."""
    sys.stdout.flush()
    os._exit(code)


def _raise_the_limit_of_open_files() -> None:
    """Raise the soft limit: each connection is a descriptor, and the usual 1,024 are soon used."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else hard
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _keep_the_loop_free() -> None:
    """Keep the pauses of the garbage collector short.

    A map of 100,000 seats would make it check every existing object. A shorter switch interval
    between threads would help the event loop too, but costs a third of the cached reads.
    """
    gc.set_threshold(*COLLECT_AFTER)
    gc.freeze()
