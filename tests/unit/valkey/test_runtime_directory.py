"""A short directory for a socket."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from event_seating.valkey.runtime_directory import PATH_BYTES_MAX, RuntimeDirectory


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The system's directory for such things, with a short name; pytest has its own by then."""
    with tempfile.TemporaryDirectory(prefix="es-") as directory:
        monkeypatch.setattr(tempfile, "tempdir", directory)
        yield Path(directory)


def test_it_is_ours_alone_and_gone_at_the_end(system: Path, tmp_path: Path) -> None:
    with RuntimeDirectory(tmp_path, "s.sock") as runtime:
        directory = runtime.socket.parent
        assert directory.parent == system
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        runtime.socket.touch()
    assert list(system.iterdir()) == []


def test_what_a_killed_server_left_is_taken_over_and_emptied(system: Path, tmp_path: Path) -> None:
    left = RuntimeDirectory(tmp_path, "s.sock").__enter__()
    left.socket.touch()
    left.socket.parent.chmod(0o755)
    with RuntimeDirectory(tmp_path, "s.sock") as runtime:
        assert runtime.socket == left.socket
        assert not runtime.socket.exists()
        assert stat.S_IMODE(runtime.socket.parent.stat().st_mode) == 0o700
    assert list(system.iterdir()) == []


def test_two_data_directories_have_two(system: Path, tmp_path: Path) -> None:
    with (
        RuntimeDirectory(tmp_path / "a", "s.sock") as one,
        RuntimeDirectory(tmp_path / "b", "s.sock") as other,
    ):
        assert one.socket != other.socket


def test_a_link_under_its_name_is_not_followed(system: Path, tmp_path: Path) -> None:
    with RuntimeDirectory(tmp_path, "s.sock") as runtime:
        name = runtime.socket.parent.name
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "precious").touch()
    (system / name).symlink_to(victim)
    with RuntimeDirectory(tmp_path, "s.sock") as runtime:
        assert runtime.socket.parent.parent != system
    assert (victim / "precious").exists()


def test_a_place_whose_path_is_too_long_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    long = tmp_path / ("x" * PATH_BYTES_MAX)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with RuntimeDirectory(long / "data", "valkey.sock") as runtime:
        assert len(os.fsencode(runtime.socket)) <= PATH_BYTES_MAX
        assert not runtime.socket.is_relative_to(long)


def test_without_any_place_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        RuntimeDirectory, "_candidates", lambda _self: [tmp_path / ("x" * PATH_BYTES_MAX)]
    )
    with pytest.raises(OSError, match="is too long"):
        RuntimeDirectory(tmp_path, "s.sock").__enter__()
