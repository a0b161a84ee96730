"""The metrics of jobs: what waits, what was done, and how long it took.

Prometheus asks other processes than those that do jobs. So these numbers are read from what all
processes counted together: each instance answers the same, and rules take the largest.
"""

from collections.abc import Iterable

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from event_seating.operations.job_watch import JobWatch


def families(watch: JobWatch) -> Iterable[Metric]:
    """All of them; a number that is not known now has no sample."""
    oldest = GaugeMetricFamily(
        "outbox_oldest_seconds", "Age of the oldest job that is not done; 0 when all are."
    )
    if watch.oldest_s is not None:
        oldest.add_metric((), watch.oldest_s)
    yield oldest
    states = GaugeMetricFamily("jobs", "Jobs in a queue, by state.", labels=("queue", "state"))
    for (queue, state), number in watch.states.items():
        states.add_metric((queue, state), number)
    yield states
    attempts = CounterMetricFamily(
        "job_attempts_total",
        "Attempts at jobs, by what became of them.",
        labels=("queue", "name", "outcome"),
    )
    for each in watch.attempts:
        attempts.add_metric((each.queue, each.name, each.outcome), each.number)
    yield attempts
    durations = HistogramMetricFamily(
        "job_duration_seconds", "Time of one attempt at a job.", labels=("queue", "name")
    )
    for took in watch.durations:
        buckets = [(str(bound), number) for bound, number in took.buckets.items()]
        durations.add_metric((took.queue, took.name), [*buckets, ("+Inf", took.number)], took.sum_s)
    yield durations
