"""What each of our processes does first and last: settings, log, limits, loop, exit code.

Owns the exit codes of the processes under the supervisor, and how they begin and end on their
channel. It knows nothing of what they do in between.
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
"""Objects until a look at the youngest, which takes about 2 ms, and looks until one at the older
and the oldest: memory here is freed by counting, and cycles are few."""

OPEN_FILES: Final = 65_536
"""As many as are wanted where nothing limits them."""

Main = Callable[[Settings, Logs], Coroutine[Any, Any, None]]


class Told(NamedTuple):
    """Why a process ends."""

    by_parent: bool
    """Its parent stops all of them, or is gone; not this process alone was told to go."""
    orphaned: bool
    """The parent is gone: nobody waits for a drain."""


class Orders:
    """What the parent says on the channel, and SIGTERM."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._terminated = asyncio.Event()
        self.say = channel.say

    @classmethod
    async def on(cls, descriptor: int) -> "Orders":
        """From the channel on this descriptor; SIGTERM counts from now on."""
        orders = cls(await Channel.on(socket.socket(fileno=descriptor)))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, orders._terminated.set)
        return orders

    async def to_begin(self) -> bool:
        """Wait for the word; false when the parent is gone."""
        return await self._channel.hears(GO)

    async def to_end(self, *others: Awaitable[object]) -> Told:
        """Wait for the word, for the parent's end, for SIGTERM, or for one of `others`."""
        told = asyncio.create_task(self._channel.hears(STOP))
        waits: list[asyncio.Future[Any]] = [
            told,
            asyncio.create_task(self._terminated.wait()),
            *map(asyncio.ensure_future, others),
        ]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        by_parent = told.done() and not told.cancelled()
        return Told(by_parent, by_parent and not told.result())


def run(component: str, main: Main, *, logs_in: str = "") -> int:
    """Run `main` to its end; the exit code. Its log files go to `logs_in` in `LOG_DIR`."""
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
        # It was there when the parent looked, and may be back when the parent tries again.
        _log.error(f"cannot begin to work: {error}")
        return 1
    finally:
        logs.close()
    return 0


def leave(code: int) -> None:
    """End this process at once: threads may be native, and all that matters has been closed."""
    sys.stdout.flush()
    os._exit(code)


def _raise_the_limit_of_open_files() -> None:
    """Each connection is a descriptor; the usual soft limit of 1,024 is soon reached."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else hard
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _keep_the_loop_free() -> None:
    """What the collector may take from the event loop at a time, kept small.

    A map of 100,000 seats makes collections that look at every object there is. A shorter switch
    interval between threads would free the loop too, and costs a third of the cached reads.
    """
    gc.set_threshold(*COLLECT_AFTER)
    gc.freeze()
