"""Many runs on all cores: the command `event-seating simulate`.

Runs are independent; the outcomes come in the order of the seeds, whichever ends first.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from event_seating.simulation.run import RunOutcome, Simulation

EXIT_BROKEN: Final = 1

SHOWN: Final = (
    "fault crash",
    "fault answer of a commit lost",
    "fault commit late",
    "fault clock jump",
    "unknown outcome",
    "lost race",
    "replayed",
    "hold expired",
    "late booking",
)
"""The counts that the summary shows."""


def run_one(steps: int, seed: int) -> RunOutcome:
    """One run; a module-level function, so that another process can call it."""
    return Simulation(seed, steps).run()


def run_many(seeds: Sequence[int], steps: int, jobs: int | None = None) -> Iterator[RunOutcome]:
    """The outcome of each seed, in order, computed by `jobs` processes (default: all cores)."""
    jobs = min(jobs or os.cpu_count() or 1, len(seeds))
    if jobs <= 1:
        yield from (run_one(steps, seed) for seed in seeds)
        return
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    try:
        yield from pool.map(partial(run_one, steps), seeds)
    finally:
        pool.shutdown(cancel_futures=True)


def simulate(seeds: Sequence[int], steps: int, jobs: int | None, console: Console) -> int:
    """Run all seeds with a progress bar and print a summary; returns the exit code.

    The first run in which a check fails ends it: its seed, step and last lines are shown.
    """
    started, done, versions = time.perf_counter(), 0, 0
    happened: Counter[str] = Counter()
    bar = Progress(
        TextColumn("simulating"), BarColumn(), MofNCompleteColumn(), TextColumn("runs"),
        TimeElapsedColumn(), console=console, transient=True,
        disable=not console.is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task("runs", total=len(seeds))
        for outcome in run_many(seeds, steps, jobs):
            bar.advance(task)
            done += outcome.steps
            versions += outcome.versions
            happened += outcome.happened
            if outcome.broken is not None:
                bar.stop()
                _show_broken(outcome, steps, console)
                return EXIT_BROKEN
    seconds = time.perf_counter() - started
    runs = "1 seed" if len(seeds) == 1 else f"{len(seeds):,} seeds"
    console.print(
        f"{done:,} steps, {runs}, {versions:,} rows of log: nothing is broken"
        f" ({seconds:.0f} s, {done / seconds:,.0f} steps/s)",
        highlight=False,
        soft_wrap=True,
    )
    counted = ", ".join(f"{what.removeprefix('fault ')} {happened[what]:,}" for what in SHOWN)
    console.print(f"among them: {counted}", highlight=False, soft_wrap=True)
    if len(seeds) == 1:
        console.print(f"trace {outcome.trace_hash}", highlight=False)
    return 0


def _show_broken(outcome: RunOutcome, steps: int, console: Console) -> None:
    for line in outcome.trace:
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"seed {outcome.seed}, step {outcome.steps}: {outcome.broken}\n"
        f"again: event-seating simulate --seed {outcome.seed} --steps {steps}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
