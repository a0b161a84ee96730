"""Times of small calls, and clocks that the measured parts are given."""

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from benchmarks.rows import Samples
from event_seating.processes.child_runtime import COLLECT_AFTER


class HandClock:
    """Monotonic seconds that move when told."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def elapsed_us(work: Callable[[], object]) -> float:
    """Microseconds that `work` takes, once, without the collector in between."""
    gc.collect()
    gc.disable()
    try:
        started = time.perf_counter_ns()
        work()
        return (time.perf_counter_ns() - started) / 1000
    finally:
        gc.enable()


def each_us(call: Callable[[str], object], keys: list[str]) -> float:
    """Microseconds that `call` takes a key; the loop around it (some 20 ns) is included."""

    def all_keys() -> None:
        for key in keys:
            call(key)

    return elapsed_us(all_keys) / len(keys)


@contextmanager
def collecting_as_the_server() -> Iterator[None]:
    """What is there already is left alone, and the rest is looked at as rarely as it does."""
    before = gc.get_threshold()
    gc.set_threshold(*COLLECT_AFTER)
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def samples(values: Iterable[float], unit: str) -> Samples:
    """The values, one a round, with their unit."""
    return Samples(tuple(values), unit)
