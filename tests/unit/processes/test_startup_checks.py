"""What happens to the database before anything is served."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from event_seating.db import schema
from event_seating.db.database import Database
from event_seating.errors import StartupError
from event_seating.processes import startup_checks
from event_seating.settings.model import Settings
from event_seating.telemetry.redact import scrub

pytestmark = pytest.mark.anyio

PRODUCTION: dict[str, Any] = {"app_env": "production", "admin_api_key": "k" * 24}


@pytest.fixture
def url(database_url: str) -> str:
    return database_url


async def version(url: str) -> str | None:
    database = Database(url)
    try:
        return await schema.current(database)
    finally:
        await database.close()


async def prepare(settings: Settings) -> None:
    await startup_checks.prepare(settings)


async def test_development_makes_the_tables(environment: dict[str, str], url: str) -> None:
    await prepare(Settings(database_url=url))
    assert await version(url) == schema.newest()
    await prepare(Settings(database_url=url))


async def test_production_refuses_and_says_how(environment: dict[str, str], url: str) -> None:
    with pytest.raises(StartupError, match=r"at schema none.*event-seating migrate"):
        await prepare(Settings(database_url=url, **PRODUCTION))
    assert await version(url) is None


async def test_once_migrated_production_goes_on(environment: dict[str, str], url: str) -> None:
    settings = Settings(database_url=url, **PRODUCTION)
    assert "is now at schema" in await startup_checks.migrate(settings)
    assert "was already at schema" in await startup_checks.migrate(settings)
    await prepare(settings)


async def test_a_newer_schema_is_left_alone(environment: dict[str, str], url: str) -> None:
    settings = Settings(database_url=url)
    await startup_checks.migrate(settings)
    database = Database(url)
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()
    for attempt in (prepare, startup_checks.migrate):
        with pytest.raises(StartupError, match="newer release"):
            await attempt(settings)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://u:hidden@127.0.0.1:1/x", "cannot be used"),
        ("postgresql://u:hidden@127.0.0.1:port/x", "is no URL"),
        ("postgresql://u:hidden@127.0.0.1/x?colour=red", "colour"),
    ],
)
async def test_a_database_that_cannot_be_used_is_said_in_one_line(
    environment: dict[str, str], tmp_path: Path, url: str, says: str
) -> None:
    with pytest.raises(StartupError, match=says) as refused:
        await prepare(Settings(database_url=url))
    assert str(refused.value).startswith("DATABASE_URL: ")
    assert "\n" not in str(refused.value)
    assert "hidden" not in str(refused.value)


async def test_a_postgresql_database_that_does_not_exist_is_said(
    environment: dict[str, str], postgres: Any
) -> None:
    url = postgres.create_database("there").replace("/there?", "/nowhere?")
    with pytest.raises(StartupError, match='database "nowhere" does not exist'):
        await prepare(Settings(database_url=url))


async def test_the_log_shows_how_a_url_is_written(environment: dict[str, str]) -> None:
    with pytest.raises(StartupError) as refused:
        await prepare(Settings(database_url="postgresql://u:p@ss@127.0.0.1:port/x"))
    assert scrub(str(refused.value)) == str(refused.value)


@pytest.mark.parametrize(
    ("running", "mended"),
    [
        ((3, 11, 0), "3.11.10"),
        ((3, 11, 9), "3.11.10"),
        ((3, 11, 10), None),
        ((3, 12, 5), "3.12.6"),
        ((3, 12, 6), None),
        ((3, 13, 0), None),
        ((4, 0, 0), None),
    ],
)
def test_a_python_with_a_known_hole_is_named_in_one_line(
    running: tuple[int, int, int], mended: str | None
) -> None:
    with capture_logs() as lines:
        startup_checks.warn_of_python(running)
    said = [(line["log_level"], line["mendedIn"]) for line in lines]
    assert said == ([("warning", mended)] if mended else [])


async def test_the_start_looks_at_the_python(
    environment: dict[str, str], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[bool] = []
    monkeypatch.setattr(startup_checks, "warn_of_python", lambda: looked.append(True))
    await prepare(Settings(database_url=url))
    await startup_checks.check(Settings(database_url=url))
    assert looked == [True, True]
