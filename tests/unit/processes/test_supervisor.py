"""The parent, with a serving process that misbehaves."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from event_seating.clock import SystemClock
from event_seating.errors import StartupError
from event_seating.processes import child_process
from event_seating.processes.child_process import Keeper, Program
from event_seating.processes.control_channel import EXIT_CANNOT_START
from event_seating.processes.supervisor import Supervisor, address_of
from event_seating.settings.model import Settings

pytestmark = pytest.mark.anyio

Serving = Callable[[str], None]


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serving:
    """Puts a program of a line in the place of the serving process, not of the startup checks."""

    def replace(program: str) -> None:
        script, python = tmp_path / "child", sys.executable
        checks = "if 'event_seating.processes.startup_checks' in sys.argv:\n"
        checks += f"    os.execv({python!r}, [{python!r}, *sys.argv[1:]])\n"
        script.write_text(f"#!{python}\nimport os, sys, time\n{checks}{program}\n")
        script.chmod(0o755)
        monkeypatch.setattr(child_process.sys, "executable", str(script))

    return replace


def parent(tmp_path: Path) -> Supervisor:
    settings = Settings(port=0, data_dir=tmp_path / "data", redis_url="unix:///nowhere")
    return Supervisor(settings, SystemClock())


async def test_a_child_that_always_dies_at_once_is_given_up(
    environment: dict[str, str], tmp_path: Path, serving: Serving
) -> None:
    log = tmp_path / "starts"
    serving(f"open({str(log)!r}, 'a').write('x'); sys.exit(7)")
    with pytest.raises(StartupError, match=r"dies at once, each time \(exit code 7\)"):
        await parent(tmp_path).serve()
    assert len(log.read_text()) == child_process.STARTS_MAX


async def test_a_child_that_said_why_it_cannot_start_is_not_started_again(
    environment: dict[str, str], tmp_path: Path, serving: Serving
) -> None:
    log = tmp_path / "starts"
    serving(f"open({str(log)!r}, 'a').write('x'); sys.exit({EXIT_CANNOT_START})")
    assert await parent(tmp_path).serve() == EXIT_CANNOT_START
    assert log.read_text() == "x"


async def test_a_child_that_does_not_stop_is_killed(
    environment: dict[str, str],
    tmp_path: Path,
    serving: Serving,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(child_process, "STOP_WITHIN_S", 0.2)
    # It reads its channel, says that it is ready, and never looks at it again.
    serving(
        "import socket; c = socket.socket(fileno=int(sys.argv[-1])); c.recv(3)\n"
        "c.send(b'ready\\n'); time.sleep(600)"
    )
    running = asyncio.create_task(parent(tmp_path).serve())
    said = asyncio.Event()
    monkeypatch.setattr(Supervisor, "_say_where", lambda *_: said.set())
    await asyncio.wait_for(said.wait(), 30)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.wait_for(running, 30) == -signal.SIGKILL


def keeper(*, essential: bool) -> Keeper:
    program = Program("job process", "none", {})
    return Keeper(
        program, SystemClock(), asyncio.Event(), essential=essential, on_ready=lambda: None
    )


def test_only_deaths_in_a_row_right_after_the_start_count() -> None:
    kept = keeper(essential=True)
    for lived_s in (0.0, 9.9, 9.9):
        kept._count(lived_s)
    assert kept._quick_deaths == 3
    kept._count(10.0)
    assert kept._quick_deaths == 0


def test_what_keeps_dying_beside_a_server_waits_twice_as_long_each_time() -> None:
    kept = keeper(essential=False)
    assert kept._wait_s() == 0
    waits = []
    for _ in range(20):
        kept._count(0.1)
        waits.append(kept._wait_s())
    assert waits[:4] == [0.5, 1, 2, 4]
    assert waits[-1] == child_process.LONGEST_WAIT_S


def test_an_essential_child_waits_a_little_at_the_most() -> None:
    kept = keeper(essential=True)
    waits = []
    for _ in range(8):
        kept._count(0.1)
        waits.append(kept._wait_s())
    assert waits[:4] == [0, 0.5, 1, 2]
    assert waits[-1] == child_process.LONGEST_WAIT_OF_THE_ESSENTIAL_S


async def test_what_was_ready_is_started_again_however_often_it_is_killed(
    environment: dict[str, str], tmp_path: Path, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "FIRST_WAIT_S", 0.0)
    log = tmp_path / "starts"
    serving(
        "import socket; c = socket.socket(fileno=int(sys.argv[-1])); c.recv(3)\n"
        f"log = {str(log)!r}; open(log, 'a').write('x')\n"
        f"if len(open(log).read()) > {2 * child_process.STARTS_MAX}:\n"
        f"  sys.exit({EXIT_CANNOT_START})\n"
        "c.send(b'ready\\n'); sys.exit(9)"
    )
    assert await parent(tmp_path).serve() == EXIT_CANNOT_START


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://localhost:3001"),
        ("192.0.2.1", "http://192.0.2.1:3001"),
        ("::", "http://[::]:3001"),
        ("2001:db8::1", "http://[2001:db8::1]:3001"),
    ],
)
def test_the_address_that_is_named_at_the_start_can_be_opened(
    environment: dict[str, str], host: str, address: str
) -> None:
    assert address_of(Settings(host=host, admin_api_key="k" * 24), 3001) == address
