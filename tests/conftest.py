"""What many tests stand on: real databases, and the service on each of them."""

import asyncio
import atexit
import io
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import structlog
from sqlalchemy import event, text

from event_seating.clock import SystemClock
from event_seating.composition import http_app, server_services
from event_seating.composition.server_services import Parts
from event_seating.db import schema
from event_seating.db.database import Database
from event_seating.db.tables import metadata
from event_seating.settings.model import Settings
from event_seating.telemetry.logs import Logs
from tests.document import Checked, document_of
from tests.postgres import Postgres
from tests.valkey import Valkey

BACKENDS = ["sqlite", "postgresql"]


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of this test run, gone at its end."""
    with Postgres.running() as server:
        yield server


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    """A Valkey of the test's own, gone at its end."""
    # A short path: the name of a socket has room for about a hundred characters.
    with tempfile.TemporaryDirectory(prefix="es-") as directory:
        server = Valkey(Path(directory))
        try:
            yield server
        finally:
            server.kill()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Each test that asks for it runs once on SQLite and once on PostgreSQL."""
    return str(request.param)


@pytest.fixture
def database_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of its own, on the backend of the test."""
    if backend == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'event-seating.db'}"
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.create_database(f"test_{uuid4().hex}")


@pytest.fixture
async def database(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Database]:
    """A database with every table and no rows, on the backend of the test."""
    if backend == "sqlite":
        path = tmp_path / "event-seating.db"
        await lay_tables(path)
        database = Database(f"sqlite+aiosqlite:///{path}")
    else:
        database = Database(await _shared_url(request.getfixturevalue("postgres")))
        async with database.write() as connection:
            tables = ", ".join(metadata.tables)
            await connection.execute(text(f"TRUNCATE {tables}"))
    yield database
    await database.close()


@pytest.fixture
async def on_postgres(postgres: Postgres) -> AsyncIterator[Callable[..., Database]]:
    """Opens the PostgreSQL database that tests share, each time with connections of its own.

    They are closed though the test fails, or its loop would hang.
    """
    url = await _shared_url(postgres)
    opened: list[Database] = []

    def another(**options: Any) -> Database:
        opened.append(Database(url, **options))
        return opened[-1]

    yield another
    for database in opened:
        await database.close()


async def _shared_url(postgres: Postgres) -> str:
    """A migrated database that tests use one after the other, each emptying it first."""
    if not _SHARED:
        url = postgres.create_database("shared")
        await _migrate(url)
        _SHARED.append(url)
    return _SHARED[0]


async def lay_tables(path: Path) -> None:
    """Put a migrated SQLite file there: the migrations run once, the rest are copies."""
    if not _TEMPLATE:
        template = Path(tempfile.mkdtemp(prefix="es-")) / "template.db"
        atexit.register(shutil.rmtree, template.parent, ignore_errors=True)
        await _migrate(f"sqlite+aiosqlite:///{template}")
        _TEMPLATE.append(template)
    await asyncio.to_thread(shutil.copyfile, _TEMPLATE[0], path)


_TEMPLATE: list[Path] = []
_SHARED: list[str] = []


async def _migrate(url: str) -> None:
    database = Database(url)
    await schema.upgrade(database)
    await database.close()


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Settings of a test's own; nothing of the caller's environment gets in."""
    for name in (*Settings.model_fields, "node_env"):
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    values = {"APP_ENV": "test", "DATA_DIR": str(tmp_path), "RATE_LIMITS": "off"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


class Service:
    """The whole service in this process, and a client that talks to it."""

    def __init__(self, parts: Parts, client: httpx.AsyncClient) -> None:
        self.parts = parts
        self.client = client
        self._statements: list[str] = []
        reader = parts.database._reader.sync_engine
        event.listen(
            reader,
            "before_cursor_execute",
            lambda _connection, _cursor, statement, *_rest: self._statements.append(statement),
        )

    def database_reads(self, table: str = "users") -> int:
        """How many statements have read this table since the start."""
        return sum(f"FROM {table}" in statement for statement in self._statements)


@asynccontextmanager
async def in_process(peer: str = "192.0.2.1", **changes: Any) -> AsyncIterator[Service]:
    """The service with these settings on top of the environment's."""
    settings = Settings(**changes)
    async with AsyncExitStack() as stack:
        logs = Logs(
            level="error",
            production=settings.production,
            directory=settings.log_directory,
            clock=SystemClock(),
            stdout=io.StringIO(),
        )
        stack.callback(structlog.reset_defaults)
        logs.start()
        stack.callback(logs.close)
        if settings.sqlite_path is None:
            await _migrate(settings.database)
        elif not settings.sqlite_path.exists():
            await lay_tables(settings.sqlite_path)
        parts = await stack.enter_async_context(server_services.running(settings, logs))
        checked = Checked(http_app.build(parts), document_of(parts))
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(checked, client=(peer, 1)),
            base_url="http://localhost:3001",
        )
        yield Service(parts, await stack.enter_async_context(client))


@pytest.fixture
async def service(environment: dict[str, str]) -> AsyncIterator[Service]:
    """The service on SQLite, without limits."""
    async with in_process() as running:
        yield running
