"""Where others could read what is kept here."""

import os
from pathlib import Path

import pytest

from event_seating import private_files


@pytest.fixture
def data(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir(mode=0o700)
    return made


def told(data: Path, database: Path | None = None, logs: Path | None = None) -> str:
    return "\n".join(private_files.exposed(data, database, logs))


def test_of_what_is_closed_nothing_is_said(data: Path) -> None:
    (data / "event-seating.db").touch(mode=0o644)
    assert told(data, data / "event-seating.db", data / "not-there-yet") == ""


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777])
def test_a_data_directory_that_others_may_enter_is_named(data: Path, mode: int) -> None:
    data.chmod(mode)
    assert f"DATA_DIR: other users of this machine may enter {data} (mode {mode:o})" in told(data)
    assert f"`chmod -R go= {data}`" in told(data)


def test_so_is_a_log_directory_and_a_database_elsewhere(data: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(0o755)
    database = elsewhere / "seats.db"
    database.touch()
    database.chmod(0o600)
    assert told(data, database) == ""
    database.chmod(0o640)
    assert "DATABASE_URL" in told(data, database)
    assert "LOG_DIR" in told(data, None, elsewhere)


def test_what_is_made_from_then_on_is_closed_to_others(tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        private_files.keep_private()
        (tmp_path / "file").touch()
        (tmp_path / "directory").mkdir()
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "directory").stat().st_mode & 0o777 == 0o700
