"""kill -9 of each process under `serve`: the others go on, and nothing is left behind."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import httpx
import psutil
import pytest
from tests.support.postgres import Postgres
from tests.support.process import ServerProcess, create_user, serving, settings
from tests.support.valkey import Valkey
from tests.support.waiting import wait_until

WITHIN_S = 30
"""Far more than it needs, for a machine that has other things to do."""


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Path]:
    """The directory for sockets, of this test alone."""
    with tempfile.TemporaryDirectory(prefix="es-") as directory:
        yield Path(directory)


@pytest.fixture
def server(tmp_path: Path, runtime: Path) -> Iterator[ServerProcess]:
    with serving(settings(tmp_path, TMPDIR=str(runtime))) as running:
        running.wait_for_line("doing jobs")
        yield running


def status(server: ServerProcess) -> str:
    answer = httpx.get(f"{server.url}/health/ready")
    assert answer.status_code == 200
    return str(answer.json()["status"])


def comes_back(server: ServerProcess, died: psutil.Process, name: str) -> None:
    """Another process is there in its place."""

    def is_back() -> bool:
        try:
            return bool(getattr(server, name).pid != died.pid)
        except (ValueError, psutil.NoSuchProcess):
            return False

    wait_until(is_back)


@pytest.mark.parametrize(
    "how",
    [
        signal.SIGKILL,
        pytest.param(signal.SIGTERM, marks=pytest.mark.long),
        pytest.param(signal.SIGINT, marks=pytest.mark.long),
    ],
)
def test_the_end_of_the_parent_is_the_end_of_all(
    server: ServerProcess, runtime: Path, how: signal.Signals
) -> None:
    family = server.family
    assert {server.child, server.job_process, server.valkey} <= set(family)
    server.signal(how)
    assert server.ended() == (0 if how != signal.SIGKILL else -signal.SIGKILL)
    assert psutil.wait_procs(family, timeout=WITHIN_S)[1] == []
    if how != signal.SIGKILL:
        assert list(runtime.iterdir()) == []
        assert "Traceback" not in server.output
        assert "error" not in server.output


@pytest.mark.long
def test_what_a_kill_left_is_taken_over_by_the_next_start(tmp_path: Path, runtime: Path) -> None:
    for _ in range(3):
        with serving(settings(tmp_path, TMPDIR=str(runtime))) as server:
            wait_until(lambda server=server: status(server) == "ok")  # type: ignore[misc]
            family = server.family
            server.signal(signal.SIGKILL)
            assert psutil.wait_procs(family, timeout=WITHIN_S)[1] == []
        assert len(list(runtime.iterdir())) == 1
    with serving(settings(tmp_path, TMPDIR=str(runtime))) as server:
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
    assert list(runtime.iterdir()) == []


@pytest.mark.long
def test_the_job_process_is_started_again_and_nobody_else_notices(server: ServerProcess) -> None:
    serving_process, valkey, died = server.child, server.valkey, server.job_process
    died.kill()
    server.wait_for_line("job process died; starting it again")
    comes_back(server, died, "job_process")
    assert (server.child, server.valkey) == (serving_process, valkey)
    assert status(server) == "ok"


@pytest.mark.long
def test_the_serving_process_is_started_again_and_nobody_else_notices(
    server: ServerProcess,
) -> None:
    jobs, valkey, died = server.job_process, server.valkey, server.child
    died.kill()
    server.wait_for_line("serving process died; starting it again")
    comes_back(server, died, "child")
    wait_until(lambda: status(server) == "ok")
    assert (server.job_process, server.valkey) == (jobs, valkey)


@pytest.mark.long
def test_the_valkey_is_started_again_and_nobody_else_notices(server: ServerProcess) -> None:
    jobs, serving_process, died = server.job_process, server.child, server.valkey
    died.kill()
    server.wait_for_line("Valkey died; starting it again")
    comes_back(server, died, "valkey")
    wait_until(lambda: status(server) == "ok")
    assert create_user(server, "anna").status_code == 201
    assert (server.job_process, server.child) == (jobs, serving_process)
    metrics = httpx.get(f"{server.url}/metrics").text
    assert "\nredis_up 1.0" in metrics
    assert "\nredis_restarts_total 1.0" in metrics


@pytest.mark.long
def test_while_the_valkey_is_frozen_everything_is_quick_and_degraded(
    server: ServerProcess,
) -> None:
    wait_until(lambda: status(server) == "ok")
    server.valkey.suspend()
    try:
        for number in range(20):
            began = monotonic()
            assert create_user(server, f"u{number}").status_code == 201
            assert httpx.get(f"{server.url}/users/u{number}").status_code == 200
            assert status(server) == "degraded"
            assert monotonic() - began < 1.5
        server.wait_for_line("Redis cannot be used")
        assert "\nredis_up 0.0" in httpx.get(f"{server.url}/metrics").text
    finally:
        server.valkey.resume()
    wait_until(lambda: status(server) == "ok")


@pytest.mark.long
def test_a_frozen_valkey_does_not_keep_the_parent_from_stopping(server: ServerProcess) -> None:
    valkey = server.valkey
    valkey.suspend()
    began = monotonic()
    server.signal(signal.SIGTERM)
    assert server.ended() == 0
    assert monotonic() - began < 25
    assert not valkey.is_running()


@pytest.mark.long
def test_a_damaged_file_is_set_aside_and_said(tmp_path: Path, runtime: Path) -> None:
    with serving(settings(tmp_path, TMPDIR=str(runtime))) as server:
        wait_until(lambda: status(server) == "ok")
    (written,) = (tmp_path / "valkey" / "appendonlydir").glob("*.incr.aof")
    written.write_text("This is a letter to my aunt.\n")
    with serving(settings(tmp_path, TMPDIR=str(runtime))) as server:
        wait_until(lambda: status(server) == "ok")
        assert "set aside" in server.output
        assert "letter to my aunt" in (tmp_path / "valkey" / "damaged" / written.name).read_text()


@pytest.mark.long
def test_without_a_valkey_that_starts_it_serves_and_says_so_once(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no such luck\nexit 7\n")
    broken.chmod(0o755)
    with serving(settings(tmp_path, VALKEY_BIN=str(broken))) as server:
        assert create_user(server, "anna").status_code == 201
        assert httpx.get(f"{server.url}/users/anna").status_code == 200
        assert status(server) == "degraded"
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
    (line,) = [line for line in server.lines if "Valkey does not start" in line]
    assert "no such luck" in line


def test_a_valkey_that_is_no_program_stops_the_start(tmp_path: Path) -> None:
    server = ServerProcess(settings(tmp_path, VALKEY_BIN=str(tmp_path / "none")))
    try:
        assert server.ended() == 3
        assert "VALKEY_BIN" in server.output
    finally:
        server.kill()


@pytest.mark.long
@pytest.mark.parametrize(
    ("url", "why"),
    [("redis://127.0.0.1:1", "Connection refused"), ("unix:///nowhere/s", "No such file")],
)
def test_a_redis_that_is_not_there_is_said_and_the_rest_is_served(
    tmp_path: Path, url: str, why: str
) -> None:
    with serving(settings(tmp_path, REDIS_URL=url)) as server:
        assert status(server) == "degraded"
        assert create_user(server, "anna").status_code == 201
        assert why in server.wait_for_line("Redis cannot be used")
        assert [each.name() for each in server.family if "valkey" in each.name()] == []


@pytest.fixture
def guarded(runtime: Path) -> Iterator[Valkey]:
    """One that wants a password."""
    server = Valkey(runtime, "--requirepass", "right")
    yield server
    server.kill()


@pytest.mark.long
@pytest.mark.parametrize(
    ("user", "why"), [("", "needs a password"), (":hidden@", "password is wrong")]
)
def test_a_password_that_is_wrong_is_said_and_shown_nowhere(
    tmp_path: Path, guarded: Valkey, user: str, why: str
) -> None:
    url = guarded.url.replace("unix://", f"unix://{user}")
    with serving(settings(tmp_path, REDIS_URL=url)) as server:
        assert status(server) == "degraded"
        assert why in server.wait_for_line("Redis cannot be used")
        assert "hidden" not in server.output


@pytest.mark.long
def test_a_password_that_is_right_may_stand_apart(tmp_path: Path, guarded: Valkey) -> None:
    more = {"REDIS_URL": guarded.url, "REDIS_PASSWORD": "right"}
    with serving(settings(tmp_path, **more)) as server:
        wait_until(lambda: status(server) == "ok")


def test_a_worker_without_a_redis_says_what_it_needs(tmp_path: Path) -> None:
    self_sufficient = ServerProcess(settings(tmp_path), command="worker")
    try:
        assert self_sufficient.ended() == 3
        assert "REDIS_URL" in self_sufficient.output
    finally:
        self_sufficient.kill()


def test_a_worker_on_sqlite_says_who_does_the_jobs(tmp_path: Path) -> None:
    worker = ServerProcess(settings(tmp_path, REDIS_URL="redis://h"), command="worker")
    try:
        assert worker.ended() == 3
        assert "DATABASE_URL" in worker.output
        assert "event-seating serve" in worker.output
    finally:
        worker.kill()


@pytest.mark.long
def test_a_worker_runs_beside_a_server_and_stops_by_itself(
    tmp_path: Path, postgres: Postgres, valkey: Valkey
) -> None:
    url = postgres.create_database("with_worker")
    both = {"DATABASE_URL": url, "REDIS_URL": valkey.url}
    with serving(settings(tmp_path, **both)) as server:
        worker = ServerProcess(settings(tmp_path, **both), command="worker")
        try:
            worker.wait_for_line("doing jobs")
            family = worker.family
            assert len(family) == 1
            os.kill(worker.pid, signal.SIGTERM)
            assert worker.ended() == 0
            assert psutil.wait_procs(family, timeout=WITHIN_S)[1] == []
        finally:
            worker.kill()
        assert status(server) == "ok"
