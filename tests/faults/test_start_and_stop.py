"""Starting, stopping and dying, with real processes."""

import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import psutil
import pytest
from tests.support.process import (
    ServerProcess,
    clean_environment,
    create_user,
    modes_open_to_others,
    serving,
    settings,
)

pytestmark = pytest.mark.usefixtures("http_server")

KEY = "an-admin-key-of-24-chars"


@pytest.mark.parametrize(
    "how", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
def test_a_signal_ends_it_with_code_0_and_nothing_left(tmp_path: Path, how: signal.Signals) -> None:
    with serving(settings(tmp_path)) as server:
        child = server.child
        server.signal(how)
        assert server.ended() == 0
        assert not child.is_running()
        assert "Traceback" not in server.output


@pytest.mark.long
def test_a_stop_while_the_job_process_begins_is_heard_by_it(tmp_path: Path) -> None:
    with serving(settings(tmp_path)) as server:
        # Its modules take a second to load: it has been told to begin, and has not begun.
        while not any(
            "event_seating.processes.worker_process" in each.cmdline() for each in server.family
        ):
            assert httpx.get(f"{server.url}/health").status_code == 200
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
        assert "killing it" not in server.output


def test_a_request_under_way_is_answered_before_it_stops(tmp_path: Path) -> None:
    with serving(settings(tmp_path, DB_LATENCY_MS="1500")) as server:
        answers: list[int] = []
        asking = threading.Thread(
            target=lambda: answers.append(httpx.get(f"{server.url}/users/1").status_code)
        )
        asking.start()
        with httpx.Client(base_url=server.url) as client:
            while client.get("/cache-status").json()["misses"] == 0:
                pass
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
        asking.join()
        assert answers == [404]


@pytest.mark.long
def test_readiness_says_no_while_requests_are_still_answered(tmp_path: Path) -> None:
    with serving(settings(tmp_path, DRAIN_DELAY_S="2")) as server:
        assert httpx.get(f"{server.url}/health/ready").json()["status"] == "ok"
        server.signal(signal.SIGTERM)
        with httpx.Client(base_url=server.url) as client:
            while (ready := client.get("/health/ready")).status_code == 200:
                pass
            assert (ready.status_code, ready.json()["status"]) == (503, "draining")
            assert client.get("/users/1").status_code == 404
            assert client.get("/health").json()["status"] == "OK"
        assert server.ended() == 0


@pytest.mark.long
@pytest.mark.parametrize(("proxies", "drains"), [("", False), ("127.0.0.1", True)])
def test_only_behind_a_proxy_does_production_drain_before_it_stops(
    tmp_path: Path, proxies: str, drains: bool
) -> None:
    migrate(tmp_path)
    production = {"APP_ENV": "production", "ADMIN_API_KEY": KEY, "TRUSTED_PROXIES": proxies}
    with serving(settings(tmp_path, **production)) as server:
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
        assert ("draining" in server.output) == drains


def test_a_serving_process_that_dies_is_started_again_on_the_same_port(tmp_path: Path) -> None:
    with serving(settings(tmp_path)) as server:
        create_user(server, "anna")
        first = server.child
        first.kill()
        server.wait_for_line("starting it again")
        # Nobody is refused meanwhile: the connection waits for the new process.
        assert httpx.get(f"{server.url}/users/anna", timeout=30).status_code == 200
        assert server.child.pid != first.pid


@pytest.mark.long
def test_the_serving_process_leaves_when_its_parent_is_killed(tmp_path: Path) -> None:
    with serving(settings(tmp_path)) as server:
        child = server.child
        server.signal(signal.SIGKILL)
        assert psutil.wait_procs([child], timeout=20)[1] == []


@pytest.mark.long
def test_a_second_start_finds_the_port_free_right_after_a_kill(tmp_path: Path) -> None:
    with serving(settings(tmp_path)) as server:
        port = server.url.rpartition(":")[2]
        server.signal(signal.SIGKILL)
        with serving(settings(tmp_path, PORT=port)) as second:
            assert httpx.get(f"{second.url}/health").status_code == 200


class TestRefusals:
    """What cannot start says why in one line, and leaves with code 3."""

    def refused(self, changes: dict[str, str], data: Path) -> str:
        server = ServerProcess(settings(data) | changes)
        try:
            assert server.ended() == 3
            assert "Traceback" not in server.output
            complaints = [
                line for line in server.lines if "event-seating:" in line or "error" in line
            ]
            assert len(complaints) == 1, server.output
            return complaints[0]
        finally:
            server.kill()

    @pytest.mark.long
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PORT", "http"),
            ("PORT", "70000"),
            ("APP_ENV", "prod"),
            ("LOG_LEVEL", "loud"),
            ("CACHE_TTL", "0"),
            ("CACHE_CAPACITY", "-1"),
            ("DB_LATENCY_MS", "soon"),
            ("RATE_LIMITS", "5 per minute"),
            ("TRUSTED_PROXIES", "10.0.0.0/99"),
            ("CORS_ORIGINS", "tickets"),
            ("DATABASE_URL", "mysql://localhost/x"),
            ("DRAIN_DELAY_S", "-1"),
            ("DATABASE_POOL_SIZE", "0"),
            ("HOST", "no.such.host.invalid"),
        ],
    )
    def test_a_bad_value_is_named(self, tmp_path: Path, name: str, value: str) -> None:
        assert name in self.refused({name: value}, tmp_path)

    def test_a_port_in_use(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            assert f"PORT: {port}" in self.refused({"PORT": port}, tmp_path)

    @pytest.mark.long
    def test_a_data_directory_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        line = self.refused({"DATA_DIR": str(tmp_path / "file" / "data")}, tmp_path)
        assert "DATA_DIR" in line

    @pytest.mark.long
    def test_a_data_directory_of_another_server(self, tmp_path: Path) -> None:
        with serving(settings(tmp_path)):
            assert "DATA_DIR" in self.refused({}, tmp_path)

    @pytest.mark.long
    def test_a_file_that_is_not_a_database(self, tmp_path: Path) -> None:
        (tmp_path / "event-seating.db").write_text("This is a letter to my aunt.\n" * 100)
        assert "event-seating.db" in self.refused({}, tmp_path)

    def test_a_database_of_a_newer_release(self, tmp_path: Path) -> None:
        with sqlite3.connect(tmp_path / "event-seating.db") as connection:
            connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
            connection.execute("INSERT INTO alembic_version VALUES ('9999')")
        connection.close()
        assert "newer release" in self.refused({}, tmp_path)

    @pytest.mark.long
    def test_a_postgresql_that_is_not_there(self, tmp_path: Path) -> None:
        url = "postgresql://u:hidden@127.0.0.1:1/x"
        line = self.refused({"DATABASE_URL": url}, tmp_path)
        assert "DATABASE_URL" in line
        assert "hidden" not in line

    def test_production_without_a_key(self, tmp_path: Path) -> None:
        assert "ADMIN_API_KEY" in self.refused({"APP_ENV": "production"}, tmp_path)

    @pytest.mark.long
    def test_production_with_a_short_key(self, tmp_path: Path) -> None:
        line = self.refused({"APP_ENV": "staging", "ADMIN_API_KEY": "short"}, tmp_path)
        assert "ADMIN_API_KEY" in line
        assert "short" not in line

    def test_an_outside_address_without_a_key(self, tmp_path: Path) -> None:
        assert "HOST" in self.refused({"HOST": "0.0.0.0"}, tmp_path)

    @pytest.mark.long
    def test_production_with_a_database_that_was_not_migrated(self, tmp_path: Path) -> None:
        changes = {"APP_ENV": "production", "ADMIN_API_KEY": KEY}
        assert "event-seating migrate" in self.refused(changes, tmp_path)

    @pytest.mark.long
    def test_a_log_directory_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        migrate(tmp_path)
        changes = {
            "APP_ENV": "production",
            "ADMIN_API_KEY": KEY,
            "LOG_DIR": str(tmp_path / "file" / "logs"),
        }
        assert "LOG_DIR" in self.refused(changes, tmp_path)


def migrate(data: Path, **more: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "event_seating.cli", "migrate"],
        env=clean_environment() | {"DATA_DIR": str(data)} | more,
        check=True,
        capture_output=True,
        umask=0o000,
    )


def test_production_starts_once_it_is_migrated_and_writes_its_log_files(tmp_path: Path) -> None:
    migrate(tmp_path)
    with serving(
        settings(tmp_path, APP_ENV="production", ADMIN_API_KEY=KEY, DRAIN_DELAY_S="0")
    ) as server:
        assert httpx.get(f"{server.url}/users/1").status_code == 401
        assert "No mail is sent: SMTP_URL is not set." in server.output
        headers = {"authorization": f"Bearer {KEY}"}
        assert httpx.get(f"{server.url}/users/1", headers=headers).status_code == 404
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
    combined = (tmp_path / "logs" / "combined.log").read_text()
    assert '"/users/{id}"' in combined
    assert KEY not in combined + server.output


@pytest.mark.long
def test_what_it_writes_is_closed_to_others_whatever_the_shell_allows(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    migrate(data)
    production = settings(data, APP_ENV="production", ADMIN_API_KEY=KEY)
    with serving(production, umask=0o000) as server:
        server.wait_for_line("doing jobs")
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
        assert "DATA_DIR" not in server.output
    assert modes_open_to_others(tmp_path / "new") == {}
    written = {path.name for path in data.rglob("*")}
    assert written >= {"lock", "event-seating.db", "combined.log", "appendonlydir"}


@pytest.mark.long
def test_it_says_where_others_could_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with serving(settings(tmp_path)) as server:
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
        (line,) = [line for line in server.lines if "DATA_DIR" in line]
    assert f"chmod -R go= {tmp_path}" in line


@pytest.mark.long
def test_the_secret_may_come_as_a_file(tmp_path: Path) -> None:
    migrate(tmp_path)
    (tmp_path / "key").write_text(KEY + "\n")
    changes = {"APP_ENV": "production", "ADMIN_API_KEY_FILE": str(tmp_path / "key")}
    with serving(settings(tmp_path, **changes, DRAIN_DELAY_S="0")) as server:
        headers = {"authorization": f"Bearer {KEY}"}
        assert httpx.get(f"{server.url}/cache-status", headers=headers).status_code == 200
