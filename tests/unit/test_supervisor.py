"""The parent, with a serving process that misbehaves."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from event_seating import supervisor
from event_seating.clock import SystemClock
from event_seating.config import Settings
from event_seating.errors import StartupError
from event_seating.supervisor import Supervisor

pytestmark = pytest.mark.anyio

Serving = Callable[[str], None]


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serving:
    """Puts a program of a line in the place of the serving process."""

    def replace(program: str) -> None:
        script = tmp_path / "child"
        script.write_text(f"#!{sys.executable}\nimport os, sys, time\n{program}\n")
        script.chmod(0o755)
        monkeypatch.setattr(supervisor.sys, "executable", str(script))

    return replace


def parent(tmp_path: Path) -> Supervisor:
    return Supervisor(Settings(port=0, data_dir=tmp_path / "data"), SystemClock())


async def test_a_child_that_always_dies_at_once_is_given_up(
    environment: dict[str, str], tmp_path: Path, serving: Serving
) -> None:
    log = tmp_path / "starts"
    serving(f"open({str(log)!r}, 'a').write('x'); sys.exit(7)")
    with pytest.raises(StartupError, match=r"dies at once, each time \(exit code 7\)"):
        await parent(tmp_path).run()
    assert len(log.read_text()) == supervisor.QUICK_DEATHS_MAX


async def test_a_child_that_said_why_it_cannot_start_is_not_started_again(
    environment: dict[str, str], tmp_path: Path, serving: Serving
) -> None:
    log = tmp_path / "starts"
    serving(f"open({str(log)!r}, 'a').write('x'); sys.exit({supervisor.EXIT_CANNOT_START})")
    assert await parent(tmp_path).run() == supervisor.EXIT_CANNOT_START
    assert log.read_text() == "x"


async def test_a_child_that_does_not_stop_is_killed(
    environment: dict[str, str],
    tmp_path: Path,
    serving: Serving,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor, "STOP_WITHIN_S", 0.2)
    # It reads its channel, says that it is ready, and never looks at it again.
    serving(
        "import socket; c = socket.socket(fileno=int(sys.argv[-1])); c.recv(3)\n"
        "c.send(b'ready\\n'); time.sleep(600)"
    )
    running = asyncio.create_task(parent(tmp_path).run())
    said = asyncio.Event()
    monkeypatch.setattr(Supervisor, "_say_where", lambda *_: said.set())
    await asyncio.wait_for(said.wait(), 30)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.wait_for(running, 30) == -signal.SIGKILL


@pytest.mark.parametrize(("lived_s", "starts"), [(0.0, 4), (9.9, 4), (10.0, 1_000)])
def test_only_deaths_in_a_row_right_after_the_start_count(
    environment: dict[str, str], tmp_path: Path, lived_s: float, starts: int
) -> None:
    parent_ = parent(tmp_path)
    granted = 0
    while granted < 1_000 and parent_._may_start_again(lived_s):
        granted += 1
    assert granted == starts
    assert parent_._may_start_again(3600)
    assert parent_._may_start_again(0)
