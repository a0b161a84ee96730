"""What many tests stand on: real databases, and the service on each of them."""

import gc
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from event_seating.db.database import Database
from event_seating.db.tables import metadata
from tests.support.postgres import Postgres
from tests.support.service import Service, client_of, in_process, isolate
from tests.support.tables import lay_tables, migrate
from tests.support.valkey import Valkey

BACKENDS = ["sqlite", "postgresql"]


def pytest_collection_finish() -> None:
    """Leave the modules and the tests out of every collection of garbage from here on."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of this test run, gone at its end."""
    with Postgres.running(durable=False) as server:
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
            # There are some rows at the most: `TRUNCATE` would make a new file for each table.
            for table in reversed(metadata.sorted_tables):
                await connection.execute(table.delete())
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
        await migrate(url)
        _SHARED.append(url)
    return _SHARED[0]


_SHARED: list[str] = []


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Settings of a test's own; nothing of the caller's environment gets in."""
    return isolate(monkeypatch, tmp_path)


@pytest.fixture
def service(request: pytest.FixtureRequest) -> Service:
    """The service on SQLite, without limits; the module's where the test is marked so.

    To build a service takes longer than most of what is asked of one. `shared_service` is for
    tests that leave nothing behind which another could notice: most of them are refused.
    """
    shares = request.node.get_closest_marker("shared_service") is not None
    service: Service = request.getfixturevalue("client_of_shared" if shares else "own_service")
    return service


@pytest.fixture
async def own_service(environment: dict[str, str]) -> AsyncIterator[Service]:
    """Of one test: ask for `service`."""
    async with in_process() as running:
        yield running


@pytest.fixture(scope="module")
async def module_service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """Of all tests of a module that are marked `shared_service`."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        isolate(monkeypatch, tmp_path_factory.mktemp("shared"))
        async with in_process() as running:
            yield running


@pytest.fixture
async def client_of_shared(module_service: Service) -> AsyncIterator[Service]:
    """The module's service, with a client of the test's own."""
    async with client_of(module_service.app) as client:
        yield Service(module_service.parts, module_service.app, client)
