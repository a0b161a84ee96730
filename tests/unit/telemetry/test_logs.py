import io
import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from event_seating.clock import Clock
from event_seating.errors import StartupError
from event_seating.telemetry.logs import Logs, get_logger

EVIL = "a\nb\r\x1b[31mc\x85d\u2028e\x9bf\ud800"
Opened = Callable[..., Logs]
AT = "2023-12-08T15:30:45.123Z"
ANYONE = ("anonymous", "192.0.2.77", 1)
"""Who asked, and that the line stands for this request alone."""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def stdout() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def open_logs(clock: Clock, stdout: io.StringIO) -> Iterator[Opened]:
    opened: list[Logs] = []

    def build(**settings: Any) -> Logs:
        given = {"level": "info", "production": True, "directory": None, "stdout": stdout}
        logs = Logs(clock=clock, **(given | settings))
        logs.start()
        opened.append(logs)
        return logs

    yield build
    for logs in opened:
        logs.close()


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_in_production_is_one_object_with_the_request_it_belongs_to(
    open_logs: Opened, stdout: io.StringIO
) -> None:
    logs = open_logs()
    with structlog.contextvars.bound_contextvars(requestId="r1"):
        get_logger("users").warning("A user was made", userId="7", message="mine")
    assert logs.flush()
    assert objects(stdout.getvalue()) == [
        {
            "timestamp": AT,
            "level": "warning",
            "message": "A user was made",
            "service": "event-seating",
            "component": "users",
            "requestId": "r1",
            "userId": "7",
            "message_": "mine",
        }
    ]


def test_a_request_is_one_line_on_the_output_and_in_the_file(
    open_logs: Opened, stdout: io.StringIO, tmp_path: Path
) -> None:
    logs = open_logs(directory=tmp_path)
    logs.access("r1", "GET", "/users/{id}", 200, 0.0000254, "hit", 112, *ANYONE)
    assert logs.flush()
    [line] = objects(stdout.getvalue())
    assert line == {
        "timestamp": AT,
        "level": "info",
        "message": "Request",
        "service": "event-seating",
        "component": "http",
        "method": "GET",
        "route": "/users/{id}",
        "status": 200,
        "durationMs": 0.025,
        "cache": "hit",
        "bytes": 112,
        "principal": "anonymous",
        "client": "192.0.2.0/24",
        "requestId": "r1",
    }
    assert objects((tmp_path / "combined.log").read_text()) == [line]
    assert (tmp_path / "error.log").read_text() == ""


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", "-"),
        ("unix:", "-"),
        ("1" * 100_000, "-"),
    ],
)
def test_of_an_address_only_its_network_is_written(
    open_logs: Opened, stdout: io.StringIO, address: str, network: str
) -> None:
    logs = open_logs()
    logs.access("r1", "GET", "/", 200, 0.1, "-", 5, "anonymous", address, 1)
    assert logs.flush()
    [line] = objects(stdout.getvalue())
    assert line["client"] == network
    assert "77" not in stdout.getvalue()


@pytest.mark.parametrize("production", [True, False])
def test_a_line_that_stands_for_several_requests_says_so(
    open_logs: Opened, stdout: io.StringIO, production: bool
) -> None:
    logs = open_logs(production=production)
    logs.access("r1", "GET", "/health", 200, 0.1, "-", 5, "anonymous", "192.0.2.77", 1_234)
    assert logs.flush()
    assert ('"standsFor":1234' if production else " for 1234  r1") in stdout.getvalue()


def test_only_errors_are_in_the_error_file_and_with_their_stack(
    open_logs: Opened, tmp_path: Path
) -> None:
    logs = open_logs(directory=tmp_path)
    log = get_logger("users")
    log.warning("Odd")
    try:
        raise LookupError("for ann@example.com")  # noqa: TRY301 - it needs a stack
    except LookupError:
        log.exception("It broke")
    assert logs.flush()
    [line] = objects((tmp_path / "error.log").read_text())
    assert line["message"] == "It broke"
    assert "test_logs.py" in line["stack"]
    assert 'raise LookupError("for' in line["stack"]
    assert "ann@example.com" not in line["stack"]
    assert len(objects((tmp_path / "combined.log").read_text())) == 2


def test_files_rotate_at_their_size_and_the_oldest_goes(open_logs: Opened, tmp_path: Path) -> None:
    logs = open_logs(directory=tmp_path, file_max_bytes=1_000, files_max=3)
    for number in range(100):
        logs.access(str(number), "GET", "/users/{id}", 200, 0.001, "-", 1, *ANYONE)
    assert logs.flush()
    kept = [tmp_path / f"combined.log{end}" for end in (".2", ".1", "")]
    assert sorted(tmp_path.glob("combined*")) == sorted(kept)
    assert all(0 < file.stat().st_size <= 1_000 for file in kept)
    ids = [int(line["requestId"]) for file in kept for line in objects(file.read_text())]
    assert ids == list(range(ids[0], 100))


def test_development_writes_lines_for_people_and_no_file(
    open_logs: Opened, stdout: io.StringIO, tmp_path: Path
) -> None:
    logs = open_logs(production=False, directory=tmp_path / "logs")
    logs.access("r1", "GET", "/users/{id}", 404, 0.0123, "miss", 5, *ANYONE)
    get_logger("users").info("A user was made", userId="7", name="Ann B")
    assert logs.flush()
    assert stdout.getvalue() == (
        "15:30:45.123 info     http  GET /users/{id} 404 12.3 ms miss 5 B  r1\n"
        "15:30:45.123 info     users  A user was made  userId=7 name='Ann B'\n"
    )
    assert not (tmp_path / "logs").exists()


def test_colour_is_for_terminals_and_no_color_is_honoured(
    open_logs: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for no_color, coloured in (("", True), ("1", False)):
        monkeypatch.setenv("NO_COLOR", no_color)
        terminal = Terminal()
        logs = open_logs(production=False, stdout=terminal)
        logs.access("r1", "GET", "/", 200, 0.1, "-", 5, *ANYONE)
        assert logs.flush()
        assert ("\x1b[" in terminal.getvalue()) is coloured


@pytest.mark.parametrize("production", [True, False])
def test_nothing_that_a_client_sends_breaks_a_line(
    open_logs: Opened, stdout: io.StringIO, production: bool
) -> None:
    logs = open_logs(production=production)
    logs.access(EVIL, EVIL, EVIL, 200, 0.1, "-", 5, *ANYONE)
    get_logger("users").info(EVIL, name=EVIL, names=[EVIL], **{EVIL: 1})
    logging.getLogger("sqlalchemy.pool").warning(EVIL)
    assert logs.flush()
    text = stdout.getvalue()
    assert text.count("\n") == len(text.splitlines()) == 3
    assert all(char.isprintable() for char in text.replace("\n", ""))
    if production:
        assert objects(text)[1]["name"].startswith("a\nb\r\x1b[31mc\x85d\u2028e")


def test_a_value_that_fits_no_line_is_said_in_a_line_and_fails_no_request(
    open_logs: Opened, stdout: io.StringIO
) -> None:
    logs = open_logs()
    logs.access("r1", "GET", None, 200, 0.1, "-", 5, *ANYONE)  # type: ignore[arg-type]
    logs.access("r2", "GET", "/", 200, 0.1, "-", 5, *ANYONE)
    assert logs.flush()
    odd, line = objects(stdout.getvalue())
    assert (odd["level"], odd["message"]) == ("error", "A line could not be written")
    assert line["requestId"] == "r2"


def test_before_the_start_a_request_has_no_line(clock: Clock, stdout: io.StringIO) -> None:
    logs = Logs(level="info", production=True, directory=None, clock=clock, stdout=stdout)
    logs.access("r1", "GET", "/", 200, 0.1, "-", 5, *ANYONE)
    assert (stdout.getvalue(), logs.dropped) == ("", 0)


def test_the_text_of_an_error_cannot_forge_a_line(open_logs: Opened, stdout: io.StringIO) -> None:
    logs = open_logs(production=False)
    get_logger("users").error("It broke", exc_info=ValueError("x\n15:00:00 forged\x1b[2J"))
    assert logs.flush()
    head, *rows = stdout.getvalue().splitlines()
    assert head.endswith("users  It broke")
    assert all(row.startswith("    ") and row.isprintable() for row in rows)


def test_logging_of_others_goes_the_same_way_once(open_logs: Opened, stdout: io.StringIO) -> None:
    other = logging.getLogger("uvloop")
    theirs = logging.StreamHandler(io.StringIO())
    other.addHandler(theirs)
    other.propagate = False
    root_before = list(logging.getLogger().handlers)
    try:
        logs = open_logs()
        other.warning("loop %s is late", 3)
        other.info("not worth a line")
        logging.getLogger("asyncio").error("bad arguments %d", "x")
        assert logs.flush()
        lines = objects(stdout.getvalue())
        assert [(line["component"], line["message"]) for line in lines] == [
            ("uvloop", "loop 3 is late"),
            ("asyncio", "bad arguments %d"),
        ]
        logs.close()
        assert other.handlers == [theirs]
        assert logging.getLogger().handlers == root_before
    finally:
        other.removeHandler(theirs)
        other.propagate = True


def test_the_level_decides_which_lines_are_written(open_logs: Opened, stdout: io.StringIO) -> None:
    logs = open_logs(level="warning")
    get_logger("users").info("quiet")
    logs.access("r1", "GET", "/", 200, 0.1, "-", 5, *ANYONE)
    logs.access("r2", "GET", "/", 500, 0.1, "-", 5, *ANYONE)
    assert logs.flush()
    assert [line["requestId"] for line in objects(stdout.getvalue())] == ["r2"]


def test_a_directory_that_cannot_be_written_stops_the_start_with_one_line(
    clock: Clock, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    logs = Logs(level="info", production=True, directory=tmp_path / "file" / "logs", clock=clock)
    with pytest.raises(StartupError) as refused:
        logs.start()
    assert str(tmp_path / "file" / "logs") in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_closed_pipe_loses_its_lines_and_the_file_says_so(
    open_logs: Opened, tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        logs = open_logs(directory=tmp_path, stdout=pipe)
        get_logger("users").info("Nobody reads this")
        assert logs.flush()
        logs.close()
        lines = objects((tmp_path / "combined.log").read_text())
    assert [line["message"] for line in lines] == ["Nobody reads this", "A log cannot be written"]
    assert logs.dropped == 2


def test_a_line_after_the_end_is_still_written(open_logs: Opened, stdout: io.StringIO) -> None:
    logs = open_logs()
    logs.close()
    get_logger("users").error("Last words")
    assert [line["message"] for line in objects(stdout.getvalue())] == ["Last words"]
