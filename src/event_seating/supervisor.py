"""`event-seating serve`: the parent process, which owns signals, socket, locks and the child.

It binds the port, starts the serving process, and while that loads its modules takes the locks and
brings the database's tables up to date. From then on it waits: a child that dies is started again
on the same socket, so that clients wait a second in the backlog rather than being refused; SIGTERM,
SIGINT and a terminal that is closed let it drain. The child leaves by itself when this process is
gone.
"""

import asyncio
import errno
import signal
import socket
import subprocess
import sys
from contextlib import AsyncExitStack
from typing import Final

from event_seating import config
from event_seating.channel import EXIT_CANNOT_START, GO, READY, STOP, Channel
from event_seating.clock import Clock, SystemClock
from event_seating.config import AppEnv, Settings
from event_seating.directory_lock import DirectoryLock
from event_seating.errors import StartupError
from event_seating.telemetry.logs import Logs, get_logger

BIND_WITHIN_S: Final = 2.0
"""How long a port may still be held by what was here before."""

STOP_WITHIN_S: Final = 25.0
"""A child that has not ended by then is killed."""

QUICK_DEATH_S: Final = 10.0
"""A child that dies sooner than this after its start counts as failing to start."""

QUICK_DEATHS_MAX: Final = 5
"""After so many in a row starting it again is not the answer."""

log = get_logger("supervisor")


def run() -> int:
    """Serve until told to stop; the exit code."""
    settings = config.load()
    logs = Logs(
        level=settings.log_level,
        production=settings.production,
        directory=None,
        clock=SystemClock(),
    )
    logs.start()
    try:
        return asyncio.run(Supervisor(settings, SystemClock()).run())
    except StartupError as error:
        log.error(str(error))
        return EXIT_CANNOT_START
    finally:
        logs.close()


class Supervisor:
    """The parent of a serving process."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._stop = asyncio.Event()
        self._quick_deaths = 0

    async def run(self) -> int:
        """Serve until told to stop; the exit code."""
        self._own_the_signals()
        async with AsyncExitStack() as stack:
            stack.enter_context(DirectoryLock(self._settings.data_dir))
            listener = stack.enter_context(await bind(self._settings.host, self._settings.port))
            child = await Child.start(listener)
            try:
                await self._prepare_database(stack)
            except BaseException:
                await child.stop()
                raise
            return await self._supervise(child, listener)

    async def _supervise(self, child: "Child", listener: socket.socket) -> int:
        while True:
            started = self._clock.monotonic()
            if await child.begin():
                self._say_where(listener)
            stopped = asyncio.create_task(self._stop.wait())
            died = asyncio.create_task(child.ended())
            await asyncio.wait([stopped, died], return_when=asyncio.FIRST_COMPLETED)
            if self._stop.is_set():
                died.cancel()
                return await child.stop()
            stopped.cancel()
            code = died.result()
            if code == EXIT_CANNOT_START:
                return code
            if not self._may_start_again(self._clock.monotonic() - started):
                raise StartupError(
                    f"the serving process dies at once, each time (exit code {code})"
                )
            log.error("serving process died; starting it again", exitCode=code)
            child = await Child.start(listener)

    def _may_start_again(self, lived_s: float) -> bool:
        self._quick_deaths = self._quick_deaths + 1 if lived_s < QUICK_DEATH_S else 0
        return self._quick_deaths < QUICK_DEATHS_MAX

    async def _prepare_database(self, stack: AsyncExitStack) -> None:
        from event_seating import preparation  # noqa: PLC0415 (loads while the child does)

        lost = await preparation.prepare(self._settings, stack)
        if lost is not None:
            watch = asyncio.create_task(self._stop_when_lost(lost))
            stack.callback(watch.cancel)

    async def _stop_when_lost(self, lost: asyncio.Event) -> None:
        await lost.wait()
        log.error("another server uses this database now; stopping")
        self._stop.set()

    def _own_the_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # under `nohup`
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)

    def _say_where(self, listener: socket.socket) -> None:
        settings = self._settings
        port = listener.getsockname()[1]
        name = "localhost" if settings.loopback else settings.host
        log.info("serving", url=f"http://{name}:{port}", environment=str(settings.app_env))
        if settings.app_env is AppEnv.development:
            log.warning(
                "development: a caller without a key may do everything; "
                "set APP_ENV=production and ADMIN_API_KEY before others can reach this"
            )


class Child:
    """The serving process, and this end of the channel to it."""

    def __init__(self, process: subprocess.Popen[bytes], channel: Channel) -> None:
        self._process = process
        self._channel = channel

    @classmethod
    async def start(cls, listener: socket.socket) -> "Child":
        """Start it; it loads its modules and waits for `begin`."""
        ours, theirs = socket.socketpair()
        with theirs:
            descriptors = (listener.fileno(), theirs.fileno())
            process = subprocess.Popen(  # noqa: ASYNC220 (returns at once)
                [sys.executable, "-m", "event_seating.server", *map(str, descriptors)],
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                # Ctrl-C reaches the whole foreground group; only the parent shall hear it.
                start_new_session=True,
            )
        return cls(process, await Channel.on(ours))

    async def begin(self) -> bool:
        """Let it serve; whether it does."""
        self._channel.say(GO)
        return await self._channel.hears(READY)

    async def ended(self) -> int:
        """Wait until it is gone; its exit code."""
        return await asyncio.to_thread(self._process.wait)

    async def stop(self) -> int:
        """Let it drain and wait until it is gone; its exit code."""
        self._channel.say(STOP)
        self._channel.close()
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                return await self.ended()
        except TimeoutError:
            log.error("the serving process did not stop in time; killing it")
            self._process.kill()
            return await self.ended()


async def bind(host: str, port: int) -> socket.socket:
    """A socket bound to this address, not yet listening; a `StartupError` says why not."""
    clock = SystemClock()
    until = clock.monotonic() + BIND_WITHIN_S
    while True:
        try:
            return _bound(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or clock.monotonic() > until:
                raise StartupError(_why_not_bound(host, port, error)) from None
        await asyncio.sleep(0.1)


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except BaseException:
        bound.close()
        raise
    return bound


def _why_not_bound(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"PORT: {port} on {host} is used by another process"
    if error.errno == errno.EACCES:
        return f"PORT: {port} on {host} may not be used by this user"
    return f"HOST: {host} cannot be listened on ({error.strerror or error})"
