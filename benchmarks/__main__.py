"""`python -m benchmarks`: measures each topic and prints what it found.

Ends with 1 when a row is invalid, never because a goal is missed: a report is not a test.
"""

import argparse
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks import (
    cache,
    cached_read,
    coalescing,
    jobs,
    limiter,
    live,
    live_crowd,
    machine,
    memory,
    page,
    report,
    seats_best,
    seats_engine,
    seats_http,
    seats_load,
    seats_processes,
    seats_size,
    start,
)
from benchmarks.load import LoadError
from benchmarks.node import NodeError
from benchmarks.rows import Row, Verdict
from benchmarks.servers import ServerError
from benchmarks.topic import Measure, Profile, Run

TOPICS: dict[str, Measure] = {
    "cached-read": cached_read.measure,
    "coalescing": coalescing.measure,
    "cache": cache.measure,
    "limiter": limiter.measure,
    "start": start.measure,
    "memory": memory.measure,
    "seats-engine": seats_engine.measure,
    "seats-size": seats_size.measure,
    "seats-best": seats_best.measure,
    "seats-load": seats_load.measure,
    "seats-processes": seats_processes.measure,
    "seats-http": seats_http.measure,
    "jobs": jobs.measure,
    "live": live.measure,
    "page": page.measure,
}

LONG_TOPICS: dict[str, Measure] = {
    "live-crowd": live_crowd.measure,
}
"""These run when they are named, and not otherwise."""

RESULTS = Path(__file__).parent / "results"

ROUNDS_MAX = 50
SECONDS_MAX = 5
"""Longer loads would meet the highest limit that can be set within a minute."""

FILE_WIDTH = 180
"""Characters a line where there is no terminal to ask."""


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    if options.list:
        print("\n".join(TOPICS | LONG_TOPICS))
        return 0
    # As Ctrl-C does: the servers end on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    console = Console(width=None if sys.stdout.isatty() else FILE_WIDTH)
    facts = f"{datetime.now(UTC):%Y-%m-%d}: {machine.describe()}"
    console.print(facts)
    rows: list[Row] = []
    profiles: list[Profile] = []
    for name in options.only or TOPICS:
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            run = Run(options.rounds, options.seconds, Path(directory), console.print)
            results = _measured(name, run)
        rows += [result for result in results if isinstance(result, Row)]
        profiles += [result for result in results if isinstance(result, Profile)]
    report.show(console, rows, profiles)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "last.md").write_text(report.markdown(facts, rows, profiles))
    return int(any(row.verdict is Verdict.invalid for row in rows))


def _measured(name: str, run: Run) -> list[Row | Profile]:
    """What the topic gives, or one invalid row that says why it gave nothing."""
    try:
        return list((TOPICS | LONG_TOPICS)[name](run))
    except (LoadError, NodeError, ServerError) as error:
        run.tell(f"{name}: {error}")
        return [Row(topic=name, what="not measured", invalid=str(error))]
    except Exception as error:  # noqa: BLE001 (what the others measured took long, and is kept)
        run.tell(traceback.format_exc())
        return [Row(topic=name, what="not measured", invalid=f"{type(error).__name__}: {error}")]


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--list", action="store_true", help="the topics, and nothing else")
    parser.add_argument(
        "--only", action="append", choices=TOPICS | LONG_TOPICS, help="this topic; repeatable"
    )
    parser.add_argument("--rounds", type=_up_to(ROUNDS_MAX), default=5, help="of each contender")
    parser.add_argument("--seconds", type=_up_to(SECONDS_MAX), default=3, help="of each load")
    return parser.parse_args(arguments)


def _up_to(most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text)
        if not 1 <= number <= most:
            raise argparse.ArgumentTypeError(f"1 to {most}")
        return number

    return parse


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
