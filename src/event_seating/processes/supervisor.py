"""The parent process of `event-seating serve` and `event-seating worker`; it handles the signals.

It binds the port, starts the serving process and, while that loads its modules, acquires the locks
and migrates the database. Once the serving process is ready, it starts the job process beside it.
From then on it waits: a child that dies is restarted, the serving process on the same socket, so
that clients wait a second in the backlog instead of being refused; on SIGTERM, SIGINT or the end of
the terminal all children drain. The children end by themselves when this process has ended.
"""

import asyncio
import errno
import signal
import socket
import sys
from contextlib import AsyncExitStack
from typing import Final

from event_seating import private_files
from event_seating.clock import Clock, SystemClock
from event_seating.errors import StartupError
from event_seating.mail import mode
from event_seating.processes.child_process import Keeper, Program
from event_seating.processes.control_channel import EXIT_CANNOT_START
from event_seating.processes.data_dir_lock import DirectoryLock
from event_seating.settings import model
from event_seating.settings.model import Settings
from event_seating.settings.parsers import AppEnv
from event_seating.telemetry.logs import Logs, get_logger
from event_seating.valkey import embedded
from event_seating.valkey.runtime_directory import RuntimeDirectory

BIND_WITHIN_S: Final = 2.0
"""How long the previous process may still occupy the port."""

_log = get_logger("supervisor")


def serve() -> int:
    """Serve until told to stop; the exit code."""
    return _run(model.load(), worker=False)


def work() -> int:
    """Do jobs and serve nothing until told to stop; the exit code."""
    settings = model.load()
    _refuse_a_lone_worker(settings)
    return _run(settings, worker=True)


def _run(settings: Settings, *, worker: bool) -> int:
    logs = Logs(
        level=settings.log_level,
        production=settings.production,
        directory=None,
        clock=SystemClock(),
    )
    logs.start()
    supervisor = Supervisor(settings, SystemClock())
    try:
        return asyncio.run(supervisor.work() if worker else supervisor.serve())
    except ChecksFailedError:
        return EXIT_CANNOT_START
    except StartupError as error:
        _log.error(str(error))
        return EXIT_CANNOT_START
    finally:
        logs.close()


def _refuse_a_lone_worker(settings: Settings) -> None:
    if settings.redis is None:
        raise StartupError(
            "REDIS_URL: a worker needs the Redis that the servers use; `event-seating serve` does "
            "jobs by itself"
        )
    if settings.sqlite_path is not None:
        raise StartupError(
            "DATABASE_URL: a worker of its own needs PostgreSQL; with SQLite, which has one writer "
            "on one machine, `event-seating serve` does the jobs"
        )


class ChecksFailedError(Exception):
    """The checks of the database did not pass; the process that ran them has said why."""


class Supervisor:
    """The parent of a serving process and a job process, or of a job process alone."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._stop = asyncio.Event()
        self._served = asyncio.Event()

    async def serve(self) -> int:
        """Serve until told to stop; the exit code."""
        self._own_the_signals()
        async with AsyncExitStack() as stack:
            stack.enter_context(DirectoryLock(self._settings.data_dir))
            self._say_who_could_read()
            listener = stack.enter_context(await bind(self._settings.host, self._settings.port))
            redis = await self._own_valkey(stack)
            server = self._server(listener, redis)
            await server.start()
            try:
                await self._prepare_database(stack)
            except BaseException:
                await server.abandon()
                raise
            self._say_what_becomes_of_mail()
            return await self._keep_both(server, self._job_process(redis, essential=False))

    async def work(self) -> int:
        """Do jobs until told to stop; the exit code."""
        self._own_the_signals()
        async with AsyncExitStack() as stack:
            stack.enter_context(DirectoryLock(self._settings.data_dir, "worker"))
            self._say_who_could_read()
            jobs = self._job_process({}, essential=True)
            await jobs.start()
            try:
                await _run_startup_checks("check")
            except BaseException:
                await jobs.abandon()
                raise
            self._say_what_becomes_of_mail()
            return await jobs.run()

    async def _own_valkey(self, stack: AsyncExitStack) -> dict[str, str]:
        """Start a Valkey unless a Redis is configured; the environment that tells the children.

        It is stopped last. Without one the children serve accounts and seats, and report
        `degraded`.
        """
        if self._settings.redis is not None:
            return {}
        data = self._settings.data_dir
        binary = embedded.checked_binary(self._settings.valkey_bin)
        try:
            runtime = stack.enter_context(RuntimeDirectory(data, "valkey.sock"))
        except OSError as error:
            _log.error("there is no directory for Valkey's socket: jobs wait", line=str(error))
            return {"REDIS_URL": f"unix://{(data / 'valkey.sock').resolve()}"}
        if binary is None:
            _log.error("there is no Valkey for this platform: jobs wait; set VALKEY_BIN")
            return {"REDIS_URL": f"unix://{runtime.socket}"}
        valkey = embedded.EmbeddedValkey(binary, data / "valkey", runtime.socket, self._clock)
        await stack.enter_async_context(valkey)
        return {"REDIS_URL": valkey.url}

    def _server(self, listener: socket.socket, environment: dict[str, str]) -> Keeper:
        return Keeper(
            Program(
                "serving process",
                "event_seating.processes.server",
                environment,
                descriptors=(listener.fileno(),),
            ),
            self._clock,
            self._stop,
            essential=True,
            on_ready=lambda: self._say_where(listener),
        )

    def _job_process(self, environment: dict[str, str], *, essential: bool) -> Keeper:
        # Only one process may write to a log file, so this one has its own directory in LOG_DIR.
        logs_in = "worker" if essential else "jobs"
        return Keeper(
            Program(
                "job process",
                "event_seating.processes.worker_process",
                environment,
                arguments=(logs_in,),
            ),
            self._clock,
            self._stop,
            essential=essential,
            on_ready=lambda: _log.info("doing jobs"),
        )

    async def _keep_both(self, server: Keeper, jobs: Keeper) -> int:
        """Run both until told to stop, or until the server cannot run."""
        serving = asyncio.create_task(server.run())
        working = asyncio.create_task(self._work_once_served(jobs))
        try:
            return await serving
        finally:
            self._stop.set()
            await asyncio.gather(working, return_exceptions=True)

    async def _work_once_served(self, jobs: Keeper) -> None:
        """Start the job process once the server is ready, so that nobody waits for it."""
        served = asyncio.create_task(self._served.wait())
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait([served, stopped], return_when=asyncio.FIRST_COMPLETED)
        served.cancel()
        stopped.cancel()
        if not self._stop.is_set():
            await jobs.run()

    async def _prepare_database(self, stack: AsyncExitStack) -> None:
        """Migrate the database and, on PostgreSQL, hold its lock for as long as `stack` lives."""
        await _run_startup_checks("prepare")
        if self._settings.sqlite_path is not None:
            return
        from event_seating.db.instance import PostgresLock  # noqa: PLC0415 (20 MB, for PostgreSQL alone)

        lock = PostgresLock(self._settings.database)
        await lock.acquire()
        stack.push_async_callback(lock.release)
        watch = asyncio.create_task(self._stop_when_lost(lock.lost))
        stack.callback(watch.cancel)

    async def _stop_when_lost(self, lost: asyncio.Event) -> None:
        await lost.wait()
        _log.error("another server uses this database now; stopping")
        self._stop.set()

    def _own_the_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # under `nohup`
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)

    def _say_where(self, listener: socket.socket) -> None:
        self._served.set()
        settings = self._settings
        port = listener.getsockname()[1]
        _log.info("serving", url=address_of(settings, port), environment=str(settings.app_env))
        if settings.app_env is AppEnv.development and settings.open_without_key:
            _log.warning(
                "development: a caller without a key may do everything; "
                "set APP_ENV=production and ADMIN_API_KEY before others can reach this"
            )

    def _say_who_could_read(self) -> None:
        settings = self._settings
        for line in private_files.exposed(
            settings.data_dir, settings.sqlite_path, settings.log_directory
        ):
            _log.warning(line)

    def _say_what_becomes_of_mail(self) -> None:
        line = mode.at_the_start(self._settings)
        if line is not None:
            (_log.warning if self._settings.production else _log.info)(line)


async def _run_startup_checks(name: str) -> None:
    """Run one of `startup_checks` in a process of its own; raises `ChecksFailedError`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "event_seating.processes.startup_checks", name),
        stdin=asyncio.subprocess.DEVNULL,
        env=model.environment_of_a_child(),
        start_new_session=True,  # Ctrl-C must not end a migration in the middle
    )
    code = await process.wait()
    if code == EXIT_CANNOT_START:
        raise ChecksFailedError
    if code:
        raise StartupError(f"the checks of the database ended with {code}; start again")


def address_of(settings: Settings, port: int) -> str:
    """The address for a browser; an IPv6 address is in brackets."""
    if settings.loopback:
        return f"http://localhost:{port}"
    return (
        f"http://[{settings.host}]:{port}"
        if ":" in settings.host
        else f"http://{settings.host}:{port}"
    )


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
