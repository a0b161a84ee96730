"""What a topic gets and gives: `measure(run)` yields the rows and profiles of one subject."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rows import Row, Samples


@dataclass(frozen=True)
class Profile:
    """How one contender did under the load, for context beside the ratios."""

    contender: str
    requests_per_s: Samples
    p50_ms: Samples
    p99_ms: Samples
    cpu_us: Samples


@dataclass(frozen=True)
class Run:
    """How long to measure, where servers keep their files, and where progress is told."""

    rounds: int
    seconds: int
    directory: Path
    tell: Callable[[str], None]


Measure = Callable[[Run], Iterator[Row | Profile]]
