"""The report: one table of rows, one of contenders, on the terminal and as Markdown.

Figures are medians with the least and the most of the rounds. A goal is judged by the median; `~`
marks a verdict that the spread crosses.
"""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.rows import RATIO_UNIT, Judged, Row, Samples, Verdict
from benchmarks.topic import Profile

ROW_HEADINGS = ("topic", "what", "against", "ratio", "measured", "reference", "goal", "verdict")
PROFILE_HEADINGS = ("contender", "req/s", "p50", "p99", "CPU a request")

STYLES = {
    Verdict.met: "green",
    Verdict.short: "yellow",
    Verdict.invalid: "red",
    Verdict.no_goal: "dim",
}


def figure(value: float) -> str:
    """A number with three digits that mean something: `0.0123`, `1.23`, `123`, `12,345`."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1 else f"{value:.2g}"


def spread(samples: Samples | None) -> str:
    """`median unit (least to most)`; the median alone when there is nothing between them."""
    if samples is None:
        return ""
    unit = samples.unit if samples.unit == RATIO_UNIT else f" {samples.unit}"
    middle = f"{figure(samples.median)}{unit}"
    if samples.low == samples.high:
        return middle
    return f"{middle} ({figure(samples.low)} to {figure(samples.high)})"


def goal(row: Row) -> str:
    """`≥ 4x` or `< 1 µs`."""
    if row.goal is None:
        return ""
    judged = row.judged
    unit = judged.unit if judged else ""
    space = "" if row.goal.of is Judged.ratio else " "
    return f"{row.goal.bound} {figure(row.goal.value)}{space}{unit}"


def verdict(row: Row) -> str:
    """`met` or `short`, with ` ~` when the spread crosses the goal; else `-` or `invalid`."""
    return f"{row.verdict} ~" if row.close else str(row.verdict)


def cells(row: Row) -> tuple[str, ...]:
    """A row as texts, in the order of the headings."""
    figures = (spread(row.ratio), spread(row.measured), spread(row.reference))
    return (row.topic, row.what, row.against, *figures, goal(row), verdict(row))


def reasons(rows: Iterable[Row]) -> list[str]:
    """Why rows are invalid, a line a reason."""
    return list(dict.fromkeys(f"invalid: {row.invalid}" for row in rows if row.invalid))


def profile_cells(profile: Profile) -> tuple[str, ...]:
    """A contender as texts, in the order of the headings."""
    figures = (profile.requests_per_s, profile.p50_ms, profile.p99_ms, profile.cpu_us)
    return (profile.contender, *map(spread, figures))


def show(console: Console, rows: Sequence[Row], profiles: Sequence[Profile]) -> None:
    """Prints both tables."""
    table = Table(*ROW_HEADINGS, title="ratios: above 1 is ahead")
    for row in rows:
        table.add_row(*cells(row)[:-1], f"[{STYLES[row.verdict]}]{verdict(row)}[/]")
    console.print(table)
    for reason in reasons(rows):
        console.print(reason, markup=False)
    if profiles:
        console.print(_table(PROFILE_HEADINGS, map(profile_cells, profiles)))


def markdown(machine: str, rows: Sequence[Row], profiles: Sequence[Profile]) -> str:
    """Both tables as a Markdown page."""
    parts = [machine, _markdown_table(ROW_HEADINGS, map(cells, rows)), *reasons(rows)]
    if profiles:
        parts.append(_markdown_table(PROFILE_HEADINGS, map(profile_cells, profiles)))
    return "\n\n".join(parts) + "\n"


def _table(headings: Sequence[str], lines: Iterable[Sequence[str]]) -> Table:
    table = Table(*headings)
    for line in lines:
        table.add_row(*line)
    return table


def _markdown_table(headings: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    body = [" | ".join(headings), "|".join("---" for _ in headings), *map(" | ".join, lines)]
    return "\n".join(f"| {line} |" for line in body)
