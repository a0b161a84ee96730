"""The load: a compiled generator, since one in Python would measure itself.

It owns how `wrk` or `ab` is found, fetched, run and read. A run is bounded in time and connections
and goes to 127.0.0.1 alone. Answers that are not 2xx are counted: a service that refuses is fast.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

CONNECTIONS = 32
"""Enough to keep one server busy, too few to measure queueing."""

GRACE_S = 20
"""How long a generator may take past its own time before it is ended."""

FETCH_TIMEOUT_S = 300
"""A package manager that is slower than this will not come back."""

AB_REQUESTS_MAX = 100_000_000
"""`ab` stops at 50,000 requests unless told more; time is what should stop it."""

_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


class LoadError(Exception):
    """The load cannot be made or read; the message says what to do."""


@dataclass(frozen=True)
class Load:
    """What to send: `GET url` on `connections` kept-alive connections for `seconds`.

    With `script`, which only wrk runs, it says what to send to the server of `url`.
    """

    url: str
    seconds: int
    headers: Mapping[str, str] = field(default_factory=dict)
    connections: int = CONNECTIONS
    script: tuple[str, ...] = ()
    """The script and its arguments."""


@dataclass(frozen=True)
class Outcome:
    """What came back. Latencies in milliseconds by percentile; `failed` counts answers that are
    not 2xx and broken connections."""

    requests: int
    requests_per_s: float
    latency_ms: Mapping[int, float]
    failed: int


@dataclass(frozen=True)
class Generator:
    """A load generator on this machine."""

    name: str
    arguments: Callable[[Load], list[str]]
    parse: Callable[[str], Outcome]
    path: str = ""

    def run(self, load: Load) -> Outcome:
        """Sends the load and reads the generator's own report."""
        try:
            done = subprocess.run(
                [self.path or self.name, *self.arguments(load)],
                capture_output=True,
                text=True,
                timeout=load.seconds + GRACE_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise LoadError(f"{self.name} did not end") from None
        if done.returncode != 0:
            last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
            raise LoadError(f"{self.name} failed: {last}")
        return self.parse(done.stdout)


def parse_wrk(text: str) -> Outcome:
    """Reads what `wrk --latency` prints."""
    sockets = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text
    )
    statuses = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    latencies = re.findall(r"^\s+(\d+)%\s+([\d.]+)(us|ms|s|m)\s*$", text, re.MULTILINE)
    return Outcome(
        requests=int(_number(r"(\d+) requests in ", text, "wrk")),
        requests_per_s=_number(r"Requests/sec:\s+([\d.]+)", text, "wrk"),
        latency_ms={int(at): float(time) * _MILLISECONDS[unit] for at, time, unit in latencies},
        failed=sum(map(int, sockets.groups() if sockets else ()))
        + (int(statuses[1]) if statuses else 0),
    )


def parse_ab(text: str) -> Outcome:
    """Reads what `ab` prints. Its percentiles are whole milliseconds."""
    statuses = re.search(r"Non-2xx responses:\s+(\d+)", text)
    latencies = re.findall(r"^\s+(\d+)%\s+(\d+)(?: \(longest request\))?\s*$", text, re.MULTILINE)
    return Outcome(
        requests=int(_number(r"Complete requests:\s+(\d+)", text, "ab")),
        requests_per_s=_number(r"Requests per second:\s+([\d.]+)", text, "ab"),
        latency_ms={int(at): float(time) for at, time in latencies},
        failed=int(_number(r"Failed requests:\s+(\d+)", text, "ab"))
        + (int(statuses[1]) if statuses else 0),
    )


def _number(pattern: str, text: str, generator: str) -> float:
    match = re.search(pattern, text)
    if not match:
        raise LoadError(f"{generator} reported nothing that can be read: {text.strip()[-200:]!r}")
    return float(match[1])


def _headers(load: Load) -> list[str]:
    return [part for name, value in load.headers.items() for part in ("-H", f"{name}: {value}")]


def _wrk_arguments(load: Load) -> list[str]:
    threads_and_time = ["-t1", f"-c{load.connections}", f"-d{load.seconds}s", "--latency"]
    script, *arguments = load.script or ("",)
    scripted = ["-s", script] if script else []
    asked = [*threads_and_time, *scripted, *_headers(load), load.url]
    return [*asked, "--", *arguments] if arguments else asked


def _ab_arguments(load: Load) -> list[str]:
    if load.script:
        raise LoadError("ab runs no script: install wrk")
    # -t sets -n as well, so -n comes after it.
    bounds = ["-t", str(load.seconds), "-n", str(AB_REQUESTS_MAX), "-c", str(load.connections)]
    return ["-q", "-k", *bounds, *_headers(load), load.url]


WRK = Generator("wrk", _wrk_arguments, parse_wrk)
AB = Generator("ab", _ab_arguments, parse_ab)

_FETCHES: dict[str, list[list[str]]] = {
    "apt-get": [
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", "wrk"],
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", "apache2-utils"],
    ],
    "dnf": [["dnf", "install", "-q", "-y", "wrk"], ["dnf", "install", "-q", "-y", "httpd-tools"]],
    "apk": [["apk", "add", "-q", "wrk"], ["apk", "add", "-q", "apache2-utils"]],
    "brew": [["brew", "install", "--quiet", "wrk"]],
}

HOW_TO_GET_ONE = (
    "no load generator: install wrk (apt-get install wrk, dnf install wrk, apk add wrk, "
    "brew install wrk) or ab (apache2-utils, httpd-tools), then run this again"
)


def find_or_fetch() -> Generator:
    """`wrk` if it is here, else `ab`, else what the system's package manager gives to root."""
    return _found() or _fetched() or _fail()


def _found() -> Generator | None:
    for generator in (WRK, AB):
        path = shutil.which(generator.name)
        if path:
            return Generator(generator.name, generator.arguments, generator.parse, path)
    return None


def _fetched() -> Generator | None:
    for manager, commands in _FETCHES.items():
        # Homebrew refuses root; the others want it.
        if not shutil.which(manager) or (os.geteuid() == 0) == (manager == "brew"):
            continue
        print(f"no wrk and no ab here; asking {manager}")
        for command in commands:
            _try(command)
            generator = _found()
            if generator:
                return generator
    return None


def _try(command: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(
            command, env=environment, timeout=FETCH_TIMEOUT_S, capture_output=True, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        print(f"  {' '.join(command)}: {type(error).__name__}")


def _fail() -> Generator:
    raise LoadError(HOW_TO_GET_ONE)
