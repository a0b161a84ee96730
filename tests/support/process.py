"""A real `event-seating serve`, as a user runs it: started, asked, stopped, killed."""

import os
import re
import resource
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

# As in a terminal: under `nohup` a hangup would be ignored here, and by every server started here.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

READY_WITHIN_S = 30
"""Far more than it needs, for a machine that has other things to do."""


SERVED_BY: dict[str, str] = {}
"""The HTTP server that `settings` names, if a fixture has chosen one."""


class ServerProcess:
    """The supervisor, its serving process, and what they wrote."""

    def __init__(
        self,
        settings: Mapping[str, str],
        *,
        command: str = "serve",
        words: Sequence[str] = (),
        directory: Path | None = None,
        umask: int = -1,
    ) -> None:
        """Start `command` of this environment, or the program that `words` name."""
        self._runtime = tempfile.TemporaryDirectory(prefix="es-")  # what a kill leaves goes there
        self._process = subprocess.Popen(
            words or [sys.executable, "-m", "event_seating.cli", command],
            cwd=directory,
            env=clean_environment() | {"TMPDIR": self._runtime.name} | dict(settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            umask=umask,
        )
        self.lines: list[str] = []
        self.url = ""

    def wait_until_ready(self) -> "ServerProcess":
        """Read its lines until it says where it serves."""
        for line in self._read():
            match = re.search(r"serving.*?(http://[\w.:\[\]-]+)", line)
            if match:
                self.url = match[1].replace("localhost", "127.0.0.1")
                return self
        raise AssertionError(f"it did not start:\n{self.output}")

    @property
    def output(self) -> str:
        """What it wrote so far and was read."""
        return "".join(self.lines)

    def limit_open_files(self, most: int) -> None:
        """As a `LimitNOFILE` would, for what it starts from now on."""
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (most, most))

    @property
    def pid(self) -> int:
        """The supervisor's."""
        return self._process.pid

    @property
    def child(self) -> psutil.Process:
        """The serving process."""
        return self._one_that_runs("event_seating.processes.server")

    @property
    def job_process(self) -> psutil.Process:
        """The one that does jobs."""
        return self._one_that_runs("event_seating.processes.worker_process")

    @property
    def valkey(self) -> psutil.Process:
        """The one that it brought along."""
        (found,) = [process for process in self.family if process.name() == "valkey-server"]
        return found

    @property
    def family(self) -> list[psutil.Process]:
        """Every process that it started."""
        return psutil.Process(self.pid).children(recursive=True)

    def _one_that_runs(self, module: str) -> psutil.Process:
        (found,) = [process for process in self.family if module in process.cmdline()]
        return found

    def signal(self, number: signal.Signals) -> None:
        """Send the supervisor a signal."""
        self._process.send_signal(number)

    def ended(self, within_s: float = 40) -> int:
        """Wait for its end; its exit code."""
        for _ in self._read():
            continue
        return self._process.wait(within_s)

    def kill(self) -> None:
        """End it and all that it started, at once."""
        if self._process.poll() is None:
            family = psutil.Process(self.pid).children(recursive=True)
            for process in [psutil.Process(self.pid), *family]:
                try:
                    process.kill()
                except psutil.NoSuchProcess:
                    continue
            psutil.wait_procs(family)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._runtime.cleanup()

    def wait_for_line(self, text: str) -> str:
        """Read its lines until one has this in it."""
        for line in self._read():
            if text in line:
                return line
        raise AssertionError(f"it never said {text!r}:\n{self.output}")

    def _read(self) -> Iterator[str]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line)
            yield line


def modes_open_to_others(directory: Path) -> dict[str, str]:
    """What others could use in a directory, itself included, and its modes."""
    found = [directory, *directory.rglob("*")]
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in found}
    return {str(path): oct(mode) for path, mode in modes.items() if mode & 0o077}


def clean_environment() -> dict[str, str]:
    """What a user's shell has, and nothing of the caller's settings."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


def settings(data: Path, **more: str) -> dict[str, str]:
    """Settings of a server that takes a free port."""
    usual = {"APP_ENV": "test", "PORT": "0", "DATA_DIR": str(data), "RATE_LIMITS": "off"}
    return usual | SERVED_BY | more


@contextmanager
def serving(settings: Mapping[str, str], *, umask: int = -1) -> Iterator[ServerProcess]:
    """A server that is ready, gone at the end of the block."""
    server = ServerProcess(settings, umask=umask)
    try:
        yield server.wait_until_ready()
    finally:
        server.kill()


def create_user(server: ServerProcess, user_id: str) -> httpx.Response:
    """Create a user whose other fields follow from the id."""
    body = {"id": user_id, "name": user_id, "email": f"{user_id}@example.com"}
    return httpx.post(f"{server.url}/users", json=body)
