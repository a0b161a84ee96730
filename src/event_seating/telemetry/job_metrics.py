"""The metrics of jobs: what waits, what was done, and how long it took.

Jobs are done by other processes than the one that Prometheus asks. So these are read from what all
of them counted together: each instance answers with the same numbers, and rules take the largest.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)


class Attempts(Protocol):
    """How often something came of a kind of job."""

    @property
    def queue(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def number(self) -> int: ...


class Durations(Protocol):
    """How long the attempts of a kind of job took."""

    @property
    def queue(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def buckets(self) -> Mapping[float, int]: ...
    @property
    def number(self) -> int: ...
    @property
    def sum_s(self) -> float: ...


class JobStats(Protocol):
    """What is known of jobs, as of a few seconds ago."""

    @property
    def oldest_s(self) -> float | None: ...
    @property
    def states(self) -> Mapping[tuple[str, str], int]: ...
    @property
    def attempts(self) -> Sequence[Attempts]: ...
    @property
    def durations(self) -> Sequence[Durations]: ...


def families(stats: JobStats) -> Iterable[Metric]:
    """All of them; what is not known at the moment has no sample."""
    oldest = GaugeMetricFamily(
        "outbox_oldest_seconds", "Age of the oldest job that is not done; 0 when all are."
    )
    if stats.oldest_s is not None:
        oldest.add_metric((), stats.oldest_s)
    yield oldest
    states = GaugeMetricFamily("jobs", "Jobs in a queue, by state.", labels=("queue", "state"))
    for (queue, state), number in stats.states.items():
        states.add_metric((queue, state), number)
    yield states
    attempts = CounterMetricFamily(
        "job_attempts_total",
        "Attempts at jobs, by what became of them.",
        labels=("queue", "name", "outcome"),
    )
    for each in stats.attempts:
        attempts.add_metric((each.queue, each.name, each.outcome), each.number)
    yield attempts
    durations = HistogramMetricFamily(
        "job_duration_seconds", "Time of one attempt at a job.", labels=("queue", "name")
    )
    for took in stats.durations:
        buckets = [(str(bound), number) for bound, number in took.buckets.items()]
        durations.add_metric((took.queue, took.name), [*buckets, ("+Inf", took.number)], took.sum_s)
    yield durations
