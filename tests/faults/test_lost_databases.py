"""kill -9 loses nothing that was answered; a database that went away is said and comes back."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from tests.support.postgres import Postgres
from tests.support.process import ServerProcess, clean_environment, create_user, serving, settings
from tests.support.waiting import until

from event_seating.db import engines
from event_seating.db.database import Database
from event_seating.processes.control_channel import EXIT_CANNOT_START, GO


@pytest.fixture
def server_settings(backend: str, database_url: str, tmp_path: Path) -> dict[str, str]:
    """A server on the backend of the test."""
    url = {"DATABASE_URL": database_url} if backend == "postgresql" else {}
    return settings(tmp_path, **url)


@pytest.mark.long
def test_fifty_users_survive_kill_9(server_settings: dict[str, str]) -> None:
    with serving(server_settings) as server:
        for number in range(50):
            assert create_user(server, f"u{number}").status_code == 201
        server.child.send_signal(signal.SIGKILL)
        server.signal(signal.SIGKILL)
    with serving(server_settings) as server, httpx.Client(base_url=server.url) as client:
        assert {client.get(f"/users/u{number}").status_code for number in range(50)} == {200}


@pytest.mark.long
def test_a_second_server_on_the_same_postgresql_refuses_to_start(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.create_database("two_servers")
    with serving(settings(tmp_path / "a", DATABASE_URL=url)):
        second = ServerProcess(settings(tmp_path / "b", DATABASE_URL=url))
        try:
            assert second.ended() == 3
            assert "only one can serve it" in second.output
        finally:
            second.kill()


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """One that may be stopped."""
    with Postgres.running() as server:
        yield server


@pytest.mark.long
def test_postgresql_may_go_away_and_come_back(own_postgres: Postgres, tmp_path: Path) -> None:
    url = own_postgres.create_database("comes_and_goes")
    with (
        serving(settings(tmp_path / "data", DATABASE_URL=url)) as server,
        httpx.Client(base_url=server.url, timeout=30) as client,
    ):
        assert create_user(server, "anna").status_code == 201
        own_postgres.stop()
        assert client.get("/health").status_code == 200
        ready = client.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json()["dependencies"]["database"]["status"] == "unavailable"
        assert client.get("/users/anna").status_code == 200, "what is cached is answered"
        lost = create_user(server, "ben")
        assert (lost.status_code, lost.json()["code"]) == (503, "database_unavailable")
        assert client.get("/users/cleo").status_code == 503
        own_postgres.start()
        assert create_user(server, "ben").status_code == 201
        assert client.get("/users/cleo").status_code == 404
        assert client.get("/health/ready").status_code == 200


@pytest.mark.long
def test_a_sqlite_file_that_was_deleted_under_the_server_is_said(tmp_path: Path) -> None:
    with serving(settings(tmp_path)) as server:
        assert httpx.get(f"{server.url}/health/ready").status_code == 200
        (tmp_path / "event-seating.db").unlink()
        assert httpx.get(f"{server.url}/health/ready").status_code == 503
        lost = create_user(server, "anna")
        assert (lost.status_code, lost.json()["code"]) == (503, "database_unavailable")


def test_a_serving_process_without_its_database_says_so_in_one_line(tmp_path: Path) -> None:
    url = "postgresql://u:hidden@127.0.0.1:1/x"
    parent, child = socket.socketpair()
    with parent, child, socket.create_server(("127.0.0.1", 0)) as listener:
        descriptors = (listener.fileno(), child.fileno())
        parent.sendall(GO)
        ended = subprocess.run(
            [sys.executable, "-m", "event_seating.processes.server", *map(str, descriptors)],
            env=clean_environment() | settings(tmp_path, DATABASE_URL=url),
            pass_fds=descriptors,
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode not in {0, EXIT_CANNOT_START}, "it is worth another try"
    (line,) = (ended.stdout + ended.stderr).splitlines()
    assert "database cannot be reached" in line


async def let_the_server_cut(database: Database, url: str) -> Any:
    """Cut the one connection that waits in the pool; the driver's, to see when it knows."""
    async with database.read() as connection:
        pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        cut = (await connection.get_raw_connection()).driver_connection
    other = Database(url)
    async with other.read() as connection:
        await connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    await other.close()
    return cut


@pytest.mark.anyio
@pytest.mark.parametrize("ask_after_idle_s", [0, 3600])
async def test_a_connection_that_was_cut_in_the_pool_is_replaced_unnoticed(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, ask_after_idle_s: int
) -> None:
    monkeypatch.setattr(engines, "ASK_AFTER_IDLE_S", ask_after_idle_s)
    url = postgres.create_database(f"cut_{ask_after_idle_s}")
    database = Database(url, pool_size=1)
    try:
        cut = await let_the_server_cut(database, url)
        if ask_after_idle_s:
            await until(cut.is_closed)
        async with database.read() as connection:
            assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
    finally:
        await database.close()
