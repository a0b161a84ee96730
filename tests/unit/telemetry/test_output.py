"""Files that rotate, and what becomes of them behind our back."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from event_seating.telemetry.output import RotatingFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "combined.log"


@pytest.fixture
def file(path: Path) -> Iterator[RotatingFile]:
    file = RotatingFile(path, max_bytes=100, files=3)
    yield file
    file.close()


def test_a_directory_that_was_removed_is_made_again(path: Path, file: RotatingFile) -> None:
    file.write([b"one\n"])
    shutil.rmtree(path.parent)
    file.write([b"two\n"])
    assert path.read_bytes() == b"two\n"


def test_a_file_that_somebody_moved_away_is_begun_anew(path: Path, file: RotatingFile) -> None:
    file.write([b"one\n"])
    path.rename(path.with_name("moved"))
    file.write([b"two\n"])
    assert path.with_name("moved").read_bytes() == b"one\n"
    assert path.read_bytes() == b"two\n"


def test_a_file_that_was_closed_is_opened_again_and_appended_to(
    path: Path, file: RotatingFile
) -> None:
    file.write([b"one\n"])
    file.close()
    file.write([b"two\n"])
    assert path.read_bytes() == b"one\ntwo\n"


def test_while_the_directory_cannot_be_made_it_says_so_and_then_goes_on(
    path: Path, file: RotatingFile
) -> None:
    shutil.rmtree(path.parent)
    path.parent.write_text("in the way")
    for _ in range(3):
        with pytest.raises(OSError, match=r"exists|directory"):
            file.write([b"lost\n"])
    path.parent.unlink()
    file.write([b"two\n"])
    assert path.read_bytes() == b"two\n"


def test_a_batch_that_does_not_fit_fills_one_file_after_the_other(
    path: Path, file: RotatingFile
) -> None:
    lines = [b"%d " % number + b"x" * 28 + b"\n" for number in range(10, 19)]
    file.write(lines[:1])
    file.write([*lines[1:], b"y" * 150 + b"\n"])
    kept = [path.with_name(f"{path.name}{end}").read_bytes() for end in (".2", ".1", "")]
    assert kept == [b"".join(lines[3:6]), b"".join(lines[6:]), b"y" * 150 + b"\n"]
