"""One server at a time in a data directory."""

from pathlib import Path

import pytest

from event_seating.errors import StartupError
from event_seating.processes.data_dir_lock import DirectoryLock


def test_the_directory_is_made(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()


def test_a_second_one_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    with (
        DirectoryLock(tmp_path),
        pytest.raises(StartupError, match="used by another server"),
        DirectoryLock(tmp_path),
    ):
        pass
    with DirectoryLock(tmp_path):
        pass


def test_a_lock_file_that_a_killed_server_left_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("")
    with DirectoryLock(tmp_path):
        pass


def test_a_refusal_leaves_no_descriptor_open(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path):
        before = len(list(Path("/dev/fd").iterdir()))
        for _ in range(5):
            with pytest.raises(StartupError), DirectoryLock(tmp_path):
                pass
        assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_path_below_a_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartupError, match=r"DATA_DIR: .*file/data cannot be written"):
        DirectoryLock(tmp_path / "file" / "data").__enter__()


def test_a_worker_may_use_it_beside_a_server_but_not_beside_another_worker(tmp_path: Path) -> None:
    with (
        DirectoryLock(tmp_path),
        DirectoryLock(tmp_path, "worker"),
        pytest.raises(StartupError, match="used by another worker"),
        DirectoryLock(tmp_path, "worker"),
    ):
        pass
