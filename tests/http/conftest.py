"""What the tests over HTTP share: a database that has its tables already."""

from pathlib import Path
from uuid import uuid4

import pytest
from tests.support.tables import lay_tables, migrate

TEMPLATE = "template_of_services"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave PostgreSQL to `make faults` where a test is marked `alike_on_both`."""
    for item in items:
        if item.get_closest_marker("alike_on_both") and "[postgresql" in item.name:
            item.add_marker(pytest.mark.long)


@pytest.fixture
async def database_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The URL of a migrated database of its own, on the backend of the test."""
    if backend == "sqlite":
        path = tmp_path / "event-seating.db"
        await lay_tables(path)
        return f"sqlite+aiosqlite:///{path}"
    postgres = request.getfixturevalue("postgres")
    if TEMPLATE not in postgres.databases:
        await migrate(postgres.create_database(TEMPLATE))
    return postgres.create_database(f"test_{uuid4().hex}", template=TEMPLATE)
