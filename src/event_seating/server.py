"""One serving process: the app on its event loop, from the parent's word to the parent's word.

Started by the supervisor with two inherited descriptors: the listening socket and a channel. It
says `ready` on the channel when it serves. When the channel says `stop`, or closes because the
parent is gone, or SIGTERM comes, it drains: readiness says no while requests are still accepted,
then no more are accepted and those under way finish, then everything is taken down in reverse.
"""

import asyncio
import gc
import os
import resource
import signal
import socket
import sys
from typing import Final

import uvloop

from event_seating import app, bootstrap, config
from event_seating.bootstrap import Parts
from event_seating.channel import EXIT_CANNOT_START, GO, READY, STOP, Channel
from event_seating.clock import SystemClock
from event_seating.config import AppEnv, Settings
from event_seating.demo import add_demo_event, add_demo_users
from event_seating.errors import DatabaseUnavailable, StartupError
from event_seating.telemetry.logs import Logs, get_logger
from event_seating.web.granian import HttpServer

COLLECT_AFTER: Final = (50_000, 50, 100)
"""Objects until a look at the youngest, and looks until one at the older and the oldest: memory
here is freed by counting, and cycles are few."""

_log = get_logger("server")


def main(listener_descriptor: int, channel_descriptor: int) -> int:
    """Run until told to stop; the exit code."""
    try:
        settings = config.load()
        logs = Logs(
            level=settings.log_level,
            production=settings.production,
            directory=settings.log_directory,
            clock=SystemClock(),
        )
        logs.start()
    except StartupError as error:
        print(f"event-seating: {error}", file=sys.stderr)  # noqa: T201 (no log yet)
        return EXIT_CANNOT_START
    _raise_the_limit_of_open_files()
    _keep_the_loop_free()
    try:
        uvloop.run(_serve(settings, logs, listener_descriptor, channel_descriptor))
    except StartupError as error:
        _log.error(str(error))
        return EXIT_CANNOT_START
    except DatabaseUnavailable as error:
        # It was there when the parent looked, and may be back when the parent tries again.
        _log.error(f"cannot begin to serve: {error}")
        return 1
    finally:
        logs.close()
    return 0


async def _serve(
    settings: Settings, logs: Logs, listener_descriptor: int, channel_descriptor: int
) -> None:
    channel = await Channel.on(socket.socket(fileno=channel_descriptor))
    terminated = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminated.set)
    # The parent migrates the database while this process loads its modules.
    if not await channel.hears(GO):
        return
    listener = socket.socket(fileno=listener_descriptor)
    async with bootstrap.running(settings, logs) as parts:
        if settings.app_env is AppEnv.development:
            await add_demo_users(parts.database)
        server = HttpServer(app.build(parts), listener)
        await server.start()
        channel.say(READY)
        demo = asyncio.create_task(_add_demo_event(parts))
        told = asyncio.create_task(channel.hears(STOP))
        waits = [told, asyncio.create_task(terminated.wait()), asyncio.create_task(server.failed())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()
        parts.health.drain()
        await parts.live.drain()
        by_parent = told.done() and not told.cancelled()
        orphaned = by_parent and not told.result()
        if not orphaned:
            await asyncio.sleep(settings.drain_delay)
        # When this process alone was told to go, its parent starts another on the same socket.
        await server.stop(hang_up=by_parent)
        demo.cancel()
        await asyncio.gather(demo, return_exceptions=True)


async def _add_demo_event(parts: Parts) -> None:
    """Beside the first requests, since nobody shall wait for it."""
    if parts.settings.app_env is not AppEnv.development:
        return
    try:
        event = await add_demo_event(parts.venues, parts.events, parts.clock)
    except Exception as error:  # noqa: BLE001 (a first try without it is still one)
        _log.warning("the demo event could not be added", exc_info=error)
        return
    if event is not None:
        _log.info("added an arena and an event to try", at=f"/events/{event.id}")


def _raise_the_limit_of_open_files() -> None:
    """Each connection is a descriptor; the usual soft limit of 1,024 is soon reached."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else hard
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _keep_the_loop_free() -> None:
    """What the collector may take from the event loop at a time, kept small.

    A map of 100,000 seats makes collections that look at every object there is. A shorter switch
    interval between threads would free the loop too, and costs a third of the cached reads.
    """
    gc.set_threshold(*COLLECT_AFTER)
    gc.freeze()


if __name__ == "__main__":
    # Leave at once: the server's threads are native, and all that matters has been closed.
    code = main(int(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.flush()
    os._exit(code)
