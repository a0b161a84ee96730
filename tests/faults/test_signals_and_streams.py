"""Signals under load, streams that are closed, and what a user's shell does to a server."""

import itertools
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from tests.support.process import (
    READY_WITHIN_S,
    clean_environment,
    create_user,
    serving,
    settings,
)
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("http_server")]

SERVE = f"exec {sys.executable} -m event_seating.cli serve"


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return str(found.getsockname()[1])


class Crowd:
    """Clients that ask one request after the other, each on a new connection, until one fails."""

    def __init__(self, url: str, size: int) -> None:
        self.answers: list[list[int]] = [[] for _ in range(size)]
        self._url = url
        self._numbers = itertools.count()
        self._clients = [
            threading.Thread(target=self._ask, args=(answers,)) for answers in self.answers
        ]
        for client in self._clients:
            client.start()

    def _ask(self, answers: list[int]) -> None:
        while True:
            try:
                answer = httpx.get(f"{self._url}/users/r{next(self._numbers)}", timeout=30)
            except httpx.TransportError:
                return
            answers.append(answer.status_code)

    def wait_until_served(self) -> None:
        wait_until(lambda: all(self.answers))

    def leave(self) -> None:
        for client in self._clients:
            client.join()


def test_sigterm_under_load_cuts_no_request_that_was_begun(tmp_path: Path) -> None:
    with serving(settings(tmp_path, DRAIN_DELAY_S="8", DB_LATENCY_MS="50")) as server:
        crowd = Crowd(server.url, 6)
        crowd.wait_until_served()
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
        crowd.leave()
    begun = [line for line in server.lines if "GET /users/{id}" in line]
    assert {status for answers in crowd.answers for status in answers} == {404}
    assert len(begun) == sum(map(len, crowd.answers)), "each one that was begun was answered"
    # While it drained nobody failed, so each client was served for those seconds.
    assert min(map(len, crowd.answers)) >= 5


def test_while_it_drains_clients_are_sent_to_other_connections(tmp_path: Path) -> None:
    with serving(settings(tmp_path, DRAIN_DELAY_S="2")) as server:
        with httpx.Client(base_url=server.url) as client:
            assert "connection" not in client.get("/health").headers
            server.signal(signal.SIGTERM)
            while client.get("/health/ready").status_code == 200:
                pass
            assert client.get("/health").headers["connection"] == "close"
        assert server.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_changes_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with serving(settings(tmp_path, DRAIN_DELAY_S="1")) as server:
        server.signal(number)
        with httpx.Client(base_url=server.url) as client:
            while client.get("/health/ready").status_code == 200:
                pass
        server.signal(number)
        assert server.ended() == 0
        assert "Traceback" not in server.output


def test_a_server_that_was_started_with_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as `nohup` does
    try:
        with serving(settings(tmp_path, DRAIN_DELAY_S="1")) as server:
            server.signal(signal.SIGHUP)
            with httpx.Client(base_url=server.url) as client:
                for _ in range(100):
                    assert client.get("/health/ready").status_code == 200
            server.signal(signal.SIGTERM)
            assert server.ended() == 0
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.fixture
def users(backend: str, database_url: str, tmp_path: Path) -> dict[str, str]:
    url = {"DATABASE_URL": database_url} if backend == "postgresql" else {}
    return settings(tmp_path, **url)


def test_every_user_who_was_answered_survives_a_kill_in_mid_burst(users: dict[str, str]) -> None:
    with serving(users) as server:
        answered: list[str] = []
        numbers = itertools.count()

        def create() -> None:
            while True:
                name = f"u{next(numbers)}"
                try:
                    answer = create_user(server, name)
                except httpx.TransportError:
                    return
                assert answer.status_code == 201
                answered.append(name)

        clients = [threading.Thread(target=create) for _ in range(4)]
        for client in clients:
            client.start()
        while len(answered) < 40:
            pass
        child = server.child
        server.signal(signal.SIGKILL)
        child.kill()
        for client in clients:
            client.join()
    with serving(users) as server, httpx.Client(base_url=server.url) as reader:
        lost = [name for name in answered if reader.get(f"/users/{name}").status_code != 200]
        assert lost == []


class Shell:
    """A server that a shell started with odd streams."""

    def __init__(self, command: str, data: Path) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self._runtime = tempfile.TemporaryDirectory(prefix="es-")  # what a kill leaves goes there
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            env=clean_environment() | settings(data, PORT=port, TMPDIR=self._runtime.name),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait_until_ready(self) -> None:
        transport = httpx.HTTPTransport(retries=READY_WITHIN_S)
        with httpx.Client(transport=transport) as client:
            assert client.get(f"{self.url}/health", timeout=READY_WITHIN_S).status_code == 200

    def family(self) -> list[psutil.Process]:
        found = psutil.Process(self.process.pid)
        return [found, *found.children(recursive=True)]

    def remove(self) -> None:
        if self.process.poll() is None:
            for process in self.family():
                process.kill()
        self.process.communicate()
        self._runtime.cleanup()


@pytest.fixture
def shells(tmp_path: Path) -> Iterator[list[Shell]]:
    started: list[Shell] = []
    yield started
    for shell in started:
        shell.remove()


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_do_not_matter(
    tmp_path: Path, shells: list[Shell], closed: str
) -> None:
    shell = Shell(f"{SERVE} {closed}", tmp_path)
    shells.append(shell)
    shell.wait_until_ready()
    shell.process.send_signal(signal.SIGTERM)
    output, _ = shell.process.communicate(timeout=40)
    assert (shell.process.returncode, output) == (0, b"")


def test_a_reader_of_its_lines_may_leave(tmp_path: Path, shells: list[Shell]) -> None:
    shell = Shell(f"( {SERVE} ) | head -n 1", tmp_path)
    shells.append(shell)
    shell.wait_until_ready()
    with httpx.Client(base_url=shell.url) as client:
        for _ in range(50):
            assert client.get("/users/1").status_code == 404
        lost = client.get("/metrics").text.partition("\nlog_lines_dropped_total ")[2]
    assert lost
    serving_processes = [
        p for p in shell.family() if "event_seating.processes.server" in p.cmdline()
    ]
    assert len(serving_processes) == 1
    (parent,) = [p for p in shell.family() if "event_seating.cli" in p.cmdline()]
    parent.send_signal(signal.SIGTERM)
    shell.process.communicate(timeout=40)
    assert not serving_processes[0].is_running()


def test_a_log_directory_that_is_removed_is_made_again(tmp_path: Path) -> None:
    key = "an-admin-key-of-24-chars"
    subprocess.run(
        [sys.executable, "-m", "event_seating.cli", "migrate"],
        env=clean_environment() | {"DATA_DIR": str(tmp_path)},
        check=True,
        capture_output=True,
    )
    production = {"APP_ENV": "production", "ADMIN_API_KEY": key, "DRAIN_DELAY_S": "0"}
    with serving(settings(tmp_path, **production)) as server:
        shutil.rmtree(tmp_path / "logs")
        assert httpx.get(f"{server.url}/after-the-removal").status_code == 404
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
    assert "/after-the-removal" in (tmp_path / "logs" / "combined.log").read_text()


def test_a_client_that_vanishes_in_mid_read_does_not_hurt_the_others(tmp_path: Path) -> None:
    with serving(settings(tmp_path, DB_LATENCY_MS="500")) as server:
        port = int(server.url.rpartition(":")[2])
        with httpx.Client(base_url=server.url, timeout=30) as client:
            leaving = socket.create_connection(("127.0.0.1", port))
            leaving.sendall(b"GET /users/1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while client.get("/cache-status").json()["misses"] == 0:
                pass
            leaving.close()
            assert client.get("/users/1").status_code == 404
            assert client.get("/cache-status").json()["coalesced"] == 1
