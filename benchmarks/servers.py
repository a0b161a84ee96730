"""Servers as child processes: started on a free port, awaited by asking them, always ended.

Each leads a process group and a session of its own. Leaving the `with` ends the whole tree,
whatever the way out (an error, Ctrl-C, SIGTERM): politely first, then by force.
"""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil  # type: ignore[import-untyped]

READY_TIMEOUT_S = 30
"""A server that is not up by then never will be."""

STOP_TIMEOUT_S = 10
"""Longer than any contender's own drain without load."""

POLL_S = 0.005
"""Fine enough to time a start of some hundred milliseconds."""

LOG_TAIL_CHARS = 2000

OUTPUT_FILE = "output.log"

HOST = "127.0.0.1"


class ServerError(Exception):
    """A server did not start; the message carries the end of what it wrote."""


@dataclass(frozen=True)
class Contender:
    """How a server is started. `PORT`, `LOG_DIR` and `DATA_DIR` are added to `environment`."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    ready_path: str = "/health"
    prepare: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a server answered; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Server:
    """A contender that runs while the `with` lasts; its files go to a directory of its own."""

    def __init__(self, contender: Contender, directory: Path) -> None:
        self.contender = contender
        self.directory = directory / contender.name.replace(" ", "-")
        self.port = 0
        self.ready_after_s = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self.contender.name

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = _free_port()
        environment = {
            **os.environ,
            "PORT": str(self.port),
            "LOG_DIR": str(self.directory),
            "DATA_DIR": str(self.directory),
            **self.contender.environment,
        }
        if self.contender.prepare:
            self._prepare(environment)
        started = time.monotonic()
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                self.contender.command,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._await_ready(started + READY_TIMEOUT_S)
        except BaseException:
            self._end()
            raise
        self.ready_after_s = time.monotonic() - started
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """One request on a connection of its own; the contender's headers are sent along."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        headers = dict(self.contender.headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()

    def url(self, path: str) -> str:
        return f"http://{HOST}:{self.port}{path}"

    def cpu_s(self) -> float:
        """CPU seconds that the process and its children have used so far."""
        total = 0.0
        for process in self._tree():
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def peak_memory_bytes(self) -> int:
        """The most resident memory that the process and its children have had; where the system
        does not keep that (macOS), what they have now."""
        total = 0
        for process in self._tree():
            with suppress(psutil.NoSuchProcess):
                total += _peak_memory_bytes(process)
        return total

    def memory_bytes(self, module: str = "") -> int:
        """The resident memory that the process and its children have now, or those of them alone
        whose command names this module."""
        total = 0
        for process in self._tree():
            with suppress(psutil.NoSuchProcess):
                if not module or module in process.cmdline():
                    total += process.memory_info().rss
        return total

    @property
    def _output(self) -> Path:
        return self.directory / OUTPUT_FILE

    def _prepare(self, environment: Mapping[str, str]) -> None:
        done = subprocess.run(
            self.contender.prepare,
            env=environment,
            capture_output=True,
            text=True,
            timeout=READY_TIMEOUT_S,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stdout + done.stderr)[-LOG_TAIL_CHARS:]
            raise ServerError(f"{self.name}: {' '.join(self.contender.prepare)} failed\n{said}")

    def _await_ready(self, deadline: float) -> None:
        assert self._process is not None
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ServerError(f"{self.name} ended at its start\n{self._said()}")
            with suppress(OSError, http.client.HTTPException):
                if self.ask("GET", self.contender.ready_path).status == 200:
                    return
            time.sleep(POLL_S)
        raise ServerError(f"{self.name} was not ready in {READY_TIMEOUT_S} s\n{self._said()}")

    def _said(self) -> str:
        return self._output.read_text(errors="replace")[-LOG_TAIL_CHARS:]

    def _tree(self) -> list[psutil.Process]:
        assert self._process is not None
        try:
            process = psutil.Process(self._process.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        # Taken before the parent goes: a child in a session of its own is found no other way.
        tree = self._tree()
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        if process.stdin:
            process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT_S)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        for member in tree:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        process.wait()
        self._process = None


def _peak_memory_bytes(process: psutil.Process) -> int:
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return int(process.memory_info().rss)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
