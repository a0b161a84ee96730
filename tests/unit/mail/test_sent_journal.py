"""What is noted of mails that were taken, over the life of several processes."""

from pathlib import Path

import pytest
import structlog

from event_seating.mail import sent_journal as module
from event_seating.mail.sent_journal import SentJournal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "mails-taken"


def test_what_was_taken_is_known_to_the_next_process(path: Path) -> None:
    with SentJournal(path) as first:
        assert "job-1" not in first
        first.note("job-1")
        assert "job-1" in first
    with SentJournal(path) as second:
        assert "job-1" in second
        assert "job-2" not in second
        second.note("job-2")
    with SentJournal(path) as third:
        assert {"job-1", "job-2"} <= {name for name in ("job-1", "job-2") if name in third}


def test_a_line_is_there_before_note_returns_and_nobody_has_to_close(path: Path) -> None:
    with SentJournal(path) as killed:
        killed.note("job-1")
        assert path.read_bytes() == b"job-1\n"
        killed.note("job-2")
        assert path.read_bytes() == b"job-1\njob-2\n"


@pytest.mark.parametrize(
    "left", [b"", b"\n\n", b"job-1\njob-", b"\xff\xfe\n", b"x" * 1_000 + b"\n"]
)
def test_a_file_that_a_kill_or_a_hand_left_odd_is_read_as_far_as_it_goes(
    path: Path, left: bytes
) -> None:
    path.parent.mkdir()
    path.write_bytes(left)
    with SentJournal(path) as after:
        assert ("job-1" in after) == left.startswith(b"job-1\n")
        assert "job-" not in after
        after.note("job-3")
    with SentJournal(path) as again:
        assert "job-3" in again


def test_of_many_the_newest_are_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SENT_MAX", 10)
    with SentJournal(path) as taken:
        for number in range(95):
            taken.note(f"job-{number}")
            assert f"job-{number}" in taken
            assert len(path.read_bytes().splitlines()) <= 11
    with SentJournal(path) as after:
        assert [n for n in range(95) if f"job-{n}" in after][-5:] == [90, 91, 92, 93, 94]


def test_a_place_that_cannot_be_written_costs_a_line_and_no_mail(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the directory should be")
    with (
        structlog.testing.capture_logs() as lines,
        SentJournal(tmp_path / "data" / "mails") as taken,
    ):
        taken.note("job-1")
        taken.note("job-2")
        assert "job-1" in taken
    assert [line["log_level"] for line in lines] == ["warning"]


def test_a_disk_that_fills_up_while_the_file_is_written_anew_costs_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SENT_MAX", 2)
    with SentJournal(path) as taken:
        path.with_name(path.name + ".new").mkdir()
        for number in range(3):
            taken.note(f"job-{number}")
        assert "job-2" in taken
        path.with_name(path.name + ".new").rmdir()
        taken.note("job-3")
    with SentJournal(path) as after:
        assert "job-3" in after
