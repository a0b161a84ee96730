from io import StringIO

import pytest
from benchmarks import __main__ as bench
from benchmarks import report
from benchmarks.cached_read import counted_by_metrics, lines_logged
from benchmarks.rows import (
    Bound,
    Goal,
    Judged,
    Row,
    Samples,
    Verdict,
    less_is_better,
    more_is_better,
)
from benchmarks.topic import Profile
from rich.console import Console

FOUR_TIMES = Goal(Bound.at_least, 4, Judged.ratio)


def row(*ratios, goal=FOUR_TIMES, invalid=""):
    return Row("topic", "what", "peer", ratio=Samples(ratios, "x"), goal=goal, invalid=invalid)


def test_above_one_is_ahead_for_rates_and_for_times():
    assert more_is_better([200], [100]).values == (2,)
    assert less_is_better([5], [10]).values == (2,)


def test_a_ratio_is_taken_within_each_round():
    assert more_is_better([10, 40], [10, 10]).median == 2.5


def test_rounds_that_do_not_pair_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        more_is_better([1, 2], [1])


def test_the_median_decides_whether_a_goal_is_met():
    assert row(1, 4, 9).verdict is Verdict.met
    assert row(1, 3.9, 9).verdict is Verdict.short


@pytest.mark.parametrize(
    ("bound", "holds"),
    [(Bound.at_least, True), (Bound.at_most, True), (Bound.above, False), (Bound.below, False)],
)
def test_a_value_on_the_bound_meets_it_only_where_the_bound_says_so(bound, holds):
    assert Goal(bound, 4, Judged.ratio).holds(4) is holds


def test_a_goal_about_what_was_measured_does_not_look_at_the_ratio():
    slow_but_ahead = Row(
        "topic",
        "what",
        measured=Samples((12,), "µs"),
        ratio=Samples((100,), "x"),
        goal=Goal(Bound.below, 10, Judged.measured),
    )

    assert slow_but_ahead.verdict is Verdict.short


def test_a_spread_across_the_goal_marks_the_verdict():
    assert report.verdict(row(3, 5, 6)) == "met ~"
    assert report.verdict(row(5, 5, 6)) == "met"


def test_an_invalid_row_is_never_met():
    refused = row(9, 9, 9, invalid="7 of Express's answers were not 2xx")

    assert refused.verdict is Verdict.invalid
    assert report.verdict(refused) == "invalid"


def test_a_reason_that_many_rows_share_is_told_once():
    rows = [row(5), row(5, invalid="why"), row(5, invalid="why"), row(5, invalid="how")]

    assert report.reasons(rows) == ["invalid: why", "invalid: how"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0345, "0.035"),
        (1.234, "1.23"),
        (12.34, "12.3"),
        (345.6, "346"),
        (9e4, "90,000"),
    ],
)
def test_figures_keep_the_digits_that_mean_something(value, text):
    assert report.figure(value) == text


def test_a_spread_shows_median_least_and_most():
    assert report.spread(Samples((3, 1, 2), "ms")) == "2 ms (1 to 3)"
    assert report.spread(Samples((2, 2), "x")) == "2x"
    assert report.spread(None) == ""


def test_markdown_has_a_line_a_row_with_as_many_cells_as_headings():
    rates = Samples((1000.0,), "req/s")
    times = Samples((1.0,), "ms")
    page = report.markdown("a machine", [row(5)], [Profile("peer", rates, times, times, times)])

    lines = [line for line in page.splitlines() if line.startswith("|")]
    assert page.startswith("a machine\n")
    assert len(lines) == 6
    assert {line.count("|") for line in lines[:3]} == {len(report.ROW_HEADINGS) + 1}
    assert {line.count("|") for line in lines[3:]} == {len(report.PROFILE_HEADINGS) + 1}
    assert "≥ 4x" in lines[2]


def test_the_terminal_shows_every_verdict():
    shown = StringIO()
    report.show(Console(file=shown, width=200), [row(5), row(1), row(5, invalid="why")], [])

    assert all(word in shown.getvalue() for word in ("met", "short", "invalid: why"))


def test_requests_are_counted_over_all_labels_of_the_metrics_page():
    page = (
        "# TYPE http_request_duration_seconds histogram\n"
        'http_request_duration_seconds_bucket{le="1"} 9\n'
        'http_request_duration_seconds_count{method="GET",route="/users/{id}",status="200"} 30.0\n'
        'http_request_duration_seconds_count{method="GET",route="/health",status="200"} 2\n'
        "other_count 7\n"
    )

    assert counted_by_metrics(page) == 32


def test_logged_lines_are_those_of_the_output_or_of_all_files(tmp_path):
    (tmp_path / "output.log").write_text("a\nb\n")
    assert lines_logged(tmp_path) == 2

    (tmp_path / "combined.log").write_text("a\n")
    assert lines_logged(tmp_path) == 2

    (tmp_path / "combined.log.1").write_text("a\nb\n")
    assert lines_logged(tmp_path) == 3


def test_a_topic_that_breaks_is_an_invalid_row_and_loses_nothing_of_the_others(
    monkeypatch, tmp_path
):
    def breaks(_run):
        raise KeyError("first picture")

    monkeypatch.setitem(bench.TOPICS, "start", lambda _run: [Row("start", "ready")])
    monkeypatch.setitem(bench.TOPICS, "page", breaks)
    monkeypatch.setattr(bench, "RESULTS", tmp_path)
    monkeypatch.setattr(bench.signal, "signal", lambda *_: None)
    assert bench.main(["--only", "start", "--only", "page"]) == 1
    table = (tmp_path / "last.md").read_text()
    assert "ready" in table
    assert "KeyError: 'first picture'" in table
