import re
import threading
from collections.abc import Sequence

import pytest

from event_seating.telemetry import sink as sink_module
from event_seating.telemetry.render import JsonRenderer, LogLine
from event_seating.telemetry.sink import BATCH_MAX, RENDERED_MAX, WAKE_AT, Lost, Report, Sink

BOUND_S = 10.0
ACCESS_LINE = b"GET /\n"


class Gate:
    """An output that stands still until it is opened."""

    name = "gate"

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()
        self.lines: list[bytes] = []
        self.batches: list[int] = []
        self.full = False

    def write(self, lines: Sequence[bytes]) -> None:
        self.reached.set()
        assert self.open.wait(BOUND_S)
        if self.full:
            raise OSError(28, "No space left on device")
        self.lines += lines
        self.batches.append(len(lines))

    def close(self) -> None:
        self.open.set()


def line(text: str, level: str = "info") -> LogLine:
    return LogLine(0, level, "test", text, {}, None)


def stuck_sink(gate: Gate, reports: list[Report]) -> Sink:
    def describe(report: Report) -> LogLine:
        reports.append(report)
        return line("report")

    sink = Sink(JsonRenderer(), outputs=[gate], describe=describe, queue_max=3, errors_reserve=2)
    sink.start()
    sink.put(line("first", "error"))
    assert gate.reached.wait(BOUND_S)
    return sink


def test_lines_beyond_the_bound_are_dropped_counted_and_reported_and_errors_have_room_left() -> (
    None
):
    gate, reports = Gate(), []
    sink = stuck_sink(gate, reports)
    for number in range(5):
        sink.put(line(f"info {number}"))
    sink.put_access(ACCESS_LINE)
    for number in range(4):
        sink.put(line(f"error {number}", "error"))
    assert sink.dropped == 5
    gate.open.set()
    assert sink.close(BOUND_S)
    assert reports == [Lost(lines=3, errors=2)]
    text = b"".join(gate.lines)
    assert b"info 2" in text
    assert b"info 3" not in text
    assert b"error 1" in text
    assert b"error 2" not in text
    assert text.count(b"report") == 1


def test_a_full_disk_is_said_once_and_so_is_its_end() -> None:
    gate, reports = Gate(), []
    gate.full = True
    gate.open.set()
    sink = stuck_sink(gate, reports)
    assert sink.flush(BOUND_S)
    sink.put(line("second"))
    assert sink.flush(BOUND_S)
    gate.full = False
    sink.put(line("third"))
    assert sink.close(BOUND_S)
    assert [report[1:] for report in reports] == [("No space left on device", 0), ("", 3)]
    assert sink.dropped == 3
    assert b"third" in gate.lines[0]


def test_closing_does_not_wait_for_ever_for_an_output_that_is_stuck() -> None:
    gate = Gate()
    sink = stuck_sink(gate, [])
    assert not sink.close(0.01)
    gate.open.set()
    assert sink.close(BOUND_S)


def test_a_batch_is_small() -> None:
    gate = Gate()
    gate.open.set()
    sink = Sink(JsonRenderer(), outputs=[gate], describe=lambda _: line("report"))
    for _ in range(BATCH_MAX * 2 + 1):
        sink.put_access(ACCESS_LINE)
    sink.start()
    assert sink.close(BOUND_S)
    assert gate.batches == [BATCH_MAX, BATCH_MAX, 1]


def test_a_batch_has_few_lines_that_must_be_rendered() -> None:
    gate = Gate()
    gate.open.set()
    sink = Sink(JsonRenderer(), outputs=[gate], describe=lambda _: line("report"))
    for number in range(2 * RENDERED_MAX + 1):
        sink.put_access(ACCESS_LINE)
        sink.put(line(str(number)))
    sink.start()
    assert sink.close(BOUND_S)
    assert gate.batches == [2 * RENDERED_MAX, 2 * RENDERED_MAX, 2]


def test_lines_are_written_in_the_order_in_which_they_came() -> None:
    gate = Gate()
    gate.open.set()
    sink = Sink(JsonRenderer(), outputs=[gate], describe=lambda _: line("report"))
    for number in range(BATCH_MAX + RENDERED_MAX):
        sink.put_access(b"%d\n" % number) if number % 3 else sink.put(line(f"<{number}>"))
    sink.start()
    assert sink.flush(BOUND_S)
    numbers = [re.search(rb"^(\d+)|<(\d+)>", written) for written in gate.lines]
    assert [int(found[1] or found[2]) for found in numbers if found] == list(range(len(gate.lines)))
    assert len(gate.lines) == BATCH_MAX + RENDERED_MAX
    assert sink.close(BOUND_S)


def test_a_line_that_cannot_be_rendered_does_not_end_the_log() -> None:
    gate, reports = Gate(), []
    gate.open.set()
    sink = stuck_sink(gate, reports)
    sink.put(LogLine(0, "info", "test", "odd", {"value": object()}, None))
    sink.put(line("after"))
    assert sink.close(BOUND_S)
    assert len(reports) == 1
    assert b"after" in gate.lines[-1]


class Refilling:
    """An output that gets as many new lines as it has written, for a while."""

    name = "refilling"

    def __init__(self) -> None:
        self.sink: Sink | None = None
        self.refills = 5
        self.left = 10 * BATCH_MAX
        self.all_there = threading.Event()

    def write(self, lines: Sequence[bytes]) -> None:
        assert self.sink is not None
        self.left -= len(lines)
        if self.refills:
            self.refills -= 1
            for _ in lines:
                self.sink.put_access(ACCESS_LINE)
        if not self.left:
            self.all_there.set()

    def close(self) -> None: ...


def test_what_came_while_it_wrote_is_written_though_nothing_wakes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sink_module, "WAIT_S", 3_600)
    output = Refilling()
    assert output.refills * BATCH_MAX - BATCH_MAX > WAKE_AT, "the queue never has just so many"
    sink = output.sink = Sink(JsonRenderer(), outputs=[output], describe=lambda _: line("report"))
    for _ in range(output.refills * BATCH_MAX):
        sink.put_access(ACCESS_LINE)
    sink.start()
    assert output.all_there.wait(BOUND_S)
    assert sink.close(BOUND_S)
