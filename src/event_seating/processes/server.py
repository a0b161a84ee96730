"""A serving process: the app on its event loop, started and stopped by the parent.

The supervisor starts it with two inherited descriptors: the listening socket and the control
channel. It sends `ready` on the channel when it serves. When `stop` comes, when the channel closes
because the parent has ended, or on SIGTERM, it drains: first it is not ready but still accepts
requests, then it accepts no more and finishes those under way, then everything is closed in reverse
order.
"""

import asyncio
import socket
import sys

from event_seating.composition import http_app, server_services
from event_seating.composition.server_services import ServerServices
from event_seating.demo.data import add_demo_event, add_demo_users
from event_seating.processes import child_runtime
from event_seating.processes.child_runtime import ParentChannel
from event_seating.processes.control_channel import READY
from event_seating.processes.http_servers import http_server
from event_seating.settings.model import Settings
from event_seating.settings.parsers import AppEnv
from event_seating.telemetry.logs import Logs, get_logger

_log = get_logger("server")


def main(listener_descriptor: int, channel_descriptor: int) -> int:
    """Run until stopped; the exit code."""
    return child_runtime.run(
        "server",
        lambda settings, logs: _serve(settings, logs, listener_descriptor, channel_descriptor),
    )


async def _serve(
    settings: Settings, logs: Logs, listener_descriptor: int, channel_descriptor: int
) -> None:
    parent = await ParentChannel.on(channel_descriptor)
    # The parent migrates the database while this process loads its modules.
    if not await parent.wait_to_begin():
        return
    listener = socket.socket(fileno=listener_descriptor)
    async with server_services.running(settings, logs) as parts:
        if settings.app_env is AppEnv.development:
            await add_demo_users(parts.database)
        server = http_server(http_app.build(parts), listener, settings, parts.clock.monotonic)
        parts.metrics.attach_connections(server)
        await server.start()
        parent.say(READY)
        demo = asyncio.create_task(_add_demo_event(parts))
        stop = await parent.wait_to_end(server.failed())
        parts.health.drain()
        await parts.live.drain()
        if settings.drain_delay and not stop.orphaned:
            _log.info(
                "draining: no longer ready, still accepting requests", seconds=settings.drain_delay
            )
            await asyncio.sleep(settings.drain_delay)
        # If only this process was told to stop, its parent starts another one on the same socket.
        await server.stop(hang_up=stop.by_parent)
        demo.cancel()
        await asyncio.gather(demo, return_exceptions=True)


async def _add_demo_event(parts: ServerServices) -> None:
    """Runs beside the first requests, so that nobody waits for it."""
    if parts.settings.app_env is not AppEnv.development:
        return
    try:
        event = await add_demo_event(parts.venues, parts.events, parts.clock)
    except Exception as error:  # noqa: BLE001 (the server is useful without it)
        _log.warning("the demo event could not be added", exc_info=error)
        return
    if event is not None:
        _log.info("added an arena and an event to try", at=f"/events/{event.id}")


if __name__ == "__main__":
    child_runtime.leave(main(int(sys.argv[1]), int(sys.argv[2])))
