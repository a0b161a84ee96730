"""PostgreSQL behind a real PgBouncer: what would lose its locks there does not start."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from tests.support import pgbouncer
from tests.support.postgres import Postgres
from tests.support.process import ServerProcess, clean_environment, create_user, serving, settings
from tests.support.tables import migrate
from tests.support.valkey import Valkey

pytestmark = pytest.mark.long


@pytest.fixture
def database_url(postgres: Postgres) -> str:
    return postgres.create_database(f"pooled_{uuid4().hex}")


def refusal(changes: dict[str, str], data: Path, command: str) -> str:
    """The one line that says why it does not start."""
    server = ServerProcess(settings(data) | changes, command=command)
    try:
        assert server.ended() == 3, server.output
        assert "Traceback" not in server.output
        (line,) = [line for line in server.lines if "error" in line]
        return line
    finally:
        server.kill()


class TestTransactionPooling:
    @pytest.fixture
    def url(self, database_url: str, tmp_path: Path) -> Iterator[str]:
        with pgbouncer.running(database_url, "transaction", tmp_path) as url:
            yield url

    def test_a_server_refuses_and_says_what_to_do(self, url: str, tmp_path: Path) -> None:
        line = refusal({"DATABASE_URL": url}, tmp_path / "data", "serve")
        assert "DATABASE_URL" in line
        assert "is a pooler in transaction mode" in line
        assert "give PostgreSQL's own address" in line

    @pytest.mark.anyio
    async def test_a_worker_refuses(
        self, url: str, database_url: str, valkey: Valkey, tmp_path: Path
    ) -> None:
        await migrate(database_url)
        changes = {"DATABASE_URL": url, "REDIS_URL": valkey.url}
        assert "is a pooler in transaction mode" in refusal(changes, tmp_path / "data", "worker")

    def test_a_migration_refuses_each_time(self, url: str, tmp_path: Path) -> None:
        """The first attempt leaves nothing in a session that the second one would trip over."""
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "-m", "event_seating.cli", "migrate"],
                env=clean_environment() | {"DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": url},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 3
            assert "is a pooler in transaction mode" in done.stdout + done.stderr


def test_statement_pooling_is_refused_in_one_line(database_url: str, tmp_path: Path) -> None:
    with pgbouncer.running(database_url, "statement", tmp_path) as url:
        line = refusal({"DATABASE_URL": url}, tmp_path / "data", "serve")
    assert "transaction blocks not allowed in statement pooling mode" in line


def test_behind_session_pooling_it_serves_alone_and_again(
    database_url: str, tmp_path: Path
) -> None:
    with pgbouncer.running(database_url, "session", tmp_path) as url:
        pooled = {"DATABASE_URL": url}
        with serving(settings(tmp_path / "first", **pooled)) as server:
            assert create_user(server, "anna").status_code == 201
            assert "only one can serve it" in refusal(pooled, tmp_path / "second", "serve")
            server.signal(signal.SIGTERM)
            assert server.ended() == 0
        # The sessions are clean again: the lock that was on one of them is gone.
        with serving(settings(tmp_path / "first", **pooled)) as server:
            assert httpx.get(f"{server.url}/users/anna").status_code == 200
