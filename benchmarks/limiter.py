"""The limiter in process: time of a check and memory of a client, with both default windows."""

from collections.abc import Iterator

from benchmarks import footprint
from benchmarks.references import DequeLimiter
from benchmarks.rows import Bound, Goal, Judged, Row, less_is_better
from benchmarks.stopwatch import HandClock, each_us, samples
from benchmarks.topic import Profile, Run
from event_seating.limits.limiter import Limiter

TOPIC = "limiter"

CLIENTS = 10_000
ROUNDS_OF_CLIENTS = 10
STEP_S = 7.0
"""A client that asks every 7 s is admitted by both default windows, and its ring is nearly full."""

AGAINST = "a deque of times a client"

CHECK_GOAL = Goal(Bound.below, 10, Judged.measured)
MEMORY_GOAL = Goal(Bound.at_most, 200, Judged.measured)


def measure(run: Run) -> Iterator[Row | Profile]:
    for what, step_s in (("check that admits", STEP_S), ("check that refuses", 0.0)):
        run.tell(f"{TOPIC}: {what}")
        ours, reference = [], []
        for _ in range(run.rounds):
            ours.append(_check_us(Limiter, step_s))
            reference.append(_check_us(DequeLimiter, step_s))
        yield Row(
            topic=TOPIC,
            what=what,
            against=AGAINST,
            measured=samples(ours, "µs"),
            reference=samples(reference, "µs"),
            ratio=less_is_better(ours, reference),
            goal=CHECK_GOAL,
        )
    yield _memory(run)


def _check_us(kind: type[Limiter] | type[DequeLimiter], step_s: float) -> float:
    """Microseconds a check, over many clients in turn, once their rings are filled."""
    clock = HandClock()
    limiter = kind(footprint.WINDOWS, clock)
    clients = [f"10.0.{number >> 8}.{number & 255}" for number in range(CLIENTS)]
    total = 0.0
    for number in range(2 * ROUNDS_OF_CLIENTS):
        clock.now_s += step_s
        time_us = each_us(limiter.check, clients)
        if number >= ROUNDS_OF_CLIENTS:
            total += time_us
    return total / ROUNDS_OF_CLIENTS


def _memory(run: Run) -> Row:
    run.tell(f"{TOPIC}: memory of {footprint.CLIENTS:,} clients")
    ours = [footprint.bytes_each("client")]
    reference = [footprint.bytes_each("client-reference")]
    return Row(
        topic=TOPIC,
        what=f"a client among {footprint.CLIENTS:,}, its address included",
        against=AGAINST,
        measured=samples(ours, "bytes"),
        reference=samples(reference, "bytes"),
        ratio=less_is_better(ours, reference),
        goal=MEMORY_GOAL,
    )
