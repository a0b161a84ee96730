"""The HTTP server in this process: granian, on our own event loop, socket and signals.

Granian's own main process refuses connections at once when told to stop, leaves workers behind when
it is killed, and stops altogether when one of them dies. So only its embedded server is used, and
the supervisor manages the processes. Private parts of granian are used in this file alone, and the
version is pinned. `connections` enforces the limits that the server cannot.
"""

import asyncio
import socket
import sys
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Final

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from event_seating.http_server.asgi import App
from event_seating.http_server.limits import (
    BACKLOG,
    SENT_MS_MAX,
    STOP_WITHIN_S,
    connections_max,
)
from event_seating.web.connection_rules import ConnectionLimits
from event_seating.web.connections import ActivityTracker, ConnectionGuard

HEAD_BYTES_MAX: Final = 64 * 1024
"""A request's line and headers together: eight times what browsers and proxies send."""

IDLE_MS_MAX: Final = 75_000
"""How long a connection may wait for its next request and take to send its head: the server has one
time for both. Longer than the 60 s for which load balancers keep theirs, so that they never use one
that was just closed here; `connections` ends a head that takes too long."""

LAST_ACCEPT_S: Final = 0.25
"""How long the server may take to notice that it must accept no more. It never does if the socket
is shut down earlier."""


class GranianServer:
    """Serves `app` on `listener`, from `start` to `stop`.

    Without `limits` only the number of connections is bounded.
    """

    def __init__(
        self, app: App, listener: socket.socket, limits: ConnectionLimits | None = None
    ) -> None:
        self._listener = listener
        self.guard: ConnectionGuard | None = None
        if limits is not None:
            app = activity = ActivityTracker(app)
            port = listener.getsockname()[1]
            self.guard = ConnectionGuard(port, limits, activity, time.monotonic)
            activity.opening = self.guard.watched
        total = limits.total if limits is not None else connections_max()
        if sys.platform == "linux":  # accepted connections take it over
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SENT_MS_MAX)
        self._server = _OnSocket(app, listener, total)
        self._task: asyncio.Task[None] | None = None
        self._guarding: asyncio.Task[None] | None = None

    @property
    def open(self) -> Collection[object]:
        """The connections that there were at the last look."""
        return self.guard.open if self.guard is not None else ()

    @property
    def ended(self) -> Mapping[str, int]:
        """How many were ended since the start, by reason."""
        return self.guard.ended if self.guard is not None else {}

    async def start(self) -> None:
        """Begin to accept; once this returns, nobody is refused."""
        # The server does the same, but on a thread that may not have begun yet.
        self._listener.listen(BACKLOG)
        self._task = asyncio.create_task(self._server.serve(), name="http-server")
        # The first step of the task sets it up without waiting for anything.
        await asyncio.sleep(0)
        if self.guard is not None:
            self._guarding = asyncio.create_task(self.guard.run(), name="connections")

    async def stop(self, *, hang_up: bool) -> None:
        """Accept no more, let requests finish for up to `STOP_WITHIN_S`.

        With `hang_up` no other process takes over the socket: clients that connect from now on are
        refused at once, instead of waiting until the last process has closed it.
        """
        assert self._task is not None
        self._server.signal_handler_interrupt()  # type: ignore[no-untyped-call]
        await asyncio.wait([self._task], timeout=LAST_ACCEPT_S)
        if hang_up:
            with suppress(OSError):  # macOS does not know it for a socket that listens
                self._listener.shutdown(socket.SHUT_RDWR)
        await asyncio.wait([self._task], timeout=STOP_WITHIN_S)
        ending = [task for task in (self._task, self._guarding) if task is not None]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def failed(self) -> None:
        """Wait until the server ends by itself, which it should not."""
        assert self._task is not None
        await asyncio.wait([self._task])


class _OnSocket(Server):
    """Granian's embedded server on a socket that is bound already."""

    def __init__(self, app: App, listener: socket.socket, connections: int) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__(
            app,
            address=host,
            port=port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            backlog=BACKLOG,
            backpressure=connections,
            http1_settings=HTTP1Settings(
                header_read_timeout=IDLE_MS_MAX, max_buffer_size=HEAD_BYTES_MAX
            ),
            log_enabled=False,
        )
        self._listener = listener

    def _init_shared_socket(self) -> None:
        descriptor = self._listener.fileno()
        # Granian's stubs know neither the constructor's arguments nor the types of these.
        self._shd = SocketHolder(descriptor, False, BACKLOG)  # type: ignore[call-arg,assignment]
        self._sfd = descriptor  # type: ignore[assignment]
