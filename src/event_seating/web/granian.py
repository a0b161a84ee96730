"""The HTTP server in this process: granian, on our own event loop, socket and signals.

Its own main process refuses connections at once when told to stop, leaves workers behind when it is
killed and stops altogether when one of them dies, so only its embedded server is used, and
processes are the supervisor's business. What is private to granian is touched in this file alone,
and the version is pinned.
"""

import asyncio
import socket
from typing import Final

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from event_seating.web.asgi import App

BACKLOG: Final = 4096
"""Connections that wait to be accepted: the rush at ten o'clock, and a worker's restart."""

CONNECTIONS_MAX: Final = 16_384
"""Open connections a process; each takes a few kilobytes. More wait in the backlog."""

STOP_WITHIN_S: Final = 10.0
"""How long requests that are under way may still take."""


class HttpServer:
    """Answers what comes in on `listener` with `app`, from `start` to `stop`."""

    def __init__(self, app: App, listener: socket.socket) -> None:
        self._server = _OnSocket(app, listener)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to accept."""
        self._task = asyncio.create_task(self._server.serve(), name="http-server")
        # The first step of the task sets it up without waiting for anything.
        await asyncio.sleep(0)

    async def stop(self) -> None:
        """Accept no more, let requests finish for up to `STOP_WITHIN_S`."""
        assert self._task is not None
        self._server.signal_handler_interrupt()  # type: ignore[no-untyped-call]
        await asyncio.wait([self._task], timeout=STOP_WITHIN_S)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def failed(self) -> None:
        """Wait until the server ends by itself, which it should not."""
        assert self._task is not None
        await asyncio.wait([self._task])


class _OnSocket(Server):
    """Granian's embedded server on a socket that is bound already."""

    def __init__(self, app: App, listener: socket.socket) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__(
            app,
            address=host,
            port=port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            backlog=BACKLOG,
            backpressure=CONNECTIONS_MAX,
            log_enabled=False,
        )
        self._listener = listener

    def _init_shared_socket(self) -> None:
        descriptor = self._listener.fileno()
        # Its stubs know neither the constructor's arguments nor what these are once set.
        self._shd = SocketHolder(descriptor, False, BACKLOG)  # type: ignore[call-arg,assignment]
        self._sfd = descriptor  # type: ignore[assignment]
